"""Columns of dates: inference of the notation, conversion to seconds since 1970, and parts such as year and weekday."""

import collections
import dataclasses
import datetime
import re
import warnings

import numpy as np
import pandas as pd

DATE_PARTS = ("days", "year", "month", "day", "weekday", "hour", "minute")

#: Code of a missing date, the integer value of numpy's NaT. Dates are integers, since `predict` of Keras converts
#: floats to float32, which isn't precise enough for a date.
MISSING_DATE = -(2**63)

#: Name of the ISO 8601 format in `pandas.to_datetime`.
ISO = "ISO8601"

#: Minimum fraction of the nonempty strings of a column that must be dates. The others become missing values.
_MIN_SHARE = 0.95
#: Number of distinct strings of a column that are sampled to find candidate formats.
_SAMPLED = 100

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
#: Patterns of a day, the candidate formats of `pandas.to_datetime`, and whether the pattern is strict: all values of
#: the column must be dates, as codes and version numbers have the same pattern. `{s}` is the separator.
_DAYS = (
    (r"\d{4}(?P<s>[/.-])\d{1,2}(?P=s)\d{1,2}", ("%Y{s}%m{s}%d",), False),
    (r"\d{1,2}(?P<s>[/.-])\d{1,2}(?P=s)\d{4}", ("%m{s}%d{s}%Y", "%d{s}%m{s}%Y"), False),
    (r"\d{1,2}(?P<s>/)\d{1,2}/\d{2}", ("%m{s}%d{s}%y", "%d{s}%m{s}%y"), True),
    (r"\d{2}(?P<s>[.-])\d{2}(?P=s)\d{2}", ("%m{s}%d{s}%y", "%d{s}%m{s}%y"), True),
    (rf"\d{{1,2}}(?P<s>[ /.-]?){_MONTH}(?P=s)\d{{4}}", ("%d{s}%b{s}%Y", "%d{s}%B{s}%Y"), False),
    (rf"\d{{1,2}}(?P<s>[ /.-]?){_MONTH}(?P=s)\d{{2}}", ("%d{s}%b{s}%y", "%d{s}%B{s}%y"), False),
    (rf"{_MONTH} \d{{1,2}}(?P<s>,?) \d{{4}}", ("%b %d{s} %Y", "%B %d{s} %Y"), False),
    (r"(?:19|20)\d{6}(?P<s>)", ("%Y%m%d",), True),
)
_TIME = r"(?P<join>[T ]|, )\d{1,2}:\d{2}(?P<second>:\d{2}(?P<fraction>\.\d{1,9})?)?(?P<half>(?P<space> ?)[ap]m)?"
_DAYS_AND_TIMES = [
    (re.compile(f"{day}(?:{_TIME})?", re.IGNORECASE), formats, is_strict) for day, formats, is_strict in _DAYS
]
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?)?(Z|[+-]\d{2}:?\d{2})?")
#: Offset of a string in ISO 8601 from UTC, after the first eight characters, which may have the hyphens of a day.
_OFFSET, _DAY_LENGTH = re.compile("[Z+-].*"), 8


@dataclasses.dataclass(frozen=True)
class Notation:
    """Notation of dates in a column of strings.

    Args:
        format: Format of `pandas.to_datetime`. Defaults to ISO 8601.
        has_others: Whether strings that aren't dates are missing values. With `False` they are errors. Defaults to
            `False`.
        is_ambiguous: Whether no value shows which of two numbers is the day and which is the month. Defaults to
            `False`.
        zone: Name of the time zone of the column, to which dates of other zones are converted: `"Europe/Berlin"`,
            `"UTC+02:00"`, or `""` if the dates have no time zone. Defaults to `None`: dates with a time zone are
            converted to UTC, and dates without are accepted as they are.
    """

    format: str = ISO
    has_others: bool = False
    is_ambiguous: bool = False
    zone: str | None = None

    def __post_init__(self):
        if self.zone is not None and self.zone.startswith("dateutil/"):  # pandas would open a file of any name.
            raise ValueError(f"`zone` must be the name of a time zone. Received: {self.zone!r:.60}")


def find_notation(strings, counts):
    """Infer the `Notation` of a column of strings.

    At least 95 % of the rows must be dates of one format, and all rows for formats with two-digit years or without
    separators. If the order of day and month is ambiguous, the day is first in notations with points, such as
    `"01.02.2015"`, and the month is first in other notations.

    Args:
        strings: Distinct strings of the column, an object array.
        counts: Number of rows of every string.

    Returns:
        The `Notation`, or `None` if the column isn't a column of dates.
    """
    strings = np.array([string.strip() for string in strings], dtype=object)
    shares = {}
    for candidate, is_strict in _candidates(strings, counts):
        share = counts[_parse(strings, candidate).notna()].sum() / counts.sum()
        if share >= (1 if is_strict else _MIN_SHARE):
            shares[candidate] = share
    if not shares:
        return None
    best = max(shares, key=shares.get)
    swapped = best.translate(str.maketrans("md", "dm"))
    is_ambiguous = swapped != best and bool(shares.get(swapped) == shares[best])
    if is_ambiguous and "." in best.split(" ")[0]:
        best = next(candidate for candidate in (best, swapped) if candidate.startswith("%d"))
    return Notation(best, bool(shares[best] < 1), is_ambiguous)


def _candidates(strings, counts):
    """Return the formats that match most strings of a sample, as pairs of the format and whether it is strict."""
    sample = np.unique(np.linspace(0, len(strings) - 1, _SAMPLED).astype(int))
    votes, strict = collections.Counter(), {}
    for index in sample:
        for candidate, is_strict in _formats(strings[index]):
            votes[candidate] += counts[index]
            strict[candidate] = is_strict
    # The threshold is below `_MIN_SHARE`, since the sample can differ from the column.
    return [(candidate, strict[candidate]) for candidate in votes if votes[candidate] >= 0.8 * counts[sample].sum()]


def _formats(string):
    """Yield the formats that match a string, as pairs of the format and whether it is strict."""
    if _ISO_DATE.fullmatch(string):
        yield ISO, False
    for pattern, formats, is_strict in _DAYS_AND_TIMES:
        match = pattern.fullmatch(string)
        if match is not None:
            for day in formats:
                yield day.format(s=match["s"]) + _time_format(match), is_strict


def _time_format(match):
    if match["join"] is None:
        return ""
    second = ":%S" if match["second"] else ""
    fraction = ".%f" if match["fraction"] else ""
    half = f"{match['space']}%p" if match["half"] else ""
    return f"{match['join']}{'%I' if half else '%H'}:%M{second}{fraction}{half}"


def _parse(strings, date_format):
    return pd.Series(pd.to_datetime(strings, errors="coerce", utc=True, format=date_format))


def warn_of(notation, strings, name):
    """Warn if a notation is ambiguous, or if some strings of the column aren't dates.

    Args:
        notation: The `Notation` of the column.
        strings: Distinct strings of the column, an object array.
        name: Name of the column.
    """
    convert = "Convert the column with pandas.to_datetime and its argument `format` to be explicit."
    if notation.is_ambiguous:
        order = "day" if notation.format.startswith("%d") else "month"
        warnings.warn(
            f"Column {name!r} of `x` holds dates such as {strings[0]!r:.60}, in which the order of day and month is "
            f"ambiguous. Assumed: the {order} first, {notation.format!r}. {convert}",
            stacklevel=2,
        )
    if notation.has_others:
        others = strings[_parse([string.strip() for string in strings], notation.format).isna()]
        warnings.warn(
            f"Column {name!r} of `x` holds dates, {notation.format!r}, and {len(others)} other string"
            f"{'' if len(others) == 1 else 's'}, such as {others[0]!r:.60}, which are treated as missing values.",
            stacklevel=2,
        )


def find_zone(series, notation):
    """Return the `zone` of a column's `Notation`.

    Dates of several zones, such as strings with the offsets of summer and winter, have the zone `"UTC"`, and so do
    dates of a zone without a name in the database of time zones.

    If only some of the dates have a time zone, such as days beside times, a warning says that the others are read as
    UTC.

    Args:
        series: Column of a table.
        notation: The `Notation` of strings.
    """
    zones = _zones(*_read(series, notation), notation)
    if len(zones) > 1 and "" in zones:
        warnings.warn(
            f"Column {series.name!r} of `x` holds dates with a time zone and dates without. The latter are read as "
            "UTC: give all of them a time zone, or none.",
            stacklevel=2,
        )
        return None
    return "UTC" if len(zones) > 1 else next(iter(zones), None)


def as_datetimes(series, notation=Notation()):  # noqa: B008 (it is frozen)
    """Convert a column of dates to a Series of datetimes without a time zone, with NaT for missing values.

    The datetimes are local times in the time zone of the column.

    Args:
        series: Column of a table: datetimes, periods, date objects or strings.
        notation: The `Notation` of strings. Defaults to ISO 8601.

    Raises:
        ValueError: If a value isn't a date, or if the dates have a time zone and the dates in `fit` had none, or the
            reverse.
    """
    series, datetimes = _read(series, notation)
    if notation.zone is not None:
        _check_zones(_zones(series, datetimes, notation), notation.zone, series.name)
    if datetimes.dt.tz is not None:
        datetimes = datetimes.dt.tz_convert(notation.zone or "UTC").dt.tz_localize(None)
    return datetimes


def _read(series, notation):
    """Return a column with elements of pandas or Python, and a Series of its datetimes, in UTC if it has strings."""
    if isinstance(series.dtype, pd.PeriodDtype):
        series = series.dt.to_timestamp()
    if isinstance(series.dtype, pd.ArrowDtype):
        series = series.astype(object)  # Dates of Arrow lack some methods of datetimes of pandas.
    is_read = pd.api.types.is_datetime64_any_dtype(series.dtype)
    return series, series if is_read else _parse_column(series, notation)


def _zones(series, datetimes, notation):
    """Return the set of the names of the time zones in a column, `""` for dates without a time zone."""
    is_present = datetimes.notna().to_numpy()
    if series is datetimes:
        zones = [series.dt.tz] if is_present.any() else []
    else:
        has_offsets = notation.format == ISO
        zones = [_zone(value, has_offsets) for value in series.astype(object).to_numpy()[is_present]]
    # The time zones of dateutil can't be hashed.
    distinct = {zone if isinstance(zone, str) else id(zone): zone for zone in zones}
    return set(map(_zone_name, distinct.values()))


def _zone(value, has_offsets):
    """Return the time zone of a date object, the offset of a string as a string, or `None`."""
    if not isinstance(value, (str, bytes)):
        return getattr(value, "tzinfo", None)
    offset = _OFFSET.search(_as_text(value), _DAY_LENGTH) if has_offsets else None
    return offset and offset[0]


def _zone_name(zone):
    """Return the name of a time zone or of an offset in ISO 8601, `""` for `None`."""
    if zone is None:
        return ""
    if isinstance(zone, str):
        zone = pd.Timestamp(f"2000-01-01T00:00{zone}").tz
    offset = zone.utcoffset(None)
    if offset is not None:
        return str(datetime.timezone(offset))
    # The names of zoneinfo and of pytz.
    return getattr(zone, "key", None) or getattr(zone, "zone", None) or "UTC"


def _check_zones(zones, zone, name):
    """Raise a `ValueError` if dates of `transform` have no time zone, unlike the dates in `fit`, or the reverse.

    Args:
        zones: Set of the names of time zones in the column.
        zone: Name of the time zone in `fit`, or `""`.
        name: Name of the column.
    """
    if zone and "" in zones:
        raise ValueError(
            f"Column {name!r} of `x` must hold dates with a time zone as in fit. Received: dates without a time zone. "
            f"Add it, for example by `pandas.to_datetime(x[{name!r}]).dt.tz_localize({zone!r})`."
        )
    if not zone and zones - {""}:
        raise ValueError(
            f"Column {name!r} of `x` must hold dates without a time zone as in fit. Received: dates in "
            f"{min(zones - {''})!r:.60}. Convert them to the local times of fit, for example by "
            f"`pandas.to_datetime(x[{name!r}], utc=True).dt.tz_convert(zone).dt.tz_localize(None)`."
        )


def as_unix_seconds(series, notation=Notation()):  # noqa: B008
    """Convert a column of dates to seconds since 1970, int64, with `MISSING_DATE` for missing values.

    The seconds are of local times, see `as_datetimes`, as are the arguments and errors.
    """
    return as_datetimes(series, notation).to_numpy().astype("datetime64[s]").astype("int64")


def from_unix_seconds(seconds, notation):
    """Return a Series of dates from the array of `as_unix_seconds`, in the time zone of the `Notation`."""
    datetimes = pd.Series(seconds.view("datetime64[s]"))
    if not notation.zone:
        return datetimes
    # The hour that occurs twice at the end of summer time has the same local times in both readings.
    is_summer = np.ones(len(datetimes), dtype=bool)
    return datetimes.dt.tz_localize(notation.zone, ambiguous=is_summer, nonexistent="shift_forward")


def column_date_parts(series, notation=Notation()):  # noqa: B008
    """Return the `date_parts` of a column of dates. See `as_unix_seconds` for the arguments."""
    seconds = as_unix_seconds(series, notation)
    return date_parts(np.where(seconds == MISSING_DATE, np.nan, seconds.astype("float64")), np.floor)


def _parse_column(series, notation):
    """Convert a column of date objects and strings to datetimes, or raise a `ValueError`."""
    if pd.api.types.is_numeric_dtype(series.dtype) and series.notna().any():
        raise ValueError(f"Column {series.name!r} of `x` must hold dates as in fit. Received: numbers")
    objects = series.astype(object)
    values = objects.map(_as_text, na_action="ignore")
    values = values.mask(values == "", None)
    is_date_object = objects.map(lambda value: hasattr(value, "isoformat") or isinstance(value, pd.Period))
    dates = _parse(values.where(~is_date_object, None).to_numpy(), notation.format)
    if is_date_object.any():
        dates = dates.fillna(_parse(values.where(is_date_object, None).to_numpy(), ISO))
    wrong = (dates.isna() & values.notna().to_numpy()).to_numpy()
    n_present = int(values.notna().sum())
    # If most strings aren't dates, the column has other content than in `fit`, instead of a few missing values.
    if wrong.any() and (not notation.has_others or (n_present >= 10 and wrong.sum() > n_present / 2)):
        spelling = "" if notation.format == ISO else f", spelled as {notation.format!r}"
        raise ValueError(
            f"Column {series.name!r} of `x` must hold dates as in fit{spelling}. "
            f"Received: {values[wrong].iloc[0]!r:.60}"
        )
    return dates


def _as_text(value):
    """Convert a date, a period, a string or bytes to a string."""
    value = value.to_timestamp() if isinstance(value, pd.Period) else value
    value = value.decode("utf-8", errors="replace") if isinstance(value, bytes) else value
    return value.isoformat() if hasattr(value, "isoformat") else str(value).strip()


def date_parts(seconds, floor):
    """Compute the parts in `DATE_PARTS` of dates in the proleptic Gregorian calendar.

    The computation uses only arithmetic and `floor`, so that an exported Keras model returns the same parts. It counts
    in eras of 400 years whose years begin in March.

    Args:
        seconds: Seconds since 1970, floats, NaN for missing dates: a numpy array or a Keras tensor.
        floor: `numpy.floor` or `keras.ops.floor`.

    Returns:
        List of arrays or tensors with the shape of `seconds`, one for each part.
    """
    days = floor(seconds / 86400.0)
    shifted = days + 719468.0
    era = floor(shifted / 146097.0)
    day_of_era = shifted - era * 146097.0
    year_of_era = floor(
        (day_of_era - floor(day_of_era / 1460.0) + floor(day_of_era / 36524.0) - floor(day_of_era / 146096.0)) / 365.0
    )
    day_of_year = day_of_era - (year_of_era * 365.0 + floor(year_of_era / 4.0) - floor(year_of_era / 100.0))
    march_month = floor((day_of_year * 5.0 + 2.0) / 153.0)
    next_year = floor(march_month / 10.0)
    day = day_of_year - floor((march_month * 153.0 + 2.0) / 5.0) + 1.0
    month = march_month + 3.0 - next_year * 12.0
    year = year_of_era + era * 400.0 + next_year
    weekday = days + 3.0 - floor((days + 3.0) / 7.0) * 7.0
    second_of_day = seconds - days * 86400.0
    hour = floor(second_of_day / 3600.0)
    minute = floor((second_of_day - hour * 3600.0) / 60.0)
    return [seconds / 86400.0, year, month, day, weekday, hour, minute]
