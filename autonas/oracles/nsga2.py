"""Several objectives in one order: non-dominated sorting and crowding (Deb et al., 2002)."""

import numpy as np


def fitness(scores):
    """Numbers of which the larger is the fitter, for architectures with several scores.

    Those that fewer layers of others dominate come first and, within a layer, those with more room around them: the
    crowded-comparison operator of NSGA-II (Deb et al., "A fast and elitist multiobjective genetic algorithm:
    NSGA-II", 2002).

    Args:
        scores: Array of shape `(n, objectives)`, larger is better.

    Returns:
        Integers of shape `(n,)`: 0 for the first that would have to go.
    """
    scores = np.asarray(scores, dtype=float)
    ranks = non_dominated_ranks(scores)
    crowding = np.empty(len(scores))
    for rank in range(ranks.max() + 1):
        front = np.flatnonzero(ranks == rank)
        crowding[front] = crowding_distances(scores[front])
    places = np.empty(len(scores), dtype=int)
    places[np.lexsort((crowding, -ranks))] = np.arange(len(scores))
    return places


def non_dominated_ranks(scores):
    """The layer of each row: 0 if no other dominates it, 1 if only rows of layer 0 do, and so on.

    A row dominates another if it is nowhere smaller and somewhere larger.

    Args:
        scores: Array of shape `(n, objectives)`, larger is better.
    """
    nowhere_smaller = (scores[:, None] >= scores[None]).all(axis=2)
    dominates = nowhere_smaller & ~nowhere_smaller.T
    ranks = np.full(len(scores), -1)
    rank = 0
    while (ranks < 0).any():
        left = ranks < 0
        ranks[left & ~dominates[left].any(axis=0)] = rank
        rank += 1
    return ranks


def crowding_distances(front):
    """How much room each row of a front has: the sum over objectives of the distance between its two neighbours, as a
    share of the objective's range; infinite at the ends.

    Args:
        front: Array of shape `(n, objectives)`.
    """
    distances = np.zeros(len(front))
    for scores in front.T:
        order = np.argsort(scores, kind="stable")
        ordered = scores[order]
        distances[order[[0, -1]]] = np.inf
        span = ordered[-1] - ordered[0]
        if span > 0:
            distances[order[1:-1]] += (ordered[2:] - ordered[:-2]) / span
    return distances
