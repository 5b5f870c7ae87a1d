"""Hydra: groups of random convolution kernels that compete at every step of a series."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import keras
import keras_tuner
import numpy as np
from keras import ops

from autonas.search_space import block, concatenation, ranges
from autonas.search_space.blocks import series_kernels

#: Number of kernels of a group.
GROUP = 8


class HydraBlock(block.Block):
    """Features of time series by competing convolution kernels (Hydra, Dempster et al. 2023).

    The kernels have 9 random weights and aren't trained. At every step of the series, the kernel of a group with the
    largest response adds this response to its first feature, and the kernel with the smallest response adds 1 to its
    second feature. The features are the square roots of the sums. The dilations are the powers of 2 up to the length of
    the series. Connected to a `TimeSeriesInput`, the block standardises the channels. Missing steps don't count, and
    the sums are relative to the number of observed steps.

    A kernel reads the sum of some random channels. The paper uses one channel. Its authors' extension to several
    channels sums half of them. This block sums one to nine.

    Args:
        groups: Number of groups of eight kernels for each dilation, or a range. Defaults to a choice of 4, 8,
            16, 32 and 64.
        difference: Whether half of the groups read the differences between consecutive steps, or a range. Defaults to a
            choice of both.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.TimeSeriesInput()
    features = autonas.HydraBlock(groups=32)(inputs)
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(autonas.RidgeBlock()(features)))
    ```
    """

    takes_raw_inputs = True

    def __init__(
        self,
        groups: int | ranges.Range = ranges.Choice([4, 8, 16, 32, 64], default=64),
        difference: bool | ranges.Range = ranges.Boolean(default=True),
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.groups = groups
        self.difference = difference

    def build(self, hp: keras_tuner.HyperParameters, inputs: Any) -> keras.KerasTensor:
        series, is_masked = series_kernels.standardised(self, inputs)
        groups, difference = self.suggest(hp, "groups"), self.suggest(hp, "difference")
        sources = [series_kernels.split(series, is_masked)]
        length = series.shape[1]
        if difference and length > 1 and groups > 1:
            sources.append(series_kernels.differences(sources[0]))
        dilations = series_kernels.powers_of_two(length)
        n_features = 2 * GROUP * (groups // len(sources)) * len(sources) * len(dilations)
        stand_in = series_kernels.stand_in(hp, series, n_features)
        if stand_in is not None:
            return stand_in
        generator = series_kernels.new_generator()
        features = []
        for source in sources:
            n_kernels, n_channels = groups // len(sources), source[0].shape[-1]
            kernels = [_kernels(n_kernels, n_channels, dilation, generator) for dilation in dilations]
            for some in series_kernels.together(kernels, length * GROUP * n_kernels):
                features.append(series_kernels.inner_model(functools.partial(_compete, some), source)[1])
        return ops.sqrt(concatenation.joined(features))


def _kernels(groups: int, n_channels: int, dilation: int, generator: np.random.Generator) -> series_kernels.Kernels:
    """Return the kernels of all groups. Kernels of the same rank in their group are neighbours."""
    weights = generator.normal(size=(GROUP, groups, series_kernels.LENGTH))
    weights -= weights.mean(axis=-1, keepdims=True)
    weights /= np.abs(weights).sum(axis=-1, keepdims=True)
    weights = weights.reshape(-1, series_kernels.LENGTH)
    return series_kernels.Kernels(weights, n_channels, dilation, generator, n_sums=groups)


def _compete(
    kernels: Sequence[series_kernels.Kernels], values: keras.KerasTensor, observed: keras.KerasTensor | None = None
) -> keras.KerasTensor:
    """Return the sums of the largest responses and the counts of the smallest ones, `(n, 2 * kernels)`, at least 0."""
    length, n_groups = values.shape[1], kernels[0].matrix.shape[1] // GROUP
    # Grouped in this way, the largest of eight takes a fraction of the time that it takes among neighbours.
    responses = concatenation.joined([ops.reshape(member(values), (-1, length, GROUP, n_groups)) for member in kernels])
    is_largest = ops.cast(ops.greater_equal(responses, ops.max(responses, axis=2, keepdims=True)), "float32")
    is_smallest = ops.cast(ops.less_equal(responses, ops.min(responses, axis=2, keepdims=True)), "float32")
    counted = [responses * is_largest, is_smallest]
    if observed is not None:
        weight = observed * (length / ops.maximum(ops.sum(observed, axis=1, keepdims=True), 1.0))
        counted = [count * ops.expand_dims(weight, -1) for count in counted]
    sums = [ops.reshape(ops.sum(count, axis=1), (-1, GROUP * n_groups * len(kernels))) for count in counted]
    return ops.relu(ops.concatenate(sums, axis=-1))
