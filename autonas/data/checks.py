"""Checks of the rows, weights and labels passed to `fit`, with one-line error messages."""

import contextlib
import sys
import warnings

import numpy as np
import pandas as pd
from scipy import sparse

from autonas.arguments.scalars import plain
from autonas.data import masks

#: Largest integer up to which all integers are exact in float64.
_MAX_EXACT_INTEGER = 2**53

#: Largest number that a network accepts as input.
MAX_FLOAT32 = float(np.finfo("float32").max)


def number_of_rows(x, name="x"):
    """Return the number of rows of an array, sparse matrix, DataFrame, Series or list.

    Args:
        x: The rows.
        name: Name of the argument for the error message.

    Raises:
        ValueError: If `x` has no rows, such as a scalar, a string or a dict.
    """
    if sparse.issparse(x):
        return x.shape[0]
    rows = x if hasattr(x, "__len__") else np.asarray(x)
    if isinstance(x, (str, bytes, dict, set)) or getattr(rows, "ndim", 1) == 0:
        single = f". Pass a single text as `[{name}]`." if isinstance(x, (str, bytes)) else ""
        raise ValueError(f"`{name}` must be an array, a DataFrame or a list of rows. Received: {describe(x)}{single}")
    return len(rows)


@contextlib.contextmanager
def naming(kind, number, names):
    """Return a context whose `ValueError`s name an input or a head, if there are several.

    Args:
        kind: `"input"` or `"head"`.
        number: Position in `names`.
        names: List of the names of all inputs or heads. Without a name, `None`, the position is named.
    """
    try:
        yield
    except ValueError as error:
        if len(names) == 1:
            raise
        name = number if names[number] is None else repr(names[number])
        raise ValueError(f"{kind} {name}: {error}") from error


def is_stream(x):
    """Return whether `x` is a `tf.data.Dataset`, without importing TensorFlow."""
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and isinstance(x, tensorflow.data.Dataset)


def describe(x):
    """Return the type and shape of any object for an error message, without its content."""
    if x is None:
        return "None"
    if is_stream(x):
        return "tf.data.Dataset"
    shape = getattr(x, "shape", None)
    if shape is not None and len(shape) > 0:
        return f"{type(x).__name__} of shape {tuple(shape)}"
    if isinstance(x, (list, tuple, dict, str)):
        return f"{type(x).__name__} of length {len(x)}"
    return type(x).__name__


def check_same_rows(x, y=None, sample_weight=None, groups=None):
    """Raise a `ValueError` unless `x` has rows, and `y`, `sample_weight` and `groups` are `None` or have as many."""
    n_rows = number_of_rows(x)
    if n_rows == 0:
        raise ValueError(f"`x` must hold at least one row. Received: {describe(x)} with 0 sample(s)")
    for name, value in (("y", y), ("sample_weight", sample_weight), ("groups", groups)):
        if value is not None and number_of_rows(value, name) != n_rows:
            raise ValueError(
                f"`{name}` must have as many rows as `x`. Received: {n_rows} rows in x and "
                f"{number_of_rows(value, name)} in {name}"
            )


def check_parts(parts, names, argument, kind):
    """Raise a `ValueError` unless all inputs, or the targets of all heads, have as many rows.

    Args:
        parts: List of the inputs or targets, at least one.
        names: List of their names, or of `None`.
        argument: Name of the argument of `fit` that holds them.
        kind: `"input"` or `"head"`.

    Raises:
        ValueError: Also for a single part that is a list of one array.
    """
    (first, *others) = parts
    if not others and isinstance(first, (list, tuple)) and len(first) == 1 and _holds_rows(first[0]):
        raise ValueError(
            f"`{argument}` must be an array itself if there is one {kind}. Received: a {type(first).__name__} of one "
            f"{describe(first[0])}. Pass {argument}[0]."
        )
    numbers = [number_of_rows(part, argument) for part in parts]
    if len(set(numbers)) > 1:
        labels = [repr(number if name is None else name) for number, name in enumerate(names)]
        received = ", ".join(f"{number} rows of {kind} {label}" for number, label in zip(numbers, labels, strict=True))
        raise ValueError(f"`{argument}` must hold as many rows of every {kind}. Received: {received}")


def _holds_rows(value):
    """Return whether a value is an array or frame of several rows."""
    return getattr(value, "ndim", 0) > 0 and value.shape[0] > 1


def warn_of_shuffled_index(x, y):
    """Warn if the rows and the targets have the same index in another order: rows are matched by position."""
    if not all(isinstance(values, (pd.DataFrame, pd.Series)) for values in (x, y)) or x.index.equals(y.index):
        return
    if len(x) == len(y) and x.index.is_unique and y.index.is_unique and x.index.isin(y.index).all():
        warnings.warn(
            "`x` and `y` have the same index in another order. Rows are matched by position, as in scikit-learn. Pass "
            "`y.loc[x.index]` to match them by the index.",
            stacklevel=4,
        )


def check_sample_weight(sample_weight):
    """Return sample weights as a float32 array `(rows,)`.

    Raises:
        ValueError: If a weight is negative, missing or infinite, or if all weights are zero.
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


def check_groups(groups):
    """Return the group labels of the rows as an array `(rows,)`; one column becomes one-dimensional.

    Raises:
        ValueError: If there isn't one label per row.
    """
    masks.refuse_masked(groups, "groups")
    try:
        labels = np.asarray(groups)
    except ValueError:  # Lists of unequal lengths.
        labels = np.empty(())
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        advice = "Pass an array or a list of labels."
        if labels.ndim > 1:
            advice = "Join several labels of a row to one: `['-'.join(map(str, labels)) for labels in groups]`."
        raise ValueError(f"`groups` must be one label per row, (rows,). Received: {describe(groups)}. {advice}")
    return labels


def are_confused(values, numbers):
    """Return whether different integers are equal after conversion to float64.

    Args:
        values: Series of numbers of any type, or of strings that represent numbers.
        numbers: The same values as an array of float64.
    """
    if np.nanmax(np.abs(numbers), initial=0.0) <= _MAX_EXACT_INTEGER:
        return False
    return pd.Series(numbers).nunique() < values.nunique()


def warn_of_confused_integers(values, numbers, holder):
    """Warn if different integers are equal after conversion to float64.

    Args:
        values: As in `are_confused`.
        numbers: As in `are_confused`.
        holder: Name of the argument or column for the message.
    """
    if are_confused(values, numbers):
        warnings.warn(
            f"{holder} holds integers beyond 2**53, which float64 can't distinguish: {values.nunique()} different "
            f"values become {pd.Series(numbers).nunique()}. Pass identifiers as strings, or subtract the smallest "
            "value.",
            stacklevel=2,
        )


def check_strings(strings, holder):
    """Raise a `ValueError` unless all strings can be encoded in UTF-8, the encoding of saved and exported models.

    Args:
        strings: Iterable of str.
        holder: Name of the argument or column for the message.

    Raises:
        ValueError: If a string has an unpaired surrogate.
    """
    for string in strings:
        try:
            string.isascii() or string.encode()
        except UnicodeEncodeError:
            raise ValueError(
                f"{holder} must hold valid Unicode. Received: {string!r:.60}, with an unpaired surrogate. "
                "Replace it, for example by `text.encode('utf-8', 'replace').decode()`."
            ) from None


def check_labels_in_training(training, validation):
    """Raise a `ValueError` if a label of the validation set doesn't occur in the training set.

    Args:
        training: Labels `(rows,)` of the training set.
        validation: Labels `(rows,)` of the validation set.

    Raises:
        ValueError: With up to 5 of the missing labels.
    """
    validation = pd.Index(pd.unique(pd.Series(validation)))
    unseen = validation[~validation.isin(pd.unique(pd.Series(training)))]
    if len(unseen):
        raise ValueError(
            f"Validation labels must occur in training. Received labels that don't: {name_labels(unseen)}. Shuffle "
            "sorted rows, add rows of these labels to the training rows, or leave these labels out."
        )


def name_labels(labels, limit=5):
    """Return a string of up to `limit` labels and the number of further labels."""
    more = f" and {len(labels) - limit} more" if len(labels) > limit else ""
    return ", ".join(f"{plain(label)!r:.60}" for label in list(labels)[:limit]) + more
