"""Conversion of data of other libraries and byte orders: to pandas, to numpy, and to `tf.data.Dataset`."""

import sys
from collections.abc import Iterator

import numpy as np
import pandas as pd

from autonas.data.checks import describe, is_stream, name_labels


def converted(data):
    """Convert a frame to pandas, a tensor to numpy and a loader to a `tf.data.Dataset`; return other objects unchanged.

    Arrays and columns of the other byte order, which pandas can't index, get the byte order of this computer.

    Args:
        data: A frame or column of polars, pyarrow or any other library with Arrow's interface and `to_pandas`; a
            tensor of TensorFlow, JAX, PyTorch, a picture of Pillow, or any other object with numpy's interface; a
            `keras.utils.PyDataset`, a `DataLoader` of PyTorch, a data set or loader of Grain; a list or dict of them;
            or any other object.

    Raises:
        ValueError: If a loader has no end, no batches, or batches that TensorFlow can't represent; for a `Dataset` of
            PyTorch, which has no batches.
    """
    if type(data) is dict:
        return {name: converted(value) for name, value in data.items()}
    if isinstance(data, (list, tuple)):
        is_foreign = any(_is_foreign_frame(value) or _is_tensor(value) or _is_swapped(value) for value in data)
        return [converted(value) for value in data] if is_foreign else data
    if _is_foreign_frame(data):
        return data.to_pandas()
    if _is_of(data, "tensorflow", "RaggedTensor"):
        return [row.numpy() for row in data]
    if _is_of(data, "torch", "Tensor"):
        return _array_of_torch(data)
    if _is_tensor(data):
        data = np.asarray(data)
    if _is_swapped(data):
        return _native(data)
    if _is_loader(data):
        from autonas.data import loaders  # TensorFlow only.

        return loaders.as_dataset(data)
    if _is_of(data, "torch.utils.data", "Dataset"):
        raise ValueError(
            f"`x` must have batches. Received: {describe(data)}, a Dataset of PyTorch. Pass "
            "torch.utils.data.DataLoader(x, batch_size=32)."
        )
    return data


def converted_rows(x, name="x"):
    """Return converted rows.

    Args:
        x: Rows, as the user passed them.
        name: Name of the argument for the error message. Defaults to `"x"`.

    Raises:
        ValueError: If `x` is an iterator or a generator, or can't be converted.
    """
    if isinstance(x, Iterator) and not _is_loader(x):
        raise ValueError(
            f"`{name}` must hold rows that can be read several times, which iterators and generators can't. Received: "
            f"{describe(x)}. Pass arrays, a list of rows, a `keras.utils.PyDataset`, or a `tf.data.Dataset`, for "
            "example by `tf.data.Dataset.from_generator`."
        )
    return converted(x)


def rows_and_targets(x, y, name="x"):
    """Return converted rows and targets; the targets are a column of the rows if `y` is its name.

    Args:
        x: Rows, as the user passed them.
        y: Targets, or the name of a column of `x`, a string.
        name: Name of the argument with the rows for the error about iterators. Defaults to `"x"`.

    Raises:
        ValueError: If `x` has no column of this name, or several, or is an iterator, or if `y` is a list of names.
    """
    x = converted_rows(x, name)
    columns = list(x.columns) if isinstance(x, pd.DataFrame) else []
    if not isinstance(y, str):
        if columns and isinstance(y, (list, tuple)) and 0 < len(y) != len(x):
            _refuse_names(y, columns)
        return x, converted(y)
    if columns.count(y) > 1:
        raise ValueError(
            f"`y` must name one column of `x`. Received: y={y!r:.60}, the name of {columns.count(y)} columns. Rename "
            "the others, or remove them."
        )
    if y in columns:
        return x.drop(columns=y), x[y]
    if columns:
        advice = f"`x` has no such column; its columns are {name_labels(columns)}."
    else:
        advice = f"`x` has no columns by name; it is {describe(x)}."
    raise ValueError(f"`y` must hold the targets or name a column of `x`. Received: y={y!r:.60}. {advice}")


def _refuse_names(y, columns):
    """Raise a `ValueError` if all items of `y` are names of columns."""
    if not all(isinstance(name, str) and name in columns for name in y):
        return
    advice = f"Pass y={y[0]!r:.60}."
    if len(y) > 1:
        advice = "Pass x.drop(columns=names) and, with a name for each target, {name: x[name] for name in names}."
    raise ValueError(
        "`y` must hold the targets or be the name of one column of `x`. Received: the names of columns, "
        f"{name_labels(y)}. {advice}"
    )


def labelled_rows(data, y):
    """Return the converted argument `validation_data` of `fit`.

    Args:
        data: A tuple `(x, y)`, a stream, a frame with the column `y`, or any other object, which is returned unchanged.
        y: The argument `y` of `fit`.
    """
    if isinstance(data, (list, tuple)) and len(data) == 2:
        return rows_and_targets(*data, name="validation_data")
    data = converted_rows(data, "validation_data")
    return rows_and_targets(data, y) if isinstance(data, pd.DataFrame) and isinstance(y, str) else data


def _is_foreign_frame(data):
    """Return whether an object is a frame, or a column, of a library other than pandas."""
    return hasattr(data, "to_pandas") and any(
        hasattr(data, name) for name in ("__arrow_c_stream__", "__arrow_c_array__", "__dataframe__")
    )


def _array_of_torch(tensor):
    """Return a tensor of PyTorch as an array: also from a GPU, of a computation with gradients, sparse, in bfloat16."""
    if tensor.is_nested:
        raise ValueError("`x` and `y` must be tensors of one shape. Received: a nested tensor. Pass `x.unbind()`.")
    tensor = tensor.detach().cpu()
    tensor = tensor if tensor.layout is sys.modules["torch"].strided else tensor.to_dense()
    return (tensor.float() if tensor.dtype is sys.modules["torch"].bfloat16 else tensor).numpy()


def _is_tensor(data):
    """Return whether an object is a tensor or a picture of a library other than numpy and pandas."""
    known = (np.ndarray, np.generic, pd.DataFrame, pd.Series, pd.Index, pd.api.extensions.ExtensionArray)
    has_array = hasattr(data, "__array_interface__") or (hasattr(data, "__array__") and hasattr(data, "shape"))
    return has_array and not isinstance(data, known)


def _is_swapped(data):
    """Return whether an array, or a column of a frame, has the other byte order."""
    if isinstance(data, pd.DataFrame):
        return any(map(_is_swapped, data.dtypes))
    dtype = data if isinstance(data, np.dtype) else getattr(data, "dtype", None)
    return isinstance(dtype, np.dtype) and not dtype.isnative


def _native(data):
    """Return an array, a column or a frame in the byte order of this computer."""
    if not isinstance(data, pd.DataFrame):
        return data.astype(data.dtype.newbyteorder("="))
    data = data.copy(deep=False)
    for position, dtype in enumerate(data.dtypes):
        if _is_swapped(dtype):
            data.isetitem(position, _native(data.iloc[:, position]))
    return data


def _is_loader(data):
    """Return whether an object gives batches, pass after pass, without importing the libraries of loaders."""
    return not is_stream(data) and any(_is_of(data, module, name) for module, name in _LOADERS)


def _is_of(data, module, name):
    """Return whether an object is an instance of a class, without importing the module of the class."""
    kind = getattr(sys.modules.get(module), name, None)
    return kind is not None and isinstance(data, kind)


#: Module and name of the classes of loaders.
_LOADERS = (
    ("keras.utils", "PyDataset"),
    ("torch.utils.data", "DataLoader"),
    ("grain", "MapDataset"),
    ("grain", "IterDataset"),
    ("grain", "DataLoader"),
)
