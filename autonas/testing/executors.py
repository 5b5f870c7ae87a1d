"""Contract of executors as a pytest class: a subclass overrides `make`.

```python
import autonas


class TestMyExecutor(autonas.testing.executors.ExecutorContract):
    def make(self, n_workers, grace):
        return autonas.execution.ProcessExecutor(n_workers, grace)
```

The class must be defined at the top level of its module, which another process imports.
"""

from __future__ import annotations

# ruff: noqa: S101
import collections
import contextlib
import inspect
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from autonas.execution import base
from autonas.testing.jobs import Job, Unloadable, counts, evaluation

__all__ = ["ExecutorContract", "Job"]

#: Code of a driver process that is interrupted, see `ExecutorContract.drive`.
_DRIVE = """
import importlib.util, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # A job in a shell's background ignores it.
path, name, cls, folder, what = sys.argv[1:]
specification = importlib.util.spec_from_file_location(name, path)
module = sys.modules[name] = importlib.util.module_from_spec(specification)
specification.loader.exec_module(module)
getattr(module, cls)().drive(folder, what)
"""


class ExecutorContract:
    """Behaviour that every executor must have. Subclass it and override `make`.

    ```python
    import autonas


    class TestMyExecutor(autonas.testing.executors.ExecutorContract):
        isolates = False

        def make(self, n_workers, grace):
            return autonas.execution.InlineExecutor()
    ```

    Attributes:
        isolates: Whether jobs run in processes of their own, which may be lost. Defaults to `True`.
        arrays_are_writable: Whether a job may write to the arrays of `evaluate`. Defaults to `True`.
        start_seconds: Maximum time in seconds for workers to start or end on a busy machine. Defaults to 300.
    """

    isolates = True
    arrays_are_writable = True
    start_seconds = 300.0

    def make(self, n_workers: int, grace: float) -> base.Executor:
        """Return a new executor.

        Args:
            n_workers: Number of workers.
            grace: Seconds after its deadline at which a job counts as hung.
        """
        raise NotImplementedError

    @contextlib.contextmanager
    def started(
        self,
        folder: str | os.PathLike[str],
        n_workers: int = 2,
        grace: float = 0.5,
        on_report: Callable[[Any, Any], object] | None = None,
    ) -> Iterator[base.Executor]:
        """Yield a started executor whose jobs record their starts in a folder."""
        with self.make(n_workers, grace) as executor:
            executor.start(evaluation(folder), on_report)
            yield executor

    def drive(self, folder: str | os.PathLike[str], what: str) -> None:
        """Run two jobs. Called in a driver process of its own."""
        with self.started(folder) as executor:
            for trial_id in "ab":
                executor.submit(Job(trial_id, what))
            while True:
                executor.wait()

    # ------------------------------------------------------------------ jobs

    def test_a_job_comes_to_its_end_and_is_handed_out_once(self, tmp_path: pathlib.Path) -> None:
        with self.started(tmp_path) as executor:
            job = Job("3")
            (event,) = _all(executor, [job])
            assert isinstance(event, base.Ended) and event.job is job and event.outcome == 9
            assert executor.wait() == []
        assert counts(tmp_path) == {"3": 1}

    def test_many_jobs_run_once_each(self, tmp_path: pathlib.Path) -> None:
        with self.started(tmp_path) as executor:
            events = _all(executor, [Job(str(number)) for number in range(50)])
        assert {event.job.trial_id: event.outcome for event in events} == {str(n): n * n for n in range(50)}
        assert len(events) == 50 and counts(tmp_path) == {str(number): 1 for number in range(50)}

    def test_workers_are_warm(self, tmp_path: pathlib.Path) -> None:
        with self.started(tmp_path) as executor:
            pids = {event.outcome for event in _all(executor, [Job(str(number), "pid") for number in range(10)])}
            assert 1 <= len(pids) <= executor.slots

    def test_reports_come_in_order_and_before_the_end(self, tmp_path: pathlib.Path) -> None:
        reported: list[tuple[str, int]] = []
        ended: list[str] = []

        def on_report(job: Job, event: Any) -> None:
            assert job.trial_id not in ended
            reported.append((job.trial_id, event))

        with self.started(tmp_path, on_report=on_report) as executor:
            for number in range(4):
                executor.submit(Job(str(number), "report"))
            while len(ended) < 4:
                ended += [event.job.trial_id for event in executor.wait()]
        assert sorted(reported) == [(str(number), event) for number in range(4) for event in range(100)]
        for number in range(4):
            assert [event for trial_id, event in reported if trial_id == str(number)] == list(range(100))

    def test_what_is_raised_ends_the_job_and_not_its_worker(self, tmp_path: pathlib.Path) -> None:
        with self.started(tmp_path, n_workers=1) as executor:
            before, lost, after = _all(executor, [Job("a", "pid"), Job("b", "raise"), Job("c", "pid")])
        assert isinstance(lost, base.Lost) and lost.reason.startswith("ZeroDivisionError: ") and "line" in lost.reason
        assert lost.details.startswith("Traceback")
        assert before.outcome == after.outcome and counts(tmp_path) == {"a": 1, "b": 1, "c": 1}

    def test_data_arrives_as_it_was(self) -> None:
        import numpy as np

        table = {"x": np.arange(100_000.0).reshape(100, 1000), "y": np.array(["a", None], object), "z": np.zeros(0)}

        arrays_are_writable = self.arrays_are_writable

        def evaluate(job: Job, report: Any) -> tuple[Any, ...]:
            total = table["x"].sum()
            if arrays_are_writable:
                table["x"][0, 0] = 1e9
            return total, table["y"].tolist(), table["z"].shape, table["x"].flags.aligned

        with self.make(1, 30.0) as executor:
            executor.start(evaluate)
            (event,) = _all(executor, [Job("a")])
            assert event.outcome == (np.arange(100_000.0).sum(), ["a", None], (0,), True)
        assert not self.isolates or table["x"][0, 0] == 0

    def test_large_reports_and_outcomes_arrive_whole(self) -> None:
        sizes = []

        def evaluate(job: Job, report: Any) -> bytes:
            report(b"r" * 5_000_000)
            report.checkpoint(b"c" * 5_000_000)
            return b"o" * 5_000_000

        with self.make(2, 30.0) as executor:
            executor.start(evaluate, lambda job, event: sizes.append(len(event)))
            events = _all(executor, [Job(name) for name in "abcd"])
        assert sizes == [5_000_000] * 4 == [len(event.outcome) for event in events]

    def test_nothing_can_be_submitted_unless_it_is_open(self, tmp_path: pathlib.Path) -> None:
        executor = self.make(1, 30.0)
        with pytest.raises(RuntimeError, match="start"):
            executor.submit(Job("a"))
        with executor:
            executor.start(evaluation(tmp_path))
        executor.close()
        assert executor.wait() == []
        with pytest.raises(RuntimeError, match="start"):
            executor.submit(Job("a"))

    # ------------------------------------------------------------------ workers that are lost

    @pytest.mark.parametrize("what", ["abort", "segmentation_fault", "kill", "exit"])
    def test_a_poisonous_job_is_tried_twice_and_takes_no_other_with_it(self, tmp_path: pathlib.Path, what: str) -> None:
        self._needs_isolation()
        jobs = [Job("bad" if number == 2 else str(number), what if number == 2 else "nap") for number in range(7)]
        with self.started(tmp_path) as executor:
            events = _all(executor, jobs)
        kinds = collections.Counter(type(event) for event in events)
        assert kinds == {base.Ended: 6, base.Retried: 1, base.Lost: 1}
        assert counts(tmp_path) == {job.trial_id: 2 if job.trial_id == "bad" else 1 for job in jobs}
        lost = next(event for event in events if isinstance(event, base.Lost))
        assert lost.job.trial_id == "bad" and lost.reason

    def test_a_job_whose_workers_are_killed_goes_on_elsewhere_each_time_from_its_last_checkpoint(
        self, tmp_path: pathlib.Path
    ) -> None:
        self._needs_isolation()
        reported = []

        def on_report(job: Job, event: int) -> None:
            reported.append(event)
            if event in (2, 3, 5):
                os.kill(int((tmp_path / "victim.pid").read_text()), signal.SIGKILL)

        with self.started(tmp_path, on_report=on_report) as executor:
            events = _all(executor, [Job("victim", "train"), Job("1", "nap"), Job("2", "nap")])
        *retried, ended = [event for event in events if event.job.trial_id == "victim"]
        assert len(retried) == 3
        assert all(isinstance(event, base.Retried) and "SIGKILL" in event.reason for event in retried)
        assert ended.outcome == {"began_after": 5, "epochs": 6}
        assert reported == [1, 2, 3, 4, 5, 6]
        assert counts(tmp_path) == {"victim": 4, "1": 1, "2": 1}

    def test_an_idle_worker_that_is_killed_costs_nothing(self, tmp_path: pathlib.Path) -> None:
        self._needs_isolation()
        with self.started(tmp_path, n_workers=1) as executor:
            (event,) = _all(executor, [Job("a", "pid")])
            os.kill(event.outcome, signal.SIGKILL)
            _await(lambda: not _is_alive(event.outcome))
            (after,) = _all(executor, [Job("b", "pid")])
            assert isinstance(after, base.Ended) and after.outcome != event.outcome
        assert counts(tmp_path) == {"a": 1, "b": 1}

    @pytest.mark.parametrize("what", ["hang", "hang_with_lock", "stop"])
    def test_a_job_that_hangs_is_ended_and_not_tried_again(self, tmp_path: pathlib.Path, what: str) -> None:
        self._needs_isolation()
        with self.started(tmp_path) as executor:
            _all(executor, [Job("a"), Job("b")])  # The deadline below is short, so the workers must be ready.
            began = time.monotonic()
            # A worker of a busy machine must have begun the job before the deadline.
            bad = Job("bad", what, began + 2.0)
            events = _all(executor, [bad, *[Job(str(number), "nap") for number in range(4)]])
            seconds = time.monotonic() - began
        lost = [event for event in events if not isinstance(event, base.Ended)]
        assert lost == [base.Lost(bad, "hung: 0.5 s past its deadline")], lost
        assert 2.5 <= seconds < self.start_seconds + 2.0, seconds
        assert len(events) == 5
        assert counts(tmp_path) == dict.fromkeys(["a", "b", "bad", "0", "1", "2", "3"], 1)

    def test_a_job_is_not_ended_after_its_deadline_while_it_is_required(self, tmp_path: pathlib.Path) -> None:
        self._needs_isolation()
        with self.started(tmp_path) as executor:
            began = time.monotonic()
            slow, hung = Job("slow", "train", began, is_required=True), Job("hung", "hang", began, is_required=True)
            executor.submit(hung)
            (ended,) = _all(executor, [slow])
            assert isinstance(ended, base.Ended) and ended.job is slow and time.monotonic() > began + 1.0
            hung.is_required = False
            while not (events := executor.wait()):  # There are none when a worker has started.
                pass
            assert events == [base.Lost(hung, "hung: 0.5 s past its deadline")]

    def test_a_job_that_is_killed_past_its_limit_is_not_tried_again(self, tmp_path: pathlib.Path) -> None:
        self._needs_isolation()
        with self.started(tmp_path, grace=30.0) as executor:
            (event,) = _all(executor, [Job("bad", "kill", time.monotonic() - 1)])
        assert isinstance(event, base.Lost) and counts(tmp_path) == {"bad": 1}

    def test_what_cannot_be_loaded_is_said(self, tmp_path: pathlib.Path) -> None:
        self._needs_isolation()
        with self.make(1, 30.0) as executor:
            executor.start(Unloadable())
            with pytest.raises(RuntimeError, match="can't load the evaluation function: OSError: not here"):
                _all(executor, [Job("a")])

    # ------------------------------------------------------------------ nothing is left behind

    def test_close_ends_what_is_under_way(self, tmp_path: pathlib.Path) -> None:
        self._needs_isolation()
        pids = []

        def on_report(job: Job, pid: int) -> None:
            pids.append(pid)
            if len(pids) == 2:
                raise TimeoutError

        with pytest.raises(TimeoutError), self.started(tmp_path, on_report=on_report) as executor:
            _all(executor, [Job(trial_id, "hang") for trial_id in "abc"])
        pids = self._pids_once_begun(tmp_path, "ab")
        _await(lambda: not any(map(_is_alive, pids)), self.start_seconds)
        assert counts(tmp_path) == {"a": 1, "b": 1}

    @pytest.mark.parametrize("name", ["SIGINT", "SIGKILL", "SIGTERM"])
    def test_workers_end_with_their_driver(self, tmp_path: pathlib.Path, name: str) -> None:
        self._needs_isolation()
        cls = type(self)
        # Ctrl-C goes to all processes of the terminal.
        what, send = ("hang", os.killpg) if name == "SIGINT" else ("hang_with_lock", os.kill)
        driver = subprocess.Popen(
            [sys.executable, "-c", _DRIVE, inspect.getfile(cls), cls.__module__, cls.__name__, str(tmp_path), what],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            start_new_session=True,
            stderr=subprocess.PIPE,
        )
        with driver:
            try:
                pids = self._pids_once_begun(tmp_path, "ab")
                assert all(map(_is_alive, pids))
                send(driver.pid, getattr(signal, name))
                error = driver.communicate(timeout=self.start_seconds)[1].decode()
            finally:
                driver.kill()  # `with` waits for the end of the driver without a time limit.
        assert driver.returncode != 0
        # The workers don't print a traceback.
        assert error.count("Traceback") == (name == "SIGINT"), error
        _await(lambda: not any(map(_is_alive, pids)), self.start_seconds)
        assert counts(tmp_path) == {"a": 1, "b": 1}

    def _needs_isolation(self) -> None:
        if not self.isolates:
            pytest.skip("`isolates` is False.")

    def _pid_once_begun(self, folder: str | os.PathLike[str], trial_id: str) -> int:
        """Wait for the start of a job and return the id of its process."""
        path = pathlib.Path(folder) / f"{trial_id}.pid"
        _await(lambda: path.exists() and path.read_text().endswith("\n"), self.start_seconds)
        return int(path.read_text())

    def _pids_once_begun(self, folder: str | os.PathLike[str], trial_ids: str) -> list[int]:
        """Wait for the start of jobs and return the ids of their processes and child processes."""
        names = [name for trial_id in trial_ids for name in (trial_id, f"{trial_id}.child")]
        return [self._pid_once_begun(folder, name) for name in names]


def _all(executor: base.Executor, jobs: Sequence[Job]) -> list[Any]:
    """Submit jobs and return their events when all jobs have ended."""
    for job in jobs:
        executor.submit(job)
    events: list[Any] = []
    while len([event for event in events if not isinstance(event, base.Retried)]) < len(jobs):
        events += executor.wait()
    return events


def _is_alive(pid: int) -> bool:
    """Return whether a process has a running thread. A zombie, which its parent hasn't waited for, isn't alive.

    The main thread of a killed process may end before the other threads, which keep the sockets open.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    if sys.platform != "linux":
        return True
    try:
        threads = [path.read_text() for path in pathlib.Path(f"/proc/{pid}/task").glob("*/stat")]
    except OSError:  # The process, or one of its threads, has just ended.
        return _is_alive(pid)
    return any(thread.rsplit(")", 1)[1].split()[0] != "Z" for thread in threads)


def _await(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until a condition is true."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"the condition is still false after {seconds} s"
        time.sleep(0.02)
