"""Acquisition functions have their closed forms, near and far."""

import numpy as np
from scipy import integrate, stats

from autonas.oracles.gp import acquisition


def test_expected_improvement_is_the_integral_that_it_stands_for():
    for mean, deviation, best in [(0.3, 0.5, 0.0), (-1.0, 0.4, 0.2), (2.0, 1.0, 2.0)]:
        expected = integrate.quad(lambda f, *of: max(f - best, 0) * stats.norm.pdf(f, *of), -9, 9, (mean, deviation))[0]
        found = acquisition.log_expected_improvement(np.array([mean]), np.array([deviation]), best)
        np.testing.assert_allclose(np.exp(found), expected, rtol=1e-5)


def test_it_tells_apart_what_is_far_from_any_improvement():
    means = np.linspace(-60, -1, 200)
    found = acquisition.log_expected_improvement(means, np.ones(200), 0.0)
    assert np.isfinite(found).all() and (np.diff(found) > 0).all()
    # Both forms agree where one takes over from the other.
    beside = acquisition.log_expected_improvement(np.array([-1.001, -0.999]), np.ones(2), 0.0)
    assert 0 < beside[1] - beside[0] < 0.004


def test_more_uncertainty_promises_more():
    deviations = np.array([0.1, 0.5, 2.0])
    for mean in (-1.0, 0.0):
        assert (np.diff(acquisition.log_expected_improvement(np.full(3, mean), deviations, 0.0)) > 0).all()


def test_the_upper_confidence_bound():
    found = acquisition.upper_confidence_bound(np.array([1.0, 0.0]), np.array([0.5, 2.0]), 4.0)
    assert found.tolist() == [2.0, 4.0]
