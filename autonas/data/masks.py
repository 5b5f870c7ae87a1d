"""Conversion of missing values to NaN, and rejection of numpy's masked arrays."""

import numpy as np
import pandas as pd

from autonas.arguments.lists import as_list


def has_masked(x):
    """Return whether `x`, a masked array or a list with masked arrays, has at least one masked element."""
    if isinstance(x, (list, tuple)):
        return any(map(_is_masked, x))
    return _is_masked(x)


def with_missing(x):
    """Convert masked elements to missing values: NaN in arrays of numbers, `None` in other arrays.

    Args:
        x: Any object. Masked arrays and lists of masked arrays become plain arrays. Other objects are returned
            unchanged.
    """
    if isinstance(x, (list, tuple)):
        return [with_missing(row) for row in x] if has_masked(x) else x
    if not isinstance(x, np.ma.MaskedArray):
        return x
    if not _is_masked(x):
        return x.data
    if x.dtype.kind in "fc":
        values = x.data.copy()
    else:
        values = x.data.astype("float64" if x.dtype.kind in "biu" else object)
    values[np.ma.getmaskarray(x)] = None if values.dtype == object else np.nan
    return values


def as_floats(x):
    """Convert numbers to a float64 array, with NaN for masked elements, `None` and the missing value of pandas.

    Raises:
        TypeError, ValueError: If an element is no number.
    """
    values = np.asarray(with_missing(x))
    if values.dtype == object:
        values = np.where(pd.isna(values), np.nan, values)
    return values.astype("float64", copy=False)


def refuse_masked(x, name):
    """Raise a `ValueError` if `x` has masked elements.

    Args:
        x: Any object.
        name: Name of the argument for the error message.
    """
    if has_masked(x):
        count = sum(int(np.ma.count_masked(row)) for row in as_list(x) if _is_masked(row))
        raise ValueError(
            f"`{name}` must have no masked values. Received: a masked array with {count} masked "
            f"value{'' if count == 1 else 's'}. Fill them, for example by `filled(0)`, or remove their rows."
        )


def _is_masked(x):
    # `np.ma.is_masked` alone is true for arrays of pandas with missing values.
    return isinstance(x, np.ma.MaskedArray) and np.ma.is_masked(x)
