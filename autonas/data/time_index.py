"""The index of a series in time: its frequency, its gaps, and its continuation."""

import re
import warnings

import numpy as np
import pandas as pd

from autonas.arguments.scalars import plain
from autonas.data.encoders import dates

#: Number of consecutive steps from which the frequency of a series with gaps is inferred, and number of attempts.
_STRETCH, _MAX_STRETCHES = 8, 64
#: Beginning of the strings that may be dates in ISO's notation.
_ISO_DATE = re.compile(r"\d{4}-\d{2}")
#: Patterns of strings that are years, quarters and weeks of ISO's calendar, with the frequency of pandas' periods and
#: the format of the strings.
_PERIODS = (
    (r"(1[6-9]|2[01])\d\d", "Y", "%Y"),
    (r"\d{4}Q[1-4]", "Q", "%YQ%q"),
    (r"\d{4}-Q[1-4]", "Q", "%Y-Q%q"),
    (r"\d{4}-W[0-5]\d", "W", "%G-W%V"),
)
#: Ratio of the steps of two frequencies from which they differ. Months count as equal, and so do days and open days.
_DIFFERENT = 1.4
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
#: Shortest time after which weekdays without a date are closed, and the smallest share of the other days with a date.
_FEW_WEEKS, _MIN_OPEN = pd.Timedelta(weeks=4), 0.8


def filled(values, index, name):
    """Return a series on a regular grid of dates or integers. Missing steps are interpolated linearly.

    Args:
        values: The series, floats `(time, channels)`.
        index: The index of the series. Without dates or integers, or without a frequency, the series is returned
            unchanged.
        name: Name of the argument for messages.

    Returns:
        Array `(steps, channels)`.

    Raises:
        ValueError: If the index has several levels or missing dates, if a date or an integer comes before or is equal
            to that of the step before, or if more steps are missing than there are.

    Warns:
        UserWarning: If steps are missing, if the index holds neither dates nor integers, or if dates have no frequency
            or, as integers, aren't on the grid of the others.
    """
    if isinstance(index, pd.MultiIndex):
        raise ValueError(
            f"`{name}` must have an index of one level. Received: {index.nlevels} levels. Pass one column per series, "
            f"for example `{name}.unstack(0)`."
        )
    if index.hasnans:
        raise ValueError(
            f"`{name}` must have an index without missing dates. Received: {int(index.isna().sum())} missing, the "
            f"first at position {int(np.argmax(index.isna()))}. Fill them in, or drop these steps by "
            f"`{name}[{name}.index.notna()]`."
        )
    index = as_dates(index)
    if not len(index):
        return values
    has_dates = _has_dates(index)
    if not (has_dates or pd.api.types.is_integer_dtype(index.dtype)):
        warnings.warn(
            f"`{name}` has an index of neither dates nor integers, such as {plain(index[0])!r:.60}. Its order "
            "and gaps aren't checked, and a forecast is numbered from 0. Convert it with pandas.to_datetime or "
            f"pandas.PeriodIndex, or drop it by `{name}.reset_index(drop=True)`.",
            stacklevel=2,
        )
        return values
    kind = "dates" if has_dates else "integers"
    if not (index.is_monotonic_increasing and index.is_unique):
        raise ValueError(
            f"`{name}` must have {kind} in ascending order, each of them once. "
            f"Received: an index in another order or with duplicates. Use `{name}.sort_index()` or "
            f"`{name}.groupby(level=0).mean()`."
        )
    frequency = _frequency(index) if has_dates else _distance(index)
    if frequency is None:
        if len(index) > 2:
            warnings.warn(
                f"`{name}` has dates without a frequency. The steps are forecast as if their distances were equal, and "
                f"the dates of a forecast follow by the median distance, {pd.Series(index).diff().median()}. Resample "
                "the series, for example by pandas' `resample` and `mean`.",
                stacklevel=2,
            )
        return values
    if has_dates:
        # The weekdays of a week mask say more than its name, "C".
        label = f"of frequency {getattr(frequency, 'weekmask', None) or getattr(frequency, 'freqstr', frequency)!r}"
        grid = _range(index[0], frequency, end=index[-1])
        advice = "Resample the series, for example by pandas' `resample` and `mean`."
    else:
        label, grid = f"at a distance of {frequency}", pd.RangeIndex(int(index[0]), int(index[-1]) + 1, frequency)
        advice = f"If the integers say nothing of the time, drop them by `{name}.reset_index(drop=True)`."
    positions = grid.get_indexer(index)
    if (positions < 0).any():
        warnings.warn(
            f"`{name}` has {int((positions < 0).sum())} {kind} that aren't steps {label}, the first at "
            f"{index[positions < 0][0]}. The steps are forecast as if their distances were equal. {advice}",
            stacklevel=2,
        )
        return values
    n_missing = len(grid) - len(index)
    if not n_missing:
        return values
    first = grid[int(np.argmax(positions != np.arange(len(index))))]
    if n_missing > len(index):
        raise ValueError(
            f"`{name}` must have most of its steps. Received: {len(index)} steps, and {n_missing} missing steps "
            f"{label}, the first at {first}. {advice}"
        )
    warnings.warn(
        f"`{name}` lacks {n_missing} step{'s' * (n_missing > 1)} {label}, the first at {first}. "
        f"They are interpolated linearly.{'' if has_dates else f' {advice}'}",
        stacklevel=2,
    )
    return np.column_stack([np.interp(np.arange(len(grid)), positions, column) for column in values.T])


def following(index, n_steps):
    """Return the index of the steps after a series.

    Dates, also as strings such as "2026-01-31", and time spans continue in the frequency of the series. Without a
    frequency they, and integers, continue by their median distance. Years, quarters and weeks as strings, such as
    "2026", "2026Q1" and "2026-W05", continue as such strings. Any other index gives 0, 1, 2, ...

    Args:
        index: The index of the series.
        n_steps: Number of steps.
    """
    periods = _periods(index)
    if periods is not None:
        continued, string_format = periods
        continued = _range(continued[-1], continued.freq, periods=n_steps + 1, name=index.name)[1:]
        # Periods have no format for weeks, and dates have none for quarters.
        return (continued.start_time if "%V" in string_format else continued).strftime(string_format)
    index = as_dates(index)
    if _has_dates(index):
        frequency = _frequency(index)
        if frequency is None and len(index) > 1:
            frequency = pd.Series(index).diff().median()
        if frequency is not None:
            return _range(index[-1], frequency, periods=n_steps + 1, name=index.name)[1:]
    elif pd.api.types.is_integer_dtype(index.dtype) and len(index) > 1:
        step = _distance(index)
        first = int(index[-1]) + step
        return pd.RangeIndex(first, first + n_steps * step, step, name=index.name)
    return pd.RangeIndex(n_steps)


def step_of(series):
    """Return the name of the frequency of a series, and the mean length of a step in seconds.

    Args:
        series: A Series or DataFrame, or any other object.

    Returns:
        Dict with `"name"` and `"seconds"`, or `None` for a series without dates, for dates without a frequency, and for
        dates on some weekdays or hours, part of which can have any frequency.
    """
    if not isinstance(series, (pd.Series, pd.DataFrame)) or not len(series):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `filled` warns.
        index = as_dates(series.index)
        offset = pd.tseries.frequencies.to_offset(_frequency(index)) if _has_dates(index) else None
        if offset is None or isinstance(offset, (pd.offsets.CustomBusinessDay, pd.offsets.BusinessHour)):
            return None
        if isinstance(offset, pd.offsets.BusinessDay):
            seconds = offset.n * 86400.0
        else:
            dates_of_steps = pd.date_range("2000-01-01", periods=13, freq=offset)
            seconds = (dates_of_steps[-1] - dates_of_steps[0]).total_seconds() / 12
    return {"name": offset.freqstr, "seconds": seconds}


def check_step(step, expected):
    """Raise a `ValueError` if the steps of `x`, as of `step_of`, and in `fit` are known and have different lengths."""
    if step is None or expected is None:
        return
    shorter, longer = sorted([step["seconds"], expected["seconds"]])
    if longer >= _DIFFERENT * shorter:
        raise ValueError(
            f"`x` must have dates of the frequency of fit, {expected['name']!r}. Received: dates of frequency "
            f"{step['name']!r}. Resample `x`, for example by `x.resample({expected['name']!r}).mean()`."
        )


def has_dates(column):
    """Return whether a column holds dates, time spans, or strings of dates or periods."""
    return _has_dates(as_dates(pd.Index(column)))


def _distance(integers):
    """Return the median distance of integers in a sequence, at least 1."""
    return max(1, int(np.median(np.diff(integers)))) if len(integers) > 1 else 1


def _periods(index):
    """Return the `PeriodIndex` of strings that are years, quarters or weeks, and their format; otherwise `None`."""
    if pd.api.types.infer_dtype(index) != "string":
        return None
    for pattern, frequency, string_format in _PERIODS:
        if index.str.fullmatch(pattern).all():
            try:
                starts = pd.to_datetime(index + "-1", format=f"{string_format}-%u") if frequency == "W" else index
                periods = pd.PeriodIndex(starts, freq=frequency)
                # Every second year, for example, isn't a series of years with gaps.
                return pd.PeriodIndex(starts, freq=f"{_distance(periods.asi8)}{frequency}"), string_format
            except ValueError:  # A week 54, for example.
                return None
    return None


def as_dates(index):
    """Convert an index of dates of Python or Arrow, or of strings of dates or periods; return other indices unchanged.

    Warns:
        UserWarning: If the order of day and month in strings is ambiguous.
    """
    if isinstance(index.dtype, pd.ArrowDtype) and index.dtype.kind == "M":
        index = index.astype(object)
    periods = _periods(index)
    if periods is not None:
        return periods[0]
    kind = pd.api.types.infer_dtype(index)
    date_format = dates.ISO
    if kind == "string" and not _ISO_DATE.match(index[0]):
        date_format = _date_format(index)
    if kind in ("date", "datetime", "string") and date_format is not None:
        try:
            return pd.DatetimeIndex(pd.to_datetime(index, format=date_format), name=index.name)
        except ValueError:
            return index
    return index


def _date_format(index):
    """Return the format of the dates in an index of strings, in which they ascend if possible, or `None`."""
    strings = index.unique().to_numpy(dtype=object)
    notation = dates.find_notation(strings, np.ones(len(strings)))
    if notation is None or not notation.is_ambiguous:
        return notation and notation.format
    formats = [notation.format, notation.format.translate(str.maketrans("md", "dm"))]
    ascending = [one for one in formats if pd.to_datetime(index, format=one, errors="coerce").is_monotonic_increasing]
    if len(ascending) != 1:
        warnings.warn(
            f"The order of day and month is ambiguous in dates such as {index[0]!r:.60}. Assumed: {formats[0]!r}. "
            "Convert the index with pandas.to_datetime and its argument `format` to be explicit.",
            stacklevel=4,
        )
    return ascending[0] if len(ascending) == 1 else formats[0]


def _has_dates(index):
    return isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex, pd.TimedeltaIndex)) and len(index) > 0


def _frequency(index):
    """Return the frequency of dates, that of the last stretch without gaps if there are gaps, or `None`."""
    if index.freq is not None:
        return index.freq
    ends = range(len(index), _STRETCH - 1, -1)[:_MAX_STRETCHES]
    stretches = [index, *(index[end - _STRETCH : end] for end in ends)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The result will be an offset in pandas 4, which is accepted, too.
        frequency = next(filter(None, (pd.infer_freq(stretch) for stretch in stretches if len(stretch) > 2)), None)
    return frequency or _open_days(index)


def _open_days(index):
    """Return the step between the open days of a series that never has a date on some weekdays, or `None`."""
    if not isinstance(index, pd.DatetimeIndex) or index[-1] - index[0] < _FEW_WEEKS:
        return None
    local = index.tz_localize(None)
    days, is_open = local.normalize(), np.isin(range(7), local.day_of_week)
    if is_open.sum() in (1, 7) or len((local - days).unique()) > 1:
        return None
    names = [day for day, is_day_open in zip(_WEEKDAYS, is_open, strict=True) if is_day_open]
    frequency = pd.offsets.CustomBusinessDay(weekmask=" ".join(names))
    n_days = len(_range(days[0], frequency, end=days[-1]))
    return frequency if len(index) >= _MIN_OPEN * n_days else None


def _range(first, frequency, **options):
    makers = {pd.Period: pd.period_range, pd.Timedelta: pd.timedelta_range}
    return makers.get(type(first), pd.date_range)(first, freq=frequency, **options)
