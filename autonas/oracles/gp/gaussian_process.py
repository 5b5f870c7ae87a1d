"""Gaussian process over architectures, with a sum of kernels on several feature vectors.

Notation: n observed and m new architectures.
"""

from __future__ import annotations

import typing
from collections.abc import Sequence

import numpy as np
from scipy import linalg, optimize

_JITTER = 1e-8
# Log-normal priors. The weighted squared distance of two architectures is about 2, with a standard deviation of 1.5 of
# its logarithm. The variance of the noise is 2 % of the variance of the scores, with a standard deviation of 1 of its
# logarithm, the same as for the weight of a view.
_SQUARED_DISTANCE, _RELEVANCE_DEVIATION = 2.0, 1.5
_NOISE, _DEVIATION = 0.02, 1.0
#: Maximum distance of the fitted logarithms from the centre of the prior.
_MAX_DEVIATION = 5.0
#: Maximum number of L-BFGS iterations of a fit.
_MAX_ITERATIONS = 50
#: Jitter of the covariance of a sample.
_SAMPLE_JITTER = 1e-6
#: Smallest predicted variance.
_SMALLEST_VARIANCE = 1e-12
#: Smallest variance of features in the prior of relevances.
_SMALLEST_SPREAD = 1e-3


class View(typing.NamedTuple):
    """Feature vectors of architectures, with a kernel.

    Attributes:
        features: Float array of shape `(n, width)`.
        groups: Integer array of shape `(width,)`: index of the group of each column. Columns of a group share a
            relevance.
        linear: Whether the kernel is the inner product, for additive effects, instead of the Matérn kernel.
        weight: Prior share of the variance of the scores that the kernel explains.
    """

    features: np.ndarray
    groups: np.ndarray
    linear: bool
    weight: float

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return int(self.groups.max(initial=0)) + 1

    def rows(self, selection: slice | Sequence[int] | np.ndarray) -> View:
        """Return the view of the selected architectures."""
        return self._replace(features=self.features[selection])

    def scaled(self, relevances: np.ndarray) -> np.ndarray:
        """Return the features, multiplied by the square roots of the relevances of their groups."""
        return self.features * np.sqrt(relevances)[self.groups]


class GaussianProcess:
    r"""Gaussian process regression with zero mean and Gaussian noise.

    The kernel is k(x, x') = Σ_v w_v k_v(x, x'), where k_v is m(r_v) with r_v² = Σ_g θ_{v,g} ‖x_{v,g} − x'_{v,g}‖² and
    m(r) = (1 + √5 r + 5r²/3) exp(−√5 r), or, for a linear view, Σ_g θ_{v,g} x_{v,g} · x'_{v,g}.

    Here w_v is the weight of view v, and θ_{v,g} the relevance of its group g. Weights, relevances and the variance of
    the noise maximise the marginal likelihood (Rasmussen and Williams 2006, eq. 5.8 and 5.9) times log-normal priors.
    The prior of a relevance is centred at about 1 / (mean squared distance of two architectures), so that the prior of
    the kernel doesn't depend on the number of decisions (as in Hvarfner et al. 2024).

    Squared distances, and derivatives with respect to all relevances, are matrix products. A custom kernel of
    scikit-learn's `GaussianProcessRegressor` would need an `(n, n)` array for each relevance.

    Attributes:
        noise: Variance of the noise, after `condition`.
        relevances: List of arrays, one for each view, with the relevance of each group; after `condition`.
    """

    def fit(self, views: Sequence[View], targets: np.ndarray) -> None:
        """Fit weights, relevances and noise by maximum a posteriori estimation.

        Args:
            views: List of `View`, of n architectures each.
            targets: Float array of shape `(n,)`, with a mean of about 0 and a variance of about 1.
        """
        centre, deviation = _prior(views)
        optimum = optimize.minimize(
            self._loss,
            centre,
            args=(centre, deviation, views, targets),
            jac=True,
            method="L-BFGS-B",
            bounds=np.stack([centre - _MAX_DEVIATION, centre + _MAX_DEVIATION], axis=1),
            options={"maxiter": _MAX_ITERATIONS},
        )
        self._parameters = optimum.x

    def condition(self, views: Sequence[View], targets: np.ndarray) -> None:
        """Condition on observations, with the kernel of the last `fit`.

        Args:
            views: List of `View`, of n architectures each.
            targets: Float array of shape `(n,)`.
        """
        self._weights, self.noise, self.relevances = _split(self._parameters, views)
        self._observed = self._scaled(views)
        covariance = self._covariance(views, self._observed, self._observed)
        covariance[np.diag_indices_from(covariance)] += self.noise + _JITTER
        self._factor = linalg.cholesky(covariance, lower=True, check_finite=False)
        self._targets = targets
        self._solved = linalg.cho_solve((self._factor, True), targets, check_finite=False)

    def left_out(self) -> np.ndarray:
        """Predict each observation from the other ones (Rasmussen and Williams 2006, eq. 5.12); shape `(n,)`."""
        inverse = linalg.cho_solve((self._factor, True), np.eye(len(self._targets)), check_finite=False)
        return self._targets - self._solved / np.diag(inverse)

    def predict(self, views: Sequence[View]) -> tuple[np.ndarray, np.ndarray]:
        """Predict mean and standard deviation of the function without noise.

        Args:
            views: List of `View`, of m architectures each.

        Returns:
            Two arrays of shape `(m,)`.
        """
        new, mean, projected = self._project(views)
        prior = sum(
            weight * (np.sum(features * features, axis=1) if view.linear else 1.0)
            for view, weight, features in zip(views, self._weights, new, strict=True)
        )
        return mean, np.sqrt(np.maximum(prior - np.sum(projected * projected, axis=0), _SMALLEST_VARIANCE))

    def sample(self, views: Sequence[View], generator: np.random.Generator) -> np.ndarray:
        """Sample the values of a function from the posterior at new architectures.

        Args:
            views: List of `View`, of m architectures each.
            generator: A `numpy.random.Generator`.

        Returns:
            Array of shape `(m,)`.
        """
        new, mean, projected = self._project(views)
        covariance = self._covariance(views, new, new) - projected.T @ projected
        covariance[np.diag_indices_from(covariance)] += _SAMPLE_JITTER
        return mean + linalg.cholesky(covariance, lower=True, check_finite=False) @ generator.standard_normal(len(mean))

    def _project(self, views: Sequence[View]) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
        new = self._scaled(views)
        cross = self._covariance(views, self._observed, new)
        projected = linalg.solve_triangular(self._factor, cross, lower=True, check_finite=False)
        return new, self._solved @ cross, projected

    def _scaled(self, views: Sequence[View]) -> list[np.ndarray]:
        return [view.scaled(relevances) for view, relevances in zip(views, self.relevances, strict=True)]

    def _covariance(
        self, views: Sequence[View], first: Sequence[np.ndarray], second: Sequence[np.ndarray]
    ) -> np.ndarray:
        return sum(
            weight * (one @ other.T if view.linear else _matern(_squared_distances(one, other))[0])
            for view, weight, one, other in zip(views, self._weights, first, second, strict=True)
        )

    def _loss(
        self,
        parameters: np.ndarray,
        centre: np.ndarray,
        deviation: np.ndarray,
        views: Sequence[View],
        targets: np.ndarray,
    ) -> tuple[float, np.ndarray]:
        """Compute the negative log posterior and its gradient."""
        weights, noise, relevances = _split(parameters, views)
        covariance = (noise + _JITTER) * np.eye(len(targets))
        scaled = [view.scaled(relevance) for view, relevance in zip(views, relevances, strict=True)]
        values, slopes = [], []
        for view, weight, features in zip(views, weights, scaled, strict=True):
            if view.linear:
                value, slope = features @ features.T, None
            else:
                value, slope = _matern(_squared_distances(features, features))
            covariance += weight * value
            values.append(value)
            slopes.append(slope)
        factor = linalg.cholesky(covariance, lower=True, check_finite=False)
        inverse = linalg.lapack.dpotri(factor, lower=1)[0]
        inverse += np.tril(inverse, -1).T
        solved = inverse @ targets
        loss = 0.5 * targets @ solved + np.log(np.diag(factor)).sum()
        # Derivative of the loss with respect to the covariance, for the chain rule.
        by_covariance = 0.5 * (inverse - np.outer(solved, solved))
        gradient = [
            [weight * np.sum(by_covariance * value) for weight, value in zip(weights, values, strict=True)],
            [noise * np.trace(by_covariance)],
        ]
        for view, weight, features, slope in zip(views, weights, scaled, slopes, strict=True):
            if view.linear:
                by_column = np.sum(features * (by_covariance @ features), axis=0)
            else:
                by_distance = by_covariance * slope
                by_column = 2 * (
                    by_distance.sum(axis=1) @ (features * features)
                    - np.sum(features * (by_distance @ features), axis=0)
                )
            gradient.append(weight * np.bincount(view.groups, by_column, view.n_groups))
        standardised = (parameters - centre) / deviation
        return loss + 0.5 * standardised @ standardised, np.concatenate(gradient) + standardised / deviation


def _prior(views: Sequence[View]) -> tuple[np.ndarray, np.ndarray]:
    """Return the prior of the logarithms of weights, noise and relevances: arrays of means and standard deviations."""
    relevances = []
    for view in views:
        spread = max(view.features.var(axis=0).sum(), _SMALLEST_SPREAD)
        relevances.append(np.full(view.n_groups, 1 / spread if view.linear else _SQUARED_DISTANCE / (2 * spread)))
    centre = np.log(np.concatenate([[view.weight for view in views], [_NOISE], *relevances]))
    deviation = np.full(len(centre), _RELEVANCE_DEVIATION)
    deviation[: len(views) + 1] = _DEVIATION
    return centre, deviation


def _split(parameters: np.ndarray, views: Sequence[View]) -> tuple[np.ndarray, float, list[np.ndarray]]:
    """Return weights, noise and the relevances of each view, from one array of their logarithms."""
    values = np.exp(parameters)
    ends = np.cumsum([view.n_groups for view in views])[:-1]
    return values[: len(views)], values[len(views)], np.split(values[len(views) + 1 :], ends)


def _matern(squared: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the Matérn function with ν = 5/2 of squared distances, and its derivative."""
    root = np.sqrt(5 * squared)
    decay = np.exp(-root)
    return (1 + root + root * root / 3) * decay, -5 / 6 * (1 + root) * decay


def _squared_distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    squared = (first * first).sum(axis=1)[:, None] + (second * second).sum(axis=1) - 2 * first @ second.T
    return np.maximum(squared, 0.0, out=squared)
