"""Columns of numbers and of dates in a table, of which networks read numbers."""

import dataclasses

import numpy as np

from autonas.data.encoders import columns, dates, number_strings


@dataclasses.dataclass(frozen=True)
class NumberColumn:
    """Column of numbers.

    Args:
        notation: The `number_strings.Notation` of numbers that are strings. Defaults to plain numbers.
    """

    notation: number_strings.Notation = number_strings.Notation()

    @classmethod
    def fit(cls, series):
        """Return the column of a pandas Series."""
        return cls(columns.find_number_notation(series))

    @property
    def is_spelled(self):
        """Whether the numbers are strings in a notation."""
        return self.notation != number_strings.Notation()

    def numbers(self, series):
        """Return the list of the arrays of numbers that a network reads: the values, float64 `(n,)`."""
        return [columns.as_numbers(series, self.notation)]

    def names(self, name):
        """Return the list of the names of `numbers` of a column with some name."""
        return [str(name)]


@dataclasses.dataclass(frozen=True)
class DateColumn:
    """Column of dates.

    Args:
        notation: The `dates.Notation` of the dates.
        parts: Indices of the used ones of `dates.DATE_PARTS`, a list.
    """

    notation: dates.Notation
    parts: list[int]

    @classmethod
    def fit(cls, series, rows):
        """Return the column of a pandas Series, of whose dates the parts that vary in the training rows are used.

        Args:
            series: The column in all rows, since a day after the 12th in any row resolves the order of day and month.
            rows: Indices of the training rows, or `None` for all rows.
        """
        notation = columns.find_notation(series)
        notation = dataclasses.replace(notation, zone=dates.find_zone(series, notation))
        date_parts = dates.column_date_parts(series if rows is None else series.iloc[rows], notation)
        varying = [index for index, values in enumerate(date_parts) if np.nanmin(values) != np.nanmax(values)]
        return cls(notation, varying or [0])

    def numbers(self, series):
        """Return the list of the arrays of numbers that a network reads: the used parts, float64 `(n,)` each."""
        date_parts = dates.column_date_parts(series, self.notation)
        return [date_parts[index] for index in self.parts]

    def names(self, name):
        """Return the list of the names of `numbers` of a column with some name."""
        return [f"{name} ({dates.DATE_PARTS[index]})" for index in self.parts]
