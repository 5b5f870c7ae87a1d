"""Pareto fronts and hypervolumes of arrays of scores."""

import moocore
import numpy as np


def non_dominated(scores):
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


def hypervolume(scores, reference):
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
