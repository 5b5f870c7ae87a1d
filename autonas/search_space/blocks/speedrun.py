"""Convolutional network that learns images in few epochs."""

from typing import Any

import keras
import keras_tuner
import numpy as np
from keras import ops

from autonas.data import resolution
from autonas.search_space import block, ranges
from autonas.search_space.blocks import arguments, normalization, preprocessing

#: Filters of the groups of convolutions, for the width 1.
_FILTERS = (16, 48, 64)
#: Added to the variance of a direction of the patches, so that noise isn't amplified.
_EPSILON = 1e-3


class SpeedrunBlock(block.Block):
    """Small convolutional network that learns images in few epochs, after the records of Jordan (2024) on CIFAR-10.

    The input is an image `(n, height, width, channels)`, the output a vector. The filters of the first layer are the
    principal directions of small patches of the training images, divided by their standard deviations, and the
    negatives of these filters. They aren't trained. Up to three groups follow, each of a convolution, max-pooling by 2,
    a second convolution, batch normalisation and ReLU. At first, a convolution passes on its inputs in its first
    filters. The output is the maximum of each filter over the image.

    Other than in the records, the activation is ReLU, which takes a fifth of the time of GELU on a CPU, the biases of
    the first layer are 0, and the optimizer is the one of the graph: `Optimization("convolution_muon")` is the fastest.

    Args:
        width: Factor of the numbers of filters, or a range. The groups have 16, 48 and 64 filters times `width`.
            Defaults to a choice of 1, 2 and 4.
        largest_side: Number of pixels to which the shorter side of larger images is averaged first, or a range. No
            decision for images whose shorter side is at most 32. Defaults to a choice of 32 and 64.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.ImageInput()
    features = autonas.SpeedrunBlock(width=autonas.Choice([1, 2]))(inputs)
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(features))
    ```
    """

    def __init__(
        self,
        width: int | ranges.Range = ranges.Choice([1, 2, 4], default=2),
        largest_side: int | ranges.Range = ranges.Choice([32, 64], default=64),
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.width = width
        self.largest_side = largest_side

    def build(self, hp: keras_tuner.HyperParameters, inputs: Any) -> keras.KerasTensor:
        outputs = arguments.tensor_of_rank(self, inputs, 4)
        width = self.suggest(hp, "width")
        if min(outputs.shape[1:3]) > resolution.SMALL_SIDE:
            outputs = preprocessing.averaged(outputs, self.suggest(hp, "largest_side"))
        outputs = keras.layers.ReLU()(self._whitened(outputs))
        for filters in _FILTERS:
            for position in range(2):
                outputs = _convolution(outputs, filters * width)
                if position == 0 and max(outputs.shape[1:3]) > 1:
                    outputs = keras.layers.MaxPooling2D(2, padding="same")(outputs)
                outputs = keras.layers.ReLU()(normalization.batch_normalization()(outputs))
        return keras.layers.GlobalMaxPooling2D()(outputs)

    def _whitened(self, images: keras.KerasTensor) -> keras.KerasTensor:
        """Apply the frozen filters, or a trainable convolution if the data has no statistics of patches."""
        kernel = _whitening(getattr(self, "features", []), images.shape[-1])
        if kernel is None:
            return keras.layers.Conv2D(24, 3, padding="same")(images)
        side, n_filters = len(kernel), kernel.shape[-1]
        layer = keras.layers.Conv2D(
            n_filters, side, padding="same", use_bias=False, kernel_initializer="zeros", trainable=False
        )
        outputs = layer(images)
        layer.kernel.assign(kernel)
        return outputs


def _whitening(features: list[Any], n_channels: int) -> np.ndarray | None:
    """Return the kernel of the first layer, `(side, side, channels, filters)`, or `None` without statistics.

    With the eigenvectors u and eigenvalues l of the covariance of patches, the filters are u / sqrt(l + eps) and their
    negatives.
    """
    covariance = features[0].statistics.get("patch_covariance") if len(features) == 1 else None
    if covariance is None or len(covariance) % n_channels:
        return None
    side = round((len(covariance) // n_channels) ** 0.5)
    eigenvalues, directions = np.linalg.eigh(covariance)
    filters = directions / np.sqrt(np.maximum(eigenvalues, 0.0) + _EPSILON)
    return np.concatenate([filters, -filters], axis=1).reshape(side, side, n_channels, -1).astype("float32")


def _convolution(inputs: keras.KerasTensor, n_filters: int) -> keras.KerasTensor:
    """Apply a convolution whose first filters pass on the channels of the input at first."""
    layer = keras.layers.Conv2D(n_filters, 3, padding="same", use_bias=False, kernel_initializer="he_uniform")
    outputs = layer(inputs)
    kernel = np.array(ops.convert_to_numpy(layer.kernel))
    n_passed = min(kernel.shape[2:])
    kernel[..., :n_passed] = 0.0
    kernel[1, 1, range(n_passed), range(n_passed)] = 1.0
    layer.kernel.assign(kernel)
    return outputs
