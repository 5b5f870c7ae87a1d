"""Encoder of time series."""

import numpy as np

from autonas.data import masks
from autonas.data.checks import MAX_FLOAT32
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


class SeriesEncoder(Encoder):
    """Encoder of time series as the tensor `"series"`.

    The series are an array `(rows, time, channels)` or `(rows, time)`, or a list of arrays `(time, channels)`. Shorter
    series are padded with NaN at the end. NaN inside a series is a missing value. The tensor contains both.

    The statistics are `mean` and `variance`, `(channels,)`, of the values of the training set without NaN, and
    `has_missing`, whether a row in `fit` has NaN. If not, `transform` raises an error for NaN, since the network wasn't
    trained with missing values.
    """

    kind = "series"
    state_shape = {"raw_shape": [int], "mean": [float], "variance": [float], "has_missing": bool}

    def _fit(self, x, rows):
        x = _as_series(x)
        check_rows(len(x))
        self.raw_shape_ = x.shape[1:]
        _check_values(x)
        self.has_missing_ = any(bool(np.isnan(chunk).any()) for chunk in chunks_of(x, None))
        moments = RunningMoments(x.shape[2] if x.ndim == 3 else 1)
        for chunk in chunks_of(x, rows):
            moments.update(chunk)
        self.mean_, self.variance_ = moments.mean, moments.variance

    def transform(self, x):
        x = self.raw_inputs(x)
        return {"series": x if x.ndim == 3 else x[..., None]}

    def raw_inputs(self, x):
        x = _as_series(x)
        if x.ndim == 3 and len(self.raw_shape_) == 1 and x.shape[2] == 1:
            x = x[..., 0]
        elif x.ndim == 2 and len(self.raw_shape_) == 2 and self.raw_shape_[1] == 1:
            x = x[..., None]
        length = self.raw_shape_[0]
        if x.shape[2:] != self.raw_shape_[1:] or x.shape[1] > length:
            raise ValueError(
                f"`x` must hold series of shape {self.raw_shape_}, or shorter, as in fit. "
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
        return keras.Model(inputs, {"series": outputs}, name="series_encoder")

    def _is_fitted(self):
        return hasattr(self, "mean_")

    def _get_state(self):
        return {
            "raw_shape": list(self.raw_shape_),
            "mean": self.mean_.tolist(),
            "variance": self.variance_.tolist(),
            "has_missing": self.has_missing_,
        }

    def _set_state(self, state):
        self.raw_shape_ = tuple(state["raw_shape"])
        self.mean_, self.variance_ = np.array(state["mean"]), np.array(state["variance"])
        self.has_missing_ = state["has_missing"]


def _as_series(x):
    """Convert series to float32 `(rows, time, channels)` or `(rows, time)`, with the rows of a list padded with NaN."""
    x = masks.with_missing(x)
    if isinstance(x, (list, tuple)) and not have_one_shape(x):
        rows = [_as_float32(array_of(row)) for row in x]
        shapes = {row.shape[1:] for row in rows}
        if len(shapes) > 1 or any(row.ndim not in (1, 2) for row in rows):
            raise ValueError(
                "`x` must hold series of shape (time, channels) with equally many channels. "
                f"Received: rows with {len(shapes)} different numbers of channels"
            )
        padded = np.full((len(rows), max(map(len, rows)), *shapes.pop()), np.nan, dtype="float32")
        for target, row in zip(padded, rows, strict=True):
            target[: len(row)] = row
        values = padded
    else:
        values = array_of(x)
    if values.ndim not in (2, 3):
        raise ValueError(
            f"`x` must hold series of shape (rows, time, channels) or (rows, time). Received: shape {values.shape}"
        )
    if 0 in values.shape[1:]:
        raise ValueError(
            f"`x` must hold series of at least one step and one channel. Received: series of shape {values.shape[1:]}"
        )
    return _as_float32(values)


def _as_float32(values):
    """Convert numbers to float32, or raise a `ValueError` for other types and finite numbers beyond its range."""
    try:
        numbers = values if values.dtype.kind in "biuf" else values.astype("float64")
    except (TypeError, ValueError):
        numbers = None
    if numbers is None or values.dtype.kind not in "biufO":
        raise ValueError(f"`x` must hold numeric series. Received: dtype {values.dtype}")
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
