"""Autoregression: a linear forecast of a time series by ridge regression."""

import numpy as np
import scipy.linalg

from autonas.data.windows import make_windows

#: Candidates of the ridge penalty.
_ALPHAS = np.logspace(-3, 4, 15)
#: Number of windows up to which the choice of the penalty counts overlaps. More windows show the dynamics themselves.
_FEW_WINDOWS = 400
#: Maximum number of windows of a fit, the most recent ones. More windows don't improve a linear function.
MAX_ROWS = 20_000
#: Maximum number of values of a window in a linear forecast, the most recent ones. The eigendecomposition of their
#: covariance takes some seconds, with a cost cubic in the number.
MAX_FEATURES = 2_048
#: Number of windows per batch of predictions, which bounds the memory.
_BATCH = 1_024


class Autoregression:
    """Linear forecast by ridge regression of the change since the last observed value.

    For windows of L steps and c channels, the m outputs of the forecast are

        flatten(window[:-1] - window[-1]) @ kernel + window[-1] @ last_kernel + bias

    with `kernel` `((L - 1) c, m)`, `last_kernel` `(c, m)` and `bias` `(m,)`. At most 2,048 values of a window, and at
    most half as many as there are windows, have nonzero coefficients. These are the most recent values.

    As windows overlap, their covariance is computed by a recursion instead of from the windows. For differences of
    successive steps, the covariances at the lags (i + 1, j + 1) and (i, j) differ only by the terms of the first and
    the last window.

    Args:
        target_columns: Channel of every target, whose change is forecast, or `None` if the targets aren't channels.
            Defaults to `None`.
        alpha: Ridge penalty for scaled features. Defaults to `None`: chosen from 0.001 to 10,000 by generalised
            cross-validation (Golub, Heath and Wahba 1979). In a fit of at most 400 windows, each degree of freedom
            counts (horizon + 1) / 2 times (see Altman 1990 on correlated errors): the errors of forecasts of j steps
            are correlated over j windows. Without this factor, the level of a random walk of few steps seems to return
            to its mean.

    Attributes:
        alpha: Ridge penalty, chosen in `fit` if it was `None`.
    """

    def __init__(self, target_columns=None, alpha=None):
        self.target_columns = target_columns
        self.alpha = alpha

    def fit(self, series, outputs, lookback, horizon):
        """Fit the coefficients to the windows of a series, at most the most recent 20,000.

        Args:
            series: Inputs, `(time, c)`.
            outputs: Series of the targets, `(time, targets)`. A forecast has m = `horizon * targets` outputs, all
                targets of the first step first.
            lookback: Number of steps L of a window.
            horizon: Number of steps to forecast.

        Returns:
            self.
        """
        max_steps = MAX_ROWS + lookback + horizon - 1
        series, outputs = series[-max_steps:].astype("float64"), outputs[-max_steps:].astype("float64")
        n_channels, n_windows = series.shape[1], len(series) - lookback - horizon + 1
        steps = min(lookback, max(1, min(MAX_FEATURES, n_windows // 2) // n_channels))
        last = series[lookback - 1 : lookback - 1 + n_windows]
        future = np.lib.stride_tricks.sliding_window_view(outputs, horizon, axis=0)[lookback:]
        future = future.transpose(0, 2, 1).reshape(n_windows, -1)
        columns = repeated(self.target_columns, horizon)
        if columns is not None:
            future = future - last[:, columns]
        units, future_mean, last_mean = scale_of(series.std(axis=0)), future.mean(axis=0), last.mean(axis=0)
        future_units = scale_of(future.std(axis=0))
        centered = np.concatenate([(last - last_mean) / units, (future - future_mean) / future_units], axis=1)
        means, covariance, cross = _moments(series / units, lookback, steps, centered)
        # `centered` has the last values, which are further features, and the outputs.
        squares = centered.T @ centered
        covariance = np.block(
            [[covariance, cross[:, :n_channels]], [cross[:, :n_channels].T, squares[:n_channels, :n_channels]]]
        )
        cross = np.concatenate([cross[:, n_channels:], squares[:n_channels, n_channels:]])
        scale = np.diag(covariance) / n_windows + np.concatenate([means, np.zeros(n_channels)]) ** 2
        # The variance of a feature that is constant within rounding may be negative.
        scale = scale_of(np.sqrt(np.maximum(scale, 0.0)))
        solution = self._solve(
            covariance / np.outer(scale, scale),
            cross / scale[:, None],
            n_windows,
            np.trace(squares[n_channels:, n_channels:]),
            (horizon + 1) / 2 if n_windows <= _FEW_WINDOWS else 1.0,
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

    def _solve(self, covariance, cross, n_windows, total, overlap):
        """Solve the normal equations `(covariance + alpha I) x = cross`, and choose `alpha` if it is `None`.

        Args:
            covariance: Sums of products of the centered features, `(p, p)`.
            cross: Sums of products of the centered features and the centered outputs, `(p, m)`.
            n_windows: Number of windows in the sums.
            total: Sum of the squares of all centered outputs.
            overlap: Number of windows over which errors are correlated, by which degrees of freedom are multiplied.

        Returns:
            Solution x, `(p, m)`.
        """
        if self.alpha is not None:
            regularised = covariance + self.alpha * np.eye(len(covariance))
            return scipy.linalg.solve(regularised, cross, assume_a="pos")
        values, vectors = scipy.linalg.eigh(covariance)
        rotated = vectors.T @ cross
        spanned = values > 1e-10 * values[-1]
        values, explained = np.where(spanned, values, 0.0), np.square(rotated).sum(axis=1)
        # Add the error due to the penalty to the least squares error: a difference of large sums would lose precision.
        is_exact = spanned.sum() >= n_windows - 1
        residual = 0.0 if is_exact else max(0.0, total - (explained[spanned] / values[spanned]).sum())
        shrunk = _ALPHAS[:, None] / (values[spanned] + _ALPHAS[:, None])
        errors = residual + np.square(shrunk) @ (explained[spanned] / values[spanned])
        n_free = n_windows - 1 - overlap * (1.0 - shrunk).sum(axis=1)
        scores = np.where(n_free > 0, errors / np.square(n_free), np.inf)
        # The last of equal scores: the largest penalty, if none leaves a degree of freedom.
        self.alpha = float(_ALPHAS[::-1][np.argmin(scores[::-1])])
        return vectors @ (rotated / (values + self.alpha)[:, None])

    def predict(self, windows):
        """Return the forecasts `(n, m)` for windows `(n, L, c)`."""
        return predict(self, windows)


def predict(forecast, windows):
    """Return the forecasts `(n, m)` of an `Autoregression` or of other coefficients for windows `(n, L, c)`."""
    batches = [windows[start : start + _BATCH] for start in range(0, max(1, len(windows)), _BATCH)]
    return np.concatenate([_predict(forecast, batch) for batch in batches])


def _predict(forecast, windows):
    windows = windows.astype("float64")
    last = windows[:, -1]
    differences = (windows[:, :-1] - last[:, None]).reshape(len(windows), -1)
    return differences @ forecast.kernel + last @ forecast.last_kernel + forecast.bias


def windows_of(series, outputs, lookback, horizon):
    """Return the windows `(n, lookback, channels)` of a series and the following outputs `(n, horizon * targets)`."""
    n_channels = series.shape[1]
    columns = np.arange(n_channels, n_channels + outputs.shape[1])
    windows, future = make_windows(np.concatenate([series, outputs], axis=1), lookback, horizon, columns)
    return windows[:, :, :n_channels], future


def repeated(target_columns, horizon):
    """Return the channel of every output of a forecast of `horizon` steps, or `None`."""
    return None if target_columns is None else np.tile(target_columns, horizon)


def _moments(series, lookback, steps, centered):
    """Compute first and second moments of the features of the windows of a series.

    The features of a window are the differences of its last `steps` steps, without the last one, from its last step,
    flattened to p = `(steps - 1) * c` values.

    Args:
        series: Scaled series, `(time, c)`.
        lookback: Number of steps of a window.
        steps: Number of steps whose values are features.
        centered: Further variables of the n windows, with mean zero, `(n, k)`.

    Returns:
        Means of the features `(p,)`, sums of products of the centered features `(p, p)`, and sums of products of the
        centered features and `centered` `(p, k)`.
    """
    n_windows, n_channels, n_lags = len(centered), series.shape[1], steps - 1
    changes = np.diff(series, axis=0, prepend=series[:1])
    drift = changes[1:].mean(axis=0)
    changes -= drift

    def lagged(lag):
        """Return the change at the step `lag` steps before the last step, for every window."""
        return changes[lookback - 1 - lag : lookback - 1 - lag + n_windows]

    if not n_lags:
        return np.zeros(0), np.zeros((0, 0)), np.zeros((0, centered.shape[1]))
    means = np.array([lagged(lag).mean(axis=0) for lag in range(n_lags)])
    cross = np.array([lagged(lag).T @ centered for lag in range(n_lags)])
    products = np.empty((n_lags, n_lags, n_channels, n_channels))
    for lag in range(n_lags):
        products[0, lag] = lagged(0).T @ lagged(lag)
    # From one lag to the next, the window before the first one is added and the last window is removed.
    entering = changes[lookback - 2 :: -1][: n_lags - 1]
    leaving = changes[lookback - 2 + n_windows :: -1][: n_lags - 1]
    for lag in range(1, n_lags):
        products[lag, 0] = products[0, lag].T
        enters = entering[lag - 1][:, None] * entering[:, None, :]
        leaves = leaving[lag - 1][:, None] * leaving[:, None, :]
        products[lag, 1:] = products[lag - 1, :-1] + enters - leaves
    products -= n_windows * means[:, None, :, None] * means[None, :, None, :]
    # The difference of a step from the last step is minus the sum of the changes between them.
    products = products.cumsum(axis=0).cumsum(axis=1)[::-1, ::-1]
    size = n_lags * n_channels
    means = -means.cumsum(axis=0) - drift * np.arange(1, steps)[:, None]
    cross = -cross.cumsum(axis=0)[::-1].reshape(size, -1)
    return means[::-1].reshape(-1), products.transpose(0, 2, 1, 3).reshape(size, size), cross


def scale_of(deviation):
    """Return deviations with 1 in place of those that are about 0."""
    return np.where(deviation > 1e-12, deviation, 1.0)
