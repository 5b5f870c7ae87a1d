"""Linear forecasts: the last observed value plus a linear function of the window before it."""

import numpy as np
from sklearn.linear_model import RidgeCV

from autonas.data.windows import make_windows

_LOOKBACKS = (1, 2, 3, 4, 6, 8, 12, 13, 16, 24, 25, 32, 48, 64, 96, 128, 192, 256)
_ALPHAS = np.logspace(-3, 4, 15)
#: The most recent windows of a series that are fitted; more don't make a linear function better.
_MAX_ROWS = 20_000


class Autoregression:
    """Ridge regression of the change from the last observed value, its penalty by leave-one-out validation.

    The function is linear in the window: with L steps, c channels and m outputs, the forecast is
    `window[:-1] - window[-1]`, flattened, times `kernel` `((L - 1) c, m)`, plus `window[-1]` times `last_kernel`
    `(c, m)`, plus `bias` `(m,)`.

    Args:
        target_columns: Channel of each output whose change is forecast, `(m,)`; `None` if outputs aren't channels.
    """

    def __init__(self, target_columns=None):
        self.target_columns = target_columns

    def fit(self, windows, outputs):
        """Fits the coefficients.

        Args:
            windows: `(n, L, c)`.
            outputs: `(n, m)`.

        Returns:
            self.
        """
        windows, outputs = windows[-_MAX_ROWS:].astype("float64"), outputs[-_MAX_ROWS:].astype("float64")
        differences, last = _parts(windows)
        if self.target_columns is not None:
            outputs = outputs - last[:, self.target_columns]
        center = last.mean(axis=0)
        features = np.concatenate([differences, last - center], axis=1)
        scale = _scale(np.sqrt(np.square(features).mean(axis=0)))
        output_scale = _scale(outputs.std(axis=0))
        ridge = RidgeCV(_ALPHAS).fit(features / scale, outputs / output_scale)
        kernel = np.atleast_2d(ridge.coef_).T / scale[:, None] * output_scale
        self.bias = np.atleast_1d(ridge.intercept_) * output_scale
        self.kernel, self.last_kernel = np.split(kernel, [differences.shape[1]])
        self.bias = self.bias - center @ self.last_kernel
        if self.target_columns is not None:
            self.last_kernel[self.target_columns, np.arange(outputs.shape[1])] += 1.0
        return self

    def predict(self, windows):
        """Forecasts `(n, m)` of windows `(n, L, c)`."""
        differences, last = _parts(windows.astype("float64"))
        return differences @ self.kernel + last @ self.last_kernel + self.bias


def choose_lookback(series, outputs, horizon, target_columns=None, share=0.2):
    """The number of steps to look back on, by the error of linear forecasts of the last part of a series.

    Args:
        series: `(time, channels)`.
        outputs: `(time, targets)`: what is forecast.
        horizon: Steps to forecast.
        target_columns: Channels of `series` that `outputs` are, or `None`.
        share: Share of the steps to measure the error on.

    Returns:
        The least of 1, 2, 3, 4, 6, 8, 12, 13, 16, ... 256, at most a fifth of the series, whose error is within 0.3 %
        of the least one.
    """
    longest = max(1, min(256, len(series) // 5))
    candidates = [n for n in _LOOKBACKS if n <= longest]
    n_scored = max(1, int(share * (len(series) - longest - horizon + 1)))
    errors = []
    for lookback in candidates:
        windows, future = windows_of(series, outputs, lookback, horizon)
        n_fitted = len(windows) - n_scored - horizon
        if n_fitted < 3:
            break
        fitted = Autoregression(repeated(target_columns, horizon)).fit(windows[:n_fitted], future[:n_fitted])
        differences = fitted.predict(windows[-n_scored:]) - future[-n_scored:]
        errors.append(np.sqrt(np.square(differences / _scale(future.std(axis=0))).mean()))
    if not errors:
        return candidates[0]
    return next(n for n, error in zip(candidates, errors, strict=False) if error <= 1.003 * min(errors))


def windows_of(series, outputs, lookback, horizon):
    """Windows `(n, lookback, channels)` and the outputs after each, `(n, horizon * targets)`, step by step."""
    n_channels = series.shape[1]
    columns = np.arange(n_channels, n_channels + outputs.shape[1])
    windows, future = make_windows(np.concatenate([series, outputs], axis=1), lookback, horizon, columns)
    return windows[:, :, :n_channels], future


def repeated(target_columns, horizon):
    """The channel of each output, step by step."""
    return None if target_columns is None else np.tile(target_columns, horizon)


def _parts(windows):
    last = windows[:, -1]
    return (windows[:, :-1] - last[:, None]).reshape(len(windows), -1), last


def _scale(deviation):
    return np.where(deviation > 1e-12, deviation, 1.0)
