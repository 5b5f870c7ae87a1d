"""The Pareto front of a search: which candidates no other beats in all objectives, and how far they have come."""

import numpy as np

from autonas.costs.orientation import oriented
from autonas.objectives import pareto

#: The worst that counts of an objective that is to be small: so many times what the first candidate has.
_WORST = 10.0


def front(metrics, objectives):
    """Which candidates no other dominates.

    Args:
        metrics: List of dicts from name to number, one a candidate.
        objectives: List of `keras_tuner.Objective`.

    Returns:
        Boolean array of shape `(candidates,)`.
    """
    return pareto.non_dominated(_oriented(metrics, objectives))


def relative_hypervolume(metrics, objectives):
    """The volume that candidates dominate, over that of the first of them alone: 1 to begin with, and never falling.

    It begins, for an objective that is to be small, at 10 times the first candidate's value; for one that is to be
    large, at 0, or, if the first candidate's value is negative, at 10 times that.

    Args:
        metrics: List of dicts from name to number, one a candidate, in the order of the search.
        objectives: List of `keras_tuner.Objective`.
    """
    scores = _oriented(metrics, objectives)
    first = scores[0]
    reference = np.where(first > 0, 0.0, np.where(first < 0, _WORST * first, -1.0))
    return pareto.hypervolume(scores, reference) / float(np.prod(first - reference))


def _oriented(metrics, objectives):
    scores = [[oriented(values[objective.name], objective.direction) for objective in objectives] for values in metrics]
    return np.asarray(scores, dtype=float).reshape(-1, len(objectives))
