"""Timing of repeated calls, robust to other load on the machine."""

import os
import time
from collections.abc import Callable

import numpy as np

#: Minimum and maximum number of timed calls.
_FEWEST, _MOST = 10, 2000
#: Warm-up calls: their share of the seconds, and their minimum number.
_WARM_UP, _FEWEST_WARM_UP = 0.1, 2
#: Number of blocks of consecutive calls.
_BLOCKS = 10


def time_calls(
    function: Callable[[], object], runs_in_caller: bool = False, seconds: float = 0.2
) -> tuple[float, float]:
    """Measure the milliseconds of a call, as the median of repeated calls in the quietest tenth of the measurement.

    After a warm-up, `function` is called repeatedly for `seconds`, at least 10 and at most 2000 times. The calls are
    split into 10 blocks of consecutive calls, and the smallest median of a block is returned. If the calling thread
    does all the work, the thread's processor time is measured instead of wall-clock time, which excludes the waits for
    the processor on a busy machine.

    The plain median of wall-clock times would overestimate on a busy machine: a call longer than the scheduler's time
    slice is interrupted every time. Taking the quietest block reduces the error where only the wall-clock time is
    known, with several threads and on a GPU.

    Args:
        function: Function without arguments.
        runs_in_caller: Whether the calling thread does all the work of `function`. Defaults to `False`.
        seconds: Seconds of repeated calls. Defaults to 0.2.

    Returns:
        Tuple of the milliseconds of a call and the interquartile range of all calls in milliseconds.
    """
    # On Windows the resolution of the processor clock is 16 ms.
    clock = time.thread_time if runs_in_caller and os.name != "nt" else time.perf_counter
    _call(function, clock, _WARM_UP * seconds, _FEWEST_WARM_UP)
    times = 1000.0 * np.array(_call(function, clock, seconds, _FEWEST))
    quietest = min(np.median(block) for block in np.array_split(times, _BLOCKS))
    return float(quietest), float(np.subtract(*np.quantile(times, [0.75, 0.25])))


def _call(function: Callable[[], object], clock: Callable[[], float], seconds: float, fewest: int) -> list[float]:
    """Call a function repeatedly for `seconds` and return the list of the calls' durations in seconds."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < fewest or (time.perf_counter() < end and len(times) < _MOST):
        began = clock()
        function()
        times.append(clock() - began)
    return times
