"""Ridge regression in closed form, compared with scikit-learn's."""

import time

import numpy as np
import pytest
from sklearn.linear_model import Ridge, RidgeCV

from autonas.search_space import ridge


def rows(n, n_features, outputs=2, noise=1.0):
    generator = np.random.default_rng(0)
    features = generator.normal(size=(n, n_features))
    coefficients = generator.normal(size=(n_features, outputs)) / np.sqrt(n_features)
    return features, features @ coefficients + 3.0 + noise * generator.normal(size=(n, outputs))


@pytest.mark.parametrize("shape", [(30, 80), (80, 30), (40, 40)])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_penalty_coefficients_and_predictions_without_a_row_are_scikit_learns(shape, is_weighted):
    features, targets = rows(*shape)
    weights = np.random.default_rng(1).uniform(0.2, 3.0, len(features)) if is_weighted else np.ones(len(features))
    weights /= weights.mean()
    solution = ridge.solve(features, targets, weights * 7 if is_weighted else None)
    reference = RidgeCV(ridge.PENALTIES).fit(features, targets, sample_weight=weights)
    assert solution.penalty == reference.alpha_
    exact = Ridge(solution.penalty).fit(features, targets, sample_weight=weights)
    np.testing.assert_allclose(solution.coefficients, exact.coef_.T, atol=1e-8)
    np.testing.assert_allclose(solution.intercept, exact.intercept_, atol=1e-8)
    for row in (0, 7):
        others = np.arange(len(features)) != row
        without = Ridge(solution.penalty).fit(features[others], targets[others], sample_weight=weights[others])
        np.testing.assert_allclose(solution.predictions[row], without.predict(features[[row]])[0], atol=1e-7)


def test_a_row_without_weight_counts_for_nothing():
    features, targets = rows(40, 60)
    weights = np.ones(40)
    weights[:5] = 0
    targets[:5] = 1e3
    solution, without = ridge.solve(features, targets, weights), ridge.solve(features[5:], targets[5:])
    # The mean weight is 1, so that fewer rows weigh more and the penalty less.
    exact = Ridge(solution.penalty * 35 / 40).fit(features[5:], targets[5:])
    np.testing.assert_allclose(solution.coefficients, exact.coef_.T, atol=1e-8)
    assert np.isfinite(solution.predictions).all() and np.isfinite(without.predictions).all()


def test_constant_features_and_targets_are_solved():
    solution = ridge.solve(np.ones((12, 5)), np.full((12, 1), -1.0))
    np.testing.assert_allclose(solution.coefficients, 0.0, atol=1e-12)
    np.testing.assert_allclose(solution.predictions, -1.0)


def test_more_rows_improve_a_solution_to_that_of_all_rows():
    features, targets = rows(600, 90)
    all_rows = ridge.solve(features, targets)
    some = ridge.solve(features[:100], targets[:100])
    improved = ridge.improve(some, features.astype("float32"), targets)
    exact = Ridge(some.penalty).fit(features, targets)
    np.testing.assert_allclose(improved.coefficients, exact.coef_.T, atol=5e-3)
    np.testing.assert_allclose(improved.intercept, all_rows.intercept, atol=5e-3)
    stopped = ridge.improve(some, features.astype("float32"), targets, deadline=time.monotonic() - 1)
    np.testing.assert_allclose(stopped.coefficients, some.coefficients, atol=1e-6)
