"""Draws from Dirichlet distributions that are differentiable in the concentrations.

Keras has no differentiable Gamma variables: the variables of PyTorch have no gradient. Therefore the draws and their
derivatives are computed outside of the backend.
"""

import numpy as np
from scipy import special

#: Step of the finite difference of a quantile, relative to the concentration.
_STEP = 1e-4
#: Smallest distance of uniform random numbers from 0 and 1, which keeps the logarithms finite.
_SMALLEST = 1e-7


def log_gammas(scores, generator):
    """Return the logarithms of Gamma variables, and their derivatives with respect to `scores`.

    Normalised Gamma variables have a Dirichlet distribution: the softmax of the logarithms is a draw. A Gamma variable
    of concentration c is G U^(1/c), with a uniform U and a Gamma variable G of concentration c + 1, the quantile of
    another uniform variable. The derivatives are for constant uniform variables (reparameterised gradients).

    Args:
        scores: Logarithms of the concentrations, an array.
        generator: A `numpy.random.Generator`.

    Returns:
        Two arrays of the shape of `scores`, float32.
    """
    concentrations = np.exp(np.asarray(scores, dtype=float))
    quantiles, uniform = generator.uniform(_SMALLEST, 1 - _SMALLEST, (2, *concentrations.shape))

    def log_quantile(shift):
        return np.log(special.gammaincinv((concentrations + 1) * (1 + shift), quantiles))

    slopes = (log_quantile(_STEP) - log_quantile(-_STEP)) / (2 * _STEP * (concentrations + 1))
    powers = np.log(uniform) / concentrations
    return [values.astype("float32") for values in (log_quantile(0.0) + powers, slopes * concentrations - powers)]
