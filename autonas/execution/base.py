"""Base class of executors, and the events that an executor returns to its driver."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable
from typing import Any


@dataclasses.dataclass(frozen=True)
class Ended:
    """Event: a job ended with an outcome.

    ```python
    import autonas

    with autonas.execution.InlineExecutor() as executor:
        executor.start(lambda job, report: job * 2)
        executor.submit(21)
        executor.wait()  # [Ended(job=21, outcome=42)]
    ```

    Args:
        job: The submitted job.
        outcome: Return value of `evaluate`.
    """

    job: Any
    outcome: Any


@dataclasses.dataclass(frozen=True)
class Lost:
    """Event: a job ended without an outcome and isn't retried.

    ```python
    import autonas

    def evaluate(job, report):
        raise ValueError("bad job")

    with autonas.execution.InlineExecutor() as executor:
        executor.start(evaluate)
        executor.submit("job")
        (event,) = executor.wait()
        event.reason  # Begins with "ValueError: bad job".
    ```

    Args:
        job: The submitted job.
        reason: One sentence, such as `"the worker process was killed (SIGKILL), perhaps because memory ran out"`.
        details: Traceback of an exception in `evaluate`, or `""`.
    """

    job: Any
    reason: str
    details: str = ""


@dataclasses.dataclass(frozen=True)
class Retried:
    """Event: a worker was lost, and its job is restarted from the last checkpoint.

    The restarted job repeats its reports since that checkpoint.

    ```python
    import autonas

    events = [autonas.execution.Retried("job", "the worker process aborted (SIGABRT)")]
    restarted = [event.job for event in events if isinstance(event, autonas.execution.Retried)]
    ```

    Args:
        job: The submitted job.
        reason: One sentence, as in `Lost`.
    """

    job: Any
    reason: str


class Executor(abc.ABC):
    """Base class of executors, which run the jobs of one driver.

    A single thread of the driver makes all calls, and `on_report` is called in this thread.

    ```python
    import autonas

    with autonas.execution.InlineExecutor() as executor:
        executor.start(lambda job, report: job * 2)
        executor.submit(21)
        for event in executor.wait():
            print(event)
    ```

    A job is any object with the attributes `trial_id` and `deadline`, a time of `time.monotonic()` in seconds at which
    the job should have ended, or `None`. A job may have an attribute `is_required`: while it is true, the job isn't
    ended after its deadline. Jobs, reports and outcomes are serialised with `cloudpickle` unless they stay in this
    process.
    """

    #: Number of GPUs per job.
    gpus_per_trial: int = 1

    @property
    @abc.abstractmethod
    def slots(self) -> int:
        """Number of jobs that can run at the same time. The number may change during a search."""

    @abc.abstractmethod
    def start(self, evaluate: Callable, on_report: Callable | None = None) -> None:
        """Prepare the executor for jobs. Called once.

        An exception in `evaluate` ends the job as `Lost`. The failure of a candidate's training isn't an exception:
        `evaluate` returns it as the outcome of the job.

        Args:
            evaluate: Function `(job, report)` that returns the outcome of a job. `report(event)` sends an event to the
                driver while the job runs. `report.checkpoint(state)` stores the latest state: if the worker is lost,
                the job restarts on another worker, with `state` in its field `checkpoint` if the job is a data class
                with this field. `report.keeps_checkpoints` is `False` where checkpoints aren't stored.
            on_report: Function `(job, event)` that is called with the events of jobs in order, within `wait`.
        """

    @abc.abstractmethod
    def submit(self, job: Any) -> None:
        """Accept a job. More jobs than `slots` wait in a queue, while their deadlines approach."""

    @abc.abstractmethod
    def wait(self) -> list[Ended | Lost | Retried]:
        """Wait for the next events.

        Returns:
            List of `Ended`, `Lost` and `Retried`. Empty if no job is running or waiting, or if `slots` has grown.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """End all jobs and workers immediately. Further calls have no effect."""

    def __enter__(self) -> Executor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def described(error: BaseException) -> str:
    """Return an exception as one line with its type, message and origin."""
    line = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return line
    return f"{line} ({traceback.tb_frame.f_code.co_filename}, line {traceback.tb_lineno})"
