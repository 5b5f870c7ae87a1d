"""Executor that runs some jobs in this process and all others on another executor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autonas.execution import base, inline


class SplitExecutor(base.Executor):
    """Executor that runs selected jobs in the driver's thread, and all others on another executor.

    A job in the driver's thread waits until all jobs on the other executor have ended, since the other executor isn't
    supervised while the job runs.

    ```python
    import autonas

    executor = autonas.execution.SplitExecutor(
        autonas.execution.ProcessExecutor(n_workers=2), runs_here=lambda job: job.trial_id == "0000"
    )
    ```

    Args:
        executor: `Executor` of the other jobs, not started.
        runs_here: Function of a job that returns whether the job runs in the driver's thread.
    """

    def __init__(self, executor: base.Executor, runs_here: Callable[[Any], bool]) -> None:
        self._elsewhere, self._here = executor, inline.InlineExecutor()
        self._runs_here = runs_here
        self._n_elsewhere = 0

    @property
    def slots(self) -> int:
        return self._elsewhere.slots

    @property
    def gpus_per_trial(self) -> int:  # type: ignore[override]
        return self._elsewhere.gpus_per_trial

    def start(self, evaluate: Callable, on_report: Callable | None = None) -> None:
        self._here.start(evaluate, on_report)
        self._elsewhere.start(evaluate, on_report)

    def submit(self, job: Any) -> None:
        if self._runs_here(job):
            self._here.submit(job)
        else:
            self._elsewhere.submit(job)
            self._n_elsewhere += 1

    def wait(self) -> list[base.Ended | base.Lost | base.Retried]:
        if self._n_elsewhere == 0:
            return self._here.wait()
        events = self._elsewhere.wait()
        self._n_elsewhere -= sum(not isinstance(event, base.Retried) for event in events)
        return events

    def close(self) -> None:
        self._here.close()
        self._elsewhere.close()
