"""Pretrained backbones of `keras.applications` and KerasHub."""

from __future__ import annotations

import contextlib
import os
import socket
import warnings
from collections.abc import Iterator

import keras
import keras_tuner
from keras import ops

from autonas.search_space import block, declaration, ranges
from autonas.search_space.blocks import arguments, hub, normalization, transfer

#: Mean and standard deviation of the channels of ImageNet, for pixels from 0 to 255.
_MEAN = [123.675, 116.28, 103.53]
_DEVIATION = [58.395, 57.12, 57.375]

#: Input range that the weights of an architecture expect. "pixels": from 0 to 255. "signed": from -1 to 1. "centred":
#: channels in the order blue, green, red, minus the mean of ImageNet. "standardised": by mean and deviation of
#: ImageNet.
ARCHITECTURES = {
    "DenseNet121": "standardised",
    "EfficientNetB0": "pixels",
    "EfficientNetB3": "pixels",
    "EfficientNetV2B0": "pixels",
    "EfficientNetV2S": "pixels",
    "MobileNetV2": "signed",
    "MobileNetV3Large": "pixels",
    "MobileNetV3Small": "pixels",
    "ResNet50": "centred",
    "ResNet50V2": "signed",
    "Xception": "signed",
}

#: File of the ImageNet weights of an architecture in Keras's cache, without classification layers.
_FILES = {
    "DenseNet121": "densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "EfficientNetB0": "efficientnetb0_notop.h5",
    "EfficientNetB3": "efficientnetb3_notop.h5",
    "EfficientNetV2B0": "efficientnetv2-b0_notop.h5",
    "EfficientNetV2S": "efficientnetv2-s_notop.h5",
    "MobileNetV2": "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_{image_size}_no_top.h5",
    "MobileNetV3Large": "weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5",
    "MobileNetV3Small": "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5",
    "ResNet50": "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "ResNet50V2": "resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "Xception": "xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
}

#: Sides in pixels of the images of a backbone.
_IMAGE_SIZES = (96, 160, 224)

#: Timeout of a download without progress, in seconds.
_TIMEOUT = 10

#: Reasons of the downloads that failed in this process, by the argument `weights`.
_failures: dict[str, str] = {}


class WeightsUnavailable(Exception):
    """Error raised when pretrained weights can't be downloaded, with the reason in one line."""


class PretrainedBlock(block.Block):
    """Pretrained network of `keras.applications` or KerasHub without its classification layers.

    The input is an image `(n, height, width, channels)`, standardised to zero mean and unit variance as by
    `Normalization` and by the default encoding of an `ImageInput`. The block resizes the image, repeats the channel of
    a grey image three times, and rescales the values to the range that the backbone expects. The output is a feature
    map.

    Args:
        architecture: Name of a function of `keras.applications`, or a range of names. The supported names are the keys
            of `ARCHITECTURES`. `"keras_hub:"` and the name or the folder of a preset is a backbone of KerasHub, such as
            `"keras_hub:resnet_18_imagenet"`; it needs `pip install 'autonas[hub]'`, and `import keras_hub` before a
            saved model is loaded. Defaults to a choice of MobileNetV3Small, EfficientNetB0 and ResNet50.
        image_size: Side in pixels to which images are resized, or a range. Defaults to a choice of 96, 160 and 224.
        trainable: Whether the backbone is trained, or a range. The statistics and weights of its batch normalisation
            are always frozen if `weights` are loaded, and a frozen backbone has no dropout, so that its output is
            computed once for each row. Defaults to `Boolean()`.
        weights: `"imagenet"`, the path of a weights file, or `None` for random weights, which are always trained. A
            preset of KerasHub has its own weights, unless `weights` is `None`. Defaults to `"imagenet"`.
        name: Name of the block.

    Raises:
        WeightsUnavailable: In `build`, if the weights can't be downloaded. A later trial in the same process doesn't
            try the download again.

    Example:

    ```python
    import autonas

    inputs = autonas.ImageInput()
    features = autonas.PretrainedBlock(architecture="MobileNetV2", image_size=96, trainable=False)(inputs)
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(features))
    ```
    """

    def __init__(
        self,
        architecture: str | ranges.Range = ranges.Choice(["MobileNetV3Small", "EfficientNetB0", "ResNet50"]),
        image_size: int | ranges.Range = ranges.Choice(list(_IMAGE_SIZES)),
        trainable: bool | ranges.Range = ranges.Boolean(),
        weights: str | None = "imagenet",
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.architecture = architecture
        self.image_size = image_size
        self.trainable = trainable
        self.weights = weights

    def build(self, hp: keras_tuner.HyperParameters, inputs: keras.KerasTensor) -> keras.KerasTensor:
        inputs = arguments.tensor_of_rank(self, inputs, 4)
        # A plain hyperparameter, not a decision: building every backbone in one pass would be too expensive.
        architecture = self.suggest(hp, "architecture")
        is_preset = isinstance(architecture, str) and architecture.startswith(hub.PREFIX)
        if not is_preset:
            arguments.check_label(self, "architecture", architecture, ARCHITECTURES)
        image_size = self.suggest(hp, "image_size")
        trainable = self.suggest(hp, "trainable")
        # The space doesn't depend on the weights, so declaring it needs no download.
        weights = None if isinstance(hp, declaration.DeclaringHyperParameters) else self.weights
        if is_preset:
            backbone, rescaling = hub.load(architecture, image_size, weights)
            images = rescaling(_to_imagenet(inputs, image_size, "pixels"))
        else:
            backbone = _backbone(architecture, image_size, weights)
            images = _to_imagenet(inputs, image_size, ARCHITECTURES[architecture])
        transfer.make_name_unique(backbone)
        if weights is not None:
            transfer.set_trainable(backbone, trainable)
        else:
            for layer in backbone.layers:
                if isinstance(layer, keras.layers.BatchNormalization):
                    layer.momentum = normalization.MOMENTUM
        return backbone(images)


def stored(side: int) -> PretrainedBlock | None:
    """Return a block of the backbones whose ImageNet weights are in Keras's cache, for images of a side in pixels.

    The images are resized to the next of the usual sizes. The smallest backbone is the default one, and is frozen.

    Returns:
        A `PretrainedBlock`; `None` if no weights are in the cache.
    """
    image_size = next((size for size in _IMAGE_SIZES if size >= side), _IMAGE_SIZES[-1])
    paths = {name: _path(name, image_size) for name in _FILES}
    known = sorted((os.path.getsize(path), name) for name, path in paths.items() if os.path.exists(path))
    return PretrainedBlock(ranges.Choice([name for _, name in known]), image_size) if known else None


def _path(architecture: str, image_size: int) -> str:
    """Return the path of ImageNet weights in Keras's cache."""
    folder = os.path.join(os.path.expanduser(os.environ.get("KERAS_HOME", "~/.keras")), "models")
    return os.path.join(folder, _FILES[architecture].format(image_size=image_size))


def _backbone(architecture: str, image_size: int, weights: str | None) -> keras.Model:
    """Return the network of `keras.applications` with its weights, or raise `WeightsUnavailable`."""
    # After a download that failed, other downloads aren't tried; weights on disk need none.
    if weights in _failures and not os.path.exists(_path(architecture, image_size)):
        raise WeightsUnavailable(_failures[weights])
    try:
        with _stall_limit(), warnings.catch_warnings():
            # The warning of MobileNets about sizes other than 224 doesn't matter without the classification layers.
            warnings.filterwarnings("ignore", message="`input_shape` is undefined or non-square")
            # EfficientNets find their ImageNet weights by the default name alone.
            return getattr(keras.applications, architecture)(
                include_top=False, weights=weights, input_shape=(image_size, image_size, 3)
            )
    except Exception as error:
        # Keras raises an error of type `Exception` itself for a failed download.
        if weights is None or not (type(error) is Exception or isinstance(error, OSError)):
            raise
        reason = " ".join(f"The {weights} weights of {architecture} can't be loaded: {error}".split())
        _failures[weights] = reason
        raise WeightsUnavailable(reason) from error


@contextlib.contextmanager
def _stall_limit() -> Iterator[None]:
    """Limit the time that a connection can wait for data."""
    previous = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(previous)


def _to_imagenet(images: keras.KerasTensor, size: int, expected: str) -> keras.KerasTensor:
    """Convert standardised images to the size, channels and range of values that a backbone expects.

    Args:
        images: Standardised images `(n, height, width, channels)`.
        size: Side of the resized images in pixels.
        expected: Range of values, as in `ARCHITECTURES`.
    """
    channels = images.shape[-1]
    if channels == 1:
        images = ops.repeat(images, 3, axis=-1)
    elif channels != 3:
        images = keras.layers.Conv2D(3, 1)(images)
    images = keras.layers.Resizing(size, size)(images)
    if expected == "standardised":
        return images
    if expected == "centred":
        return keras.layers.Rescaling(_DEVIATION[::-1])(ops.flip(images, axis=-1))
    pixels = keras.layers.Rescaling(_DEVIATION, _MEAN)(images)
    return keras.layers.Rescaling(1 / 127.5, -1.0)(pixels) if expected == "signed" else pixels
