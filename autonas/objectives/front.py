"""The Pareto front of a search and its relative hypervolume, computed from the metrics of candidates."""

import numpy as np

from autonas.costs.orientation import oriented
from autonas.objectives import pareto

#: Reference value of a minimised objective, as a multiple of the first candidate's value.
_WORST = 10.0


def front(metrics, objectives):
    """Find the candidates that no other candidate dominates.

    Args:
        metrics: List of dicts from name to number, one per candidate.
        objectives: List of `keras_tuner.Objective`.

    Returns:
        Boolean array of shape `(candidates,)`.
    """
    return pareto.non_dominated(_oriented(metrics, objectives))


def relative_hypervolume(metrics, objectives):
    """Compute the hypervolume of candidates relative to the hypervolume of the first candidate alone.

    The relative hypervolume is 1 for the first candidate and never decreases as candidates are added. The reference
    point is 10 times the first candidate's value for a minimised objective. For a maximised objective the reference
    point is 0, or 10 times the first candidate's value if this value is negative.

    Args:
        metrics: List of dicts from name to number, one per candidate, in the order of the search.
        objectives: List of `keras_tuner.Objective`.
    """
    scores = _oriented(metrics, objectives)
    first = scores[0]
    reference = np.where(first > 0, 0.0, np.where(first < 0, _WORST * first, -1.0))
    return pareto.hypervolume(scores, reference) / float(np.prod(first - reference))


def _oriented(metrics, objectives):
    scores = [[oriented(values[objective.name], objective.direction) for objective in objectives] for values in metrics]
    return np.asarray(scores, dtype=float).reshape(-1, len(objectives))
