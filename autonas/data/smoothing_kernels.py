"""Exponential smoothings of a window of a series, each as the coefficients of the steps of the window."""

import functools
import itertools

import numpy as np

#: Rates of the level, of the season and of the trend with its damping. A trend of rate 0 is no trend.
_LEVELS, _SEASONS, _TRENDS = (0.05, 0.1, 0.2, 0.4, 0.7, 1.0), (0.05, 0.2, 0.5), ((0.0, 1.0), (0.05, 0.98), (0.2, 0.9))
#: Fractions of the slope of the line of least squares, by which the level of the theta method goes on.
_SLOPES = (0.0, 0.5)
#: Number of steps whose mean is the first level of the theta method.
_FIRST_STEPS = 3


@functools.lru_cache(maxsize=64)
def holt_winters(lookback, horizon, season):
    """Return the coefficients of Holt-Winters forecasts by a grid of rates.

    With the level l, the trend b, the season s of P steps, and the rates α, β, γ and φ, a step x of a window changes

        l' = (l + φ b) + α (x - s - l - φ b),  b' = φ b + β (l' - l - φ b),  s' = s + γ (x - l' - s).

    The first level is the mean of the first P steps of the window, and the first season is their difference from it. So
    the forecast is a linear function of the window.

    Args:
        lookback: Number of steps of a window, at least P.
        horizon: Number of steps to forecast.
        season: Number of steps P of a season, 1 for none.

    Returns:
        Array `(rates, lookback, horizon)`.
    """
    grid = list(itertools.product(_LEVELS, _SEASONS if season > 1 else _SEASONS[:1], _TRENDS))
    alpha, gamma = (np.array([rates[i] for rates in grid])[:, None] for i in (0, 1))
    beta, damping = (np.array([rates[2][i] for rates in grid])[:, None] for i in (0, 1))
    steps = np.eye(lookback)
    level = np.tile(steps[:season].mean(axis=0), (len(grid), 1))
    trend = np.zeros_like(level)
    if lookback >= 2 * season:
        trend = np.where(beta > 0, (steps[season : 2 * season].mean(axis=0) - level) / season, 0.0)
    indices = [step - level for step in steps[:season]]
    for position in range(season, lookback):
        index, expected = indices[position % season], level + damping * trend
        before, level = level, expected + alpha * (steps[position] - index - expected)
        trend = damping * trend + np.where(beta > 0, beta * (level - before - damping * trend), 0.0)
        if season > 1:
            indices[position % season] = index + gamma * (steps[position] - level - index)
    forecasts, reached = [], level
    for ahead in range(horizon):
        trend = damping * trend
        reached = reached + trend
        forecasts.append(reached + indices[(lookback + ahead) % season])
    return np.stack(forecasts, axis=2)


@functools.lru_cache(maxsize=64)
def theta(lookback, horizon, season):
    """Return the coefficients of theta forecasts by a grid of rates (Assimakopoulos and Nikolopoulos 2000).

    The season, by classical decomposition of the window, is subtracted from the window and added to the forecast. The
    forecast of the remaining steps z by s steps is their exponentially smoothed level l of rate α, which goes on by a
    fraction w of the slope b of the line of least squares through z (Hyndman and Billah 2003):

        l + w b (s - 1 + (1 - (1 - α)^L) / α).

    The theta method has w = 1 / 2. The grid also has w = 0, the level alone.

    Args:
        lookback: Number of steps L of a window, at least two seasons.
        horizon: Number of steps to forecast.
        season: Number of steps of a season, 1 for none.

    Returns:
        Array `(rates, lookback, horizon)`.
    """
    steps = np.eye(lookback)
    indices = _seasonal_indices(lookback, season)
    rest = steps - indices[np.arange(lookback) % season]
    times = np.arange(lookback) - (lookback - 1) / 2
    slope = times / max(np.square(times).sum(), 1.0)
    ahead, kernels = np.arange(horizon)[:, None], []
    for alpha in _LEVELS:
        level = steps[:_FIRST_STEPS].mean(axis=0)
        for step in steps:
            level = (1 - alpha) * level + alpha * step
        lead = ahead + (1 - (1 - alpha) ** lookback) / alpha
        for fraction in _SLOPES:
            forecasts = (level + fraction * slope * lead) @ rest
            kernels.append((forecasts + indices[(lookback + ahead[:, 0]) % season]).T)
    return np.stack(kernels)


def _seasonal_indices(lookback, season):
    """Return the coefficients `(season, lookback)` of the season: mean deviations from a centered moving average."""
    if season == 1:
        return np.zeros((1, lookback))
    weights = np.full(season + 1, 1 / season) if season % 2 == 0 else np.full(season, 1 / season)
    if season % 2 == 0:
        weights[[0, -1]] /= 2
    steps, half = np.eye(lookback), len(weights) // 2
    inner = np.arange(half, lookback - half)
    deviations = np.stack([steps[step] - weights @ steps[step - half : step + half + 1] for step in inner])
    indices = np.stack([deviations[inner % season == phase].mean(axis=0) for phase in range(season)])
    return indices - indices.mean(axis=0)
