"""Convolutional networks on images."""

import math
from typing import Any

import keras
import keras_tuner

from autonas.search_space import block, decisions, ranges
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
        n_stages: Number of stages, or an `Int` range. Defaults to a range from 1 to 4.
        layers: Number of convolutions in a stage, or an `Int` range. Defaults to a range from 1 to 2.
        kind: Kind of the convolutions, `"plain"`, `"separable"`, or a choice of these made for each convolution.
            Defaults to a choice of both.
        downsampling: Halving of maps between stages: `"max"`, `"average"`, `"stride"` (a strided convolution) or a
            range. Defaults to a choice of `"max"` and `"stride"`.
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
    features = autonas.ConvolutionBlock(filters=autonas.Choice([16, 32]), n_stages=autonas.Int(1, 3))(inputs)
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(features))
    ```
    """

    former_names = {"n_stages": "depth", "downsampling": "pooling"}

    def __init__(
        self,
        filters: int | ranges.Range = ranges.Choice([16, 32, 64], default=32),
        kernel_size: int | ranges.Range = ranges.Choice([3, 5]),
        n_stages: int | ranges.Int = ranges.Int(1, 4, default=3),
        layers: int | ranges.Int = ranges.Int(1, 2),
        kind: str | ranges.Range = ranges.Choice(["plain", "separable"]),
        downsampling: str | ranges.Range = ranges.Choice(["max", "stride"]),
        activation: str | ranges.Range = "relu",
        batch_normalization: bool | ranges.Range = ranges.Boolean(default=True),
        dropout: float | ranges.Range = ranges.Choice([0.0, 0.1, 0.25]),
        max_filters: int | ranges.Range = 256,
        name: str | None = None,
        **deprecated: Any,
    ) -> None:
        super().__init__(name)
        self.filters = filters
        self.kernel_size = kernel_size
        self.n_stages = arguments.renamed(self, deprecated, "n_stages", n_stages)
        self.layers = layers
        self.kind = kind
        self.downsampling = downsampling
        self.activation = activation
        self.batch_normalization = batch_normalization
        self.dropout = dropout
        self.max_filters = max_filters

    def build(self, hp: keras_tuner.HyperParameters, inputs: keras.KerasTensor) -> keras.KerasTensor:
        inputs = arguments.tensor_of_rank(self, inputs, 4)
        filters = self.suggest(hp, "filters")
        kernel_size = self.suggest(hp, "kernel_size")
        downsampling = self.suggest(hp, "downsampling")
        activation = self.suggest(hp, "activation")
        batch_normalization = self.suggest(hp, "batch_normalization")
        dropout = self.suggest(hp, "dropout")
        max_filters = self.suggest(hp, "max_filters")

        def convolution(width: int) -> decisions.Layer:
            options = {"padding": "same", "use_bias": not batch_normalization}
            candidates = {
                "plain": lambda: keras.layers.Conv2D(width, kernel_size, **options),
                "separable": lambda: keras.layers.SeparableConv2D(width, kernel_size, **options),
            }

            def layer(inputs: keras.KerasTensor) -> keras.KerasTensor:
                outputs = arguments.choose(self, "kind", candidates)(hp, inputs)
                if batch_normalization:
                    outputs = normalization.batch_normalization()(outputs)
                return keras.layers.Activation(activation)(outputs)

            return layer

        def stage(index: int) -> decisions.Layer:
            width = min(filters * 2**index, max_filters)

            def layer(inputs: keras.KerasTensor) -> keras.KerasTensor:
                if index:
                    inputs = self._halve(downsampling)(inputs)
                outputs = arguments.repeat(self, "layers", lambda _: convolution(width))(hp, inputs)
                return keras.layers.SpatialDropout2D(dropout)(outputs) if dropout else outputs

            return layer

        outputs = shrink(inputs, filters)
        return arguments.repeat(self, "n_stages", stage, limit=max_stages(outputs))(hp, outputs)

    def _halve(self, downsampling: str) -> keras.Layer:
        options = {"strides": 2, "padding": "same"}
        candidates = {
            "max": lambda: keras.layers.MaxPooling2D(2, **options),
            "average": lambda: keras.layers.AveragePooling2D(2, **options),
            "stride": lambda: lambda inputs: keras.layers.Conv2D(inputs.shape[-1], 3, **options)(inputs),
        }
        arguments.check_label(self, "downsampling", downsampling, candidates)
        return candidates[downsampling]()


def max_stages(inputs: keras.KerasTensor) -> int:
    """Return the maximum number of stages.

    Every stage but the first halves the sides. The shorter side is halved to two pixels. Long images, such as one row
    of pixels, are halved further, until the longer side has less than 16 pixels.
    """
    shorter, longer = sorted(int(math.log2(side)) for side in inputs.shape[1:3])
    return max(1, shorter, longer - 2)


def shrink(inputs: keras.KerasTensor, filters: int) -> keras.KerasTensor:
    """Reduce images whose shorter side exceeds 64 pixels to at most 64 by a strided convolution."""
    stride = 2 ** max(0, math.ceil(math.log2(min(inputs.shape[1:3]) / _LARGEST_SIDE)))
    if stride == 1:
        return inputs
    return keras.layers.Conv2D(filters, 2 * stride - 1, strides=stride, padding="same")(inputs)
