"""Linear forecast of a series or of its logarithm: the mean of an autoregression and of exponential smoothing."""

import dataclasses
import itertools
import time

import numpy as np

from autonas.backends import linear_algebra
from autonas.data import autoregression, jumps, smoothing
from autonas.data.autoregression import Autoregression, scale_of, windows_of
from autonas.data.smoothing import Smoothing

#: Candidates of the lookback of the autoregression, and their maximum as a fraction of the length of the series.
_LOOKBACKS = (1, 2, 3, 4, 6, 8, 12, 13, 16, 24, 25, 32, 48, 64, 96, 128, 192, 256)
_MAX_LOOKBACK_SHARE = 1 / 5
#: Smallest autocorrelation of a season that is longer than these lookbacks.
_LEAST_CORRELATION = 0.5
#: Minimum number of windows of a series for a lookback, and of a series that is too short for so many.
_MIN_WINDOWS, FEWEST_WINDOWS = 10, 5
#: Weight of the smoothing of a series that is too short to measure errors, with as many windows and with fewer.
_UNMEASURED, _UNKNOWN = 1.0, 0.5
#: Number of steps up to which a series is short. On longer series, smoothings take seconds.
_SHORT = 1_500
#: Fraction of the windows on which errors are measured, and the number of blocks of these windows, each of which
#: follows the steps of the fits: of a short series and of a long one.
_SHORT_SCORED, _LONG_SCORED = (0.5, 4), (0.2, 1)
#: Maximum number of windows on which errors are measured, the most recent ones.
_MAX_SCORED = 5_000
#: Fraction of the windows by whose errors forecasts with and without jumps are compared, and the largest ratio of the
#: errors for which jumps are removed.
_COMPARED, _LARGEST_RATIO = 0.25, 0.9
#: Number of windows whose jumps are removed at a time.
_BATCH = 1_024
#: Minimum number of windows of a fit of an autoregression.
_MIN_FITTED = 3
#: Factor of the weight of a smoothing for its few parameters.
_ODDS = 3.0
#: Smallest weight for which a smoothing, whose windows are long, is used.
_LEAST_WEIGHT = 0.1
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
        bounds: Smallest and largest value whose logarithms are forecast, for a season and errors in proportion to the
            level, or `None`: the values themselves are forecast. Defaults to `None`.
        limits: Limits of the changes of each channel, as of `jumps.largest_changes`, or `None`. Defaults to `None`.
    """

    autoregressed: int
    alpha: float | None = None
    smoothed: int = 1
    season: int = 1
    weight: float = 0.0
    bounds: tuple[float, float] | None = None
    limits: list[float] | None = None

    @property
    def lookback(self):
        """Number of steps that the forecast reads."""
        level = 1 if self.limits is None else jumps.LEVEL_STEPS
        return max(self.autoregressed * (self.weight < 1), self.smoothed * (self.weight > 0), level)

    @property
    def method(self):
        """Name of the method, such as `"autoregression and smoothing of logarithms"`."""
        members = ["autoregression"] * (self.weight < 1) + ["smoothing"] * (self.weight > 0)
        without_jumps = "" if self.limits is None else " without jumps"
        return " and ".join(members) + (" of logarithms" if self.bounds else "") + without_jumps


class LinearForecast:
    """Weighted mean of an `Autoregression` and a `Smoothing`, which is linear in the window, too, or in its logarithm.

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

    @linear_algebra.one_thread()
    def fit(self, series, outputs, horizon):
        """Fit the coefficients to the windows of a series; see `Autoregression.fit`."""
        choice = self.choice
        if choice.limits is not None:
            series = jumps.without_jumps(series, choice.limits)
            outputs = series[:, self.target_columns]
        series, outputs = scaled(series, choice.bounds), scaled(outputs, choice.bounds)
        members = []
        if choice.weight < 1:
            linear = Autoregression(self.target_columns, choice.alpha)
            members.append((linear.fit(series, outputs, choice.autoregressed, horizon), 1.0 - choice.weight))
            self.choice = dataclasses.replace(choice, alpha=linear.alpha)
        if choice.weight > 0:
            smoothed = Smoothing(self.target_columns, choice.season)
            members.append((smoothed.fit(series, outputs, choice.smoothed, horizon), choice.weight))
        self.last_kernel = sum(weight * member.last_kernel for member, weight in members)
        self.bias = sum(weight * member.bias for member, weight in members)
        self.kernel = np.zeros(((choice.lookback - 1) * series.shape[1], len(self.bias)))
        for member, weight in members:
            first = len(self.kernel) - len(member.kernel)
            self.kernel[first:] += weight * member.kernel
        return self

    def predict(self, windows):
        """Return the forecasts `(n, m)` for windows `(n, L, c)`."""
        bounds, limits = self.choice.bounds, self.choice.limits
        forecasts = []
        for start in range(0, max(1, len(windows)), _BATCH):
            batch = scaled(jumps.without_jumps(windows[start : start + _BATCH], limits), bounds)
            forecasts.append(unscaled(autoregression.predict(self, batch), bounds))
        return np.concatenate(forecasts)


def scaled(values, bounds):
    """Return values, or if there are bounds the logarithms of the clipped values."""
    return values if bounds is None else np.log(np.clip(values, *bounds))


def unscaled(forecasts, bounds):
    """Return forecasts, or if there are bounds the clipped values whose logarithms were forecast."""
    return forecasts if bounds is None else np.exp(np.clip(forecasts, *np.log(bounds)))


@linear_algebra.one_thread()
def choose(series, outputs, horizon, *, n_train=None, target_columns=None, lookback=None, seconds=None):
    """Choose the settings of a linear forecast by the errors of forecasts of later steps of a series.

    The candidates of the autoregression are the lookbacks 1, 2, 3, 4, 6, 8, 12, 13, 16, ..., 256, and a longer season
    and a step, at most a fifth of the length of the series, and with at most 2,048 values per window. The smallest
    lookback whose error is within 0.3 % of the smallest error is chosen.

    Up to 1,500 steps, forecasts are averaged with the forecasts of a smoothing, whose season is the first of
    `smoothing.seasons`. With the mean squared errors e of n forecasts of the autoregression and of the smoothing, the
    weights are in the ratio

        e_a^-p : 3 e_s^-p,  p = max(1, n / (2 horizon)).

    With p = 1 these are the weights of Bates and Granger (1969). More forecasts that don't overlap choose more sharply,
    as for Gaussian errors. The factor 3 is for the few parameters of a smoothing: on 720 series of the M1 and M3
    competitions equal factors forecast worse. A smoothing of a weight below 0.1 is left out. If such a series has a
    season and is positive, its logarithm is forecast if the errors are smaller. A series that is too short to measure
    errors is forecast by the smoothing alone, and by both in equal shares if it has fewer than 10 windows.

    If the series has rare jumps (see `jumps`), settings are also chosen for the series without them, in the rest of the
    time. They are returned if their forecasts of the last quarter of the series have a mean absolute error that is
    smaller by a tenth. Squared errors would follow the outliers.

    Args:
        series: Inputs, `(time, channels)`.
        outputs: Series of the targets, `(time, targets)`.
        horizon: Number of steps to forecast.
        n_train: Number of steps on which errors are measured. The season is that of the whole series. Defaults to
            `None`: all steps.
        target_columns: Channels of `series` that are the targets. Defaults to `None`: the targets aren't channels, and
            there is no smoothing.
        lookback: The lookback of both, or `None`: chosen. Defaults to `None`.
        seconds: Time limit in seconds. Lookbacks whose fit is expected to exceed the limit are left out, and lookbacks
            of a season are tried first. Defaults to `None`: no limit.

    Returns:
        The `Choice`. For a series that is too short for any forecast, the smallest lookback.
    """
    started = time.monotonic()
    options = {"n_train": n_train, "target_columns": target_columns, "lookback": lookback}
    choice = _choose(series, outputs, horizon, seconds=seconds, **options)
    limits = None
    if target_columns is not None and (lookback is None or lookback >= jumps.LEVEL_STEPS):
        limits = jumps.largest_changes(series)
    if limits is None:
        return choice
    steady = jumps.without_jumps(series, limits)
    left = None if seconds is None else seconds - (time.monotonic() - started)
    other = _choose(steady, steady[:, target_columns], horizon, seconds=left, **options)
    # The bounds of logarithms are those of the last level, from which an earlier level may be far.
    other = dataclasses.replace(other, limits=limits)
    others = [other] if other.bounds is None else [other, dataclasses.replace(other, bounds=None)]
    error, *errors = (_absolute_error(tried, series, horizon, target_columns) for tried in (choice, *others))
    return others[int(np.argmin(errors))] if min(errors) < _LARGEST_RATIO * error else choice


def _absolute_error(choice, series, horizon, target_columns):
    """Return the mean absolute error of the forecasts of the last windows of a series, fitted to the steps before.

    The error is in standard deviations of the targets, and infinite for a series that is too short.
    """
    n_scored = min(_MAX_SCORED, max(1, int(_COMPARED * (len(series) - horizon + 1))))
    first = len(series) - horizon + 1 - n_scored
    if first - choice.lookback - horizon + 1 < _MIN_FITTED:
        return np.inf
    outputs = series[:, target_columns]
    forecast = LinearForecast(target_columns, choice).fit(series[:first], outputs[:first], horizon)
    windows, future = windows_of(
        series[first - choice.lookback :], outputs[first - choice.lookback :], choice.lookback, horizon
    )
    unit = np.tile(scale_of(outputs.std(axis=0)), horizon)
    return float((np.abs(forecast.predict(windows) - future) / unit).mean())


def _choose(series, outputs, horizon, *, n_train, target_columns, lookback, seconds):
    """Return the `Choice` for a series as it is; see `choose`."""
    season, smoothed, unmeasured = 1, None, 0.0
    if len(series) <= _SHORT and target_columns is not None:
        season, smoothed, unmeasured = _season_and_lookback(outputs, horizon, lookback)
    # The logarithm may leave the range of the series by the width of the range.
    low, high = series.min(), series.max()
    scales = [None, (float(low**2 / high), float(high**2 / low))] if season > 1 and low > 0 else [None]
    series, outputs = series[:n_train], outputs[:n_train]
    n_steps, n_channels = series.shape
    lookbacks = [lookback]
    if lookback is None:
        longest = max(1, int(min(_MAX_LOOKBACK_SHARE * n_steps, autoregression.MAX_FEATURES // n_channels)))
        seasons = smoothing.seasons(outputs, longest - 1, _LEAST_CORRELATION)
        lookbacks = [*_LOOKBACKS, *sorted(season + 1 for season in seasons if season >= _LOOKBACKS[-1])]
        lookbacks = _by_promise([steps for steps in lookbacks if steps <= longest], seasons)
    choices, share = [], None if seconds is None else seconds / len(scales)
    for bounds in scales:
        blocks = _Blocks(series, outputs, horizon, target_columns, bounds)
        choices.append(blocks.choice(lookbacks, share, season, smoothed, unmeasured))
    return min(choices, key=lambda pair: pair[1])[0]


def _by_promise(lookbacks, seasons):
    """Return lookbacks in the order in which they are tried: the smallest, lookbacks of a season, the others.

    In a short time, lookbacks below a season would be all that is tried.
    """
    of_seasons = [min((steps for steps in lookbacks if steps > season), default=lookbacks[0]) for season in seasons]
    return list(dict.fromkeys([lookbacks[0], *of_seasons, *lookbacks]))


def _season_and_lookback(outputs, horizon, lookback):
    """Return the season of the smoothing, its lookback, and its weight if errors can't be measured.

    The lookback is `None` if the series is too short for a smoothing.
    """
    seasons = [*smoothing.seasons(outputs, len(outputs) // 3)[:1], 1]
    for n_windows, weight in ((_MIN_WINDOWS, _UNMEASURED), (FEWEST_WINDOWS, _UNKNOWN)):
        most = len(outputs) - horizon - n_windows + 1
        for season in seasons:
            steps = lookback or min(most, smoothing.lookback_of(len(outputs), season))
            if 1 <= steps <= most and (season == 1 or season < steps):
                return season, steps, weight
    return 1, None, 0.0


class _Blocks:
    """Blocks of the latest windows of a series, each of which is forecast by fits on all steps before the block.

    Args:
        series: As in `choose`.
        outputs: As in `choose`.
        horizon: As in `choose`.
        target_columns: As in `choose`.
        bounds: As in `Choice`. Defaults to `None`.
    """

    def __init__(self, series, outputs, horizon, target_columns, bounds=None):
        self.series, self.outputs = scaled(series, bounds), scaled(outputs, bounds)
        self.horizon, self.target_columns = horizon, target_columns
        self.bounds = bounds
        self._truth, self._unit = outputs, np.tile(scale_of(outputs.std(axis=0)), horizon)
        self._edges = []

    def choice(self, lookbacks, seconds, season, smoothed, unmeasured):
        """Return the best `Choice` and its error.

        Args:
            lookbacks: Candidates of the lookback of the autoregression.
            seconds: As in `choose`.
            season: Season of the smoothing.
            smoothed: Lookback of the smoothing, or `None`: there is no smoothing.
            unmeasured: Weight of the smoothing if the series is too short to measure errors.
        """
        is_short = len(self.series) <= _SHORT
        self._divide(max(*lookbacks, smoothed or 1), *(_SHORT_SCORED if is_short else _LONG_SCORED))
        members = self._autoregressions(lookbacks, seconds)
        if not members:
            return Choice(lookbacks[0], None, smoothed or 1, season, unmeasured), np.inf
        errors = {steps: self._error(forecasts) for steps, (forecasts, _) in members.items()}
        best = next(steps for steps, error in errors.items() if error <= _TOLERANCE * min(errors.values()))
        forecasts, alpha = members[best]
        choice = Choice(best, alpha, bounds=self.bounds)
        if smoothed is None:
            return choice, errors[best]
        others, _ = self._forecasts(lambda: Smoothing(self.target_columns, season), smoothed)
        weight = _weight(errors[best] ** 2, self._error(others) ** 2, len(others) / self.horizon)
        if weight < _LEAST_WEIGHT:
            return choice, errors[best]
        choice = dataclasses.replace(choice, smoothed=smoothed, season=season, weight=weight)
        return choice, self._error(weight * others + (1 - weight) * forecasts)

    def _divide(self, longest, share, n_blocks):
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
        self._edges = edges if end > longest else []

    def _autoregressions(self, lookbacks, seconds):
        """Return the forecasts and the penalties of autoregressions, a dict from lookback; see `choose`."""
        started = time.monotonic()
        n_rows, n_outputs = min(len(self.series), autoregression.MAX_ROWS), self.horizon * self.outputs.shape[1]
        n_channels = self.series.shape[1]

        def cost(lookback):
            """Return the operations of a fit up to a constant factor: outputs, lagged products, decomposition."""
            n_features = lookback * n_channels
            return n_rows * (20 * n_outputs + n_features * (n_channels + n_outputs)) + 10 * n_features**3

        members, previous_seconds, previous = {}, 0.0, 1
        for lookback in lookbacks:
            fit_started = time.monotonic()
            expected = previous_seconds * cost(lookback) / cost(previous)
            if seconds is not None and members and fit_started - started + expected > seconds:
                continue
            if not self._edges or self._edges[0] - lookback - self.horizon + 1 < _MIN_FITTED:
                continue
            forecasts, last = self._forecasts(lambda: Autoregression(self.target_columns), lookback)
            members[lookback] = forecasts, last.alpha
            previous_seconds, previous = time.monotonic() - fit_started, lookback
        return dict(sorted(members.items()))

    def _forecasts(self, unfitted, lookback):
        """Return the forecasts `(n, m)` of all blocks, each fitted before its block, and that of the last block.

        Args:
            unfitted: Function that returns a new `Autoregression` or `Smoothing`.
            lookback: Number of steps of a window.
        """
        predicted = []
        for first, end in itertools.pairwise(self._edges):
            forecast = unfitted().fit(self.series[:first], self.outputs[:first], lookback, self.horizon)
            steps = slice(first - lookback, end + self.horizon - 1)
            windows, _ = windows_of(self.series[steps], self.outputs[steps], lookback, self.horizon)
            predicted.append(forecast.predict(windows))
        return np.concatenate(predicted), forecast

    def _error(self, forecasts):
        """Return the root mean squared error of the forecasts of all blocks, in standard deviations of the targets."""
        steps = np.arange(self._edges[0], self._edges[-1])[:, None] + np.arange(self.horizon)
        future = self._truth[steps].reshape(len(forecasts), -1)
        return float(np.sqrt(np.square((unscaled(forecasts, self.bounds) - future) / self._unit).mean()))


def _weight(autoregressed, smoothed, n_independent):
    """Return the weight of a smoothing for the mean squared errors of both members; see `choose`."""
    if not autoregressed or not smoothed:
        return float(not smoothed)
    ratio = smoothed / autoregressed
    return float(1 / (1 + ratio ** max(1.0, n_independent / 2) / _ODDS))
