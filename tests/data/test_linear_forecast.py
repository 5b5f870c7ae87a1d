"""Choice of a linear forecast, and the forecast."""

import dataclasses

import keras
import numpy as np
import pytest
from sklearn.metrics import root_mean_squared_error

from autonas.data import jumps, linear_forecast
from autonas.data.autoregression import Autoregression, windows_of
from autonas.data.smoothing import Smoothing
from autonas.search_space.blocks import forecast as forecast_blocks
from tests.helpers.series import wave


def growing(length=96):
    """A season in proportion to a level that doubles in 3 years of months."""
    months = np.arange(length)
    noise = 0.02 * np.random.default_rng(0).normal(size=length)
    return np.exp(4 + months * np.log(2) / 36 + 0.4 * np.sin(months * np.pi / 6) + noise)[:, None]


def spoiled(length=300):
    """A season with outliers."""
    series = wave(length)[:, None].copy()
    series[np.random.default_rng(1).choice(length - 30, 6, replace=False)] += 1000
    return series


def test_a_linear_forecast_finds_a_linear_process():
    generator = np.random.default_rng(0)
    series = np.zeros((2000, 1))
    for step in range(2, 2000):
        series[step] = 5 + 1.2 * series[step - 1] - 0.5 * series[step - 2] + generator.normal()
    windows, future = windows_of(series, series, 2, 1)
    forecast = Autoregression([0]).fit(series, series, 2, 1)
    features = np.c_[windows[..., 0], np.ones(1998)]
    expected = features @ np.linalg.lstsq(features, future[:, 0], rcond=None)[0]
    np.testing.assert_allclose(forecast.predict(windows)[:, 0], expected, atol=0.02)
    assert linear_forecast.choose(series, series, 1, target_columns=[0]).lookback in (2, 3, 4)
    assert linear_forecast.choose(wave()[:, None], wave()[:, None], 1, target_columns=[0]).lookback >= 8


@pytest.fixture
def clock(monkeypatch):
    """Seconds, in a list, that go on by the operations of a fit: 1 s for a lookback of 1, 4 s for 13, 96 s for 48.

    Series of 600 steps are long.
    """
    now, fit = [0.0], Autoregression.fit

    def slow(forecast, series, outputs, lookback, horizon):
        now[0] += (600 * (20 + 2 * lookback) + 10 * lookback**3) / (600 * 22 + 10)
        return fit(forecast, series, outputs, lookback, horizon)

    monkeypatch.setattr(linear_forecast.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(Autoregression, "fit", slow)
    monkeypatch.setattr(linear_forecast, "_SHORT", 400)
    return now


def test_the_choice_of_a_lookback_ends_in_its_time(clock):
    series = wave(600)[:, None]
    for seconds, least in ((0, 1), (40, 10)):
        clock[0] = 0.0
        linear_forecast.choose(series, series, 1, target_columns=[0], seconds=seconds)
        assert least <= clock[0] <= max(1, seconds)
    clock[0] = 0.0
    assert linear_forecast.choose(series, series, 1, target_columns=[0]).lookback >= 8 and clock[0] > 100


def test_in_a_short_time_lookbacks_of_the_season_come_first(clock):
    steps = np.arange(600)
    series = (np.sin(steps * np.pi / 12) + 0.1 * np.random.default_rng(0).normal(size=600))[:, None]
    # A fit of 25 steps takes 15 s; with the shorter lookbacks, it would take 49 s.
    assert linear_forecast.choose(series, series, 1, target_columns=[0], seconds=17).lookback == 25
    assert clock[0] < 17.5


def test_numbers_and_their_logarithms_share_the_time(clock):
    series, spent = wave(300)[:, None], []
    for low, seconds in ((-1.0, 40), (1.0, 80)):  # Only positive numbers have logarithms.
        clock[0] = 0.0
        shifted = series - series.min() + low
        linear_forecast.choose(shifted, shifted, 1, target_columns=[0], seconds=seconds)
        spent.append(clock[0])
    assert 0 < spent[0] <= 40 and spent[1] == pytest.approx(2 * spent[0])


def test_a_given_lookback_is_that_of_both_parts_of_a_linear_forecast():
    series = wave(100, noise=5.0)[:, None]
    choice = linear_forecast.choose(series, series, 12, target_columns=[0], lookback=15)
    assert (choice.autoregressed, choice.smoothed, choice.lookback) == (15, 15, 15) and 0 < choice.weight < 1
    forecast = linear_forecast.LinearForecast([0], choice).fit(series, series, 12)
    windows, _ = windows_of(series, series, 15, 12)
    members = [Autoregression([0], forecast.choice.alpha), Smoothing([0], choice.season)]
    autoregressed, smoothed = (member.fit(series, series, 15, 12).predict(windows) for member in members)
    expected = (1 - choice.weight) * autoregressed + choice.weight * smoothed
    np.testing.assert_allclose(forecast.predict(windows), expected)


def test_the_lookback_holds_a_long_season():
    """A week of half hours, whose days differ."""
    generator = np.random.default_rng(0)
    week = generator.normal(size=336) + np.tile(10 * np.sin(np.arange(48) * np.pi / 24), 7)
    series = (np.tile(week, 9) + 0.1 * generator.normal(size=9 * 336))[:, None]
    choice = linear_forecast.choose(series, series, 48, target_columns=[0])
    assert choice.lookback == 337
    training = series[: 8 * 336]
    forecast = linear_forecast.LinearForecast([0], choice).fit(training, training, 48)
    windows, future = windows_of(series[-336 - 337 :], series[-336 - 337 :], 337, 48)
    assert root_mean_squared_error(future, forecast.predict(windows)) < 0.3


def test_a_season_in_proportion_to_the_level_is_forecast_by_logarithms():
    series = growing()
    choice = linear_forecast.choose(series, series, 12, n_train=72, target_columns=[0])
    assert choice.season == 12 and choice.bounds is not None
    errors = {}
    for bounds in (None, choice.bounds):
        chosen = linear_forecast.Choice(choice.autoregressed, None, choice.smoothed, 12, choice.weight, bounds)
        forecast = linear_forecast.LinearForecast([0], chosen).fit(series[:84], series[:84], 12)
        windows = series[None, 84 - chosen.lookback : 84]
        errors[bounds] = root_mean_squared_error(series[84:, 0], forecast.predict(windows)[0])
    assert errors[choice.bounds] < 0.5 * errors[None]
    # A constant season, numbers that aren't positive, and no season at all are forecast as they are.
    walk = np.random.default_rng(0).normal(size=(96, 1)).cumsum(axis=0)
    for other in (wave(96)[:, None] - 480, growing() - growing().mean(), np.exp(walk / 10)):
        assert linear_forecast.choose(other, other, 12, n_train=72, target_columns=[0]).bounds is None


def test_forty_years_of_months_are_forecast_no_worse_than_thirty():
    """Noisy seasons in proportion to a level that drifts: the years before the last ones tell nothing new."""
    generator = np.random.default_rng(0)
    steps = np.arange(540)
    season = np.tile(generator.normal(0, 0.2, 12), 45)
    level = (0.004 * steps)[:, None] + generator.normal(0, 0.02, (540, 3)).cumsum(axis=0)
    series = np.exp(level + season[:, None] + generator.normal(0, 0.05, (540, 3)))
    errors = []
    for first in (120, 0):
        training = series[first:480]
        choice = linear_forecast.choose(training, training, 12, n_train=300, target_columns=[0, 1, 2])
        assert choice.season == 12 and choice.weight > 0.5 and choice.bounds is not None
        forecast = linear_forecast.LinearForecast([0, 1, 2], choice).fit(training, training, 12)
        following = series[480 - choice.lookback :]
        windows, future = windows_of(following, following, choice.lookback, 12)
        errors.append(root_mean_squared_error(future, forecast.predict(windows)))
    assert errors[1] < 1.05 * errors[0]


def test_outliers_are_removed_from_the_fit_and_from_the_windows():
    series, clean = spoiled(), wave(300)[:, None]
    choice = linear_forecast.choose(series[:270], series[:270], 12, n_train=216, target_columns=[0])
    assert choice.limits is not None and choice.method.endswith("without jumps")
    errors = {}
    for limits in (None, choice.limits):
        kept = dataclasses.replace(choice, alpha=None, limits=limits)
        forecast = linear_forecast.LinearForecast([0], kept).fit(series[:270], series[:270], 12)
        windows, _ = windows_of(series[:282], series[:282], kept.lookback, 12)
        _, future = windows_of(clean[:282], clean[:282], kept.lookback, 12)
        errors[limits is None] = root_mean_squared_error(future, forecast.predict(windows))
    assert errors[False] < 0.2 * errors[True]


@pytest.mark.parametrize("seed", range(3))
def test_a_shift_of_the_level_is_no_season_and_no_change_to_come(seed):
    steps = np.arange(400)
    noise = np.random.default_rng(seed).normal(size=400)
    series = (50 + 5 * np.sin(steps * np.pi / 6) + 80 * (steps > 350) + noise)[:, None]
    choice = linear_forecast.choose(series[:388], series[:388], 12, n_train=310, target_columns=[0])
    assert choice.limits is not None and choice.season in (1, 12, 24)
    forecast = linear_forecast.LinearForecast([0], choice).fit(series[:388], series[:388], 12)
    errors = forecast.predict(series[None, 388 - choice.lookback : 388])[0] - series[388:, 0]
    assert np.sqrt(np.square(errors).mean()) < 2.5


def test_jumps_that_can_be_forecast_are_kept():
    series = wave(600)[:, None].copy()
    series[::50] += 1000
    assert jumps.largest_changes(series) is not None
    assert linear_forecast.choose(series, series, 5, n_train=480, target_columns=[0]).limits is None


@pytest.mark.parametrize(
    "series", [growing(), wave(96)[:, None], spoiled()], ids=["logarithm", "values", "without jumps"]
)
def test_the_forecast_of_a_keras_model_is_the_same(series):
    choice = linear_forecast.choose(series, series, 6, target_columns=[0])
    forecast = linear_forecast.LinearForecast([0], choice).fit(series, series, 6)
    inputs = keras.Input((choice.lookback, 1), name="windows")
    network = keras.Model({"windows": inputs}, {"y": keras.layers.Lambda(lambda x: 0 * x[:, :6, 0])(inputs)})
    model = forecast_blocks.with_linear_forecast(network, "y", forecast, np.full(6, 7.0))
    windows, _ = windows_of(series, series, choice.lookback, 6)
    # Also far outside of the range of the series, and below 0.
    for part in (windows, 1_000 * windows, windows - 300):
        expected = forecast.predict(part)
        assert np.isfinite(expected).all()
        outputs = model.predict({"windows": part.astype("float32")}, verbose=0)["y"]
        np.testing.assert_allclose(7 * outputs, expected, rtol=2e-3 if part is not windows else 1e-5, atol=1e-3)


def test_a_short_series_is_forecast_by_smoothing_alone():
    """Too few steps to measure errors."""
    series = np.arange(20.0)[:, None]
    choice = linear_forecast.choose(series, series, 8, n_train=16, target_columns=[0])
    assert choice.weight == 1.0 and choice.lookback == choice.smoothed <= 3
    forecast = linear_forecast.LinearForecast([0], choice).fit(series, series, 8)
    assert (np.diff(forecast.predict(series[None, -choice.lookback :])[0]) >= 0.5 - 1e-9).all()


def test_a_series_of_fewer_windows_is_forecast_by_both_parts_in_equal_shares():
    """A trend of 14 years, of which the next 6 are forecast."""
    series = np.arange(14.0)[:, None] + 0.1 * np.random.default_rng(0).normal(size=(14, 1))
    choice = linear_forecast.choose(series, series, 6, n_train=11, target_columns=[0])
    assert (choice.weight, choice.autoregressed, choice.smoothed) == (0.5, 1, 4)
    forecast = linear_forecast.LinearForecast([0], choice).fit(series, series, 6)
    predicted = forecast.predict(series[None, -choice.lookback :])[0]
    np.testing.assert_allclose(predicted, np.arange(14, 20), atol=1.5)
    # Fewer than five windows are none.
    assert linear_forecast.choose(series[:10], series[:10], 6, target_columns=[0]).weight == 0
