"""Refuse inconsistent arguments at once, in one short line."""

import sys
import warnings

import numpy as np
import pandas as pd
from scipy import sparse

from autonas.data import masks

#: Integers up to this one are floats of 64 bits.
_MAX_EXACT_INTEGER = 2**53

#: The largest number that a network can read.
MAX_FLOAT32 = float(np.finfo("float32").max)


def number_of_rows(x, name="x"):
    """Returns the number of rows of an array, sparse matrix, DataFrame, Series or list."""
    if sparse.issparse(x):
        return x.shape[0]
    rows = x if hasattr(x, "__len__") else np.asarray(x)
    if isinstance(x, (str, bytes, dict, set)) or getattr(rows, "ndim", 1) == 0:
        raise ValueError(f"`{name}` must be an array, a DataFrame or a list of rows. Received: {describe(x)}")
    return len(rows)


def is_stream(x):
    """Returns whether `x` is a `tf.data.Dataset`, without importing TensorFlow."""
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and isinstance(x, tensorflow.data.Dataset)


def describe(x):
    """Returns type and shape of anything, never its content."""
    if x is None:
        return "None"
    shape = getattr(x, "shape", None)
    if shape is not None and len(shape) > 0:
        return f"{type(x).__name__} of shape {tuple(shape)}"
    if isinstance(x, (list, tuple, dict, str)):
        return f"{type(x).__name__} of length {len(x)}"
    return type(x).__name__


def check_same_rows(x, y=None, sample_weight=None, groups=None):
    """Checks that all arguments that are given have as many rows as `x`, and more than none.

    Raises:
        ValueError: If not.
    """
    n_rows = number_of_rows(x)
    if n_rows == 0:
        raise ValueError(f"`x` must hold at least one row. Received: {describe(x)} with 0 sample(s)")
    for name, value in (("y", y), ("sample_weight", sample_weight), ("groups", groups)):
        if value is not None and number_of_rows(value, name) != n_rows:
            raise ValueError(
                f"`{name}` must have as many rows as `x`. Received: {n_rows} rows in x and "
                f"{number_of_rows(value, name)} in {name}"
            )


def check_enough_rows(n_rows, minimum):
    """Checks that there are rows enough to train on some and validate on others."""
    if n_rows < minimum:
        raise ValueError(
            f"`x` must hold at least {minimum} rows for training and validation. Received: n_samples={n_rows}"
        )


def check_sample_weight(sample_weight):
    """Returns sample weights as a float32 array `(rows,)`.

    Raises:
        ValueError: If a weight is negative, missing or infinite, or all of them are zero.
    """
    masks.refuse_masked(sample_weight, "sample_weight")
    try:
        weights = np.asarray(sample_weight, dtype="float32")
    except (TypeError, ValueError):
        weights = None
    if weights is None or weights.ndim != 1:
        raise ValueError(f"`sample_weight` must be one number per row, (rows,). Received: {describe(sample_weight)}")
    wrong = ~(np.isfinite(weights) & (weights >= 0))
    if wrong.any():
        first = int(np.argmax(wrong))
        raise ValueError(
            f"`sample_weight` must hold finite numbers of at least zero. Received: {weights[first]} at index {first}"
        )
    if not weights.any():
        raise ValueError("`sample_weight` must hold at least one weight above zero. Received: only zero weights")
    return weights


def are_confused(values, numbers):
    """Return whether integers that differ are the same float of 64 bits.

    Args:
        values: Series of numbers of any type, or of strings that read as numbers.
        numbers: The same values as an array of float64.
    """
    if np.nanmax(np.abs(numbers), initial=0.0) <= _MAX_EXACT_INTEGER:
        return False
    return pd.Series(numbers).nunique() < values.nunique()


def warn_of_confused_integers(values, numbers, holder):
    """Warn if `are_confused(values, numbers)`; `holder` is the name of the argument or column for the message."""
    if are_confused(values, numbers):
        warnings.warn(
            f"{holder} holds integers beyond 2**53, which floats of 64 bits can't tell apart: {values.nunique()} "
            f"different values become {pd.Series(numbers).nunique()}. Give identifiers as strings, or subtract the "
            "smallest value.",
            stacklevel=2,
        )


def check_strings(strings, holder):
    """Check that strings can be encoded in UTF-8, as files and run times hold them.

    Args:
        strings: Iterable of str.
        holder: Name of the argument or column that holds the strings, for the message.

    Raises:
        ValueError: If a string has a surrogate without its other half.
    """
    for string in strings:
        try:
            string.isascii() or string.encode()
        except UnicodeEncodeError:
            raise ValueError(
                f"{holder} must hold valid Unicode. Received: {string!r:.60}, with half of a surrogate pair. "
                "Replace it, for example by `text.encode('utf-8', 'replace').decode()`."
            ) from None


def check_labels_in_training(training, validation):
    """Checks that every label of the validation rows is one of the training rows.

    Args:
        training: Labels `(rows,)` of the training rows.
        validation: Labels `(rows,)` of the validation rows.

    Raises:
        ValueError: If not; names up to 5 of the labels.
    """
    validation = pd.Index(pd.unique(pd.Series(validation)))
    unseen = validation[~validation.isin(pd.unique(pd.Series(training)))]
    if len(unseen):
        raise ValueError(f"Validation labels must occur in training. Received labels that don't: {name_labels(unseen)}")


def name_labels(labels, limit=5):
    """Returns up to `limit` labels and the number of the others."""
    plain = [label.item() if isinstance(label, np.generic) else label for label in list(labels)[:limit]]
    more = f" and {len(labels) - limit} more" if len(labels) > limit else ""
    return ", ".join(f"{label!r:.60}" for label in plain) + more
