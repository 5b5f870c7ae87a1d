"""Inference of the kind of a table's column, and conversion of its values to numbers."""

import re
import warnings

import numpy as np
import pandas as pd

from autonas.arguments.scalars import plain
from autonas.data.checks import name_labels
from autonas.data.encoders import dates, number_strings
from autonas.data.encoders.strings import Strings

# Minimum number of distinct values, their minimum fraction of the rows, and the minimum mean of words per value.
_TEXT_RULES = ((1, 0.5, 3.0), (100, 0.2, 2.0))
#: Characters of scripts without spaces between words: Thai to Tibetan, Burmese, Khmer, Japanese and Chinese.
_UNSPACED = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
#: Number of such characters that are a word.
_CHARACTERS_OF_WORD = 2


def infer_column(series):
    """Infer the kind of a column of a table.

    - `"number"`: numbers, booleans, time spans and times of day, and strings that are numbers (see
      `number_strings.find_notation`).
    - `"date"`: datetimes, periods, date objects, and strings that are dates (see `dates.find_notation`).
    - `"text"`: strings with a mean of at least 3 words per distinct value, if at least half of the rows are distinct;
      or with a mean of at least 2 words, if at least a fifth of the rows and at least 100 values are distinct. Two
      characters of a script without spaces between words, such as Chinese or Thai, are a word.
    - `"category"`: all other columns.

    Args:
        series: Column of the training set, a pandas Series.

    Returns:
        The kind, or `None` if all values are missing.

    Raises:
        ValueError: If the column has complex numbers.
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
    kind = _kind_of_values(series)
    if kind in (
        "integer",
        "floating",
        "mixed-integer-float",
        "decimal",
        "boolean",
        "timedelta",
        "timedelta64",
        "time",
    ):
        return "number"
    if kind == "complex":
        raise ValueError(f"Complex data not supported. Column {series.name!r} holds complex numbers")
    if kind in ("datetime", "datetime64", "date", "period"):
        return "date"
    return _infer_strings(series)


def _kind_of_values(series):
    """Return the kind of the values of a column, as of pandas, which doesn't skip NaT among times of day."""
    return pd.api.types.infer_dtype(series.dropna(), skipna=True)


def _infer_strings(series):
    values, counts = Strings.of(series).present()
    n_present = counts.sum()
    if n_present == 0:
        return None
    if dates.find_notation(values, counts) is not None:
        return "date"
    if number_strings.find_notation(values, counts) is not None:
        return "number"
    words = np.mean([_n_words(value) for value in values])
    is_text = any(
        len(values) >= min_distinct and len(values) >= min_share * n_present and words >= min_words
        for min_distinct, min_share, min_words in _TEXT_RULES
    )
    return "text" if is_text else "category"


def _n_words(value):
    """Return the number of words of a string, of scripts without spaces between words approximately."""
    return max(len(value.split()), len(_UNSPACED.findall(value)) / _CHARACTERS_OF_WORD)


def find_notation(series):
    """Return the `dates.Notation` of a column of dates, which is ISO 8601 unless the dates are strings.

    Warns:
        UserWarning: If the order of day and month is ambiguous, or if some strings aren't dates.
    """
    notation = None
    if pd.api.types.is_string_dtype(series.dtype):
        values, counts = Strings.of(series).present()
        notation = dates.find_notation(values, counts)
    if notation is None:
        return dates.Notation()
    dates.warn_of(notation, values, series.name)
    return notation


def find_number_notation(series):
    """Return the `number_strings.Notation` of a column of numbers, which is plain unless the numbers are strings.

    Warns:
        UserWarning: If some strings aren't numbers.
    """
    notation = None
    if not pd.api.types.is_numeric_dtype(series.dtype):
        values, counts = Strings.of(series).present()
        notation = number_strings.find_notation(values, counts)
    if notation is None:
        return number_strings.Notation()
    if notation.has_others:
        is_other = ~np.isfinite(notation.parse(values))
        n_rows = int(counts[is_other].sum())
        warnings.warn(
            f"Column {plain(series.name)!r} of `x` holds numbers, and other strings in {n_rows} "
            f"row{'s' * (n_rows > 1)}, such as {name_labels(values[is_other], 3)}, which are treated as missing "
            "values. If the numbers are codes, convert the column by `astype('category')`.",
            stacklevel=2,
        )
    return notation


def as_numbers(series, notation=number_strings.Notation()):  # noqa: B008 (it is frozen)
    """Convert a column of numbers, booleans, time spans or times of day to float64, with missing values as NaN.

    Time spans are in seconds, and times of day in seconds since midnight.

    Args:
        series: Column of a table.
        notation: The `number_strings.Notation` of strings. Defaults to plain numbers.

    Raises:
        ValueError: If a value isn't a number.
    """
    if pd.api.types.is_complex_dtype(series.dtype):
        raise ValueError(f"Complex data not supported. Column {series.name!r} holds complex numbers")
    if series.dtype.kind == "m":
        return series.dt.total_seconds().to_numpy(dtype="float64", na_value=np.nan)
    if pd.api.types.is_bool_dtype(series.dtype) or pd.api.types.is_numeric_dtype(series.dtype):
        return series.to_numpy(dtype="float64", na_value=np.nan)
    kind = _kind_of_values(series)
    if kind == "time":
        series = series.astype(object).map(lambda time: time.replace(tzinfo=None).isoformat(), na_action="ignore")
    if kind in ("time", "timedelta", "timedelta64"):
        return as_numbers(pd.to_timedelta(series))
    strings, special = Strings.of(series), {"": None, "True": 1.0, "False": 0.0}
    codes, values = strings.codes, pd.Series([special.get(value, value) for value in strings.values], dtype=object)
    numbers = notation.parse(values)
    wrong = np.isnan(numbers) & values.notna().to_numpy()
    if notation.has_others:
        numbers = np.where(np.isfinite(numbers), numbers, np.nan)
        wrong &= ~number_strings.are_missing(values)
        n_wrong, n_numbers = wrong[codes].sum(), np.isfinite(numbers[codes]).sum()
        # If most strings aren't numbers, the column has other content than in `fit`, instead of a few missing values.
        wrong &= n_wrong > n_numbers and n_wrong + n_numbers >= 10
    if wrong.any():
        raise ValueError(
            f"Column {plain(series.name)!r} of `x` must hold numbers as in fit{notation.spelling}. "
            f"Received: {values[wrong].iloc[0]!r:.60}"
        )
    return numbers[codes]
