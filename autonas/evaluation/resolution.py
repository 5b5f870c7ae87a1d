"""Resolution: networks and data sets for smaller images, as a lower fidelity of a training."""

import dataclasses

import keras
import numpy as np

from autonas.backends import seeding
from autonas.data import features
from autonas.trials import checkpoint

#: Number of images that are resized at a time.
_ROWS = 1024


def smaller(model, names, resolution):
    """Copy a network for smaller images, with the same weights.

    Args:
        model: A functional `keras.Model` with a dict of inputs.
        names: Names of the inputs that are images `(n, height, width, channels)`.
        resolution: Factor of height and width, in (0, 1).

    Returns:
        A new model that isn't compiled; `None` if the shapes of weights depend on the size of images.
    """
    inputs = {}
    for name, tensor in model.input.items():
        feature = features.Tensor(tensor.shape[1:], tensor.dtype)
        feature = feature.at_resolution(resolution) if name in names else feature
        inputs[name] = keras.Input(feature.shape, dtype=feature.dtype, name=name)
    try:
        with seeding.BUILDING:
            copy = keras.models.clone_model(model, input_tensors=inputs)
    except ValueError:  # A layer has a fixed shape, or strides reduce the image to nothing.
        return None
    weights, own = checkpoint.variables_of(model), checkpoint.variables_of(copy)
    if [weight.shape for weight in weights] != [weight.shape for weight in own]:
        return None
    checkpoint.assign(own, checkpoint.values_of(weights))
    return copy


def resized(dataset, names, resolution):
    """Copy an `ArrayDataset` with smaller images.

    Images are resized by bilinear interpolation with antialiasing, and keep their dtype.

    Args:
        dataset: An `ArrayDataset`.
        names: Names of the inputs that are images `(n, height, width, channels)`.
        resolution: Factor of height and width, in (0, 1).

    Returns:
        A new `ArrayDataset`, which shares all other arrays with `dataset`.
    """
    images = {name: _resize(dataset.inputs[name], resolution) for name in names}
    return dataclasses.replace(dataset, inputs=dataset.inputs | images)


def _resize(images, resolution):
    size = features.Tensor(images.shape[1:], images.dtype).at_resolution(resolution).shape[:2]
    smaller_images = np.empty((len(images), *size, images.shape[-1]), images.dtype)
    for start in range(0, len(images), _ROWS):
        pixels = images[start : start + _ROWS].astype("float32")
        pixels = keras.ops.image.resize(pixels, size, antialias=True, data_format="channels_last")
        pixels = keras.ops.convert_to_numpy(pixels)
        if images.dtype.kind != "f":
            pixels = np.round(pixels)
        smaller_images[start : start + _ROWS] = pixels
    return smaller_images
