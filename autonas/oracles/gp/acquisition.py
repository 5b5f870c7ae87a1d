"""Acquisition functions: how much is to be gained by trying an architecture, given what a model predicts for it."""

import numpy as np
from scipy import special

from autonas.objectives import pareto

_LOG_SQRT_2_PI = 0.5 * np.log(2 * np.pi)
#: Width of the bend in place of the kink of max(x, 0), on the scale of scores from 0 to 1.
_SOFTNESS = 0.01


def log_expected_improvement(mean, deviation, best):
    r"""Logarithm of the expected improvement on `best`.

    log E[max(f − best, 0)] = log σ + log(φ(z) + z Φ(z)),   z = (μ − best) / σ

    (Jones et al. 1998), in a form that tells apart what is far from any improvement (Ament et al. 2023).

    Args:
        mean: Predicted mean μ, shape `(m,)`.
        deviation: Predicted standard deviation σ, shape `(m,)`.
        best: The score to improve on; or several, of a shape that broadcasts with the others.

    Returns:
        Array of shape `(m,)`.
    """
    z = np.maximum((mean - best) / deviation, -1e6)
    near, far = np.maximum(z, -1.0), np.minimum(z, -1.0)
    log_near = np.log(np.exp(-0.5 * near * near - _LOG_SQRT_2_PI) + near * special.ndtr(near))
    # Φ / φ by the scaled complementary error function: both vanish long before their quotient does.
    quotient = np.sqrt(0.5 * np.pi) * special.erfcx(-far / np.sqrt(2))
    log_far = -0.5 * far * far - _LOG_SQRT_2_PI + np.log(1 + far * quotient)
    return np.log(deviation) + np.where(z > -1.0, log_near, log_far)


def log_expected_hypervolume_improvement(means, deviations, scores, reference):
    r"""Logarithm of the expected gain in hypervolume, for two objectives that are independent given the data.

    The front (a_1, b_1), ..., (a_k, b_k), with a ascending and b descending, cuts what isn't dominated into strips: in
    the one from a_i to a_{i+1}, with a_0 and b_{k+1} the reference and a_{k+1} = ∞, a new point gains what it is above
    b_{i+1}. With ψ(c) = E[max(f − c, 0)],

    E[gain] = Σ_i (ψ_1(a_i) − ψ_1(a_{i+1})) ψ_2(b_{i+1}),   i = 0 ... k

    (Emmerich et al. 2011; in this form Yang et al., "Efficient computation of expected hypervolume improvement using
    box decomposition algorithms", 2019). Summed in logarithms, as in Ament et al. 2023.

    Args:
        means: Predicted means, shape `(m, 2)`.
        deviations: Predicted standard deviations, shape `(m, 2)`.
        scores: What there is already, shape `(n, 2)`, larger is better.
        reference: The point from which volumes are measured, shape `(2,)`.

    Returns:
        Array of shape `(m,)`.
    """
    front = np.unique(scores[pareto.non_dominated(scores) & (scores > reference).all(axis=1)], axis=0)
    lefts = np.append(reference[0], front[:, 0])
    floors = np.append(front[:, 1], reference[1])
    beyond = log_expected_improvement(means[:, :1], deviations[:, :1], lefts)
    above = log_expected_improvement(means[:, 1:], deviations[:, 1:], floors)
    # log(e^x − e^y) = x + log(1 − e^(y − x)): what is gained beyond one side of a strip, less that beyond the other.
    shrinking = np.minimum(beyond[:, 1:] - beyond[:, :-1], -1e-12)
    beyond[:, :-1] += np.log(-np.expm1(shrinking))
    return special.logsumexp(beyond + above, axis=1)


def log_sampled_improvement(draws, best):
    """Logarithm of the mean improvement on `best` of some draws.

    As in Ament et al. 2023, max(x, 0) is replaced by the soft τ log(1 + e^(x / τ)), which tells apart what is far from
    any improvement, where no draw has one.

    Args:
        draws: Array of shape `(draws, m)`, on a scale from 0 to 1 or so.
        best: The score to improve on.

    Returns:
        Array of shape `(m,)`.
    """
    gains = (draws - best) / _SOFTNESS
    # log(1 + e^x) is e^x long before it vanishes.
    log_soft = np.where(gains < -30, gains, np.log(np.logaddexp(0, np.maximum(gains, -30))))
    return special.logsumexp(log_soft, axis=0) + np.log(_SOFTNESS / len(draws))


def log_feasibility(mean, deviation, threshold):
    """Logarithm of the probability that a number is `threshold` or more, of shape `(m,)`."""
    return special.log_ndtr((mean - threshold) / deviation)


def upper_confidence_bound(mean, deviation, beta):
    """μ + √β σ (Srinivas et al. 2010), of shape `(m,)`."""
    return mean + np.sqrt(beta) * deviation
