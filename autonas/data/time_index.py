"""The index of a series in time: its frequency, its gaps, and its continuation."""

import re
import warnings

import numpy as np
import pandas as pd

#: Number of consecutive steps from which the frequency of a series with gaps is inferred, and number of attempts.
_STRETCH, _MAX_STRETCHES = 8, 64
#: Beginning of the strings that may be dates in ISO's notation.
_ISO_DATE = re.compile(r"\d{4}-\d{2}")


def filled(values, index, name):
    """Return a series on a regular grid of dates. Missing steps are interpolated linearly.

    Args:
        values: The series, floats `(time, channels)`.
        index: The index of the series. Without dates, or without a frequency, the series is returned unchanged.
        name: Name of the argument for messages.

    Returns:
        Array `(steps, channels)`.

    Raises:
        ValueError: If a date comes before or is equal to the date of the step before, or if more steps are missing than
            there are.

    Warns:
        UserWarning: If steps are missing, or some dates aren't on the grid of the other dates.
    """
    index = _as_dates(index)
    if not _has_dates(index):
        return values
    if not (index.is_monotonic_increasing and index.is_unique):
        raise ValueError(
            f"`{name}` must have dates in ascending order, each of them once. Received: an index in another order or "
            f"with duplicates. Use `{name}.sort_index()` or `{name}.groupby(level=0).mean()`."
        )
    frequency = _frequency(index)
    if frequency is None:
        return values
    label = getattr(frequency, "freqstr", frequency)
    grid = _range(index[0], frequency, end=index[-1])
    missing, positions = grid.difference(index), grid.get_indexer(index)
    if (positions < 0).any():
        warnings.warn(
            f"`{name}` has {int((positions < 0).sum())} dates that aren't steps of frequency {label!r}, the first at "
            f"{index[positions < 0][0]}. The steps are forecast as if their distances were equal. Resample the series, "
            "for example by pandas' `resample` and `mean`.",
            stacklevel=2,
        )
        return values
    if not len(missing):
        return values
    if len(missing) > len(index):
        raise ValueError(
            f"`{name}` must have most steps of its frequency. Received: {len(index)} steps, and {len(missing)} missing "
            f"steps of frequency {label!r}, the first at {missing[0]}. Resample the series, for example by pandas' "
            "`resample` and `mean`."
        )
    warnings.warn(
        f"`{name}` lacks {len(missing)} step{'s' * (len(missing) > 1)} of frequency {label!r}, the first at "
        f"{missing[0]}. They are interpolated linearly.",
        stacklevel=2,
    )
    return np.column_stack([np.interp(np.arange(len(grid)), positions, column) for column in values.T])


def following(index, n_steps):
    """Return the index of the steps after a series.

    Dates, also as strings such as "2026-01-31", continue in the frequency of the series, integers at their distance.
    Any other index gives 0, 1, 2, ...

    Args:
        index: The index of the series.
        n_steps: Number of steps.
    """
    index = _as_dates(index)
    if _has_dates(index):
        frequency = _frequency(index)
        if frequency is None and len(index) > 1:
            frequency = pd.Series(index).diff().median()
        if frequency is not None:
            return _range(index[-1], frequency, periods=n_steps + 1, name=index.name)[1:]
    elif pd.api.types.is_integer_dtype(index.dtype) and len(index) > 1:
        steps = np.unique(np.diff(index))
        if len(steps) == 1 and steps[0]:
            first = int(index[-1]) + int(steps[0])
            return pd.RangeIndex(first, first + n_steps * int(steps[0]), int(steps[0]), name=index.name)
    return pd.RangeIndex(n_steps)


def _as_dates(index):
    """Convert an index of dates of Python, or of strings that are ISO dates; return any other index unchanged."""
    kind = pd.api.types.infer_dtype(index)
    if kind == "date" or (kind == "string" and _ISO_DATE.match(index[0])):
        try:
            return pd.DatetimeIndex(pd.to_datetime(index, format="ISO8601"), name=index.name)
        except ValueError:
            return index
    return index


def _has_dates(index):
    return isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex)) and len(index) > 0


def _frequency(index):
    """Return the frequency of dates, that of the last stretch without gaps if there are gaps, or `None`."""
    if index.freq is not None:
        return index.freq
    ends = range(len(index), _STRETCH - 1, -1)[:_MAX_STRETCHES]
    stretches = [index, *(index[end - _STRETCH : end] for end in ends)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The result will be an offset in pandas 4, which is accepted, too.
        return next(filter(None, (pd.infer_freq(stretch) for stretch in stretches if len(stretch) > 2)), None)


def _range(first, frequency, **options):
    make = pd.period_range if isinstance(first, pd.Period) else pd.date_range
    return make(first, freq=frequency, **options)
