"""Targets of a Gaussian process: scores and margins of trials, transformed to a scale for the regression."""

import typing
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats


class Quantity(typing.NamedTuple):
    """Observations of one quantity, such as an objective or a margin, which some trials have.

    Attributes:
        name: Kind of the quantity, and its index among the quantities of this kind.
        trials: Ascending list of the indices of the trials with an observation.
        numbers: List of the observed floats, one for each index.
        scale: Function from `numbers` to targets of zero mean and unit variance, shape `(n,)`.
    """

    name: tuple[typing.Literal["objective", "constraint"], int]
    trials: list[int]
    numbers: list[float]
    scale: typing.Callable[[list[float]], np.ndarray]

    def of(self, kept: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Return indices and targets of the trials in `kept`. The scale is computed from all observations."""
        chosen = np.flatnonzero(np.isin(self.trials, kept))
        return np.asarray(self.trials, dtype=int)[chosen], self.scale(self.numbers)[chosen]

    def is_known(self, n_initial: int) -> bool:
        """Return whether `n_initial` trials have an observation."""
        return len(self.trials) >= n_initial

    def start(self, n_initial: int) -> int:
        """Return the number of trials until `n_initial` of them had an observation."""
        return self.trials[n_initial - 1] + 1


def warped(scores: ArrayLike) -> np.ndarray:
    """Transform scores: replace the lower half by normal quantiles of their ranks, and standardise; shape `(n,)`."""
    *_, halves = _in_halves(scores)
    return standardised(halves)


def unwarped(scores: ArrayLike, targets: ArrayLike) -> np.ndarray:
    """Transform targets back to scores, as the inverse of `warped`.

    In the lower half, targets are interpolated between the observed scores. The result is never below the worst score.

    Args:
        scores: Array-like of the observed scores, as in `warped`.
        targets: Array-like of floats to transform back.

    Returns:
        Array of scores, with the shape of `targets`.
    """
    scores, median, scale, halves = _in_halves(scores)
    centre, spread = centre_and_spread(halves)
    targets = np.asarray(targets) * spread + centre
    # The median may lie between two scores.
    order = np.argsort(scores, kind="stable")
    lower = order[scores[order] < median]
    between = np.interp(targets, np.append(halves[lower], 0.0), np.append(scores[lower], median))
    return np.where(targets > 0, median + scale * targets, between)


def _in_halves(scores: ArrayLike) -> tuple[np.ndarray, float, float, np.ndarray]:
    """Return scores, their median, the scale above it, and the transformed scores before standardisation."""
    scores = np.asarray(scores, dtype=float)
    median = np.median(scores)
    scale = np.sqrt(np.mean((scores[scores >= median] - median) ** 2)) or 1.0
    quantiles = stats.norm.ppf((stats.rankdata(scores) - 0.5) / len(scores))
    return scores, median, scale, np.where(scores >= median, (scores - median) / scale, np.minimum(quantiles, 0.0))


def squashed(margins: ArrayLike) -> np.ndarray:
    """Transform margins so that large margins don't reduce the accuracy near the limit; shape `(n,)`.

    A margin is log(limit / cost). Positive margins become 1 − cost / limit, and negative margins stay.
    """
    margins = np.asarray(margins, dtype=float)
    return np.where(margins < 0, margins, -np.expm1(-np.maximum(margins, 0)))


def centre_and_spread(numbers: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """Return mean and standard deviation, with 1 in place of a standard deviation of 0."""
    return float(np.mean(numbers)), float(np.std(numbers)) or 1.0


def standardised(numbers: Sequence[float] | np.ndarray) -> np.ndarray:
    """Shift and scale numbers to zero mean and unit variance."""
    centre, spread = centre_and_spread(numbers)
    return (np.asarray(numbers) - centre) / spread
