"""Arrays of targets: conversions to numbers and labels, and checks of them."""

import warnings

import numpy as np
import pandas as pd
from sklearn.exceptions import DataConversionWarning

from autonas.data.checks import MAX_FLOAT32
from autonas.data.kinds import SEVERAL_TARGETS, as_target_array

#: Smallest share and smallest number of zeros that show that 0 is the lower bound of a target.
_SHARE_OF_ZEROS, _FEWEST_ZEROS = 0.01, 5


def finite(y):
    """Convert targets to an array as `as_target_array` does; raise a `ValueError` for missing or infinite values."""
    values = as_target_array(y)
    check_finite(values)
    return values


def warn_about_column_vector(y):
    """Warn of targets `(n, 1)`, as scikit-learn does."""
    if getattr(y, "ndim", 1) == 2 and y.shape[1] == 1:
        warnings.warn(
            "A column-vector y was passed when a 1d array was expected. Please change the shape of y to "
            "(n_samples,), for example using ravel().",
            DataConversionWarning,
            # The caller of the preparation, which fits twice: Python shows a warning once for each line.
            stacklevel=4,
        )


def warn_about_one_hot_rows(values):
    """Warn of labels of 0 and 1, `(n, labels)`, that look like classes."""
    if (values.sum(axis=1) == 1).all():
        warnings.warn(
            "`y` has a single 1 in every row, but columns of 0 and 1 are labels of which several may apply. For "
            "classes that exclude each other, pass their numbers: y.argmax(axis=1), or y.idxmax(axis=1) for a frame. "
            "Pass task='multilabel' for labels.",
            stacklevel=4,
        )


def check_labels(values, are_categories):
    """Raise a `ValueError` for targets that aren't one column of labels.

    Args:
        values: The targets, an array.
        are_categories: Whether they have the dtype of pandas' categories, which may be any numbers.
    """
    if values.ndim == 2:
        raise ValueError("Unknown label type: several columns. `y` must have one column of labels")
    if not are_categories and values.dtype.kind == "f" and (values != np.floor(values)).any():
        raise ValueError(
            "Unknown label type: continuous. `y` must hold labels for classification, not numbers with fractional "
            "parts, unless its dtype is pandas' category"
        )


def kind_of_labels(values):
    """Return `"booleans"`, `"numbers"` or `"strings"`."""
    return {"b": "booleans", "i": "numbers", "u": "numbers", "f": "numbers"}.get(values.dtype.kind, "strings")


def check_finite(values):
    """Raise a `ValueError` for missing or infinite targets."""
    if values.dtype.kind == "f":
        bad = ~np.isfinite(values)
    elif values.dtype == object:
        bad = pd.isna(values)
    else:
        return
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        count = f"{bad.sum()} missing, NaN or infinite value{'' if bad.sum() == 1 else 's'}"
        raise ValueError(
            f"`y` has {count}, the first at index {first[0] if len(first) == 1 else first}. Remove such rows."
        )


def as_floats(values):
    """Return targets of a regression as an array of float64; raise a `ValueError` for strings and for huge numbers."""
    try:
        numbers = values.astype("float64")
    except (TypeError, ValueError):
        advice = f". {SEVERAL_TARGETS}." if values.ndim == 2 else ""
        raise ValueError(f"`y` must hold numbers for a regression. Received: strings{advice}") from None
    beyond = np.abs(numbers) > MAX_FLOAT32
    if beyond.any():
        raise ValueError(
            f"`y` must hold numbers within the range of float32, 3.4e38. Received: {numbers[beyond][0]:g}. Rescale "
            "them, for example by their logarithm."
        )
    return numbers


def is_nonnegative(values, weights=None):
    """Return whether 0 is the lower bound of each column of numbers, a boolean array `(columns,)`.

    It is if no number is negative, and at least 1 % of the numbers and at least 5 are exactly 0. A quantity that is
    merely positive in a sample, such as a temperature, doesn't repeat the number 0. A mass of numbers at 0 shows a
    bound, as of counts and amounts.

    Args:
        values: Array `(rows, columns)`.
        weights: Weight of each row, `(rows,)`. Defaults to `None`: equal weights.
    """
    zeros = values == 0
    share = np.average(zeros, axis=0, weights=weights)
    return (values >= 0).all(axis=0) & (share >= _SHARE_OF_ZEROS) & (zeros.sum(axis=0) >= _FEWEST_ZEROS)


def dtype_name(values):
    """Return the name of the dtype of an array for a config."""
    return "object" if values.dtype == object else values.dtype.str
