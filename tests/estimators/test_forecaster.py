"""Forecasts of the next steps of series."""

import pickle
import sys
import warnings

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import root_mean_squared_error

import autonas
from autonas.data import linear_forecast
from autonas.data.autoregression import Autoregression, windows_of
from autonas.data.fit_data import FitData
from autonas.estimators.plan import make_plan
from autonas.evaluation import baselines
from tests.helpers.leaderboards import board
from tests.helpers.series import wave


@pytest.fixture
def arguments(tmp_path):
    return {"max_trials": 1, "epochs": 2, "seed": 0, "verbose": 0, "directory": tmp_path / "run", "tensorboard": False}


def test_a_short_seasonal_series_is_forecast_better_than_by_its_last_season(arguments):
    """Five years of months, whose season a regression on a fifth of them as lookback can't see."""
    generator = np.random.default_rng(0)
    months = np.arange(84)
    season = np.tile(generator.normal(size=12), 7)
    series = 200 + months + 30 * season + 3 * generator.normal(size=84)
    model = autonas.TimeSeriesForecaster(horizon=12, **arguments).fit(series[:60])
    assert model.lookback_ > 12
    truth = np.stack([series[end : end + 12] for end in range(60, 73)])
    forecasts = np.stack([model.predict(series[:end]) for end in range(60, 73)])
    last_seasons = np.stack([series[end - 12 : end] for end in range(60, 73)])
    assert root_mean_squared_error(truth, forecasts) < 0.8 * root_mean_squared_error(truth, last_seasons)


def test_a_network_shares_the_forecast_of_a_short_series_with_the_linear_forecast(arguments):
    """Twelve windows are validated, whose errors overlap: as much as two independent ones."""
    arguments |= {"max_trials": 3, "time_limit": 60, "refit": False}
    series = wave(70, noise=2.0)
    model = autonas.TimeSeriesForecaster(horizon=6, **arguments).fit(series)
    trials = model.leaderboard()
    (linear,) = trials[(trials.stage == "search") & (trials.parameters == 0)].trial_id
    weights = dict(model.ensemble_)
    assert 0.45 < weights[linear] < 1
    forecasts = {trial: model.model_of(trial).predict(series) for trial in weights}
    expected = sum(weight * forecasts[trial] for trial, weight in weights.items())
    np.testing.assert_allclose(model.predict(series), expected, rtol=1e-4)


def test_the_next_steps(arguments):
    series = wave()
    model = autonas.TimeSeriesForecaster(horizon=6, **arguments).fit(series[:200])
    assert model.predict(series[:200]).shape == (6,)
    for end in (200, 220):
        np.testing.assert_allclose(model.predict(series[:end]), series[end : end + 6], atol=1.0)
    scores = model.evaluate(series[180:])
    assert scores["rmse"] < 0.5 and scores["mase"] < 0.2 and model.score(series[180:]) > 0.95
    naive = np.abs(np.diff(series[:200])).mean()
    assert scores["mase"] == pytest.approx(scores["mae"] / naive)
    windows = np.stack([series[100 : 100 + model.lookback_], series[50 : 50 + model.lookback_]])[..., None]
    np.testing.assert_allclose(model.predict(windows)[1], series[50 + model.lookback_ :][:6], atol=1.0)
    board = model.leaderboard()
    assert board["stage"].tolist() == ["final", "search", "baseline", "baseline"]


def test_the_baselines_are_the_last_value_and_the_autoregression(arguments):
    series = wave(600)
    model = autonas.TimeSeriesForecaster(horizon=3, lookback=12, **arguments)
    data = FitData(series)
    prepared = model._prepare(make_plan(model, data), data)
    found = baselines.baselines(prepared.graph, prepared.dataset, prepared.scorer, prepared.goal.main)
    starts = prepared.dataset.validation_rows
    truth = np.stack([series[start + 12 : start + 15] for start in starts])
    last = np.repeat(series[starts + 11, None], 3, axis=1)
    assert [baseline.name for baseline in found] == ["last_value", "linear"]
    assert found[0].scores["val_rmse"] == pytest.approx(root_mean_squared_error(truth, last), rel=1e-5)
    windows, _ = windows_of(series[:, None], series[:, None], 12, 3)
    training = series[: len(prepared.dataset.train_rows) + 12 + 3 - 1, None]
    linear = Autoregression([0]).fit(training, training, 12, 3).predict(windows[starts])
    assert found[1].scores["val_rmse"] == pytest.approx(root_mean_squared_error(truth, linear), rel=1e-4)


def test_the_first_candidate_is_the_linear_forecast(arguments):
    model = autonas.TimeSeriesForecaster(horizon=3, **arguments).fit(wave())
    first, baseline = (
        next(record for record in model.records_ if record["trial_id"] == name) for name in ("0000", "linear")
    )
    assert [value for name, value in first["values"].items() if name.endswith("/kind")] == ["linear"]
    assert first["score"] == pytest.approx(baseline["score"], rel=0.02) and first["epochs"] == 1
    assert not model.model_.trainable_variables


def test_scores_are_of_the_forecasts_not_of_the_correction(arguments):
    series = wave()
    options = arguments | {"metrics": ["r2"], "refit": False}
    model = autonas.TimeSeriesForecaster(12, **options).fit(series)
    n_windows = 240 - 12
    validation = series[-round(n_windows * 0.2) - 12 :]
    assert model.best_score_ == pytest.approx(model.evaluate(validation)["rmse"], rel=1e-3)
    assert model.score(validation) > 0.9
    assert model.leaderboard()["val_r2"][0] == pytest.approx(model.score(validation), abs=1e-3)


def test_networks_correct_what_is_not_linear(arguments):
    series = np.zeros(1200)
    generator = np.random.default_rng(0)
    for step in range(1, 1200):
        series[step] = np.sin(3 * series[step - 1]) + 0.05 * generator.normal()
    model = autonas.TimeSeriesForecaster(2, **arguments | {"max_trials": 2, "epochs": 20}).fit(series[:1000])
    windows, future = windows_of(series[:, None], series[:, None], 2, 1)
    linear = Autoregression([0]).fit(series[:1002, None], series[:1002, None], 2, 1).predict(windows[998:])
    assert model.evaluate(series[998:])["rmse"] < 0.5 * np.sqrt(np.mean((linear - future[998:]) ** 2))


def test_columns(arguments):
    frame = pd.DataFrame({"a": wave(), "b": 100 - wave(), "c": np.arange(240.0)})
    everything = autonas.TimeSeriesForecaster(13, 2, **arguments).fit(frame)
    assert everything.predict(frame).shape == (2, 3)
    np.testing.assert_allclose(everything.predict(frame[["c", "b", "a"]]), everything.predict(frame))
    np.testing.assert_allclose(everything.predict(frame)["c"], [240, 241], atol=2)
    options = arguments | {"overwrite": True}
    for target, shape in (("b", (2,)), (1, (2,)), (["c", "a"], (2, 2))):
        model = autonas.TimeSeriesForecaster(13, 2, target=target, **options).fit(frame)
        assert model.predict(frame).shape == shape
    np.testing.assert_allclose(model.predict(frame).iloc[:, 0], [240, 241], atol=2)
    assert model.predict(frame.to_numpy().reshape(2, 120, 3)).shape == (2, 2, 2)


def test_a_series_is_forecast_as_a_series_with_the_dates_that_follow(arguments):
    dates = pd.date_range("2010-01-31", periods=240, freq="ME")
    sales = pd.Series(wave(), dates, name="sales")
    model = autonas.TimeSeriesForecaster(12, 2, **arguments).fit(sales)
    forecasts = model.predict(sales)
    assert forecasts.name == "sales"
    assert forecasts.index.strftime("%Y-%m-%d").tolist() == ["2030-01-31", "2030-02-28"]
    np.testing.assert_array_equal(forecasts, model.predict(sales.to_numpy()))


def test_missing_dates_are_interpolated(arguments):
    sales = pd.Series(np.arange(240.0), pd.date_range("2010-01-31", periods=240, freq="ME"))
    model = autonas.TimeSeriesForecaster(12, 2, **arguments)
    with pytest.warns(UserWarning, match="`series` lacks 2 steps of frequency 'ME', the first at 2010-04-30"):
        model.fit(sales.drop(sales.index[3:5]))
    recent = sales[-13:]
    with pytest.warns(UserWarning, match="`x` lacks 1 step of frequency 'ME'"):
        forecasts = model.predict(recent.drop(recent.index[2]))
    np.testing.assert_allclose(forecasts, model.predict(recent), rtol=1e-6)
    # The targets have the dates of the series.
    options = arguments | {"overwrite": True}
    with pytest.warns(UserWarning, match="lacks 2 steps"):
        apart = autonas.TimeSeriesForecaster(12, **options).fit(
            sales.drop(sales.index[3:5]), np.delete(np.arange(240.0) + 7, [3, 4])
        )
    np.testing.assert_allclose(apart.predict(sales), [247], atol=1)


def test_targets_apart_from_the_series(arguments):
    series = np.random.default_rng(0).normal(size=(300, 2))
    target = np.r_[0, 3 * series[:-1, 0] - series[:-1, 1]] + 7
    model = autonas.TimeSeriesForecaster(2, **arguments).fit(series, target)
    assert model.predict(series).shape == (1,)
    assert model.predict(series)[0] == pytest.approx(3 * series[-1, 0] - series[-1, 1] + 7, abs=0.3)
    assert model.score(series, target) > 0.98
    with pytest.raises(ValueError, match="`y` must be given"):
        model.score(series)


def test_saved_pickled_cloned_and_exported(arguments, tmp_path, run_elsewhere):
    frame = pd.DataFrame({"a": wave(), "b": 100 - wave()})
    model = autonas.TimeSeriesForecaster(6, 3, target="b", **arguments).fit(frame)
    expected = model.predict(frame)
    for again in (autonas.AutoModel.load(f"{model.directory_}/model"), pickle.loads(pickle.dumps(model))):
        np.testing.assert_allclose(again.predict(frame), expected, rtol=1e-6)
        assert again.evaluate(frame) == pytest.approx(model.evaluate(frame))
    assert clone(model).get_params() == model.get_params()
    model.export_model().save(tmp_path / "model.keras")
    np.save(tmp_path / "window.npy", frame.to_numpy()[None, -6:])
    code = (
        "import sys, keras, numpy as np\n"
        "outputs = keras.models.load_model('model.keras').predict(np.load('window.npy'), verbose=0)\n"
        "assert 'autonas' not in sys.modules\nnp.save('forecast.npy', outputs)"
    )
    assert run_elsewhere([sys.executable, "-c", code], cwd=tmp_path).returncode == 0
    np.testing.assert_allclose(np.load(tmp_path / "forecast.npy")[0], expected, rtol=1e-5)


def test_a_constant_series(arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("error", autonas.BaselineWarning)  # Nothing is better than a perfect forecast.
        model = autonas.TimeSeriesForecaster(horizon=2, **arguments).fit(np.full(60, 7.0))
    np.testing.assert_allclose(model.predict(np.full(60, 7.0)), [7, 7], atol=1e-3)
    assert np.isnan(model.evaluate(np.full(60, 7.0))["mase"])


def test_forecasts_are_as_good_at_a_level_whose_deviations_float32_loses(arguments, tmp_path):
    series = np.sin(np.arange(240) / 3) * 10 + np.random.default_rng(0).normal(size=240)
    low = autonas.TimeSeriesForecaster(6, 3, **arguments).fit(series)
    options = arguments | {"directory": tmp_path / "high"}
    high = autonas.TimeSeriesForecaster(6, 3, **options).fit(series + 1e9)
    assert high.best_score_ == pytest.approx(low.best_score_)
    for model in (high, autonas.AutoModel.load(tmp_path / "high" / "model")):
        np.testing.assert_allclose(model.predict(series + 1e9) - 1e9, low.predict(series), rtol=1e-5)
        assert model.evaluate(series + 1e9) == pytest.approx(low.evaluate(series), rel=1e-5)
        assert model.score(series + 1e9) == pytest.approx(low.score(series), rel=1e-5)
    for encoded, expected in zip(high.encode(series + 1e9), low.encode(series), strict=True):
        for name in expected:
            np.testing.assert_allclose(encoded[name] - encoded[name][0], expected[name] - expected[name][0], atol=1e-4)
    # Exports take and return float32, whose resolution is 64 here, and are compared with the model.
    high.export(tmp_path / "high.keras")


def test_a_column_of_a_high_level_is_apart_from_the_others(arguments):
    frame = pd.DataFrame({"high": 1e9 + wave(), "low": wave()})
    model = autonas.TimeSeriesForecaster(6, 2, **arguments).fit(frame)
    np.testing.assert_allclose(model.predict(frame)["high"] - 1e9, model.predict(frame)["low"], atol=1e-3)


def test_six_years_are_forecast_from_fourteen(arguments):
    model = autonas.TimeSeriesForecaster(horizon=6, **arguments).fit(np.arange(14.0))
    np.testing.assert_allclose(model.predict(np.arange(14.0)), np.arange(14, 20), atol=1.5)


def test_bad_input_is_refused_in_one_line_before_anything_is_written(arguments, tmp_path):
    series = wave()
    gap = series.copy()
    gap[[5, 9]] = np.nan
    frame = pd.DataFrame({"a": series, "b": ["x"] * 240})
    for options, data, message in (
        ({}, (series[:5],), "`series` must have at least 6 steps for lookback=1 and horizon=1. Received: 5"),
        ({"lookback": 239}, (series,), "at least 244 steps for lookback=239 and horizon=1. Received: 240 steps"),
        ({"lookback": 0}, (series,), "`lookback` must be a positive number of steps. Received: lookback=0"),
        ({"horizon": 1.5}, (series,), "`horizon` must be a positive number of steps"),
        ({}, (gap,), "`series` has 2 NaN or infinite values, the first at index 5"),
        ({}, (frame,), "column 'b' of other values"),
        ({}, (series.reshape(10, 12, 2),), "must have shape"),
        ({}, (iter(series),), "`series` must be an array, a Series or a DataFrame. Received: iterator"),
        ({}, (series, series[:9]), "as many rows"),
        ({"target": "z"}, (frame[["a"]],), "`target` must name a column"),
        ({"target": "a"}, (frame[["a"]], series), "must be None if `y` is given"),
        ({"loss": keras.losses.Huber(delta=3.0)}, (series,), "`loss` must be .* with its default `delta`"),
        ({"loss": "mape"}, (series,), "`loss` must be 'mse', 'mae', 'huber' or 'log_cosh'"),
    ):
        with pytest.raises(ValueError, match=message) as error:
            autonas.TimeSeriesForecaster(**arguments | options).fit(*data)
        assert "\n" not in str(error.value) and len(str(error.value)) < 300
    assert not (tmp_path / "run").exists()
    model = autonas.TimeSeriesForecaster(5, **arguments).fit(frame[["a"]])
    for x, message in (
        (series[:4], "at least lookback = 5 steps. Received: 4"),
        (gap[:12], "NaN"),
        (np.ones((9, 2)), "1 channels as in fit. Received: 2"),
        (pd.DataFrame({"z": series}), "no column 'a'"),
    ):
        with pytest.raises(ValueError, match=message):
            model.predict(x)
    with pytest.raises(ValueError, match="holds a search of something else"):
        autonas.TimeSeriesForecaster(5, 2, **arguments).fit(frame[["a"]])


def test_trials_in_a_worker_process_and_short_trainings(arguments, tmp_path):
    series = wave(120, noise=1.0)
    arguments |= {"max_trials": 3, "epochs": 9, "fidelity": "successive_halving", "strategy": "random"}
    inline = autonas.TimeSeriesForecaster(**arguments).fit(series)
    process = autonas.TimeSeriesForecaster(**{**arguments, "directory": tmp_path / "b"}, executor="process").fit(series)
    assert inline.leaderboard()["tuner/rung"].max() == 2
    assert board(process).equals(board(inline))
    np.testing.assert_array_equal(process.predict(series), inline.predict(series))


def days_of_rain(n_steps=200):
    time = np.arange(n_steps)
    return np.maximum(10 * np.sin(time / 2) + 5 * np.random.default_rng(0).normal(size=n_steps), 0.0)


def test_forecasts_of_a_series_with_a_mass_of_zeros_are_not_negative(arguments, tmp_path):
    series = days_of_rain()
    model = autonas.TimeSeriesForecaster(horizon=3, **arguments).fit(series)
    windows = np.stack([series[end - model.lookback_ : end] for end in range(100, 190)])[..., None]
    predicted = model.predict(windows)
    assert (predicted == 0).sum() > 20 and (predicted < 0).sum() == 0
    truth = np.stack([series[end : end + 3] for end in range(model.lookback_, 198)])
    own = model.predict(
        np.stack([series[end - model.lookback_ : end] for end in range(model.lookback_, 198)])[..., None]
    )
    scores = model.evaluate(series)
    assert scores["mae"] == pytest.approx(np.abs(own - truth).mean())
    (validation,) = model.validation_predictions_
    assert validation.outputs.min() == 0
    assert model.best_score_ == pytest.approx(
        np.sqrt(np.square(validation.outputs - validation.truth).mean(axis=0)).mean(), rel=1e-4
    )
    assert model.export(tmp_path / "model.keras").difference < 1e-4
    process = autonas.TimeSeriesForecaster(
        **{**arguments, "directory": tmp_path / "b"}, horizon=3, executor="process"
    ).fit(series)
    assert process.best_score_ == model.best_score_ and process.predict(series).min() >= 0


def test_only_a_series_that_is_bounded_itself_has_bounded_forecasts(arguments, tmp_path):
    """The errors of a constant series are all 0, and a series may be negative only before outliers are removed."""
    rain = days_of_rain()
    table = pd.DataFrame({"rain": rain, "balance": rain - 50.0, "constant": -1.0})
    model = autonas.TimeSeriesForecaster(lookback=5, **arguments).fit(table)
    forecasts = model.predict(table)
    assert forecasts.rain.min() >= 0 and forecasts.balance.max() < 0
    np.testing.assert_allclose(forecasts.constant, -1.0, rtol=1e-6)
    rain[20:24] = -5000.0
    arguments["directory"] = tmp_path / "b"
    model = autonas.TimeSeriesForecaster(lookback=5, **arguments).fit(rain)
    assert model.predict(rain[:24]).max() < -1000


def test_the_report_says_how_long_the_preparation_took(arguments, tmp_path):
    model = autonas.TimeSeriesForecaster(**arguments).fit(wave())
    assert model.search_["preparation"] > 0
    model.report(tmp_path / "report.html")
    assert "Preparation of the data: " in (tmp_path / "report.html").read_text()


def test_a_search_that_is_continued_keeps_its_lookback(arguments, monkeypatch):
    model = autonas.TimeSeriesForecaster(**arguments).fit(wave())
    monkeypatch.setattr(linear_forecast, "choose", lambda *_, **options: linear_forecast.Choice(2))
    again = autonas.TimeSeriesForecaster(**arguments).fit(wave())
    assert again.lookback_ == model.lookback_ > 2
    np.testing.assert_allclose(again.predict(wave()), model.predict(wave()))
    expected = again.predict(wave())
    assert again.set_params(directory=None).reopen(wave()).lookback_ == model.lookback_
    np.testing.assert_array_equal(again.predict(wave()), expected)


def test_a_fit_that_fails_changes_nothing(arguments, monkeypatch):
    model = autonas.TimeSeriesForecaster(horizon=3, lookback=12, **arguments).fit(wave(100))
    expected = model.predict(wave(100))

    def fail(*_):
        raise MemoryError

    monkeypatch.setattr("autonas.preparation.forecast_windows.prepare", fail)
    table = pd.DataFrame({"a": wave(100), "b": wave(100)})
    with pytest.raises(MemoryError):
        model.set_params(lookback=8, overwrite=True).fit(table)
    np.testing.assert_array_equal(model.predict(wave(100)), expected)


def test_a_forecast_without_a_correction_is_the_linear_forecast(arguments):
    """Also of smoothings, whose errors on the few years of a rising series have a mean."""
    series = 10 + 0.4 * np.arange(30) + np.random.default_rng(0).normal(size=30)
    model = autonas.TimeSeriesForecaster(horizon=3, **arguments).fit(series)
    scores = {record["trial_id"]: record["score"] for record in model.records_}
    assert scores["0000"] == pytest.approx(scores["linear"], rel=1e-4)
    choice = linear_forecast.choose(series[:, None], series[:, None], 3, n_train=24, target_columns=[0])
    assert choice.weight > 0 and choice.lookback == model.lookback_
    forecast = linear_forecast.LinearForecast([0], choice).fit(series[:, None], series[:, None], 3)
    expected = forecast.predict(series[None, -model.lookback_ :, None])[0]
    np.testing.assert_allclose(model.predict(series), expected, rtol=1e-4)


def test_a_model_removes_outliers_as_the_linear_forecast_does(arguments, tmp_path):
    series = wave(300)
    series[np.random.default_rng(1).choice(250, 6, replace=False)] += 1000
    model = autonas.TimeSeriesForecaster(horizon=12, **arguments).fit(series[:288])
    (linear,) = (record for record in model.records_ if record["trial_id"] == "linear")
    assert linear["score"] < 20
    assert np.abs(model.predict(series[:288]) - series[288:]).max() < 20
    model.save(tmp_path / "model")
    loaded = autonas.AutoModel.load(tmp_path / "model")
    series[287] += 1000
    assert np.abs(loaded.predict(series[:288]) - series[288:]).max() < 20


def test_numbers_of_numpy_are_lengths_that_a_saved_model_keeps(arguments, tmp_path):
    series = wave(80)
    model = autonas.TimeSeriesForecaster(lookback=np.int64(9), horizon=np.int64(2), **arguments).fit(series)
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(autonas.AutoModel.load(tmp_path / "model").predict(series), model.predict(series))


def test_windows_of_objects_are_numbers_and_masked_steps_are_missing(arguments):
    model = autonas.TimeSeriesForecaster(lookback=6, **arguments).fit(wave(80))
    windows = wave(12).reshape(2, 6, 1)
    np.testing.assert_array_equal(model.predict(windows.astype(object)), model.predict(windows))
    masked = np.ma.masked_array(windows, np.arange(12).reshape(2, 6, 1) == 8)
    missing = np.where(masked.mask, None, windows)
    for x in (missing, masked):
        with pytest.raises(ValueError, match=r"`x` has 1 NaN or infinite values, the first at index \(1, 2, 0\)"):
            model.predict(x)
    missing[1, 2, 0] = "none"
    with pytest.raises(ValueError, match="`x` must hold numbers only"):
        model.predict(missing)


def test_a_missing_column_is_named_by_every_method(arguments):
    frame = pd.DataFrame({"sales": wave(80), "visits": wave(80)})
    model = autonas.TimeSeriesForecaster(lookback=9, target="sales", **arguments).fit(frame)
    for method in (model.predict, model.evaluate, model.encode, model.score):
        with pytest.raises(ValueError, match="`x` must have the columns of fit. Received: no column 'visits'"):
            method(frame[["sales"]])


def test_another_frequency_than_in_fit_is_refused_by_every_method(arguments, tmp_path):
    series = pd.Series(wave(), pd.date_range("2026-01-01", periods=240, freq="D"))
    model = autonas.TimeSeriesForecaster(5, **arguments).fit(series)
    hourly = series.set_axis(pd.date_range("2026-01-01", periods=240, freq="h"))
    for model in (model, autonas.AutoModel.load(tmp_path / "run" / "model")):
        for method in (model.predict, model.evaluate, model.score, model.encode):
            with pytest.raises(ValueError, match="frequency of fit, 'D'. Received: dates of frequency 'h'"):
                method(hourly)
    del model.step_  # As a model of an earlier version.
    assert model.predict(hourly).index[0] == pd.Timestamp("2026-01-11")
