"""A space as a decision process: episodes of actions, only of what is active."""

import keras_tuner
import numpy as np

from autonas.oracles.controllers.decision_process import DecisionProcess
from autonas.search_space.encoding import Encoding


def process():
    space = keras_tuner.HyperParameters()
    space.Choice("family", ["none", "some"])
    with space.conditional_scope("family", ["some"]):
        space.Int("depth", 1, 3)
        space.Int("units", 1, 1024, sampling="log")
    space.Fixed("only", 7)
    space.Float("rate", 1e-4, 1.0, sampling="log")
    return DecisionProcess(Encoding(space), n_bins=4)


def test_ranges_have_as_many_actions_as_bins_and_other_decisions_as_many_as_values():
    assert process().sizes == [2, 3, 4, 1, 4]


def test_an_episode_holds_the_active_decisions_in_order():
    values = {"family": "none", "only": 7, "rate": 0.05}
    assert process().episode(values) == [(0, 0), (4, 2)]
    values = {"family": "some", "depth": 3, "units": 1000, "only": 7, "rate": 1.0}
    assert process().episode(values) == [(0, 1), (1, 2), (2, 3), (4, 3)]


def test_only_active_decisions_with_a_choice_are_asked_for():
    asked = []

    def choose(index):
        asked.append(index)
        return 0

    assert set(process().walk(choose, np.random.default_rng(0))) == {"family", "only", "rate"}
    assert asked == [0, 4]


def test_values_are_uniform_within_a_bin_of_the_ranges_own_scale():
    generator = np.random.default_rng(0)
    rates = [process().walk(lambda index: 1, generator)["rate"] for _ in range(400)]
    assert 1e-3 <= min(rates) and max(rates) <= 1e-2
    assert 0.4 < np.mean(np.array(rates) < 10**-2.5) < 0.6


def test_actions_that_make_an_architecture_are_found_again():
    generator = np.random.default_rng(0)
    for _ in range(100):
        taken = []

        def choose(index, taken=taken):
            taken.append((index, int(generator.integers(process().sizes[index]))))
            return taken[-1][1]

        found = process().episode(process().walk(choose, generator))
        # Integers are rounded, at most into the bin beside.
        assert [index for index, _ in found] == [index for index, _ in taken]
        assert all(abs(first[1] - second[1]) <= (first[0] == 2) for first, second in zip(found, taken, strict=True))
