"""The front of a set of scores, and its hypervolume."""

import numpy as np
import pytest

from autonas.objectives import pareto


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
