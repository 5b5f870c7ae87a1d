"""Default block for time series."""

import functools
import math
from collections.abc import Sequence
from typing import Any

import keras
import keras_tuner
from keras import ops

from autonas.search_space import block, concatenation, decisions, ranges
from autonas.search_space.blocks import (
    boosted_trees,
    convolution_1d,
    dense,
    extra_trees,
    hydra,
    intervals,
    lite,
    minirocket,
    preprocessing,
    recurrent,
    ridge,
    series_kernels,
    spaces,
)
from autonas.search_space.fitted import averaging, boosting, fitters

#: Largest number of values of a series, steps times channels, of which boosted trees are a family. Of more values they
#: take long, and a single step of a long series seldom has a meaning of its own.
MOST_VALUES_OF_TREES = 200


class TimeSeriesBlock(block.Block):
    """Normalisation of time series, followed by a network that returns a vector.

    Args:
        kind: Family of the network, `"linear"` (the flattened series), `"dense"`, `"convolution"`, `"inception"`
            (InceptionTime), `"lite"` (LITE, a small network some of whose filters are made by hand and frozen) or
            `"recurrent"`, or `"ridge"` (a `RidgeBlock` on the values of the series or on the differences between
            consecutive steps) or `"kernels"` (a `RidgeBlock` on the features of a `HydraBlock`, a `MiniRocketBlock` or
            both) or `"intervals"` (an `ExtraTreesBlock` on means, deviations and slopes of the series and its
            parts, to which the kernels are mostly blind) or `"trees"` (a `BoostedTreesBlock` on the single steps), or
            the name of a space of architectures, `"chain"`, `"cell"`, `"hierarchical"` or `"layered"`. Defaults to
            `None`: the search chooses the family, `"trees"` of short series only.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.TimeSeriesInput()
    features = autonas.TimeSeriesBlock(kind="recurrent")(inputs)
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(features))
    ```
    """

    takes_raw_inputs = True
    fitted_kinds: tuple[str, ...] = ("ridge", "kernels", "intervals", "trees")

    def __init__(
        self,
        kind: str | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.kind = kind

    def drawing(self, prefix: str) -> list[dict[str, Any]]:
        return spaces.drawing(self.kind, prefix)

    def build(self, hp: keras_tuner.HyperParameters, inputs: Any) -> keras.KerasTensor:
        normalization = preprocessing.Normalization()
        normalization.features = self.features
        series = normalization.build(hp, inputs)
        families = {
            "linear": lambda: keras.layers.Flatten(),
            "dense": lambda: functools.partial(dense.DenseBlock().build, hp),
            "convolution": lambda: (
                lambda series: self._pooled(
                    inputs, convolution_1d.Convolution1DBlock(downsampling=False).build(hp, series)
                )
            ),
            "inception": lambda: lambda series: self._pooled(inputs, _inception().build(hp, series)),
            "lite": lambda: lambda series: self._lite(hp, inputs, series),
            "recurrent": lambda: functools.partial(recurrent.RecurrentBlock(depth=ranges.Int(1, 2)).build, hp),
        }
        if self.kind in self.fitted_kinds or ridge.unsuitable(self) is None:
            families["ridge"] = lambda: lambda _: self._ridge(hp, inputs)
            families["kernels"] = lambda: lambda _: self._kernels(hp, inputs)
        if self.kind == "intervals" or fitters.unsuitable(self, "trees", averaging.LOSSES) is None:
            families["intervals"] = lambda: lambda _: self._intervals(hp, inputs)
        is_short = math.prod(inputs.shape[1:]) <= MOST_VALUES_OF_TREES
        if self.kind == "trees" or (is_short and fitters.unsuitable(self, "trees", boosting.LOSSES) is None):
            families["trees"] = lambda: lambda _: self._trees(hp, inputs)
        return spaces.family(self.kind, families, spaces.of_maps_and_series(hp))(hp, series)

    def _kernels(self, hp: keras_tuner.HyperParameters, raw: Any) -> keras.KerasTensor:
        """Apply a ridge regression or classification to the features of frozen kernels."""
        size = ranges.Choice([500, 1_000, 2_500, 5_000, 10_000], default=10_000)
        competing, fixed = self.bound(hydra.HydraBlock()), self.bound(minirocket.MiniRocketBlock(size))

        def both(raw: Any) -> keras.KerasTensor:
            return ops.concatenate([competing.build(hp, raw), fixed.build(hp, raw)], axis=-1)

        transforms: decisions.Candidates = {
            "hydra": lambda: functools.partial(competing.build, hp),
            "minirocket": lambda: functools.partial(fixed.build, hp),
            "both": lambda: both,
        }
        features = decisions.LayerChoice("transform", transforms)(hp, raw)
        return self.bound(ridge.RidgeBlock()).build(hp, features)

    def _intervals(self, hp: keras_tuner.HyperParameters, raw: Any) -> keras.KerasTensor:
        """Apply extremely randomised trees to statistics of the intervals of the series."""
        read = series_kernels.split(*series_kernels.standardised(self, raw))
        features = series_kernels.stand_in(hp, read[0], intervals.n_features(*read[0].shape[1:]))
        if features is None:
            features = intervals.summaries(read)
        return self.bound(extra_trees.ExtraTreesBlock()).build(hp, features)

    def _lite(self, hp: keras_tuner.HyperParameters, raw: Any, series: keras.KerasTensor) -> keras.KerasTensor:
        """Apply LITE to the normalised series."""
        filters = hp.Choice("filters", [16, 32, 64], default=32)
        if getattr(hp, "discards_networks", False):  # The shape is all that a declaration needs.
            return self._pooled(raw, keras.layers.Conv1D(filters, 1)(series))
        return self._pooled(raw, lite.network(series, filters))

    def _ridge(self, hp: keras_tuner.HyperParameters, raw: Any) -> keras.KerasTensor:
        """Apply a ridge regression or classification to the values or their differences."""
        read = series_kernels.split(*series_kernels.standardised(self, raw))
        if hp.Boolean("difference") and read[0].shape[1] > 1:
            read = series_kernels.differences(read)
        return self.bound(ridge.RidgeBlock()).build(hp, _flattened(read))

    def _trees(self, hp: keras_tuner.HyperParameters, raw: Any) -> keras.KerasTensor:
        """Apply boosted trees to the values of the single steps."""
        steps = _flattened(series_kernels.split(*series_kernels.standardised(self, raw)))
        return self.bound(boosted_trees.BoostedTreesBlock()).build(hp, steps)

    def _pooled(self, raw: Any, outputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return the mean over the observed steps and the maximum over all steps, concatenated."""
        if not self.features[0].statistics.get("has_missing", False):
            pooled = ops.mean(outputs, axis=1)
        else:
            observed = ops.cast(ops.any(ops.logical_not(ops.isnan(raw)), axis=-1, keepdims=True), "float32")
            pooled = ops.sum(outputs * observed, axis=1) / ops.maximum(ops.sum(observed, axis=1), 1.0)
        return ops.concatenate([pooled, ops.max(outputs, axis=1)], axis=-1)


def _flattened(series: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
    """Return the steps of series, which are as `series_kernels.split` returns them, as vectors."""
    joined = concatenation.joined(series)
    return ops.reshape(joined, (-1, math.prod(joined.shape[1:])))


def _inception() -> convolution_1d.Convolution1DBlock:
    """Return the block of InceptionTime, whose default is of half its depth and of a quarter of its filters."""
    return convolution_1d.Convolution1DBlock(
        filters=ranges.Choice([32, 64, 128]),
        kernel_size=ranges.Choice([20, 40], default=40),
        depth=ranges.Int(3, 6),
        kind="inception",
        residual=True,
        downsampling=False,
    )
