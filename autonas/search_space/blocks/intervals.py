"""Statistics of the intervals of time series, for trees."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from autonas.search_space.blocks import series_kernels

#: Largest number of features. Series of many channels have fewer intervals.
_MOST_FEATURES = 1000
#: Smallest number of steps of an interval that has a standard deviation and a slope.
_FEWEST_STEPS = 4
#: Added to the variances of standardised steps.
_EPSILON = 1e-6


def summaries(series: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
    """Return statistics of intervals of standardised series, `(n, features)`, as of a time series forest (Deng 2013).

    The intervals are the whole series, its halves, its quarters, and so on, up to the single steps. The features are
    the mean of each interval, the standard deviation, the slope and the standard deviation of the changes of each
    interval of at least four steps, and the maximum and the minimum of the series.

    Other than in the paper, the intervals aren't random, and the trees that read them are of any kind.

    Args:
        series: List of the values `(n, time, channels)`, and of the observed steps if there are missing ones, as
            `series_kernels.split` returns it.
    """
    n_steps, n_channels = series[0].shape[1:]
    bounds, long = _intervals(n_steps, n_channels)
    features = [_mean(series, bounds), ops.max(series[0], axis=1), ops.min(series[0], axis=1)]
    if len(long):
        features += [_deviation(series, long), _product(series[0], _slopes(n_steps, long))]
        features.append(_deviation(series_kernels.differences(series), long - [[0, 1]]))
    return ops.concatenate([ops.reshape(part, (-1, int(np.prod(part.shape[1:])))) for part in features], axis=1)


def n_features(n_steps: int, n_channels: int) -> int:
    """Return the number of features of series of some steps and channels."""
    bounds, long = _intervals(n_steps, n_channels)
    return n_channels * (len(bounds) + 3 * len(long) + 2)


def _intervals(n_steps: int, n_channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the bounds of all intervals, and of the intervals that have a deviation."""
    bounds = np.concatenate([_bounds(n_steps, number) for number in _levels(n_steps, n_channels)])
    return bounds, bounds[bounds[:, 1] - bounds[:, 0] >= _FEWEST_STEPS]


def _levels(n_steps: int, n_channels: int) -> list[int]:
    """Return the numbers of intervals into which a series is divided: 1, 2, 4, ..., and the number of its steps."""
    levels: list[int] = []
    n_features = 0
    for number in [*(2**power for power in range((n_steps - 1).bit_length())), n_steps]:
        n_features += n_channels * number * (4 if n_steps // number >= _FEWEST_STEPS else 1)
        if levels and n_features > _MOST_FEATURES:
            break
        levels.append(number)
    return levels


def _bounds(n_steps: int, number: int) -> np.ndarray:
    """Return the first step of each of some intervals of equal length, and the step after its end, `(number, 2)`."""
    edges = np.linspace(0, n_steps, number + 1).round().astype(int)
    return np.stack([edges[:-1], edges[1:]], axis=1)


def _inside(n_steps: int, bounds: np.ndarray) -> np.ndarray:
    """Return whether each step is inside of each interval, `(time, intervals)`."""
    steps = np.arange(n_steps)[:, None]
    return (steps >= bounds[:, 0]) & (steps < bounds[:, 1])


def _slopes(n_steps: int, bounds: np.ndarray) -> np.ndarray:
    """Return the matrix that maps a series to the slopes of its least-squares lines, `(time, intervals)`."""
    times = np.arange(n_steps)[:, None] - (bounds.sum(axis=1) - 1) / 2
    times = np.where(_inside(n_steps, bounds), times, 0.0)
    return times / np.square(times).sum(axis=0)


def _product(values: keras.KerasTensor, matrix: np.ndarray) -> keras.KerasTensor:
    """Return the products of series with a matrix `(time, intervals)`, `(n, channels, intervals)`."""
    return ops.matmul(ops.transpose(values, (0, 2, 1)), matrix.astype("float32"))


def _mean(series: Sequence[keras.KerasTensor], bounds: np.ndarray) -> keras.KerasTensor:
    """Return the mean of the observed steps of each interval, `(n, channels, intervals)`, 0 without an observed one."""
    values, *observed = series
    inside = _inside(values.shape[1], bounds)
    if not observed:
        return _product(values, inside / inside.sum(axis=0))
    return _product(values * observed[0], inside) / ops.maximum(_product(observed[0], inside), 1.0)


def _deviation(series: Sequence[keras.KerasTensor], bounds: np.ndarray) -> keras.KerasTensor:
    """Return the standard deviation of the observed steps of each interval, `(n, channels, intervals)`."""
    values, *observed = series
    variance = _mean([ops.square(values), *observed], bounds) - ops.square(_mean(series, bounds))
    return ops.sqrt(ops.relu(variance) + _EPSILON)
