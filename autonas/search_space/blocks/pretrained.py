"""Backbones of `keras.applications`, with their published weights."""

import contextlib
import socket
import warnings

import keras
from keras import ops

from autonas.search_space import block, declaring, ranges
from autonas.search_space.blocks import arguments

#: Mean and standard deviation of ImageNet's channels, for pixels in 0..255.
_MEAN = [123.675, 116.28, 103.53]
_DEVIATION = [58.395, 57.12, 57.375]

#: Architecture to what its weights expect: "pixels" 0..255; "signed": -1..1; "centred": blue, green, red less
#: ImageNet's mean; "standardised" by ImageNet's mean and deviation.
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

#: Seconds that a download may stand still.
_TIMEOUT = 10

#: Weights to the reason why they can't be had, for those that a download in this process has failed for.
_failures = {}


class WeightsUnavailable(Exception):
    """Published weights can't be downloaded; the message is the reason, in one line."""


class PretrainedBlock(block.Block):
    """A network of `keras.applications` without its last layers.

    Takes images `(n, height, width, channels)`, standardised to zero mean and unit variance, as
    `Normalization` and the default encoding of an image input deliver them, whatever the range of the raw
    pixels. They are resized, grey images are given three equal channels, and the values are shifted to those
    that the backbone was trained with. Returns a map.

    Args:
        architecture: Name of the function in `keras.applications`, or a range of names; see `ARCHITECTURES`.
            Defaults to a choice of MobileNetV3Small, EfficientNetB0 and ResNet50.
        image_size: Side in pixels to which images are resized, or a range. Defaults to a choice of 96, 160
            and 224.
        trainable: Whether the backbone is trained too, or a range. Its batch normalisation stays as it is in
            either case. Defaults to `Boolean()`.
        weights: `"imagenet"`, the path of a weights file, or `None` for random weights, which are always
            trained. Defaults to `"imagenet"`.
        name: Name of the block.

    Raises:
        WeightsUnavailable: By `build`, if the weights can't be downloaded. Remembered in the process: the
            next trial is told at once.
    """

    def __init__(
        self,
        architecture=ranges.Choice(["MobileNetV3Small", "EfficientNetB0", "ResNet50"]),
        image_size=ranges.Choice([96, 160, 224]),
        trainable=ranges.Boolean(),
        weights="imagenet",
        name=None,
    ):
        super().__init__(name)
        self.architecture = architecture
        self.image_size = image_size
        self.trainable = trainable
        self.weights = weights

    def build(self, hp, inputs):
        inputs = arguments.tensor_of_rank(self, inputs, 4)
        # A plain hyperparameter, not a decision: no reading could afford to visit every backbone.
        architecture = self.suggest(hp, "architecture")
        arguments.check_label(self, "architecture", architecture, ARCHITECTURES)
        image_size = self.suggest(hp, "image_size")
        trainable = self.suggest(hp, "trainable")
        # The space doesn't depend on the weights: it can be declared where they can't be had.
        weights = None if isinstance(hp, declaring.DeclaringHyperParameters) else self.weights
        backbone = _backbone(architecture, image_size, weights)
        images = _to_imagenet(inputs, image_size, ARCHITECTURES[architecture])
        backbone.trainable = trainable or weights is None
        for layer in backbone.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                if weights is None:
                    layer.momentum = 0.9
                else:
                    # Keeps the published statistics. Calling with training=False would not: in `fit`, Keras
                    # overrides it with the outer model's.
                    layer.trainable = False
        return backbone(images)


def _backbone(architecture, image_size, weights):
    if weights in _failures:
        raise WeightsUnavailable(_failures[weights])
    try:
        with _stall_limit(), warnings.catch_warnings():
            # Without its last layers, a network takes any size: MobileNets needn't warn of others than 224.
            warnings.filterwarnings("ignore", message="`input_shape` is undefined or non-square")
            # No name: Keras makes one up that is unique, so that a graph can hold an architecture twice.
            return getattr(keras.applications, architecture)(
                include_top=False, weights=weights, input_shape=(image_size, image_size, 3), name=None
            )
    except Exception as error:
        # Keras raises a bare Exception for a failed download.
        if weights is None or not (type(error) is Exception or isinstance(error, OSError)):
            raise
        reason = " ".join(f"The {weights} weights of {architecture} can't be had: {error}".split())
        _failures[weights] = reason
        raise WeightsUnavailable(reason) from error


@contextlib.contextmanager
def _stall_limit():
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _to_imagenet(images, size, expected):
    """From standardised images of any size to those that a backbone was trained with."""
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
