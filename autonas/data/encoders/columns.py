"""What a column of a table holds, and its values as numbers or strings."""

import re

import numpy as np
import pandas as pd

DATE_PARTS = ("days", "year", "month", "day", "weekday", "hour", "minute")

# what numpy makes of NaT; integers, since Keras's `predict` rounds floats to float32, too coarse for a date
MISSING_DATE = -(2**63)

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?)?(Z|[+-]\d{2}:?\d{2})?")
# (distinct values at least, as a share of the rows at least, mean words per distinct value at least)
_TEXT_RULES = ((1, 0.5, 3.0), (100, 0.2, 2.0))


def infer_column(series):
    """Returns what the training rows of a column hold.

    | kind | when |
    | --- | --- |
    | `"number"` | numbers, booleans, time spans; strings that all read as numbers without leading zeros |
    | `"date"` | datetimes, periods, date objects, and strings that all look like ISO dates |
    | `"text"` | strings with 3 words or more per distinct value, half of the rows or more being distinct; |
    | | or with 2 words or more where a fifth of the rows, and at least 100, are distinct |
    | `"category"` | all else |
    | None | nothing: every value is missing |

    Args:
        series: pandas Series of the training rows.
    """
    dtype = series.dtype
    if series.isna().all():
        return None
    if isinstance(dtype, pd.CategoricalDtype):
        return "category"
    if pd.api.types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype):
        return "date"
    if pd.api.types.is_complex_dtype(dtype):
        raise ValueError(f"Complex data not supported. Column {series.name!r} holds complex numbers")
    if pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_numeric_dtype(dtype):
        return "number"
    if pd.api.types.is_timedelta64_dtype(dtype):
        return "number"
    kind = pd.api.types.infer_dtype(series, skipna=True)
    if kind in (
        "integer",
        "floating",
        "mixed-integer-float",
        "decimal",
        "boolean",
        "timedelta",
        "timedelta64",
    ):
        return "number"
    if kind in ("datetime", "datetime64", "date", "period"):
        return "date"
    return _infer_strings(series)


def _infer_strings(series):
    codes, values = factorize_strings(series)
    n_present = int((values[codes] != "").sum())
    values = values[values != ""]
    if len(values) == 0:
        return None
    if all(map(_ISO_DATE.fullmatch, values)):
        return "date"
    numbers = pd.to_numeric(pd.Series(values, dtype=object), errors="coerce")
    if np.isfinite(numbers.astype("float64")).all() and not any(re.match(r"\s*0\d", value) for value in values):
        return "number"
    words = np.mean([len(value.split()) for value in values])
    is_text = any(
        len(values) >= distinct and len(values) >= share * n_present and words >= least
        for distinct, share, least in _TEXT_RULES
    )
    return "text" if is_text else "category"


def factorize_strings(series):
    """Returns integer codes and the object array of distinct strings they point to; missing values are
    `""`.

    Whole floats read as integers ("3", not "3.0"), so that a column is the same with and without missing
    values.
    """
    if isinstance(series.dtype, pd.CategoricalDtype):
        codes, values = series.cat.codes.to_numpy(), series.cat.categories
    else:
        try:
            codes, values = pd.factorize(series)
        except TypeError:  # unhashable objects, such as dicts
            codes, values = pd.factorize(series.map(str))
    strings = np.array([*map(_as_string, values), ""], dtype=object)
    unique, inverse = np.unique(strings, return_inverse=True)
    return inverse.reshape(-1)[codes], unique


def _as_string(value):
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)


def as_numbers(series):
    """Returns a column of numbers, booleans or time spans (in seconds) as float64, missing values as NaN."""
    if pd.api.types.is_timedelta64_dtype(series.dtype):
        return series.dt.total_seconds().to_numpy(dtype="float64", na_value=np.nan)
    if pd.api.types.is_bool_dtype(series.dtype) or pd.api.types.is_numeric_dtype(series.dtype):
        return series.to_numpy(dtype="float64", na_value=np.nan)
    if series.dtype == object and pd.api.types.infer_dtype(series, skipna=True) in (
        "timedelta",
        "timedelta64",
    ):
        return as_numbers(pd.to_timedelta(series))
    codes, values = factorize_strings(series)
    special = {"": None, "True": 1.0, "False": 0.0}
    values = pd.Series([special.get(value, value) for value in values], dtype=object)
    numbers = pd.to_numeric(values, errors="coerce").astype("float64").to_numpy()
    wrong = np.isnan(numbers) & values.notna().to_numpy()
    if wrong.any():
        raise ValueError(
            f"Column {series.name!r} of `x` must hold numbers as in fit. Received: {values[wrong].iloc[0]!r:.60}"
        )
    return numbers[codes]


def as_unix_seconds(series):
    """Returns a column of dates as int64 seconds since 1970 (in UTC if zoned), `MISSING_DATE` for none."""
    if isinstance(series.dtype, pd.PeriodDtype):
        series = series.dt.to_timestamp()
    if not pd.api.types.is_datetime64_any_dtype(series.dtype):
        series = _parse_dates(series)
    if getattr(series.dt, "tz", None) is not None:
        series = series.dt.tz_convert("UTC").dt.tz_localize(None)
    return series.to_numpy().astype("datetime64[s]").astype("int64")


def column_date_parts(series):
    """Returns `date_parts` of a column of dates."""
    seconds = as_unix_seconds(series)
    return date_parts(np.where(seconds == MISSING_DATE, np.nan, seconds.astype("float64")), np.floor)


def _parse_dates(series):
    if pd.api.types.is_numeric_dtype(series.dtype):
        raise ValueError(f"Column {series.name!r} of `x` must hold dates as in fit. Received: numbers")
    values = series.astype(object)
    values = values.mask(values == "", None).map(lambda v: v.to_timestamp() if isinstance(v, pd.Period) else v)
    strings = values.map(lambda v: v.isoformat() if hasattr(v, "isoformat") and not pd.isna(v) else v)
    dates = pd.to_datetime(strings, errors="coerce", utc=True, format="ISO8601")
    wrong = dates.isna() & values.notna()
    if wrong.any():
        raise ValueError(
            f"Column {series.name!r} of `x` must hold dates as in fit. Received: {values[wrong].iloc[0]!r:.60}"
        )
    return dates


def date_parts(seconds, floor):
    """Returns the parts named in `DATE_PARTS` of unix seconds (floats, NaN for none), a list of arrays
    like `seconds`.

    Only arithmetic and `floor` (of numpy or of `keras.ops`), so that the exported Keras model computes the
    very same. The calendar is the proleptic Gregorian one, counted in eras of 400 years that start in
    March.
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
