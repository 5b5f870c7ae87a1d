"""Linear forecasts: the last observed value plus a linear function of the window before it."""

import time

import numpy as np
import scipy.linalg

from autonas.data.windows import make_windows

_LOOKBACKS = (1, 2, 3, 4, 6, 8, 12, 13, 16, 24, 25, 32, 48, 64, 96, 128, 192, 256)
_ALPHAS = np.logspace(-3, 4, 15)
#: The most recent windows of a series that are fitted; more don't make a linear function better.
_MAX_ROWS = 20_000
#: The most recent windows that the error of a lookback is measured on.
_MAX_SCORED = 5_000
#: Values of a window that a linear forecast uses at most, the most recent ones: the decomposition of their covariance
#: takes some seconds, and eight times as long for twice as many.
_MAX_FEATURES = 2_048
#: Windows that are predicted at a time, to save memory.
_BATCH = 1_024


class Autoregression:
    """Ridge regression of the change from the last observed value, its penalty by generalised cross-validation.

    The function is linear in the window: with L steps, c channels and m outputs, the forecast is
    `window[:-1] - window[-1]`, flattened, times `kernel` `((L - 1) c, m)`, plus `window[-1]` times `last_kernel`
    `(c, m)`, plus `bias` `(m,)`. The earliest values of a window of more than 2,048, or of more than half as many as
    there are windows, have coefficients of zero.

    The windows of a series overlap, so their covariance is computed without them: in terms of the changes from step to
    step, the covariance of the lags i + 1 and j + 1 is that of the lags i and j, but for the first and the last window.

    Args:
        target_columns: Channel of each target, whose change is forecast; `None` if targets aren't channels.
        alpha: Penalty of the squares of the coefficients of scaled features. Defaults to `None`: the one of 0.001 to
            10,000 with the least error in generalised cross-validation (Golub, Heath and Wahba 1979).

    Attributes:
        alpha: The penalty, after `fit`.
    """

    def __init__(self, target_columns=None, alpha=None):
        self.target_columns = target_columns
        self.alpha = alpha

    def fit(self, series, outputs, lookback, horizon):
        """Fits the coefficients to all windows of a series, or to the most recent 20,000.

        Args:
            series: `(time, c)`.
            outputs: `(time, targets)`: what is forecast, for m = `horizon * targets` outputs, step by step.
            lookback: Number of steps L of a window.
            horizon: Number of steps to forecast.

        Returns:
            self.
        """
        most = _MAX_ROWS + lookback + horizon - 1
        series, outputs = series[-most:].astype("float64"), outputs[-most:].astype("float64")
        n_channels, n_windows = series.shape[1], len(series) - lookback - horizon + 1
        steps = min(lookback, max(1, min(_MAX_FEATURES, n_windows // 2) // n_channels))
        last = series[lookback - 1 : lookback - 1 + n_windows]
        future = np.lib.stride_tricks.sliding_window_view(outputs, horizon, axis=0)[lookback:]
        future = future.transpose(0, 2, 1).reshape(n_windows, -1)
        columns = repeated(self.target_columns, horizon)
        if columns is not None:
            future = future - last[:, columns]
        units, future_mean, last_mean = _scale(series.std(axis=0)), future.mean(axis=0), last.mean(axis=0)
        future_units = _scale(future.std(axis=0))
        centered = np.concatenate([(last - last_mean) / units, (future - future_mean) / future_units], axis=1)
        means, covariance, cross = _moments(series / units, lookback, steps, centered)
        # What is left of `centered` are the last values, the last of the features, and the outputs.
        squares = centered.T @ centered
        covariance = np.block(
            [[covariance, cross[:, :n_channels]], [cross[:, :n_channels].T, squares[:n_channels, :n_channels]]]
        )
        cross = np.concatenate([cross[:, n_channels:], squares[:n_channels, n_channels:]])
        scale = np.diag(covariance) / n_windows + np.concatenate([means, np.zeros(n_channels)]) ** 2
        scale = _scale(np.sqrt(scale))
        solution = self._solve(
            covariance / np.outer(scale, scale),
            cross / scale[:, None],
            n_windows,
            np.trace(squares[n_channels:, n_channels:]),
        )
        kernel = solution / scale[:, None] * future_units
        self.bias = future_mean - means @ kernel[:-n_channels] - (last_mean / units) @ kernel[-n_channels:]
        self.last_kernel = kernel[-n_channels:] / units[:, None]
        self.kernel = np.zeros(((lookback - 1) * n_channels, kernel.shape[1]))
        if steps > 1:
            self.kernel[-(steps - 1) * n_channels :] = kernel[:-n_channels] / np.tile(units, steps - 1)[:, None]
        if columns is not None:
            self.last_kernel[columns, np.arange(len(columns))] += 1.0
        return self

    def _solve(self, covariance, cross, n_windows, total):
        """The ridge regression with the normal equations `(covariance + alpha I) x = cross`; chooses `alpha`.

        Args:
            covariance: Sums of the products of the centered features, `(p, p)`.
            cross: Sums of their products with the centered outputs, `(p, m)`.
            n_windows: Number of rows that the sums are of.
            total: Sum of the squares of all outputs.
        """
        if self.alpha is not None:
            regularised = covariance + self.alpha * np.eye(len(covariance))
            return scipy.linalg.solve(regularised, cross, assume_a="pos")
        values, vectors = scipy.linalg.eigh(covariance)
        rotated = vectors.T @ cross
        spanned = values > 1e-10 * values[-1]
        values, explained = np.where(spanned, values, 0.0), np.square(rotated).sum(axis=1)
        n_free = max(0, n_windows - 1 - int(spanned.sum()))
        # The error of least squares and what the penalty adds; of a difference of large numbers little would be left.
        least = max(0.0, total - (explained[spanned] / values[spanned]).sum()) if n_free else 0.0
        shrunk = _ALPHAS[:, None] / (values[spanned] + _ALPHAS[:, None])
        errors = least + np.square(shrunk) @ (explained[spanned] / values[spanned])
        scores = errors / np.square(n_free + shrunk.sum(axis=1))
        best = int(np.argmin(scores))
        self.alpha = float(_ALPHAS[best])
        return vectors @ (rotated / (values + self.alpha)[:, None])

    def predict(self, windows):
        """Forecasts `(n, m)` of windows `(n, L, c)`."""
        return np.concatenate(
            [self._predict(windows[start : start + _BATCH]) for start in range(0, max(1, len(windows)), _BATCH)]
        )

    def _predict(self, windows):
        windows = windows.astype("float64")
        last = windows[:, -1]
        differences = (windows[:, :-1] - last[:, None]).reshape(len(windows), -1)
        return differences @ self.kernel + last @ self.last_kernel + self.bias


def choose_lookback(series, outputs, horizon, target_columns=None, seconds=None):
    """Chooses the number of steps to look back on by the error of linear forecasts of the last fifth of a series.

    Args:
        series: `(time, channels)`.
        outputs: `(time, targets)`: what is forecast.
        horizon: Steps to forecast.
        target_columns: Channels of `series` that `outputs` are, or `None`.
        seconds: Seconds that the choice may take: lookbacks whose fit is expected to take longer aren't tried, and nor
            are those beyond. Defaults to `None`: no limit.

    Returns:
        The least of 1, 2, 3, 4, 6, 8, 12, 13, 16, ... 256, at most a fifth of the series and of 2,048 values, whose
        error is within 0.3 % of the least one; and the penalty of its linear forecast.
    """
    started = time.monotonic()
    n_channels = series.shape[1]
    longest = max(1, min(256, len(series) // 5, _MAX_FEATURES // n_channels))
    n_scored = min(_MAX_SCORED, max(1, int(0.2 * (len(series) - longest - horizon + 1))))
    n_rows, n_outputs = min(len(series), _MAX_ROWS), horizon * outputs.shape[1]

    def cost(lookback):
        """Operations of a fit, up to a factor: passes over the outputs, products with the lags, the decomposition."""
        n_features = lookback * n_channels
        return n_rows * (20 * n_outputs + n_features * (n_channels + n_outputs)) + 10 * n_features**3

    errors, alphas, took, previous = {}, {}, 0.0, 1
    for lookback in (n for n in _LOOKBACKS if n <= longest):
        begun = time.monotonic()
        expected = took * cost(lookback) / cost(previous)
        if seconds is not None and errors and begun - started + expected > seconds:
            break
        n_fitted = len(series) - lookback - horizon + 1 - n_scored - horizon
        if n_fitted < 3:
            break
        end = n_fitted + lookback + horizon - 1
        fitted = Autoregression(target_columns).fit(series[:end], outputs[:end], lookback, horizon)
        begin = len(series) - n_scored - lookback - horizon + 1
        windows, future = windows_of(series[begin:], outputs[begin:], lookback, horizon)
        differences = (fitted.predict(windows) - future) / _scale(future.std(axis=0))
        errors[lookback], alphas[lookback] = np.sqrt(np.square(differences).mean()), fitted.alpha
        took, previous = time.monotonic() - begun, lookback
    if not errors:
        return 1, None
    lookback = next(n for n, error in errors.items() if error <= 1.003 * min(errors.values()))
    return lookback, alphas[lookback]


def windows_of(series, outputs, lookback, horizon):
    """Windows `(n, lookback, channels)` and the outputs after each, `(n, horizon * targets)`, step by step."""
    n_channels = series.shape[1]
    columns = np.arange(n_channels, n_channels + outputs.shape[1])
    windows, future = make_windows(np.concatenate([series, outputs], axis=1), lookback, horizon, columns)
    return windows[:, :, :n_channels], future


def repeated(target_columns, horizon):
    """The channel of each output, step by step."""
    return None if target_columns is None else np.tile(target_columns, horizon)


def _moments(series, lookback, steps, centered):
    """Sums over all windows of a series that `centered` has a row of.

    The features are the values of the last `steps` steps of a window but the last one, less the last one, flattened.

    Args:
        series: `(time, c)`, scaled.
        lookback: Number of steps of a window.
        steps: Number of steps whose values are features.
        centered: What else there is of each window, with a mean of zero, `(n, k)`.

    Returns:
        Means of the features, sums of the products of the centered features, and of these with `centered`.
    """
    n_windows, n_channels, n_lags = len(centered), series.shape[1], steps - 1
    changes = np.diff(series, axis=0, prepend=series[:1])
    drift = changes[1:].mean(axis=0)
    changes -= drift

    def lagged(lag):
        """The change from step to step that is `lag` steps before the end of each window."""
        return changes[lookback - 1 - lag : lookback - 1 - lag + n_windows]

    if not n_lags:
        return np.zeros(0), np.zeros((0, 0)), np.zeros((0, centered.shape[1]))
    means = np.array([lagged(lag).mean(axis=0) for lag in range(n_lags)])
    cross = np.array([lagged(lag).T @ centered for lag in range(n_lags)])
    products = np.empty((n_lags, n_lags, n_channels, n_channels))
    for lag in range(n_lags):
        products[0, lag] = lagged(0).T @ lagged(lag)
    # The window before the first one comes in, the last one goes out.
    entering = changes[lookback - 2 :: -1][: n_lags - 1]
    leaving = changes[lookback - 2 + n_windows :: -1][: n_lags - 1]
    for lag in range(1, n_lags):
        products[lag, 0] = products[0, lag].T
        enters = entering[lag - 1][:, None] * entering[:, None, :]
        leaves = leaving[lag - 1][:, None] * leaving[:, None, :]
        products[lag, 1:] = products[lag - 1, :-1] + enters - leaves
    products -= n_windows * means[:, None, :, None] * means[None, :, None, :]
    # The difference from the last value is the sum of the changes since then, with the sign changed.
    products = products.cumsum(axis=0).cumsum(axis=1)[::-1, ::-1]
    size = n_lags * n_channels
    means = -means.cumsum(axis=0) - drift * np.arange(1, steps)[:, None]
    cross = -cross.cumsum(axis=0)[::-1].reshape(size, -1)
    return means[::-1].reshape(-1), products.transpose(0, 2, 1, 3).reshape(size, size), cross


def _scale(deviation):
    return np.where(deviation > 1e-12, deviation, 1.0)
