"""Pareto fronts: which rows no other is as good as in all scores, and how much of the space of scores they dominate."""

import moocore
import numpy as np


def non_dominated(scores):
    """Which rows no other row dominates; a row dominates another if it is nowhere smaller and somewhere larger.

    Args:
        scores: Array of shape `(n, objectives)`, larger is better.

    Returns:
        Boolean array of shape `(n,)`. Equal rows of the front are all of it.
    """
    scores = np.asarray(scores, dtype=float)
    if len(scores) == 0:
        return np.zeros(0, dtype=bool)
    return moocore.is_nondominated(scores, maximise=True, keep_weakly=True)


def hypervolume(scores, reference):
    """The volume of the points that some row dominates and that are better than the reference in all objectives.

    Args:
        scores: Array of shape `(n, objectives)`, larger is better.
        reference: Array of shape `(objectives,)`. Rows that aren't better than it in all objectives add nothing.

    Returns:
        A float; 0 without rows.
    """
    scores = np.asarray(scores, dtype=float)
    if len(scores) == 0:
        return 0.0
    return float(moocore.hypervolume(scores, ref=np.asarray(reference, dtype=float), maximise=True))
