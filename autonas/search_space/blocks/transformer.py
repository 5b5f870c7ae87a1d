"""Transformer encoders on time series."""

import keras
import keras_tuner

from autonas.search_space import block, ranges
from autonas.search_space.blocks import arguments

#: Maximum number of positions of the attention. Longer series are divided into patches.
_MOST_STEPS = 256


class TransformerBlock(block.Block):
    """Pre-norm transformer encoder (Xiong et al. 2020) with learned position embeddings.

    The input is a series `(n, time, channels)` of fixed length, the output a series
    `(n, time, n_heads * key_dimension)`. A series of more than 256 steps is divided into at most 256 patches, and the
    output has a step for each patch.

    Args:
        n_heads: Number of attention heads, or a range. Defaults to a choice of 2, 4 and 8.
        key_dimension: Width of a head, or a range. Defaults to a choice of 8, 16 and 32.
        feed_forward: Width of the hidden feed-forward layer, or a range. Defaults to a choice of 64, 128 and 256.
        depth: Number of encoder layers, or an `Int` range. Defaults to a range from 1 to 3.
        dropout: Dropout rate after the position embedding, the attention and the hidden feed-forward layer, or a range.
            Defaults to a choice of 0, 0.1 and 0.25.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.TimeSeriesInput()
    features = autonas.TransformerBlock(n_heads=4, key_dimension=8, depth=autonas.Int(1, 2))(inputs)
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(features))
    ```
    """

    former_names = {"n_heads": "heads"}

    def __init__(
        self,
        n_heads: int | ranges.Range = ranges.Choice([2, 4, 8], default=4),
        key_dimension: int | ranges.Range = ranges.Choice([8, 16, 32], default=16),
        feed_forward: int | ranges.Range = ranges.Choice([64, 128, 256], default=128),
        depth: int | ranges.Int = ranges.Int(1, 3),
        dropout: float | ranges.Range = ranges.Choice([0.0, 0.1, 0.25], default=0.1),
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.n_heads = n_heads
        self.key_dimension = key_dimension
        self.feed_forward = feed_forward
        self.depth = depth
        self.dropout = dropout

    def build(self, hp: keras_tuner.HyperParameters, inputs: keras.KerasTensor) -> keras.KerasTensor:
        inputs = arguments.tensor_of_rank(self, inputs, 3)
        n_heads = self.suggest(hp, "n_heads")
        key_dimension = self.suggest(hp, "key_dimension")
        feed_forward = self.suggest(hp, "feed_forward")
        dropout = self.suggest(hp, "dropout")
        width = n_heads * key_dimension

        def drop(inputs: keras.KerasTensor) -> keras.KerasTensor:
            return keras.layers.Dropout(dropout)(inputs) if dropout else inputs

        def layer(inputs: keras.KerasTensor) -> keras.KerasTensor:
            normal = keras.layers.LayerNormalization(epsilon=1e-6)(inputs)
            attended = drop(keras.layers.MultiHeadAttention(n_heads, key_dimension)(normal, normal))
            inputs = keras.layers.Add()([inputs, attended])
            hidden = keras.layers.LayerNormalization(epsilon=1e-6)(inputs)
            hidden = drop(keras.layers.Dense(feed_forward, activation="gelu")(hidden))
            return keras.layers.Add()([inputs, keras.layers.Dense(width)(hidden)])

        outputs = drop(_project(inputs, width))
        outputs = arguments.repeat(self, "depth", lambda index: layer)(hp, outputs)
        return keras.layers.LayerNormalization(epsilon=1e-6)(outputs)


def _project(inputs: keras.KerasTensor, width: int) -> keras.KerasTensor:
    """Project every step or patch to `width` channels and add a learned position embedding.

    An `EinsumDense` layer whose bias has a time axis does both, so that no custom layer is needed.
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


def pool_mask(mask: keras.KerasTensor) -> keras.KerasTensor:
    """Return the mask of the output of a `TransformerBlock`: a patch is present if any of its steps is present.

    Args:
        mask: Mask of the input of the block, floats `(n, time, 1)`, 0 for padding.

    Returns:
        Tensor of shape `(n, patches, 1)`, equal to `mask` if the series isn't divided into patches.
    """
    patch = _patch_length(mask)
    # The same padding as that of the convolution over patches, so that the patches consist of the same steps.
    return keras.layers.MaxPooling1D(patch, strides=patch, padding="same")(mask) if patch > 1 else mask


def _patch_length(inputs: keras.KerasTensor) -> int:
    """Return the number of steps of a patch, 1 for a series that isn't divided."""
    return -(-inputs.shape[1] // _MOST_STEPS)
