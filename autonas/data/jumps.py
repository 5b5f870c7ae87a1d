"""Jumps of a series: rare changes that are far larger than usual, of outliers and of shifts of the level."""

import numpy as np

#: Quantile of the sizes of changes, and the multiple of it beyond which a change is a jump.
_USUAL, _MULTIPLE = 0.9, 4.0
#: Largest fraction of changes that are jumps. More of them are usual, such as the steps of a season.
_LARGEST_SHARE = 0.05
#: Limit of the changes of a channel without jumps.
_UNLIMITED = 1e30
#: Number of last steps whose median tells an outlier at the end from a shift of the level.
LEVEL_STEPS = 5


def largest_changes(series):
    """Return the limit of the changes between two steps of each channel, beyond which a change is a jump.

    A channel of which most steps equal the step before has no jumps: intermittent demand is no outlier.

    Args:
        series: The series, `(time, channels)`.

    Returns:
        List of a number for each channel, or `None` if no channel has jumps.
    """
    sizes = np.abs(np.diff(series, axis=0))
    limits = _MULTIPLE * np.quantile(sizes, _USUAL, axis=0)
    share = (sizes > limits).mean(axis=0)
    has_jumps = (share > 0) & (share <= _LARGEST_SHARE) & (np.median(sizes, axis=0) > 0)
    return np.where(has_jumps, limits, _UNLIMITED).tolist() if has_jumps.any() else None


def without_jumps(steps, limits):
    """Return steps in which no change takes the place of each jump, so that the last step stays as it is.

    With the changes d of steps x and a limit l, a step becomes

        x'_t = x_t + Σ_{s > t, |d_s| > l} d_s.

    So outliers disappear, and the steps before a shift of the level move to the level after it. A last step that is
    further than the limit from the median of the last 5 steps is an outlier, and becomes the median.

    Args:
        steps: Series or windows, `(..., time, channels)`.
        limits: Limits as of `largest_changes`; `None` for no limits.
    """
    if limits is None:
        return steps
    steps = np.array(steps, "float64")
    last, level = steps[..., -1, :], np.median(steps[..., -LEVEL_STEPS:, :], axis=-2)
    steps[..., -1, :] = np.where(np.abs(last - level) > limits, level, last)
    changes = np.diff(steps, axis=-2)
    removed = np.where(np.abs(changes) > limits, changes, 0.0)
    steps[..., :-1, :] += removed[..., ::-1, :].cumsum(axis=-2)[..., ::-1, :]
    return steps
