"""Evolution keeps the contract; the fittest have children, and one member leaves for each that joins."""

import numpy as np
import pytest

from autonas import oracles
from autonas.testing import oracles as contracts
from autonas.testing import problems
from tests.helpers import bits


class TestEvolutionOracle(contracts.OracleContract):
    takes_several_scores = heeds_constraints = True

    def make(self, **arguments):
        return oracles.EvolutionOracle(**arguments)


class TestAgingEvolution(contracts.OracleContract):
    """Aging evolution, and with crossover."""

    takes_several_scores = heeds_constraints = True

    def make(self, **arguments):
        published = {"population_size": 20, "tournament_size": 10, "survival": "age", "patience": None}
        return oracles.EvolutionOracle(crossover_probability=0.3, **published, **arguments)


def number(values):
    """A score that is another one for each architecture: the bits as a binary number."""
    return float(sum(2 ** int(name.removeprefix("bit_")) for name, bit in values.items() if bit))


def started(n_members, **arguments):
    """An oracle whose first `n_members` trials, the whole first population, have ended; and their values."""
    oracle = oracles.EvolutionOracle(
        hyperparameters=arguments.pop("space", bits.binary_space()), seed=0, population_size=n_members, **arguments
    )
    return oracle, [told(oracle, trial) for trial in range(n_members)]


def told(oracle, trial, score=number):
    """Asks for an architecture and tells its score, or that it failed if there is none."""
    values = oracle.ask()
    oracle.tell(trial, values, None if score is None else (score(values),))
    return values


def members(oracle):
    return [values for values, *_ in oracle._population]


# ---------------------------------------------------------------------- parents and children


def test_a_child_differs_from_the_fittest_in_one_decision():
    oracle, first = started(4)
    fittest = max(first, key=number)
    assert [bits.n_differing(oracle.ask(), fittest) for _ in range(3)] == [1, 1, 1]


def test_a_small_tournament_leaves_others_a_chance():
    found = []
    for seed in range(30):
        oracle = oracles.EvolutionOracle(
            hyperparameters=bits.binary_space(12), seed=seed, population_size=3, tournament_size=1
        )
        initial = [told(oracle, trial) for trial in range(3)]
        child = oracle.ask()
        found.append(int(np.argmin([bits.n_differing(child, values) for values in initial])))
    assert set(found) == {0, 1, 2}


def test_mutation_adds_and_removes_layers_and_changes_kinds_and_parameters():
    space = problems.chain_space()
    oracle = oracles.EvolutionOracle(
        hyperparameters=space, seed=0, population_size=1, initial_points=[problems.CHAIN.optimum], max_attempts=100
    )
    parent = told(oracle, 0, problems.chain_score)
    children = [told(oracle, trial, None) for trial in range(1, 30)]
    assert {child["depth"] for child in children} >= {3, 4, 5}
    assert any(child["depth"] == 4 and child["kind_0"] != parent["kind_0"] for child in children)
    assert any(child.get("width_0", 64) != 64 for child in children)


def test_a_child_of_two_parents_has_decisions_of_both():
    oracle = oracles.EvolutionOracle(
        hyperparameters=bits.binary_space(20), seed=0, population_size=2, crossover_probability=1.0,
        initial_points=[{}, {f"bit_{place}": True for place in range(20)}],
    )  # fmt: skip
    for trial in range(2):
        told(oracle, trial)
    assert all(4 <= sum(oracle.ask().values()) <= 16 for _ in range(8))


# ---------------------------------------------------------------------- who leaves


def test_the_least_fit_leaves():
    oracle, asked = started(4, space=bits.binary_space(20), max_attempts=100)
    for trial in range(4, 30):
        asked.append(told(oracle, trial))
        assert sorted(map(number, members(oracle))) == sorted(map(number, asked))[-4:]


def test_the_oldest_leaves_by_age():
    oracle, asked = started(4, survival="age", space=bits.binary_space(12))
    for trial in range(4, 30):
        asked.append(told(oracle, trial))
        assert members(oracle) == asked[-4:]


def test_failed_children_do_not_join_and_are_tried_again():
    oracle, first = started(4)
    child, again = (told(oracle, trial, None) for trial in range(4, 6))
    assert members(oracle) == first and again == child
    assert told(oracle, 6) not in [*first, child]


def test_a_population_whose_first_members_have_all_failed_starts_at_random():
    oracle = oracles.EvolutionOracle(hyperparameters=bits.binary_space(12), seed=0)
    for trial in range(8):
        told(oracle, trial, None)
    survivor = told(oracle, 8)
    assert bits.n_differing(oracle.ask(), survivor) == 1


def test_a_parent_whose_children_are_all_known_leaves():
    oracle = oracles.EvolutionOracle(
        hyperparameters=bits.binary_space(), seed=0, population_size=2, patience=None, max_attempts=60,
        initial_points=[{f"bit_{place}": True for place in range(6)}, {"bit_5": True}],
    )  # fmt: skip
    best, second = told(oracle, 0), told(oracle, 1, lambda values: 0.5)
    for trial in range(2, 8):
        assert bits.n_differing(told(oracle, trial, lambda values: 0.0), best) == 1
    assert bits.n_differing(oracle.ask(), second) == 1
    assert best not in members(oracle)


def test_when_the_population_has_converged_a_new_one_begins():
    oracle = oracles.EvolutionOracle(
        hyperparameters=bits.binary_space(10), seed=0, population_size=2, patience=1, max_attempts=100,
        initial_points=[{f"bit_{place}": True for place in range(10)}],
    )  # fmt: skip
    best = told(oracle, 0)
    told(oracle, 1, lambda values: 0.0)
    late = oracle.ask()
    children = [late, *(told(oracle, trial, lambda values: 0.0) for trial in range(3, 12))]
    assert all(bits.n_differing(child, best) == 1 for child in children)
    first, second = told(oracle, 12), told(oracle, 13)
    assert members(oracle) == [first, second]
    # A child of the old population that is told of now belongs to nothing.
    oracle.tell(2, late, (9.0,))
    assert members(oracle) == [first, second]


def test_each_new_population_is_larger_than_the_one_before():
    oracle = oracles.EvolutionOracle(
        hyperparameters=bits.binary_space(10), seed=0, population_size=2, patience=1, max_attempts=100
    )
    sizes = {}
    for trial in range(60):
        told(oracle, trial, lambda values: 0.0)
        restarts = int(oracle.diagnostics()["strategy/restarts"])
        sizes[restarts] = max(sizes.get(restarts, 0), len(members(oracle)))
    assert [sizes[restarts] for restarts in range(4)] == [2, 4, 6, 8]


def test_it_goes_on_to_improve_where_there_are_many_local_optima():
    # About a hundred, among 6,561 architectures.
    problem = problems.nk_landscape(4, seed=2)
    has_improved = []
    for seed in range(10):
        oracle = oracles.EvolutionOracle(hyperparameters=problem.space(), seed=seed, initial_points=[])
        scores = [problem.score(told(oracle, trial, problem.score)) for trial in range(300)]
        has_improved.append(max(scores) > max(scores[:150]) or max(scores) == problem.score(problem.optimum))
    assert np.mean(has_improved) >= 0.6


# ---------------------------------------------------------------------- several scores


def depth_and_score(values):
    return (problems.chain_score(values), -float(values["depth"]))


def test_several_scores_spread_over_the_front():
    best = []
    for seed in range(3):
        oracle = oracles.EvolutionOracle(hyperparameters=problems.chain_space(), seed=seed)
        by_depth = {}
        for trial in range(400):
            values = oracle.ask()
            scores = depth_and_score(values)
            by_depth[values["depth"]] = max(scores[0], by_depth.get(values["depth"], 0.0))
            oracle.tell(trial, values, scores)
        best.append([by_depth[depth] for depth in (1, 2, 3, 4)])
    # At best a quarter for each layer.
    assert np.mean(best, axis=0) == pytest.approx([0.25, 0.5, 0.75, 1.0], abs=0.05)


def test_members_are_those_that_nsga2_keeps():
    scores = {0: (0.0, 10.0), 1: (10.0, 0.0), 2: (5.0, 6.0), 3: (1.0, 9.0), 4: (4.0, 4.0)}
    oracle = oracles.EvolutionOracle(hyperparameters=bits.binary_space(12), seed=0, population_size=3)
    asked = [oracle.ask() for _ in range(5)]
    for trial, values in enumerate(asked):
        oracle.tell(trial, values, scores[trial])
    # The dominated one left, and the one between two near ones.
    assert members(oracle) == asked[:3]


# ---------------------------------------------------------------------- arguments


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"population_size": -3}, "`population_size` must be an integer of at least 1. Received: population_size=-3"),
        ({"tournament_size": 0}, "`tournament_size` must be an integer of at least 1. Received: tournament_size=0"),
        ({"survival": "old"}, "`survival` must be one of 'fitness', 'age'. Received: survival='old'"),
        (
            {"crossover_probability": 2},
            "`crossover_probability` must be a number from 0 to 1. Received: crossover_probability=2",
        ),
        ({"max_attempts": 0}, "`max_attempts` must be an integer of at least 1. Received: max_attempts=0"),
        ({"patience": 0}, "`patience` must be an integer of at least 1. Received: patience=0"),
    ],
)
def test_bad_arguments_are_refused_before_the_first_trial(arguments, message):
    oracle = oracles.EvolutionOracle(hyperparameters=bits.binary_space(), **arguments)
    with pytest.raises(ValueError) as refusal:
        oracle.ask()
    assert str(refusal.value) == message


# ---------------------------------------------------------------------- told again


def test_a_member_that_was_trained_on_counts_as_what_it_scores_then():
    oracle = oracles.EvolutionOracle(hyperparameters=bits.binary_space(), seed=0, population_size=2, initial_points=[])
    first, second = (oracle.ask() for _ in range(2))
    oracle.tell(0, first, (0.9,))
    oracle.tell(1, second, (0.5,))
    oracle.observe(oracles.Observation(0, first, (0.1,), is_update=True))
    # The fittest of the population is the parent.
    assert all(bits.n_differing(oracle.ask(), second) == 1 for _ in range(3))


def test_one_that_had_left_the_population_joins_again():
    oracle = oracles.EvolutionOracle(hyperparameters=bits.binary_space(), seed=0, population_size=1, initial_points=[])
    first, second = (oracle.ask() for _ in range(2))
    oracle.tell(0, first, (0.5,))
    oracle.tell(1, second, (0.6,))
    oracle.observe(oracles.Observation(0, first, (0.9,), is_update=True))
    assert all(bits.n_differing(oracle.ask(), first) == 1 for _ in range(3))
