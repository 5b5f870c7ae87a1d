"""Execution in worker processes."""

import errno
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from autonas.execution import base, process
from autonas.testing import executors

_SCRIPT = """
import dataclasses, sys
from autonas.execution import process

print("the script begins")

@dataclasses.dataclass
class Job:
    trial_id: str
    deadline: object = None

@dataclasses.dataclass
class Outcome:
    factor: int

class Evaluator:
    def __init__(self, factor):
        self.factor = factor
    def evaluate(self, job, report):
        assert isinstance(job, Job)
        print("the job begins")
        report(Outcome(self.factor))
        return Outcome(self.factor * 2)

reported = []
executor = process.ProcessExecutor(2)
executor.start(Evaluator(21).evaluate, lambda job, event: reported.append(event))
executor.submit(Job("a"))
print(executor.wait() [0].outcome == Outcome(42), reported == [Outcome(21)])
if "--close" in sys.argv:
    executor.close()
"""


class TestProcessExecutor(executors.ExecutorContract):
    def make(self, n_workers, grace):
        return process.ProcessExecutor(n_workers, grace)


def _outcomes(evaluate, jobs, n_workers=1, grace=30.0):
    """What comes of jobs, events in the order that they came."""
    with process.ProcessExecutor(n_workers, grace) as executor:
        executor.start(evaluate)
        return executors._all(executor, jobs)


@pytest.mark.parametrize("options", [["--close"], []])
def test_a_script_needs_no_guard_and_its_classes_travel(tmp_path, options):
    (tmp_path / "script.py").write_text(_SCRIPT)
    finished = subprocess.run(
        [sys.executable, "-W", "error", str(tmp_path / "script.py"), *options],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    # In any order, since the process of the script writes when it ends.
    assert sorted(finished.stdout.splitlines()) == ["True True", "the job begins", "the script begins"]
    assert finished.returncode == 0 and (not options or finished.stderr == "")


def test_a_worker_has_the_drivers_path_folder_and_backend(tmp_path, monkeypatch):
    import keras  # Not above: this file is imported by drivers that must start quickly.

    (tmp_path / "only_here.py").write_text("value = 5")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)

    def evaluate(job, report):
        import only_here

        return only_here.value, os.getcwd(), os.environ["KERAS_BACKEND"]

    (event,) = _outcomes(evaluate, [executors.Job("a")])
    assert event.outcome == (5, str(tmp_path), keras.backend.backend())


@pytest.mark.skipif(sys.platform != "linux", reason="Memory is counted as Linux does.")
def test_data_is_in_memory_once_for_all_workers(tmp_path):
    table = np.ones((100, 250_000))  # 200 MB

    def evaluate(job, report):
        total = table.sum()
        (tmp_path / job.trial_id).touch()
        while len(list(tmp_path.iterdir())) < 2:
            time.sleep(0.02)  # Until both workers have all of it.
        counted = pathlib.Path("/proc/self/smaps_rollup").read_text().split("\n")
        private = sum(int(line.split()[1]) for line in counted if line.startswith("Private"))
        return os.getpid(), total, private / 1024

    events = _outcomes(evaluate, [executors.Job("a"), executors.Job("b")], n_workers=2)
    outcomes = [event.outcome for event in events]
    assert len({pid for pid, _, _ in outcomes}) == 2 and [total for _, total, _ in outcomes] == [25e6] * 2
    assert max(megabytes for _, _, megabytes in outcomes) < 100


def test_what_a_lost_worker_has_started_ends_with_it(tmp_path):
    def evaluate(job, report):
        # It keeps the worker's socket open.
        child = subprocess.Popen(["sleep", "600"], close_fds=False)
        if job.checkpoint is None:
            report.checkpoint(child.pid)
            os.kill(os.getpid(), signal.SIGKILL)
        return job.checkpoint

    retried, ended = _outcomes(evaluate, [executors.Job("a")])
    assert isinstance(retried, base.Retried)
    executors._await(lambda: not executors._is_alive(ended.outcome))


def test_a_job_that_never_stops_reporting_is_ended_at_its_limit():
    def evaluate(job, report):
        while True:
            report(b"x" * 10_000)

    with process.ProcessExecutor(1, grace=0.2) as executor:
        executor.start(evaluate, lambda job, event: None)
        executor.submit(executors.Job("a", deadline=time.monotonic() + 1))
        assert isinstance(executor.wait()[0], base.Lost)


def test_the_reason_names_both_ends(tmp_path):
    def evaluate(job, report):
        how, job.checkpoint = job.what.split()[job.checkpoint or 0], 1
        report.checkpoint(1)
        os.kill(os.getpid(), getattr(signal, how))

    events = _outcomes(evaluate, [executors.Job("a", "SIGABRT SIGKILL"), executors.Job("b", "SIGSEGV SIGSEGV")])
    assert [event.reason for event in events if isinstance(event, base.Lost)] == [
        "the worker process aborted (SIGABRT); when the job was retried, the worker process was killed (SIGKILL), "
        "perhaps because memory ran out",
        "the worker process had a segmentation fault (SIGSEGV), twice",
    ]


def test_an_outcome_that_cannot_travel_loses_its_job():
    (event,) = _outcomes(lambda job, report: threading.Lock(), [executors.Job("a")])
    assert isinstance(event, base.Lost) and "TypeError: cannot pickle" in event.reason


def test_what_a_job_leaves_behind_is_not_heard():
    def evaluate(job, report):
        def talk():
            for _ in range(20):
                time.sleep(0.01)
                report(job.trial_id)

        thread = threading.Thread(target=talk)
        thread.start()
        if job.trial_id == "b":
            thread.join()

    told = []
    with process.ProcessExecutor(1) as executor:
        executor.start(evaluate, lambda job, event: told.append((job.trial_id, event)))
        executors._all(executor, [executors.Job("a")])
        time.sleep(0.5)
        executors._all(executor, [executors.Job("b")])
    assert set(told) <= {("a", "a"), ("b", "b")} and told.count(("b", "b")) == 20


def test_a_job_that_cannot_travel_is_refused_when_it_is_submitted():
    with process.ProcessExecutor(1) as executor:
        executor.start(lambda job, report: None)
        with pytest.raises(TypeError, match="lock"):
            executor.submit(executors.Job("a", threading.Lock()))


def test_what_cannot_travel_is_refused():
    lock = threading.Lock()
    with process.ProcessExecutor(1) as executor, pytest.raises(TypeError, match="can't be pickled.*lock.*inline"):
        executor.start(lambda job, report: lock)


def test_a_full_disk_is_named(monkeypatch):
    with process.ProcessExecutor(1) as executor:
        monkeypatch.setattr(process.tempfile, "TemporaryFile", lambda: open("/dev/full", "wb", buffering=0))
        with pytest.raises(OSError, match="was full after .*TMPDIR") as raised:
            executor.start(lambda job, report: None)
    assert raised.value.errno == errno.ENOSPC


class _Deadly:
    """Ends the process that loads it."""

    def __reduce__(self):
        return os._exit, (7,)


def test_workers_that_never_get_ready_are_given_up():
    deadly = _Deadly()
    with process.ProcessExecutor(1) as executor:
        executor.start(lambda job, report: deadly)
        executor.submit(executors.Job("a"))
        with pytest.raises(RuntimeError, match="5 workers in a row .* exited with status 7"):
            executor.wait()


@pytest.mark.parametrize("arguments, match", [((0,), "n_workers=0"), ((1.5,), "n_workers=1.5"), ((1, -1), "grace=-1")])
def test_arguments_are_checked(arguments, match):
    with pytest.raises(ValueError, match=match):
        process.ProcessExecutor(*arguments)
