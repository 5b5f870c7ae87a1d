"""Inference of the kind of data of `x` and of the task of `y`."""

import numpy as np
import pandas as pd
from scipy import sparse

from autonas.data import masks

#: Maximum number of classes of integer targets and of float targets without fractional parts.
_MAX_CLASSES_OF_INTEGERS, _MAX_CLASSES_OF_FLOATS = 20, 10
#: Minimum number of rows of a class if more classes are numbered consecutively.
_MIN_ROWS_PER_NUMBERED_CLASS = 5
#: Minimum side in pixels, and maximum ratio of the sides, of images that aren't square.
_MIN_SIDE, _MAX_RATIO = 16, 2
#: Advice for rows that have several labels.
SEVERAL_LABELS = (
    "For several labels in a row pass indicators, `sklearn.preprocessing.MultiLabelBinarizer().fit_transform(y)`"
)
#: Advice for several targets that aren't all numbers.
SEVERAL_TARGETS = "Pass several targets, some of them words, as a dict such as {'kind': kinds, 'price': prices}"


def infer_kind(x):
    """Infer the kind of data of `x`.

    - `"text"`: strings in a list, a 1-D array, a Series or a single column.
    - `"table"`: 2-D arrays, lists of lists, sparse matrices and DataFrames.
    - `"image"`: 4-D arrays, and 3-D arrays of grey images. A 3-D array is an array of images if it has integers, or if
      it has no NaN and its sides are equal or both at least 16 with a ratio of at most 2.
    - `"series"`: other 3-D arrays `(rows, time, channels)`, and lists of arrays `(time, channels)` of unequal length.

    Args:
        x: The argument `x` of `fit`.

    Returns:
        `"image"`, `"table"`, `"text"` or `"series"`.

    Raises:
        ValueError: If `x` isn't of any of these kinds.
    """
    if isinstance(x, pd.DataFrame):
        return "text" if x.shape[1] == 1 and _is_strings(x.iloc[:, 0]) else "table"
    if sparse.issparse(x):
        return "table"
    if isinstance(x, pd.Series):
        if _is_strings(x):
            return "text"
        raise ValueError(_reshape_message(f"a pandas Series of dtype {x.dtype}"))
    if isinstance(x, (list, tuple)):
        return _kind_of_list(x)
    return _kind_of_array(np.asarray(x))


def _kind_of_list(x):
    if len(x) == 0:
        raise ValueError("`x` must hold at least one row. Received: an empty list")
    first = next((item for item in x if not _is_missing(item)), None)
    if isinstance(first, (str, bytes)):
        return "text"
    if isinstance(first, dict):
        raise ValueError(
            "`x` must be an array, a DataFrame or a list of rows. Received: a list of dicts; "
            "convert it with `pandas.DataFrame(x)`"
        )
    n_dimensions = _n_dimensions(first)
    if n_dimensions == 0:
        raise ValueError(_reshape_message("a list of numbers"))
    if n_dimensions == 1:
        if len({len(item) if hasattr(item, "__len__") else None for item in x}) > 1:
            raise ValueError(
                "`x` must have rows of equal length. Received: a list of rows of unequal length; "
                "for series pass arrays of shape (time, channels)"
            )
        return "table"
    if any(_n_dimensions(item) != n_dimensions for item in x):
        if {_n_dimensions(item) for item in x} == {2, 3}:
            raise unequal_images(x)
        raise ValueError(
            "`x` must have rows with the same number of dimensions. Received: a list of rows with different numbers"
        )
    if len({np.shape(item) for item in x}) > 1:
        if n_dimensions == 2:
            return "series"
        raise unequal_images(x)
    if isinstance(first, np.ndarray):
        return _kind_of_array(np.stack([np.asarray(item) for item in x]))
    return _kind_of_array(np.asarray(x))


def unequal_images(images):
    """Return the `ValueError` for a list of images of several shapes, whose advice suits the difference."""
    shapes = list(dict.fromkeys(np.shape(image) for image in images))
    received = f"Received: images of the shapes {', '.join(map(str, shapes[:3]))}{', ...' if len(shapes) > 3 else ''}."
    if len({shape[:2] for shape in shapes}) > 1:
        return ValueError(f"`x` must hold images of equal size, such as after `keras.ops.image.resize`. {received}")
    return ValueError(
        f"`x` must hold images of equal channels, such as Pillow's images after `image.convert('RGB')`. {received}"
    )


def _n_dimensions(item):
    """Return the number of dimensions of a row, 1 for a list that contains lists of unequal length."""
    try:
        return np.ndim(item)
    except ValueError:
        return 1


def _kind_of_array(x):
    if x.dtype.names is not None:
        raise ValueError(
            f"`x` must be an array of numbers or strings. Received: a structured array of fields "
            f"{', '.join(x.dtype.names[:5])}; convert it with `pandas.DataFrame(x)`"
        )
    if x.ndim == 1 and _is_strings(_as_series(x)):
        return "text"
    if x.ndim == 2:
        return "text" if x.shape[1] == 1 and _is_strings(_as_series(x[:, 0])) else "table"
    if x.ndim in (3, 4) and x.dtype.kind not in "biufO":
        raise ValueError(f"`x` must hold numbers in {x.ndim} dimensions. Received: an array of dtype {x.dtype}")
    if x.ndim == 3:
        return "image" if _looks_like_images(x) else "series"
    if x.ndim == 4:
        return "image"
    if x.ndim == 1 and isinstance(next(iter(x), None), np.ndarray):
        raise ValueError(
            f"`x` must be one array or a list of arrays. Received: an array of {len(x)} arrays; pass "
            "`numpy.stack(x)` if they have one shape, or `list(x)` for series of unequal lengths"
        )
    if x.ndim <= 1:
        raise ValueError(_reshape_message(f"an array of shape {x.shape}"))
    raise ValueError(f"`x` must have 2, 3 or 4 dimensions. Received: an array of shape {x.shape}")


def _looks_like_images(x):
    height, width = x.shape[1:]
    if x.dtype.kind in "iub":
        return True
    short, long = sorted((height, width))
    is_picture = height == width > 1 or (short >= _MIN_SIDE and long <= _MAX_RATIO * short)
    return is_picture and not pd.isna(x).any()


def _as_series(values):
    """Convert an array to a Series whose strings are objects, as Arrow would fail on invalid Unicode."""
    return pd.Series(values, dtype=object if values.dtype.kind in "OUS" else None)


def _is_strings(series):
    if isinstance(series.dtype, np.dtype) and series.dtype.kind in "US":
        return True
    if not (pd.api.types.is_string_dtype(series.dtype) or series.dtype == object):
        return False
    return pd.api.types.infer_dtype(series, skipna=True) in ("string", "bytes")


def _is_missing(value):
    return value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))


def _reshape_message(received):
    return (
        f"`x` must be at least 2-dimensional, or strings. Expected 2D array, got {received} instead. "
        "Reshape your data with array.reshape(-1, 1) if it has one feature"
    )


def infer_task(y):
    """Infer the task of the targets `y`.

    | `y` | task |
    | --- | --- |
    | strings, booleans, categoricals, other objects | binary or multiclass, by the number of distinct values |
    | 2-D, several columns of 0 and 1 only | multilabel |
    | 2-D, several columns of other numbers | regression |
    | floats with fractional parts | regression |
    | floats without fractional parts | classification up to 10 distinct values, otherwise regression |
    | integers | classification up to 20 distinct values, otherwise regression |
    | more than 20 consecutive integers from 0 or 1, each in at least 5 rows | multiclass |

    Up to 10 or 20 distinct numbers are labels only if there are at most 2 of them, or at most half as many as rows.

    Args:
        y: Targets, `(rows,)` or `(rows, columns)`.

    Returns:
        `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`.
    """
    values = as_target_array(y)
    if values.ndim == 2:
        return "multilabel" if is_indicator(values) else "regression"
    if is_categorical(y):
        return "multiclass" if len(np.unique(values)) > 2 else "binary"
    if values.dtype.kind in "fc":
        finite = values[np.isfinite(values)]
        if (finite != np.floor(finite.real)).any():
            return "regression"
        distinct, counts = np.unique(finite, return_counts=True)
        return _labels_or_numbers(distinct, counts, _MAX_CLASSES_OF_FLOATS, numbered=False)
    if values.dtype.kind in "iu":
        distinct, counts = np.unique(values, return_counts=True)
        return _labels_or_numbers(distinct, counts, _MAX_CLASSES_OF_INTEGERS, numbered=True)
    return "multiclass" if _as_series(values).nunique() > 2 else "binary"


def _labels_or_numbers(distinct, counts, limit, numbered):
    """Return the task of numbers.

    Args:
        distinct: Sorted distinct values.
        counts: Number of rows of every distinct value.
        limit: Maximum number of classes.
        numbered: Whether more classes are possible if their labels are consecutive integers.
    """
    few = len(distinct) <= limit and (len(distinct) <= 2 or len(distinct) <= counts.sum() / 2)
    numbers_classes = (
        numbered
        and len(distinct) > limit
        and distinct[0] in (0, 1)
        and distinct[-1] - distinct[0] == len(distinct) - 1
        and counts.min() >= _MIN_ROWS_PER_NUMBERED_CLASS
    )
    if not (few or numbers_classes):
        return "regression"
    return "multiclass" if len(distinct) > 2 else "binary"


def is_categorical(y):
    """Return whether targets are declared as classes: one column of pandas' category dtype."""
    if isinstance(y, pd.DataFrame) and y.shape[1] == 1:
        y = y.iloc[:, 0]
    return isinstance(getattr(y, "dtype", None), pd.CategoricalDtype)


def is_indicator(values):
    """Return whether a 2-D array has only the values 0 and 1, or booleans."""
    if values.dtype.kind == "b":
        return True
    return values.dtype.kind in "iuf" and bool(((values == 0) | (values == 1)).all())


def as_target_array(y):
    """Convert targets to a numpy array.

    A single column becomes one-dimensional. Objects that are numbers or booleans become arrays of these types.

    Args:
        y: A list, array, sparse indicator matrix, Series or DataFrame.

    Returns:
        Array `(rows,)` or `(rows, columns)` of booleans, integers, floats, strings, or objects (strings with missing
        values).

    Raises:
        ValueError: If `y` is `None`, isn't 1-D or 2-D, or has complex numbers, lists or masked values.
    """
    if y is None:
        raise ValueError("This estimator requires y to be passed, but the target y is None.")
    masks.refuse_masked(y, "y")
    if isinstance(y, pd.Series) and isinstance(y.dtype, pd.SparseDtype):
        y = y.sparse.to_dense()
    if sparse.issparse(y):
        y = y.toarray()
    if isinstance(y, pd.DataFrame):
        y = y.iloc[:, 0] if y.shape[1] == 1 else _numeric_frame(y)
    if isinstance(y, (list, tuple)):
        try:
            y = np.asarray(y) if not _mixes_strings(y) else np.asarray(y, dtype=object)
        except ValueError:
            raise ValueError(
                "`y` must hold one label or number per row, or the same number of them in every row. "
                f"Received: a list of unequal items. Unknown label type: unequal lists. {SEVERAL_LABELS}."
            ) from None
    values = y.to_numpy() if isinstance(y, pd.Series) and isinstance(y.dtype, np.dtype) else y
    if isinstance(values, pd.Series):
        values = _from_extension(values)
    values = np.asarray(values)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim not in (1, 2):
        raise ValueError(f"`y` should be a 1d array or a 2d array. Received: an array of shape {values.shape}")
    if values.dtype.kind == "c":
        raise ValueError("Complex data not supported in `y`")
    if values.dtype.kind in "mMSV":
        convert = {"S": "Decode them, for example by `y.astype(str)`", "V": "Pass one of its fields"}
        raise ValueError(
            f"`y` must hold numbers, booleans or strings. Unknown label type: {values.dtype}. "
            f"{convert.get(values.dtype.kind, 'Convert them to numbers, for example of days')}."
        )
    if 0 in values.shape[1:]:
        raise ValueError(f"`y` must have at least one column. Received: an array of shape {values.shape}")
    if values.dtype == object:
        values = _from_objects(values)
    # An index of pandas has no numbers of 16 bits.
    return values.astype("float32") if values.dtype == "float16" else values


def _mixes_strings(values):
    strings = sum(isinstance(value, str) for value in values)
    return 0 < strings < len(values)


def _numeric_frame(frame):
    try:
        return frame.to_numpy(dtype="float64" if any(_is_float(t) for t in frame.dtypes) else None, na_value=np.nan)
    except (TypeError, ValueError):
        return frame.to_numpy(dtype=object)


def _is_float(dtype):
    return pd.api.types.is_float_dtype(dtype)


def _from_extension(series):
    if isinstance(series.dtype, pd.CategoricalDtype):
        return series.astype(series.cat.categories.dtype if not series.isna().any() else object).to_numpy()
    missing = series.isna().any()
    if pd.api.types.is_bool_dtype(series.dtype):
        return series.to_numpy(dtype=object if missing else "bool")
    if pd.api.types.is_integer_dtype(series.dtype) or _is_float(series.dtype):
        numpy_dtype = series.dtype.numpy_dtype
        return series.to_numpy(dtype="float64" if missing else numpy_dtype, **({"na_value": np.nan} if missing else {}))
    return series.to_numpy(dtype=object)


def _from_objects(values):
    if values.ndim == 2:
        try:
            numbers = values.astype("float64")
        except (TypeError, ValueError):
            raise ValueError(
                f"`y` with several columns must hold numbers. Unknown label type: objects. {SEVERAL_TARGETS}."
            ) from None
        exact = np.array(values.tolist())
        return exact if exact.dtype.kind in "biu" else numbers
    kind = pd.api.types.infer_dtype(values, skipna=True)
    if kind in ("integer", "floating", "mixed-integer-float", "boolean", "decimal"):
        if not pd.isna(values).any():
            return np.array(values.tolist()) if kind != "decimal" else values.astype("float64")
        return values if kind == "boolean" else np.where(pd.isna(values), np.nan, values).astype("float64")
    if kind in ("string", "empty"):
        return values
    convert = {
        "bytes": "Decode them, for example by `[label.decode() for label in y]`",
        **dict.fromkeys(["period", "interval"], "Convert them to strings, for example by `y.astype(str)`"),
    }
    if any(isinstance(value, (list, tuple, set, frozenset, np.ndarray)) for value in values):
        convert[kind] = SEVERAL_LABELS
    advice = convert.get(kind, "Convert a mixture to strings, for example by `[str(label) for label in y]`")
    raise ValueError(f"`y` must hold numbers, booleans or strings only. Unknown label type: {kind}. {advice}.")
