"""Pareto fronts and hypervolumes, of arrays of scores and of the metrics of candidates."""

import keras_tuner
import numpy as np
import pytest

from autonas.objectives import pareto

ACCURACY, LATENCY = keras_tuner.Objective("val_accuracy", "max"), keras_tuner.Objective("latency_ms", "min")


def test_a_row_is_of_the_front_if_no_other_is_as_good_in_all_and_better_in_one():
    scores = [(3, 1), (1, 3), (2, 2), (2, 1), (1, 1), (3, 0)]
    assert pareto.non_dominated(scores).tolist() == [True, True, True, False, False, False]


def test_equal_rows_of_the_front_are_all_of_it():
    assert pareto.non_dominated([(1, 2), (2, 1), (1, 2), (0, 2), (0, 2)]).tolist() == [True, True, True, False, False]


@pytest.mark.parametrize("n_objectives", [1, 2, 3, 4])
def test_the_front_agrees_with_the_definition(n_objectives):
    scores = np.random.default_rng(0).integers(0, 5, size=(60, n_objectives)).astype(float)

    def dominates(first, second):
        return (first >= second).all() and (first > second).any()

    expected = [not any(dominates(other, row) for other in scores) for row in scores]
    assert pareto.non_dominated(scores).tolist() == expected


def test_the_hypervolume_of_two_scores_is_the_area_of_a_staircase():
    assert pareto.hypervolume([(3, 1), (1, 3), (2, 2)], (0, 0)) == 6
    # What is dominated, or no better than the reference, adds nothing.
    assert pareto.hypervolume([(3, 1), (1, 3), (2, 2), (1, 1), (9, 0), (-1, 9)], (0, 0)) == 6
    assert pareto.hypervolume([(3, 1), (1, 3), (2, 2)], (1, 0)) == 3


def test_the_hypervolume_of_three_scores_is_that_of_a_union_of_boxes():
    assert pareto.hypervolume([(2, 1, 1), (1, 2, 1), (1, 1, 2)], (0, 0, 0)) == 4


def test_no_rows_have_no_front_and_no_hypervolume():
    assert pareto.non_dominated([]).shape == (0,)
    assert pareto.hypervolume([], (0, 0)) == 0
    assert pareto.hypervolume([(-1, -1)], (0, 0)) == 0


def rows(*pairs):
    return [{"val_accuracy": accuracy, "latency_ms": latency, "seconds": 3.0} for accuracy, latency in pairs]


def test_the_front_is_what_no_other_beats_in_all_objectives():
    is_in_front = pareto.front(rows((0.9, 5), (0.8, 5), (0.95, 9), (0.7, 2), (0.9, 5), (0.6, 8)), [ACCURACY, LATENCY])
    assert is_in_front.tolist() == [True, False, True, True, True, False]
    assert pareto.front([], [ACCURACY, LATENCY]).tolist() == []


def test_the_hypervolume_is_one_to_begin_with_and_never_falls():
    path = rows((0.8, 5.0), (0.4, 100.0), (0.8, 2.5), (0.9, 5.0))
    volumes = [pareto.relative_hypervolume(path[:n], [ACCURACY, LATENCY]) for n in range(1, 5)]
    # The first fills .8 of accuracy by 45 ms up to ten times its latency. What is slower than that adds nothing; one of
    # half the latency adds .8 x 2.5, the last .1 x 45.
    assert volumes == pytest.approx([1.0, 1.0, 0.8 * 47.5 / 36, (0.8 * 47.5 + 0.1 * 45) / 36])


def test_an_objective_may_be_negative_or_zero():
    gain, params = keras_tuner.Objective("gain", "max"), keras_tuner.Objective("params", "min")
    assert pareto.relative_hypervolume([{"gain": -2.0, "params": 0.0}], [gain, params]) == pytest.approx(1.0)
    both = [{"gain": -2.0, "params": 0.0}, {"gain": 7.0, "params": 0.0}]
    assert pareto.relative_hypervolume(both, [gain, params]) == pytest.approx(27 / 18)
