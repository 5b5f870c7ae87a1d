"""What becomes of jobs whose workers may be lost: the same rules for worker processes and for Ray."""

import abc
import collections
import pickle
import time
import traceback

import cloudpickle

from autonas.execution import base, worker

#: Seconds after which a worker that doesn't take its job counts as lost.
SECONDS_TO_SEND = 60.0
#: Workers lost in a row before any was ready, after which there is no hope.
_HOPELESS = 5


class Task:
    """A job that is under way or waits for a worker."""

    def __init__(self, job):
        self.job = job
        self.pickled = cloudpickle.dumps(job)
        self.checkpoint = None
        self.reasons = []


class Worker(abc.ABC):
    """The driver's side of a worker.

    Attributes:
        task: The `Task` it is at, or `None`.
        is_ready: Whether it can be given a job.
        due: `time.monotonic()` at which it counts as hung, or `None`.
    """

    shares_clock = True

    def __init__(self):
        self.task = None
        self.is_ready = False
        self.due = None

    @abc.abstractmethod
    def send(self, content):
        """Sends a job that is packed. Returns whether the worker was there: if not, the job hasn't begun."""

    @abc.abstractmethod
    def kill(self):
        """Ends the worker, if it hasn't ended, and returns how it ended, as a sentence."""


class SupervisedExecutor(base.Executor):
    """Gives jobs to workers, and looks after those whose workers are lost.

    A lost worker costs at most the job it was at. That job is tried once more, from its last checkpoint, on another
    worker; lost again before it has got on to another checkpoint, it is `Lost`. A job that is past its deadline isn't
    tried again.

    Args:
        grace: Seconds past its deadline after which a job counts as hung. Its worker is killed.
    """

    def __init__(self, grace):
        if not grace >= 0:
            raise ValueError(f"`grace` must be a number of seconds, at least 0. Received: grace={grace!r}")
        self.grace = grace
        self._workers = []
        self._queue = collections.deque()
        self._events = []
        self._on_report = None
        self._n_failed_starts = 0
        self._is_new, self._is_open = True, False

    @abc.abstractmethod
    def _distribute(self, evaluate):
        """Keeps the function where workers find it."""

    @abc.abstractmethod
    def _adjust(self):
        """Sees to it that `_workers` are as many as there should be: starts those that are missing."""

    @abc.abstractmethod
    def _received(self, seconds):
        """Waits for messages for so many seconds, or for ever if `None`.

        Yields:
            Tuples `(worker, kind, content)`, of each worker in order: the messages of `worker.run`; `"ready"`;
            `"unprepared"` with a pickled pair of line and traceback; `"died"` without content, as its last.
        """

    def start(self, evaluate, on_report=None):
        if not self._is_new:
            raise RuntimeError("The executor was started before, or is closed. Make a new one.")
        self._is_new, self._is_open = False, True
        self._on_report = on_report
        self._distribute(evaluate)
        self._adjust()

    def submit(self, job):
        if not self._is_open:
            raise RuntimeError("The executor isn't started, or is closed. Call `start(evaluate)` before `submit`.")
        self._queue.append(Task(job))
        self._dispatch()

    def wait(self):
        if not self._is_open:
            return []
        slots = self.slots
        while not self._events and (self._queue or any(worker.task for worker in self._workers)):
            self._adjust()
            self._dispatch()
            for worker_, kind, content in self._received(self._seconds_to_next_due()):
                self._take(worker_, kind, content)
            for late in [each for each in self._workers if each.due is not None and time.monotonic() >= each.due]:
                self._end_hung(late)
            if self.slots > slots:
                break
        # A job that begins again is under way when the driver is told of it.
        self._adjust()
        self._dispatch()
        events, self._events = self._events, []
        return events

    def close(self):
        self._is_new = self._is_open = False
        workers, self._workers = self._workers, []
        for each in workers:
            each.kill()
        self._queue.clear()
        self._events.clear()

    # ------------------------------------------------------------------ jobs

    def _dispatch(self):
        for each in list(self._workers):
            if self._queue and each.is_ready and each.task is None:
                task = self._queue.popleft()
                if each.send(worker.packed(task.pickled, task.checkpoint, task.job.deadline, each.shares_clock)):
                    each.task = task
                    each.due = None if task.job.deadline is None else task.job.deadline + self.grace
                else:
                    self._queue.appendleft(task)
                    self._lose(each)

    def _take(self, sender, kind, content):
        """Does what a message of a worker asks for."""
        if kind == "died":
            self._lose(sender)
        elif kind == "ready":
            sender.is_ready, sender.due, self._n_failed_starts = True, None, 0
        elif kind == "unprepared":
            line, details = pickle.loads(content)
            raise RuntimeError(f"A worker can't load what it is to evaluate: {line}\n\n{details}")
        elif kind == "report":
            if self._on_report is not None:
                self._on_report(sender.task.job, pickle.loads(content))
        elif kind == "checkpoint":
            if content != sender.task.checkpoint:
                # It gets on: a job that is to blame for the loss of its worker doesn't, a second time.
                sender.task.reasons.clear()
            sender.task.checkpoint = content
        else:
            task, sender.task, sender.due = sender.task, None, None
            lost = None if kind == "ended" else base.Lost(task.job, *pickle.loads(content))
            self._events.append(lost or _ended(task.job, content))

    def _lose(self, lost, reason=None):
        """Forgets a worker and looks after its job. A reason is given if it must not begin again."""
        self._workers.remove(lost)
        how = lost.kill()
        task = lost.task
        if task is None:
            if not lost.is_ready:
                self._n_failed_starts += 1
                if self._n_failed_starts == _HOPELESS:
                    raise RuntimeError(f"{_HOPELESS} workers in a row were lost before they were ready. Lastly, {how}.")
            return
        task.reasons.append(reason or how)
        is_late = task.job.deadline is not None and time.monotonic() >= task.job.deadline
        if reason is None and len(task.reasons) == 1 and not is_late:
            self._queue.appendleft(task)
            self._events.append(base.Retried(task.job, how))
        else:
            first, last = task.reasons[0], task.reasons[-1]
            if len(task.reasons) == 2:
                last = f"{first}, twice" if first == last else f"{first}; when it was tried again, {last}"
            self._events.append(base.Lost(task.job, last))

    def _end_hung(self, late):
        self._lose(late, f"hung: {self.grace:g} s past its limit" if late.task else None)

    def _seconds_to_next_due(self):
        due = min((each.due for each in self._workers if each.due is not None), default=None)
        return None if due is None else max(0.0, due - time.monotonic())


def _ended(job, content):
    try:
        return base.Ended(job, pickle.loads(content))
    except Exception as error:
        return base.Lost(job, f"its outcome can't be read here: {base.described(error)}", traceback.format_exc())
