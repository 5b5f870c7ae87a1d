"""Planned architectures: initial points and failed architectures come first, each once, also in a continued search."""

import keras_tuner
import pytest

from autonas import oracles
from autonas.oracles import planned
from autonas.search_space import encoding

SPACE = keras_tuner.HyperParameters()
SPACE.Int("units", 1, 100)
POINTS = [{"units": 10}, {"units": 20}, {"units": 30}]


@pytest.fixture
def space():
    return encoding.Encoding(SPACE)


def drained(architectures, space, retries=True):
    """The units of all planned architectures."""
    taken = iter(lambda: architectures.next(space, lambda values: True, retries), None)
    return [values["units"] for values in taken]


def test_initial_points_come_before_failed_architectures(space):
    architectures = planned.PlannedArchitectures(POINTS)
    architectures.add_retry({"units": 7})
    assert drained(architectures, space) == [10, 20, 30, 7]
    assert drained(architectures, space) == []


def test_without_initial_points_the_default_architecture_is_the_first(space):
    assert drained(planned.PlannedArchitectures(None), space) == [1]
    assert drained(planned.PlannedArchitectures([]), space) == []


@pytest.mark.parametrize(
    "point, message",
    [
        ({"unit": 3}, "`initial_points` must name decisions .* Received: 'unit'. Perhaps you mean 'units'."),
        ({"units": 101}, "`initial_points` must give 'units' a value that the decision has, 1 to 100. Received: 101"),
        ({"units": "a"}, "Received: 'a'"),
    ],
)
def test_initial_points_outside_of_the_space_are_refused(space, point, message):
    with pytest.raises(ValueError, match=message):
        drained(planned.PlannedArchitectures([{}, point]), space)
    assert drained(planned.PlannedArchitectures([{"units": None, "tuner/epochs": 3}]), space) == [1]


def test_architectures_that_are_not_new_are_passed_over(space):
    architectures = planned.PlannedArchitectures(POINTS)
    assert architectures.next(space, lambda values: values["units"] > 10, True) == {"units": 20}
    assert drained(architectures, space) == [30]


def test_architectures_of_an_earlier_process_are_not_returned_again(space):
    architectures = planned.PlannedArchitectures(POINTS)
    architectures.add_retry({"units": 7})
    assert [architectures.take(space, {"units": units}, True) for units in (20, 20, 7, 8)] == [True, False, True, False]
    assert drained(architectures, space) == [10, 30]


@pytest.mark.parametrize("strategy", [oracles.RandomOracle, oracles.EvolutionOracle, oracles.ReinforcementOracle])
def test_a_search_that_goes_on_with_other_initial_points_tries_all_of_them(strategy, tmp_path):
    def asked(initial_points, n_trials):
        objective = keras_tuner.Objective("score", "max")
        oracle = strategy(
            objective=objective,
            hyperparameters=SPACE.copy(),
            max_trials=n_trials,
            seed=0,
            initial_points=initial_points,
        )
        oracle._set_project_dir(str(tmp_path), "run")
        oracle.open()
        while (trial := oracle.create_trial("tuner")).status == "RUNNING":
            oracle.update_trial(trial.trial_id, {"score": 1.0})
            trial.status = "COMPLETED"
            oracle.end_trial(trial)
        return [trial.hyperparameters.get("units") for trial in oracle.trials.values()]

    before = asked(POINTS, 5)
    assert before[:3] == [10, 20, 30]
    after = asked([POINTS[0], {"units": 95}, *POINTS[1:], {"units": 96}], 8)
    assert after[:5] == before
    assert after[5:7] == [95, 96] or set(before[3:]) & {95, 96}
    assert len(set(after)) == 8
