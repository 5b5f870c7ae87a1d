"""Acquisition functions: how much is to be gained by trying an architecture, given what a model predicts for it."""

import numpy as np
from scipy import special

_LOG_SQRT_2_PI = 0.5 * np.log(2 * np.pi)


def log_expected_improvement(mean, deviation, best):
    r"""Logarithm of the expected improvement on `best`.

    log E[max(f − best, 0)] = log σ + log(φ(z) + z Φ(z)),   z = (μ − best) / σ

    (Jones et al. 1998), in a form that tells apart what is far from any improvement (Ament et al. 2023).

    Args:
        mean: Predicted mean μ, shape `(m,)`.
        deviation: Predicted standard deviation σ, shape `(m,)`.
        best: The score to improve on.

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


def upper_confidence_bound(mean, deviation, beta):
    """μ + √β σ (Srinivas et al. 2010), of shape `(m,)`."""
    return mean + np.sqrt(beta) * deviation
