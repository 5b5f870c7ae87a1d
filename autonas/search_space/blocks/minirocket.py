"""MiniRocket: shares of the steps of a series at which fixed convolution kernels exceed a bias."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import keras
import keras_tuner
import numpy as np
from keras import ops

from autonas.search_space import block, fitters, ranges
from autonas.search_space.blocks import series_kernels
from autonas.search_space.fitters import Rows

#: The kernels: all choices of three weights 2 among nine, the others -1.
_WEIGHTS = np.full((84, series_kernels.LENGTH), -1.0)
for _weights, _chosen in zip(_WEIGHTS, itertools.combinations(range(series_kernels.LENGTH), 3), strict=True):
    _weights[list(_chosen)] = 2.0
#: Largest number of dilations.
_MOST_DILATIONS = 32
_GOLDEN_RATIO = (1 + 5**0.5) / 2


class MiniRocketBlock(block.Block):
    """Features of time series by fixed convolution kernels (MiniRocket, Dempster et al. 2021).

    There are 84 kernels of nine weights, 2 or -1, in up to 32 dilations. A feature is the share of the steps at which
    the response of a kernel is larger than a bias. The biases are quantiles of the response to a random training row.
    Half of the kernels read zeros beyond the ends of the series, and the others skip these steps. Connected to a
    `TimeSeriesInput`, the block standardises the channels. Missing steps don't count. With several channels, a kernel
    reads the sum of one to nine of them, chosen at random.

    Args:
        size: Number of features, or a range, rounded down to a multiple of 84. Defaults to 10,000.
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
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.size = size

    def build(self, hp: keras_tuner.HyperParameters, inputs: Any) -> keras.KerasTensor:
        series, is_masked = series_kernels.standardised(self, inputs)
        parts = series_kernels.split(series, is_masked)
        length, n_channels = parts[0].shape[1:]
        generator = series_kernels.new_generator()
        dilations = _dilations(length, max(1, self.suggest(hp, "size") // len(_WEIGHTS)))
        thresholds, features, models = [], [], []
        for position, (dilation, n_biases) in enumerate(dilations.items()):
            order = _order(position)
            kernels = series_kernels.Kernels(_WEIGHTS[order], n_channels, dilation, generator)
            threshold = Thresholds(kernels, order, n_biases)
            model, shares = series_kernels.inner_model(threshold, parts)
            thresholds.append(threshold)
            features.append(shares)
            models.append(model)
        (head,) = list(self.heads)[:1]
        fitters.attach(Biases(series, head, thresholds, is_masked), models[0])
        return ops.concatenate(features, axis=-1) if len(features) > 1 else features[0]


class Thresholds:
    """Layers that compare the responses of the kernels of one dilation with their biases.

    Args:
        kernels: The `Kernels`. The first half reads zeros beyond the ends of a series.
        order: Numbers of the kernels among all 84.
        n_biases: Number of biases of each kernel.
    """

    def __init__(self, kernels: series_kernels.Kernels, order: np.ndarray, n_biases: int) -> None:
        self.kernels = kernels
        self.order = order
        self.n_biases = n_biases
        self.layers: list[keras.layers.BatchNormalization] = []

    def __call__(self, values: keras.KerasTensor, observed: keras.KerasTensor | None = None) -> keras.KerasTensor:
        """Return the shares of the steps with a response above the bias, `(n, biases)`."""
        responses, length, margin = self.kernels(values), values.shape[1], self.kernels.margin
        half = len(self.order) // 2
        # A series shorter than a kernel has no step whose neighbours all exist.
        inner = slice(margin, length - margin) if length > 2 * margin else slice(None)
        halves = [responses[..., :half], responses[:, inner, half:]]
        counted = [observed, observed]
        if observed is not None and length > 2 * margin:
            counted[1] = observed[:, : length - 2 * margin] * observed[:, 2 * margin :]
        return ops.concatenate([self._shares(*pair) for pair in zip(halves, counted, strict=True)], axis=-1)

    def _shares(self, responses: keras.KerasTensor, observed: keras.KerasTensor | None) -> keras.KerasTensor:
        # The frozen layer subtracts its mean, the biases.
        layer = keras.layers.BatchNormalization(center=False, scale=False, trainable=False, dtype="float32")
        self.layers.append(layer)
        repeated = ops.concatenate([responses] * self.n_biases, axis=-1) if self.n_biases > 1 else responses
        is_above = ops.cast(ops.greater(layer(repeated), 0.0), "float32")
        if observed is None:
            return ops.mean(is_above, axis=1)
        return ops.sum(is_above * observed, axis=1) / ops.maximum(ops.sum(observed, axis=1), 1.0)

    def set(self, biases: np.ndarray) -> None:
        """Set the biases, an array `(kernels, biases)`."""
        for layer, half in zip(self.layers, np.split(biases, 2), strict=True):
            layer.set_weights([half.T.ravel(), np.ones(half.size)])


class Biases(fitters.Fitter):
    """Biases of MiniRocket's kernels: quantiles of the responses to random training rows.

    The levels of the quantiles are the fractional parts of the multiples of the golden ratio.

    Args:
        inputs: Symbolic tensor of the series.
        head: Name of the head.
        thresholds: List of `Thresholds`, one for each dilation.
        is_masked: Whether the last channel of the series marks the observed steps.
    """

    uses_validation = False

    def __init__(self, inputs: keras.KerasTensor, head: str, thresholds: Sequence[Thresholds], is_masked: bool) -> None:
        super().__init__(inputs, head)
        self.thresholds = thresholds
        self.is_masked = is_masked

    def fit(
        self, training: Rows, validation: Rows, generator: np.random.Generator, deadline: float | None = None
    ) -> dict[str, Any]:
        n_earlier = 0
        for threshold in self.thresholds:
            n_kernels, n_biases = len(threshold.order), threshold.n_biases
            numbers = n_earlier + threshold.order[:, None] * n_biases + np.arange(1, n_biases + 1)
            n_earlier += n_kernels * n_biases
            rows = generator.integers(len(training.inputs), size=n_kernels)
            biases = [
                self._quantiles(training.inputs[row], threshold.kernels, kernel, numbers[kernel] * _GOLDEN_RATIO % 1)
                for kernel, row in enumerate(rows)
            ]
            threshold.set(np.array(biases))
        return {}

    def _quantiles(
        self, series: np.ndarray, kernels: series_kernels.Kernels, kernel: int, levels: np.ndarray
    ) -> np.ndarray:
        """Return quantiles of the response of a kernel to a series at its observed steps."""
        if not self.is_masked:
            return np.quantile(kernels.respond(series, kernel), levels)
        return np.quantile(kernels.respond(series[:, :-1], kernel)[series[:, -1] > 0], levels)


def _order(position: int) -> np.ndarray:
    """Return the kernels of a dilation: first those that read zeros beyond the ends, every second one in turn."""
    numbers = np.arange(len(_WEIGHTS))
    return np.concatenate([numbers[position % 2 :: 2], numbers[1 - position % 2 :: 2]])


def _dilations(length: int, n_biases: int) -> dict[int, int]:
    """Return the number of biases of a kernel for each dilation.

    Args:
        length: Number of steps of the series.
        n_biases: Number of biases of a kernel in all dilations together.
    """
    largest = np.log2(series_kernels.largest_dilation(length))
    n_dilations = min(n_biases, _MOST_DILATIONS)
    dilations, counts = np.unique(np.logspace(0, largest, n_dilations, base=2).astype(int), return_counts=True)
    counts = (counts * (n_biases / n_dilations)).astype(int)
    counts[: n_biases - counts.sum()] += 1
    return dict(zip(dilations.tolist(), counts.tolist(), strict=True))
