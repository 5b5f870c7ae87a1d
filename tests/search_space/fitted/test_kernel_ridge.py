"""Kernel ridge regression by a factor that grows, compared with a direct solution."""

import numpy as np
import pytest

from autonas.search_space.fitted import kernel_ridge


def unit_rows(n, n_directions=6):
    rows = np.random.default_rng(0).normal(size=(n, n_directions)).astype("float32")
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def problem(n=60):
    """Unit rows, centred targets that aren't linear, and weights of mean 1."""
    rows = unit_rows(n)
    targets = np.stack([rows[:, 0] * rows[:, 1], np.abs(rows[:, 2])], axis=1)
    weights = np.random.default_rng(1).uniform(0.5, 2.0, n)
    return rows, targets - targets.mean(axis=0), weights / weights.mean()


def direct(rows, targets, weights, penalty):
    """Return the coefficients of the textbook formula, in double precision."""
    covariances = np.exp(rows.astype("float64") @ rows.T - 1) - np.exp(-1)
    return np.linalg.solve(covariances + np.diag(penalty / weights), targets)


def test_coefficients_are_those_of_all_rows_at_any_time():
    rows, targets, weights = problem()
    factor = kernel_ridge.Factor(rows, targets, weights, 0.1)
    for stop in (20, 35, 60):
        factor.extend(stop)
        assert factor.n_rows == stop
        expected = direct(rows[:stop], targets[:stop], weights[:stop], 0.1)
        np.testing.assert_allclose(factor.coefficients(), expected, atol=1e-4)


def test_rows_of_the_last_strip_are_left_out_as_if_they_had_not_been_fitted():
    rows, targets, weights = problem()
    factor = kernel_ridge.Factor(rows, targets, weights, 0.1)
    for stop in (20, 50, 60):
        factor.extend(stop)
    left_out = factor.left_out()
    assert len(left_out) == 10
    for row in (50, 57):
        others = np.delete(np.arange(60), row)
        coefficients = direct(rows[others], targets[others], weights[others], 0.1)
        expected = kernel_ridge.covariances(rows[[row]], rows[others]) @ coefficients
        np.testing.assert_allclose(left_out[row - 50], expected[0], atol=1e-4)


def test_a_row_without_weight_counts_for_nothing():
    rows, targets, weights = problem()
    weights[:5], targets[:5] = 0, 1e3
    factor = kernel_ridge.Factor(rows, targets, weights, 0.1)
    factor.extend(60)
    expected = direct(rows[5:], targets[5:], weights[5:], 0.1)
    np.testing.assert_allclose(factor.coefficients()[5:], expected, atol=0.05)


def test_equal_rows_have_a_factor():
    factor = kernel_ridge.Factor(np.repeat(unit_rows(1), 300, axis=0), np.ones((300, 1)), np.ones(300), 0.003)
    for stop in (100, 200, 300):
        factor.extend(stop)
    assert np.isfinite(factor.coefficients()).all()


@pytest.mark.parametrize("noise", [0.0, 3.0])
def test_the_penalty_is_larger_for_noisy_targets(noise):
    rows, targets, weights = problem(200)
    targets = targets + noise * np.random.default_rng(2).normal(size=targets.shape)
    penalty = kernel_ridge.best_penalty(rows, targets, weights)
    assert penalty == (kernel_ridge.PENALTIES[-1] if noise else kernel_ridge.PENALTIES[0])


def test_directions_are_orthonormal_and_span_the_largest_variances():
    generator = np.random.default_rng(0)
    rows = (generator.normal(size=(500, 40)) * np.geomspace(1, 1e-3, 40)).astype("float32")
    basis = kernel_ridge.directions(rows, 8, generator)
    np.testing.assert_allclose(basis.T @ basis, np.eye(8), atol=1e-5)
    _, values, exact = np.linalg.svd(rows, full_matrices=False)
    assert np.sum((rows @ basis) ** 2) > 0.99 * np.sum(values[:8] ** 2)
    assert np.linalg.norm(exact[:4] @ basis, axis=1).min() > 0.99
