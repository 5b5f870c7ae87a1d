"""Order of rows with several objectives: non-dominated layers and crowding distances (Deb et al., 2002)."""

import moocore
import numpy as np
from numpy.typing import ArrayLike


def fitness(scores: ArrayLike) -> np.ndarray:
    """Return numbers that are larger for fitter architectures with several scores.

    Architectures are ordered by their layer of non-dominated scores and, within a layer, by the room around them: the
    crowded-comparison operator of NSGA-II (Deb et al., "A fast and elitist multiobjective genetic algorithm:
    NSGA-II", 2002).

    Args:
        scores: Array of shape `(n, objectives)`, larger is better.

    Returns:
        Integers of shape `(n,)`: 0 for the least fit.
    """
    scores = np.asarray(scores, dtype=float)
    ranks = moocore.pareto_rank(scores, maximise=True)
    crowding = np.empty(len(scores))
    for rank in range(ranks.max() + 1):
        front = np.flatnonzero(ranks == rank)
        crowding[front] = crowding_distances(scores[front])
    fitness = np.empty(len(scores), dtype=int)
    fitness[np.lexsort((crowding, -ranks))] = np.arange(len(scores))
    return fitness


def crowding_distances(front: np.ndarray) -> np.ndarray:
    """Return the crowding distance of each row of a front: the sum over objectives of the distance between the two
    neighbours, as a share of the objective's range; infinite at the ends.

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
