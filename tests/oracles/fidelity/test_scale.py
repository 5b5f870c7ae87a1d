"""Fidelities: rungs, and scores of several of them on one scale."""

import numpy as np
import pytest

from autonas.oracles.fidelity import scale


@pytest.mark.parametrize(
    "arguments, epochs",
    [
        ((1, 27, 3), [1, 3, 9, 27]),
        ((4, 100, 3), [4, 12, 34, 100]),
        ((2, 3, 3), [2, 3]),
        ((5, 5, 3), [5]),
        ((1, 2, 16), [1, 2]),
        ((12, 200, 17), [12, 200]),
    ],
)
def test_rungs_reach_from_the_shortest_to_a_full_training(arguments, epochs):
    assert [rung.epochs for rung in scale.rungs(*arguments)] == epochs


@pytest.mark.parametrize("shares", [(1 / 9, 1.0), (1.0, 0.25), (1 / 9, 1 / 2)])
def test_share_of_the_data_and_resolution_grow_to_those_of_a_full_training(shares):
    rungs = scale.rungs(2, 32, 3, *shares)
    assert rungs[0] == scale.Rung(2, *shares) and rungs[-1] == scale.Rung(32, 1.0, 1.0)
    costs = [rung.cost(32) for rung in rungs]
    factors = np.divide(costs[1:], costs[:-1])
    assert (factors > 2).all() and (factors < 4.5).all() and costs[0] == pytest.approx(shares[0] * shares[1] ** 2 / 16)


def test_a_rung_is_an_epoch_at_least():
    assert [rung.epochs for rung in scale.rungs(1, 3, 3, min_data_share=0.01)] == [1, 2, 3]
    assert scale.rungs(1, 1, 3, min_data_share=0.01) == (scale.Rung(1),)


def test_scores_of_a_higher_level_have_the_mean_and_spread_that_theirs_have_below():
    low = {0: (1.0,), 1: (2.0,), 2: (3.0,), 3: (4.0,)}
    mapped = scale.comparable([low, {2: (80.0,), 3: (60.0,)}])
    assert mapped[0] == low
    assert mapped[1] == {2: pytest.approx((4.0,)), 3: pytest.approx((3.0,))}


def test_what_is_only_known_at_the_higher_level_is_mapped_as_the_others():
    low = {0: (1.0,), 1: (2.0,)}
    _, high = scale.comparable([low, {0: (10.0,), 1: (20.0,), 2: (40.0,)}])
    assert high[2] == pytest.approx((4.0,))


def test_levels_that_share_no_architecture_have_the_same_mean_and_spread():
    _, high = scale.comparable([{0: (1.0,), 1: (3.0,)}, {2: (50.0,), 3: (70.0,)}])
    assert high == {2: pytest.approx((1.0,)), 3: pytest.approx((3.0,))}


def test_one_promotion_is_as_good_as_it_was_below():
    assert scale.latest([{0: (1.0,), 1: (3.0,)}, {1: (70.0,)}, {1: (90.0,)}]) == {0: (1.0,), 1: (3.0,)}


def test_a_cost_stays_as_it_is():
    low = {number: (float(number), -1.5 * number) for number in range(4)}
    high = {number: (90.0 - number, -1.5 * number) for number in (1, 3)}
    mapped = scale.latest([low, high])
    assert all(mapped[number][1] == pytest.approx(-1.5 * number) for number in range(4))


def test_a_hundredth_of_a_full_training_is_at_minus_one():
    assert np.allclose(scale.positions([1.0, 0.1, 0.01]), [[0.0], [-0.5], [-1.0]])
