"""numpy's masked arrays: masked elements become missing values, or are refused where no value may be missing."""

import numpy as np

from autonas.arguments.lists import as_list


def has_masked(x):
    """Return whether a masked array, or a list that holds one, masks at least one element."""
    if isinstance(x, (list, tuple)):
        return any(map(_is_masked, x))
    return _is_masked(x)


def with_missing(x):
    """Return `x` with masked elements as missing values: NaN among numbers, `None` among everything else.

    Args:
        x: Anything. Masked arrays, and lists of them, become plain arrays; everything else is returned as it is.
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


def refuse_masked(x, name):
    """Raise a `ValueError` if `x` masks elements.

    Args:
        x: Anything.
        name: Name of the argument, for the message.
    """
    if has_masked(x):
        count = sum(int(np.ma.count_masked(row)) for row in as_list(x) if _is_masked(row))
        raise ValueError(
            f"`{name}` must hold a value in each place. Received: a masked array with {count} masked "
            f"value{'' if count == 1 else 's'}. Fill them, for example by `filled(0)`, or remove their rows."
        )


def _is_masked(x):
    # numpy takes pandas's arrays with missing values for masked ones.
    return isinstance(x, np.ma.MaskedArray) and np.ma.is_masked(x)
