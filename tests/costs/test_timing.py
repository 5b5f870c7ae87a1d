"""Timing: a call takes what it takes, whoever else uses the machine."""

import itertools
import time

import pytest

from autonas.costs import timing


class Machine:
    """The clocks of a machine that nobody else uses, unless `share` of the processor is less than 1."""

    def __init__(self, share=1.0):
        self.share = share
        self.passed = self.used = 0.0

    def perf_counter(self):
        return self.passed

    def thread_time(self):
        return self.used

    def work(self, seconds):
        self.passed += seconds / self.share
        self.used += seconds

    def wait(self, seconds):
        self.passed += seconds


@pytest.fixture
def machine(monkeypatch):
    """Function that puts the clocks of a new `Machine` in place of the real ones."""

    def machine(share=1.0):
        clocks = Machine(share)
        monkeypatch.setattr(timing.time, "perf_counter", clocks.perf_counter)
        monkeypatch.setattr(timing.time, "thread_time", clocks.thread_time)
        return clocks

    return machine


def test_a_call_that_waits_takes_the_time_that_passes(machine):
    clocks = machine()
    milliseconds, spread = timing.time_calls(lambda: clocks.wait(0.004))
    assert milliseconds == pytest.approx(4.0) and spread == pytest.approx(0.0, abs=1e-6)


def test_waits_do_not_count_where_the_calling_thread_does_the_work(machine):
    clocks = machine()
    milliseconds, _ = timing.time_calls(lambda: (clocks.wait(0.004), clocks.work(0.001)), runs_in_caller=True)
    assert milliseconds == pytest.approx(1.0)


def test_other_processes_do_not_count(machine):
    clocks = machine(share=0.2)
    milliseconds, _ = timing.time_calls(lambda: clocks.work(0.004), runs_in_caller=True)
    assert milliseconds == pytest.approx(4.0)


def test_the_clocks_are_those_of_the_operating_system():
    def work():
        return sum(range(20_000))

    milliseconds, spread = timing.time_calls(work, runs_in_caller=True, seconds=0.05)
    assert milliseconds > 0 and spread >= 0
    # The time that passes is never less than the time of the thread, which leaves out the waits.
    waiting, _ = timing.time_calls(lambda: time.sleep(0.004), seconds=0.05)
    assert waiting >= 4


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


def test_slow_calls_are_few(machine):
    clocks, calls = machine(), []
    timing.time_calls(lambda: calls.append(clocks.work(0.02)), seconds=0.01)
    assert len(calls) == 12  # Two of them warm up.
