"""Loaders of Keras, PyTorch and Grain as `tf.data.Dataset`s. Requires TensorFlow."""

import sys

import numpy as np
import tensorflow as tf


def as_dataset(loader):
    """Return a `tf.data.Dataset` of the batches of a loader, which is read anew in every pass.

    Every pass begins with `iter(loader)`. After a pass, `on_epoch_end` of a `keras.utils.PyDataset` is called. The
    dataset has the `class_names` of the loader, if there are any.

    Args:
        loader: A `keras.utils.PyDataset`, a `DataLoader` of PyTorch, or a `MapDataset`, `IterDataset` or `DataLoader`
            of Grain, with batches or rows `x`, `(x, y)` or `(x, y, sample_weight)`. `x` is an array or a dict of
            columns. All batches have the structure of the first batch, and rows of its shape.

    Raises:
        ValueError: If the loader has no end, no batches, or batches that aren't of arrays.
    """
    if _n_batches(loader) == sys.maxsize:
        raise ValueError(f"`x` must be finite. Received: a {type(loader).__name__} without an end")
    first = next(iter(loader), None)
    if first is None:
        raise ValueError(f"`x` must hold at least one row. Received: an empty {type(loader).__name__}")
    first = _as_arrays(first)
    arrays = tf.nest.flatten(first)
    has_rows = all(array.ndim for array in arrays) and len({len(array) for array in arrays}) == 1

    def signature(array):
        if array.dtype == object and not all(isinstance(value, (str, bytes)) for value in array.flat):
            raise ValueError(f"`x` must hold numbers or strings. Received: {type(loader).__name__} of other objects")
        shape = (None, *array.shape[1:]) if has_rows else array.shape
        return tf.TensorSpec(shape, tf.string if array.dtype.kind in "OUS" else tf.as_dtype(array.dtype))

    def batches():
        yield from map(_as_arrays, loader)
        if hasattr(loader, "on_epoch_end"):
            loader.on_epoch_end()

    dataset = tf.data.Dataset.from_generator(batches, output_signature=tf.nest.map_structure(signature, first))
    class_names = getattr(loader, "class_names", None)
    if class_names is not None:
        dataset.class_names = class_names
    return dataset


def _n_batches(loader):
    """Return the number of batches, `sys.maxsize` for a loader without an end, or `None` if the number is unknown."""
    if hasattr(loader, "num_batches"):
        return sys.maxsize if loader.num_batches is None else loader.num_batches
    try:
        return len(loader)
    except TypeError:  # Of a loader of an iterable.
        return None


def _as_arrays(batch):
    """Return a batch with arrays in place of tensors and lists: an array, a dict of arrays, or a tuple of both."""
    if isinstance(batch, (tuple, list)):
        return tuple(map(_as_columns, batch))
    return _as_columns(batch)


def _as_columns(value):
    return {name: _as_array(column) for name, column in value.items()} if isinstance(value, dict) else _as_array(value)


def _as_array(value):
    """Return a tensor of any backend or a list as an array; strings are objects."""
    value = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
    return value.astype(object) if value.dtype.kind in "US" else value
