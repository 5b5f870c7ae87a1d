"""Acquisition functions: the value of evaluating an architecture, given the prediction of a surrogate."""

import numpy as np
from scipy import special

from autonas.objectives import pareto

_LOG_SQRT_2_PI = 0.5 * np.log(2 * np.pi)
#: Temperature τ of the soft maximum max(x, 0), for scores from 0 to 1.
_SOFTNESS = 0.01
#: Smallest z; the expected improvement of a smaller one is computed at this bound.
_SMALLEST_Z = -1e6
#: Largest difference of logarithms whose exponentials are subtracted, so that the logarithm of the result is finite.
_LARGEST_DIFFERENCE = -1e-12
#: Bound below which log(1 + e^x) is computed as x.
_SMALLEST_X = -30


def log_expected_improvement(mean: np.ndarray, deviation: np.ndarray, best: float | np.ndarray) -> np.ndarray:
    r"""Compute the logarithm of the expected improvement on `best`.

    log E[max(f − best, 0)] = log σ + log(φ(z) + z Φ(z)),   z = (μ − best) / σ

    (Jones et al. 1998). The logarithm is computed as in Ament et al. 2023, so that it differs between architectures
    whose expected improvement underflows.

    Args:
        mean: Predicted mean μ, shape `(m,)`.
        deviation: Predicted standard deviation σ, shape `(m,)`.
        best: Best score so far; or an array of scores that broadcasts with `mean`.

    Returns:
        Array of shape `(m,)`.
    """
    z = np.maximum((mean - best) / deviation, _SMALLEST_Z)
    near, far = np.maximum(z, -1.0), np.minimum(z, -1.0)
    log_near = np.log(np.exp(-0.5 * near * near - _LOG_SQRT_2_PI) + near * special.ndtr(near))
    # Φ / φ by the scaled complementary error function, as both underflow before their quotient does.
    quotient = np.sqrt(0.5 * np.pi) * special.erfcx(-far / np.sqrt(2))
    log_far = -0.5 * far * far - _LOG_SQRT_2_PI + np.log(1 + far * quotient)
    return np.log(deviation) + np.where(z > -1.0, log_near, log_far)


def log_expected_hypervolume_improvement(
    means: np.ndarray, deviations: np.ndarray, scores: np.ndarray, reference: np.ndarray
) -> np.ndarray:
    r"""Compute the logarithm of the expected hypervolume improvement, for two independent objectives.

    Let the front be (a_1, b_1), ..., (a_k, b_k), with a ascending and b descending, a_0 and b_{k+1} the reference
    point, and a_{k+1} = ∞. The front divides the non-dominated region into strips from a_i to a_{i+1}, which begin at
    b_{i+1}. With ψ(c) = E[max(f − c, 0)], the expected improvement is

    E[improvement] = Σ_i (ψ_1(a_i) − ψ_1(a_{i+1})) ψ_2(b_{i+1}),   i = 0 ... k

    (Emmerich et al. 2011; in this form Yang et al., "Efficient computation of expected hypervolume improvement using
    box decomposition algorithms", 2019). The sum is computed in logarithms, as in Ament et al. 2023.

    Args:
        means: Predicted means, shape `(m, 2)`.
        deviations: Predicted standard deviations, shape `(m, 2)`.
        scores: Observed scores, shape `(n, 2)`, larger is better.
        reference: Reference point of the hypervolume, shape `(2,)`.

    Returns:
        Array of shape `(m,)`.
    """
    front = np.unique(scores[pareto.non_dominated(scores) & (scores > reference).all(axis=1)], axis=0)
    lefts = np.append(reference[0], front[:, 0])
    floors = np.append(front[:, 1], reference[1])
    beyond = log_expected_improvement(means[:, :1], deviations[:, :1], lefts)
    above = log_expected_improvement(means[:, 1:], deviations[:, 1:], floors)
    # log(e^x − e^y) = x + log(1 − e^(y − x)), the difference of ψ_1 at both sides of a strip.
    shrinking = np.minimum(beyond[:, 1:] - beyond[:, :-1], _LARGEST_DIFFERENCE)
    beyond[:, :-1] += np.log(-np.expm1(shrinking))
    return special.logsumexp(beyond + above, axis=1)


def log_sampled_improvement(draws: np.ndarray, best: float) -> np.ndarray:
    """Compute the logarithm of the mean improvement on `best` of samples from a posterior.

    As in Ament et al. 2023, max(x, 0) is replaced by the soft maximum τ log(1 + e^(x / τ)). Thus the result differs
    between architectures of which no sample improves on `best`.

    Args:
        draws: Samples of the scores, shape `(draws, m)`, on a scale of about 0 to 1.
        best: Best score so far.

    Returns:
        Array of shape `(m,)`.
    """
    gains = (draws - best) / _SOFTNESS
    log_soft = np.log(np.logaddexp(0, np.maximum(gains, _SMALLEST_X)))
    log_soft = np.where(gains < _SMALLEST_X, gains, log_soft)
    return special.logsumexp(log_soft, axis=0) + np.log(_SOFTNESS / len(draws))


def log_feasibility(mean: np.ndarray, deviation: np.ndarray, threshold: float) -> np.ndarray:
    """Compute the logarithm of the probability that a normal variable is at least `threshold`, shape `(m,)`."""
    return special.log_ndtr((mean - threshold) / deviation)


def upper_confidence_bound(mean: np.ndarray, deviation: np.ndarray, beta: float) -> np.ndarray:
    """Compute the upper confidence bound μ + √β σ (Srinivas et al. 2010), shape `(m,)`."""
    return mean + np.sqrt(beta) * deviation
