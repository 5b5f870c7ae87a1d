"""Frozen convolution kernels for series, and the parts that kernels for images share, `stand_in` and `inner_model`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import keras_tuner
import numpy as np
from keras import ops

from autonas.backends import node_graph
from autonas.search_space import block, declaration
from autonas.search_space.blocks import arguments, preprocessing

#: Number of steps of a kernel.
LENGTH = 9
#: Largest number of channels that kernels read directly. More channels are summed to this number.
_MOST_CHANNELS = 16
#: Largest number of channels whose sum a kernel reads.
_MOST_SUMMED = 9
#: Arguments of a layer whose kernel isn't trained.
_FROZEN: dict[str, Any] = {
    "use_bias": False, "kernel_initializer": "zeros", "trainable": False, "dtype": "float32"
}  # fmt: skip


def standardised(member: block.Block, inputs: Any) -> tuple[keras.KerasTensor, bool]:
    """Return the input of a block of kernels as standardised series, `(n, time, channels)`.

    Args:
        member: The block, which is bound to data.
        inputs: The series of an input, in which NaN is a missing value, or the output of another block.

    Returns:
        The series, and whether their last channel is 1 at observed steps and 0 at missing ones.
    """
    series = arguments.tensor_of_rank(member, inputs, 3)
    if not isinstance(node_graph.producer(series)[0].operation, keras.layers.InputLayer):
        return keras.layers.Identity(dtype="float32")(series), False
    normalization = preprocessing.Normalization()
    normalization.features = member.features
    return normalization.build(None, series), member.features[0].statistics.get("has_missing", False)


def split(series: keras.KerasTensor, is_masked: bool) -> list[keras.KerasTensor]:
    """Return the list of the values, and of the observed steps if there are missing ones."""
    return [series[..., :-1], series[..., -1:]] if is_masked else [series]


def differences(series: Sequence[keras.KerasTensor]) -> list[keras.KerasTensor]:
    """Return the differences between consecutive steps of series, which are as `split` returns them."""
    values, *observed = series
    changes = values[:, 1:] - values[:, :-1]
    if not observed:
        return [changes]
    both = observed[0][:, 1:] * observed[0][:, :-1]
    return [changes * both, both]


def stand_in(hp: keras_tuner.HyperParameters, inputs: keras.KerasTensor, n_features: int) -> keras.KerasTensor | None:
    """Return a tensor `(n, n_features)` in place of the features while a space is declared, otherwise `None`.

    A declaration builds every branch, and the layers of the kernels would take most of its time.
    """
    if not isinstance(hp, declaration.DeclaringHyperParameters):
        return None
    return ops.repeat(ops.max(inputs, axis=tuple(range(1, len(inputs.shape))))[:, None], n_features, axis=1)


def inner_model(
    function: Callable[..., keras.KerasTensor], tensors: Sequence[keras.KerasTensor]
) -> tuple[keras.Model, keras.KerasTensor]:
    """Apply a function of tensors as a model of its own; return the model and the output.

    Keras holds all tensors of a model until the end of a call. The tensors of an inner model are free when its call
    ends.
    """
    inputs = [keras.Input(tensor.shape[1:], dtype=tensor.dtype) for tensor in tensors]
    model = keras.Model(inputs, function(*inputs))
    return model, model(list(tensors))


class Kernels:
    """Kernels of one dilation. Each kernel reads the sum of some channels, chosen at random.

    Args:
        weights: Array `(kernels, 9)`.
        n_channels: Number of channels of the series.
        dilation: Number of steps between neighbouring weights.
        generator: A `numpy.random.Generator`.
        n_sums: Number of the random sums of channels that the kernels read in turn. Defaults to `None`: as many as
            kernels.
    """

    def __init__(
        self,
        weights: np.ndarray,
        n_channels: int,
        dilation: int,
        generator: np.random.Generator,
        n_sums: int | None = None,
    ) -> None:
        n_kernels = len(weights)
        self.dilation = dilation
        self.margin = LENGTH // 2 * dilation
        #: Matrix from channels to sums of channels `(channels, 16)`, or `None` if the kernels read the channels.
        self.sums: np.ndarray | None = None
        n_sums = min(n_kernels, n_sums or n_kernels)
        if n_channels > _MOST_CHANNELS:
            self.sums = _subsets(n_channels, _MOST_CHANNELS, generator)
            read = np.eye(_MOST_CHANNELS)[:, np.arange(n_sums) % _MOST_CHANNELS]
        else:
            read = _subsets(n_channels, n_sums, generator)
        read = read[:, np.arange(n_kernels) % n_sums]
        by_step = weights.T[:, None, :] * read
        #: Matrix from the channels at nine steps to the kernels, `(9 * channels, kernels)`.
        self.matrix = by_step.reshape(-1, n_kernels).astype("float32")

    def __call__(self, values: keras.KerasTensor) -> keras.KerasTensor:
        """Return the responses `(n, time, kernels)` to series `(n, time, channels)`, with zeros beyond their ends."""
        if self.sums is not None:
            values = _frozen(keras.layers.Dense(self.sums.shape[1], **_FROZEN), self.sums)(values)
        n_kernels = self.matrix.shape[1]
        convolution = keras.layers.Conv1D(n_kernels, LENGTH, padding="same", dilation_rate=self.dilation, **_FROZEN)
        return _frozen(convolution, self.matrix.reshape(LENGTH, -1, n_kernels))(values)

    def respond(self, series: np.ndarray) -> np.ndarray:
        """Return the response of each kernel to a series of its own, from `(kernels, time, channels)`.

        Returns:
            Array `(kernels, time)`.
        """
        if self.sums is not None:
            series = series @ self.sums
        n_steps = series.shape[1]
        padded = np.pad(series, [[0, 0], [self.margin, self.margin], [0, 0]])
        by_step = self.matrix.reshape(LENGTH, -1, len(series))
        starts = range(0, LENGTH * self.dilation, self.dilation)
        products = [
            np.einsum("ktc,ck->kt", padded[:, start : start + n_steps], step)
            for start, step in zip(starts, by_step, strict=True)
        ]
        return np.sum(products, axis=0)


def together(kernels: Sequence[Kernels], n_values: int) -> Iterator[Sequence[Kernels]]:
    """Yield the kernels of as many dilations at a time as share the processor's caches.

    Operations on the responses of all dilations together are built and compiled once.

    Args:
        kernels: The `Kernels`, one for each dilation.
        n_values: Number of values that are computed from a series for each dilation.
    """
    step = max(1, node_graph.CACHED_VALUES // n_values)
    for start in range(0, len(kernels), step):
        yield kernels[start : start + step]


def largest_dilation(length: int) -> float:
    """Return the dilation at which a kernel is as long as the series, at least 1."""
    return max(1.0, (length - 1) / (LENGTH - 1))


def powers_of_two(length: int) -> list[int]:
    """Return the dilations 1, 2, 4, ... up to the length of the series, a list."""
    return [2**exponent for exponent in range(int(np.log2(largest_dilation(length))) + 1)]


def new_generator() -> np.random.Generator:
    """Return the generator of a block's random kernels, from NumPy's global state, which the seed of a trial sets."""
    return np.random.default_rng(np.random.randint(2**31))


def _subsets(n_channels: int, n_sums: int, generator: np.random.Generator) -> np.ndarray:
    """Return a matrix of 0 and 1, `(channels, sums)`: the channels of each sum.

    The number of channels is between 1 and 9, and small numbers are as frequent as large ones (MiniRocket).
    """
    read = np.zeros((n_channels, n_sums))
    largest = np.log2(min(n_channels, _MOST_SUMMED) + 1)
    for column in read.T:
        column[generator.choice(n_channels, int(2 ** generator.uniform(0, largest)), replace=False)] = 1
    return read


def _frozen(layer: keras.layers.Layer, kernel: np.ndarray) -> Callable[[keras.KerasTensor], keras.KerasTensor]:
    """Return a function that calls a layer and sets its kernel."""

    def apply(inputs: keras.KerasTensor) -> keras.KerasTensor:
        outputs = layer(inputs)
        layer.set_weights([kernel])
        return outputs

    return apply
