"""MiniRocket and MultiRocket: statistics of the steps of a series at which fixed convolution kernels exceed a bias."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import keras
import keras_tuner
import numpy as np
from keras import ops

from autonas.search_space import block, concatenation, ranges
from autonas.search_space.blocks import series_kernels
from autonas.search_space.fitted import fitters
from autonas.search_space.fitted.fitters import Rows

#: The kernels: all choices of three weights 2 among nine, the others -1.
_WEIGHTS = np.full((84, series_kernels.LENGTH), -1.0)
for _weights, _chosen in zip(_WEIGHTS, itertools.combinations(range(series_kernels.LENGTH), 3), strict=True):
    _weights[list(_chosen)] = 2.0
#: Number of dilations per power of 2. Up to 32 dilations of the paper take twice as long to build and compile, and are
#: as accurate with as many features: .847 and .846 in the mean over 43 data sets.
_PER_OCTAVE = 2
#: Number of features of a kernel and a bias with all poolings.
_N_POOLINGS = 4
#: Number of steps of a part of a series whose running maximum is computed step by step.
_PART = 8
_GOLDEN_RATIO = (1 + 5**0.5) / 2


class MiniRocketBlock(block.Block):
    """Features of time series by fixed convolution kernels (MiniRocket, Dempster et al. 2021).

    There are 84 kernels of nine weights, 2 or -1, in dilations up to the length of the series. A feature is the share
    of the steps at which the response of a kernel is larger than a bias. The biases are quantiles of the response to a
    random training row. Connected to a `TimeSeriesInput`, the block standardises the channels. Missing steps don't
    count. With several channels, a kernel reads the sum of one to nine of them, chosen at random.

    The paper has up to 32 dilations, and half of its kernels skip the steps near the ends of the series. This block has
    two dilations per power of 2, and all kernels read zeros beyond the ends. So all dilations are compared with their
    biases at once, which is built and compiled in a fraction of the time, and is about as accurate.

    With all poolings, the block is MultiRocket (Tan et al. 2022). There are three further features of a kernel and a
    bias: the mean of response minus bias over the steps above the bias, their mean position, and the length of the
    longest run of them. Half of the features are of the differences between consecutive steps.

    Args:
        size: Number of features, or a range, rounded to a multiple of 84 for each dilation and pooling. Defaults to
            10,000.
        poolings: `"share"` or `"all"`, or a range. Defaults to a choice of both.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.TimeSeriesInput()
    features = autonas.MiniRocketBlock(size=2_500)(inputs)
    graph = autonas.Graph(inputs, autonas.RegressionHead()(autonas.RidgeBlock()(features)))
    ```
    """

    takes_raw_inputs = True

    def __init__(
        self,
        size: int | ranges.Range = 10_000,
        poolings: str | ranges.Range = ranges.Choice(["share", "all"]),
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.size = size
        self.poolings = poolings

    def build(self, hp: keras_tuner.HyperParameters, inputs: Any) -> keras.KerasTensor:
        series, is_masked = series_kernels.standardised(self, inputs)
        size, poolings = self.suggest(hp, "size"), self.suggest(hp, "poolings")
        sources = [series_kernels.split(series, is_masked)]
        n_biases = size // len(_WEIGHTS)
        if poolings == "all":
            if series.shape[1] > 1:
                sources.append(series_kernels.differences(sources[0]))
            n_biases //= _N_POOLINGS * len(sources)
        dilations = [_dilations(source[0].shape[1], n_biases) for source in sources]
        # Each kernel has as many biases in each dilation.
        counts = [max(1, round(n_biases / len(members))) for members in dilations]
        n_features = sum(len(members) * count for members, count in zip(dilations, counts, strict=True))
        n_features *= len(_WEIGHTS) * (_N_POOLINGS if poolings == "all" else 1)
        stand_in = series_kernels.stand_in(hp, series, n_features)
        if stand_in is not None:
            return stand_in
        (head,) = list(self.heads)[:1]
        generator, features = series_kernels.new_generator(), []
        for source, members, count in zip(sources, dilations, counts, strict=True):
            length, n_channels = source[0].shape[1:]
            kernels = [series_kernels.Kernels(_WEIGHTS, n_channels, dilation, generator) for dilation in members]
            thresholds, models = [], []
            for some in series_kernels.together(kernels, length * len(_WEIGHTS) * count):
                thresholds.append(Thresholds(some, count, poolings))
                model, pooled = series_kernels.inner_model(thresholds[-1], source)
                features.append(pooled)
                models.append(model)
            fitters.attach(Biases(concatenation.joined(source), head, thresholds, is_masked), models[0])
        return concatenation.joined(features)


class Thresholds:
    """Layers that compare the responses of the kernels of some dilations with their biases.

    Args:
        kernels: The `Kernels`, one for each dilation.
        n_biases: Number of biases of each kernel.
        poolings: `"share"` or `"all"`; see `MiniRocketBlock`.
    """

    def __init__(self, kernels: Sequence[series_kernels.Kernels], n_biases: int, poolings: str) -> None:
        self.kernels = kernels
        self.n_biases = n_biases
        self.poolings = poolings
        self.n_kernels = len(_WEIGHTS) * len(kernels)
        # A layer that adds weights of its own to the responses would need a copy of them for each bias.
        self._layer = keras.layers.Embedding(1, n_biases * self.n_kernels, trainable=False, dtype="float32")

    def __call__(self, values: keras.KerasTensor, observed: keras.KerasTensor | None = None) -> keras.KerasTensor:
        """Return the features of the steps with a response above the bias, `(n, poolings * biases * kernels)`."""
        responses = ops.expand_dims(concatenation.joined([member(values) for member in self.kernels]), 2)
        # One 0, for any number of series: the number of the row of the layer's weights.
        row = ops.sum(ops.cast(ops.zeros_like(values[:, :1, 0]), "int32"), axis=0)
        biases = ops.reshape(self._layer(row), (1, 1, self.n_biases, self.n_kernels))
        is_above = ops.cast(ops.greater(responses, biases), "float32")
        if observed is None:
            n_steps = values.shape[1]
        else:
            is_above = is_above * observed[..., None]
            n_steps = ops.maximum(ops.sum(observed, axis=1), 1.0)[..., None]
        n_above = ops.sum(is_above, axis=1)
        pooled = [n_above / n_steps]
        if self.poolings == "all":
            pooled += self._pooled(responses - biases, is_above, n_above, n_steps)
        n_features = len(pooled) * self.n_biases * self.n_kernels
        return ops.reshape(concatenation.joined(pooled, axis=1), (-1, n_features))

    def _pooled(
        self, excess: keras.KerasTensor, is_above: keras.KerasTensor, n_above: keras.KerasTensor, n_steps: Any
    ) -> list[keras.KerasTensor]:
        """Return the mean excess of the steps above the bias, their mean position and the length of their longest run.

        Args:
            excess: The responses minus the biases, `(n, time, biases, kernels)`.
            is_above: 1 at the steps above the bias, otherwise 0, as `excess`.
            n_above: Number of these steps, `(n, biases, kernels)`.
            n_steps: Number of steps, or of the observed ones, `(n, 1, 1)`.
        """
        counts = ops.maximum(n_above, 1.0)
        # 1, 2, ... An array of all steps would be written as text wherever it is used.
        positions = ops.cumsum(ops.ones_like(is_above[:, :, :1, :1]), axis=1)
        means = ops.sum(excess * is_above, axis=1) / counts
        indices = ops.sum(is_above * positions, axis=1) / counts
        # A run ends at a step, and begins after the last step so far that isn't above the bias.
        runs = ops.max(ops.subtract(positions, _running_maximum((1.0 - is_above) * positions)), axis=1)
        return [means, indices / n_steps, runs / n_steps]

    def set(self, biases: Sequence[np.ndarray]) -> None:
        """Set the biases, a list of arrays `(kernels, biases)`, one for each dilation."""
        self._layer.set_weights([np.concatenate(biases).T.reshape(1, -1)])


class Biases(fitters.Fitter):
    """Biases of MiniRocket's kernels: quantiles of the responses to random training rows.

    The levels of the quantiles are the fractional parts of the multiples of the golden ratio.

    Args:
        inputs: Symbolic tensor of the series.
        head: Name of the head.
        thresholds: List of `Thresholds`, of some dilations each.
        is_masked: Whether the last channel of the series marks the observed steps.
    """

    uses_validation = False
    reads_targets = False

    def __init__(self, inputs: keras.KerasTensor, head: str, thresholds: Sequence[Thresholds], is_masked: bool) -> None:
        super().__init__(inputs, head)
        self.thresholds = thresholds
        self.is_masked = is_masked

    def fit(
        self, training: Rows, validation: Rows, generator: np.random.Generator, deadline: float | None = None
    ) -> dict[str, Any]:
        numbers = itertools.count(1)
        for thresholds in self.thresholds:
            biases = []
            for kernels in thresholds.kernels:
                rows = training.inputs[generator.integers(len(training.inputs), size=len(_WEIGHTS))]
                if self.is_masked:
                    responses = np.where(rows[..., -1] > 0, kernels.respond(rows[..., :-1]), np.nan)
                else:
                    responses = kernels.respond(rows)
                multiples = list(itertools.islice(numbers, len(_WEIGHTS) * thresholds.n_biases))
                levels = np.reshape(multiples, (-1, thresholds.n_biases)) * _GOLDEN_RATIO % 1
                biases.append(_quantiles(responses, levels))
            thresholds.set(biases)
        return {}


def _running_maximum(values: keras.KerasTensor) -> keras.KerasTensor:
    """Return the largest of the values up to each step, `(n, time, biases, kernels)`. The values are at least 0.

    The steps are divided into parts of a few steps, and the largest values of the earlier parts are the running maximum
    of the parts. So each value is read a few times, and the number of operations grows with the logarithm of the steps.
    """
    _, length, *shape = values.shape
    n_parts = -(-length // _PART)
    padded = ops.pad(values, [[0, 0], [0, n_parts * _PART - length], [0, 0], [0, 0]])
    steps = ops.unstack(ops.reshape(padded, (-1, n_parts, _PART, *shape)), _PART, axis=2)
    within = list(itertools.accumulate(steps, ops.maximum))
    largest = ops.stack(within, axis=2)
    if n_parts > 1:
        of_parts = _running_maximum(within[-1][:, :-1])
        before = ops.pad(of_parts, [[0, 0], [1, 0], [0, 0], [0, 0]])
        largest = ops.maximum(largest, ops.expand_dims(before, 2))
    return ops.reshape(largest, (-1, n_parts * _PART, *shape))[:, :length]


def _quantiles(values: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return quantiles of the numbers of each row, of levels of its own; a row of NaN has the quantiles 0.

    Args:
        values: Array `(rows, n)`. NaN doesn't count.
        levels: Array `(rows, quantiles)`.
    """
    ordered = np.sort(values, axis=1)
    last = np.maximum(np.sum(~np.isnan(values), axis=1, keepdims=True) - 1, 0)
    places = levels * last
    below = places.astype(int)
    lower, upper = (np.take_along_axis(ordered, np.minimum(place, last), axis=1) for place in (below, below + 1))
    return np.nan_to_num(lower + (places - below) * (upper - lower))


def _dilations(length: int, n_biases: int) -> list[int]:
    """Return the dilations, a list.

    Args:
        length: Number of steps of the series.
        n_biases: Number of biases of a kernel in all dilations together.
    """
    n_dilations = int(_PER_OCTAVE * np.log2(series_kernels.largest_dilation(length))) + 1
    dilations = np.unique((2 ** (np.arange(n_dilations) / _PER_OCTAVE)).astype(int))
    if len(dilations) > n_biases:
        dilations = dilations[np.linspace(0, len(dilations) - 1, max(1, n_biases)).astype(int)]
    return dilations.tolist()
