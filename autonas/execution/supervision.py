"""Supervision of workers that may be lost: the common base of the executors on worker processes and on Ray."""

from __future__ import annotations

import abc
import collections
import math
import pickle
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import cloudpickle

from autonas.arguments import checks
from autonas.execution import base, worker

#: Maximum time in seconds for a worker to accept a job.
SECONDS_TO_SEND = 60.0
#: Number of consecutive workers lost before one became ready, at which the executor gives up.
_MAX_FAILED_STARTS = 5


class Task:
    """A job that runs or waits for a worker."""

    def __init__(self, job: Any) -> None:
        self.job = job
        self.pickled = cloudpickle.dumps(job)
        self.checkpoint: bytes | None = None
        self.reasons: list[str] = []

    @property
    def deadline(self) -> float | None:
        """The deadline of the job; `None` while the job is required, however long it takes."""
        return None if getattr(self.job, "is_required", False) else self.job.deadline


class Worker(abc.ABC):
    """The driver's side of a worker.

    Attributes:
        task: The worker's current `Task`, or `None`.
        is_ready: Whether the worker has started and accepts jobs.
        due: Time of `time.monotonic()` at which a worker without a job counts as hung, or `None`.
    """

    shares_clock = True

    def __init__(self) -> None:
        self.task: Task | None = None
        self.is_ready = False
        self.due: float | None = None

    @abc.abstractmethod
    def send(self, content: bytes) -> bool:
        """Send a packed job. Return `False` if the worker is lost and the job hasn't started."""

    @abc.abstractmethod
    def kill(self) -> str:
        """End the worker if it is still running, and return a sentence on how it ended."""


_Worker = TypeVar("_Worker", bound=Worker)


class SupervisedExecutor(base.Executor, Generic[_Worker]):
    """Base class of executors whose workers may be lost.

    The loss of a worker costs at most its current job. The job is retried once, on another worker, from its last
    checkpoint. If the second worker is lost before the job reaches a new checkpoint, the job is `Lost`. A job past its
    deadline isn't retried. While a job is required, it has no deadline.

    Args:
        grace: Seconds after its deadline at which a job counts as hung and its worker is killed.
    """

    def __init__(self, grace: float) -> None:
        if not checks.is_number(grace) or not grace >= 0:
            raise ValueError(f"`grace` must be a number of seconds, at least 0. Received: grace={grace!r}")
        self.grace = grace
        self._workers: list[_Worker] = []
        self._queue: collections.deque[Task] = collections.deque()
        self._events: list[base.Ended | base.Lost | base.Retried] = []
        self._on_report: Callable[[Any, Any], object] | None = None
        self._n_failed_starts = 0
        self._is_new, self._is_open = True, False

    @abc.abstractmethod
    def _distribute(self, evaluate: Callable[..., Any]) -> None:
        """Store the evaluation function where workers can read it."""

    @abc.abstractmethod
    def _adjust(self) -> None:
        """Start the workers that are missing in `_workers`."""

    @abc.abstractmethod
    def _received(self, seconds: float | None) -> Iterator[tuple[_Worker, str, bytes]]:
        """Wait for messages, at most `seconds`, or without limit if `None`.

        Yields:
            Tuples `(worker, kind, content)`. The messages of a worker are in order. Kinds are the messages of
            `worker.run`, `"ready"`, `"unprepared"` with a pickled pair of line and traceback, and `"died"` without
            content as the last message of a worker.
        """

    def start(self, evaluate: Callable[..., Any], on_report: Callable[[Any, Any], object] | None = None) -> None:
        if not self._is_new:
            raise RuntimeError("The executor was started before, or is closed. Create a new one.")
        self._is_new, self._is_open = False, True
        self._on_report = on_report
        self._distribute(evaluate)
        self._adjust()

    def submit(self, job: Any) -> None:
        if not self._is_open:
            raise RuntimeError("The executor isn't started, or is closed. Call `start(evaluate)` before `submit`.")
        self._queue.append(Task(job))
        self._dispatch()

    def wait(self) -> list[base.Ended | base.Lost | base.Retried]:
        if not self._is_open:
            return []
        slots = self.slots
        while not self._events and (self._queue or any(worker.task for worker in self._workers)):
            self._adjust()
            if self._dispatch():
                continue  # Waiting for messages needs a worker in place of the lost one, which may have been the last.
            for worker_, kind, content in self._received(self._seconds_to_next_due()):
                self._take(worker_, kind, content)
            now = time.monotonic()
            for hung in [worker_ for worker_ in self._workers if now >= self._due(worker_)]:
                self._end_hung(hung)
            if self.slots > slots:
                break
        # A retried job is restarted before the driver learns of the retry.
        self._adjust()
        self._dispatch()
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        self._is_new = self._is_open = False
        workers, self._workers = self._workers, []
        for worker_ in workers:
            worker_.kill()
        self._queue.clear()
        self._events.clear()

    # ------------------------------------------------------------------ jobs

    def _dispatch(self) -> bool:
        """Send waiting jobs to workers without a job, and return whether a worker was lost."""
        has_lost = False
        for worker_ in list(self._workers):
            if self._queue and worker_.is_ready and worker_.task is None:
                task = self._queue.popleft()
                if worker_.send(worker.pack(task.pickled, task.checkpoint, task.job.deadline, worker_.shares_clock)):
                    worker_.task = task
                else:
                    self._queue.appendleft(task)
                    self._lose(worker_)
                    has_lost = True
        return has_lost

    def _take(self, sender: _Worker, kind: str, content: bytes) -> None:
        """Handle a message of a worker."""
        task = sender.task
        if kind == "died":
            self._lose(sender)
        elif kind == "ready":
            sender.is_ready, sender.due, self._n_failed_starts = True, None, 0
        elif kind == "unprepared":
            line, details = pickle.loads(content)
            raise RuntimeError(f"A worker can't load the evaluation function: {line}\n\n{details}")
        elif task is None:
            raise RuntimeError(f"A worker without a job sent {kind!r}.")
        elif kind == "report":
            if self._on_report is not None:
                self._on_report(task.job, pickle.loads(content))
        elif kind == "checkpoint":
            if content != task.checkpoint:
                # The job has made progress. A job that crashes its worker would crash before a new checkpoint.
                task.reasons.clear()
            task.checkpoint = content
        else:
            sender.task = None
            lost = None if kind == "ended" else base.Lost(task.job, *pickle.loads(content))
            self._events.append(lost or _ended(task.job, content))

    def _lose(self, lost: _Worker, reason: str | None = None) -> None:
        """Remove a worker, and retry its job or report the job as lost.

        Args:
            lost: The worker.
            reason: Reason why the job isn't retried, a sentence, or `None`.
        """
        self._workers.remove(lost)
        how = lost.kill()
        task = lost.task
        if task is None:
            if not lost.is_ready:
                self._n_failed_starts += 1
                if self._n_failed_starts == _MAX_FAILED_STARTS:
                    raise RuntimeError(
                        f"{_MAX_FAILED_STARTS} workers in a row were lost before they were ready. Lastly, {how}."
                    )
            return
        task.reasons.append(reason or how)
        is_late = task.deadline is not None and time.monotonic() >= task.deadline
        if reason is None and len(task.reasons) == 1 and not is_late:
            self._queue.appendleft(task)
            self._events.append(base.Retried(task.job, how))
        else:
            first, last = task.reasons[0], task.reasons[-1]
            if len(task.reasons) == 2:
                last = f"{first}, twice" if first == last else f"{first}; when the job was retried, {last}"
            self._events.append(base.Lost(task.job, last))

    def _end_hung(self, hung: _Worker) -> None:
        self._lose(hung, f"hung: {self.grace:g} s past its deadline" if hung.task else None)

    def _due(self, worker_: _Worker) -> float:
        """Return the time at which a worker counts as hung."""
        due = worker_.due
        if worker_.task is not None:
            due = None if worker_.task.deadline is None else worker_.task.deadline + self.grace
        return math.inf if due is None else due

    def _seconds_to_next_due(self) -> float | None:
        due = min(map(self._due, self._workers), default=math.inf)
        return None if due == math.inf else max(0.0, due - time.monotonic())


def _ended(job: Any, content: bytes) -> base.Ended | base.Lost:
    try:
        return base.Ended(job, pickle.loads(content))
    except Exception as error:
        return base.Lost(job, f"the driver can't load the outcome: {base.described(error)}", traceback.format_exc())
