"""Statistics of the intervals of time series, for trees."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import numpy as np
from keras import ops

from autonas.search_space import concatenation
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
    intervals = _Intervals(*series[0].shape[1:])
    features = [intervals.means(series), ops.max(series[0], axis=1), ops.min(series[0], axis=1)]
    if len(intervals.long):
        features += [intervals.deviations(series), intervals.slopes(series[0]), intervals.deviations_of_changes(series)]
    return ops.concatenate([ops.reshape(part, (-1, int(np.prod(part.shape[1:])))) for part in features], axis=1)


def n_features(n_steps: int, n_channels: int) -> int:
    """Return the number of features of series of some steps and channels."""
    intervals = _Intervals(n_steps, n_channels)
    return n_channels * (len(intervals.bounds) + 3 * len(intervals.long) + 2)


class _Intervals:
    """Intervals of a series: the whole series, its halves, its quarters, and so on, up to the single steps.

    A sum over an interval is the sum of its halves, so that the network has no matrix of all steps and all intervals,
    which would take long to write.

    Args:
        n_steps: Number of steps of the series.
        n_channels: Number of channels.
    """

    def __init__(self, n_steps: int, n_channels: int) -> None:
        self.n_steps = n_steps
        numbers = _numbers(n_steps, n_channels)
        #: Numbers of intervals into which the series is divided: 1, 2, 4, ...
        self._divisions = [number for number in numbers if number < n_steps]
        self._has_single_steps = numbers[-1] == n_steps
        #: The first step of each interval and the step after its end, `(intervals, 2)`.
        self.bounds = np.concatenate([_bounds(n_steps, number) for number in numbers])
        #: Positions of the intervals that have a deviation and a slope.
        self.long = np.flatnonzero(np.diff(self.bounds)[:, 0] >= _FEWEST_STEPS)

    def means(self, series: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
        """Return the mean of the observed steps of each interval, `(n, channels, intervals)`, 0 without any of them."""
        return _channels_first(self._means(series, self._sums, np.diff(self.bounds)))

    def deviations(self, series: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
        """Return the standard deviation of the observed steps of each long interval, `(n, channels, intervals)`."""
        return self._deviations(series, self._long_sums, np.diff(self.bounds[self.long]))

    def deviations_of_changes(self, series: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
        """Return the standard deviation of the changes within each long interval, `(n, channels, intervals)`."""
        last = self.bounds[self.long, 1] - 1

        def sums(changes: keras.KerasTensor) -> keras.KerasTensor:
            # The change after the last step of an interval isn't one of the interval.
            padded = ops.pad(changes, [[0, 0], [0, 1], [0, 0]])
            return self._long_sums(padded) - ops.take(padded, last.tolist(), axis=1)

        return self._deviations(series_kernels.differences(series), sums, np.diff(self.bounds[self.long]) - 1)

    def slopes(self, values: keras.KerasTensor) -> keras.KerasTensor:
        """Return the slope of the least-squares line of each long interval, `(n, channels, intervals)`."""
        edges = _bounds(self.n_steps, self._divisions[-1])
        cells = self._cells(values)
        lengths = np.diff(edges)[None]
        # The sum of the products of the steps and their distances from the middle of the interval.
        distances = np.arange(cells.shape[2], dtype="float32")[None, None, :, None]
        sums = ops.sum(cells, axis=2)
        moments = ops.sum(cells * distances, axis=2) - sums * ((lengths - 1) / 2).astype("float32")
        of_divisions = [moments]
        for number in reversed(self._divisions[:-1]):
            middles = _bounds(self.n_steps, 2 * number).sum(axis=1) / 2
            offsets = middles - np.repeat(_bounds(self.n_steps, number).sum(axis=1) / 2, 2)
            moments = _halves_joined(moments + sums * offsets[None, :, None].astype("float32"))
            sums = _halves_joined(sums)
            of_divisions.insert(0, moments)
        lengths = np.diff(self.bounds[self.long])[None].astype("float32")
        return _channels_first(
            self._of_long(concatenation.joined(of_divisions, axis=1)) * (12 / (lengths**3 - lengths))
        )

    def _sums(self, values: keras.KerasTensor) -> keras.KerasTensor:
        """Return the sum of the values of each interval, `(n, intervals, channels)`."""
        sums = [values] if self._has_single_steps else []
        if self._divisions:
            sums.insert(0, ops.sum(self._cells(values), axis=2))
            for _ in self._divisions[:-1]:
                sums.insert(0, _halves_joined(sums[0]))
        return concatenation.joined(sums, axis=1)

    def _long_sums(self, values: keras.KerasTensor) -> keras.KerasTensor:
        return self._of_long(self._sums(values))

    def _of_long(self, statistics: keras.KerasTensor) -> keras.KerasTensor:
        """Return the statistics of the long intervals among the statistics of all intervals."""
        n_first = len(self.long)
        if (self.long == np.arange(n_first)).all():
            return statistics[:, :n_first]
        return ops.take(statistics, self.long.tolist(), axis=1)

    def _cells(self, values: keras.KerasTensor) -> keras.KerasTensor:
        """Return the steps of each of the shortest intervals of several steps, `(n, intervals, steps, channels)`.

        Intervals that have a step less than others end with a 0.
        """
        edges = _bounds(self.n_steps, self._divisions[-1])
        longest = int(np.diff(edges).max())
        steps = edges[:, :1] + np.arange(longest)
        if steps.size > self.n_steps:
            values = ops.pad(values, [[0, 0], [0, 1], [0, 0]])
            values = ops.take(values, np.where(steps < edges[:, 1:], steps, self.n_steps).ravel().tolist(), axis=1)
        return ops.reshape(values, (-1, *steps.shape, values.shape[-1]))

    def _means(
        self, series: Sequence[keras.KerasTensor], sums: Callable[[keras.KerasTensor], keras.KerasTensor], n: np.ndarray
    ) -> keras.KerasTensor:
        """Return the mean of the observed steps of some intervals of `n` steps, `(n, intervals, channels)`."""
        values, *observed = series
        if not observed:
            return sums(values) / n[None].astype("float32")
        return sums(values * observed[0]) / ops.maximum(sums(observed[0]), 1.0)

    def _deviations(
        self, series: Sequence[keras.KerasTensor], sums: Callable[[keras.KerasTensor], keras.KerasTensor], n: np.ndarray
    ) -> keras.KerasTensor:
        values, *observed = series
        squares, means = self._means([ops.square(values), *observed], sums, n), self._means(series, sums, n)
        return _channels_first(ops.sqrt(ops.relu(squares - ops.square(means)) + _EPSILON))


def _numbers(n_steps: int, n_channels: int) -> list[int]:
    """Return the numbers of intervals into which a series is divided: 1, 2, 4, ..., and the number of its steps."""
    numbers: list[int] = []
    n_features = 0
    for number in [*(2**power for power in range((n_steps - 1).bit_length())), n_steps]:
        n_features += n_channels * number * (4 if n_steps // number >= _FEWEST_STEPS else 1)
        if numbers and n_features > _MOST_FEATURES:
            break
        numbers.append(number)
    return numbers


def _bounds(n_steps: int, number: int) -> np.ndarray:
    """Return the first step of each of some intervals of equal length, and the step after its end, `(number, 2)`."""
    edges = np.linspace(0, n_steps, number + 1).round().astype(int)
    return np.stack([edges[:-1], edges[1:]], axis=1)


def _halves_joined(statistics: keras.KerasTensor) -> keras.KerasTensor:
    """Return the sums of the statistics of both halves of each interval, `(n, intervals, channels)`."""
    _, n_halves, n_channels = statistics.shape
    return ops.sum(ops.reshape(statistics, (-1, n_halves // 2, 2, n_channels)), axis=2)


def _channels_first(statistics: keras.KerasTensor) -> keras.KerasTensor:
    return ops.transpose(statistics, (0, 2, 1))
