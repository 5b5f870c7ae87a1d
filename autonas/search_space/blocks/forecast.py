"""Block and head of forecasting models, which learn a correction of a linear forecast."""

import functools
from typing import Any

import keras
import keras_tuner
import numpy as np
from keras import ops

from autonas.data import jumps
from autonas.search_space import block, decisions, heads, ranges
from autonas.search_space.blocks import convolution_1d, dense, numbers, recurrent, spaces, time_series

#: Bound to which the level of a window is squashed, in standard deviations of the training set.
_LARGEST_LEVEL = 2.0


class ForecastBlock(time_series.TimeSeriesBlock):
    """Default block for windows of a series.

    The network receives the difference of every step from the last step, and the standardised level of every step.

    Args:
        scale: Typical size of the difference from the last step, one number for each channel.
        kind: Family of the network, `"linear"` (no features: the linear forecast without a correction), `"dense"`,
            `"convolution"` or `"recurrent"`, or the name of a space of architectures as in `TimeSeriesBlock`. Defaults
            to `None`: the search chooses the family.
        name: Name of the block.
    """

    fitted_kinds = ("linear",)

    def __init__(
        self,
        scale: Any,
        kind: str | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(kind, name)
        self.scale = scale

    def build(self, hp: keras_tuner.HyperParameters, inputs: Any) -> keras.KerasTensor:
        statistics = self.features[0].statistics
        level = numbers.standardised(inputs, statistics["mean"], statistics["variance"])
        # Squash the level: levels outside the range of the training set would make the network extrapolate.
        level = numbers.bounded(level, _LARGEST_LEVEL)
        relative = (inputs - inputs[:, -1:]) / np.array(self.scale, "float32")
        series = ops.concatenate([numbers.bounded(relative, numbers.LARGEST), level], axis=-1)
        families: decisions.Candidates = {
            "linear": lambda: self._without_correction,
            "dense": lambda: functools.partial(dense.DenseBlock().build, hp),
            "convolution": lambda: functools.partial(self._convolution, hp, inputs),
            "recurrent": lambda: functools.partial(recurrent.RecurrentBlock(depth=ranges.Int(1, 2)).build, hp),
        }
        return spaces.family(self.kind, families, spaces.of_maps_and_series(hp))(hp, series)

    def _without_correction(self, series: keras.KerasTensor) -> keras.KerasTensor:
        """Return a correction of 0 for each output of the head."""
        (head,) = self.heads.values()
        return block.as_prediction(ops.repeat(ops.zeros_like(series[:, 0, :1]), head.target.n_outputs, axis=1))

    def _convolution(self, hp: keras_tuner.HyperParameters, raw: Any, series: keras.KerasTensor) -> keras.KerasTensor:
        """Apply a convolutional network and concatenate the mean over the steps with the last step."""
        outputs = convolution_1d.Convolution1DBlock(downsampling=False).build(hp, series)
        return ops.concatenate([ops.mean(outputs, axis=1), outputs[:, -1]], axis=-1)


class ForecastHead(heads.RegressionHead):
    """Regression head with zero initial weights, so that training begins with the linear forecast.

    See `RegressionHead` for the arguments.
    """

    # A correction of 0 is the linear forecast, whose mean error on short series is no error of later steps.
    centers_target = False

    def build(self, hp: keras_tuner.HyperParameters, inputs: Any) -> keras.KerasTensor:
        if block.predicts_target(inputs):
            return inputs
        rate = self.suggest(hp, "dropout")
        if rate:
            inputs = keras.layers.Dropout(rate)(inputs)
        return keras.layers.Dense(self.target.n_outputs, kernel_initializer="zeros", dtype="float32")(inputs)


def with_linear_forecast(network: keras.Model, head_name: str, forecast: Any, deviation: Any) -> keras.Model:
    """Return the sum of a linear forecast and the correction that a network computes, a `keras.Model`.

    Args:
        network: A `keras.Model` from windows `(n, L, c)` to the output `head_name` of shape `(n, m)`.
        head_name: Name of the output.
        forecast: A fitted `data.linear_forecast.LinearForecast`.
        deviation: Standard deviations by which the targets of the network are divided, `(m,)`.
    """
    ((name, windows),) = network.input.items()
    inputs = keras.Input(windows.shape[1:], dtype=windows.dtype, name=name)
    bounds, limits = forecast.choice.bounds, forecast.choice.limits
    windows = inputs if limits is None else _without_jumps(inputs, np.array(limits, "float32"))
    steps = windows if bounds is None else ops.log(ops.clip(windows, *bounds))
    unit = deviation if bounds is None else np.ones_like(deviation)
    last = steps[:, -1]
    linear = _linear(last, forecast.last_kernel / unit, forecast.bias / unit)
    if windows.shape[1] > 1:
        differences = keras.layers.Flatten()(steps[:, :-1] - steps[:, -1:])
        linear = linear + _linear(differences, forecast.kernel / unit)
    if bounds is not None:
        linear = ops.exp(ops.clip(linear, *np.log(bounds))) / deviation.astype("float32")
    return keras.Model(
        {name: inputs}, {head_name: keras.layers.Add(name=head_name)([network({name: windows})[head_name], linear])}
    )


def _without_jumps(windows: keras.KerasTensor, limits: np.ndarray) -> keras.KerasTensor:
    """Return windows whose jumps are removed; see `data.jumps.without_jumps`."""
    first, second, third, fourth, last = (windows[:, -step] for step in range(jumps.LEVEL_STEPS, 0, -1))
    level = _median(first, second, third, fourth, last)
    last = ops.where(ops.abs(last - level) > limits, level, last)
    before = windows[:, :-1]
    changes = ops.concatenate([before[:, 1:], last[:, None]], axis=1) - before
    removed = ops.where(ops.abs(changes) > limits, changes, 0.0)
    later = ops.sum(removed, axis=1, keepdims=True) - ops.cumsum(removed, axis=1) + removed
    return ops.concatenate([before + later, last[:, None]], axis=1)


def _median(*tensors: keras.KerasTensor) -> keras.KerasTensor:
    """Return the median of five tensors by comparisons, which every export has."""
    first, second, third, fourth, fifth = tensors
    low = ops.maximum(ops.minimum(first, second), ops.minimum(third, fourth))
    high = ops.minimum(ops.maximum(first, second), ops.maximum(third, fourth))
    return ops.maximum(ops.minimum(low, high), ops.minimum(ops.maximum(low, high), fifth))


def _linear(inputs: keras.KerasTensor, kernel: np.ndarray, bias: np.ndarray | None = None) -> keras.KerasTensor:
    """Apply a frozen dense layer with the weights `kernel` and `bias`."""
    layer = keras.layers.Dense(kernel.shape[1], use_bias=bias is not None, trainable=False)
    outputs = layer(inputs)
    layer.set_weights([kernel] if bias is None else [kernel, bias])
    return outputs
