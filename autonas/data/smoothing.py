"""Exponential smoothing of windows of a series: the weighted mean of many smoothings, as a linear forecast."""

import numpy as np

from autonas.data import autoregression, smoothing_kernels

#: Lengths of the windows of the smoothings, in seasons or without a season in steps, and their maximum as a fraction of
#: the length of the series. A season and one step are always a length.
_SEASONS, _STEPS, _MAX_SHARE = (2, 3), (4, 8, 16), 1 / 2
#: Fractions of the mean change of a step that are subtracted from the series before a smoothing, and added afterwards:
#: without a season and with one. On quarterly series, the full change forecasts worse than half of it.
_DRIFTS, _SEASONAL_DRIFTS = (0.0, 0.5, 1.0), (0.0, 0.5)
#: Maximum number of candidates of the season.
_N_SEASONS = 2
#: Number of forecasts of all targets together from which the errors of each smoothing are computed.
_MOST_FORECASTS = 4000
#: Number of standard errors by which a season may have a lower autocorrelation than its multiple.
_INSIGNIFICANT = 2.5


class Smoothing:
    """Mean of exponential smoothings of each target from its own window.

    The smoothings are those of `smoothing_kernels`, with a season and without one, of windows of several lengths, each
    of them also after subtracting half of the mean change of a step of the series, which is added to the forecast. If
    the series has no season, the full change is a further variant: a series of years often is a random walk with drift.
    Each smoothing forecasts the following steps from every step of the series on, of many targets from every second
    step, every third and so on. As for Gaussian errors of unknown variance, the weight of a smoothing with the mean
    squared error e is proportional to

        e^(-m / 2),  m = number of first steps / sqrt(horizon).

    The errors of forecasts that overlap aren't independent, so that m is less than the number of forecasts. On short
    series such a mean errs less than the best smoothing, which is best by luck (Kolassa 2011).

    Args:
        target_columns: Channel of every target.
        season: Number of steps of a season, 1 for none.

    Attributes:
        kernel: As in `Autoregression`.
        last_kernel: As in `Autoregression`.
        bias: As in `Autoregression`.
    """

    def __init__(self, target_columns, season):
        self.target_columns = target_columns
        self.season = season

    def fit(self, series, outputs, lookback, horizon):
        """Compute the weights of the smoothings; see `Autoregression.fit`.

        The weights are equal if the series has at most `lookback` steps.
        """
        grids, drifts = _grids(lookback, horizon, self.season), _DRIFTS if self.season == 1 else _SEASONAL_DRIFTS
        kernel = np.zeros((lookback, series.shape[1], horizon, outputs.shape[1]))
        bias = np.zeros((horizon, outputs.shape[1]))
        stride = max(1, -(-(len(outputs) - lookback) * outputs.shape[1] // _MOST_FORECASTS))
        starts = np.arange(len(outputs) - 1, lookback - 1, -stride)[::-1]
        for target, (column, steps) in enumerate(zip(self.target_columns, outputs.T, strict=True)):
            errors = [_squared_errors(steps, grid, starts, drifts) for grid in grids]
            weights = _weights(np.concatenate(errors), (len(steps) - lookback) / np.sqrt(horizon))
            change = (steps[-1] - steps[0]) / max(1, len(steps) - 1)
            start = 0
            for grid in grids:
                shares = weights[start : start + len(drifts) * len(grid)].reshape(len(drifts), len(grid))
                start += shares.size
                kernel[-grid.shape[1] :, column, :, target] += np.tensordot(shares.sum(axis=0), grid, 1)
                bias[:, target] += change * (np.array(drifts) @ shares @ _gains(grid))
        kernel = kernel.reshape(lookback, series.shape[1], -1)
        # The last value is subtracted from all others.
        self.last_kernel = kernel.sum(axis=0)
        self.kernel, self.bias = kernel[:-1].reshape(-1, kernel.shape[2]), bias.ravel()
        return self

    def predict(self, windows):
        """Return the forecasts `(n, m)` for windows `(n, L, c)`."""
        return autoregression.predict(self, windows)


def lookback_of(n_steps, season):
    """Return the number of steps of the longest window of the smoothings of a series of `n_steps` steps."""
    shortest, *others = _lengths(season)
    return max([shortest, *(length for length in others if length <= _MAX_SHARE * n_steps)])


def _lengths(season):
    """Return the lengths of the windows of the smoothings in steps, the shortest first."""
    return sorted({season + 1, *([n_seasons * season for n_seasons in _SEASONS] if season > 1 else _STEPS)})


def _grids(lookback, horizon, season):
    """Return the coefficients of the smoothings of windows of up to `lookback` steps, arrays `(rates, L, horizon)`."""
    grids = []
    for period in sorted({1, season}):
        for length in [length for length in _lengths(period) if length <= lookback] or [lookback]:
            grids.append(smoothing_kernels.holt_winters(length, horizon, period))
            if period == 1 or length >= 2 * period:
                grids.append(smoothing_kernels.theta(length, horizon, period))
    return grids


def _squared_errors(steps, grid, starts, drifts):
    """Return the mean squared errors of smoothings with each drift, `(drifts * rates,)`.

    Args:
        steps: The series, `(time,)`.
        grid: Coefficients `(rates, L, horizon)`.
        starts: First step of each forecast. Forecasts that go on after the series count up to its end.
        drifts: Fractions of the mean change.
    """
    n_rates, length, horizon = grid.shape
    if not len(starts):
        return np.ones(len(drifts) * n_rates)
    # Steps after the end of the series have no error. Zeros are summed faster than NaN are left out.
    is_known = starts[:, None] + np.arange(horizon) < len(steps)
    future = np.concatenate([steps, np.zeros(horizon)])[starts[:, None] + np.arange(horizon)]
    past = steps[starts[:, None] + np.arange(-length, 0)]
    errors = (past @ grid - future) * is_known
    # The mean change of the steps before each forecast.
    changes = ((steps[starts - 1] - steps[0]) / np.maximum(1, starts - 1))[:, None]
    drifted = (changes * is_known) * _gains(grid)[:, None]
    means = []
    for drift in drifts:
        total = (errors + drift * drifted if drift else errors).reshape(n_rates, -1)
        means.append(np.einsum("rk,rk->r", total, total) / is_known.sum())
    return np.concatenate(means)


def _gains(grid):
    """Return the errors `(rates, horizon)` of smoothings of a series that grows by 1 in each step, with sign."""
    length, horizon = grid.shape[1:]
    return np.arange(1, horizon + 1) - np.einsum("rlh,l->rh", grid, np.arange(1.0 - length, 1))


def _weights(errors, n_independent):
    """Return weights of sum 1 for mean squared errors; see `Smoothing`."""
    logarithms = -n_independent / 2 * np.log(np.maximum(errors, np.finfo(float).tiny))
    weights = np.exp(logarithms - logarithms.max())
    return weights / weights.sum()


def seasons(outputs, longest, least=0.0):
    """Return candidates of the season of a series.

    These are the two lags of up to `longest` steps at which the autocorrelation of the changes has its highest peaks,
    of those that are significant: the highest of m autocorrelations without a season is about sqrt(2 log m) standard
    errors. Multiples of a season have nearly the same correlation as the season. Thus the first lag is the smallest
    divisor of the highest peak, itself a peak, that isn't significantly lower, nor are its multiples up to the highest
    peak in the mean.

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
        return []
    n_terms = len(changes) - np.arange(longest + 2)
    least = max(least, np.sqrt(2 * np.log(longest) / len(changes)))
    spectrum = np.fft.rfft(changes, 2 * len(changes), axis=0)
    sums = np.fft.irfft(np.abs(spectrum) ** 2, axis=0).mean(axis=1)[: longest + 2]
    # A sum of few terms isn't significant, so that a sum decides on a peak. Peaks are compared by the means of their
    # terms: the sums would be less for long seasons than for short ones.
    correlation = sums / sums[0] * len(changes) / n_terms
    before, here, after = correlation[1:-2], correlation[2:-1], correlation[3:]
    is_significant = sums[2:-1] > least * sums[0]
    peaks = 2 + np.flatnonzero((here > before) & (here >= after) & is_significant)
    if not len(peaks):
        return []
    highest = int(peaks[correlation[peaks].argmax()])
    enough = correlation[highest] - _INSIGNIFICANT / np.sqrt(n_terms[highest])
    divisors = [lag for lag in peaks.tolist() if highest % lag == 0]
    season = next(
        lag for lag in divisors if min(correlation[lag], correlation[lag : highest + 1 : lag].mean()) >= enough
    )
    others = sorted(set(peaks.tolist()) - {season}, key=lambda lag: -correlation[lag])
    return [season, *others][:_N_SEASONS]
