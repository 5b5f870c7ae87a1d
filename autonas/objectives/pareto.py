"""Pareto fronts and hypervolumes, of arrays of scores and of the metrics of candidates."""

from collections.abc import Mapping, Sequence

import keras_tuner
import moocore
import numpy as np
from numpy.typing import ArrayLike

from autonas.costs.orientation import oriented

#: Reference value of a minimised objective, as a multiple of the first candidate's value.
_WORST = 10.0


def non_dominated(scores: ArrayLike) -> np.ndarray:
    """Find the non-dominated rows. A row dominates another if no score is smaller and at least one is larger.

    Args:
        scores: Array of shape `(n, objectives)`, larger is better.

    Returns:
        Boolean array of shape `(n,)`. Duplicates of a non-dominated row are non-dominated too.
    """
    scores = np.asarray(scores, dtype=float)
    if len(scores) == 0:
        return np.zeros(0, dtype=bool)
    return moocore.is_nondominated(scores, maximise=True, keep_weakly=True)


def hypervolume(scores: ArrayLike, reference: ArrayLike) -> float:
    """Compute the hypervolume: the volume between a reference point and the Pareto front of the rows.

    Args:
        scores: Array of shape `(n, objectives)`, larger is better.
        reference: Array of shape `(objectives,)`. A row that isn't better than the reference in every objective adds
            no volume.

    Returns:
        A float, 0 without rows.
    """
    scores = np.asarray(scores, dtype=float)
    if len(scores) == 0:
        return 0.0
    return float(moocore.hypervolume(scores, ref=np.asarray(reference, dtype=float), maximise=True))


def front(metrics: Sequence[Mapping[str, float]], objectives: Sequence[keras_tuner.Objective]) -> np.ndarray:
    """Find the candidates that no other candidate dominates.

    Args:
        metrics: List of dicts from name to number, one per candidate.
        objectives: List of `keras_tuner.Objective`.

    Returns:
        Boolean array of shape `(candidates,)`.
    """
    return non_dominated(_oriented(metrics, objectives))


def relative_hypervolume(metrics: Sequence[Mapping[str, float]], objectives: Sequence[keras_tuner.Objective]) -> float:
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
    return hypervolume(scores, reference) / float(np.prod(first - reference))


def _oriented(metrics: Sequence[Mapping[str, float]], objectives: Sequence[keras_tuner.Objective]) -> np.ndarray:
    scores = [[oriented(values[objective.name], objective.direction) for objective in objectives] for values in metrics]
    return np.asarray(scores, dtype=float).reshape(-1, len(objectives))
