"""Ridge regression in closed form, compared with scikit-learn's."""

import time

import keras
import numpy as np
import pytest
from sklearn.linear_model import Ridge, RidgeCV

from autonas.search_space.fitted import ridge
from autonas.search_space.fitted.fitters import Rows


def rows(n, n_features, outputs=2, noise=1.0):
    generator = np.random.default_rng(0)
    features = generator.normal(size=(n, n_features))
    coefficients = generator.normal(size=(n_features, outputs)) / np.sqrt(n_features)
    return features, features @ coefficients + 3.0 + noise * generator.normal(size=(n, outputs))


@pytest.mark.parametrize("shape", [(30, 80), (80, 30), (40, 40), (2100, 4)])
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


@pytest.mark.parametrize("largest", [0, 10**7])
def test_predictions_without_a_row_are_exact_for_many_features_and_small_penalties(monkeypatch, largest):
    # With 20,000 features and a small penalty, residuals and the shares of others are differences of 1e-12.
    monkeypatch.setattr(ridge, "_PRECISE_VALUES", largest)
    generator = np.random.default_rng(0)
    signs = generator.normal(size=(30, 1))
    features = np.tanh(signs @ generator.normal(size=(1, 20_000))) + generator.normal(size=(30, 20_000))
    features, targets = features.astype("float32"), np.sign(signs + generator.normal(size=(30, 1)))
    for penalty in (1e-7, 1.0, 1e4):
        solution = ridge.solve(features, targets, penalties=[penalty])
        for row in (0, 7, 20):
            others = np.arange(30) != row
            without = Ridge(penalty, solver="svd").fit(features[others].astype("float64"), targets[others])
            np.testing.assert_allclose(solution.predictions[row], without.predict(features[[row]])[0], atol=1e-3)
    chosen = ridge.solve(features, targets)
    assert np.mean((chosen.predictions - targets) ** 2) > 0.3  # With noise, no regression is better.


def test_penalties_below_the_precision_of_the_products_are_left_out(monkeypatch):
    monkeypatch.setattr(ridge, "_PRECISE_VALUES", 0)
    monkeypatch.setattr(ridge, "_PRODUCTS", 0)
    features, targets = rows(60, 5_000)
    solution = ridge.solve(features.astype("float32"), targets, penalties=[1e-7, 100.0])
    assert solution.penalty == 100.0
    exact = Ridge(100.0).fit(features, targets)
    np.testing.assert_allclose(solution.coefficients, exact.coef_.T, atol=1e-4)


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
    parts = [Rows(features[part].astype("float32"), targets[part]) for part in (slice(400), slice(400, None))]
    improved = ridge.improve(some, parts)
    exact = Ridge(some.penalty).fit(features, targets)
    np.testing.assert_allclose(improved.coefficients, exact.coef_.T, atol=5e-3)
    np.testing.assert_allclose(improved.intercept, all_rows.intercept, atol=5e-3)
    stopped = ridge.improve(some, parts, deadline=time.monotonic() - 1)
    np.testing.assert_allclose(stopped.coefficients, some.coefficients, atol=1e-6)


def fitter_of(n_features):
    """The fitter of a regression with two outputs, and its network."""
    inputs = keras.Input((n_features,))
    standardization = keras.layers.BatchNormalization(center=False, scale=False, epsilon=1e-12)
    dense = keras.layers.Dense(2)
    model = keras.Model(inputs, dense(standardization(inputs)))
    return ridge.Ridge(inputs, "head", "regression", standardization, dense), model


@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize(
    "limits",
    [{}, {"_MOST_EIGENVALUES": 50}, {"_MOST_EIGENVALUES": 60, "_PRODUCTS": 80 * 60**2}],
    ids=["few", "many features", "many rows"],
)
def test_weights_for_all_rows_are_fitted_beside_those_for_the_training_rows(limits, is_weighted, monkeypatch):
    for name, limit in limits.items():
        monkeypatch.setattr(ridge, name, limit)
    features, targets = rows(160, 60, noise=3.0)
    weights = np.random.default_rng(1).uniform(0.2, 3.0, len(features)) if is_weighted else None
    n_training = len(features) * 3 // 4
    training, validation = (
        Rows(features[part].astype("float32"), targets[part], None if weights is None else weights[part])
        for part in (slice(n_training), slice(n_training, None))
    )
    fitter, model = fitter_of(60)
    fitter.fit(training, validation, np.random.default_rng(0))
    predictions = {"training": model.predict(features, verbose=0)}
    np.testing.assert_allclose(fitter.validated, predictions["training"][n_training:], atol=1e-4)
    assert fitter.use_all_rows()
    predictions["all"] = model.predict(features, verbose=0)
    standard = (features - features[:n_training].mean(axis=0)) / features[:n_training].std(axis=0)
    for name, chosen in (("training", slice(n_training)), ("all", slice(None))):
        weighted = None if weights is None else weights[chosen] / weights[chosen].mean()
        references = [
            Ridge(penalty).fit(standard[chosen], targets[chosen], weighted).predict(standard)
            for penalty in ridge.PENALTIES
        ]
        assert min(np.abs(predictions[name] - reference).max() for reference in references) < 0.1 * targets.std()


def test_without_validation_rows_there_are_no_weights_for_all_rows():
    features, targets = rows(60, 20)
    fitter, model = fitter_of(20)
    training = Rows(features.astype("float32"), targets)
    fitter.fit(training, training.where(np.zeros(60, bool)), np.random.default_rng(0))
    weights = model.get_weights()
    assert not fitter.use_all_rows() and fitter.validated is None
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
