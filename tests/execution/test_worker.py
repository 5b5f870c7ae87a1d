"""Jobs and what is evaluated travel to workers."""

import collections
import dataclasses
import tempfile
import time

import cloudpickle
import numpy as np
import pytest

from autonas.execution import worker

Bare = collections.namedtuple("Bare", ["trial_id", "deadline"])


@dataclasses.dataclass(frozen=True)
class Job:
    trial_id: str
    deadline: float | None = None
    checkpoint: object = None


@dataclasses.dataclass
class WithoutCheckpoint:
    trial_id: str
    deadline: float | None = None


def _travelled(job, checkpoint=None, shares_clock=True, now=None):
    """A job as it arrives, at a machine whose clock says `now`, at once."""
    kept = None if checkpoint is None else cloudpickle.dumps(checkpoint)
    content = worker.pack(cloudpickle.dumps(job), kept, job.deadline, shares_clock)
    with pytest.MonkeyPatch.context() as patch:
        if now is not None:
            patch.setattr(worker.time, "monotonic", lambda: now)
        return worker._unpack(content)


def test_a_job_arrives_as_it_was_sent():
    job = Job("a", 12.5, "its own")
    assert _travelled(job) == job


def test_what_was_kept_becomes_its_checkpoint():
    assert _travelled(Job("a", 12.5), {"epoch": 3}) == Job("a", 12.5, {"epoch": 3})


@pytest.mark.parametrize("job", [WithoutCheckpoint("a"), Bare("a", None)])
def test_a_job_without_such_a_field_begins_from_the_start(job):
    assert _travelled(job, 3) == job


def test_a_deadline_is_that_of_the_clock_of_the_workers_machine():
    arrived = _travelled(Job("a", time.monotonic() + 10), shares_clock=False, now=1000.0)
    assert arrived.deadline == pytest.approx(1010, abs=0.1)
    assert _travelled(Job("a"), shares_clock=False, now=1000.0) == Job("a")


def test_arrays_of_a_file_are_views_where_all_numbers_may_begin():
    arrays = [np.arange(3, dtype="int8"), np.arange(5.0), np.zeros((0, 2)), np.asfortranarray(np.eye(3))]
    with tempfile.TemporaryFile() as file:
        worker.write_function(lambda job, report: arrays, file)
        # The worker closes the descriptor.
        arrived = worker.load_function(worker._map(worker.os.dup(file.fileno())))(None, None)
    for array, was in zip(arrived, arrays, strict=True):
        np.testing.assert_array_equal(array, was)
        assert array.dtype == was.dtype and array.ctypes.data % 64 == 0 and not array.flags.owndata
