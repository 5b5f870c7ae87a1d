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
