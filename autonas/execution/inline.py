"""Executor that runs jobs in this process, one at a time."""

from __future__ import annotations

import collections
import traceback
from collections.abc import Callable
from typing import Any

from autonas.arguments import checks
from autonas.execution import base


class InlineExecutor(base.Executor):
    """Executor that runs jobs in the driver's thread, within `wait`.

    The driver isn't protected from its jobs: a job that ends its process ends the driver, and a job that hangs blocks
    the driver.

    ```python
    import autonas

    automl = autonas.AutoModel(executor=autonas.execution.InlineExecutor())
    ```

    Args:
        gpus_per_trial: Number of GPUs that a network is trained on, the first of the visible GPUs. More than one
            requires JAX. Defaults to 1, because small networks train faster on a single GPU.
    """

    slots = 1

    def __init__(self, gpus_per_trial: int = 1) -> None:
        checks.check_integer("gpus_per_trial", gpus_per_trial, 1)
        self.gpus_per_trial = gpus_per_trial
        self._evaluate: Any = None
        self._queue: collections.deque[Any] = collections.deque()

    def start(self, evaluate: Callable, on_report: Callable | None = None) -> None:
        self._evaluate, self._on_report = evaluate, on_report

    def submit(self, job: Any) -> None:
        if self._evaluate is None:
            raise RuntimeError("The executor isn't started, or is closed. Call `start(evaluate)` before `submit`.")
        self._queue.append(job)

    def wait(self) -> list[base.Ended | base.Lost | base.Retried]:
        if not self._queue:
            return []
        job = self._queue.popleft()
        try:
            return [base.Ended(job, self._evaluate(job, _Report(job, self._on_report)))]
        except Exception as error:
            return [base.Lost(job, base.described(error), traceback.format_exc())]

    def close(self) -> None:
        self._evaluate = None
        self._queue.clear()


class _Report:
    """Argument `report` of `evaluate`, which calls `on_report` directly."""

    keeps_checkpoints = False

    def __init__(self, job: Any, on_report: Callable | None) -> None:
        self._job = job
        self._on_report = on_report

    def __call__(self, event: Any) -> None:
        if self._on_report is not None:
            self._on_report(self._job, event)

    def checkpoint(self, state: Any) -> None:
        """Ignore the state: in-memory checkpoints would be lost with this process."""
