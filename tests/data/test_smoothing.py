"""Exponential smoothing of windows."""

import numpy as np
import pytest

from autonas.data import smoothing, smoothing_kernels
from autonas.data.autoregression import windows_of


def seasonal(length, period=12, noise=0.2):
    steps = np.arange(length)
    return np.sin(steps * 2 * np.pi / period)[:, None] + noise * np.random.default_rng(0).normal(size=(length, 1))


def test_smoothings_are_averaged_by_their_errors_on_the_series():
    """Windows of 2 steps without a season: 18 Holt-Winters and 12 theta forecasts, each with three drifts."""
    series = np.random.default_rng(0).normal(0.3, 1.0, (40, 1)).cumsum(axis=0)
    window, lookback, horizon = series[-2:, 0], 2, 4
    kernels = [*smoothing_kernels.holt_winters(2, 4, 1), *smoothing_kernels.theta(2, 4, 1)]
    errors, forecasts = [], []
    for drift in (0.0, 0.5, 1.0):
        for kernel in kernels:

            def forecast(end, kernel=kernel, drift=drift):
                change = drift * (series[end - 1, 0] - series[0, 0]) / (end - 1)
                rest = series[end - 2 : end, 0] - change * np.array([-1, 0])
                return rest @ kernel + change * np.arange(1, 5)

            starts = range(lookback, len(series))
            differences = [forecast(start)[: 40 - start] - series[start : start + horizon, 0] for start in starts]
            errors.append(np.square(np.concatenate(differences)).mean())
            forecasts.append(forecast(40))
    weights = np.array(errors) ** (-(40 - lookback) / np.sqrt(horizon) / 2)
    expected = weights @ forecasts / weights.sum()
    mean = smoothing.Smoothing([0], 1).fit(series, series, lookback, horizon)
    np.testing.assert_allclose(mean.predict(window[None, :, None])[0], expected)


def test_each_target_has_its_own_weights_and_reads_its_own_channel():
    generator = np.random.default_rng(0)
    outputs = np.concatenate([generator.normal(size=(300, 1)), generator.normal(size=(300, 1)).cumsum(axis=0)], axis=1)
    series = np.concatenate([generator.normal(size=(300, 1)), outputs], axis=1)
    forecast = smoothing.Smoothing([1, 2], 1).fit(series, outputs, 16, 3)
    kernel = forecast.kernel.reshape(15, 3, 3, 2)
    assert not kernel[:, 0].any() and not kernel[:, 1, :, 1].any() and not kernel[:, 2, :, 0].any()
    # A walk is forecast by its last step, and noise by the mean of many steps.
    assert np.abs(kernel[:, 2, :, 1]).sum(axis=0).max() < 0.5
    assert np.abs(kernel[:, 1, :, 0]).sum(axis=0).min() > 0.7


def test_the_season_is_the_lag_of_the_highest_autocorrelation():
    assert smoothing.seasons(seasonal(240), 100)[0] == 12
    assert smoothing.seasons(seasonal(240) + np.arange(240)[:, None], 100)[0] == 12
    assert smoothing.seasons(np.ones((30, 1)), 10) == smoothing.seasons(seasonal(3), 10) == []


def test_the_season_is_no_multiple_of_a_season():
    """By chance, some later week is a little more like the present week than the next one is."""
    for seed in range(10):
        generator = np.random.default_rng(seed)
        series = np.tile(generator.normal(size=7), 40)[:, None] + generator.normal(0, 0.5, (280, 1))
        assert smoothing.seasons(series, 90)[0] == 7
    # Quarters are less alike than years, and the steps of a wave aren't alike for being near.
    year = np.tile([3, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0], 20)[:, None]
    assert smoothing.seasons(year + np.random.default_rng(0).normal(0, 0.1, (240, 1)), 80)[0] == 12
    assert smoothing.seasons(seasonal(600, 24, 0.07), 118)[0] == 24


def test_a_season_of_which_the_series_has_few_is_found():
    """Of three and a half weeks of hours, the sum of the terms of a week is less than that of a day."""
    hours = np.arange(600)
    day = np.sin(hours / 24 * 2 * np.pi)
    is_weekend = (hours // 24) % 7 >= 5
    for seed in range(3):
        noise = np.random.default_rng(seed).normal(size=600)
        series = 5 * day + 12 * is_weekend * (1 + day) + noise
        assert smoothing.seasons(series[:, None], 200)[0] == 168


@pytest.mark.parametrize("longest", [5, 30])
def test_most_walks_have_no_season(longest):
    walks = [np.random.default_rng(seed).normal(size=(100, 1)).cumsum(axis=0) for seed in range(50)]
    assert sum(not smoothing.seasons(walk, longest) for walk in walks) > 40


@pytest.mark.parametrize("season", [1, 12])
def test_a_seasonal_series_with_a_trend_goes_on(season):
    series = 0.3 * np.arange(96.0)[:, None] + 5 * seasonal(96, noise=0.02)
    forecast = smoothing.Smoothing([0], season).fit(series[:84], series[:84], 36, 12)
    windows, future = windows_of(series[-48:], series[-48:], 36, 12)
    errors = np.abs(forecast.predict(windows) - future)
    # Without a season the forecast is as wrong as the season is high.
    assert errors.max() < 1.5 if season == 12 else errors.max() > 3


def test_a_trend_of_years_goes_on_and_that_of_seasons_is_shrunk():
    generator = np.random.default_rng(0)
    years = 3 * np.arange(30.0)[:, None] + generator.normal(size=(30, 1))
    slopes = []
    for season in (1, 4):
        forecast = smoothing.Smoothing([0], season).fit(years, years, 8, 6).predict(years[None, -8:])[0]
        slopes.append((forecast[-1] - forecast[1]) / 4)
    np.testing.assert_allclose(slopes[0], 3, atol=0.1)
    assert slopes[1] < 2.9


def test_without_a_later_step_the_weights_are_equal():
    series = seasonal(24)
    forecast = smoothing.Smoothing([0], 1).fit(series[:2], series[:2], 2, 3)
    kernels = [*smoothing_kernels.holt_winters(2, 3, 1), *smoothing_kernels.theta(2, 3, 1)]
    drift = (series[1, 0] - series[0, 0]) / 2 * np.mean([np.arange(1, 4) + kernel[0] for kernel in kernels], axis=0)
    expected = np.mean([series[:2, 0] @ kernel for kernel in kernels], axis=0) + drift
    np.testing.assert_allclose(forecast.predict(series[None, :2])[0], expected)


def test_many_targets_are_smoothed_in_the_time_of_ten_by_fewer_forecasts(monkeypatch):
    n_forecasts = []
    errors = smoothing._squared_errors
    monkeypatch.setattr(
        smoothing, "_squared_errors", lambda steps, grid, starts, drifts: (
            n_forecasts.append(len(starts)) or errors(steps, grid, starts, drifts)
        )
    )  # fmt: skip
    series = np.random.default_rng(0).normal(size=(400, 100)).cumsum(axis=0)
    fitted = smoothing.Smoothing(list(range(100)), 1).fit(series, series, 17, 5)
    # All steps of 100 series of 400 steps took longer than the limit of a short search.
    assert set(n_forecasts) == {39}
    alone = smoothing.Smoothing([0], 1).fit(series[:, :1], series[:, :1], 17, 5)
    assert max(n_forecasts) == 400 - 17
    window = series[None, -17:]
    np.testing.assert_allclose(
        fitted.predict(window)[0].reshape(5, 100)[:, 0], alone.predict(window[..., :1])[0], atol=1.0
    )
