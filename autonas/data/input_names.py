"""Names of the inputs in `x` and of the targets in `y`, if an argument of `fit` holds several."""

import numpy as np
import pandas as pd
from scipy import sparse

from autonas.data import checks

#: Largest number of lists in `y` that are targets of several heads if `x` is a list of as many items, which could
#: also be rows.
_MOST_HEADS = 10


def part_names(x, y):
    """Return the names of the inputs in `x` and of the targets in `y`.

    A dict contains several inputs or targets by name. A list `x` contains several inputs if at least one item has as
    many rows as `y` and the list doesn't; otherwise its items are rows. A list `y` contains several targets if it has
    at least two items, all of them arrays with as many rows as `x` and with more rows than the list has items. The
    items may also be lists, unless there are as many inputs as targets and more than 10 of them.

    Args:
        x: Rows of one input, or a list or dict of several inputs.
        y: Targets of one head, or a list or dict for several heads.

    Returns:
        Two lists of names. The items of a list have the name `None`. A single input or target is `[None]`.

    Raises:
        ValueError: If a key of a dict isn't a valid name of an input or head.
    """
    targets = _values(y)
    several_targets = _is_dict(y) or (targets is not None and _are_targets(targets, x))
    n_rows = _n_rows(targets[0] if several_targets and targets else y)
    inputs = _values(x)
    several_inputs = _is_dict(x) or (inputs is not None and len(inputs) != n_rows and n_rows in map(_n_rows, inputs))
    names = _names("x", x, several_inputs), _names("y", y, several_targets)
    both = [name for name in names[0] if name is not None and name in names[1]]
    if both:
        raise ValueError(
            f"The keys of `x` and of `y` must be different, as they name parts of one model. Received: {both[0]!r} in "
            "both. Rename one of the two."
        )
    return names


def _is_dict(value):
    """Return whether `value` is a dict. Some sparse matrices of scipy are subclasses of dict, but don't count."""
    return isinstance(value, dict) and not sparse.issparse(value)


def _values(value):
    """Return the list of the values of a dict or of a list of at least two items, or `None` for other types."""
    if _is_dict(value):
        return list(value.values())
    return list(value) if isinstance(value, (list, tuple)) and len(value) > 1 else None


def _n_rows(value):
    """Return the number of rows, or `None` for a scalar or an object without a length."""
    if sparse.issparse(value):
        return value.shape[0]
    is_scalar = isinstance(value, (str, bytes)) or (isinstance(value, np.ndarray) and value.ndim == 0)
    return None if is_scalar or not hasattr(value, "__len__") else len(value)


def _are_targets(values, x):
    """Return whether `values` are several targets; see `part_names`."""
    if not all(_is_array(value) or isinstance(value, (list, tuple)) for value in values):
        return False
    if not all(map(_is_array, values)) and len(values) == _n_rows(x) > _MOST_HEADS:
        return False
    (n_rows, *others) = {len(value) for value in values}
    if others or n_rows <= len(values):
        return False
    return _n_rows(x) == n_rows or {_n_rows(rows) for rows in _values(x) or []} == {n_rows}


def _is_array(value):
    return isinstance(value, (np.ndarray, pd.Series, pd.DataFrame)) and value.ndim > 0


def _is_name(name):
    return name.isidentifier() and name.isascii()


def _names(argument, value, is_several):
    """Return the list of names in `value`, the value of the argument of `fit` named `argument`."""
    if not is_several:
        return [None]
    if not _is_dict(value):
        return [None] * len(value)
    if not value:
        raise ValueError(f"`{argument}` must not be an empty dict. Received: {checks.describe(value)}")
    wrong = next((name for name in value if not (isinstance(name, str) and _is_name(name))), None)
    if wrong is not None:
        raise ValueError(
            f"The keys of `{argument}` must be names of letters from A to Z and a to z, digits and '_', one for each "
            f"input or head. Received: {wrong!r:.60}. To give a table as a dict of columns, use "
            f"pandas.DataFrame({argument})."
        )
    return list(value)
