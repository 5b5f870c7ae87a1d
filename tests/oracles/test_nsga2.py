"""Layers of non-dominated rows, and the room around a row in its layer."""

import numpy as np

from autonas.oracles import nsga2


def test_layers_come_in_the_order_in_which_they_are_peeled_off():
    scores = np.array([[3, 1], [1, 3], [2, 2], [2, 1], [1, 1], [0, 0], [3, 0]])
    layers = [0, 0, 0, 1, 2, 3, 1]
    assert [layers[place] for place in np.argsort(-nsga2.fitness(scores))] == sorted(layers)


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
