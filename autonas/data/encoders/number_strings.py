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
#: Separators of thousands, and decimal points. Commas of thousands are tried before decimal commas, since all of them
#: have three digits after them.
_SEPARATORS = (("", "."), (",", "."), ("", ","), (".", ","))


@dataclasses.dataclass(frozen=True)
class Notation:
    """Notation of numbers in a column of strings.

    Args:
        symbol: Symbol of a currency, or the percent sign, before or after every number. Defaults to `""`.
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
            for old, new in ((self.symbol, ""), (" ", ""), (self.thousands, ""), (self.decimal, ".")):
                bare = bare.str.replace(old, new, regex=False) if old else bare
            strings = bare
        return pd.to_numeric(strings, errors="coerce").astype("float64").to_numpy()

    @property
    def spelling(self):
        """The notation for the end of an error message: `""` for plain numbers."""
        return "" if self._is_plain() else f", spelled as {f'{self.symbol}1{self.thousands}234{self.decimal}5'!r}"

    def _is_plain(self):
        return (self.symbol, self.thousands, self.decimal) == ("", "", ".")

    def _pattern(self):
        groups = rf"[1-9][0-9]{{0,2}}(?:{re.escape(self.thousands)}[0-9]{{3}})+|" if self.thousands else ""
        number = rf"(?:{groups}0|[1-9][0-9]*)(?:{re.escape(self.decimal)}[0-9]+)?"
        if not self.symbol:
            return f"[+-]?{number}"
        symbol = re.escape(self.symbol)
        return f"[+-]?{symbol} ?[+-]?{number}|[+-]?{number} ?{symbol}"


def find_notation(strings, counts):
    """Infer the `Notation` of a column of strings.

    Strings that stand for missing values, such as `"?"`, don't count. At least 95 % of the other rows must be plain
    numbers, or all of them must be numbers of one other notation. Plain numbers with leading zeros, and integers that
    float64 can't distinguish, are codes.

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
    return None


def are_missing(strings):
    """Return whether each value is a string that stands for a missing value, as a boolean array."""
    return np.array([isinstance(string, str) and string.strip().lower() in _MISSING for string in strings], dtype=bool)
