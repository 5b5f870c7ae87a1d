"""Execution in this process keeps the contract, as far as it isn't about processes."""

import pytest

from autonas.execution import inline
from autonas.testing import executors


class TestInlineExecutor(executors.ExecutorContract):
    isolates = False

    def make(self, n_workers, grace):
        return inline.InlineExecutor()


def test_what_is_reported_is_told_at_once():
    told = []

    def evaluate(job, report):
        assert not report.keeps_checkpoints
        report(1)
        assert told == [(job, 1)]
        report.checkpoint("kept nowhere")

    with inline.InlineExecutor() as executor:
        executor.start(evaluate, lambda job, event: told.append((job, event)))
        executor.submit(job := executors.Job("a"))
        executor.wait()
    assert told == [(job, 1)]


def test_an_interrupt_comes_through():
    def interrupt(job, report):
        raise KeyboardInterrupt

    with inline.InlineExecutor() as executor:
        executor.start(interrupt)
        executor.submit(executors.Job("a"))
        with pytest.raises(KeyboardInterrupt):
            executor.wait()
        assert executor.wait() == []
