"""Extrapolation of learning curves: the final score of a training, predicted from trainings that have ended."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy import special

#: Maximum number of trainings by which a curve is extrapolated, whose scores at that epoch are the nearest.
_N_NEIGHBORS = 30
#: Prior deviation of a gain from the mean gain, as a share of it, and the number of gains that the prior counts for.
_PRIOR_DEVIATION, _PRIOR_COUNT = 0.4, 3.0
#: Prior deviations of the coefficients: of the mean, of the score so far, of the latest rise.
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
    def variance(self) -> float:
        """The variance of the final score."""
        return self.scale**2 * self.degrees / (self.degrees - 2)

    def probability_above(self, threshold: float) -> float:
        """Return the probability that the final score is larger than a threshold."""
        return float(special.stdtr(self.degrees, (self.score - threshold) / max(self.scale, np.finfo(float).tiny)))


class LearningCurves:
    r"""Learning curves of earlier trainings, by which others are extrapolated. Larger scores are better.

    Learning rates are annealed, so that curves rise at the end, too: a curve alone doesn't show how far it will get,
    but other curves do. The score of a training is that of its best epoch. Let b_i(t) be the best score of training i
    until epoch t, f_i its final score, and r_i(t) = b_i(t) − b_i(max(1, ⌊t / 2⌋)) its latest rise. The gain after epoch
    t is modelled in units of the mean gain of other trainings from there, g = mean(f_i − b_i(t)):

        (f_i − b_i(t)) / g = 1 + β_0 + β_1 (b_i(t) − mean b(t)) / g + β_2 (r_i(t) − mean r(t)) / g + ε,

    a Bayesian linear regression with a conjugate prior, over the 30 trainings whose b_i(t) are the nearest. The
    variance of ε is scaled inverse chi-squared with 3 degrees of freedom and scale 0.4², and β_0, β_1, β_2, conditional
    on that variance, are normal with deviations 0.3, 0.4 and 0.4 if the deviation of ε is 0.4. The prediction is a
    Student t distribution, available from one earlier training on, which narrows as more are known. The prior is wide
    since a strategy that improves proposes architectures that gain more than earlier ones.

    Trainings that were stopped early are included, or else only the lucky ones would be, and gains would be
    overestimated. Their final score is the one that was extrapolated, whose variance is added to the squared errors.

    The model follows Baker et al., "Accelerating neural architecture search using performance prediction", 2017, in
    that final scores are regressed on features of the curves of completed trainings. They use support vectors and the
    empirical errors of a hundred trainings.
    """

    def __init__(self) -> None:
        self._curves: list[np.ndarray] = []
        self._finals: list[float] = []
        self._variances: list[float] = []

    def __len__(self) -> int:
        return len(self._finals)

    def copy(self) -> LearningCurves:
        """Return a copy that later curves aren't added to."""
        copied = LearningCurves()
        copied._curves, copied._finals = list(self._curves), list(self._finals)
        copied._variances = list(self._variances)
        return copied

    def add(self, scores: Sequence[float], n_epochs: int) -> None:
        """Add a training that has ended.

        Args:
            scores: Its score after each epoch, a sequence. A training that ended before `n_epochs` is taken to have
                reached its final score.
            n_epochs: Epochs of a full training.
        """
        best = np.maximum.accumulate(np.asarray(scores, dtype=float))
        self._append(np.pad(best, (0, max(0, n_epochs - len(best))), mode="edge"), best[-1], 0.0)

    def add_stopped(self, scores: Sequence[float], forecast: Forecast) -> None:
        """Add a training that was stopped.

        Args:
            scores: Its score after each epoch, a sequence.
            forecast: The `Forecast` of its final score.
        """
        self._append(np.maximum.accumulate(np.asarray(scores, dtype=float)), forecast.score, forecast.variance)

    def _append(self, best: np.ndarray, final: float, variance: float) -> None:
        self._curves.append(best)
        self._finals.append(float(final))
        self._variances.append(float(variance))

    def forecast(self, scores: Sequence[float]) -> Forecast | None:
        """Predict the final score of a training.

        Args:
            scores: Its score after each epoch so far, a sequence of one or more.

        Returns:
            A `Forecast`; `None` if no earlier training got as far.
        """
        epoch = len(scores)
        rows = [row for row, curve in enumerate(self._curves) if len(curve) >= epoch]
        if not rows:
            return None
        own = np.maximum.accumulate(np.asarray(scores, dtype=float))
        earlier = max(1, epoch // 2) - 1
        level, rise = own[-1], own[-1] - own[earlier]
        levels = np.array([self._curves[row][epoch - 1] for row in rows])
        nearest = np.argsort(np.abs(levels - level), kind="stable")[:_N_NEIGHBORS]
        rows, levels = [rows[index] for index in nearest], levels[nearest]
        rises = levels - [self._curves[row][earlier] for row in rows]
        finals = np.array([self._finals[row] for row in rows])
        variances = np.array([self._variances[row] for row in rows])
        unit = _unit(finals - levels, finals - [self._curves[row][0] for row in rows], finals)
        features = np.stack([np.ones(len(rows)), (levels - levels.mean()) / unit, (rises - rises.mean()) / unit], 1)
        query = np.array([1.0, (level - levels.mean()) / unit, (rise - rises.mean()) / unit])
        targets = (finals - levels) / unit - 1
        covariance = np.linalg.inv(features.T @ features + np.diag((_PRIOR_DEVIATION / _PRIOR_COEFFICIENTS) ** 2))
        coefficients = covariance @ (features.T @ targets)
        errors = targets @ targets - coefficients @ (features.T @ targets) + variances.sum() / unit**2
        degrees = _PRIOR_COUNT + len(rows)
        variance = (_PRIOR_COUNT * _PRIOR_DEVIATION**2 + errors) / degrees * (1 + query @ covariance @ query)
        return Forecast(float(level + unit * (1 + query @ coefficients)), float(unit * np.sqrt(variance)), degrees)


def _unit(gains: np.ndarray, rises: np.ndarray, finals: np.ndarray) -> float:
    """Return the mean gain, but at least a thousandth of the mean rise of the whole training."""
    return max(gains.mean(), 1e-3 * np.abs(rises).mean(), 1e-9 * max(1.0, np.abs(finals).max()))
