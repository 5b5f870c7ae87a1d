"""Executors, which run trials in this process, in worker processes of this machine or on Ray."""

import copy
from typing import Literal

from autonas.execution import base
from autonas.execution.base import Ended, Executor, Lost, Retried
from autonas.execution.inline import InlineExecutor
from autonas.execution.process import ProcessExecutor
from autonas.execution.split import SplitExecutor

__all__ = ["Ended", "Executor", "InlineExecutor", "Lost", "ProcessExecutor", "Retried", "SplitExecutor"]

EXECUTORS = ("inline", "process", "ray")


def check_executor(executor: object) -> None:
    """Check the argument `executor` of an `AutoModel`.

    Raises:
        ValueError: If the argument is invalid.
        ImportError: If a package required by the executor is missing.
    """
    if not (executor is None or executor in EXECUTORS or isinstance(executor, Executor)):
        raise ValueError(
            f"`executor` must be one of {', '.join(map(repr, EXECUTORS))}, an object of autonas.execution, or None. "
            f"Received: executor={executor!r:.100}"
        )
    if executor == "ray":
        from autonas.execution import ray  # noqa: F401


def get_executor(executor: Literal["inline", "process", "ray"] | Executor | None, n_workers: int | None) -> Executor:
    """Return an executor for the arguments of an `AutoModel`. The executor isn't started.

    ```python
    import autonas

    executor = autonas.execution.get_executor("process", n_workers=2)
    executor.slots  # 2
    ```

    Args:
        executor: `"inline"`, `"process"`, `"ray"`, or an `Executor`, which is copied. `None` selects `"inline"` for one
            worker and `"process"` for several.
        n_workers: Number of workers. `None` means one worker, and on Ray as many as the cluster has room for.
    """
    if isinstance(executor, base.Executor):
        return copy.deepcopy(executor)
    if executor == "ray":
        from autonas.execution.ray import RayExecutor

        return RayExecutor(n_workers)
    if executor == "process" or (executor is None and (n_workers or 1) > 1):
        return ProcessExecutor(n_workers or 1)
    return InlineExecutor()
