"""Scalarisation: several scores as one, by random weights, so that a search reaches all parts of a front."""

import bisect
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

#: Share of the sum in the augmented Chebyshev scalarisation, as published.
_SUM_WEIGHT = 0.05


def draw_weights(n_objectives: int, generator: np.random.Generator) -> np.ndarray:
    """Draw weights of at least 0 that add up to 1, uniformly; shape `(objectives,)`."""
    return generator.dirichlet(np.ones(n_objectives))


def augmented_chebyshev(scores: ArrayLike, weights: np.ndarray) -> np.ndarray:
    r"""Combine several scores into one.

        s(f) = −max_j w_j (1 − f_j) − ρ Σ_j w_j (1 − f_j),   ρ = 0.05

    (Knowles, "ParEGO: a hybrid algorithm with on-line landscape approximation for expensive multiobjective
    optimization problems", 2006). For every point of a front, convex or not, there are weights for which the point is
    the best.

    Args:
        scores: Array of shape `(..., objectives)`, larger is better, from about 0 to about 1.
        weights: Array of shape `(objectives,)`.

    Returns:
        Array of shape `(...)`, larger is better, at most 0 if no score is above 1.
    """
    losses = weights * (1 - np.asarray(scores))
    return -losses.max(axis=-1) - _SUM_WEIGHT * losses.sum(axis=-1)


def normalised(scores: np.ndarray, lowest: np.ndarray, highest: np.ndarray) -> np.ndarray:
    """Return scores scaled so that `lowest` is 0 and `highest` is 1.

    Args:
        scores: Array of shape `(..., objectives)`.
        lowest: Array of shape `(objectives,)`.
        highest: Array of shape `(objectives,)`.
    """
    span = highest - lowest
    return (scores - lowest) / np.where(span > 0, span, 1.0)


class Ranks:
    """Ranks of scores among the scores so far, which don't depend on the scale of the scores."""

    def __init__(self) -> None:
        self._ordered: list[list[float]] = []

    def __len__(self) -> int:
        return len(self._ordered[0]) if self._ordered else 0

    @property
    def n_objectives(self) -> int:
        """Number of objectives; 0 before there are scores."""
        return len(self._ordered)

    def add(self, scores: Sequence[float]) -> None:
        """Add scores, a tuple of one float per objective."""
        self._ordered += [[] for _ in range(len(scores) - len(self._ordered))]
        for ordered, score in zip(self._ordered, scores, strict=True):
            bisect.insort(ordered, score)

    def shares(self, scores: Sequence[float]) -> list[float]:
        """Return the share of the scores so far that are lower, equal ones by half; a list of one float per
        objective."""
        return [
            (bisect.bisect_left(ordered, score) + bisect.bisect_right(ordered, score)) / (2 * len(ordered))
            for ordered, score in zip(self._ordered, scores, strict=True)
        ]
