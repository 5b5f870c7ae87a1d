"""Encoder of time series."""

import numbers
import warnings

import numpy as np
import pandas as pd

from autonas.data import masks
from autonas.data.checks import MAX_FLOAT32
from autonas.data.encoders import frames
from autonas.data.encoders.base import (
    Encoder,
    RunningMoments,
    array_of,
    check_rows,
    chunks_of,
    first_index,
    have_one_shape,
    plural,
)
from autonas.data.features import Feature, Tensor

#: Share of the training series that are read as a whole where some series are much longer than the others.
_SHARE = 0.99
#: Largest distance of neighbouring numbers of float32 near the mean of a channel, in standard deviations.
_LARGEST_STEP = 0.1
#: Ratio of the longest series to the length of that share from which on the longest series are cut.
_MUCH_LONGER = 1.5


class SeriesEncoder(Encoder):
    """Encoder of time series as the tensor `"series"`.

    The series are an array `(rows, time, channels)` or `(rows, time)`, or a list of arrays `(time, channels)`. Shorter
    series are padded with NaN at the end. NaN inside a series is a missing value. The tensor contains both.

    The statistics are `mean` and `variance`, `(channels,)`, of the values of the training set without NaN, and
    `has_missing`, whether a row in `fit` has NaN. If not, `transform` raises an error for NaN, since the network wasn't
    trained with missing values.

    Where series have different lengths, longer series are cut to the length that `fit` has chosen, in `transform` too.
    All series are padded to that length, and take the time and the memory of series of that length.

    Args:
        length: Number of steps of a series that are read, the first ones. Defaults to `None`: the length of the longest
            series, or the 99th percentile of the lengths of the training set if the longest series is more than 1.5
            times as long. A warning says so.
    """

    kind = "series"
    options_shape = {"length?": (int, None)}
    state_shape = {
        "raw_shape": [int],
        "mean": [float],
        "variance": [float],
        "has_missing": bool,
        "cuts?": bool,
        "level?": [float],
        "columns?": [str],
    }

    def __init__(self, length=None):
        self.length = length
        self.level_ = self.columns_ = None

    def _options(self):
        return {"length": self.length}

    def _fit(self, x, rows):
        if self.length is not None and not (isinstance(self.length, numbers.Integral) and self.length > 0):
            raise ValueError(f"`length` must be a positive integer or None. Received: length={self.length!r:.100}")
        self.columns_ = _column_names(x)
        length = self._chosen_length(x, rows)
        values = x
        x = _as_series(x, length)
        check_rows(len(x))
        self.raw_shape_ = x.shape[1:]
        _check_values(x)
        self.has_missing_ = any(bool(np.isnan(chunk).any()) for chunk in chunks_of(x, None))
        # Series of different lengths, of which none has missing steps after the longest ones are cut, too.
        self.cuts_ = length is not None or self.has_missing_
        moments = RunningMoments(x.shape[2] if x.ndim == 3 else 1)
        for chunk in chunks_of(x, rows):
            moments.update(chunk)
        self.mean_, self.variance_ = moments.mean, moments.variance
        _warn_of_rounding(values)

    def _chosen_length(self, x, rows):
        """Return the number of steps that are read of series of different lengths, and warn if that cuts some of them.

        Args:
            x: As in `fit`.
            rows: As in `fit`.
        """
        if self.length is not None:
            return self.length
        lengths = _lengths(x)
        if len(lengths) == 0:
            return None
        longest = lengths.max()
        # Of fewer than a hundred series the longest is the percentile.
        length = int(np.quantile(lengths if rows is None else lengths[rows], _SHARE, method="higher"))
        if length == 0 or longest <= _MUCH_LONGER * length:
            return None
        warnings.warn(
            f"{plural(int((lengths > length).sum()), 'series is', 'series are')} longer than {length} steps, the "
            f"longest has {longest}. Models read the first {length} steps of a series. Set the argument `length` of "
            "autonas.TimeSeriesInput to read more steps, which takes more time.",
            stacklevel=2,
        )
        return length

    def raise_level(self, level):
        """Take series that are higher by `level`, `(channels,)`, than the series of `fit`, and subtract it in float64.

        The series of `fit` must have no missing values.
        """
        self.level_ = level
        self.examples_ = (self.examples_ + level).astype("float32")

    def transform(self, x):
        x = self._in_order(x)
        series = self.raw_inputs(x)
        if self.level_ is not None:
            # The deviations from a high level are lost in float32: subtract it from the numbers before.
            series = (np.asarray(x, "float64").reshape(series.shape) - self.level_).astype("float32")
        return {"series": series if series.ndim == 3 else series[..., None]}

    def _in_order(self, x):
        """Return a frame with its columns in the order of `fit`, and any other object unchanged."""
        names = _column_names(x)
        if names is None or self.columns_ is None or names == self.columns_[: len(names)]:
            return x
        if set(names) != set(self.columns_):
            frames.check_unnamed(names, self.columns_)
        return x[self.columns_]

    def raw_inputs(self, x):
        x = _as_series(self._in_order(x), self.raw_shape_[0] if self.cuts_ else None)
        if x.ndim == 3 and len(self.raw_shape_) == 1 and x.shape[2] == 1:
            x = x[..., 0]
        elif x.ndim == 2 and len(self.raw_shape_) == 2 and self.raw_shape_[1] == 1:
            x = x[..., None]
        length = self.raw_shape_[0]
        if x.shape[2:] != self.raw_shape_[1:] or x.shape[1] > length:
            shorter = ", or shorter" if self.has_missing_ else ""
            raise ValueError(
                f"`x` must hold series of shape {self.raw_shape_}{shorter}, as in fit. "
                f"Received: shape {x.shape[1:]}. Cut or resample them first."
            )
        if x.shape[1] < length:
            width = [(0, 0), (0, length - x.shape[1])] + [(0, 0)] * (x.ndim - 2)
            x = np.pad(x, width, constant_values=np.nan)
        _check_values(x)
        if not self.has_missing_ and np.isnan(x).any():
            raise ValueError(
                f"`x` must have no NaN and the full length of {length} steps, as in fit. Received: "
                f"missing steps, the first at index {first_index(np.isnan(x))}."
            )
        return x

    @property
    def feature(self):
        shape = self.raw_shape_ if len(self.raw_shape_) == 2 else (*self.raw_shape_, 1)
        statistics = {"mean": self.mean_, "variance": self.variance_, "has_missing": self.has_missing_}
        return Feature("series", {"series": Tensor(tuple(shape), "float32")}, statistics)

    def keras_model(self, strings=True, float64=True):
        import keras

        inputs = keras.Input(self.raw_shape_, dtype="float32", name="series")
        flat = len(self.raw_shape_) == 1
        outputs = keras.ops.expand_dims(inputs, -1) if flat else keras.layers.Identity(dtype="float32")(inputs)
        if self.level_ is not None:
            outputs = keras.layers.Rescaling(1.0, (-self.level_).tolist(), dtype="float32")(outputs)
        return keras.Model(inputs, {"series": outputs}, name="series_encoder")

    def _is_fitted(self):
        return hasattr(self, "mean_")

    def _get_state(self):
        return {
            "raw_shape": list(self.raw_shape_),
            "mean": self.mean_.tolist(),
            "variance": self.variance_.tolist(),
            "has_missing": self.has_missing_,
            "cuts": self.cuts_,
            **({} if self.level_ is None else {"level": self.level_.tolist()}),
            **({} if self.columns_ is None else {"columns": self.columns_}),
        }

    def _set_state(self, state):
        self.raw_shape_ = tuple(state["raw_shape"])
        self.mean_, self.variance_ = np.array(state["mean"]), np.array(state["variance"])
        self.has_missing_ = state["has_missing"]
        self.cuts_ = state.get("cuts", self.has_missing_ or self.length is not None)
        self.level_ = np.array(state["level"]) if "level" in state else None
        self.columns_ = state.get("columns")


def _column_names(x):
    """Return the names of the columns of a frame if all are distinct strings, a list; otherwise `None`."""
    names = list(x.columns) if isinstance(x, pd.DataFrame) else []
    is_named = names and all(isinstance(name, str) for name in names) and len(set(names)) == len(names)
    return names if is_named else None


def _warn_of_rounding(x):
    """Warn of channels whose deviation is lost when their values are rounded to float32."""
    x = _as_list(masks.with_missing(x))
    if isinstance(x, (list, tuple)) and not have_one_shape(x):
        return
    values = array_of(x)
    if values.dtype.kind not in "iuf" or values.dtype.itemsize <= 2 or values.dtype == "float32":
        return
    moments = RunningMoments(values.shape[2] if values.ndim == 3 else 1)
    for chunk in chunks_of(values, None):
        moments.update(chunk)
    deviations = np.sqrt(moments.variance)
    steps = np.spacing(np.abs(moments.mean).astype("float32"))
    for channel in np.flatnonzero((deviations > 0) & (steps > _LARGEST_STEP * deviations)):
        warnings.warn(
            f"Channel {channel} has a mean of {moments.mean[channel]:.6g} and a standard deviation of "
            f"{deviations[channel]:.3g}, of which float32 keeps steps of {steps[channel]:.3g}. Subtract a constant "
            "from the channel, in fit and in predict.",
            stacklevel=2,
        )


def _lengths(x):
    """Return the number of steps of each series, without missing steps at its end."""
    x = _as_list(masks.with_missing(x))
    if isinstance(x, (list, tuple)) and not have_one_shape(x):
        return np.array([len(array_of(row)) for row in x])
    x = array_of(x)
    if x.ndim not in (2, 3) or x.dtype.kind != "f" or 0 in x.shape:
        return np.full(len(x) if x.ndim else 0, x.shape[1] if x.ndim > 1 else 0)
    return np.concatenate([_observed_lengths(chunk) for chunk in chunks_of(x, None)])


def _as_list(x):
    """Return an array or a pandas Series of arrays as a list, and any other object unchanged."""
    return list(x) if isinstance(x, (np.ndarray, pd.Series)) and x.dtype == object and x.ndim == 1 else x


def _observed_lengths(x):
    """Return the number of steps up to the last one with a value, for each row of an array."""
    is_observed = ~np.isnan(x.reshape(*x.shape[:2], -1)).all(axis=2)
    return np.where(is_observed.any(axis=1), x.shape[1] - np.argmax(is_observed[:, ::-1], axis=1), 0)


def _as_series(x, length=None):
    """Convert series to float32 `(rows, time, channels)` or `(rows, time)`.

    Args:
        x: As in `SeriesEncoder`. The rows of a list are padded with NaN.
        length: Number of steps after which longer series are cut, or `None`. Defaults to `None`.
    """
    x = _as_list(masks.with_missing(x))
    if isinstance(x, (list, tuple)) and not have_one_shape(x):
        rows = [_as_float32(array_of(row)) for row in x]
        shapes = {row.shape[1:] for row in rows}
        if len(shapes) > 1 or any(row.ndim not in (1, 2) for row in rows):
            raise ValueError(
                "`x` must hold series of shape (time, channels) with equally many channels. "
                f"Received: rows with {len(shapes)} different numbers of channels"
            )
        rows = [row[:length] for row in rows]
        padded = np.full((len(rows), max(map(len, rows)), *shapes.pop()), np.nan, dtype="float32")
        for target, row in zip(padded, rows, strict=True):
            target[: len(row)] = row
        values = padded
    else:
        values = array_of(x)
        values = values[:, :length] if values.ndim > 1 else values
    if values.ndim not in (2, 3):
        raise ValueError(
            f"`x` must hold series of shape (rows, time, channels) or (rows, time). Received: shape {values.shape}"
            f"{'. Pass a single series as `x[None]`.' if values.ndim == 1 else ''}"
        )
    if 0 in values.shape[1:]:
        raise ValueError(
            f"`x` must hold series of at least one step and one channel. Received: series of shape {values.shape[1:]}"
        )
    return _as_float32(values)


def _as_float32(values):
    """Convert numbers to float32, or raise a `ValueError` for other types and finite numbers beyond its range."""
    try:
        numbers = values if values.dtype.kind in "biuf" else masks.as_floats(values)
    except (TypeError, ValueError):
        numbers = None
    if numbers is None or values.dtype.kind not in "biufO":
        raise ValueError(
            f"`x` must hold numeric series. Received: dtype {values.dtype}. Convert it to numbers; of a frame with a "
            "series in each cell of a column, pass `list(frame[column])`."
        )
    if numbers.dtype.kind == "f" and numbers.dtype.itemsize > 4:
        beyond = np.isfinite(numbers) & (np.abs(numbers) > MAX_FLOAT32)
        if beyond.any():
            raise ValueError(
                f"`x` has {plural(int(beyond.sum()), 'value', 'values')} beyond the range of float32, 3.4e38, the "
                f"first at index {first_index(beyond)}: {numbers[beyond][0]:g}. Rescale them, or replace them with NaN."
            )
    return numbers.astype("float32", copy=False)


def _check_values(x):
    """Raise a `ValueError` for infinite values and for rows without any value."""
    infinite = np.isinf(x)
    if infinite.any():
        count = int(infinite.sum())
        raise ValueError(
            f"`x` has {plural(count, 'infinite value', 'infinite values')}, the first at index "
            f"{first_index(infinite)}. Remove them or replace them with NaN."
        )
    empty = np.isnan(x).all(axis=tuple(range(1, x.ndim)))
    if empty.any():
        raise ValueError(
            f"`x` has {plural(int(empty.sum()), 'row', 'rows')} with no value at all (all NaN), the "
            f"first at index {first_index(empty)}. Remove them."
        )
