"""Execution in this process."""

import pytest

from autonas.execution import serial


def test_a_job_runs_when_it_is_submitted_and_is_handed_out_once():
    executor = serial.SerialExecutor(lambda job: job * 2)
    executor.submit(1)
    assert executor.wait() == [(1, 2)] and executor.wait() == []
    assert executor.slots == 1


def test_an_interrupt_comes_through():
    def interrupt(job):
        raise KeyboardInterrupt

    executor = serial.SerialExecutor(interrupt)
    with pytest.raises(KeyboardInterrupt):
        executor.submit(1)
    assert executor.wait() == []
