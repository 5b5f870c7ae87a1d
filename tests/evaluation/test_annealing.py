"""The schedule of a training in separate epochs: even over epochs, or over the time that is left."""

import time

import keras
import numpy as np
import pytest

from autonas.evaluation import annealing, training


def test_epochs_share_the_schedule_evenly():
    schedule = annealing.Annealing()
    for epoch in range(4):
        schedule.begin(epoch, 4, None)
        assert schedule.at(0.5) == pytest.approx((epoch + 0.5) / 4)
        assert schedule.factor(0.5) == pytest.approx(training.anneal((epoch + 0.5) / 4))
        schedule.end()
    assert keras.ops.convert_to_numpy(schedule.progress) == pytest.approx(1.0)


def test_at_the_deadline_it_is_over():
    schedule = annealing.Annealing()
    schedule.begin(0, 100, time.monotonic() + 0.05)
    assert schedule.at(0.0) < 0.5
    time.sleep(0.06)
    assert schedule.at(0.01) == 1.0
    assert schedule.factor(0.01) == pytest.approx(0.0, abs=1e-6)


def test_a_distant_deadline_changes_nothing():
    schedule = annealing.Annealing()
    schedule.begin(0, 4, time.monotonic() + 1e6)
    assert schedule.at(1.0) == pytest.approx(0.25)


def test_epochs_after_one_that_was_hurried_share_what_is_left():
    schedule = annealing.Annealing()
    schedule.progress.assign(0.5)
    schedule.begin(1, 3, None)
    np.testing.assert_allclose([schedule.at(0.0), schedule.at(1.0)], [0.5, 0.75])


def test_time_between_epochs_counts_as_spent():
    schedule = annealing.Annealing()
    deadline = time.monotonic() + 0.5
    schedule.begin(0, 100, deadline)
    schedule.end()
    time.sleep(0.3)
    schedule.begin(1, 100, deadline)
    assert 0.55 < schedule.at(0.0) < 0.9
