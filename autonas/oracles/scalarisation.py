"""Scalarisation: several scores as one, by weights that are drawn, so that a search gets to all parts of a front."""

import bisect

import numpy as np

#: Share of the sum in the augmented Chebyshev scalarisation, as published.
_SUM_WEIGHT = 0.05


def draw_weights(n_objectives, generator):
    """Weights that are 0 or more and add up to 1, each such vector equally likely; shape `(objectives,)`."""
    return generator.dirichlet(np.ones(n_objectives))


def augmented_chebyshev(scores, weights):
    r"""One score for several.

        s(f) = −max_j w_j (1 − f_j) − ρ Σ_j w_j (1 − f_j),   ρ = 0.05

    (Knowles, "ParEGO: a hybrid algorithm with on-line landscape approximation for expensive multiobjective
    optimization problems", 2006). For each point of a front, also where it is not convex, there are weights for which
    it is the best.

    Args:
        scores: Array of shape `(..., objectives)`, larger is better; about from 0, the worst, to 1, the best.
        weights: Array of shape `(objectives,)`.

    Returns:
        Array of shape `(...)`, larger is better, at most 0 if no score is beyond 1.
    """
    losses = weights * (1 - np.asarray(scores))
    return -losses.max(axis=-1) - _SUM_WEIGHT * losses.sum(axis=-1)


def normalised(scores, lowest, highest):
    """Scores such that `lowest` is 0 and `highest` is 1; arrays of shape `(..., objectives)` and `(objectives,)`."""
    span = highest - lowest
    return (scores - lowest) / np.where(span > 0, span, 1.0)


class Ranks:
    """The scores so far, in order: a score is worth the share of those that it beats, whatever its scale."""

    def __init__(self):
        self._ordered = []

    def __len__(self):
        return len(self._ordered[0]) if self._ordered else 0

    @property
    def n_objectives(self):
        """How many scores each has; 0 before there are any."""
        return len(self._ordered)

    def add(self, scores):
        """Adds a tuple of one float per objective."""
        self._ordered += [[] for _ in range(len(scores) - len(self._ordered))]
        for ordered, score in zip(self._ordered, scores, strict=True):
            bisect.insort(ordered, score)

    def shares(self, scores):
        """The share of the scores so far that each of these beats, ties by half; a list of one float per objective."""
        return [
            (bisect.bisect_left(ordered, score) + bisect.bisect_right(ordered, score)) / (2 * len(ordered))
            for ordered, score in zip(self._ordered, scores, strict=True)
        ]
