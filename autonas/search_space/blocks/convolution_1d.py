"""Convolutional networks on time series."""

import keras
import keras_tuner

from autonas.search_space import block, decisions, ranges
from autonas.search_space.blocks import arguments, normalization

#: Minimum number of steps after downsampling.
_SHORTEST = 4


class Convolution1DBlock(block.Block):
    """Convolutional network on series: fully convolutional (Wang et al. 2017) or InceptionTime (Fawaz et al. 2020).

    The input is a series `(n, time, channels)`, the output a series `(n, time, filters)`, shorter with downsampling.

    Args:
        filters: Number of filters of a layer, or a range. Defaults to a choice of 32, 64 and 128.
        kernel_size: Length of the kernels in steps, or a range. A length above that of the series is reduced to it.
            Defaults to a choice of 3, 5, 9 and 17.
        depth: Number of layers, or an `Int` range. Defaults to a range from 1 to 4.
        kind: Kind of the layers: `"plain"`, `"separable"`, `"inception"` (parallel kernels of the full, half and
            quarter length and a max pooling) or a choice of these, made for each layer. Defaults to a choice of
            `"plain"` and `"inception"`.
        residual: Whether a layer adds its output to its input (projected if the channels differ), or a range. Defaults
            to `Boolean()`.
        downsampling: Whether to halve the number of steps between layers, or a range. Defaults to `Boolean()`.
        activation: Name of the activation, or a range. Defaults to `"relu"`.
        batch_normalization: Whether to normalise before the activation, or a range. Defaults to
            `Boolean(default=True)`.
        dropout: Spatial dropout rate after a layer, or a range. Defaults to a choice of 0, 0.1 and 0.25.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.TimeSeriesInput()
    features = autonas.Convolution1DBlock(filters=autonas.Choice([32, 64]), depth=2)(inputs)
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(features))
    ```
    """

    former_names = {"downsampling": "pooling"}

    def __init__(
        self,
        filters: int | ranges.Range = ranges.Choice([32, 64, 128], default=64),
        kernel_size: int | ranges.Range = ranges.Choice([3, 5, 9, 17], default=9),
        depth: int | ranges.Int = ranges.Int(1, 4, default=3),
        kind: str | ranges.Range = ranges.Choice(["plain", "inception"]),
        residual: bool | ranges.Range = ranges.Boolean(),
        downsampling: bool | ranges.Range = ranges.Boolean(),
        activation: str | ranges.Range = "relu",
        batch_normalization: bool | ranges.Range = ranges.Boolean(default=True),
        dropout: float | ranges.Range = ranges.Choice([0.0, 0.1, 0.25]),
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.filters = filters
        self.kernel_size = kernel_size
        self.depth = depth
        self.kind = kind
        self.residual = residual
        self.downsampling = downsampling
        self.activation = activation
        self.batch_normalization = batch_normalization
        self.dropout = dropout

    def build(self, hp: keras_tuner.HyperParameters, inputs: keras.KerasTensor) -> keras.KerasTensor:
        inputs = arguments.tensor_of_rank(self, inputs, 3)
        filters = self.suggest(hp, "filters")
        kernel_size = self.suggest(hp, "kernel_size")
        residual = self.suggest(hp, "residual")
        downsampling = self.suggest(hp, "downsampling")
        activation = self.suggest(hp, "activation")
        batch_normalization = self.suggest(hp, "batch_normalization")
        dropout = self.suggest(hp, "dropout")

        def convolve(
            inputs: keras.KerasTensor, width: int, length: int, layer_class: type[keras.Layer] = keras.layers.Conv1D
        ) -> keras.KerasTensor:
            length = min(length, inputs.shape[1])
            return layer_class(width, length, padding="same", use_bias=not batch_normalization)(inputs)

        def inception(inputs: keras.KerasTensor) -> keras.KerasTensor:
            if getattr(hp, "discards_networks", False):
                return convolve(inputs, filters, 1)  # The shape is all that a declaration needs.
            width = filters // 4
            narrow = convolve(inputs, width, 1) if inputs.shape[-1] > width else inputs
            branches = [convolve(narrow, width, max(1, kernel_size // divisor)) for divisor in (1, 2, 4)]
            pooled = keras.layers.MaxPooling1D(3, strides=1, padding="same")(inputs)
            branches.append(convolve(pooled, filters - 3 * width, 1))
            return keras.layers.Concatenate()(branches)

        candidates = {
            "plain": lambda: lambda inputs: convolve(inputs, filters, kernel_size),
            "separable": lambda: lambda inputs: convolve(inputs, filters, kernel_size, keras.layers.SeparableConv1D),
            "inception": lambda: inception,
        }

        def make_layer(index: int) -> decisions.Layer:
            def layer(inputs: keras.KerasTensor) -> keras.KerasTensor:
                if downsampling and index and inputs.shape[1] >= 2 * _SHORTEST:
                    inputs = keras.layers.MaxPooling1D(2, padding="same")(inputs)
                outputs = arguments.choose(self, "kind", candidates)(hp, inputs)
                if batch_normalization:
                    outputs = normalization.batch_normalization()(outputs)
                outputs = keras.layers.Activation(activation)(outputs)
                if dropout:
                    outputs = keras.layers.SpatialDropout1D(dropout)(outputs)
                if residual:
                    shortcut = inputs if inputs.shape[-1] == filters else convolve(inputs, filters, 1)
                    outputs = keras.layers.Add()([shortcut, outputs])
                return outputs

            return layer

        return arguments.repeat(self, "depth", make_layer)(hp, inputs)
