"""Random patches of the training images as frozen convolution kernels."""

from __future__ import annotations

import math
from typing import Any

import keras
import keras_tuner
import numpy as np
from keras import ops

from autonas.data import resolution
from autonas.search_space import block, ranges
from autonas.search_space.blocks import arguments, preprocessing, series_kernels
from autonas.search_space.fitted import fitters
from autonas.search_space.fitted.fitters import Rows

#: Largest number of pixels of a patch, and of values of a patch of several pixels. The sides of patches are as equal as
#: they can be, and at most half of the sides of the images.
_MOST_PIXELS, _MOST_VALUES = 36, 400
#: Number of rows and of columns of the grid of squares over which responses are averaged.
_GRID = 3
#: Size of a response from which on it counts. The responses to patches have a standard deviation of about 1.
_THRESHOLD = 0.5
#: Added to the variance of a patch or a square, whose pixels are standardised, so that flat ones aren't mostly noise.
_CONTRAST = 0.05
#: Added to the variances of the principal directions of patches.
_WHITENING = 0.1
#: FLOPs of matrix products that take as long as the threshold and the poolings of a response.
_POOLING_WORK = 200
#: Largest number of patches whose covariance is computed, of their values, and of the images from which they are drawn.
_MOST_PATCHES, _MOST_PATCH_VALUES, _MOST_IMAGES = 30_000, 10**7, 5_000


#: Default range of the number of kernels.
FILTERS = ranges.Choice([50, 100, 200, 400, 800, 1600], default=400)


class RandomPatchBlock(block.Block):
    """Features of images by random patches of the training images as convolution kernels (Coates and Ng 2011).

    The input is an image `(n, height, width, channels)`, the output a vector. Images are averaged to a shorter side of
    at most 32 pixels. The kernels are random patches of 6 x 6 pixels; for thin images, a longer rectangle with the same
    number of pixels. The kernels aren't trained. A patch is standardised to mean 0 and variance 1, unless it is flat.
    With the covariance C of the standardised patches, the response of the kernel of patch u to patch v is
    u' (C + 0.1)^-1 v, relative to the length of (C + 0.1)^-1/2 u. The excess of the responses over 0.5 is averaged over
    each square of a 3 x 3 grid, and so is the excess of their negatives. The features are the square roots of the
    averages. Since the responses don't depend on brightness, and hardly on contrast, the mean and the standard
    deviation of each channel in each square are features, too.

    A `RidgeBlock` or a `KernelRidgeBlock` on these features is fitted in closed form. After a few seconds it is about
    as accurate as a convolutional network after its first epochs.

    Other than in the paper, the patches aren't replaced by cluster centres, the square root is taken, the means and
    standard deviations are added, and half of the kernels can be mirror images of the others. The features are then
    sums over an image and its mirror image.

    Args:
        filters: Number of kernels, or a range. Half of them are mirror images if `mirrored`. Defaults to a choice of
            50, 100, 200, 400, 800 and 1,600.
        mirrored: Whether an image and its mirror image have the same features, or a range. Defaults to `Boolean()`.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.ImageInput()
    features = autonas.RandomPatchBlock(filters=200, mirrored=True)(inputs)
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(autonas.RidgeBlock()(features)))
    ```
    """

    def __init__(
        self,
        filters: int | ranges.Range = FILTERS,
        mirrored: bool | ranges.Range = ranges.Boolean(),
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.filters = filters
        self.mirrored = mirrored

    def build(self, hp: keras_tuner.HyperParameters, inputs: Any) -> keras.KerasTensor:
        images = preprocessing.averaged(arguments.tensor_of_rank(self, inputs, 4), resolution.SMALL_SIDE)
        filters, mirrored = self.suggest(hp, "filters"), self.suggest(hp, "mirrored")
        kernels = Kernels(images.shape[1:], filters, mirrored)
        stand_in = series_kernels.stand_in(hp, images, kernels.n_features)
        if stand_in is not None:
            return stand_in
        images = keras.layers.Identity(dtype="float32")(images)
        model, features = series_kernels.inner_model(kernels, [images])
        (head,) = list(self.heads)[:1]
        fitters.attach(Patches(images, head, kernels), model)
        return features


class Kernels:
    """Layers of the frozen kernels.

    Args:
        shape: Height, width and channels of the images.
        filters: Number of kernels, the mirror images included.
        mirrored: Whether the second half of the kernels are the mirror images of the first half.
    """

    def __init__(self, shape: tuple[int, ...], filters: int, mirrored: bool) -> None:
        self.shape = shape
        #: Number of different kernels, and of them with the mirror images.
        self.n_kernels = max(1, filters // 2) if mirrored else filters
        self.filters = 2 * self.n_kernels if mirrored else filters
        self.mirrored = mirrored
        self.sides = _patch_sides(shape)
        #: Number of the responses of a kernel in both directions, and of the squares in which they are averaged.
        self.n_responses = tuple(size - side + 1 for size, side in zip(shape[:2], self.sides, strict=True))
        self.n_features = 2 * sum(
            n_maps * math.prod(min(_GRID, size) for size in sizes)
            for n_maps, sizes in ((self.n_kernels, self.n_responses), (shape[2], shape[:2]))
        )
        n_values = self.filters * math.prod(self.n_responses)
        #: FLOPs of matrix products that take as long as the features of an image.
        self.work = n_values * (2 * math.prod(self.sides) * shape[2] + _POOLING_WORK)

    def __call__(self, images: keras.KerasTensor) -> keras.KerasTensor:
        """Return the features `(n, features)` of images `(n, height, width, channels)`."""
        self.layer = keras.layers.Conv2D(
            self.filters, self.sides, use_bias=False, kernel_initializer="zeros", trainable=False, dtype="float32"
        )
        variances = ops.relu(self._local_means(ops.square(images)) - ops.square(self._local_means(images)))
        responses = self.layer(images) * ops.rsqrt(variances + _CONTRAST)
        pooled = []
        for signed in (responses, -responses):
            averages = _averages(ops.relu(signed - _THRESHOLD))
            if self.mirrored:
                averages = averages[..., : self.n_kernels] + ops.flip(averages[..., self.n_kernels :], axis=2)
            pooled.append(ops.sqrt(averages))
        means = _averages(images)
        variances = ops.relu(_averages(ops.square(images)) - ops.square(means))
        for levels in (means, ops.sqrt(variances + _CONTRAST)):
            pooled.append(levels + ops.flip(levels, axis=2) if self.mirrored else levels)
        flat = [ops.reshape(maps, (-1, math.prod(maps.shape[1:]))) for maps in pooled]
        return ops.concatenate(flat, axis=-1)

    def _local_means(self, images: keras.KerasTensor) -> keras.KerasTensor:
        """Return the means of all patches. Matrix products take a fraction of the time of a pooling layer."""
        rows, columns = (_windows(size, side) for size, side in zip(self.shape[:2], self.sides, strict=True))
        means = ops.matmul(ops.matmul(rows, ops.mean(images, axis=-1)), columns.T)
        return ops.expand_dims(means, -1)

    def set(self, kernels: np.ndarray) -> None:
        """Set the kernels, an array `(height, width, channels, kernels)`, without the mirror images."""
        if self.mirrored:
            kernels = np.concatenate([kernels, kernels[:, ::-1]], axis=-1)
        self.layer.set_weights([kernels.astype("float32")])


class Patches(fitters.Fitter):
    """Kernels of random patches.

    Args:
        inputs: Symbolic tensor of the images.
        head: Name of the head.
        kernels: The `Kernels`.
    """

    uses_validation = False
    reads_targets = False
    most_rows = _MOST_IMAGES

    def __init__(self, inputs: keras.KerasTensor, head: str, kernels: Kernels) -> None:
        super().__init__(inputs, head)
        self.kernels = kernels

    def fit(
        self, training: Rows, validation: Rows, generator: np.random.Generator, deadline: float | None = None
    ) -> dict[str, Any]:
        sides, n_kernels = self.kernels.sides, self.kernels.n_kernels
        patches = np.lib.stride_tricks.sliding_window_view(training.inputs, sides, axis=(1, 2))
        n_patches = min(_MOST_PATCHES, max(n_kernels, _MOST_PATCH_VALUES // math.prod(patches.shape[3:])))
        chosen = [generator.integers(size, size=n_patches) for size in patches.shape[:3]]
        # The order of the values is that of a kernel of a convolution.
        patches = np.moveaxis(patches[tuple(chosen)], 1, -1).reshape(n_patches, -1).astype("float64")
        patches -= patches.mean(axis=1, keepdims=True)
        patches /= np.sqrt(patches.var(axis=1, keepdims=True) + _CONTRAST)
        variances, directions = np.linalg.eigh(patches.T @ patches / n_patches)
        whitening = (directions / np.sqrt(np.maximum(variances, 0.0) + _WHITENING)) @ directions.T
        whitened = patches @ whitening
        lengths = np.linalg.norm(whitened, axis=1)
        # Flat patches, which have nothing to show, are left out.
        shown = np.flatnonzero((lengths > np.median(lengths) / 2) & (lengths > 0))
        shown = np.resize(shown if len(shown) else np.arange(n_patches), n_kernels)
        filters = whitening @ (whitened[shown] / np.maximum(lengths[shown, None], np.finfo("float32").tiny)).T
        # A kernel whose weights have the sum 0 needs no mean of the patch.
        filters -= filters.mean(axis=0)
        self.kernels.set(filters.reshape(*sides, -1, n_kernels))
        return {}


def _averages(maps: keras.KerasTensor) -> keras.KerasTensor:
    """Return the averages of maps `(n, height, width, maps)` over the squares of a grid.

    The squares overlap by some pixels, if need be, so that the grid is its own mirror image.
    """
    numbers = [min(_GRID, size) for size in maps.shape[1:3]]
    strides = tuple(size // n for size, n in zip(maps.shape[1:3], numbers, strict=True))
    sizes = tuple(size - (n - 1) * stride for size, n, stride in zip(maps.shape[1:3], numbers, strides, strict=True))
    return keras.layers.AveragePooling2D(sizes, strides, dtype="float32")(maps)


def _patch_sides(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return height and width of the patches of images of some height, width and channels."""
    n_pixels = min(_MOST_PIXELS, _MOST_VALUES // shape[2])
    shorter = max(1, min(math.isqrt(n_pixels), min(shape[:2]) // 2))
    longer = max(1, min(n_pixels // shorter, max(shape[:2]) // 2))
    return (shorter, longer) if shape[0] <= shape[1] else (longer, shorter)


def _windows(size: int, side: int) -> np.ndarray:
    """Return the matrix that maps numbers to the means of `side` neighbours, `(size - side + 1, size)`."""
    return np.array(
        [np.roll([1 / side] * side + [0.0] * (size - side), start) for start in range(size - side + 1)], "float32"
    )
