"""Preparation of forecasts: from the steps of a series to windows and the errors of a linear forecast."""

import dataclasses
import functools

import numpy as np

from autonas.data import autoregression, jumps, linear_forecast, splits, target_arrays
from autonas.data.checks import MAX_FLOAT32
from autonas.data.fit_data import FitData
from autonas.preparation import arrays
from autonas.search_space.blocks import forecast as forecast_blocks

#: Maximum size of windows that are kept a second time for the final fit.
_MAX_TWICE_BYTES = 256 * 2**20
#: Ratio of the mean of a series to its standard deviation from which on its level is subtracted. Below, float32 keeps
#: deviations to a thousandth.
_HIGH = 1e4


@dataclasses.dataclass(frozen=True)
class Forecast:
    """A forecast of the next steps of a series.

    Args:
        values: The series, `(time, channels)`.
        outputs: The steps of the targets, `(time, targets)`.
        target_columns: Indices of the columns of `values` that are the targets, or `None` for other targets.
        horizon: Number of steps to forecast.
        choice: Settings of the linear forecast, a `linear_forecast.Choice`.
    """

    values: np.ndarray
    outputs: np.ndarray
    target_columns: list | None
    horizon: int
    choice: linear_forecast.Choice

    def linear(self, choice, n_steps=None):
        """Return the `LinearForecast` of some settings, fitted to the first steps, or by default to all steps."""
        linear = linear_forecast.LinearForecast(self.target_columns, choice)
        return linear.fit(self.values[:n_steps], self.outputs[:n_steps], self.horizon)


def prepare(forecast, plan_of, selection):
    """Prepare the windows of a series, whose targets are the errors of a linear forecast.

    Args:
        forecast: The `Forecast`.
        plan_of: Function from windows `(n, lookback, channels)` to the `Plan` with the graph for them.
        selection: The `Selection` of the plan.

    Returns:
        A `Prepared`.
    """
    lookback, horizon, limits = forecast.choice.lookback, forecast.horizon, forecast.choice.limits
    nonnegative = target_arrays.is_nonnegative(forecast.outputs)
    if limits is not None:
        values = jumps.without_jumps(forecast.values, limits)
        forecast = dataclasses.replace(forecast, values=values, outputs=values[:, forecast.target_columns])
        nonnegative &= (forecast.outputs >= 0).all(axis=0)
    windows, future = autoregression.windows_of(forecast.values, forecast.outputs, lookback, horizon)
    train_rows, validation_rows = splits.train_validation_rows(future, "regression", selection.split, in_order=True)
    # Drop the windows whose future overlaps with the future of the validation set.
    train_rows = train_rows[: max(1, len(train_rows) - horizon + 1)]
    n_steps = len(train_rows) + lookback + horizon - 1
    linear = forecast.linear(forecast.choice, n_steps)
    forecasts = linear.predict(windows)

    def form(target, encoded):
        # The bound is of the forecasts, not of the errors that are the targets of the network.
        target.nonnegative_ = np.resize(nonnegative, target.n_outputs_)
        return future, lambda outputs, rows: target.numbers(outputs + forecasts[rows] / target.deviation_)

    prepared = arrays.prepare(plan_of(windows), FitData(windows, shaped(future - forecasts)), form)
    prepared.dataset.train_rows, prepared.dataset.overlap = train_rows, horizon
    prepared.facts = {
        "forecast": {
            "lookback": lookback,
            "horizon": horizon,
            "target": forecast.target_columns,
            "linear": dataclasses.asdict(linear.choice),
        }
    }
    ((name, target),) = prepared.targets.items()
    (head,) = prepared.scorer.heads
    prepared.dataset.baselines = {
        name: ({head.name: target.transform(shaped(predicted - forecasts))[validation_rows]}, message)
        for name, predicted, message in (
            ("last_value", _last_values(forecast.outputs, lookback, len(windows), horizon), "the value before"),
            ("linear", forecasts, forecast.choice.method),
        )
    }
    final_linear = linear
    if selection.refit and windows.size * 4 <= _MAX_TWICE_BYTES:
        # The final fit corrects a linear forecast of all rows: its targets follow the targets of the search.
        final_linear = forecast.linear(linear.choice)
        residuals = target.transform(shaped(future - final_linear.predict(windows)))
        dataset, n_rows = prepared.dataset, len(windows)
        dataset.inputs = {name: np.concatenate([array, array]) for name, array in dataset.inputs.items()}
        dataset.targets = {name: np.concatenate([array, residuals]) for name, array in dataset.targets.items()}
        dataset.final_rows = np.arange(n_rows, 2 * n_rows)
    prepared.as_served = functools.partial(
        _with_linear_forecast, head_name=name, forecasts=(linear, final_linear), deviation=target.deviation_
    )
    return prepared


def high_level(values):
    """Return the level of each column that is so high that its deviations are lost in float32, and 0 for the others.

    Args:
        values: The series, `(time, columns)`.
    """
    mean = np.clip(values.mean(axis=0), -MAX_FLOAT32, MAX_FLOAT32)
    # Exported models subtract the level in float32.
    return np.where(np.abs(mean) > _HIGH * values.std(axis=0), mean, 0.0).astype("float32").astype("float64")


def raise_level(prepared, level, outputs_level):
    """Let a search and its models take and forecast a series that is higher than the prepared one.

    Args:
        prepared: A `Prepared` of `prepare`.
        level: Number that was subtracted from each column of the series, `(channels,)`.
        outputs_level: Number that was subtracted from each target, `(targets,)`.
    """
    (encoder,), (target,) = prepared.encoders.values(), prepared.targets.values()
    (head,) = prepared.scorer.heads
    if level.any():
        encoder.raise_level(level)
    outputs_level = np.resize(outputs_level, target.n_outputs_)  # All targets of a step, then of the next step.
    target.mean_ = target.mean_ + outputs_level
    target.nonnegative_ &= outputs_level == 0  # At its level, a constant is 0.
    prepared.scorer.heads = [dataclasses.replace(head, truth=head.truth + outputs_level)]


def shaped(outputs):
    """Return targets `(n, targets)` as `(n,)` if there is one."""
    return outputs[:, 0] if outputs.shape[1] == 1 else outputs


def _with_linear_forecast(network, refitted=False, *, head_name, forecasts, deviation):
    """Return a network with the linear forecast that the network corrects.

    Args:
        network: The network.
        refitted: Whether the network was trained on all rows. Defaults to `False`.
        head_name: Name of the output of the network.
        forecasts: Tuple of the linear forecast of the training rows and the linear forecast of all rows.
        deviation: Unit of the output of the network in the unit of the forecast, `(m,)`.
    """
    return forecast_blocks.with_linear_forecast(network, head_name, forecasts[refitted], deviation)


def _last_values(outputs, lookback, n_windows, horizon):
    """Return the forecasts `(n_windows, horizon * targets)` that each step is like the last step of its window."""
    return np.tile(outputs[lookback - 1 : lookback - 1 + n_windows], horizon)
