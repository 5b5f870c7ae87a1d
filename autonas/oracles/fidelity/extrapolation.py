"""Extrapolation of learning curves: what a training will come to, from those that have ended."""

import dataclasses

import numpy as np
from scipy import special

#: Known trainings by which a curve is extrapolated, at most: those whose scores by then are the nearest.
_N_NEIGHBORS = 30
#: Deviation of a gain from the mean one, as a share of it, that is expected before any is known, and how many known
#: gains that counts for.
_PRIOR_DEVIATION, _PRIOR_COUNT = 0.4, 3.0
#: Deviations of the coefficients that are expected: of the mean, of the score by then, of the latest rise.
_PRIOR_COEFFICIENTS = np.array([0.3, 0.4, 0.4])


@dataclasses.dataclass(frozen=True)
class Forecast:
    """A prediction of the final score of a training: a Student t distribution.

    Args:
        score: Its centre; larger scores are better.
        scale: Its scale, at least 0.
        degrees: Its degrees of freedom, more than 2.
    """

    score: float
    scale: float
    degrees: float

    @property
    def variance(self):
        """The variance of the final score."""
        return self.scale**2 * self.degrees / (self.degrees - 2)

    def probability_above(self, threshold):
        """The probability that the final score is larger than a threshold."""
        return float(special.stdtr(self.degrees, (self.score - threshold) / max(self.scale, np.finfo(float).tiny)))


class LearningCurves:
    r"""Learning curves that are known, by which others are extrapolated. Scores are larger the better.

    Learning rates are annealed, so that curves rise in the end, too: none shows by itself how far it will get, but
    others do. The score of a training is that of its best epoch. Let b_i(t) be the best of training i until epoch t,
    f_i its final score, and r_i(t) = b_i(t) − b_i(max(1, ⌊t / 2⌋)) its latest rise. What is still to be gained after
    epoch t is modelled in units of what others, on average, gained from there, g = mean(f_i − b_i(t)):

        (f_i − b_i(t)) / g = 1 + β_0 + β_1 (b_i(t) − mean b(t)) / g + β_2 (r_i(t) − mean r(t)) / g + ε,

    a Bayesian linear regression with a conjugate prior, over the 30 known trainings whose b_i(t) are the nearest. The
    variance of ε is scaled inverse chi-squared with 3 degrees of freedom and scale 0.4², and β_0, β_1, β_2, given that
    variance, are normal with deviations 0.3, 0.4 and 0.4 where ε has one of 0.4. Of a new training, it gives a Student
    t distribution, after a single known one already, and one that narrows with what is known. The prior is wide since
    a strategy that gets better proposes what gains more than others did.

    Those that were stopped early are known, too, or else only the lucky ones would be, and gains would be
    overestimated. The final score of one counts as what it was extrapolated to, and its variance is added to the
    squared errors.

    It follows Baker et al., "Accelerating neural architecture search using performance prediction", 2017, in that final
    scores are regressed on features of the curves of completed trainings. They use support vectors and the empirical
    errors of a hundred trainings.
    """

    def __init__(self):
        self._curves, self._finals, self._variances = [], [], []

    def __len__(self):
        return len(self._finals)

    def copy(self):
        """A copy that later curves aren't added to."""
        other = LearningCurves()
        other._curves, other._finals = list(self._curves), list(self._finals)
        other._variances = list(self._variances)
        return other

    def add(self, scores, n_epochs):
        """Adds a training that has ended.

        Args:
            scores: Its score after each epoch, a sequence. If it ended before `n_epochs`, it would have got no better.
            n_epochs: Epochs of a full training.
        """
        best = np.maximum.accumulate(np.asarray(scores, dtype=float))
        self._append(np.pad(best, (0, max(0, n_epochs - len(best))), mode="edge"), best[-1], 0.0)

    def add_stopped(self, scores, forecast):
        """Adds a training that was stopped.

        Args:
            scores: Its score after each epoch, a sequence.
            forecast: The `Forecast` of its final score.
        """
        self._append(np.maximum.accumulate(np.asarray(scores, dtype=float)), forecast.score, forecast.variance)

    def _append(self, best, final, variance):
        self._curves.append(best)
        self._finals.append(float(final))
        self._variances.append(float(variance))

    def forecast(self, scores):
        """Predicts the final score of a training.

        Args:
            scores: Its score after each epoch so far, a sequence of one or more.

        Returns:
            A `Forecast`; `None` if no known training got as far.
        """
        epoch = len(scores)
        places = [place for place, curve in enumerate(self._curves) if len(curve) >= epoch]
        if not places:
            return None
        own = np.maximum.accumulate(np.asarray(scores, dtype=float))
        earlier = max(1, epoch // 2) - 1
        level, rise = own[-1], own[-1] - own[earlier]
        levels = np.array([self._curves[place][epoch - 1] for place in places])
        nearest = np.argsort(np.abs(levels - level), kind="stable")[:_N_NEIGHBORS]
        places, levels = [places[at] for at in nearest], levels[nearest]
        rises = levels - [self._curves[place][earlier] for place in places]
        finals = np.array([self._finals[place] for place in places])
        variances = np.array([self._variances[place] for place in places])
        unit = _unit(finals - levels, finals - [self._curves[place][0] for place in places], finals)
        features = np.stack([np.ones(len(places)), (levels - levels.mean()) / unit, (rises - rises.mean()) / unit], 1)
        query = np.array([1.0, (level - levels.mean()) / unit, (rise - rises.mean()) / unit])
        targets = (finals - levels) / unit - 1
        covariance = np.linalg.inv(features.T @ features + np.diag((_PRIOR_DEVIATION / _PRIOR_COEFFICIENTS) ** 2))
        coefficients = covariance @ (features.T @ targets)
        errors = targets @ targets - coefficients @ (features.T @ targets) + variances.sum() / unit**2
        degrees = _PRIOR_COUNT + len(places)
        variance = (_PRIOR_COUNT * _PRIOR_DEVIATION**2 + errors) / degrees * (1 + query @ covariance @ query)
        return Forecast(float(level + unit * (1 + query @ coefficients)), float(unit * np.sqrt(variance)), degrees)


def _unit(gains, rises, finals):
    """The mean gain, or what is left of a thousandth of the whole rise where next to nothing is gained any more."""
    return max(gains.mean(), 1e-3 * np.abs(rises).mean(), 1e-9 * max(1.0, np.abs(finals).max()))
