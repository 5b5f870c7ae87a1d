"""Where trials run: in this process, in worker processes of this machine, or on Ray."""

import copy

from autonas.execution import base
from autonas.execution.base import Ended, Executor, Lost, Retried
from autonas.execution.inline import InlineExecutor
from autonas.execution.process import ProcessExecutor
from autonas.execution.split import SplitExecutor

__all__ = ["Ended", "Executor", "InlineExecutor", "Lost", "ProcessExecutor", "Retried", "SplitExecutor", "get_executor"]

EXECUTORS = ("inline", "process", "ray")


def check_executor(executor):
    """Raises a `ValueError` if the argument `executor` of an `AutoModel` can't be, and an `ImportError` if a package is
    missing."""
    if not (executor is None or executor in EXECUTORS or isinstance(executor, Executor)):
        raise ValueError(
            f"`executor` must be one of {', '.join(map(repr, EXECUTORS))}, an object of autonas.execution, or None. "
            f"Received: executor={executor!r:.100}"
        )
    if executor == "ray":
        from autonas.execution import ray  # noqa: F401


def get_executor(executor, n_workers):
    """The executor that the arguments of an `AutoModel` stand for, not started.

    Args:
        executor: `"inline"`, `"process"`, `"ray"`, an `Executor`, which is a description and is copied, or `None`: this
            process for one worker, processes for several.
        n_workers: Number of workers, or `None`: one, on Ray as many as there is room for.
    """
    if isinstance(executor, base.Executor):
        return copy.deepcopy(executor)
    if executor == "ray":
        from autonas.execution.ray import RayExecutor

        return RayExecutor(n_workers)
    if executor == "process" or (executor is None and (n_workers or 1) > 1):
        return ProcessExecutor(n_workers or 1)
    return InlineExecutor()
