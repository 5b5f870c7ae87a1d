"""A Gaussian process over architectures: a sum of kernels on views, with a relevance for each group of features.

Notation: n observed and m new architectures; a *view* is an array of features of shape `(n, width)` whose columns
belong to groups, given as an integer array of shape `(width,)`.
"""

import numpy as np
from scipy import linalg, optimize

_JITTER = 1e-8
#: Prior: the squared distance of two architectures, weighted by the relevances, is about 2; the noise's variance is 2 %
#: of that of the scores. Both are uncertain by a factor of e^1.5 and e.
_SQUARED_DISTANCE, _RELEVANCE_DEVIATION = 2.0, 1.5
_NOISE, _NOISE_DEVIATION = 0.02, 1.0
_WEIGHT_DEVIATION = 1.0
_MAX_DEVIATION = 5.0
_MAX_ITERATIONS = 50


class GaussianProcess:
    r"""Gaussian process regression with zero mean and Gaussian noise.

    k(x, x') = Σ_v w_v · m(r_v),   r_v² = Σ_g θ_{v,g} ‖x_{v,g} − x'_{v,g}‖²,   m(r) = (1 + √5 r + 5r²/3) exp(−√5 r)

    with w_v the weight of view v and θ_{v,g} the relevance of its group g. Weights, relevances and the variance of the
    noise maximise the marginal likelihood (Rasmussen and Williams 2006, eq. 5.8 and 5.9) times log-normal priors. The
    prior of a relevance is about 1 / (mean squared distance of two architectures), so that it doesn't depend on how
    many decisions there are (as in Hvarfner et al. 2024).

    It does what scikit-learn's `GaussianProcessRegressor` would with a kernel of our own, at about a tenth of the time:
    all squared distances, and the derivatives by all relevances, are matrix products.
    """

    def fit(self, views, groups, targets):
        """Finds the most probable weights, relevances and noise.

        Args:
            views: List of arrays of shape `(n, width)`.
            groups: List of the groups of each view's columns, integer arrays of shape `(width,)`.
            targets: Float array of shape `(n,)`, of about zero mean and unit variance.
        """
        self._n_groups = [int(of.max(initial=-1)) + 1 for of in groups]
        relevance = [_SQUARED_DISTANCE / max(2 * view.var(axis=0).sum(), 1e-3) for view in views]
        centre = np.log([1 / len(views)] * len(views) + [_NOISE] + list(np.repeat(relevance, self._n_groups)))
        deviation = np.full(len(centre), _RELEVANCE_DEVIATION)
        deviation[: len(views) + 1] = _WEIGHT_DEVIATION
        deviation[len(views)] = _NOISE_DEVIATION
        found = optimize.minimize(
            self._loss,
            centre,
            args=(centre, deviation, views, groups, targets),
            jac=True,
            method="L-BFGS-B",
            bounds=np.stack([centre - _MAX_DEVIATION, centre + _MAX_DEVIATION], axis=1),
            options={"maxiter": _MAX_ITERATIONS},
        )
        self._parameters = found.x

    def condition(self, views, groups, targets):
        """Learns the observations; the kernel stays as it was fitted. Arguments as in `fit`."""
        self._weights, self._noise, relevances = self._split(self._parameters)
        self._scales = [np.sqrt(of_view)[of_column] for of_view, of_column in zip(relevances, groups, strict=True)]
        self._observed = [view * scale for view, scale in zip(views, self._scales, strict=True)]
        covariance = self._covariance(self._observed, self._observed)
        covariance[np.diag_indices_from(covariance)] += self._noise + _JITTER
        self._factor = linalg.cholesky(covariance, lower=True, check_finite=False)
        self._solved = linalg.cho_solve((self._factor, True), targets, check_finite=False)

    def predict(self, views):
        """Mean and standard deviation of the function, without noise, at new architectures.

        Args:
            views: List of arrays of shape `(m, width)`.

        Returns:
            Two arrays of shape `(m,)`.
        """
        mean, projected = self._project(views)[1:]
        return mean, np.sqrt(np.maximum(self._weights.sum() - np.sum(projected * projected, axis=0), 1e-12))

    def sample(self, views, generator):
        """A function drawn from the posterior, at new architectures: an array of shape `(m,)`."""
        new, mean, projected = self._project(views)
        covariance = self._covariance(new, new) - projected.T @ projected
        covariance[np.diag_indices_from(covariance)] += 1e-6
        return mean + linalg.cholesky(covariance, lower=True, check_finite=False) @ generator.standard_normal(len(mean))

    def _project(self, views):
        new = [view * scale for view, scale in zip(views, self._scales, strict=True)]
        cross = self._covariance(self._observed, new)
        projected = linalg.solve_triangular(self._factor, cross, lower=True, check_finite=False)
        return new, self._solved @ cross, projected

    def _split(self, parameters):
        n_views = len(self._n_groups)
        values = np.exp(parameters)
        return values[:n_views], values[n_views], np.split(values[n_views + 1 :], np.cumsum(self._n_groups)[:-1])

    def _covariance(self, first, second):
        return sum(
            weight * _matern(_squared_distances(*pair))[0]
            for weight, *pair in zip(self._weights, first, second, strict=True)
        )

    def _loss(self, parameters, centre, deviation, views, groups, targets):
        """Negative log posterior and its gradient."""
        weights, noise, relevances = self._split(parameters)
        n, parts = len(targets), []
        covariance = (noise + _JITTER) * np.eye(n)
        for view, weight, relevance, of_column in zip(views, weights, relevances, groups, strict=True):
            scaled = view * np.sqrt(relevance)[of_column]
            value, slope = _matern(_squared_distances(scaled, scaled))
            covariance += weight * value
            parts.append((scaled, value, weight * slope))
        factor = linalg.cholesky(covariance, lower=True, check_finite=False)
        inverse = linalg.lapack.dpotri(factor, lower=1)[0]
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        solved = inverse @ targets
        loss = 0.5 * targets @ solved + np.log(np.diag(factor)).sum()
        # Half of the derivative of the loss by the covariance; each parameter's is its trace with dK / d(parameter).
        by_covariance = 0.5 * (inverse - np.outer(solved, solved))
        by_weight = [weight * np.sum(by_covariance * part[1]) for weight, part in zip(weights, parts, strict=True)]
        gradient = [by_weight, [noise * np.trace(by_covariance)]]
        for (scaled, _, slope), count, of_column in zip(parts, self._n_groups, groups, strict=True):
            by_distance = by_covariance * slope
            by_column = by_distance.sum(axis=1) @ (scaled * scaled) - np.sum(scaled * (by_distance @ scaled), axis=0)
            gradient.append(2 * np.bincount(of_column, by_column, count))
        standardised = (parameters - centre) / deviation
        return loss + 0.5 * standardised @ standardised, np.concatenate(gradient) + standardised / deviation


def _matern(squared):
    """The Matérn function of smoothness 5/2 and its derivative, by the squared distance."""
    root = np.sqrt(5 * squared)
    decay = np.exp(-root)
    return (1 + root + root * root / 3) * decay, -5 / 6 * (1 + root) * decay


def _squared_distances(first, second):
    squared = (first * first).sum(axis=1)[:, None] + (second * second).sum(axis=1) - 2 * first @ second.T
    return np.maximum(squared, 0.0, out=squared)
