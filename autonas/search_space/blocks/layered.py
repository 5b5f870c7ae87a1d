"""Factorised hierarchical space: stages of inverted residual layers with searched kernels, expansions and widths."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import keras_tuner

from autonas.arguments import checks
from autonas.search_space import block, decisions, ranges
from autonas.search_space.blocks import arguments, convolution, normalization, operations

_DROPOUT = {3: keras.layers.SpatialDropout1D, 4: keras.layers.SpatialDropout2D}
_POOLING = {3: keras.layers.GlobalAveragePooling1D, 4: keras.layers.GlobalAveragePooling2D}

#: Minimum length of a series (rank 3), or side of a map (rank 4), that a stage halves.
_SHORTEST_HALVED = {3: 8, 4: 4}


class LayeredBlock(block.Block):
    """Factorised hierarchical space (MnasNet, Tan et al. 2019): stages of inverted residual layers.

    The input is an image `(n, height, width, channels)` or a series `(n, time, channels)`, the output a feature map or
    a series. A layer (MobileNetV2, Sandler et al. 2018) is a pointwise convolution that expands the channels, a
    depthwise convolution, a pointwise convolution that projects the channels, and a residual connection if the shapes
    of input and output agree. The first layer of every stage but the first halves the map, unless a side has fewer than
    four pixels or the series fewer than eight steps. Images of more than 64 x 64 pixels are reduced by a strided
    convolution first.

    The search chooses kernel, expansion and squeeze-and-excitation for each layer, width and depth for each stage.
    MnasNet also chooses among kinds of layers. Here all layers are inverted residuals; `expansion=1` makes them
    depthwise separable convolutions.

    Args:
        filters: Number of filters of the first stage, or a range. Defaults to a choice of 8, 16 and 32.
        n_stages: Number of stages, or an `Int` range. Defaults to a range from 2 to 4.
        layers: Number of layers in a stage, or an `Int` range. Defaults to a range from 1 to 2.
        width: Width multiplier of every stage but the first, or a range. Stage i (from 0) has
            `width * filters * 2**i` filters, rounded to a multiple of 4. Defaults to a choice of 0.75, 1 and 1.25.
        kernel_size: Side of the depthwise kernels, or a `Choice`. Defaults to a choice of 3 and 5.
        expansion: Ratio of the channels inside a layer to the channels of its input, or a range. Defaults to a choice
            of 1, 3 and 6.
        squeeze_excite: Whether a layer has squeeze-and-excitation (Hu et al. 2018), or a `Boolean` range. Defaults to
            `Boolean()`.
        activation: Name of the activation, or a range. Defaults to `"relu"`.
        dropout: Spatial dropout rate of the residual branch of a layer, or a range. Defaults to a choice of 0, 0.1 and
            0.25.
        max_filters: Upper bound of the doubled filters, before the width multiplier. Defaults to 256.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.ImageInput()
    features = autonas.LayeredBlock(n_stages=2, expansion=autonas.Choice([1, 3]))(inputs)
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(features))
    ```
    """

    former_names = {"n_stages": "stages"}

    def __init__(
        self,
        filters: int | ranges.Range = ranges.Choice([8, 16, 32], default=16),
        n_stages: int | ranges.Int = ranges.Int(2, 4, default=3),
        layers: int | ranges.Int = ranges.Int(1, 2),
        width: float | ranges.Range = ranges.Choice([0.75, 1.0, 1.25], default=1.0),
        kernel_size: int | ranges.Range = ranges.Choice([3, 5]),
        expansion: int | ranges.Range = ranges.Choice([1, 3, 6], default=3),
        squeeze_excite: bool | ranges.Range = ranges.Boolean(),
        activation: str | ranges.Range = "relu",
        dropout: float | ranges.Range = ranges.Choice([0.0, 0.1, 0.25]),
        max_filters: int | ranges.Range = 256,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.filters = filters
        self.n_stages = n_stages
        self.layers = layers
        self.width = width
        self.kernel_size = kernel_size
        self.expansion = expansion
        self.squeeze_excite = squeeze_excite
        self.activation = activation
        self.dropout = dropout
        self.max_filters = max_filters

    def build(self, hp: keras_tuner.HyperParameters, inputs: keras.KerasTensor) -> keras.KerasTensor:
        inputs = arguments.tensor_of_rank(self, inputs, 3, 4)
        rank = len(inputs.shape)
        pointwise, depthwise = operations.LAYERS["convolution"][rank], operations.LAYERS["depthwise"][rank]
        kernel_sizes = self._kernel_sizes()
        filters = self.suggest(hp, "filters")
        activation = self.suggest(hp, "activation")
        dropout = self.suggest(hp, "dropout")
        max_filters = self.suggest(hp, "max_filters")

        def normalize(inputs: keras.KerasTensor) -> keras.KerasTensor:
            return normalization.batch_normalization()(inputs)

        def activate(inputs: keras.KerasTensor) -> keras.KerasTensor:
            return keras.layers.Activation(activation)(normalize(inputs))

        def convolve(inputs: keras.KerasTensor, width: int, kernel_size: int = 1) -> keras.KerasTensor:
            return pointwise(width, kernel_size, padding="same", use_bias=False)(inputs)

        def layer(width: Any, strides: int, inputs: keras.KerasTensor) -> keras.KerasTensor:
            channels = inputs.shape[-1]
            # Not a `LayerChoice`, on which the decisions below would be conditional.
            inner = arguments.width(self, "expansion", hp, lambda expansion: round(expansion * channels))
            kernels = {
                size: functools.partial(depthwise, size, strides=strides, padding="same", use_bias=False)
                for size in kernel_sizes
            }
            outputs = inputs
            if self.expansion != 1:
                outputs = inner.narrow(activate(convolve(inputs, inner.units)))
            outputs = inner.narrow(activate(arguments.choose(self, "kernel_size", kernels)(hp, outputs)))
            outputs = self._excitation(activation, max(channels // 4, 4))(hp, outputs)
            outputs = normalize(convolve(outputs, width))
            if outputs.shape != inputs.shape:
                return outputs
            if dropout:
                outputs = _DROPOUT[rank](dropout)(outputs)
            return keras.layers.Add()([inputs, outputs])

        def stage(index: int) -> decisions.Layer:
            width = min(filters * 2**index, max_filters)
            if index:
                width = max(4, 4 * round(self.suggest(hp, "width") * width / 4))

            def make_layer(layer_index: int) -> decisions.Layer:
                def build(inputs: keras.KerasTensor) -> keras.KerasTensor:
                    halve = index and not layer_index and min(inputs.shape[1:-1]) >= _SHORTEST_HALVED[rank]
                    return layer(width, 2 if halve else 1, inputs)

                return build

            return functools.partial(arguments.repeat(self, "layers", make_layer), hp)

        outputs = convolution.shrink(inputs, filters) if rank == 4 else inputs
        outputs = activate(convolve(outputs, filters, 3))
        return keras.layers.Activation(activation)(arguments.repeat(self, "n_stages", stage)(hp, outputs))

    def _kernel_sizes(self) -> list[Any]:
        """Return the list of the kernel sizes among which a layer chooses."""
        value = self.kernel_size
        sizes = value.values if isinstance(value, ranges.Choice) else [value]
        if not all(checks.is_integer(size, 1) for size in sizes):
            raise ValueError(
                "`kernel_size` of LayeredBlock must be a positive whole number or an autonas.Choice of them. "
                f"Received: kernel_size={value!r}"
            )
        return sizes

    def _excitation(self, activation: str, units: int) -> Callable[[Any, Any], Any]:
        """Return squeeze-and-excitation, the identity, or the decision between both, a function of `hp` and inputs."""
        value = self.squeeze_excite
        excite = functools.partial(_excite, activation, units)
        if isinstance(value, ranges.Boolean):
            candidates = {"off": keras.layers.Identity, "on": lambda: excite}
            return decisions.LayerChoice("squeeze_excite", candidates, default="on" if value.default else "off")
        if not isinstance(value, bool):
            raise ValueError(
                "`squeeze_excite` of LayeredBlock must be True, False or an autonas.Boolean. "
                f"Received: squeeze_excite={value!r}"
            )
        return lambda hp, inputs: excite(inputs) if value else inputs


def _excite(activation: str, units: int, inputs: keras.KerasTensor) -> keras.KerasTensor:
    """Scale every channel by a gate from 0 to 1, computed from the means of all channels by `units` hidden units."""
    gate = _POOLING[len(inputs.shape)](keepdims=True)(inputs)
    gate = keras.layers.Dense(units, activation=activation)(gate)
    gate = keras.layers.Dense(inputs.shape[-1], activation="sigmoid")(gate)
    return keras.layers.Multiply()([inputs, gate])
