"""Structure of a `tf.data.Dataset`: its check, its batches, and their conversion to rows and labels."""

import math

import numpy as np
import pandas as pd
import tensorflow as tf

from autonas.data.kinds import infer_kind

#: Maximum size of a batch in which an unbatched dataset is read.
READ_ROWS, _READ_BYTES = 256, 8 * 2**20
#: Classes of TensorFlow, without a leading underscore, of datasets whose elements are elements of other datasets, or
#: functions of one.
_ELEMENTWISE = {
    f"{name}Dataset"
    for name in (
        "AssertCardinality",
        "Cache",
        "Concatenate",
        "Filter",
        "IgnoreErrors",
        "Map",
        "Options",
        "ParallelMap",
        "Prefetch",
        "Repeat",
        "Shard",
        "Shuffle",
        "Skip",
        "Take",
        "Zip",
    )
}


def check_dataset(dataset, name):
    """Return the structure of an example: a tuple like `(x, y)` or `(x, y, sample_weight)` of pairs (shape, dtype).

    Args:
        dataset: The `tf.data.Dataset`.
        name: Name of the argument for error messages.

    Raises:
        ValueError: If the dataset is infinite, has an unsupported structure, or has rows that look like batches.
    """
    if int(dataset.cardinality()) == tf.data.INFINITE_CARDINALITY:
        raise ValueError(f"`{name}` must be finite. Received: an infinite tf.data.Dataset; use `take(n)`")
    spec = dataset.element_spec
    if not isinstance(spec, tuple) or len(spec) not in (2, 3):
        received = f"{len(spec) if isinstance(spec, (tuple, list)) else 1} component(s) in each element"
        if isinstance(spec, dict):
            received = f"dicts of {', '.join(map(repr, spec))}. Map them to tuples, in a DataLoader by its `collate_fn`"
        raise ValueError(
            f"`{name}` must be a tf.data.Dataset of (x, y) or (x, y, sample_weight), or a loader of such batches. "
            f"Received: {received}"
        )
    if isinstance(spec[0], (tuple, list)) or isinstance(spec[1], (tuple, list, dict)):
        raise ValueError(f"`{name}` must hold one input (a tensor or a dict of columns) and one target tensor")
    batched = _is_batched(spec)
    first = tf.nest.flatten(spec)[0].shape
    # A row of one value is the same as a batch of it.
    if batched and first[0] not in (None, 1) and _is_sliced(dataset, first[0]):
        raise ValueError(
            f"`{name}` must be batched if the first axes of x and y have the same length. Received: elements of an "
            f"array without a batch axis, whose first axes have length {first[0]}. Write {name}.batch(32), or "
            f"{name}.unbatch().batch(32) if the elements are batches of {first[0]} rows."
        )

    def example(tensor):
        shape = tensor.shape[1:] if batched else tensor.shape
        if not isinstance(tensor, tf.TensorSpec) or not shape.is_fully_defined():
            raise ValueError(f"`{name}` must hold dense tensors of fixed shape. Received: {tensor}")
        if 0 in shape:
            raise ValueError(f"`{name}` must hold rows of at least one value. Received: rows of shape {tuple(shape)}")
        return tuple(shape), tensor.dtype.name

    def columns(item):
        examples = {key: example(column) for key, column in sorted(item.items())}
        for key, (shape, _) in examples.items():
            if math.prod(shape) != 1:
                raise ValueError(
                    f"`{name}` must hold one input: a tensor, or a dict of columns with one value for each row. "
                    f"Received: values of shape {shape} for each row in {key!r}. Several inputs must be arrays"
                )
        return examples

    return tuple(columns(item) if isinstance(item, dict) else example(item) for item in spec)


def _is_batched(spec):
    """Return whether the first axes of all tensors have the same length, which can be unknown."""
    shapes = [tensor.shape for tensor in tf.nest.flatten(spec)]
    if any(shape.rank is None for shape in shapes):
        raise ValueError("`x` must be a tf.data.Dataset of tensors of known rank. Received: tensors of unknown rank")
    return all(shape.rank for shape in shapes) and len({shape[0] for shape in shapes}) == 1


def _is_sliced(dataset, length):
    """Return whether each element is an element of arrays, or a function of one, that nothing has batched.

    Args:
        dataset: The `tf.data.Dataset`.
        length: Length of the first axis of the elements. Arrays of other elements, such as indices of batches, may be
            mapped to batches.
    """
    name = type(dataset).__name__.removeprefix("_")
    if name == "TensorSliceDataset":
        return any(tensor.shape.rank and tensor.shape[0] == length for tensor in tf.nest.flatten(dataset.element_spec))
    return name in _ELEMENTWISE and all(_is_sliced(source, length) for source in dataset._inputs())


def kind_of(spec):
    """Return the kind of data of `x`, from the structure that `check_dataset` returned."""
    if isinstance(spec, dict):
        return "table"
    shape, dtype = spec
    if dtype == "string":
        return "text" if int(np.prod(shape)) == 1 else "table"
    return infer_kind(np.zeros((1, *shape), dtype=dtype))


def batches_of(dataset):
    """Return a dataset in batches, which it may have already."""
    return dataset if _is_batched(dataset.element_spec) else batch_rows(dataset)


def batch_rows(dataset):
    """Return a dataset of rows in batches of at most 256 rows and 8 MB."""
    return dataset.batch(int(np.clip(_READ_BYTES // _row_bytes(dataset.element_spec), 1, READ_ROWS)))


def _row_bytes(spec):
    """Return the size of a row of tensors of known shape in bytes, at least 1. A string counts as a pointer."""
    tensors = tf.nest.flatten(spec)
    return max(1, sum((tensor.shape.num_elements() or 1) * max(1, tensor.dtype.size) for tensor in tensors))


def as_rows(x):
    """Convert a batch of rows, an array or a dict of columns, to the type that an encoder accepts."""
    if isinstance(x, dict):
        return pd.DataFrame({name: _plain(values.reshape(len(values))) for name, values in x.items()})
    return _plain(x)


def as_labels(y, class_names=None):
    """Convert a batch of targets to labels.

    Args:
        y: Targets, an array.
        class_names: List of the names of the classes, which replace class indices or one-hot vectors. Defaults to
            `None`.
    """
    y = _plain(y)
    if class_names is None:
        return y.reshape(len(y)) if y.ndim == 2 and y.shape[1] == 1 else y
    codes = y.argmax(axis=1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(len(y)).astype(int)
    return np.array(class_names, dtype=object)[codes]


def stream_batches(dataset, encoder):
    """Yield the batches of a dataset for prediction or scoring.

    Args:
        dataset: Finite `tf.data.Dataset` of `x`, `(x, y)` or `(x, y, sample_weight)`, batched or not.
        encoder: The fitted encoder of the rows.

    Yields:
        Pair of the rows, as accepted by the encoder, and a list: `[]`, `[y]` or `[y, sample_weight]`.

    Raises:
        ValueError: If the dataset is infinite or empty.
    """
    if int(dataset.cardinality()) == tf.data.INFINITE_CARDINALITY:
        raise ValueError("`x` must be finite. Received: an infinite tf.data.Dataset; use `take(n)`")
    spec = dataset.element_spec
    spec = spec[0] if isinstance(spec, tuple) else spec
    # Without targets, only the rank shows whether the dataset is batched.
    rank = {"table": 1, "text": 0}.get(encoder.kind) if not isinstance(spec, dict) else 0
    rank = len(encoder.raw_shape_) if rank is None else rank
    batched = all(tensor.shape.rank > rank for tensor in tf.nest.flatten(spec))
    n_rows = 0
    for batch in (dataset if batched else batch_rows(dataset)).as_numpy_iterator():
        x, *rest = batch if isinstance(batch, tuple) else (batch,)
        rows = as_rows(x)
        n_rows += len(rows)
        yield rows, rest
    if not n_rows:
        raise ValueError("`x` must hold at least one row. Received: an empty dataset")


def _plain(values):
    """Return an array in which the bytes of TensorFlow are decoded to strings."""
    values = np.asarray(values)
    if values.dtype != object:
        return values
    return np.vectorize(lambda v: v.decode("utf-8", errors="replace"), otypes=[object])(values)
