"""Layers of non-dominated rows, and the room around a row in its layer."""

import numpy as np

from autonas.oracles import nsga2


def test_ranks_are_the_layers_that_are_peeled_off():
    scores = np.array([[3, 1], [1, 3], [2, 2], [2, 1], [1, 1], [0, 0], [3, 0]])
    assert nsga2.non_dominated_ranks(scores).tolist() == [0, 0, 0, 1, 2, 3, 1]


def test_equal_rows_do_not_dominate_each_other():
    assert nsga2.non_dominated_ranks(np.array([[1, 1], [1, 1], [0, 1]])).tolist() == [0, 0, 1]


def test_ranks_of_one_objective_are_those_of_its_values():
    assert nsga2.non_dominated_ranks(np.array([[5.0], [7.0], [5.0], [1.0]])).tolist() == [1, 0, 1, 2]


def test_ranks_agree_with_the_definition():
    scores = np.random.default_rng(0).integers(0, 6, size=(60, 3)).astype(float)
    ranks = nsga2.non_dominated_ranks(scores)

    def dominates(first, second):
        return (first >= second).all() and (first > second).any()

    for row, rank in zip(scores, ranks, strict=True):
        of_dominators = [other for other_row, other in zip(scores, ranks, strict=True) if dominates(other_row, row)]
        assert rank == 1 + max(of_dominators, default=-1)


def test_crowding_is_the_distance_of_the_neighbours_in_each_objective_as_a_share_of_its_range():
    front = np.array([[0.0, 10.0], [1.0, 8.0], [3.0, 2.0], [4.0, 0.0]])
    assert nsga2.crowding_distances(front).tolist() == [np.inf, 3 / 4 + 8 / 10, 3 / 4 + 8 / 10, np.inf]


def test_an_objective_in_which_all_are_equal_counts_nothing():
    front = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 4.0]])
    assert nsga2.crowding_distances(front)[1] == 1.0


def test_fitness_goes_by_rank_and_then_by_room():
    #      an end of the front, crowded, roomy, the other end, dominated
    scores = [(0.0, 10.0), (1.0, 9.0), (5.0, 6.0), (10.0, 0.0), (4.0, 5.0)]
    fitness = nsga2.fitness(scores)
    assert sorted(fitness) == [0, 1, 2, 3, 4]
    assert fitness[4] == 0 and fitness[1] == 1 and fitness[2] == 2
