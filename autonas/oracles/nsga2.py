"""Several objectives in one order: layers of non-dominated rows and the room in them (Deb et al., 2002)."""

import moocore
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
    ranks = moocore.pareto_rank(scores, maximise=True)
    crowding = np.empty(len(scores))
    for rank in range(ranks.max() + 1):
        front = np.flatnonzero(ranks == rank)
        crowding[front] = crowding_distances(scores[front])
    places = np.empty(len(scores), dtype=int)
    places[np.lexsort((crowding, -ranks))] = np.arange(len(scores))
    return places


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
