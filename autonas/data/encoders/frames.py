"""Conversion of tables of all types to a DataFrame or a matrix, and checks of their columns."""

import numpy as np
import pandas as pd
from scipy import sparse

from autonas.arguments.scalars import plain
from autonas.data import masks
from autonas.data.checks import check_strings
from autonas.data.encoders import columns

#: Maximum size of a sparse matrix when dense.
_MAX_DENSE_BYTES = 200 * 2**20


def frame_or_matrix(x):
    """Return a DataFrame unchanged, and any other table as a two-dimensional array.

    Raises:
        ValueError: If `x` isn't two-dimensional, is complex, or is a sparse matrix above 200 MB when dense.
    """
    if sparse.issparse(x):
        n_bytes = int(np.prod(x.shape)) * 8
        if n_bytes > _MAX_DENSE_BYTES:
            raise ValueError(
                f"`x` is a sparse matrix that takes {n_bytes // 2**20} MB when dense; at most "
                f"{_MAX_DENSE_BYTES // 2**20} MB are accepted. Reduce it first, e.g. with TruncatedSVD."
            )
        x = x.toarray()
    if isinstance(x, pd.DataFrame):
        return x
    x = masks.with_missing(x)
    x = np.asarray(x) if isinstance(x, np.ndarray) else _array_of(x)
    if x.ndim != 2:
        raise ValueError(
            f"`x` must be a table. Expected 2D array, got {x.ndim}D array instead. Reshape your data "
            "either using array.reshape(-1, 1) if it has a single feature or array.reshape(1, -1) if it "
            "is a single sample"
        )
    if x.dtype.kind == "c":
        raise ValueError("Complex data not supported in `x`")
    return x


def as_table(x, fitted_on_array=False):
    """Convert a table to a float64 array if all its values are numbers, otherwise to a DataFrame.

    Args:
        x: Table, as in `frame_or_matrix`. A DataFrame is returned unchanged.
        fitted_on_array: Whether the encoder was fitted to an array of numbers, so that all values must be numbers.
            Defaults to `False`.
    """
    x = frame_or_matrix(x)
    if isinstance(x, pd.DataFrame):
        return x
    if x.dtype.kind in "biuf":
        return x.astype("float64", copy=False)
    check_strings((value for value in x.flat if isinstance(value, str)), "`x`")
    frame = pd.DataFrame(x).infer_objects()
    kinds = [columns.infer_column(frame[name]) for name in frame] if not fitted_on_array else ["number"]
    if frame.shape[1] and all(kind in ("number", None) for kind in kinds):
        try:
            return np.stack([columns.as_numbers(frame[name]) for name in frame], axis=1)
        except ValueError:  # Some strings need a notation, which `TableEncoder` keeps by the name of a column.
            if fitted_on_array:
                raise
    return frame


def _array_of(x):
    if isinstance(x, (list, tuple)) and x and isinstance(x[0], (list, tuple)):
        if any(isinstance(value, (str, bytes)) or value is None for row in x for value in row):
            return np.array(x, dtype=object)
    try:
        return np.asarray(x)
    except ValueError:
        raise ValueError(
            "`x` must hold one value in each cell. Received: rows whose cells hold lists of unequal length"
        ) from None


def column_names(frame, argument="x"):
    """Return the list of the names of the columns, with `False` and `True` as strings, which a saved model keeps.

    Args:
        frame: The DataFrame.
        argument: Name of the argument for messages. Defaults to `"x"`.

    Raises:
        ValueError: If a name is neither a string nor an integer, or occurs twice.
    """
    names = [plain(name) for name in frame.columns]
    # `pandas.get_dummies` names columns by the values of a boolean column.
    names = [str(name) if isinstance(name, bool) else name for name in names]
    for name in names:
        if not isinstance(name, (str, int)):
            raise ValueError(
                f"`{argument}` must have columns named by strings or integers. Received: {name!r:.60}. Rename them, "
                f"for example by `{argument}.columns = {argument}.columns.map(str)`."
            )
    check_strings((name for name in names if isinstance(name, str)), f"A column's name of `{argument}`")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(
            f"`{argument}` must have columns of different names. Received: {twice!r:.60} more than once. Rename them."
        )
    return names


def conformed(x, names, n_columns, owner):
    """Return rows as an array or DataFrame with the columns of `fit`.

    Args:
        x: Rows in the format of a user.
        names: List of the names of the columns in `fit`, or `None` if `fit` received an array.
        n_columns: Number of columns in `fit`.
        owner: Name of the estimator for messages.

    Raises:
        ValueError: If the columns differ from `fit`.
    """
    original = frame_or_matrix(x)
    x = as_table(original, fitted_on_array=names is None)
    if names is not None and isinstance(original, pd.DataFrame):
        received = column_names(x)
        if set(received) == set(names):
            return x.set_axis(received, axis=1)
        check_unnamed(received, names)
    if x.shape[1] != n_columns:
        raise ValueError(f"X has {x.shape[1]} features, but {owner} is expecting {n_columns} features as input")
    if names is not None:
        return pd.DataFrame(x).set_axis(names, axis=1)
    if isinstance(x, np.ndarray):
        return x
    # Columns are matched by position, so that their names may be equal.
    return np.stack([columns.as_numbers(x.iloc[:, position]) for position in range(x.shape[1])], axis=1)


def check_unnamed(received, expected):
    """Raise a `ValueError` for other columns than in `fit`, unless the columns of one table have only positions.

    Positions are the integers 0, 1, 2, ..., which pandas gives to the columns of an array.

    Args:
        received: List of the names of the columns.
        expected: List of the names of the columns in `fit`.
    """
    named = [names for names in (received, expected) if names != list(range(len(names)))]
    if len(named) < 2 and all(isinstance(name, str) for names in named for name in names):
        return
    missing = [name for name in expected if name not in set(received)]
    extra = [name for name in received if name not in set(expected)]
    lists = [
        f"{title} {', '.join(map(repr, names[:5]))}{f' and {len(names) - 5} more' if len(names) > 5 else ''}"
        for title, names in (("missing:", missing), ("unseen in fit:", extra))
        if names
    ]
    raise ValueError(f"`x` must have the columns of fit. Received columns {'; '.join(lists)}.")
