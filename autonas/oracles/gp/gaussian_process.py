"""A Gaussian process over architectures: a sum of kernels on views, with a relevance for each group of features.

Notation: n observed and m new architectures.
"""

import typing

import numpy as np
from scipy import linalg, optimize

_JITTER = 1e-8
# Priors, log-normal: the squared distance of two architectures, weighted by the relevances, is about 2 (uncertain by a
# factor of e^1.5), and the noise's variance is 2 % of that of the scores (by a factor of e, as is a view's weight).
_SQUARED_DISTANCE, _RELEVANCE_DEVIATION = 2.0, 1.5
_NOISE, _DEVIATION = 0.02, 1.0
#: How far from the prior's centre the logarithms may be.
_MAX_DEVIATION = 5.0
_MAX_ITERATIONS = 50


class View(typing.NamedTuple):
    """One way to look at architectures, with a kernel of its own.

    Attributes:
        features: Float array of shape `(n, width)`.
        groups: Integer array of shape `(width,)`: the group that each column belongs to, from 0.
        linear: Whether the kernel is the inner product, for effects that add up, instead of the Matérn function.
        weight: Share of the scores' variance that it is expected to explain.
    """

    features: np.ndarray
    groups: np.ndarray
    linear: bool
    weight: float

    @property
    def n_groups(self):
        return int(self.groups.max(initial=-1)) + 1

    def rows(self, selection):
        """The view of some of the architectures."""
        return self._replace(features=self.features[selection])

    def scaled(self, relevances):
        """The features such that all columns are equally relevant."""
        return self.features * np.sqrt(relevances)[self.groups]


class GaussianProcess:
    r"""Gaussian process regression with zero mean and Gaussian noise.

    k(x, x') = Σ_v w_v k_v(x, x'), where k_v is m(r_v) with r_v² = Σ_g θ_{v,g} ‖x_{v,g} − x'_{v,g}‖² and
    m(r) = (1 + √5 r + 5r²/3) exp(−√5 r), or, for a linear view, Σ_g θ_{v,g} x_{v,g} · x'_{v,g}.

    w_v is the weight of view v and θ_{v,g} the relevance of its group g. Weights, relevances and the variance of the
    noise maximise the marginal likelihood (Rasmussen and Williams 2006, eq. 5.8 and 5.9) times log-normal priors. The
    prior of a relevance is about 1 / (mean squared distance of two architectures), so that it doesn't depend on how
    many decisions there are (as in Hvarfner et al. 2024).

    scikit-learn's `GaussianProcessRegressor` could do the same with a kernel of our own; here all squared distances and
    the derivatives by all relevances are matrix products, instead of an array of shape `(n, n)` for each of them.

    Attributes:
        noise: Variance of the noise; as what follows, once it knows observations.
        relevances: List of an array for each view: the relevance of each of its groups.
    """

    def fit(self, views, targets):
        """Finds the most probable weights, relevances and noise.

        Args:
            views: List of `View`, of n architectures each.
            targets: Float array of shape `(n,)`, of about zero mean and unit variance.
        """
        centre, deviation = _prior(views)
        found = optimize.minimize(
            self._loss,
            centre,
            args=(centre, deviation, views, targets),
            jac=True,
            method="L-BFGS-B",
            bounds=np.stack([centre - _MAX_DEVIATION, centre + _MAX_DEVIATION], axis=1),
            options={"maxiter": _MAX_ITERATIONS},
        )
        self._parameters = found.x

    def condition(self, views, targets):
        """Learns the observations; the kernel stays as it was fitted. Arguments as in `fit`."""
        self._weights, self.noise, self.relevances = _split(self._parameters, views)
        self._observed = self._scaled(views)
        covariance = self._covariance(views, self._observed, self._observed)
        covariance[np.diag_indices_from(covariance)] += self.noise + _JITTER
        self._factor = linalg.cholesky(covariance, lower=True, check_finite=False)
        self._solved = linalg.cho_solve((self._factor, True), targets, check_finite=False)

    def predict(self, views):
        """Mean and standard deviation of the function, without noise, at new architectures.

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
        return mean, np.sqrt(np.maximum(prior - np.sum(projected * projected, axis=0), 1e-12))

    def sample(self, views, generator):
        """A function drawn from the posterior, at new architectures: an array of shape `(m,)`."""
        new, mean, projected = self._project(views)
        covariance = self._covariance(views, new, new) - projected.T @ projected
        covariance[np.diag_indices_from(covariance)] += 1e-6
        return mean + linalg.cholesky(covariance, lower=True, check_finite=False) @ generator.standard_normal(len(mean))

    def _project(self, views):
        new = self._scaled(views)
        cross = self._covariance(views, self._observed, new)
        projected = linalg.solve_triangular(self._factor, cross, lower=True, check_finite=False)
        return new, self._solved @ cross, projected

    def _scaled(self, views):
        return [view.scaled(relevances) for view, relevances in zip(views, self.relevances, strict=True)]

    def _covariance(self, views, first, second):
        return sum(
            weight * (one @ other.T if view.linear else _matern(_squared_distances(one, other))[0])
            for view, weight, one, other in zip(views, self._weights, first, second, strict=True)
        )

    def _loss(self, parameters, centre, deviation, views, targets):
        """Negative log posterior and its gradient."""
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
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        solved = inverse @ targets
        loss = 0.5 * targets @ solved + np.log(np.diag(factor)).sum()
        # The derivative of the loss by a parameter is the sum of this times the derivative of the covariance.
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


def _prior(views):
    """Centre and standard deviation of the logarithms of weights, noise and relevances, each in one array."""
    relevances = []
    for view in views:
        spread = max(view.features.var(axis=0).sum(), 1e-3)
        relevances.append(np.full(view.n_groups, 1 / spread if view.linear else _SQUARED_DISTANCE / (2 * spread)))
    centre = np.log(np.concatenate([[view.weight for view in views], [_NOISE], *relevances]))
    deviation = np.full(len(centre), _RELEVANCE_DEVIATION)
    deviation[: len(views) + 1] = _DEVIATION
    return centre, deviation


def _split(parameters, views):
    """Weights, noise and relevances of each view, from their logarithms."""
    values = np.exp(parameters)
    ends = np.cumsum([view.n_groups for view in views])[:-1]
    return values[: len(views)], values[len(views)], np.split(values[len(views) + 1 :], ends)


def _matern(squared):
    """The Matérn function of smoothness 5/2 and its derivative, by the squared distance."""
    root = np.sqrt(5 * squared)
    decay = np.exp(-root)
    return (1 + root + root * root / 3) * decay, -5 / 6 * (1 + root) * decay


def _squared_distances(first, second):
    squared = (first * first).sum(axis=1)[:, None] + (second * second).sum(axis=1) - 2 * first @ second.T
    return np.maximum(squared, 0.0, out=squared)
