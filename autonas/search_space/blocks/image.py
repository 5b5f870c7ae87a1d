"""Default block for images."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import keras_tuner

from autonas.data import resolution
from autonas.search_space import block, decisions, ranges
from autonas.search_space.blocks import (
    convolution,
    dense,
    kernel_ridge,
    preprocessing,
    pretrained,
    random_patches,
    residual,
    ridge,
    spaces,
    speedrun,
)

#: Maximum side in pixels of small images, for which networks of their own suffice.
SMALL_IMAGE = 16


class ImageBlock(block.Block):
    """Normalisation and augmentation of images, followed by a network that returns a vector.

    Args:
        kind: Family of the network, `"dense"`, `"convolution"`, `"residual"`, `"speedrun"` (a `SpeedrunBlock`),
            `"patches"` (a `RidgeBlock` or a `KernelRidgeBlock` on the features of a `RandomPatchBlock`), `"ridge"` (a
            `RidgeBlock` on the pixels) or `"pretrained"`, or the name of a space of architectures, `"chain"`, `"cell"`,
            `"hierarchical"` or `"layered"`. Defaults to `None`: the search chooses the family. The families `"dense"`
            and `"ridge"` read images averaged to a shorter side of at most 32 pixels. The family `"pretrained"` is a
            `PretrainedBlock` of the backbones whose ImageNet weights are in Keras's cache, the folder
            `~/.keras/models`. With `None`, the family is no candidate if the cache has no such weights, as nothing is
            downloaded, and for images of at most 16 pixels. With `"pretrained"`, missing weights are downloaded.
        translation: Maximum random shift in training, as a fraction of the side, or a range. Images move by whole
            pixels. Defaults to a choice of 0 and 0.1.
        horizontal_flip: Whether to flip images horizontally at random in training, or a range. The features of
            `"patches"` are then the same for an image and its mirror image. Defaults to `Boolean()`.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.ImageInput()
    features = autonas.ImageBlock(kind="convolution", horizontal_flip=False)(inputs)
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(features))
    ```
    """

    takes_raw_inputs = True
    fitted_kinds = ("patches", "ridge")

    def __init__(
        self,
        kind: str | None = None,
        translation: float | ranges.Range = ranges.Choice([0.0, 0.1]),
        horizontal_flip: bool | ranges.Range = ranges.Boolean(),
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.kind = kind
        self.translation = translation
        self.horizontal_flip = horizontal_flip

    def drawing(self, prefix: str) -> list[dict[str, Any]]:
        return spaces.drawing(self.kind, prefix)

    def build(self, hp: keras_tuner.HyperParameters, inputs: keras.KerasTensor) -> keras.KerasTensor:
        normalization = preprocessing.Normalization()
        normalization.features = self.features
        images = normalization.build(hp, inputs)
        translation, horizontal_flip = self.suggest(hp, "translation"), self.suggest(hp, "horizontal_flip")
        outputs = preprocessing.augment(images, translation=translation, horizontal_flip=horizontal_flip)
        fast = speedrun.SpeedrunBlock()
        fast.features = self.features
        families: dict[str, Callable[[], decisions.Layer]] = {
            "dense": lambda: functools.partial(_dense, hp),
            "convolution": lambda: functools.partial(
                spaces.reduced, hp, convolution.ConvolutionBlock(n_stages=ranges.Int(1, 4, default=2))
            ),
            "residual": lambda: functools.partial(spaces.reduced, hp, residual.ResidualBlock()),
            "speedrun": lambda: functools.partial(fast.build, hp),
        }
        if self.kind in self.fitted_kinds or (self.kind is None and ridge.unsuitable(self) is None):
            families["patches"] = lambda: lambda _: self._patches(hp, images, horizontal_flip)
            families["ridge"] = lambda: lambda _: self._ridge(hp, images)
        backbones = self._backbones(inputs)
        if backbones is not None:
            families["pretrained"] = lambda: functools.partial(spaces.reduced, hp, backbones)
        return spaces.family(self.kind, families, spaces.of_maps_and_series(hp))(hp, outputs)

    def _patches(self, hp: keras_tuner.HyperParameters, images: keras.KerasTensor, mirrored: bool) -> keras.KerasTensor:
        """Apply a ridge regression or classification, with or without a kernel, to the features of random patches."""
        features = self.bound(random_patches.RandomPatchBlock(mirrored=mirrored)).build(hp, images)
        regressions: decisions.Candidates = {
            "linear": lambda: functools.partial(self.bound(ridge.RidgeBlock()).build, hp),
            "kernel": lambda: functools.partial(self.bound(kernel_ridge.KernelRidgeBlock()).build, hp),
        }
        return decisions.LayerChoice("regression", regressions, default="kernel")(hp, features)

    def _ridge(self, hp: keras_tuner.HyperParameters, images: keras.KerasTensor) -> keras.KerasTensor:
        """Apply a ridge regression or classification to the pixels of images of few pixels."""
        pixels = keras.layers.Flatten()(preprocessing.averaged(images, resolution.SMALL_SIDE))
        return self.bound(ridge.RidgeBlock()).build(hp, pixels)

    def _backbones(self, images: keras.KerasTensor) -> pretrained.PretrainedBlock | None:
        """Return the block of the family `"pretrained"` for the tensor `images`, `None` without the family."""
        side = max(images.shape[1:3])
        stored = pretrained.stored(side)
        if self.kind == "pretrained":
            return stored or pretrained.PretrainedBlock()
        return stored if side > SMALL_IMAGE else None


def _dense(hp: keras_tuner.HyperParameters, images: keras.KerasTensor) -> keras.KerasTensor:
    """Apply a `DenseBlock`, whose time grows with the number of pixels, to images of few pixels."""
    return dense.DenseBlock().build(hp, preprocessing.averaged(images, resolution.SMALL_SIDE))
