"""Gaussian processes of numbers and of classes, with the hyperparameters of the highest marginal likelihood."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import numpy as np

#: Prior variance of the constant part of an output.
_CONSTANT = 4.0
#: Means of the normal priors of the logarithms of the kernel's hyperparameters, in their order, and their deviations.
#: Numbers have a variance of 1, the scores of classes a larger one.
_CENTERS = {"numbers": (0.0, 0.0, -1.0, -1.5), "classes": (1.0, 0.0, 0.0)}
_DEVIATIONS = (1.0, 0.5, 1.0, 1.5)
#: Largest distance of a logarithm of a hyperparameter from 0.
_LARGEST = 7.0
#: Number of evaluations of the marginal likelihood for each hyperparameter.
_EVALUATIONS = 15
#: Largest number of rows whose marginal likelihood is evaluated.
_LIKELIHOOD_ROWS = 500
#: Largest number of Newton steps, and the change of the loss below which they stop.
_STEPS, _TOLERANCE = 30, 1e-3
#: Smallest weight of a row. A number without weight has a large noise.
_SMALLEST_WEIGHT = 1e-6


@dataclasses.dataclass(frozen=True)
class Kernel:
    """Covariance of an output at two rows: one part for their distance, a linear part, and a constant part.

    The covariance at u and v is amplitude exp(-|u - v|^2 / (2 length^2)) + slope u'v + 4 (Rasmussen and Williams 2006).

    Args:
        amplitude: Variance of the first part.
        length: Distance of rows over which the first part varies.
        slope: Variance of the linear part for a row of norm 1.
        noise: Variance of the noise of numbers. Defaults to 0, the value for classes.
    """

    amplitude: float
    length: float
    slope: float
    noise: float = 0.0

    def covariances(self, products: np.ndarray) -> np.ndarray:
        """Return the covariances of an output at all pairs of rows, by the products of the pairs, `(n, n)`."""
        squares = np.diag(products)
        distances = np.maximum(squares[:, None] + squares - 2.0 * products, 0.0)
        return self.amplitude * np.exp(distances / (-2.0 * self.length**2)) + self.slope * products + _CONSTANT

    def parts(self, rows: np.ndarray, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the posterior mean as factors of the exponentials, factors of the features, and an intercept.

        Args:
            rows: Training rows, `(n, features)`.
            coefficients: Those of the posterior, `(n, outputs)`.
        """
        return self.amplitude * coefficients, self.slope * (rows.T @ coefficients), _CONSTANT * coefficients.sum(axis=0)


class Posterior:
    """Posterior of the outputs of training rows.

    Args:
        coefficients: Factors of the covariances with the training rows, whose sum is the mean of an output,
            `(n, outputs)`.
        loss: Negative logarithm of the marginal likelihood, without the terms that are the same for all kernels.
    """

    def __init__(self, coefficients: np.ndarray, loss: float) -> None:
        self.coefficients = coefficients
        self.loss = loss

    def left_out(self) -> np.ndarray:
        """Return, for each training row, the mean given the other rows, `(n, outputs)`."""
        raise NotImplementedError


class Numbers(Posterior):
    """Posterior of numbers with normal noise.

    Args:
        covariances: Covariances of the training rows, `(n, n)`.
        targets: Numbers of mean 0, `(n, outputs)`.
        noise: Variance of the noise of each row, `(n,)`.
    """

    def __init__(self, covariances: np.ndarray, targets: np.ndarray, noise: np.ndarray) -> None:
        from scipy import linalg

        self.targets = targets
        self._factor = linalg.cholesky(covariances + np.diag(noise), lower=True, check_finite=False)
        coefficients = linalg.cho_solve((self._factor, True), targets, check_finite=False)
        determinant = targets.shape[1] * np.log(np.diag(self._factor)).sum()
        super().__init__(coefficients, float(0.5 * np.sum(targets * coefficients) + determinant))

    def left_out(self) -> np.ndarray:
        """Return y - a / d, with the row's coefficient a and its entry d on the diagonal of the inverse covariances.

        See Rasmussen and Williams 2006, section 5.4.2.
        """
        from scipy import linalg

        inverse = linalg.solve_triangular(self._factor, np.eye(len(self._factor)), lower=True, check_finite=False)
        return self.targets - self.coefficients / np.sum(inverse**2, axis=0)[:, None]


class Class(Posterior):
    """Posterior of the scores of one class, by Laplace's approximation.

    The scores of the training rows have the highest product of their prior and of the likelihood, in which a row of
    score f belongs to the class with the probability 1 / (1 + exp(-f)). Newton's method finds them (Rasmussen and
    Williams 2006, algorithm 3.1).

    Args:
        covariances: Covariances of the training rows, `(n, n)`.
        targets: 1 for rows of the class, 0 for others, `(n,)`.
        weights: Weights of the rows, `(n,)`.
        scores: First scores, `(n,)`.
    """

    def __init__(self, covariances: np.ndarray, targets: np.ndarray, weights: np.ndarray, scores: np.ndarray) -> None:
        from scipy import linalg, special

        self._covariances = covariances
        loss = np.inf
        for _ in range(_STEPS):
            roots, slopes = _derivatives(scores, targets, weights)
            factor = self._factor(roots)
            wanted = roots**2 * scores + slopes
            solved = linalg.cho_solve((factor, True), roots * (covariances @ wanted), check_finite=False)
            coefficients = wanted - roots * solved
            scores = covariances @ coefficients
            likelihood = np.sum(weights * special.log_expit(np.where(targets > 0, scores, -scores)))
            earlier, loss = loss, 0.5 * coefficients @ scores - likelihood + np.log(np.diag(factor)).sum()
            if abs(earlier - loss) < _TOLERANCE:
                break
        #: Scores of the training rows, `(n,)`.
        self.scores = scores
        self._roots, slopes = _derivatives(scores, targets, weights)
        super().__init__(slopes[:, None], float(loss))

    def left_out(self) -> np.ndarray:
        """Return f - g v / (1 - v h), with the score f of a row, its variance v, and derivatives g and -h.

        The derivatives are those of the row's log likelihood (Vehtari et al. 2016, the cavity of the approximation).
        """
        from scipy import linalg

        scaled = self._roots[:, None] * self._covariances
        solved = linalg.solve_triangular(self._factor(self._roots), scaled, lower=True, check_finite=False)
        variances = np.diag(self._covariances) - np.sum(solved**2, axis=0)
        cavities = variances / (1.0 - variances * self._roots**2)
        return (self.scores - self.coefficients[:, 0] * cavities)[:, None]

    def _factor(self, roots: np.ndarray) -> np.ndarray:
        """Return the Cholesky factor of the identity plus the covariances, scaled by the roots."""
        from scipy import linalg

        scaled = roots[:, None] * self._covariances * roots
        return linalg.cholesky(np.eye(len(roots)) + scaled, lower=True, check_finite=False)


@dataclasses.dataclass(frozen=True, eq=False)
class Observed:
    """Targets of training rows.

    Args:
        kind: Kind of the outputs, `"numbers"` or `"classes"`.
        targets: Numbers of mean 0 and variance 1, or 1 and 0 for rows of a class and others, `(n, outputs)`.
        weights: Weights of the rows, of mean 1, `(n,)`.
    """

    kind: str
    targets: np.ndarray
    weights: np.ndarray

    def where(self, chosen: Any) -> Observed:
        """Return the rows with some indices, or in a slice."""
        return Observed(self.kind, self.targets[chosen], self.weights[chosen])

    def posteriors(self, kernel: Kernel, products: np.ndarray, scores: np.ndarray | None = None) -> list[Posterior]:
        """Return the posteriors of some outputs each, in their order.

        Args:
            kernel: The `Kernel`.
            products: Products of all pairs of rows, `(n, n)`. The features have a total variance of 1.
            scores: Scores from which classes begin, `(n, outputs)`, which are replaced by the scores of the posterior,
                or `None` to begin at 0. Defaults to `None`.
        """
        covariances = kernel.covariances(products)
        if self.kind == "numbers":
            noise = kernel.noise / np.maximum(self.weights, _SMALLEST_WEIGHT)
            return [Numbers(covariances, self.targets, noise)]
        scores = np.zeros_like(self.targets) if scores is None else scores
        posteriors: list[Posterior] = []
        for number, targets in enumerate(self.targets.T):
            of_class = Class(covariances, targets, self.weights, scores[:, number])
            scores[:, number] = of_class.scores
            posteriors.append(of_class)
        return posteriors


def most_likely_kernel(rows: np.ndarray, observed: Observed, deadline: float | None = None) -> Kernel:
    """Return the kernel with the highest product of prior and marginal likelihood, by the method of Nelder and Mead.

    The likelihood is of the first 500 rows, fewer for many classes. All outputs have the same kernel.

    Args:
        rows: Training rows, in a random order, whose features have a total variance of 1, `(n, features)`.
        observed: The targets, `Observed`.
        deadline: Value of `time.monotonic()` at which to stop, or `None`. Defaults to `None`.
    """
    from scipy import optimize

    n_outputs = 1 if observed.kind == "numbers" else observed.targets.shape[1]
    few = slice(int(_LIKELIHOOD_ROWS / np.cbrt(n_outputs)))
    some = observed.where(few)
    products, scores = rows[few] @ rows[few].T, np.zeros_like(some.targets)
    centers = np.array(_CENTERS[observed.kind])
    deviations = np.array(_DEVIATIONS[: len(centers)])

    def loss(logarithms: np.ndarray) -> float:
        posteriors = some.posteriors(Kernel(*np.exp(logarithms)), products, scores)
        prior = 0.5 * np.sum(((logarithms - centers) / deviations) ** 2)
        return float(prior + sum(posterior.loss for posterior in posteriors))

    def stop_in_time(_: Any) -> None:
        if deadline is not None and time.monotonic() >= deadline:
            raise StopIteration

    simplex = centers + np.eye(len(centers) + 1, len(centers), -1)
    result = optimize.minimize(
        loss,
        centers,
        method="Nelder-Mead",
        bounds=[(-_LARGEST, _LARGEST)] * len(centers),
        callback=stop_in_time,
        options={"maxfev": _EVALUATIONS * len(centers), "xatol": 0.1, "fatol": 0.05, "initial_simplex": simplex},
    )
    return Kernel(*map(float, np.exp(result.x)))


def _derivatives(scores: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the roots of the negative second derivatives of the log likelihoods, and the first derivatives."""
    from scipy import special

    probabilities = special.expit(scores)
    return np.sqrt(weights * probabilities * (1.0 - probabilities)), weights * (targets - probabilities)
