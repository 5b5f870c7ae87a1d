"""Windows of a time series for forecasting."""

import numpy as np

from autonas.arguments import checks


def make_windows(series, lookback, horizon=1, target_columns=None):
    """Return all windows of `lookback` steps of a series with the `horizon` steps that follow.

    Args:
        series: Array `(time,)` or `(time, channels)`, or a DataFrame of numbers, in order of time.
        lookback: Number of steps of a window, the input of a forecast.
        horizon: Number of steps to forecast. Defaults to 1.
        target_columns: Indices of the channels to forecast. Defaults to `None`: all channels.

    Returns:
        Tuple of `x` `(rows, lookback, channels)` and `y` `(rows, horizon * targets)`. Row i of `x` has the steps i to
        i + lookback - 1. A row of `y` has all targets of the first step, then all targets of the second step, and so
        on.

    Raises:
        ValueError: If the series is shorter than `lookback + horizon`, or an argument is out of range.
    """
    for name, value in (("lookback", lookback), ("horizon", horizon)):
        checks.check_integer(name, value, 1, "a positive number of steps")
    series = np.asarray(series)
    if series.ndim not in (1, 2):
        raise ValueError(f"`series` must have shape (time,) or (time, channels). Received: shape {series.shape}")
    series = series.reshape(len(series), -1)
    if len(series) < lookback + horizon:
        raise ValueError(
            f"`series` must have at least lookback + horizon = {lookback + horizon} steps. "
            f"Received: {len(series)} steps"
        )
    n_channels = series.shape[1]
    targets = list(range(n_channels)) if target_columns is None else list(np.atleast_1d(target_columns))
    if not targets or any(not -n_channels <= column < n_channels for column in targets):
        raise ValueError(
            f"`target_columns` must be indices of the {n_channels} channels. Received: {target_columns!r:.60}"
        )
    windows = np.lib.stride_tricks.sliding_window_view(series, lookback + horizon, axis=0)  # (rows, channels, steps)
    x = np.ascontiguousarray(windows[:, :, :lookback].transpose(0, 2, 1))
    y = np.ascontiguousarray(windows[:, targets, lookback:].transpose(0, 2, 1)).reshape(len(x), -1)
    return x, y


def last_window(series, lookback):
    """Return the last window of a series, `(1, lookback, channels)`, the input of a forecast of future steps."""
    series = np.asarray(series)
    if len(series) < lookback:
        raise ValueError(f"`series` must have at least lookback = {lookback} steps. Received: {len(series)} steps")
    return series.reshape(len(series), -1)[None, -lookback:]
