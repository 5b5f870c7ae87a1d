"""Local search keeps the contract; it moves to the first better neighbour, and starts anew at a local optimum."""

import keras_tuner
import numpy as np
import pytest

from autonas import oracles
from autonas.search_space import encoding
from autonas.testing import oracles as contracts
from tests.helpers import bits


class TestLocalSearchOracle(contracts.OracleContract):
    takes_several_scores = heeds_constraints = True

    def make(self, **arguments):
        return oracles.LocalSearchOracle(**arguments)


def search(n_decisions, seed=0):
    """An oracle whose first trial, of score 0, has ended; and that trial's values."""
    oracle = oracles.LocalSearchOracle(hyperparameters=bits.binary_space(n_decisions), seed=seed)
    first = oracle.ask()
    oracle.tell(0, first, (0.0,))
    return oracle, first


def test_neighbours_are_tried_in_random_order():
    orders = set()
    for seed in range(10):
        oracle, first = search(5, seed)
        asked = [oracle.ask() for _ in range(5)]
        assert all(bits.n_differing(values, first) == 1 for values in asked)
        orders.add(tuple(next(name for name in first if values[name] != first[name]) for values in asked))
    assert len(orders) > 7


def test_it_moves_to_the_first_better_neighbour():
    oracle, first = search(12)
    worse, better = oracle.ask(), oracle.ask()
    oracle.tell(1, worse, (-1.0,))
    oracle.tell(2, better, (1.0,))
    assert [bits.n_differing(oracle.ask(), better) for _ in range(5)] == [1] * 5


def test_at_a_local_optimum_it_starts_anew_and_does_not_wait_for_its_last_neighbours():
    oracle, first = search(12)
    neighbours = [oracle.ask() for _ in range(12)]
    assert {bits.n_differing(values, first) for values in neighbours} == {1}
    starts = [oracle.ask() for _ in range(8)]
    assert np.mean([bits.n_differing(values, first) for values in starts]) > 4
    # The first start goes on from there, though it is worse than the optimum; a neighbour that is no better doesn't.
    oracle.tell(13, starts[0], (-5.0,))
    oracle.tell(1, neighbours[0], (-1.0,))
    assert bits.n_differing(oracle.ask(), starts[0]) == 1
    # One that turns out to be better does.
    oracle.tell(2, neighbours[1], (1.0,))
    assert bits.n_differing(oracle.ask(), neighbours[1]) == 1


def test_failed_trials_never_stop_it():
    oracle, first = search(12)
    neighbours = []
    while bits.n_differing(values := oracle.ask(), first) == 1:
        neighbours.append(tuple(values.items()))
        oracle.tell(len(neighbours), values, None)
    # All of them, and a few twice, as long as it isn't clear that the failures last.
    assert len(set(neighbours)) == 12 and len(neighbours) < 18
    oracle.tell(len(neighbours) + 1, values, None)
    start = oracle.ask()
    oracle.tell(len(neighbours) + 2, start, (-5.0,))
    assert bits.n_differing(oracle.ask(), start) == 1


def test_n_steps_near_values_of_a_real_are_neighbours():
    space = keras_tuner.HyperParameters()
    space.Float("rate", 0.0, 1.0, default=0.5)
    oracle = oracles.LocalSearchOracle(hyperparameters=space, seed=0, n_steps=30)
    oracle.tell(0, oracle.ask(), (0.0,))
    rates = [oracle.ask()["rate"] for _ in range(30)]
    # Normal steps of a fifth of the range; a start at random would be at 0.25 on average.
    assert 0.1 < np.mean(np.abs(np.array(rates) - 0.5)) < 0.22
    assert oracle._left == []


def test_bad_arguments_are_refused_before_the_first_trial():
    oracle = oracles.LocalSearchOracle(hyperparameters=bits.binary_space(3), n_steps=0)
    with pytest.raises(ValueError, match="`n_steps` must be an integer of at least 1. Received: n_steps=0"):
        oracle.ask()


@pytest.mark.parametrize("seed", range(3))
def test_it_climbs_to_the_top_of_a_hill_in_a_few_trials(seed):
    space = contracts.conditional_space()
    oracle = oracles.LocalSearchOracle(hyperparameters=space, seed=seed)
    best = -np.inf
    for trial in range(60):
        values = oracle.ask()
        assert encoding.Encoding(space).is_valid(values)
        best = max(best, contracts.score(values))
        oracle.tell(trial, values, (contracts.score(values),))
    assert best > 1.99


def test_each_decision_gets_its_turn_however_many_values_another_has():
    space = bits.binary_space(3)
    space.Int("width", 1, 20)
    oracle = oracles.LocalSearchOracle(hyperparameters=space, seed=0)
    first = oracle.ask()
    oracle.tell(0, first, (0.0,))
    asked = [oracle.ask() for _ in range(4 + 18)]
    changed = [next(name for name in first if values[name] != first[name]) for values in asked]
    assert set(changed[:4]) == set(first)
    assert changed[4:] == ["width"] * 18
