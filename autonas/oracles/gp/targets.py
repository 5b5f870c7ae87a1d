"""Targets: numbers of trials, such as scores and margins, on the scales on which a Gaussian process predicts them."""

import typing

import numpy as np
from scipy import stats


class Quantity(typing.NamedTuple):
    """A number that some of the trials have.

    Attributes:
        name: What it is called, hashable.
        places: List of the places of the trials that have it, ascending.
        numbers: List of a float for each of these.
        scale: Function from `numbers` to targets of zero mean and unit variance, shape `(n,)`.
    """

    name: typing.Hashable
    places: list
    numbers: list
    scale: typing.Callable

    def of(self, kept):
        """Places and targets of those trials whose places are among `kept`; the scale is that of all."""
        chosen = np.flatnonzero(np.isin(self.places, kept))
        return np.asarray(self.places, dtype=int)[chosen], self.scale(self.numbers)[chosen]

    def start(self, n_initial):
        """How many trials there were when `n_initial` of them had it; `None` if that is to come."""
        return self.places[n_initial - 1] + 1 if len(self.places) >= n_initial else None


def warped(scores):
    """Scores with the lower half replaced by normal quantiles of their ranks, standardised; shape `(n,)`."""
    *_, halves = _in_halves(scores)
    return standardised(halves)


def unwarped(scores, targets):
    """The scores for which `warped` gives some targets.

    In the lower half they are interpolated between those that are known; none is below the worst.

    Args:
        scores: As in `warped`.
        targets: Array-like of floats.

    Returns:
        Array of the targets' shape.
    """
    scores, median, scale, halves = _in_halves(scores)
    centre, spread = centre_and_spread(halves)
    targets = np.asarray(targets) * spread + centre
    # The median itself may lie between two scores.
    order = np.argsort(scores, kind="stable")
    lower = order[scores[order] < median]
    between = np.interp(targets, np.append(halves[lower], 0.0), np.append(scores[lower], median))
    return np.where(targets > 0, median + scale * targets, between)


def _in_halves(scores):
    """Scores, their median and the scale above it, and the scores as `warped` gives them but for standardisation."""
    scores = np.asarray(scores, dtype=float)
    median = np.median(scores)
    scale = np.sqrt(np.mean((scores[scores >= median] - median) ** 2)) or 1.0
    quantiles = stats.norm.ppf((stats.rankdata(scores) - 0.5) / len(scores))
    return scores, median, scale, np.where(scores >= median, (scores - median) / scale, np.minimum(quantiles, 0.0))


def squashed(margins):
    """Margins as numbers that are linear in the cost within a limit, 1 − cost / limit, and logarithmic beyond, as the
    margins are: what is far on either side takes no part in the accuracy near the limit; shape `(n,)`.
    """
    margins = np.asarray(margins, dtype=float)
    return np.where(margins < 0, margins, -np.expm1(-np.maximum(margins, 0)))


def centre_and_spread(numbers):
    """Mean and standard deviation, 1 in place of 0."""
    return np.mean(numbers), np.std(numbers) or 1.0


def standardised(numbers):
    """Numbers with zero mean and unit variance."""
    centre, spread = centre_and_spread(numbers)
    return (np.asarray(numbers) - centre) / spread
