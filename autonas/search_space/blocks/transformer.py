"""Transformer encoders on series."""

import keras

from autonas.search_space import block, ranges
from autonas.search_space.blocks import arguments

#: Steps that attention compares with each other; longer series are cut into patches first.
_MOST_STEPS = 256


class TransformerBlock(block.Block):
    """A transformer encoder with learned positions, normalised before each part (Xiong et al. 2020).

    Takes `(n, time, channels)` of a fixed length, returns `(n, time, heads * key_dimension)`. Series of more
    than 256 steps are cut into patches, so that there are at most 256 of them.

    Args:
        heads: Number of attention heads, or a range. Defaults to a choice of 2, 4 and 8.
        key_dimension: Width of each head, or a range. Defaults to a choice of 8, 16 and 32.
        feed_forward: Width of the hidden layer after the attention, or a range. Defaults to a choice of 64,
            128 and 256.
        depth: Number of encoder layers, or an `Int` range. Defaults to 1 to 3.
        dropout: Rate of the dropout after the positions, the attention and the hidden layer, or a range.
            Defaults to a choice of 0, 0.1 and 0.25.
        name: Name of the block.
    """

    def __init__(
        self,
        heads=ranges.Choice([2, 4, 8], default=4),
        key_dimension=ranges.Choice([8, 16, 32], default=16),
        feed_forward=ranges.Choice([64, 128, 256], default=128),
        depth=ranges.Int(1, 3),
        dropout=ranges.Choice([0.0, 0.1, 0.25], default=0.1),
        name=None,
    ):
        super().__init__(name)
        self.heads = heads
        self.key_dimension = key_dimension
        self.feed_forward = feed_forward
        self.depth = depth
        self.dropout = dropout

    def build(self, hp, inputs):
        inputs = arguments.tensor_of_rank(self, inputs, 3)
        heads = self.suggest(hp, "heads")
        key_dimension = self.suggest(hp, "key_dimension")
        feed_forward = self.suggest(hp, "feed_forward")
        dropout = self.suggest(hp, "dropout")
        width = heads * key_dimension

        def drop(inputs):
            return keras.layers.Dropout(dropout)(inputs) if dropout else inputs

        def layer(inputs):
            normal = keras.layers.LayerNormalization(epsilon=1e-6)(inputs)
            attended = drop(keras.layers.MultiHeadAttention(heads, key_dimension)(normal, normal))
            inputs = keras.layers.Add()([inputs, attended])
            hidden = keras.layers.LayerNormalization(epsilon=1e-6)(inputs)
            hidden = drop(keras.layers.Dense(feed_forward, activation="gelu")(hidden))
            return keras.layers.Add()([inputs, keras.layers.Dense(width)(hidden)])

        outputs = drop(_project(inputs, width))
        outputs = arguments.repeat(self, "depth", lambda index: layer)(hp, outputs)
        return keras.layers.LayerNormalization(epsilon=1e-6)(outputs)


def _project(inputs, width):
    """Brings each step (or patch) to `width` channels and adds a learned vector for its position.

    A dense layer whose bias has a time axis is both at once, and a stock layer.
    """
    patch = _patch_length(inputs)
    if patch > 1:
        inputs = keras.layers.Conv1D(width, patch, strides=patch, padding="same")(inputs)
    return keras.layers.EinsumDense(
        "ntc,cd->ntd",
        output_shape=(inputs.shape[1], width),
        bias_axes="td",
        bias_initializer=keras.initializers.RandomNormal(stddev=0.02),
    )(inputs)


def pool_mask(mask):
    """Return the mask of the outputs of a `TransformerBlock`: a patch is present if any of its steps is.

    Args:
        mask: Mask of the steps of the block's input, floats `(n, time, 1)` of 1 for present and 0 for padding.

    Returns:
        `(n, patches, 1)`: `mask` itself for a series that isn't cut into patches.
    """
    patch = _patch_length(mask)
    # Pads as the convolution over patches does, so that both have the same steps in each patch.
    return keras.layers.MaxPooling1D(patch, strides=patch, padding="same")(mask) if patch > 1 else mask


def _patch_length(inputs):
    return -(-inputs.shape[1] // _MOST_STEPS)
