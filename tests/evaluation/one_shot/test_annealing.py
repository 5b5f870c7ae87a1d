"""The schedule of a training in separate epochs: even over epochs, or over the time that is left."""

import keras
import numpy as np
import pytest

from autonas.evaluation.one_shot import annealing
from autonas.search_space import schedules


def test_epochs_share_the_schedule_evenly():
    schedule = annealing.Annealing()
    for epoch in range(4):
        schedule.begin(epoch, 4, None)
        assert schedule.at(0.5) == pytest.approx((epoch + 0.5) / 4)
        assert schedule.factor(0.5) == pytest.approx(schedules.cosine((epoch + 0.5) / 4))
        schedule.end()
    assert keras.ops.convert_to_numpy(schedule.progress) == pytest.approx(1.0)


@pytest.fixture
def clock(monkeypatch):
    """List of the one number that `time.monotonic` gives."""
    now = [100.0]
    monkeypatch.setattr(annealing.time, "monotonic", lambda: now[0])
    return now


def test_at_the_deadline_it_is_over(clock):
    schedule = annealing.Annealing()
    schedule.begin(0, 100, clock[0] + 10.0)
    clock[0] += 2.0
    assert schedule.at(0.0) == pytest.approx(0.2)
    clock[0] += 8.0
    assert schedule.at(0.01) == 1.0
    assert schedule.factor(0.01) == pytest.approx(0.0, abs=1e-6)


def test_a_distant_deadline_changes_nothing(clock):
    schedule = annealing.Annealing()
    schedule.begin(0, 4, clock[0] + 1e6)
    assert schedule.at(1.0) == pytest.approx(0.25)


def test_epochs_after_one_that_was_hurried_share_what_is_left():
    schedule = annealing.Annealing()
    schedule.progress.assign(0.5)
    schedule.begin(1, 3, None)
    np.testing.assert_allclose([schedule.at(0.0), schedule.at(1.0)], [0.5, 0.75])


def test_time_between_epochs_counts_as_spent(clock):
    schedule = annealing.Annealing()
    deadline = clock[0] + 10.0
    schedule.begin(0, 100, deadline)
    schedule.end()
    clock[0] += 6.0
    schedule.begin(1, 100, deadline)
    assert schedule.at(0.0) == pytest.approx(0.01 + 0.99 * 0.6)
