"""TreeFeatures: categories, numbers, and means of the target of each category."""

import keras
import numpy as np
import pytest

from autonas.search_space.fitters import Rows
from autonas.search_space.tree_features import TreeFeatures

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


def test_a_column_of_many_categories_has_smoothed_means(columns):
    targets = columns[:, 0] % 5 + np.random.default_rng(1).normal(0, 2, size=N_ROWS)
    features = TreeFeatures([200, 3], 1, 1)
    features.fit(Rows(columns, targets), np.random.default_rng(2))
    transformed = features.transform(Rows(columns, targets)).inputs
    assert transformed.shape == (N_ROWS, 2 + features.n_numerical) == (N_ROWS, 4)
    np.testing.assert_array_equal(transformed[:, :3], columns)
    of_seven = targets[columns[:, 0] == 7] - targets.mean()
    smoothing = 4 / 2  # The variance within the categories is 2^2, that between them is that of 0 to 4.
    expected = of_seven.sum() / (len(of_seven) + smoothing)
    np.testing.assert_allclose(transformed[columns[:, 0] == 7, 3], expected, rtol=0.02)


def test_categories_without_influence_have_small_means(columns):
    noise = np.random.default_rng(1).normal(size=N_ROWS)
    features = TreeFeatures([200, 3], 1, 1)
    features.fit(Rows(columns, noise), np.random.default_rng(2))
    assert np.abs(features.transform(Rows(columns, noise)).inputs[:, 3]).max() < 0.15


def test_the_mean_of_a_training_row_tells_nothing_of_its_own_target(columns):
    noise = np.random.default_rng(1).normal(size=N_ROWS)
    features = TreeFeatures([200, 3], 1, 1)
    training = features.fit(Rows(columns, noise), np.random.default_rng(2))
    assert np.corrcoef(training.inputs[:, 3], noise)[0, 1] < 0.05
    assert np.corrcoef(features.transform(Rows(columns, noise)).inputs[:, 3], noise)[0, 1] > 0.15


def test_classes_have_a_mean_each_and_weights_count(columns):
    classes = (columns[:, 0] % 3).astype(int)
    weights = np.where(columns[:, 1] == 0, 1.0, 1e-9)
    features = TreeFeatures([200, 3], 1, 3)
    features.fit(Rows(columns, np.where(columns[:, 1] == 0, classes, 0), weights), np.random.default_rng(2))
    means = features.transform(Rows(columns, classes)).inputs[:, 3:]
    assert (means.argmax(axis=1) == classes).mean() > 0.95
    np.testing.assert_allclose(means.sum(axis=1), 0, atol=0.1)


def test_more_categories_than_splits_tell_apart_have_means_only(columns):
    features = TreeFeatures([1000, 3], 1, 2)
    targets = np.random.default_rng(1).normal(size=(N_ROWS, 2))
    columns[:5, 0] = 999
    transformed = features.fit(Rows(columns, targets), np.random.default_rng(2)).inputs
    assert (features.n_categorical, features.n_categories, features.n_numerical) == (1, 3, 3)
    np.testing.assert_array_equal(transformed[:, :2], columns[:, 1:])
    assert transformed.shape == (N_ROWS, 4)


@pytest.mark.parametrize("sizes", [(200, 3), (1000, 3), (1000, 200), (30, 3)])
def test_the_network_has_the_features_of_transform(columns, sizes):
    features = TreeFeatures(sizes, 1, 2)
    targets = np.random.default_rng(1).normal(size=(N_ROWS, 2))
    features.fit(Rows(columns, targets), np.random.default_rng(2))
    inputs = keras.Input((3,))
    network = keras.Model(inputs, features(inputs))
    transformed = features.transform(Rows(columns, targets)).inputs
    np.testing.assert_array_equal(network.predict(columns, verbose=0), transformed)
    assert transformed.shape[1] == features.n_categorical + features.n_numerical


def test_few_categories_and_many_outputs_have_no_means(columns):
    assert TreeFeatures([30, 3], 1, 1).n_numerical == 1
    assert TreeFeatures([200, 100], 1, 1).n_numerical == 3
    assert TreeFeatures([200, 100], 1, 40).n_numerical == 41
    assert TreeFeatures([200, 100], 1, 65).n_numerical == 1
    rows = Rows(columns, np.zeros(N_ROWS))
    assert TreeFeatures([30, 3], 1, 1).transform(rows).inputs.shape == (N_ROWS, 3)
