"""Timing: a call takes what it takes, whoever else uses the machine."""

import itertools
import subprocess
import sys
import time

import pytest

from autonas.objectives import timing


def work():
    return sum(range(20_000))


def test_a_call_that_waits_takes_the_time_that_passes():
    milliseconds, spread = timing.time_calls(lambda: time.sleep(0.004))
    assert 4 <= milliseconds < 6
    assert 0 <= spread < 4


def test_waits_do_not_count_where_the_calling_thread_does_the_work():
    milliseconds, _ = timing.time_calls(lambda: time.sleep(0.004), runs_in_caller=True)
    assert milliseconds < 1


def test_twice_the_work_takes_twice_the_time():
    once, _ = timing.time_calls(work, runs_in_caller=True)
    twice, _ = timing.time_calls(lambda: (work(), work()), runs_in_caller=True)
    assert twice == pytest.approx(2 * once, rel=0.25)


def test_other_processes_do_not_count():
    alone, _ = timing.time_calls(work, runs_in_caller=True)
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
    try:
        time.sleep(0.2)
        shared, _ = timing.time_calls(work, runs_in_caller=True)
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
    assert shared == pytest.approx(alone, rel=0.25)


def test_the_quietest_block_counts_and_the_spread_is_that_of_all_calls():
    # Of 100 calls, those of the second tenth take 1 ms, the others 3.
    times = itertools.chain([1e-3] * 2, [3e-3] * 10, [1e-3] * 10, itertools.repeat(3e-3))
    now = itertools.accumulate(itertools.chain([0.0], (step for each in times for step in (each, 0.0))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timing, "_MOST", 100)
        patch.setattr(timing, "_WARM_UP", 0.0)
        patch.setattr(timing.time, "thread_time", lambda: next(now))
        milliseconds, spread = timing.time_calls(lambda: None, runs_in_caller=True, seconds=60)
    assert milliseconds == pytest.approx(1.0)
    assert spread == pytest.approx(0.0, abs=1e-9)


def test_slow_calls_are_few():
    calls = []
    timing.time_calls(lambda: calls.append(time.sleep(0.02)), seconds=0.01)
    assert len(calls) == 12  # Two of them warm up.
