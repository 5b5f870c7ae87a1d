"""Resolution: smaller images for networks that are compared before they are trained in full."""

import dataclasses

import keras
import numpy as np

from autonas.data import features
from autonas.trials import checkpoint

#: Rows that are resized at a time.
_ROWS = 1024


def smaller(model, names, resolution):
    """A copy of a network for smaller images, with its weights.

    Args:
        model: A functional `keras.Model` with a dict of inputs.
        names: Names of the inputs that are images `(n, height, width, channels)`.
        resolution: Their new height and width over those that they have, in (0, 1).

    Returns:
        A new model that isn't compiled; `None` if there is none with the same weights.
    """
    inputs = {}
    for name, tensor in model.input.items():
        feature = features.Tensor(tensor.shape[1:], tensor.dtype)
        feature = feature.at_resolution(resolution) if name in names else feature
        inputs[name] = keras.Input(feature.shape, dtype=feature.dtype, name=name)
    try:
        copy = keras.models.clone_model(model, input_tensors=inputs)
    except ValueError:  # A shape is written into it, or nothing is left of so small an image after a few strides.
        return None
    weights, own = checkpoint.variables_of(model), checkpoint.variables_of(copy)
    if [each.shape for each in weights] != [each.shape for each in own]:
        return None
    checkpoint.assign(own, checkpoint.values_of(weights))
    return copy


def resized(dataset, names, resolution):
    """An `ArrayDataset` with smaller images.

    Args:
        dataset: An `ArrayDataset`.
        names: Names of the inputs that are images `(n, height, width, channels)`.
        resolution: Their new height and width over those that they have, in (0, 1).

    Returns:
        A new data set: images are resized bilinearly, with antialiasing, and keep their dtype; all else is shared.
    """
    images = {name: _resize(dataset.inputs[name], resolution) for name in names}
    return dataclasses.replace(dataset, inputs=dataset.inputs | images)


def _resize(images, resolution):
    size = features.Tensor(images.shape[1:], images.dtype).at_resolution(resolution).shape[:2]
    found = np.empty((len(images), *size, images.shape[-1]), images.dtype)
    for start in range(0, len(images), _ROWS):
        pixels = images[start : start + _ROWS].astype("float32")
        pixels = keras.ops.image.resize(pixels, size, antialias=True, data_format="channels_last")
        pixels = keras.ops.convert_to_numpy(pixels)
        if images.dtype.kind != "f":
            pixels = np.round(pixels)
        found[start : start + _ROWS] = pixels
    return found
