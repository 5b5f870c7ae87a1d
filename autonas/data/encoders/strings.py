"""Values of a table's column as strings, each distinct string once."""

import dataclasses

import numpy as np
import pandas as pd

from autonas.data.checks import check_strings


@dataclasses.dataclass(frozen=True)
class Strings:
    """Values of a column as strings.

    Args:
        codes: Integers `(n,)`: the index in `values` of the string of each row.
        values: The distinct strings, sorted, an object array. Some of them may be in no row.
        name: Name of the column.
    """

    codes: np.ndarray
    values: np.ndarray
    name: str | int

    @classmethod
    def of(cls, series):
        """Return the `Strings` of a column.

        Missing values become `""`. Floats without a fractional part become integers ("3" instead of "3.0"), as pandas
        converts integers to floats in a column with missing values.

        Args:
            series: Column of a table, a pandas Series.

        Raises:
            ValueError: If a cell contains a collection of values, or a string isn't valid Unicode.
        """
        if isinstance(series.dtype, pd.CategoricalDtype):
            codes, values = series.cat.codes.to_numpy(), series.cat.categories
        else:
            try:
                codes, values = pd.factorize(series)
                _check_cells(values, series.name)
            except (TypeError, NotImplementedError):  # Unhashable objects, such as lists and dicts, and lists of Arrow.
                _check_cells(series.dropna(), series.name)
                codes, values = pd.factorize(series.map(str))
        strings = np.array([*map(_as_string, values), ""], dtype=object)
        unique, inverse = np.unique(strings, return_inverse=True)
        check_strings(unique, f"Column {series.name!r} of `x`")
        return cls(inverse.reshape(-1)[codes], unique, series.name)

    def some(self, rows):
        """Return the `Strings` of some rows.

        Args:
            rows: Integer indices of the rows, or `None` for all rows.
        """
        return self if rows is None else dataclasses.replace(self, codes=self.codes[rows])

    @property
    def array(self):
        """Strings of all rows, an object array `(n,)`."""
        return self.values[self.codes]

    @property
    def counts(self):
        """Number of rows of each of `values`, an array of integers."""
        return np.bincount(self.codes, minlength=len(self.values))

    def present(self):
        """Return the distinct nonempty strings of the rows, and the array of their numbers of rows."""
        counts = self.counts
        is_present = (self.values != "") & (counts > 0)
        return self.values[is_present], counts[is_present]


def _check_cells(values, name):
    """Raise a `ValueError` for cells that contain collections, which are neither categories nor numbers."""
    several = next(
        (value for value in values if isinstance(value, (list, tuple, set, frozenset, np.ndarray, pd.Series))), None
    )
    if several is None and len(values) and all(isinstance(value, dict) for value in values):
        several = next(iter(values))
    if several is not None:
        raise ValueError(
            f"Column {name!r} of `x` must hold one value in each cell. Received: cells that hold a "
            f"{type(several).__name__}. Give each of the values a column of its own, or join them to one string."
        )


def _as_string(value):
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)
