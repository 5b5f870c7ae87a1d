"""Residual networks on images."""

import keras
import keras_tuner

from autonas.search_space import block, decisions, ranges
from autonas.search_space.blocks import arguments, convolution, normalization


class ResidualBlock(block.Block):
    """Residual network of pre-activation units (ResNet v2, He et al. 2016), optionally with squeeze-and-excitation.

    The input is an image `(n, height, width, channels)`, the output a feature map. The first unit of every stage but
    the first halves the map and doubles the filters. The number of stages is at most log2 of the shorter side. Images
    of more than 64 pixels are reduced by a strided convolution first.

    Args:
        filters: Number of filters of the first stage, or a range. Defaults to a choice of 16, 32 and 64.
        n_stages: Number of stages, or an `Int` range. Defaults to a range from 1 to 4.
        layers: Number of residual units in a stage, or an `Int` range. Defaults to a range from 1 to 3.
        kind: Kind of the units, `"basic"` (two 3x3 convolutions), `"bottleneck"` (1x1, 3x3 on a quarter of the filters,
            1x1), or a choice of these made for each unit. Defaults to a choice of both.
        squeeze_excite: Whether units have squeeze-and-excitation (Hu et al. 2018), or a range. Defaults to
            `Boolean()`.
        activation: Name of the activation, or a range. Defaults to `"relu"`.
        dropout: Spatial dropout rate within a unit, or a range. Defaults to a choice of 0, 0.1 and 0.25.
        max_filters: Upper bound of the doubled filters. Defaults to 512.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.ImageInput()
    features = autonas.ResidualBlock(kind="basic", n_stages=2, layers=1)(inputs)
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(features))
    ```
    """

    former_names = {"n_stages": "depth"}

    def __init__(
        self,
        filters: int | ranges.Range = ranges.Choice([16, 32, 64]),
        n_stages: int | ranges.Int = ranges.Int(1, 4, default=3),
        layers: int | ranges.Int = ranges.Int(1, 3),
        kind: str | ranges.Range = ranges.Choice(["basic", "bottleneck"]),
        squeeze_excite: bool | ranges.Range = ranges.Boolean(),
        activation: str | ranges.Range = "relu",
        dropout: float | ranges.Range = ranges.Choice([0.0, 0.1, 0.25]),
        max_filters: int | ranges.Range = 512,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.filters = filters
        self.n_stages = n_stages
        self.layers = layers
        self.kind = kind
        self.squeeze_excite = squeeze_excite
        self.activation = activation
        self.dropout = dropout
        self.max_filters = max_filters

    def build(self, hp: keras_tuner.HyperParameters, inputs: keras.KerasTensor) -> keras.KerasTensor:
        inputs = arguments.tensor_of_rank(self, inputs, 4)
        filters = self.suggest(hp, "filters")
        squeeze_excite = self.suggest(hp, "squeeze_excite")
        activation = self.suggest(hp, "activation")
        dropout = self.suggest(hp, "dropout")
        max_filters = self.suggest(hp, "max_filters")

        def convolve(inputs: keras.KerasTensor, width: int, kernel_size: int, strides: int = 1) -> keras.KerasTensor:
            return keras.layers.Conv2D(width, kernel_size, strides=strides, padding="same", use_bias=False)(inputs)

        def activate(inputs: keras.KerasTensor) -> keras.KerasTensor:
            return keras.layers.Activation(activation)(normalization.batch_normalization()(inputs))

        def basic(inputs: keras.KerasTensor, width: int, strides: int) -> keras.KerasTensor:
            outputs = activate(convolve(inputs, width, 3, strides))
            if dropout:
                outputs = keras.layers.SpatialDropout2D(dropout)(outputs)
            return convolve(outputs, width, 3)

        def bottleneck(inputs: keras.KerasTensor, width: int, strides: int) -> keras.KerasTensor:
            inner = max(width // 4, 4)
            outputs = activate(convolve(inputs, inner, 1))
            outputs = activate(convolve(outputs, inner, 3, strides))
            if dropout:
                outputs = keras.layers.SpatialDropout2D(dropout)(outputs)
            return convolve(outputs, width, 1)

        def unit(width: int, strides: int) -> decisions.Layer:
            candidates = {
                "basic": lambda: lambda inputs: basic(inputs, width, strides),
                "bottleneck": lambda: lambda inputs: bottleneck(inputs, width, strides),
            }

            def layer(inputs: keras.KerasTensor) -> keras.KerasTensor:
                activated = activate(inputs)
                outputs = arguments.choose(self, "kind", candidates)(hp, activated)
                if squeeze_excite:
                    outputs = excite(outputs)
                if strides != 1 or inputs.shape[-1] != width:
                    inputs = convolve(activated, width, 1, strides)
                return keras.layers.Add()([inputs, outputs])

            return layer

        def stage(index: int) -> decisions.Layer:
            width = min(filters * 2**index, max_filters)
            units = arguments.repeat(self, "layers", lambda position: unit(width, 2 if index and not position else 1))
            return lambda inputs: units(hp, inputs)

        outputs = convolve(convolution.shrink(inputs, filters), filters, 3)
        stages = arguments.repeat(self, "n_stages", stage, limit=convolution.max_stages(outputs))
        return activate(stages(hp, outputs))


def excite(inputs: keras.KerasTensor, ratio: int = 4) -> keras.KerasTensor:
    """Apply squeeze-and-excitation: scale every channel by a gate from 0 to 1, computed from the means of all channels.

    Args:
        inputs: Feature map `(n, height, width, channels)`.
        ratio: Number of channels per hidden unit. Defaults to 4.
    """
    channels = inputs.shape[-1]
    gate = keras.layers.GlobalAveragePooling2D(keepdims=True)(inputs)
    gate = keras.layers.Dense(max(channels // ratio, 4), activation="relu")(gate)
    gate = keras.layers.Dense(channels, activation="sigmoid")(gate)
    return keras.layers.Multiply()([inputs, gate])
