"""Observations: the fields that a strategy learns from, and how `tell` fills them."""

import dataclasses

import pytest

from autonas import oracles
from autonas.oracles.observation import LearningCurve, Observation, Training
from autonas.testing import problems
from autonas.trials.states import Stage


class Listening(oracles.RandomOracle):
    """Random search that keeps its observations."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.observations = []

    def observe(self, observation):
        self.observations.append(observation)


@pytest.fixture
def oracle():
    return Listening(hyperparameters=problems.small_space(), seed=0)


def test_the_violation_is_the_sum_of_what_is_beyond_the_limits():
    assert Observation(0, {}, (1.0,)).violation == 0
    assert Observation(0, {}, None, (-0.5, 2.0, None, -0.25)).violation == 0.75


def test_a_trial_of_another_stage_is_no_candidate():
    candidate, epoch = Observation(0, {"units": 8}), Observation(1, {"tuner/stage": "supernet"})
    assert candidate.is_candidate and candidate.stage == Stage.SEARCH
    assert not epoch.is_candidate and epoch.stage == Stage.SUPERNET


def test_an_observation_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Observation(0, {}).scores = (1.0,)


def test_a_result_is_told_by_its_scores_alone(oracle):
    values = oracle.ask()
    oracle.tell(0, values, (0.5,))
    assert oracle.observations == [Observation(0, values, (0.5,))]


def test_a_result_is_told_with_all_that_is_known(oracle):
    values, curve = oracle.ask(), LearningCurve([0.1, 0.5], 2)
    oracle.tell(0, values, (0.5,), [0.3, None], training=Training(0.25, curve=curve))
    assert oracle.observations == [Observation(0, values, (0.5,), (0.3, None), Training(0.25, None, curve))]


def test_whole_observations_are_told_too(oracle):
    observation = Observation(0, oracle.ask(), None, (-0.1,))
    oracle.tell_observation(observation)
    assert oracle.observations == [observation] and not oracle.pending


def test_scores_that_are_not_finite_are_those_of_a_failed_trial(oracle):
    oracle.tell(0, oracle.ask(), (float("nan"), 1.0))
    assert oracle.observations[0].scores is None


def test_what_was_not_asked_for_is_learned_as_the_next_trial(oracle):
    oracle.learn({"kind": "none"}, (0.5,), training=Training(0.1))
    assert oracle.observations == [Observation(0, {"kind": "none"}, (0.5,), training=Training(0.1))]
    assert oracle.n_asked == 1
