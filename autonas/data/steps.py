"""Steps of series for forecasts: their numbers, and the columns to forecast."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
import pandas as pd

from autonas.data import checks, interchange, masks, time_index
from autonas.data.encoders import frames


def read(series: Any, name: str, dated: Any = None) -> tuple[np.ndarray, list[Any] | None]:
    """Return a series as `(time, channels)` of float64, and the names of its columns or `None`, also if it is `dated`.

    Args:
        series: The series.
        name: Name of the argument for messages.
        dated: The series with the dates of these rows, or `None` if `series` has its own.
    """
    series = interchange.converted(series)
    if checks.is_stream(series):
        raise ValueError(f"`{name}` must be an array, a Series or a DataFrame. Received: a tf.data.Dataset")
    columns = None
    if isinstance(series, pd.DataFrame):
        columns = frames.column_names(series, name) if dated is None else None
        wrong = [column for column, dtype in series.dtypes.items() if not pd.api.types.is_numeric_dtype(dtype)]
        if wrong:
            raise ValueError(
                f"`{name}` must hold numbers only. Received: column {wrong[0]!r:.60} of other values. Drop it; dates "
                f"may be the index: `{name}.set_index({wrong[0]!r:.60})`."
            )
    values = as_floats(series, name)
    if values.ndim not in (1, 2) or 0 in values.shape:
        raise ValueError(f"`{name}` must have shape (time,) or (time, channels). Received: shape {values.shape}")
    check_complete(values, name)
    values, dated = values.reshape(len(values), -1), series if dated is None else dated
    if isinstance(dated, (pd.Series, pd.DataFrame)):
        values = time_index.filled(values, dated.index, name)
    return values, columns


def as_floats(series: Any, name: str) -> np.ndarray:
    """Return the numbers of the argument `name` as float64, or raise `ValueError` for others."""
    try:
        return masks.as_floats(series)
    except (TypeError, ValueError):
        raise ValueError(f"`{name}` must hold numbers only. Received: {checks.describe(series)}") from None


def check_complete(values: np.ndarray, name: str) -> None:
    """Raise `ValueError` if a number of the argument `name` is missing or infinite."""
    bad = ~np.isfinite(values)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"`{name}` has {int(bad.sum())} NaN or infinite values, the first at index "
            f"{first[0] if len(first) == 1 else first}. Fill them first, for example by pandas' interpolate()."
        )


def target_columns(target: Any, columns: list[Any] | None, n_channels: int) -> list[int]:
    """Return the indices of the columns to forecast."""
    if target is None:
        return list(range(n_channels))
    wanted = list(target) if isinstance(target, (list, tuple, np.ndarray)) else [target]
    indices = []
    for column in wanted:
        if columns is not None and column in columns:
            indices.append(columns.index(column))
        elif (
            isinstance(column, numbers.Integral)
            and not isinstance(column, bool)
            and -n_channels <= int(column) < n_channels
        ):
            indices.append(int(column) % n_channels)
        else:
            known = "none has a name" if columns is None else checks.name_labels(columns)
            raise ValueError(
                f"`target` must name a column of `series` ({known}) or be its index. Received: {column!r:.60}"
            )
    if not indices:
        raise ValueError("`target` must name at least one column. Received: none")
    return indices
