"""LITE: a small convolutional network on series, part of whose filters are made by hand and frozen."""

from __future__ import annotations

import keras
import numpy as np

from autonas.search_space.blocks import normalization

#: Lengths of the rises and falls in steps. A peak is half as long again.
_LENGTHS = (2, 4, 8, 16, 32, 64)
#: Lengths of the trained filters of the first layer in steps.
_TRAINED_LENGTHS = (40, 20, 10)
#: Lengths and dilations of the filters of the separable layers in steps.
_SEPARABLE = ((20, 2), (10, 4))


def network(series: keras.KerasTensor, filters: int) -> keras.KerasTensor:
    """Apply LITE (Ismail-Fawaz et al. 2023) to series `(n, time, channels)`; return a series `(n, time, filters)`.

    The first layer has `filters` trained filters of 40, 20 and 10 steps each, and 17 frozen ones, which detect rises,
    falls and peaks over 2 to 96 steps in the sum of the channels. Two separable convolutions follow. Frozen filters
    that are longer than the series are left out, and trained ones are shortened.

    Args:
        series: The series.
        filters: Number of filters.
    """
    n_steps = series.shape[1]
    convolved = [
        keras.layers.Conv1D(filters, min(length, n_steps), padding="same", use_bias=False)(series)
        for length in _TRAINED_LENGTHS
    ]
    for kernels in _frozen_kernels(n_steps):
        layer = keras.layers.Conv1D(kernels.shape[1], len(kernels), padding="same", use_bias=False, trainable=False)
        convolved.append(keras.layers.Activation("relu")(layer(series)))
        layer.set_weights([np.repeat(kernels[:, None], series.shape[-1], axis=1)])
    outputs = keras.layers.Concatenate()(convolved)
    outputs = keras.layers.Activation("relu")(normalization.batch_normalization()(outputs))
    for length, dilation in _SEPARABLE:
        layer = keras.layers.SeparableConv1D(
            filters, min(length, n_steps), padding="same", dilation_rate=dilation, use_bias=False
        )
        outputs = keras.layers.Activation("relu")(normalization.batch_normalization()(layer(outputs)))
    return outputs


def _frozen_kernels(n_steps: int) -> list[np.ndarray]:
    """Return the frozen filters, arrays `(length, filters)`: rises and falls of each length, and peaks from 4 steps."""
    kernels = []
    for length in _LENGTHS:
        rise = np.where(np.arange(length) % 2, 1.0, -1.0)
        kernels.append(np.stack([rise, -rise], axis=1))
        if length > 2:
            slope = (np.arange(1, length // 4 + 1) / (length // 4)) ** 2
            peak = np.concatenate([slope, slope[::-1]])
            kernels.append(np.concatenate([-peak, 2 * peak, -peak])[:, None])
    return [kernel for kernel in kernels if len(kernel) <= n_steps]
