"""TimeSeriesForecaster: the next steps of a series."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import numbers
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_is_fitted

from autonas.arguments.checks import check_integer
from autonas.data import autoregression, checks, interchange, is_stream, linear_forecast, masks, splits, time_index
from autonas.data.fit_data import FitData
from autonas.estimators import arguments, auto_model
from autonas.estimators import plan as planning
from autonas.estimators.plan import Plan
from autonas.preparation import arrays
from autonas.preparation.arrays import Prepared
from autonas.search_space import defaults
from autonas.search_space import inputs as inputs_module
from autonas.search_space.blocks import forecast as forecast_module
from autonas.trials import folder

#: Maximum share of the time limit for the choice of the lookback.
_CHOICE_SHARE = 0.1
#: Maximum size of windows that are kept a second time for the final fit.
_MAX_TWICE_BYTES = 256 * 2**20


class TimeSeriesForecaster(auto_model.AutoModel):
    """Search a network that forecasts the next steps of a series from the last steps.

    A linear forecast is fitted first: an autoregression, which is averaged with Holt-Winters' exponential smoothing if
    the series is short. The networks correct its forecasts; the first candidate changes nothing.
    All windows of the series are rows, and the last windows are the validation set.

    Example:

    ```python
    import autonas
    import numpy as np

    sales = 100 + np.arange(120) + 20 * np.sin(np.arange(120) * np.pi / 6)
    model = autonas.TimeSeriesForecaster(horizon=12, max_trials=1, epochs=1, verbose=0).fit(sales)
    next_year = model.predict(sales)
    assert next_year.shape == (12,)
    ```

    A Series of pandas is forecast as a Series whose dates continue the dates of the Series, a DataFrame as a DataFrame.

    Args:
        lookback: Number of steps before a forecast that are its input. Defaults to `None`: the number, up to 256 or a
            season, and a fifth of the series, with the best linear forecast of the end of the series. The choice takes
            at most a tenth of `time_limit`: long lookbacks on many columns are skipped if there is no time.
        horizon: Number of steps to forecast. Defaults to 1.
        target: Name or index of the column to forecast, or a list of them. Defaults to `None`: all columns.
        **others: As in `AutoModel`, with these differences. `objective` defaults to the root mean squared error, for
            several targets to the loss, with equal weights of the targets. `loss` must depend on the error alone, such
            as `"mse"`, `"mae"` or `"huber"`, and defaults to the squared error. The validation set is the last windows.
            Costs include the linear forecast. `inputs`, `outputs`, `num_classes` and `class_weight` must be `None`.

    Attributes:
        lookback_: Number of steps before a forecast that are its input.
    """

    kind = "series"
    fixed_task = "regression"
    in_order = True
    also_learned = {
        "lookback_": int,
        "columns_": ([(str, int)], None),
        "target_columns_": ([int], None),
        "flat_": bool,
        "naive_errors_": [float],
    }

    def __init__(self, lookback: int | None = None, horizon: int = 1, *, target: Any = None, **others: Any) -> None:
        super().__init__(**others)
        self.lookback = lookback
        self.horizon = horizon
        self.target = target

    def fit(  # type: ignore[override]
        self,
        series: Any,
        y: Any = None,
        *,
        callbacks: Any = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        **unknown: Any,
    ) -> TimeSeriesForecaster:
        """Search on all windows of a series.

        Args:
            series: Numbers at equal distances in time: `(time,)`, `(time, channels)`, a Series or a DataFrame. Missing
                values raise an error. Missing dates are filled by linear interpolation, with a warning.
            y: Series to forecast, `(time,)` or `(time, targets)`, in the rows of `series`. The past of `y` is not an
                input. Defaults to `None`: the columns in `target`.
            callbacks: As in `AutoModel.fit`. Defaults to `None`.
            epochs: As in `AutoModel.fit`. Defaults to `None`.
            batch_size: As in `AutoModel.fit`. Defaults to `None`.
            **unknown: Always an error: other settings are arguments of the constructor.

        Returns:
            self.

        Raises:
            ValueError: If an argument is invalid, before anything is written or trained.
            TypeError: If an argument is unknown.
            SearchFailed: If no trial could be completed.
        """
        arguments.check_call(self, unknown)
        if isinstance(y, str):
            raise ValueError(
                f"`y` must be a series, not the name of a column. Received: y={y!r:.60}. Write "
                f"TimeSeriesForecaster(target={y!r:.60}).fit(series)."
            )
        return super().fit(series, y, callbacks=callbacks, epochs=epochs, batch_size=batch_size)

    def predict(self, x: Any) -> Any:
        """Forecast the steps after the end of a series, or after the end of each of several windows.

        Args:
            x: Series as in `fit` with at least `lookback_` steps, or windows `(n, steps, channels)` with at least as
                many steps.

        Returns:
            `(horizon,)`, or `(horizon, targets)` unless the series in `fit` or the target was one-dimensional; for
            windows `(n, horizon)` or `(n, horizon, targets)`. For a Series or DataFrame of pandas a Series, or a
            DataFrame of several targets, whose index continues the index of `x`.
        """
        check_is_fitted(self, "predictor_")
        forecasts = self._forecast(self._raw_rows(x))
        if isinstance(x, (pd.Series, pd.DataFrame)):
            return self._with_index(forecasts[0], x)
        return forecasts if np.ndim(x) == 3 else forecasts[0]

    def encode(self, x: Any, y: Any = None) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray] | None]:
        """Return all windows of a series, and the steps after them, as the Keras model `model_` takes them.

        Args:
            x: Series as in `fit` with at least `lookback_ + horizon` steps.
            y: Targets as in `fit`; required if `fit` had `y`.

        Returns:
            As in `AutoModel.encode`.
        """
        windows, future = self._windows_and_future(x, y)
        ((name, target),) = self.predictor_.targets.items()
        return self.predictor_.encode(windows), {name: target.transform(_shaped(future))}

    def evaluate(self, x: Any, y: Any = None) -> dict[str, float]:
        """Return the metrics of the forecasts from all windows of a series.

        Args:
            x: Series as in `fit` with at least `lookback_ + horizon` steps.
            y: Targets as in `fit`; required if `fit` had `y`.

        Returns:
            Dict from metric to float, with `"rmse"`, `"mae"` and `"mase"`: the mean absolute error, divided by the mean
            absolute error of the naive forecast in the series of `fit`, which repeats the last step.
        """
        truth, forecasts = self._truth_and_forecasts(x, y)
        ((_, task, names),) = self.scorer_metrics_
        scores = {name: self._metric(name, task)(truth, forecasts) for name in names}
        errors = np.abs(truth - forecasts).reshape(-1, len(self.naive_errors_)).mean(axis=0)
        naive = np.array(self.naive_errors_)
        scores["mase"] = float(np.mean(errors / naive)) if naive.all() else float("nan")
        return scores

    def score(self, x: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return R^2 of the forecasts from all windows of a series, the mean over steps and targets; see `evaluate`."""
        truth, forecasts = self._truth_and_forecasts(x, y)
        return float(r2_score(truth, forecasts, sample_weight=sample_weight))

    def _explained(self, x: Any, y: Any, scoring: Any) -> tuple[Any, Callable[[Any], float], list[Any] | None]:
        if scoring is not None:
            raise ValueError("`scoring` must be None for a TimeSeriesForecaster, whose forecasts are scored by R^2.")
        windows, future = self._windows_and_future(x, y)
        return windows, lambda rows: float(r2_score(future, self._outputs_of(rows))), self.columns_

    def _raw_rows(self, x: Any) -> Any:
        x = interchange.converted(x)
        windows = np.asarray(x) if not isinstance(x, pd.DataFrame) else x
        return self._windows(windows) if windows.ndim == 3 else self._values(x)[None]

    def make_export(self, strings: bool = True, float64: bool = True) -> keras.Model:
        """Return the model to export, from windows `(n, lookback_, channels)` to forecasts as of `predict`."""
        model = super().make_export(strings, float64)
        shape = (self.horizon,) if self.flat_ else (self.horizon, len(self.naive_errors_))
        return keras.Model(model.input, keras.layers.Reshape(shape, name="forecast")(model.output))

    # ------------------------------------------------------------------ preparation

    def _prepare(self, plan: Plan, data: FitData) -> Prepared:
        check_integer("horizon", self.horizon, 1, "a positive number of steps")
        if self.lookback is not None:
            check_integer("lookback", self.lookback, 1, "a positive number of steps")
        values, outputs = self._learn_columns(data.x, data.y)
        choice = self._choose_linear_forecast(values, outputs)
        self.lookback_ = choice.lookback
        needed = self.lookback_ + self.horizon + linear_forecast.MIN_WINDOWS - 1
        if len(values) < needed:
            raise ValueError(
                f"`series` must have at least {needed} steps for lookback={self.lookback_} and horizon={self.horizon}. "
                f"Received: {len(values)} steps"
            )
        self.naive_errors_ = np.abs(np.diff(outputs, axis=0)).mean(axis=0).tolist()
        windows, future = autoregression.windows_of(values, outputs, self.lookback_, self.horizon)
        train_rows, validation_rows = splits.train_validation_rows(
            future, "regression", plan.selection.split, in_order=True
        )
        # Drop the windows whose future overlaps with the future of the validation set.
        train_rows = train_rows[: max(1, len(train_rows) - self.horizon + 1)]
        n_steps = len(train_rows) + self.lookback_ + self.horizon - 1
        linear = linear_forecast.LinearForecast(self.target_columns_, choice)
        linear.fit(values[:n_steps], outputs[:n_steps], self.horizon)
        forecasts = linear.predict(windows)
        prepared = arrays.prepare(self._with_graph(plan, windows), FitData(windows, _shaped(future - forecasts)))
        prepared.dataset.train_rows = train_rows
        prepared.facts = {
            "forecast": {
                "lookback": self.lookback_,
                "horizon": self.horizon,
                "target": self.target_columns_,
                "linear": dataclasses.asdict(linear.choice),
            }
        }
        ((name, target),) = prepared.targets.items()
        (head,) = prepared.scorer.heads
        convert = head.to_metric
        prepared.scorer.heads = [
            dataclasses.replace(
                head, truth=future, to_metric=lambda outputs, rows: convert(outputs, rows) + forecasts[rows]
            )
        ]
        prepared.dataset.baselines = {
            name: ({head.name: target.transform(_shaped(predicted - forecasts))[validation_rows]}, message)
            for name, predicted, message in (
                ("last_value", _last_values(outputs, self.lookback_, len(windows), self.horizon), "the value before"),
                ("linear", forecasts, "autoregression and smoothing" if choice.weight else "autoregression"),
            )
        }
        final_linear = linear
        if plan.selection.refit and windows.size * 4 <= _MAX_TWICE_BYTES:
            # The final fit corrects a linear forecast of all rows: its targets follow the targets of the search.
            final_linear = linear_forecast.LinearForecast(self.target_columns_, linear.choice)
            final_linear.fit(values, outputs, self.horizon)
            residuals = target.transform(_shaped(future - final_linear.predict(windows)))
            dataset, n_rows = prepared.dataset, len(windows)
            dataset.inputs = {name: np.concatenate([array, array]) for name, array in dataset.inputs.items()}
            dataset.targets = {name: np.concatenate([array, residuals]) for name, array in dataset.targets.items()}
            dataset.final_rows = np.arange(n_rows, 2 * n_rows)
        prepared.as_served = functools.partial(
            _with_linear_forecast, head_name=name, forecasts=(linear, final_linear), deviation=target.deviation_
        )
        return prepared

    def _choose_linear_forecast(self, values: np.ndarray, outputs: np.ndarray) -> linear_forecast.Choice:
        """Return the settings of the linear forecast.

        A continued search keeps its settings: the clock might end the choice earlier the second time.
        """
        earlier = None if self.directory is None or self.overwrite else folder.earlier_header(self.directory)
        if earlier is not None and "linear" in earlier.get("forecast", {}):
            return linear_forecast.Choice(**earlier["forecast"]["linear"])
        n_train = max(1, int((1 - self.validation_split) * len(values)))
        return linear_forecast.choose(
            values[:n_train],
            outputs[:n_train],
            self.horizon,
            target_columns=self.target_columns_,
            lookback=None if self.lookback is None else int(self.lookback),
            seconds=None if self.time_limit is None else _CHOICE_SHARE * self.time_limit,
        )

    def _with_graph(self, plan: Plan, windows: Any) -> Plan:
        """Return the plan with the graph that corrects a linear forecast of windows."""
        node = inputs_module.TimeSeriesInput()
        scale = np.sqrt(np.square(windows - windows[:, -1:]).mean(axis=(0, 1)))
        space = plan.space.name or (defaults.SHARED_SPACE if plan.strategy.trains_supernet else None)
        block = forecast_module.ForecastBlock(np.where(scale > 1e-12, scale, 1.0).tolist(), space)
        head = forecast_module.ForecastHead(loss=plan.task.loss)
        if not head.scales_target():
            raise ValueError("`loss` must depend on the error alone, such as 'mse', 'mae' or 'huber'.")
        criteria = plan.criteria
        if criteria.objective is None and len(self.naive_errors_) > 1:
            criteria = dataclasses.replace(criteria, objective="val_loss")
        return dataclasses.replace(
            plan,
            task=dataclasses.replace(plan.task, loss=None),
            space=planning.Space(node, head(block(node)), None),
            criteria=criteria,
        )

    # ------------------------------------------------------------------ series

    def _learn_columns(self, series: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return series `(time, channels)` and targets `(time, targets)`, and learn the names of their columns."""
        values, self.columns_ = _read(series, "series")
        self.flat_ = np.ndim(series) == 1
        if y is None:
            columns = _target_columns(self.target, self.columns_, values.shape[1])
            self.target_columns_: list[int] | None = columns
            self.flat_ = self.flat_ or isinstance(self.target, (str, numbers.Integral))
            return values, values[:, columns]
        if self.target is not None:
            raise ValueError("`target` names columns of `series` to forecast, and must be None if `y` is given.")
        checks.check_same_rows(series, y)
        outputs, _ = _read(y, "y", series)
        self.target_columns_, self.flat_ = None, np.ndim(y) == 1
        return values, outputs

    def _values(self, x: Any) -> np.ndarray:
        values, columns = _read(x, "x")
        if self.columns_ is not None and columns is not None and columns != self.columns_:
            missing = [name for name in self.columns_ if name not in columns]
            if missing:
                raise ValueError(f"`x` must have the columns of fit. Received: no column {missing[0]!r:.60}")
            values = values[:, [columns.index(name) for name in self.columns_]]
        return self._windows(values[None])[0]

    def _windows(self, windows: np.ndarray) -> np.ndarray:
        """Return the last steps of windows `(n, steps, channels)`, after a check."""
        encoder: Any = next(iter(self.predictor_.encoders.values()))
        n_channels = encoder.raw_shape_[1]
        if windows.shape[2] != n_channels:
            raise ValueError(f"`x` must have {n_channels} channels as in fit. Received: {windows.shape[2]} channels")
        if windows.shape[1] < self.lookback_:
            raise ValueError(
                f"`x` must have at least lookback = {self.lookback_} steps. Received: {windows.shape[1]} steps"
            )
        _check_complete(windows, "x")
        return windows[:, -self.lookback_ :]

    def _forecast(self, windows: np.ndarray) -> np.ndarray:
        outputs = self._outputs_of(windows)
        return outputs if self.flat_ else outputs.reshape(len(windows), self.horizon, -1)

    def _with_index(self, forecasts: np.ndarray, x: Any) -> Any:
        """Return the forecasts after a Series or DataFrame with their index and the names of the targets."""
        index = time_index.following(x.index, self.horizon)
        names = None
        if self.target_columns_ is not None and self.columns_ is not None:
            names = [self.columns_[column] for column in self.target_columns_]
        if forecasts.ndim == 2:
            return pd.DataFrame(forecasts, index, names)
        return pd.Series(forecasts, index, name=names[0] if names else getattr(x, "name", None))

    def _outputs_of(self, windows: np.ndarray) -> np.ndarray:
        """Return the forecasts `(n, horizon * targets)`."""
        ((name, target),) = self.predictor_.targets.items()
        outputs = self.predictor_.outputs(windows, type(self).__name__)[name]
        return outputs.astype("float64") * target.deviation_ + target.mean_

    def _truth_and_forecasts(self, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        windows, future = self._windows_and_future(x, y)
        return future, self._outputs_of(windows)

    def _windows_and_future(self, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return all windows of a series `(n, lookback, channels)`, and the steps after them."""
        check_is_fitted(self, "predictor_")
        values, columns = _read(x, "x")
        if (y is None) != (self.target_columns_ is not None):
            raise ValueError("`y` must be given if it was in fit, and only then.")
        if self.columns_ is not None and columns is not None:
            values = values[:, [columns.index(name) for name in self.columns_]]
        outputs = values[:, self.target_columns_] if y is None else _read(y, "y", x)[0]
        windows, future = autoregression.windows_of(values, outputs, self.lookback_, self.horizon)
        return self._windows(windows), future

    def __sklearn_clone__(self) -> TimeSeriesForecaster:
        return type(self)(**{name: clone(value, safe=False) for name, value in self.get_params(deep=False).items()})


def _with_linear_forecast(
    network: keras.Model, refitted: bool = False, *, head_name: str, forecasts: tuple[Any, Any], deviation: np.ndarray
) -> keras.Model:
    """Return a network with the linear forecast that the network corrects.

    Args:
        network: The network.
        refitted: Whether the network was trained on all rows. Defaults to `False`.
        head_name: Name of the output of the network.
        forecasts: Tuple of the linear forecast of the training rows and the linear forecast of all rows.
        deviation: Unit of the output of the network in the unit of the forecast, `(m,)`.
    """
    return forecast_module.with_linear_forecast(network, head_name, forecasts[refitted], deviation)


def _last_values(outputs: np.ndarray, lookback: int, n_windows: int, horizon: int) -> np.ndarray:
    """Return the forecasts `(n_windows, horizon * targets)` that each step is like the last step of its window."""
    return np.tile(outputs[lookback - 1 : lookback - 1 + n_windows], horizon)


def _with_arguments_of_auto_model(constructor: Any) -> None:
    """Write the arguments of `AutoModel` into the signature of a constructor that takes them as `**others`, where
    scikit-learn looks for the names of parameters."""
    *own, _ = inspect.signature(constructor).parameters.values()
    others = inspect.signature(auto_model.AutoModel.__init__).parameters.values()
    own += [parameter.replace(kind=parameter.KEYWORD_ONLY) for parameter in others if parameter.name != "self"]
    constructor.__signature__ = inspect.Signature(own)


_with_arguments_of_auto_model(TimeSeriesForecaster.__init__)


def _shaped(outputs: np.ndarray) -> np.ndarray:
    return outputs[:, 0] if outputs.shape[1] == 1 else outputs


def _read(series: Any, name: str, dated: Any = None) -> tuple[np.ndarray, list[Any] | None]:
    """Return a series as `(time, channels)` of float64, and the names of its columns or `None`.

    Args:
        series: The series.
        name: Name of the argument for messages.
        dated: The series with the dates of these rows, or `None` if `series` has its own.
    """
    series = interchange.converted(series)
    if is_stream(series):
        raise ValueError(f"`{name}` must be an array, a Series or a DataFrame. Received: a tf.data.Dataset")
    columns = None
    if isinstance(series, pd.DataFrame):
        columns = list(series.columns)
        wrong = [column for column in columns if not pd.api.types.is_numeric_dtype(series[column])]
        if wrong:
            raise ValueError(
                f"`{name}` must hold numbers only. Received: column {wrong[0]!r:.60} of other values. Drop it; dates "
                f"may be the index: `{name}.set_index({wrong[0]!r:.60})`."
            )
    try:
        values = np.asarray(masks.with_missing(series), dtype="float64")
    except (TypeError, ValueError):
        raise ValueError(f"`{name}` must hold numbers only. Received: {checks.describe(series)}") from None
    if values.ndim not in (1, 2) or 0 in values.shape:
        raise ValueError(f"`{name}` must have shape (time,) or (time, channels). Received: shape {values.shape}")
    _check_complete(values, name)
    values, dated = values.reshape(len(values), -1), series if dated is None else dated
    if isinstance(dated, (pd.Series, pd.DataFrame)):
        values = time_index.filled(values, dated.index, name)
    return values, columns


def _check_complete(values: np.ndarray, name: str) -> None:
    bad = ~np.isfinite(values)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"`{name}` has {int(bad.sum())} NaN or infinite values, the first at index "
            f"{first[0] if len(first) == 1 else first}. Fill them first, for example by pandas' interpolate()."
        )


def _target_columns(target: Any, columns: list[Any] | None, n_channels: int) -> list[int]:
    """Return the indices of the columns to forecast."""
    if target is None:
        return list(range(n_channels))
    wanted = list(target) if isinstance(target, (list, tuple, np.ndarray)) else [target]
    indices = []
    for column in wanted:
        if columns is not None and column in columns:
            indices.append(columns.index(column))
        elif isinstance(column, numbers.Integral) and -n_channels <= int(column) < n_channels:
            indices.append(int(column) % n_channels)
        else:
            known = "none has a name" if columns is None else checks.name_labels(columns)
            raise ValueError(
                f"`target` must name a column of `series` ({known}) or be its index. Received: {column!r:.60}"
            )
    if not indices:
        raise ValueError("`target` must name at least one column. Received: none")
    return indices
