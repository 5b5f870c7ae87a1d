"""Residual networks on images, sized to the image."""

import keras

from autonas.search_space import block, ranges
from autonas.search_space.blocks import arguments, convolution


class ResidualBlock(block.Block):
    """Stages of pre-activation residual units (ResNet v2, He et al. 2016), optionally squeeze-and-excitation.

    Takes images `(n, height, width, channels)`, returns a map. Each stage but the first halves the map and
    doubles the filters, in its first unit; the number of stages is at most log2 of the shorter side.

    Args:
        filters: Filters of the first stage, or a range. Defaults to a choice of 16, 32 and 64.
        depth: Number of stages, or an `Int` range. Defaults to 1 to 4.
        layers: Number of units in a stage, or an `Int` range. Defaults to 1 to 3.
        kind: `"basic"` (two 3x3 convolutions), `"bottleneck"` (1x1, 3x3 on a quarter of the filters, 1x1) or
            a choice of them, taken anew for each unit. Defaults to both.
        squeeze_excite: Whether units weigh their channels by what is in the whole map (Hu et al. 2018), or a
            range. Defaults to `Boolean()`.
        activation: Name of the activation, or a range. Defaults to `"relu"`.
        dropout: Rate of dropping whole channels within each unit, or a range. Defaults to a choice of 0, 0.1
            and 0.25.
        max_filters: Bound of the doubling. Defaults to 512.
        name: Name of the block.
    """

    def __init__(
        self,
        filters=ranges.Choice([16, 32, 64]),
        depth=ranges.Int(1, 4, default=3),
        layers=ranges.Int(1, 3),
        kind=ranges.Choice(["basic", "bottleneck"]),
        squeeze_excite=ranges.Boolean(),
        activation="relu",
        dropout=ranges.Choice([0.0, 0.1, 0.25]),
        max_filters=512,
        name=None,
    ):
        super().__init__(name)
        self.filters = filters
        self.depth = depth
        self.layers = layers
        self.kind = kind
        self.squeeze_excite = squeeze_excite
        self.activation = activation
        self.dropout = dropout
        self.max_filters = max_filters

    def build(self, hp, inputs):
        inputs = arguments.tensor_of_rank(self, inputs, 4)
        filters = self.suggest(hp, "filters")
        squeeze_excite = self.suggest(hp, "squeeze_excite")
        activation = self.suggest(hp, "activation")
        dropout = self.suggest(hp, "dropout")
        max_filters = self.suggest(hp, "max_filters")

        def convolve(inputs, width, kernel_size, strides=1):
            return keras.layers.Conv2D(width, kernel_size, strides=strides, padding="same", use_bias=False)(inputs)

        def activate(inputs):
            return keras.layers.Activation(activation)(keras.layers.BatchNormalization(momentum=0.9)(inputs))

        def basic(inputs, width, strides):
            outputs = activate(convolve(inputs, width, 3, strides))
            if dropout:
                outputs = keras.layers.SpatialDropout2D(dropout)(outputs)
            return convolve(outputs, width, 3)

        def bottleneck(inputs, width, strides):
            inner = max(width // 4, 4)
            outputs = activate(convolve(inputs, inner, 1))
            outputs = activate(convolve(outputs, inner, 3, strides))
            if dropout:
                outputs = keras.layers.SpatialDropout2D(dropout)(outputs)
            return convolve(outputs, width, 1)

        def unit(width, strides):
            candidates = {
                "basic": lambda: lambda inputs: basic(inputs, width, strides),
                "bottleneck": lambda: lambda inputs: bottleneck(inputs, width, strides),
            }

            def layer(inputs):
                activated = activate(inputs)
                outputs = arguments.choose(self, "kind", candidates)(hp, activated)
                if squeeze_excite:
                    outputs = excite(outputs)
                if strides != 1 or inputs.shape[-1] != width:
                    inputs = convolve(activated, width, 1, strides)
                return keras.layers.Add()([inputs, outputs])

            return layer

        def stage(index):
            width = min(filters * 2**index, max_filters)
            units = arguments.repeat(self, "layers", lambda place: unit(width, 2 if index and not place else 1))
            return lambda inputs: units(hp, inputs)

        outputs = convolve(convolution.shrink(inputs, filters), filters, 3)
        stages = arguments.repeat(self, "depth", stage, limit=convolution.max_stages(outputs))
        return activate(stages(hp, outputs))


def excite(inputs, ratio=4):
    """Squeeze-and-excitation: scales each channel of a map by a gate in 0..1 made from the means of all."""
    channels = inputs.shape[-1]
    gate = keras.layers.GlobalAveragePooling2D(keepdims=True)(inputs)
    gate = keras.layers.Dense(max(channels // ratio, 4), activation="relu")(gate)
    gate = keras.layers.Dense(channels, activation="sigmoid")(gate)
    return keras.layers.Multiply()([inputs, gate])
