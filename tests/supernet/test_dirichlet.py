"""Draws from Dirichlet distributions: their moments, and the derivatives of the draws, against closed forms."""

import numpy as np
import pytest
from scipy import special, stats

from autonas.supernet import dirichlet

CONCENTRATIONS = np.array([0.05, 0.7, 1.0, 4.0])
N = 20000


def draws(concentrations=CONCENTRATIONS, seed=0):
    """Draws and derivatives, shape `(N, options)` each."""
    scores = np.tile(np.log(concentrations), (N, 1))
    return dirichlet.log_gammas(scores, np.random.default_rng(seed))


def test_the_softmax_of_the_draws_has_the_moments_of_the_dirichlet_distribution():
    weights = special.softmax(draws()[0], axis=1)
    expected = stats.dirichlet(CONCENTRATIONS)
    assert weights.mean(axis=0) == pytest.approx(expected.mean(), abs=0.01)
    assert weights.var(axis=0) == pytest.approx(expected.var(), abs=0.005)


def test_the_mean_derivative_is_that_of_the_mean():
    # E[log g] is digamma(c), and its derivative with respect to log(c) is c trigamma(c).
    logarithms, slopes = draws()
    errors = logarithms.std(axis=0) / np.sqrt(N)
    assert (np.abs(logarithms.mean(axis=0) - special.digamma(CONCENTRATIONS)) < 4 * errors).all()
    errors = slopes.std(axis=0) / np.sqrt(N)
    expected = CONCENTRATIONS * special.polygamma(1, CONCENTRATIONS)
    assert (np.abs(slopes.mean(axis=0) - expected) < 4 * errors).all()


def test_a_derivative_is_the_slope_of_the_draw_for_the_same_random_numbers():
    step = 1e-2
    (larger, _), (smaller, _) = (draws(CONCENTRATIONS * np.exp(sign * step)) for sign in (1, -1))
    assert draws()[1] == pytest.approx((larger - smaller) / (2 * step), rel=1e-2, abs=1e-3)


def test_draws_of_tiny_concentrations_are_finite():
    logarithms, slopes = draws(np.array([1e-6, 1e-3]))
    assert np.isfinite(logarithms).all() and np.isfinite(slopes).all()
