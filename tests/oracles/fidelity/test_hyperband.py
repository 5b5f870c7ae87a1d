"""Hyperband: successive halving in brackets that begin at different rungs."""

import keras_tuner
import numpy as np
import pytest

from autonas import oracles
from autonas.oracles.fidelity.hyperband import HyperbandOracle
from autonas.testing import problems, simulation
from tests.helpers.fidelity_contract import FidelityContract, architecture


class TestContractAroundLocalSearch(FidelityContract):
    beats_random = False  # Half of the epochs go into trainings that are longer than need be.

    def make(self, **arguments):
        return HyperbandOracle("local_search", min_epochs=1, max_epochs=9, **arguments)


def hyperband(strategy="random", epochs=(1, 27), **arguments):
    return HyperbandOracle(
        strategy,
        min_epochs=epochs[0],
        max_epochs=epochs[1],
        hyperparameters=problems.chain_space(),
        objective=keras_tuner.Objective("score", "max"),
        seed=0,
        **arguments,
    )


def simulated(oracle, **arguments):
    return simulation.simulate(oracle, lambda values: {"score": problems.chain_score(values)}, **arguments)


def test_each_bracket_begins_at_a_rung_of_its_own():
    trials = simulated(hyperband(max_trials=60))
    firsts = {(trial.values["tuner/bracket"], trial.values["tuner/epochs"]) for trial in trials
              if trial.values["tuner/initial_epoch"] == 0}  # fmt: skip
    assert firsts == {(0, 1), (1, 3), (2, 9), (3, 27)}


def test_architectures_join_brackets_as_in_the_paper():
    # ceil(4 / (s + 1) 3^s) for s = 3, 2, 1, 0.
    oracle = hyperband()
    asked = [oracle.ask() for _ in range(49)]
    assert np.bincount([values["tuner/bracket"] for values in asked]).tolist() == [27, 12, 6, 4]


def test_brackets_take_about_the_same_number_of_epochs():
    trials = simulated(hyperband(), limit=4000)
    spent = np.zeros(4)
    for trial in trials:
        spent[trial.values["tuner/bracket"]] += trial.ended - trial.began
    assert spent.max() < 1.5 * spent.min()


def test_full_trainings_of_two_kinds_are_not_promoted():
    space = keras_tuner.HyperParameters()
    space.Choice("block_1/kind", ["dense", "convolution"])
    space.Int("width", 1, 60)
    kinds = np.random.default_rng(0).choice(["dense", "convolution"], size=24)
    points = [{"block_1/kind": str(kind), "width": width} for width, kind in enumerate(kinds, 1)]
    settings = {"objective": keras_tuner.Objective("score", "max"), "hyperparameters": space, "seed": 0}
    oracle = HyperbandOracle("evolution", min_epochs=1, max_epochs=9, initial_points=points, **settings)
    asked = []
    for number in range(60):
        asked.append(oracle.ask())
        oracle.tell(number, asked[-1], (number / 100,))
    in_full = {values["block_1/kind"] for values in asked[:24] if values["tuner/bracket"] == 2}
    assert in_full == {"dense", "convolution"}
    begun = [values["tuner/initial_epoch"] for values in asked if values["tuner/bracket"] == 2]
    assert begun and not any(begun)


def test_what_is_promoted_stays_in_its_bracket():
    trials = {trial.number: trial for trial in simulated(hyperband(max_trials=60), n_workers=4)}
    promoted = [trial for trial in trials.values() if trial.values["tuner/initial_epoch"] > 0]
    assert promoted
    for trial in promoted:
        earlier = trials[int(trial.values["tuner/trial_id"])]
        assert architecture(earlier.values) == architecture(trial.values)
        assert earlier.values["tuner/bracket"] == trial.values["tuner/bracket"]
        assert earlier.values["tuner/epochs"] == trial.values["tuner/initial_epoch"]


@pytest.mark.parametrize("n_workers", [1, 3])
def test_a_share_of_each_rung_of_each_bracket_goes_on(n_workers):
    counts = {}
    for trial in simulated(hyperband(), n_workers=n_workers, limit=3000 / n_workers):
        place = trial.values["tuner/bracket"], trial.values["tuner/rung"]
        counts[place] = counts.get(place, 0) + 1
    for (bracket, rung), count in counts.items():
        if rung > bracket:
            assert count <= counts[bracket, rung - 1] // 3 <= count + n_workers


def test_scores_of_short_and_long_trainings_are_told_on_one_scale():
    """Longer trainings score far more: a strategy that compared them would only go on from those."""

    class Listening(oracles.RandomOracle):
        def observe(self, observation):
            told.append(observation.scores[0])

    told = []
    oracle = hyperband(Listening())
    for number in range(200):
        values = oracle.ask()
        oracle.tell(number, values, (100.0 * values["tuner/rung"] + problems.chain_score(values),))
    assert len(told) > 100 and max(told) < 3
