"""The contract of an executor: where jobs run, and what their driver is told of them."""

import abc
import dataclasses


@dataclasses.dataclass(frozen=True)
class Ended:
    """A job has come to its end.

    Args:
        job: The job, the object that was submitted.
        outcome: What `evaluate` returned.
    """

    job: object
    outcome: object


@dataclasses.dataclass(frozen=True)
class Lost:
    """A job has no outcome and isn't tried again.

    Args:
        job: The job, the object that was submitted.
        reason: One sentence, such as `"the worker process was killed (SIGKILL), perhaps for want of memory"`.
        details: The traceback if `evaluate` raised, or `""`.
    """

    job: object
    reason: str
    details: str = ""


@dataclasses.dataclass(frozen=True)
class Retried:
    """A job was lost with its worker, and begins again from its last checkpoint. It is still under way.

    What it reported after that checkpoint it reports again.

    Args:
        job: The job, the object that was submitted.
        reason: One sentence, as that of `Lost`.
    """

    job: object
    reason: str


class Executor(abc.ABC):
    """Runs jobs for one driver, whose thread makes all calls and is the one that `on_report` is called in.

    ```python
    with executor:
        executor.start(evaluate, on_report)
        executor.submit(job)
        for event in executor.wait():
            ...
    ```

    A job is any object with the attributes `trial_id` and `deadline`: seconds of `time.monotonic()` at which it should
    have ended, or `None`. Jobs, what is reported and outcomes travel by `cloudpickle` unless they stay in this process.
    """

    #: Number of GPUs that each job may use.
    gpus_per_trial = 1

    @property
    @abc.abstractmethod
    def slots(self):
        """Number of jobs that can be under way at once. It may change while a search is under way."""

    @abc.abstractmethod
    def start(self, evaluate, on_report=None):
        """Gets ready for jobs; called once.

        Args:
            evaluate: Function `(job, report)` that returns the outcome of a job. `report(event)` tells the driver
                something while the job runs. `report.checkpoint(state)` keeps the latest `state`: if the worker is
                lost, the job begins again elsewhere with its field `checkpoint` set to it, if it is a data class with
                such a field. Where nothing can be lost `report.keeps_checkpoints` is `False`, and there is no need to
                make one. What it raises ends the job as `Lost`, since the errors of candidates are outcomes.
            on_report: Function `(job, event)` that is called with what a job reports, in order, while the driver waits.
        """

    @abc.abstractmethod
    def submit(self, job):
        """Takes a job on. Those beyond `slots` wait until there is room; meanwhile their deadlines come nearer."""

    @abc.abstractmethod
    def wait(self):
        """Waits until something has come of a job.

        Returns:
            A list of `Ended`, `Lost` and `Retried`. It is empty if no job is under way, and if there are more `slots`
            than before.
        """

    @abc.abstractmethod
    def close(self):
        """Ends what is under way and all that was started, at once. Calling it again does nothing."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def described(error):
    """The line that says what was raised, and where."""
    line = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return line
    return f"{line} ({traceback.tb_frame.f_code.co_filename}, line {traceback.tb_lineno})"
