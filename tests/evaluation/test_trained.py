"""Trained candidates in memory: the best ones and the latest one."""

import pickle
import types

import keras_tuner
import pytest

from autonas.evaluation import trained
from autonas.objectives import goal


@pytest.fixture
def candidates():
    return trained.TrainedCandidates(goal.Goal((keras_tuner.Objective("score", "max"),)))


def of(trial_id, score, holds_rows=False):
    """A candidate without a network."""
    loop = types.SimpleNamespace(holds_rows=holds_rows)
    return trained.Trained(trial_id, {"score": score}, None, loop, trained.Weights([], []), 0.001, {})


def in_memory(candidates):
    return {number for number in range(10) if candidates.get(str(number)) is not None}


def test_the_four_best_candidates_and_the_latest_one_stay(candidates):
    for number, score in enumerate([5.0, 1.0, 4.0, 3.0, 2.0, 0.0]):
        candidates.add(of(str(number), score))
    assert in_memory(candidates) == {0, 2, 3, 4, 5}
    assert candidates.latest.trial_id == "5"


def test_of_loops_that_hold_rows_the_best_one_stays(candidates):
    for number, score in enumerate([3.0, 2.0, 1.0]):
        candidates.add(of(str(number), score, holds_rows=True))
    assert in_memory(candidates) == {0, 2}


def test_a_removed_candidate_takes_the_latest_one_with_it(candidates):
    for number in range(3):
        candidates.add(of(str(number), float(number)))
    candidates.remove(candidates.get("0"))
    assert in_memory(candidates) == {1, 2} and candidates.latest is None


def test_other_processes_get_no_networks(candidates):
    candidates.add(of("0", 1.0))
    assert in_memory(pickle.loads(pickle.dumps(candidates))) == set()
