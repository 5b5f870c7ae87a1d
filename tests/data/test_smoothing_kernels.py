"""Coefficients of exponential smoothings of a window."""

import itertools

import numpy as np
import pytest

from autonas.data import smoothing_kernels


def seasonal(length, season):
    steps = np.arange(length)
    return 5 + np.sin(steps * 2 * np.pi / season) + 0.2 * np.random.default_rng(0).normal(size=length)


@pytest.mark.parametrize("season", [1, 4])
def test_a_forecast_is_that_of_holt_and_winters(season):
    window = seasonal(20, 4)
    forecasts = window @ smoothing_kernels.holt_winters(20, 6, season)
    grid = itertools.product(
        (0.05, 0.1, 0.2, 0.4, 0.7, 1.0), (0.05, 0.2, 0.5)[: 3 if season > 1 else 1], [0, 0.05, 0.2]
    )
    for forecast, (alpha, gamma, beta) in zip(forecasts, grid, strict=True):
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
        np.testing.assert_allclose(forecast, expected)


@pytest.mark.parametrize("season", [1, 4, 5])
def test_a_forecast_is_that_of_the_theta_method(season):
    """The mean of the line of least squares and of smoothed steps of twice the curvature, without the season."""
    window = seasonal(20, season)
    indices = np.zeros(season)
    if season > 1:
        trend = np.convolve(window, np.ones(season) / season, "valid")
        trend = (trend[:-1] + trend[1:]) / 2 if season % 2 == 0 else trend
        inner = np.arange(season // 2, season // 2 + len(trend))
        indices = np.array([(window[inner] - trend)[inner % season == phase].mean() for phase in range(season)])
        indices -= indices.mean()
    rest = window - indices[np.arange(20) % season]
    slope, start = np.polyfit(np.arange(20), rest, 1)
    line = start + slope * np.arange(26)
    forecasts = (window @ smoothing_kernels.theta(20, 6, season))[1::2]
    for alpha, forecast in zip((0.05, 0.1, 0.2, 0.4, 0.7, 1.0), forecasts, strict=True):
        curved = 2 * rest - line[:20]
        level = 2 * rest[:3].mean() - line[0]
        for step in curved:
            level += alpha * (step - level)
        expected = (line[20:] + level) / 2 + indices[np.arange(20, 26) % season]
        np.testing.assert_allclose(forecast, expected, atol=1e-9)


@pytest.mark.parametrize("kernels", [smoothing_kernels.holt_winters, smoothing_kernels.theta])
def test_the_forecast_of_a_constant_is_the_constant(kernels):
    np.testing.assert_allclose(kernels(24, 5, 12).sum(axis=1), 1.0)
