"""From one long series to rows for forecasting."""

import numpy as np

from autonas.arguments import checks


def make_windows(series, lookback, horizon=1, target_columns=None):
    """Cuts a series into all pairs of `lookback` steps and the `horizon` steps that follow.

    Args:
        series: Array `(time,)` or `(time, channels)`, or a DataFrame of numbers, in order of time.
        lookback: Number of steps that a forecast looks back on.
        horizon: Number of steps to forecast.
        target_columns: Indices of the channels to forecast. None takes all.

    Returns:
        Tuple `x` `(rows, lookback, channels)`, `y` `(rows, horizon * targets)`, the latter step by step;
        row i looks back on the steps i to i + lookback - 1.

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
    """Returns the last `lookback` steps of a series as a row `(1, lookback, channels)`, to forecast from."""
    series = np.asarray(series)
    if len(series) < lookback:
        raise ValueError(f"`series` must have at least lookback = {lookback} steps. Received: {len(series)} steps")
    return series.reshape(len(series), -1)[None, -lookback:]
