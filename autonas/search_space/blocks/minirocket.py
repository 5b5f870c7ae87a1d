"""MiniRocket and MultiRocket: statistics of the steps of a series at which fixed convolution kernels exceed a bias."""

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
#: Number of dilations per power of 2. Up to 32 dilations of the paper take twice as long to build and compile, and are
#: as accurate with as many features: .847 and .846 in the mean over 43 data sets.
_PER_OCTAVE = 2
#: Number of features of a kernel and a bias with all poolings.
_N_POOLINGS = 4
_GOLDEN_RATIO = (1 + 5**0.5) / 2


class MiniRocketBlock(block.Block):
    """Features of time series by fixed convolution kernels (MiniRocket, Dempster et al. 2021).

    There are 84 kernels of nine weights, 2 or -1, in dilations up to the length of the series. A feature is the share
    of the steps at which the response of a kernel is larger than a bias. The biases are quantiles of the response to a
    random training row. Half of the kernels read zeros beyond the ends of the series, and the others skip these steps.
    Connected to a `TimeSeriesInput`, the block standardises the channels. Missing steps don't count. With several
    channels, a kernel reads the sum of one to nine of them, chosen at random. The paper has up to 32 dilations. This
    block has two per power of 2, which are built and compiled in half of the time, and are about as accurate.

    With all poolings, the block is MultiRocket (Tan et al. 2022). There are three further features of a kernel and a
    bias: the mean of response minus bias over the steps above the bias, their mean position, and the length of the
    longest run of them. Half of the features are of the differences between consecutive steps.

    Args:
        size: Number of features, or a range, rounded down to a multiple of 84, with all poolings of 672. Defaults to
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
        n_biases = max(1, n_biases)
        n_features = len(_WEIGHTS) * n_biases * len(sources) * (_N_POOLINGS if poolings == "all" else 1)
        stand_in = series_kernels.stand_in(hp, series, n_features)
        if stand_in is not None:
            return stand_in
        (head,) = list(self.heads)[:1]
        generator, features = series_kernels.new_generator(), []
        for source in sources:
            thresholds, models = [], []
            for position, (dilation, count) in enumerate(_dilations(source[0].shape[1], n_biases).items()):
                order = _order(position)
                kernels = series_kernels.Kernels(_WEIGHTS[order], source[0].shape[-1], dilation, generator)
                thresholds.append(Thresholds(kernels, order, count, poolings))
                model, pooled = series_kernels.inner_model(thresholds[-1], source)
                features.append(pooled)
                models.append(model)
            read = ops.concatenate(source, axis=-1) if is_masked else source[0]
            fitters.attach(Biases(read, head, thresholds, is_masked), models[0])
        return ops.concatenate(features, axis=-1) if len(features) > 1 else features[0]


class Thresholds:
    """Layers that compare the responses of the kernels of one dilation with their biases.

    Args:
        kernels: The `Kernels`. The first half reads zeros beyond the ends of a series.
        order: Numbers of the kernels among all 84.
        n_biases: Number of biases of each kernel.
        poolings: `"share"` or `"all"`; see `MiniRocketBlock`.
    """

    def __init__(self, kernels: series_kernels.Kernels, order: np.ndarray, n_biases: int, poolings: str) -> None:
        self.kernels = kernels
        self.order = order
        self.n_biases = n_biases
        self.poolings = poolings
        self.layers: list[keras.layers.BatchNormalization] = []

    def __call__(self, values: keras.KerasTensor, observed: keras.KerasTensor | None = None) -> keras.KerasTensor:
        """Return the features of the steps with a response above the bias, `(n, poolings * biases)`."""
        responses, length, margin = self.kernels(values), values.shape[1], self.kernels.margin
        half = len(self.order) // 2
        # A series shorter than a kernel has no step whose neighbours all exist.
        inner = slice(margin, length - margin) if length > 2 * margin else slice(None)
        halves = [responses[..., :half], responses[:, inner, half:]]
        counted = [observed, observed]
        if observed is not None and length > 2 * margin:
            counted[1] = observed[:, : length - 2 * margin] * observed[:, 2 * margin :]
        return ops.concatenate([self._pooled(*pair) for pair in zip(halves, counted, strict=True)], axis=-1)

    def _pooled(self, responses: keras.KerasTensor, observed: keras.KerasTensor | None) -> keras.KerasTensor:
        # The frozen layer subtracts its mean, the biases.
        layer = keras.layers.BatchNormalization(center=False, scale=False, trainable=False, dtype="float32")
        self.layers.append(layer)
        above = layer(ops.concatenate([responses] * self.n_biases, axis=-1) if self.n_biases > 1 else responses)
        is_above = ops.cast(ops.greater(above, 0.0), "float32")
        if observed is not None:
            is_above = is_above * observed
        n_steps = responses.shape[1] if observed is None else ops.maximum(ops.sum(observed, axis=1), 1.0)
        n_above = ops.sum(is_above, axis=1)
        shares = n_above / n_steps
        if self.poolings == "share":
            return shares
        counts = ops.maximum(n_above, 1.0)
        means = ops.sum(above * is_above, axis=1) / counts
        positions = np.arange(1, responses.shape[1] + 1, dtype="float32")[None, :, None]
        indices = ops.sum(is_above * positions, axis=1) / counts
        # The last step so far that isn't above the bias, by a running maximum.
        last = (1.0 - is_above) * positions
        for step in (2**power for power in range((responses.shape[1] - 1).bit_length())):
            last = ops.maximum(last, ops.pad(last[:, :-step], [[0, 0], [step, 0], [0, 0]]))
        runs = ops.max(ops.subtract(positions, last), axis=1)
        return ops.concatenate([shares, means, indices / n_steps, runs / n_steps], axis=-1)

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
    reads_targets = False

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
    """Return the kernels of a dilation: first the kernels that read zeros beyond the ends, every second one in turn."""
    numbers = np.arange(len(_WEIGHTS))
    return np.concatenate([numbers[position % 2 :: 2], numbers[1 - position % 2 :: 2]])


def _dilations(length: int, n_biases: int) -> dict[int, int]:
    """Return the number of biases of a kernel for each dilation.

    Args:
        length: Number of steps of the series.
        n_biases: Number of biases of a kernel in all dilations together.
    """
    n_dilations = int(_PER_OCTAVE * np.log2(series_kernels.largest_dilation(length))) + 1
    dilations = np.unique((2 ** (np.arange(n_dilations) / _PER_OCTAVE)).astype(int))
    if len(dilations) > n_biases:
        dilations = dilations[np.linspace(0, len(dilations) - 1, n_biases).astype(int)]
    fewest, rest = divmod(n_biases, len(dilations))
    return {int(dilation): fewest + (position < rest) for position, dilation in enumerate(dilations)}
