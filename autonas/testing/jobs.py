"""Jobs of the contract of executors, and the actions that they run in a worker.

Workers import this module, which doesn't need pytest.
"""

from __future__ import annotations

import ctypes
import dataclasses
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn


@dataclasses.dataclass
class Job:
    """A job of the contract's tests.

    ```python
    import autonas

    job = autonas.testing.executors.Job("3", what="square")
    ```

    Args:
        trial_id: Id of the trial, and name of the file that counts the starts of the job.
        what: Action of the job, such as `"square"`, `"hang"` or `"kill"`.
        deadline: Time of `time.monotonic()` at which the job should have ended, or `None`.
        checkpoint: The latest checkpoint of the job, or `None`.
        is_required: Whether the job isn't ended after its deadline.
    """

    trial_id: str
    what: str = "square"
    deadline: float | None = None
    checkpoint: Any = None
    is_required: bool = False


class Unloadable:
    """Function that can be pickled but not loaded."""

    def __reduce__(self) -> tuple[Callable[[], object], tuple[()]]:
        return _refuse, ()

    def __call__(self, job: Any, report: Any) -> None:
        pass


def _refuse() -> NoReturn:
    raise OSError("not here")


def evaluation(folder: str | os.PathLike[str]) -> Callable[[Job, Any], Any]:
    """Return an evaluation function that records the start of a job in a folder and runs the job's action."""
    folder = pathlib.Path(folder)

    def evaluate(job: Job, report: Any) -> Any:
        with open(folder / f"{job.trial_id}.count", "a") as file:
            file.write("x")
        if job.what.startswith("hang"):
            child = subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            (folder / f"{job.trial_id}.child.pid").write_text(f"{child.pid}\n")
        (folder / f"{job.trial_id}.pid").write_text(f"{os.getpid()}\n")
        return _ACTIONS[job.what](job, report)

    return evaluate


def _square(job: Job, report: Any) -> int:
    return int(job.trial_id) ** 2


def _report(job: Job, report: Any) -> None:
    for event in range(100):
        report(event)


def _train(job: Job, report: Any) -> dict[str, int]:
    """Run six epochs, with a checkpoint and a report after every epoch."""
    began_after = job.checkpoint or 0
    for epoch in range(began_after + 1, 7):
        report.checkpoint(epoch)
        report(epoch)
        time.sleep(0.2)
    return {"began_after": began_after, "epochs": epoch}


def _hang(job: Job, report: Any) -> None:
    report(os.getpid())
    time.sleep(600)


def _hang_with_lock(job: Job, report: Any) -> None:
    ctypes.PyDLL(None).sleep(600)  # A library call that hangs and holds the global interpreter lock.


def _stop(job: Job, report: Any) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(600)  # Another thread receives the signal, so that this one goes on for a moment.


_ACTIONS = {
    "square": _square,
    "pid": lambda job, report: os.getpid(),
    "report": _report,
    "raise": lambda job, report: 1 // 0,
    "nap": lambda job, report: time.sleep(0.1),
    "train": _train,
    "abort": lambda job, report: os.abort(),
    "segmentation_fault": lambda job, report: ctypes.string_at(0),
    "kill": lambda job, report: os.kill(os.getpid(), signal.SIGKILL),
    "exit": lambda job, report: sys.exit(3),
    "hang": _hang,
    "hang_with_lock": _hang_with_lock,
    "stop": _stop,
}


def counts(folder: str | os.PathLike[str]) -> dict[str, int]:
    """Return the number of starts of every job, a dict by trial id."""
    return {path.stem: len(path.read_text()) for path in pathlib.Path(folder).glob("*.count")}
