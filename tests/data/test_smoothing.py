"""Exponential smoothing of windows."""

import itertools

import numpy as np
import pytest

from autonas.data import smoothing
from autonas.data.autoregression import windows_of


def seasonal(length, period=12, noise=0.2):
    steps = np.arange(length)
    return np.sin(steps * 2 * np.pi / period)[:, None] + noise * np.random.default_rng(0).normal(size=(length, 1))


@pytest.mark.parametrize("season", [1, 4])
def test_a_forecast_is_that_of_holt_and_winters(season):
    window = seasonal(20, 4)[:, 0]
    n_rates = 54 if season > 1 else 18
    for position, rates in enumerate(
        itertools.product((0.05, 0.1, 0.2, 0.4, 0.7, 1.0), (0.05, 0.2, 0.5)[: n_rates // 18], [0, 0.05, 0.2])
    ):
        alpha, gamma, beta = rates
        damping = {0: 1.0, 0.05: 0.98, 0.2: 0.9}[beta]
        level = window[:season].mean()
        trend = (window[season : 2 * season].mean() - level) / season if beta else 0.0
        indices = list(window[:season] - level) if season > 1 else [0.0]
        for step in range(season, len(window)):
            before, index = level, indices[step % season]
            level = before + damping * trend + alpha * (window[step] - index - before - damping * trend)
            trend = damping * trend + beta * (level - before - damping * trend)
            if season > 1:
                indices[step % season] += gamma * (window[step] - level - index)
        expected = [
            level + trend * sum(damping**power for power in range(1, ahead + 1)) + indices[(19 + ahead) % season]
            for ahead in range(1, 7)
        ]
        forecast = smoothing.Smoothing([0], season).set([position], 1, 20, 6)
        np.testing.assert_allclose(forecast.predict(window[None, :, None])[0], expected)


def test_each_target_has_its_own_rates_and_reads_its_own_channel():
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
    assert smoothing.seasons(seasonal(240), 100)[:2] == [1, 12]
    assert smoothing.seasons(seasonal(240) + np.arange(240)[:, None], 100)[:2] == [1, 12]
    assert smoothing.seasons(np.ones((30, 1)), 10) == [1]
    assert smoothing.seasons(seasonal(3), 10) == [1]


def test_a_forecast_has_no_mean_error():
    """A rising line, to which a smoothing without a trend lags behind."""
    series = np.arange(60.0)[:, None] + seasonal(60)
    forecast = smoothing.Smoothing([0], 12).fit(series, series, 24, 3)
    windows, future = windows_of(series, series, 24, 3)
    np.testing.assert_allclose((forecast.predict(windows) - future).mean(axis=0), 0, atol=1e-9)


def test_rates_without_a_known_window_are_medium():
    series = seasonal(26)
    forecast = smoothing.Smoothing([0], 12).fit(series, series, 24, 3)
    grid = list(itertools.product((0.05, 0.1, 0.2, 0.4, 0.7, 1.0), (0.05, 0.2, 0.5), range(3)))
    expected = smoothing.Smoothing([0], 12).set([grid.index((0.4, 0.05, 0))], 1, 24, 3)
    np.testing.assert_array_equal(forecast.kernel, expected.kernel)
