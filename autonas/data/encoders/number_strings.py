"""Columns of strings that are numbers: inference of the notation, and conversion to floats."""

import dataclasses
import re

import numpy as np
import pandas as pd

from autonas.data.checks import are_confused

#: Minimum fraction of the strings of a column that must be numbers. The others become missing values.
_MIN_SHARE = 0.95
#: Number of distinct strings of a column on which a notation is tried before it is tried on all strings.
_SAMPLED = 100
#: Strings that stand for a missing value, in lower case.
_MISSING = {"", "?", "-", "na", "n/a", "nan", "null", "none", "unknown"}
#: Symbols before or after a number.
_SYMBOLS = "%$€£¥"
#: A number and a unit after it, such as "96 min", "1,248 cc" or "20.4 km/l": a word of letters, or several words. Units
#: are equal without their capitals, a plural "s" and a dot at the end.
_WITH_UNIT = re.compile(r"[+-]?[0-9][0-9.,]* ?([^\W\d_]+(?:[ /][^\W\d_]+)*)\.?")
#: Separators of thousands, and decimal points. Commas of thousands are tried before decimal commas, since all of them
#: have three digits after them.
_SEPARATORS = (("", "."), (",", "."), ("", ","), (".", ","))


@dataclasses.dataclass(frozen=True)
class Notation:
    """Notation of numbers in a column of strings.

    Args:
        symbol: Symbol of a currency, or the percent sign, before or after every number, or a unit after most numbers,
            such as `"min"`. Defaults to `""`.
        thousands: Separator of thousands, which a number may have. Defaults to `""`.
        decimal: Decimal point or comma. Defaults to `"."`.
        has_others: Whether strings that aren't numbers are missing values. With `False` they are errors. Defaults to
            `False`.
    """

    symbol: str = ""
    thousands: str = ""
    decimal: str = "."
    has_others: bool = False

    def parse(self, strings):
        """Return strings as float64, with NaN for other strings and `None`."""
        strings = pd.Series(strings, dtype=object)
        if not self._is_plain():
            bare = strings.str.strip()
            bare = bare.where(bare.str.fullmatch(self._pattern()).eq(True), None)
            if self._has_unit():
                bare = bare.str.replace(self._unit(), "", regex=True)
            for old, new in ((self.symbol, ""), (" ", ""), (self.thousands, ""), (self.decimal, ".")):
                bare = bare.str.replace(old, new, regex=False) if old else bare
            strings = bare
        return pd.to_numeric(strings, errors="coerce").astype("float64").to_numpy()

    @property
    def spelling(self):
        """The notation for the end of an error message: `""` for plain numbers."""
        if self._is_plain():
            return ""
        number = f"1{self.thousands}234{self.decimal}5"
        return f", spelled as {f'{number} {self.symbol}' if self._has_unit() else f'{self.symbol}{number}'!r}"

    def _is_plain(self):
        return (self.symbol, self.thousands, self.decimal) == ("", "", ".")

    def _has_unit(self):
        return self.symbol[:1].isalpha()

    def _unit(self):
        """Return the pattern of the unit at the end of a string."""
        return rf"(?i: ?{re.escape(self.symbol)}s?\.?)$"

    def _pattern(self):
        groups = rf"[1-9][0-9]{{0,2}}(?:{re.escape(self.thousands)}[0-9]{{3}})+|" if self.thousands else ""
        number = rf"(?:{groups}0|[1-9][0-9]*)(?:{re.escape(self.decimal)}[0-9]+)?"
        if not self.symbol:
            return f"[+-]?{number}"
        if self._has_unit():
            return rf"[+-]?(?:{number})(?:{self._unit()})?"
        symbol = re.escape(self.symbol)
        return f"[+-]?{symbol} ?[+-]?{number}|[+-]?{number} ?{symbol}"


def find_notation(strings, counts):
    """Infer the `Notation` of a column of strings.

    Strings that stand for missing values, such as `"?"`, don't count. At least 95 % of the other rows must be plain
    numbers, or all of them must be numbers of one other notation, or at least 95 % of them if the numbers have a unit,
    none of which has another one. Plain numbers with leading zeros, and integers that float64 can't distinguish, are
    codes.

    Args:
        strings: Distinct strings of the column, an object array.
        counts: Number of rows of every string.

    Returns:
        The `Notation`, or `None` if the column isn't a column of numbers.
    """
    is_missing = are_missing(strings)
    present, counts = strings[~is_missing], counts[~is_missing]
    if not len(present):
        return None
    numbers = Notation().parse(present)
    is_number = np.isfinite(numbers)
    if counts[is_number].sum() >= _MIN_SHARE * counts.sum():
        has_leading_zeros = any(re.match(r"\s*0\d", string) for string in present[is_number])
        is_code = has_leading_zeros or are_confused(pd.Series(present[is_number]), numbers[is_number])
        return None if is_code else Notation(has_others=bool(is_missing.any() or not is_number.all()))
    sample = present[np.unique(np.linspace(0, len(present) - 1, _SAMPLED).astype(int))]
    symbol = next((symbol for symbol in _SYMBOLS if symbol in sample[0]), "")
    for thousands, decimal in _SEPARATORS:
        notation = Notation(symbol, thousands, decimal, bool(is_missing.any()))
        if all(np.isfinite(notation.parse(values)).all() for values in (sample, present)):
            return notation
    return _find_unit(sample, present, counts, bool(is_missing.any()))


def _find_unit(sample, present, counts, has_missing):
    """Return the `Notation` of numbers with a unit, or `None`.

    Args:
        sample: Some of the strings, of which most have the unit if the column has one.
        present: Distinct strings of the column that don't stand for missing values.
        counts: Number of rows of every string.
        has_missing: Whether some strings stand for missing values.
    """
    units = _units(sample)
    if 2 * len(units) <= len(sample):
        return None
    unit = pd.Series(units).mode()[0]
    if set(_units(present)) != {unit}:
        return None
    for thousands, decimal in _SEPARATORS:
        is_number = np.isfinite(Notation(unit, thousands, decimal).parse(present))
        if counts[is_number].sum() >= _MIN_SHARE * counts.sum():
            return Notation(unit, thousands, decimal, bool(has_missing or not is_number.all()))
    return None


def _units(strings):
    """Return the units of the strings that are a number with a unit, a list."""
    matches = [_WITH_UNIT.fullmatch(string.strip()) for string in strings]
    units = [match.group(1).lower() for match in matches if match is not None]
    return [unit.removesuffix("s") or unit for unit in units]


def are_missing(strings):
    """Return whether each value is a string that stands for a missing value, as a boolean array."""
    return np.array([isinstance(string, str) and string.strip().lower() in _MISSING for string in strings], dtype=bool)
