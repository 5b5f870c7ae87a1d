"""TreeFeatures: categories, numbers, and means of the target of each category."""

import keras
import numpy as np
import pytest

from autonas.search_space.fitted.fitters import Rows
from autonas.search_space.fitted.tree_features import TreeFeatures

N_ROWS = 4000


@pytest.fixture
def columns():
    """Codes of two columns, of 200 and of 3 categories, and a number that is sometimes missing."""
    generator = np.random.default_rng(0)
    columns = np.column_stack(
        [generator.integers(200, size=N_ROWS), generator.integers(3, size=N_ROWS), generator.normal(size=N_ROWS)]
    ).astype("float32")
    columns[::7, 2] = np.nan
    return columns


def means_of(features, columns, targets, column):
    """Return the features of rows, and the mean that they should have for a category without smoothing."""
    features.fit(Rows(columns, targets), np.random.default_rng(2))
    return features.transform(Rows(columns, targets)).inputs[:, column]


def test_a_category_is_the_mean_of_its_target_less_the_mean_of_all(columns):
    targets = 10 * (columns[:, 0] % 5) + 3 * columns[:, 1] + np.random.default_rng(1).normal(size=N_ROWS)
    features = TreeFeatures([200, 3], 1, 1)
    means = means_of(features, columns, targets, slice(0, 2))
    assert features.width == 4  # Two means, the code of the first column, and the number.
    for column, category in ((0, 7), (0, 12), (1, 2)):
        own = columns[:, column] == category
        np.testing.assert_allclose(means[own, column], targets[own].mean() - targets.mean(), atol=0.7)
    transformed = features.transform(Rows(columns, targets)).inputs
    np.testing.assert_array_equal(transformed[:, 2:], columns[:, [0, 2]])


def test_a_rare_category_is_near_the_mean_of_all(columns):
    columns[:, 0] = np.where(columns[:, 0] < 100, 1, 0)
    columns[0, 0] = 150
    noise = np.random.default_rng(1).normal(size=N_ROWS)
    noise[0] = 5.0
    assert abs(means_of(TreeFeatures([200, 3], 1, 1), columns, noise, 0)[0]) < 1


def test_the_mean_of_a_training_row_tells_nothing_of_its_own_target_in_a_column_of_many_categories(columns):
    noise = np.random.default_rng(1).normal(size=N_ROWS)
    features = TreeFeatures([200, 3], 1, 1)
    training = features.fit(Rows(columns, noise), np.random.default_rng(2))
    assert np.corrcoef(training.inputs[:, 0], noise)[0, 1] < 0.02
    transformed = features.transform(Rows(columns, noise))
    assert np.corrcoef(transformed.inputs[:, 0], noise)[0, 1] > 0.2
    np.testing.assert_array_equal(training.inputs[:, 1], transformed.inputs[:, 1])


def test_classes_have_a_mean_each_and_weights_count(columns):
    classes = (columns[:, 0] % 3).astype(int)
    weights = np.where(columns[:, 1] == 0, 1.0, 1e-9)
    features = TreeFeatures([200, 3], 1, 3)
    features.fit(Rows(columns, np.where(columns[:, 1] == 0, classes, 0), weights), np.random.default_rng(2))
    means = features.transform(Rows(columns, classes)).inputs[:, :3]
    assert (means.argmax(axis=1) == classes).mean() > 0.95
    np.testing.assert_allclose(means.sum(axis=1), 0, atol=0.1)


def test_many_outputs_have_the_mean_of_the_combination_in_which_categories_differ_most(columns):
    targets = np.random.default_rng(1).normal(size=(N_ROWS, 40))
    targets[:, 5] += 10 * (columns[:, 0] % 2)
    targets[:, 6] -= 10 * (columns[:, 0] % 2)
    features = TreeFeatures([200, 3], 1, 40)
    means = means_of(features, columns, targets, 0)
    assert features.width == 4
    assert abs(np.corrcoef(means, columns[:, 0] % 2)[0, 1]) > 0.99


@pytest.mark.parametrize("n_categorical", [0, 2])
def test_the_network_has_the_features_of_transform(columns, n_categorical):
    columns[:5, 0] = 299
    features = TreeFeatures([300, 3][:n_categorical], 3 - n_categorical, 2)
    targets = np.random.default_rng(1).normal(size=(N_ROWS, 2))
    features.fit(Rows(columns, targets), np.random.default_rng(2))
    inputs = keras.Input((3,))
    network = keras.Model(inputs, features(inputs))
    transformed = features.transform(Rows(columns, targets)).inputs
    assert transformed.shape == (N_ROWS, features.width)
    np.testing.assert_array_equal(network.predict(columns, verbose=0), transformed)
