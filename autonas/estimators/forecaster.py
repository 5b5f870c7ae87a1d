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
from autonas.data import autoregression, checks, interchange, linear_forecast, splits, steps, time_index
from autonas.data.fit_data import FitData
from autonas.estimators import arguments, auto_model
from autonas.estimators import plan as planning
from autonas.estimators.plan import Plan
from autonas.preparation import forecast_windows
from autonas.preparation.arrays import Prepared
from autonas.search_space import defaults
from autonas.search_space import inputs as inputs_module
from autonas.search_space.blocks import forecast as forecast_module

#: Maximum share of the time limit for the choice of the lookback.
_CHOICE_SHARE = 0.1


class TimeSeriesForecaster(auto_model.AutoModel):
    """Search a network that forecasts the next steps of a series from the last steps.

    A linear forecast is fitted first: an autoregression, which is averaged with Holt-Winters' exponential smoothing if
    the series is short. The networks correct its forecasts; the first candidate changes nothing. Outliers and shifts of
    the level are removed if this improves the forecasts of the last quarter of the series by a tenth. The fitted model
    removes them from new windows too. The scores then refer to the series without them.

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
        lookback: Number of steps before a forecast that are its input. Defaults to `None`: the number with the best
            linear forecast of the end of the series. The autoregression reads at most a fifth of the series, at most
            256 steps or a season and one step, and at most 2,048 values of all columns. The exponential smoothing of a
            short series may read more steps. The choice takes at most a tenth of `time_limit`: long lookbacks on many
            columns are skipped if there is no time.
        horizon: Number of steps to forecast. Defaults to 1.
        target: Name or index of the column to forecast, or a list of them. Defaults to `None`: all columns.
        **others: As in `AutoModel`, with these differences. `objective` defaults to the root mean squared error, for
            several targets to the loss, with equal weights of the targets. `loss` must be `"mse"`, `"mae"`, `"huber"`,
            `"log_cosh"`, or the object of Keras for one of them with its default `delta`, and defaults to the squared
            error. The validation set is the last windows. Costs include the linear forecast. `inputs`, `outputs`,
            `num_classes` and `class_weight` must be `None`.

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
        "step_": ({"name": str, "seconds": float}, None),
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
                values raise an error. Missing dates, or integers of an index, are filled by linear interpolation, with
                a warning.
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
        steps.check_columns(series, "series")
        attributes = self.__dict__
        learned = {name: attributes[name] for name in self.also_learned if name in attributes}
        try:
            return super().fit(series, y, callbacks=callbacks, epochs=epochs, batch_size=batch_size)
        except BaseException:
            # Attributes from the preparation of this fit don't suit the network of an earlier fit.
            for name in self.also_learned:
                attributes.pop(name, None)
            attributes.update(learned)
            raise

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
        return self.predictor_.encode(windows), {name: target.transform(forecast_windows.shaped(future))}

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
        return self._windows(steps.as_floats(x, "x")) if np.ndim(x) == 3 else self._values(x)[None]

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
        levels = forecast_windows.high_level(values), forecast_windows.high_level(outputs)
        values, outputs = values - levels[0], outputs - levels[1]
        choice = self._choose_linear_forecast(plan, values, outputs)
        self.lookback_ = choice.lookback
        needed = self.lookback_ + self.horizon + linear_forecast.FEWEST_WINDOWS - 1
        if len(values) < needed:
            raise ValueError(
                f"`series` must have at least {needed} steps for lookback={self.lookback_} and horizon={self.horizon}. "
                f"Received: {len(values)} steps"
            )
        self.naive_errors_ = np.abs(np.diff(outputs, axis=0)).mean(axis=0).tolist()
        forecast = forecast_windows.Forecast(values, outputs, self.target_columns_, int(self.horizon), choice)
        prepared = forecast_windows.prepare(forecast, functools.partial(self._with_graph, plan), plan.selection)
        forecast_windows.raise_level(prepared, *levels)
        return prepared

    def _choose_linear_forecast(self, plan: Plan, values: np.ndarray, outputs: np.ndarray) -> linear_forecast.Choice:
        """Return the settings of the linear forecast.

        A continued search keeps its settings: the clock might end the choice earlier the second time.
        """
        earlier = planning.earlier_fact(plan.request, "forecast") or {}
        if "linear" in earlier:
            return linear_forecast.Choice(**earlier["linear"])
        share = splits.validation_share(plan.selection.split, len(values))
        n_train = max(1, int((1 - share) * len(values)))
        return linear_forecast.choose(
            values,
            outputs,
            self.horizon,
            n_train=n_train,
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
            raise ValueError(
                "`loss` must be 'mse', 'mae', 'huber' or 'log_cosh', or the object of Keras for one of them with its "
                "default `delta`: it must depend on the error alone, and the unit is the target's deviation. "
                f"Received: loss={plan.task.loss!r:.100}"
            )
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
        values, self.columns_ = steps.read(series, "series")
        self.step_ = time_index.step_of(series)
        self.flat_ = np.ndim(series) == 1
        if y is None:
            columns = steps.target_columns(self.target, self.columns_, values.shape[1])
            self.target_columns_: list[int] | None = columns
            self.flat_ = self.flat_ or isinstance(self.target, (str, numbers.Integral))
            return values, values[:, columns]
        if self.target is not None:
            raise ValueError("`target` names columns of `series` to forecast, and must be None if `y` is given.")
        checks.check_same_rows(series, y)
        outputs, _ = steps.read(y, "y", series)
        self.target_columns_, self.flat_ = None, np.ndim(y) == 1
        return values, outputs

    def _values(self, x: Any) -> np.ndarray:
        return self._windows(self._read(x)[None])[0]

    def _read(self, x: Any) -> np.ndarray:
        """Return steps `(time, channels)` of the frequency of `fit`, with the columns in the order of `fit`."""
        values, columns = steps.read(x, "x")
        time_index.check_step(time_index.step_of(x), getattr(self, "step_", None))  # Earlier versions saved no step.
        if self.columns_ is None or columns is None or columns == self.columns_:
            return values
        missing = [name for name in self.columns_ if name not in columns]
        if missing:
            raise ValueError(f"`x` must have the columns of fit. Received: no column {missing[0]!r:.60}")
        return values[:, [columns.index(name) for name in self.columns_]]

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
        steps.check_complete(windows, "x")
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
        return target.numbers(self.predictor_.outputs(windows, type(self).__name__)[name])

    def _truth_and_forecasts(self, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        windows, future = self._windows_and_future(x, y)
        return future, self._outputs_of(windows)

    def _windows_and_future(self, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return all windows of a series `(n, lookback, channels)`, and the steps after them."""
        check_is_fitted(self, "predictor_")
        values = self._read(x)
        if (y is None) != (self.target_columns_ is not None):
            raise ValueError("`y` must be given if it was in fit, and only then.")
        outputs = values[:, self.target_columns_] if y is None else steps.read(y, "y", x)[0]
        windows, future = autoregression.windows_of(values, outputs, self.lookback_, self.horizon)
        return self._windows(windows), future

    def __sklearn_clone__(self) -> TimeSeriesForecaster:
        return type(self)(**{name: clone(value, safe=False) for name, value in self.get_params(deep=False).items()})


def _with_arguments_of_auto_model(constructor: Any) -> None:
    """Write the arguments of `AutoModel` into the signature of a constructor that takes them as `**others`, where
    scikit-learn looks for the names of parameters."""
    *own, _ = inspect.signature(constructor).parameters.values()
    others = inspect.signature(auto_model.AutoModel.__init__).parameters.values()
    own += [parameter.replace(kind=parameter.KEYWORD_ONLY) for parameter in others if parameter.name != "self"]
    constructor.__signature__ = inspect.Signature(own)


_with_arguments_of_auto_model(TimeSeriesForecaster.__init__)
