"""Preparation of arrays in memory."""

import numpy as np
import pytest

import autonas
from autonas.data.fit_data import FitData
from autonas.estimators.plan import make_plan
from autonas.preparation import arrays

X = np.random.default_rng(0).normal(size=(600, 2))
Y = (X[:, 0] > 0).astype(int)


@pytest.mark.parametrize(
    "n_rows, received",
    [
        pytest.param(120, "validation rows of fold [01]", id="folds"),
        pytest.param(600, "(480 training|120 validation) rows[.]", id="one split"),
    ],
)
def test_rows_whose_weights_are_all_zero_are_refused_before_training(n_rows, received, tmp_path):
    weights = np.eye(1, n_rows)[0]
    model = autonas.AutoModel(max_trials=1, epochs=1, verbose=0, seed=0, directory=tmp_path / "run")
    with pytest.raises(ValueError, match=f"`sample_weight`.*a weight above zero.*weights of zero for all .*{received}"):
        model.fit(X[:n_rows], Y[:n_rows], sample_weight=weights)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("folds", [None, 3])
def test_rows_of_weight_zero_are_in_no_set_and_have_no_part_in_encodings(folds):
    excluded = np.arange(600) % 3 == 0
    x = np.where(excluded[:, None], 1e6, X)
    data = FitData(x, np.where(excluded, -999_999.0, 3 * X[:, 0] + X[:, 1]), 1.0 - excluded)
    model = autonas.StructuredDataRegressor(validation_folds=folds, seed=0, verbose=0)
    dataset = arrays.prepare(make_plan(model, data), data).dataset
    for values in (dataset.inputs["structured_data_input_1_numbers"], dataset.targets["regression_head_1"]):
        np.testing.assert_allclose(values[~excluded].mean(axis=0), 0, atol=0.1)
        np.testing.assert_allclose(values[~excluded].std(axis=0), 1, atol=0.1)
    kept = np.flatnonzero(~excluded)
    for split in dataset.splits:
        assert np.union1d(split.train_rows, split.validation_rows).tolist() == kept.tolist()
    assert np.sort(dataset.validation_rows).tolist() == kept.tolist() or folds is None
    assert dataset.sample_weight is None


def test_balanced_classes_have_equal_weights_without_the_rows_of_weight_zero():
    classes = np.arange(600) % 2
    weights = np.where((classes == 1) & (np.arange(600) % 20 > 1), 0.0, 1.0)
    data = FitData(X, classes, weights)
    model = autonas.StructuredDataClassifier(validation_folds=None, class_weight="balanced", seed=0, verbose=0)
    dataset = arrays.prepare(make_plan(model, data), data).dataset
    sums = [dataset.sample_weight[(classes == label) & (weights > 0)].sum() for label in (0, 1)]
    assert 0 < (weights[classes == 1] > 0).sum() < 60 and sums[0] == pytest.approx(sums[1], rel=1e-5)


class OneSplit:
    """A splitter that validates the last 20 of 100 rows."""

    def __init__(self, train_rows):
        self.train_rows = train_rows

    def get_n_splits(self, *data):
        return 1

    def split(self, *data):
        yield self.train_rows, np.arange(80, 100)


def test_the_training_rows_of_a_splitter_are_facts_of_the_search():
    def facts(train_rows):
        model = autonas.StructuredDataClassifier(validation=OneSplit(train_rows), seed=0, verbose=0)
        data = FitData(X[:100], Y[:100])
        return arrays.prepare(make_plan(model, data), data).facts

    first, other = facts(np.arange(70)), facts(np.arange(10, 80))
    assert first["validation"] == other["validation"] and first["training_rows"] != other["training_rows"]
