"""Exponential smoothing of windows of a series, as a linear forecast whose few rates are chosen from a grid."""

import functools
import itertools

import numpy as np

from autonas.data import autoregression

#: Rates of the level, of the season and of the trend with its damping. A trend of rate 0 is no trend.
_LEVELS, _SEASONS, _TRENDS = (0.05, 0.1, 0.2, 0.4, 0.7, 1.0), (0.05, 0.2, 0.5), ((0.0, 1.0), (0.05, 0.98), (0.2, 0.9))
#: Number of seasons that are candidates.
_N_SEASONS = 2


class Smoothing:
    """Holt-Winters forecast of each target from its own window: level, damped trend and additive season.

    With the level l, the trend b, the season s of P steps, and the rates α, β, γ and φ, a step x of a window changes

        l' = (l + φ b) + α (x - s - l - φ b),  b' = φ b + β (l' - l - φ b),  s' = s + γ (x - l' - s).

    The first level is the mean of the first P steps of the window, and the first season is their difference from it. So
    the forecast is a linear function of the window. The rates of a target have the smallest squared error over all
    windows of the series.

    Args:
        target_columns: Channel of every target.
        season: Number of steps P of a season, 1 for none.

    Attributes:
        kernel: As in `Autoregression`.
        last_kernel: As in `Autoregression`.
        bias: As in `Autoregression`.
    """

    def __init__(self, target_columns, season):
        self.target_columns = target_columns
        self.season = season

    def fit(self, series, outputs, lookback, horizon):
        """Choose the rates, and add the mean error; see `Autoregression.fit`.

        Without a window whose future is known, the rates are medium ones without a trend.
        """
        if len(outputs) < lookback + horizon:
            n_rates = len(_kernels(lookback, horizon, self.season))
            rates = [n_rates // 2 // len(_TRENDS) * len(_TRENDS)] * outputs.shape[1]
            return self.set(rates, series.shape[1], lookback, horizon)
        self.set(_best_rates(outputs, lookback, horizon, self.season), series.shape[1], lookback, horizon)
        windows, future = autoregression.windows_of(series, outputs, lookback, horizon)
        self.bias = (future - self.predict(windows)).mean(axis=0)
        return self

    def predict(self, windows):
        """Return the forecasts `(n, m)` for windows `(n, L, c)`."""
        return autoregression.predict(self, windows)

    def set(self, rates, n_channels, lookback, horizon):
        """Set the coefficients for the positions of rates in the grid, one for each target; return self."""
        n_targets = len(self.target_columns)
        kernel = np.zeros((lookback, n_channels, horizon, n_targets))
        for target, (column, position) in enumerate(zip(self.target_columns, rates, strict=True)):
            kernel[:, column, :, target] = _kernels(lookback, horizon, self.season)[position]
        kernel = kernel.reshape(lookback, n_channels, -1)
        # The last value is subtracted from all others.
        self.last_kernel = kernel.sum(axis=0)
        self.kernel, self.bias = kernel[:-1].reshape(-1, kernel.shape[2]), np.zeros(kernel.shape[2])
        return self


def _best_rates(outputs, lookback, horizon, season):
    """Return the positions of the rates with the smallest squared error over all windows, one for each target."""
    windows = np.lib.stride_tricks.sliding_window_view(outputs, lookback + horizon, axis=0)
    past, future = windows[..., :lookback], windows[..., lookback:]
    errors = [np.square(past @ kernel - future).mean(axis=(0, 2)) for kernel in _kernels(lookback, horizon, season)]
    return np.argmin(errors, axis=0)


def seasons(outputs, longest, least=0.0):
    """Return candidates of the season of a series.

    These are 1, for no season, and the two lags of up to `longest` steps at which the autocorrelation of the changes
    has its highest peaks.

    Args:
        outputs: Series, `(time, targets)`.
        longest: Largest season.
        least: Smallest autocorrelation of a season. Defaults to 0.
    """
    changes = np.diff(outputs, axis=0)
    changes = changes - changes.mean(axis=0)
    deviation = changes.std(axis=0)
    changes = changes[:, deviation > 0] / deviation[deviation > 0]
    longest = min(longest, len(changes) - 2)
    if longest < 2 or not changes.size:
        return [1]
    spectrum = np.fft.rfft(changes, 2 * len(changes), axis=0)
    correlation = np.fft.irfft(np.abs(spectrum) ** 2, axis=0).mean(axis=1)[: longest + 2]
    before, here, after = correlation[1:-2], correlation[2:-1], correlation[3:]
    peaks = 2 + np.flatnonzero((here > before) & (here >= after) & (here > least * correlation[0]))
    return [1, *sorted(peaks.tolist(), key=lambda lag: -correlation[lag])[:_N_SEASONS]]


@functools.lru_cache(maxsize=32)
def _kernels(lookback, horizon, season):
    """Return the coefficients of the forecasts by all rates, `(rates, lookback, horizon)`."""
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
