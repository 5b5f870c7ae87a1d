"""The index of a series in time: its frequency, its gaps, and its continuation."""

import warnings

import numpy as np
import pandas as pd

#: Number of consecutive steps from which the frequency of a series with gaps is inferred, and number of attempts.
_STRETCH, _MAX_STRETCHES = 8, 64


def check(index):
    """Check that the dates of a series are in order.

    Args:
        index: The index of the series. An index without dates is ignored.

    Raises:
        ValueError: If a date comes before or is equal to the date of the step before.

    Warns:
        UserWarning: If steps are missing.
    """
    if not _has_dates(index):
        return
    if not (index.is_monotonic_increasing and index.is_unique):
        raise ValueError(
            "`series` must have dates in ascending order, each of them once. Received: an index in another order or "
            "with duplicates. Use `series.sort_index()` or `series.groupby(level=0).mean()`."
        )
    frequency = _frequency(index)
    if frequency is None:
        return
    missing = _range(index[0], frequency, end=index[-1]).difference(index)
    if len(missing):
        warnings.warn(
            f"`series` lacks {len(missing)} step{'s' * (len(missing) > 1)} of frequency "
            f"{getattr(frequency, 'freqstr', frequency)!r}, the first at {missing[0]}. The steps are forecast as if "
            "their distances were equal. Fill the gaps, for example by pandas' `asfreq` and `interpolate`.",
            stacklevel=2,
        )


def following(index, n_steps):
    """Return the index of the steps after a series.

    Dates continue in the frequency of the series, integers at their distance. Any other index gives 0, 1, 2, ...

    Args:
        index: The index of the series.
        n_steps: Number of steps.
    """
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
