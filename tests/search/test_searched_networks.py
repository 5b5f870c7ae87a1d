"""A trial's network has the weights of its score, whatever happened to their file."""

import os

import numpy as np
import pytest

import autonas
from autonas import exceptions
from autonas.trials import job as jobs


@pytest.fixture(scope="module")
def rows():
    generator = np.random.default_rng(0)
    y = generator.integers(3, size=600)
    return 6.0 * np.eye(3)[y] + generator.normal(size=(600, 3)), y


@pytest.fixture(scope="module")
def model(rows, tmp_path_factory):
    inputs = autonas.StructuredDataInput()
    head = autonas.ClassificationHead(dropout=0.0, label_smoothing=0.4)
    outputs = head(autonas.DenseBlock(depth=1, units=16, dropout=0.0)(autonas.CategoricalEncoding()(inputs)))
    optimization = autonas.Optimization(learning_rate=0.01, batch_size=32)
    return autonas.AutoModel(
        inputs, outputs, optimization=optimization, max_trials=1, epochs=5, refit=False, seed=0, verbose=0,
        directory=tmp_path_factory.mktemp("run"),
    ).fit(*rows)  # fmt: skip


def test_a_new_network_is_calibrated_as_the_served_one_is(model, rows):
    x, _ = rows
    expected = model.predict_proba(x)
    np.testing.assert_allclose(model.model_of("0000").predict_proba(x), expected, atol=1e-5)
    np.testing.assert_array_equal(model.predict_proba(x), expected)


def test_a_search_whose_weights_are_gone_and_cannot_be_trained_again_says_so(model, monkeypatch):
    _, search = model._searched
    weights = search.state.weights
    kept = weights.weights("0000")
    os.remove(weights.path("0000"))
    failed = jobs.Outcome(status="failed", message="MemoryError: too large")
    monkeypatch.setattr(search.evaluator, "evaluate", lambda job: failed)
    with pytest.raises(
        exceptions.SearchFailed, match="trial 0000 is missing or damaged.* again: MemoryError: too large"
    ):
        model.model_of("0000")
    weights.save(kept, "0000")
