"""Steps of series for forecasts: their numbers, and the columns to forecast."""

from __future__ import annotations

import numbers
from collections.abc import Iterator
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
    check_columns(series, name)
    series = interchange.converted(series)
    if checks.is_stream(series):
        raise ValueError(f"`{name}` must be an array, a Series or a DataFrame. Received: a tf.data.Dataset")
    has_names = isinstance(series, pd.DataFrame) and dated is None
    columns = frames.column_names(series, name) if has_names else None
    values = as_floats(series, name)
    if values.ndim not in (1, 2) or 0 in values.shape:
        raise ValueError(f"`{name}` must have shape (time,) or (time, channels). Received: shape {values.shape}")
    check_complete(values, name)
    values, dated = values.reshape(len(values), -1), series if dated is None else dated
    if isinstance(dated, (pd.Series, pd.DataFrame)):
        values = time_index.filled(values, dated.index, name)
    return values, columns


def check_columns(series: Any, name: str) -> None:
    """Raise `ValueError` if the argument `name` is an iterator, or a frame with a column of other values than numbers.

    The frame may be of any library. The advice is in the methods of the library.
    """
    if isinstance(series, Iterator):
        raise ValueError(f"`{name}` must be an array, a Series or a DataFrame. Received: {checks.describe(series)}")
    frame = interchange.converted(series)
    if not isinstance(frame, pd.DataFrame):
        return
    wrong = [column for column, dtype in frame.dtypes.items() if not pd.api.types.is_numeric_dtype(dtype)]
    if wrong:
        expression = name if isinstance(series, pd.DataFrame) else f"{name}.to_pandas()"
        raise ValueError(
            f"`{name}` must hold numbers only. Received: column {wrong[0]!r:.60} of other values. "
            f"{_advice(frame, wrong, expression)}"
        )


def _advice(series: pd.DataFrame, wrong: list[Any], frame: str) -> str:
    """Return the advice for the columns of a frame that aren't numbers: dates, or names of several series.

    Args:
        series: The frame.
        wrong: Names of the columns.
        frame: Expression of the frame in the user's code.
    """
    dates = [column for column in wrong if time_index.has_dates(series[column])]
    labels = [column for column in wrong if column not in dates]
    if not labels:
        return f"Drop it; dates may be the index: `{frame}.set_index({dates[0]!r:.60})`."
    columns = [column for column in series.columns if column not in wrong]
    values = columns[0] if columns else "values"
    if dates:
        pivoted = f"{frame}.pivot(index={dates[0]!r:.60}, columns={labels[0]!r:.60}, values={values!r:.60})"
    else:
        pivoted = f"{frame}.set_index({labels[0]!r:.60}, append=True)[{values!r:.60}].unstack()"
    return f"Drop such columns. If {labels[0]!r:.60} names several series, give each series a column: `{pivoted}`."


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
