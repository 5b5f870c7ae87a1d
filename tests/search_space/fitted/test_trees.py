"""Trees as tensors predict as scikit-learn's histogram gradient boosting does."""

import keras
import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from autonas.search_space.fitted import trees

N_ROWS = 400


def forest(n_features, **sizes):
    return trees.Forest(n_features, **{"n_iterations": 20, "n_outputs": 1, "n_leaves": 31, "depth": 8, **sizes})


def table(n_features, seed, share_missing=0.2):
    """Rows of numbers, and a target that depends on them and on whether one is missing."""
    generator = np.random.default_rng(seed)
    numbers = generator.normal(size=(N_ROWS, n_features)).round(2)
    target = np.sin(3 * numbers[:, 0]) + (numbers[:, 1:] > 0).sum(axis=1)
    numbers[generator.random(numbers.shape) < share_missing] = np.nan
    return numbers.astype("float32"), target + np.isnan(numbers).any(axis=1)


def fitted(sizes, estimator, features, targets):
    """Return a Keras model with the trees of a fitted estimator, and the `Bins`."""
    bins = trees.Bins(features)
    estimator.set_params(
        categorical_features=None,
        max_iter=sizes.n_iterations,
        max_leaf_nodes=sizes.n_leaves,
        max_depth=sizes.depth,
        min_samples_leaf=2,
        early_stopping=False,
        random_state=0,
    ).fit(bins.transform(features), targets)
    walk = trees.Walk(sizes)
    inputs = keras.Input((features.shape[1],))
    model = keras.Model(inputs, walk(inputs))
    by_output = zip(*estimator._predictors, strict=True)
    walk.set(
        [[trees.Tree.of_boosting(predictor, bins) for predictor in each] for each in by_output],
        estimator._baseline_prediction[0],
    )
    return model, bins


def check(model, bins, expected, features):
    outputs = keras.ops.convert_to_numpy(model(features))
    expected = expected(bins.transform(features)).reshape(len(features), -1)
    np.testing.assert_allclose(outputs, expected, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("n_features", [2, 4])
def test_they_equal_scikit_learn_on_training_rows_and_on_others(n_features):
    features, targets = table(n_features, seed=0)
    estimator = HistGradientBoostingRegressor()
    model, bins = fitted(forest(n_features), estimator, features, targets)
    check(model, bins, estimator.predict, features)
    others, _ = table(n_features, seed=1, share_missing=0.5)
    others[0], others[1] = 1e30, -np.inf
    check(model, bins, estimator.predict, others)


def test_missing_values_that_no_training_row_has_take_the_branch_of_scikit_learn():
    features, targets = table(3, seed=0, share_missing=0.0)
    estimator = HistGradientBoostingRegressor()
    model, bins = fitted(forest(3), estimator, features, targets)
    check(model, bins, estimator.predict, np.full((1, 3), np.nan, "float32"))


def test_they_have_the_scores_of_each_class():
    features, targets = table(3, seed=0)
    classes = np.digitize(targets, [0, 1, 2])
    estimator = HistGradientBoostingClassifier()
    model, bins = fitted(forest(3, n_outputs=4), estimator, features, classes)
    check(model, bins, estimator.decision_function, features)
    estimator = HistGradientBoostingClassifier()
    model, bins = fitted(forest(3), estimator, features, classes > 1)
    check(model, bins, estimator.decision_function, features)


def test_neighbouring_float32_numbers_are_told_apart():
    low = np.float32(0.1)
    features = np.array([low, np.nextafter(low, np.float32(1))] * 50, "float32")[:, None]
    targets = np.array([0.0, 1.0] * 50)
    estimator = HistGradientBoostingRegressor(learning_rate=1.0)
    model, bins = fitted(forest(1, n_iterations=1), estimator, features, targets)
    np.testing.assert_allclose(model(features)[:2, 0], [0.0, 1.0], atol=1e-6)


def test_no_training_value_is_so_near_to_an_edge_that_rounding_moves_it_across():
    values = np.random.default_rng(0).normal(size=5000).round(3)
    values = np.concatenate([values, np.repeat(values[0], 100)]).astype("float32")[:, None]
    bins = trees.Bins(values)
    edges = bins.edges[0][bins.edges[0] < 1e30]
    assert 245 < len(edges) <= 254
    assert np.abs(edges[:, None] - values.T).min() > 3.5e-4
    counts = np.bincount(bins.transform(values)[:, 0].astype(int))
    assert len(counts) == len(edges) + 1 and counts.min() > 0 and np.sort(counts)[-2] < 3 * np.median(counts)


def test_evenly_spaced_values_of_other_rows_are_not_at_an_edge():
    for step in range(2, 13):
        bins = trees.Bins(np.arange(0.0, 10 * step, step, dtype="float32")[:, None])
        edges = bins.edges[0][bins.edges[0] < 1e30]
        assert np.abs(edges[:, None] - np.arange(10 * step)).min() > 0.03


def test_without_trees_the_prediction_is_0():
    walk = trees.Walk(forest(2))
    np.testing.assert_array_equal(walk(np.array([[3.0, np.nan], [0.0, 2.0]], "float32")), [[0.0], [0.0]])


def test_they_equal_scikit_learn_on_jax_too(passes_on):
    passes_on("jax", "others and 4")
