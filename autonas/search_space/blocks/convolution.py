"""Convolutional networks on images."""

import math

import keras

from autonas.search_space import block, ranges
from autonas.search_space.blocks import arguments, normalization

#: Maximum side of the feature map in the first stage. Larger images are reduced by a strided convolution first.
_LARGEST_SIDE = 64


class ConvolutionBlock(block.Block):
    """Convolutional network on images: stages of convolutions.

    The input is an image `(n, height, width, channels)`, the output a feature map. Every stage but the first halves the
    map and doubles the filters. The number of stages is at most log2 of the shorter side, so that no side becomes
    shorter than two pixels. Images of more than 64 x 64 pixels are reduced by a strided convolution first.

    Args:
        filters: Number of filters of the first stage, or a range. Defaults to a choice of 16, 32 and 64.
        kernel_size: Side of the kernels in pixels, or a range. Defaults to a choice of 3 and 5.
        depth: Number of stages, or an `Int` range. Defaults to a range from 1 to 4.
        layers: Number of convolutions in a stage, or an `Int` range. Defaults to a range from 1 to 2.
        kind: Kind of the convolutions, `"plain"`, `"separable"`, or a choice of these made for each convolution.
            Defaults to a choice of both.
        pooling: Halving of maps between stages: `"max"`, `"average"`, `"stride"` (a strided convolution) or a range.
            Defaults to a choice of `"max"` and `"stride"`.
        activation: Name of the activation, or a range. Defaults to `"relu"`.
        batch_normalization: Whether to normalise before the activation, or a range. Defaults to
            `Boolean(default=True)`.
        dropout: Spatial dropout rate after a stage, or a range. Defaults to a choice of 0, 0.1 and 0.25.
        max_filters: Upper bound of the doubled filters. Defaults to 256.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.ImageInput()
    features = autonas.ConvolutionBlock(filters=autonas.Choice([16, 32]), depth=autonas.Int(1, 3))(inputs)
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(features))
    ```
    """

    def __init__(
        self,
        filters=ranges.Choice([16, 32, 64], default=32),
        kernel_size=ranges.Choice([3, 5]),
        depth=ranges.Int(1, 4, default=3),
        layers=ranges.Int(1, 2),
        kind=ranges.Choice(["plain", "separable"]),
        pooling=ranges.Choice(["max", "stride"]),
        activation="relu",
        batch_normalization=ranges.Boolean(default=True),
        dropout=ranges.Choice([0.0, 0.1, 0.25]),
        max_filters=256,
        name=None,
    ):
        super().__init__(name)
        self.filters = filters
        self.kernel_size = kernel_size
        self.depth = depth
        self.layers = layers
        self.kind = kind
        self.pooling = pooling
        self.activation = activation
        self.batch_normalization = batch_normalization
        self.dropout = dropout
        self.max_filters = max_filters

    def build(self, hp, inputs):
        inputs = arguments.tensor_of_rank(self, inputs, 4)
        filters = self.suggest(hp, "filters")
        kernel_size = self.suggest(hp, "kernel_size")
        pooling = self.suggest(hp, "pooling")
        activation = self.suggest(hp, "activation")
        batch_normalization = self.suggest(hp, "batch_normalization")
        dropout = self.suggest(hp, "dropout")
        max_filters = self.suggest(hp, "max_filters")

        def convolution(width):
            options = {"padding": "same", "use_bias": not batch_normalization}
            candidates = {
                "plain": lambda: keras.layers.Conv2D(width, kernel_size, **options),
                "separable": lambda: keras.layers.SeparableConv2D(width, kernel_size, **options),
            }

            def layer(inputs):
                outputs = arguments.choose(self, "kind", candidates)(hp, inputs)
                if batch_normalization:
                    outputs = normalization.batch_normalization()(outputs)
                return keras.layers.Activation(activation)(outputs)

            return layer

        def stage(index):
            width = min(filters * 2**index, max_filters)

            def layer(inputs):
                if index:
                    inputs = self._halve(pooling)(inputs)
                outputs = arguments.repeat(self, "layers", lambda _: convolution(width))(hp, inputs)
                return keras.layers.SpatialDropout2D(dropout)(outputs) if dropout else outputs

            return layer

        outputs = shrink(inputs, filters)
        return arguments.repeat(self, "depth", stage, limit=max_stages(outputs))(hp, outputs)

    def _halve(self, pooling):
        options = {"strides": 2, "padding": "same"}
        candidates = {
            "max": lambda: keras.layers.MaxPooling2D(2, **options),
            "average": lambda: keras.layers.AveragePooling2D(2, **options),
            "stride": lambda: lambda inputs: keras.layers.Conv2D(inputs.shape[-1], 3, **options)(inputs),
        }
        arguments.check_label(self, "pooling", pooling, candidates)
        return candidates[pooling]()


def max_stages(inputs):
    """Return the maximum number of stages for which no side is shorter than two pixels.

    Every stage but the first halves the sides.
    """
    return max(1, int(math.log2(min(inputs.shape[1:3]))))


def shrink(inputs, filters):
    """Reduce images whose shorter side exceeds 64 pixels to at most 64 by a strided convolution."""
    stride = 2 ** max(0, math.ceil(math.log2(min(inputs.shape[1:3]) / _LARGEST_SIDE)))
    if stride == 1:
        return inputs
    return keras.layers.Conv2D(filters, 2 * stride - 1, strides=stride, padding="same")(inputs)
