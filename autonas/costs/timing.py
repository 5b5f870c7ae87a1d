"""Timing: how long a call takes that is made again and again, on a machine that others use too."""

import os
import time

import numpy as np

#: The fewest and the most calls that are timed.
_FEWEST, _MOST = 10, 2000
#: Calls before these: their share of the seconds, and the fewest of them.
_WARM_UP, _FEWEST_WARM_UP = 0.1, 2
#: Number of blocks of consecutive calls.
_BLOCKS = 10


def time_calls(function, runs_in_caller=False, seconds=0.2):
    """Milliseconds that a call takes: the median of repeated calls while the machine is the least disturbed.

    After a warm-up, calls are made for some seconds, 10 at least and 2000 at most. They are taken in 10 blocks of
    consecutive ones; the result is the smallest of the blocks' medians. If the calling thread does all the work, a
    call's time is that of the thread on its processor: on an idle machine that is the time that passes, and on one that
    others use it leaves out the waits for the processor.

    Why not the plain median of the time that passes: a call longer than the slices of time by which processes take
    turns is interrupted each time. On a machine of two cores with two busy loops on the same core, a LiteRT model of
    4.7 ms took 16.8 ms by the plain median and 4.7 ms by this one, one of 17.6 ms took 79.8 and 17.6; models of less
    than 1 ms took the same by both. The quietest block helps where only the time that passes is known, with several
    threads and on a GPU; on models of 0.02 to 2 ms it was off by at most 0.13 where the median was by a factor of 9.

    Args:
        function: Function without arguments.
        runs_in_caller: Whether the calling thread does all of its work. Defaults to `False`.
        seconds: For how long calls are made. Defaults to 0.2.

    Returns:
        The milliseconds of a call, and the interquartile range of all calls.
    """
    # The processor's clock of Windows has steps of 16 ms.
    clock = time.thread_time if runs_in_caller and os.name != "nt" else time.perf_counter
    _call(function, clock, _WARM_UP * seconds, _FEWEST_WARM_UP)
    times = 1000.0 * np.array(_call(function, clock, seconds, _FEWEST))
    quietest = min(np.median(block) for block in np.array_split(times, _BLOCKS))
    return float(quietest), float(np.subtract(*np.quantile(times, [0.75, 0.25])))


def _call(function, clock, seconds, fewest):
    """Seconds of each of the calls that are made for so many seconds."""
    times = []
    end = time.perf_counter() + seconds
    while len(times) < fewest or (time.perf_counter() < end and len(times) < _MOST):
        began = clock()
        function()
        times.append(clock() - began)
    return times
