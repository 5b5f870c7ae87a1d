"""Linear forecast of a series: the weighted mean of an autoregression and of exponential smoothing."""

import dataclasses
import itertools
import time

import numpy as np

from autonas.data import autoregression, smoothing
from autonas.data.autoregression import Autoregression, scale_of, windows_of
from autonas.data.smoothing import Smoothing

#: Candidates of the lookback of the autoregression, and their maximum as a fraction of the length of the series.
_LOOKBACKS = (1, 2, 3, 4, 6, 8, 12, 13, 16, 24, 25, 32, 48, 64, 96, 128, 192, 256)
_MAX_LOOKBACK_SHARE = 1 / 5
#: Smallest autocorrelation of a season that is longer than these lookbacks.
_LEAST_CORRELATION = 0.5
#: Candidates of the lookback of the smoothing, in seasons or without a season in steps, and their maximum as a fraction
#: of the length of the series. A season and one step are always a candidate.
_SMOOTHED_SEASONS, _SMOOTHED_STEPS, _MAX_SMOOTHED_SHARE = (1, 2, 3, 5), (8, 24), 1 / 3
#: Minimum number of windows of a series for a lookback.
MIN_WINDOWS = 10
#: Number of steps up to which a series is short. A long series has enough windows for an autoregression alone.
_SHORT = 400
#: Fraction of the windows on which errors are measured, and the number of blocks of these windows, each of which
#: follows the steps of the fits: of a short series and of a long one.
_SHORT_SCORED, _LONG_SCORED = (0.5, 4), (0.2, 1)
#: Maximum number of windows on which errors are measured, the most recent ones.
_MAX_SCORED = 5_000
#: Minimum number of windows of a fit of an autoregression.
_MIN_FITTED = 3
#: Maximum ratio of the error of the chosen lookback to the smallest error. The smallest such lookback is chosen.
_TOLERANCE = 1.003


@dataclasses.dataclass(frozen=True)
class Choice:
    """The settings of a linear forecast.

    Args:
        autoregressed: Lookback of the autoregression.
        alpha: Ridge penalty of the autoregression, or `None`: chosen by its fit. Defaults to `None`.
        smoothed: Lookback of the smoothing. Defaults to 1.
        season: Season of the smoothing. Defaults to 1, for no season.
        weight: Weight of the smoothing in the mean. Defaults to 0: the autoregression alone.
    """

    autoregressed: int
    alpha: float | None = None
    smoothed: int = 1
    season: int = 1
    weight: float = 0.0

    @property
    def lookback(self):
        """Number of steps that the forecast reads."""
        return max(self.autoregressed, self.smoothed) if self.weight else self.autoregressed


class LinearForecast:
    """Weighted mean of an `Autoregression` and a `Smoothing`, which is linear in the window, too.

    Args:
        target_columns: As in `Autoregression`.
        choice: The `Choice`.

    Attributes:
        kernel: As in `Autoregression`, for windows of `choice.lookback` steps.
        last_kernel: As in `Autoregression`.
        bias: As in `Autoregression`.
    """

    def __init__(self, target_columns, choice):
        self.target_columns = target_columns
        self.choice = choice

    def fit(self, series, outputs, horizon):
        """Fit the coefficients to the windows of a series; see `Autoregression.fit`."""
        choice = self.choice
        linear = Autoregression(self.target_columns, choice.alpha)
        members = [(linear.fit(series, outputs, choice.autoregressed, horizon), 1.0 - choice.weight)]
        if choice.weight:
            smoothed = Smoothing(self.target_columns, choice.season)
            members.append((smoothed.fit(series, outputs, choice.smoothed, horizon), choice.weight))
        self.choice = dataclasses.replace(choice, alpha=linear.alpha)
        self.last_kernel = sum(weight * member.last_kernel for member, weight in members)
        self.bias = sum(weight * member.bias for member, weight in members)
        self.kernel = np.zeros(((choice.lookback - 1) * series.shape[1], len(self.bias)))
        for member, weight in members:
            first = len(self.kernel) - len(member.kernel)
            self.kernel[first:] += weight * member.kernel
        return self

    def predict(self, windows):
        """Return the forecasts `(n, m)` for windows `(n, L, c)`."""
        return autoregression.predict(self, windows)


def choose(series, outputs, horizon, target_columns=None, lookback=None, seconds=None):
    """Choose the settings of a linear forecast by the errors of forecasts of later steps of a series.

    The candidates of the autoregression are the lookbacks 1, 2, 3, 4, 6, 8, 12, 13, 16, ..., 256, and a longer season
    and a step, at most a fifth of the length of the series, and with at most 2,048 values per window. The smallest
    lookback whose error is within 0.3 % of the smallest error is chosen. Up to 400 steps, forecasts are averaged with
    those of a smoothing: the best of some seasons and lookbacks. The weights are inversely proportional to the squared
    errors (Bates and Granger 1969).

    Args:
        series: Inputs, `(time, channels)`.
        outputs: Series of the targets, `(time, targets)`.
        horizon: Number of steps to forecast.
        target_columns: Channels of `series` that are the targets. Defaults to `None`: the targets aren't channels, and
            there is no smoothing.
        lookback: The lookback of both, or `None`: chosen. Defaults to `None`.
        seconds: Time limit in seconds. The choice ends at the first lookback whose fit is expected to exceed the limit.
            Defaults to `None`: no limit.

    Returns:
        The `Choice`. For a series that is too short for any forecast, the smallest lookback.
    """
    n_steps, n_channels = series.shape
    lookbacks = [lookback]
    if lookback is None:
        longest = max(1, int(min(_MAX_LOOKBACK_SHARE * n_steps, autoregression.MAX_FEATURES // n_channels)))
        seasons = smoothing.seasons(outputs, longest - 1, _LEAST_CORRELATION)
        lookbacks = [*_LOOKBACKS, *sorted(season + 1 for season in seasons if season >= _LOOKBACKS[-1])]
        lookbacks = [steps for steps in lookbacks if steps <= longest]
    is_short = n_steps <= _SHORT
    pairs = _smoothings(outputs, horizon, lookback) if is_short and target_columns is not None else []
    blocks = _Blocks(series, outputs, horizon, target_columns)
    blocks.divide(max([*lookbacks, *(steps for _, steps in pairs)]), *(_SHORT_SCORED if is_short else _LONG_SCORED))
    errors, alphas = blocks.autoregressions(lookbacks, seconds)
    if not errors:
        return Choice(lookbacks[0])
    best = next(steps for steps, error in errors.items() if error <= _TOLERANCE * min(errors.values()))
    choice = Choice(best, alphas[best])
    if not pairs:
        return choice
    smoothed = {pair: blocks.smoothing(*pair) for pair in pairs}
    season, steps = min(smoothed, key=lambda pair: smoothed[pair])
    weight = errors[best] ** 2 / max(errors[best] ** 2 + smoothed[season, steps] ** 2, np.finfo(float).tiny)
    return dataclasses.replace(choice, smoothed=steps, season=season, weight=weight)


def _smoothings(outputs, horizon, lookback):
    """Return the candidates of the smoothing, a list of pairs of season and lookback."""
    most, pairs = len(outputs) - horizon - MIN_WINDOWS + 1, []
    for season in smoothing.seasons(outputs, len(outputs) // 2):
        wanted = [n * season for n in _SMOOTHED_SEASONS] if season > 1 else _SMOOTHED_STEPS
        longest = max(season, int(_MAX_SMOOTHED_SHARE * len(outputs)))
        lookbacks = {max(steps, season + 1) for steps in wanted if steps <= longest}
        pairs += [(season, steps) for steps in sorted(lookbacks) if lookback is None and steps <= most]
        pairs += [(season, lookback)] if lookback is not None and season < lookback <= most else []
    return pairs


class _Blocks:
    """Blocks of the latest windows of a series, each of which is forecast by fits on all steps before the block.

    Args:
        series: As in `choose`.
        outputs: As in `choose`.
        horizon: As in `choose`.
        target_columns: As in `choose`.
    """

    def __init__(self, series, outputs, horizon, target_columns):
        self.series, self.outputs = series, outputs
        self.horizon, self.target_columns = horizon, target_columns
        self._blocks = []

    def divide(self, longest, share, n_blocks):
        """Divide the last windows into blocks. There are none if the series is too short.

        Args:
            longest: Largest lookback.
            share: Fraction of the windows in all blocks together.
            n_blocks: Number of blocks.
        """
        end = len(self.series) - self.horizon + 1
        n_scored = min(_MAX_SCORED, max(1, int(share * (end - longest))))
        edges = np.linspace(end - n_scored, end, min(n_blocks, n_scored) + 1).astype(int).tolist()
        # A block has the first forecast steps of its windows.
        self._blocks = list(itertools.pairwise(edges)) if end > longest else []

    def autoregressions(self, lookbacks, seconds):
        """Return the errors and the penalties of autoregressions, two dicts from lookback; see `choose`."""
        started = time.monotonic()
        n_rows, n_outputs = min(len(self.series), autoregression.MAX_ROWS), self.horizon * self.outputs.shape[1]
        n_channels = self.series.shape[1]

        def cost(lookback):
            """Return the operations of a fit up to a constant factor: outputs, lagged products, decomposition."""
            n_features = lookback * n_channels
            return n_rows * (20 * n_outputs + n_features * (n_channels + n_outputs)) + 10 * n_features**3

        errors, alphas, previous_seconds, previous = {}, {}, 0.0, 1
        for lookback in lookbacks:
            fit_started = time.monotonic()
            expected = previous_seconds * cost(lookback) / cost(previous)
            if seconds is not None and errors and fit_started - started + expected > seconds:
                break
            if not self._blocks or self._blocks[0][0] - lookback - self.horizon + 1 < _MIN_FITTED:
                break
            errors[lookback], last = self._scored(lambda: Autoregression(self.target_columns), lookback)
            alphas[lookback] = last.alpha
            previous_seconds, previous = time.monotonic() - fit_started, lookback
        return errors, alphas

    def smoothing(self, season, lookback):
        """Return the error of a smoothing."""
        return self._scored(lambda: Smoothing(self.target_columns, season), lookback)[0]

    def _scored(self, unfitted, lookback):
        """Return the error of forecasts that are fitted before each block, and the forecast of the last block.

        Args:
            unfitted: Function that returns a new forecast.
            lookback: Number of steps of a window.
        """
        squares = []
        for first, end in self._blocks:
            forecast = unfitted().fit(self.series[:first], self.outputs[:first], lookback, self.horizon)
            squares.append(self._squared_errors(forecast, lookback, first, end))
        return float(np.sqrt(np.concatenate(squares).mean())), forecast

    def _squared_errors(self, forecast, lookback, first, end):
        """Return the squared errors of a forecast on a block, in variances of the targets."""
        steps = slice(first - lookback, end + self.horizon - 1)
        windows, future = windows_of(self.series[steps], self.outputs[steps], lookback, self.horizon)
        unit = np.tile(scale_of(self.outputs.std(axis=0)), self.horizon)
        return np.square((forecast.predict(windows) - future) / unit)
