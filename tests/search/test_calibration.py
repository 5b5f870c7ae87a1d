"""Calibration: probabilities of the final fit are as sure as the predictions for the validation set allow."""

import keras
import numpy as np
import pytest
from scipy import special

import autonas
from autonas.data.fit_data import FitData
from autonas.estimators.plan import make_plan
from autonas.preparation import arrays
from autonas.search import calibration


@pytest.fixture(scope="module")
def problem():
    """A problem of three classes, whose validation set has 300 rows."""
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(1500, 2)), generator.integers(3, size=1500)
    model = autonas.StructuredDataClassifier(refit=True, verbose=0, seed=0, validation_split=0.2)
    data = FitData(x, y, None, None, None)
    return arrays.prepare(make_plan(model, data), data)


def predictions(problem, sureness):
    """Return probabilities of a known sureness: classes are drawn from the probabilities of sureness 1."""
    (targets,) = problem.dataset.targets.values()
    truth = targets[problem.dataset.validation_rows].ravel().astype(int)
    noise = np.random.default_rng(1).normal(size=(len(truth), 3))
    # Of logits that are normal around the truth, the posterior has logits of the same size.
    scores = noise + 1.0 * np.eye(3)[truth]
    return {problem.graph.head_names[0]: special.softmax(sureness * scores, axis=1)}


@pytest.mark.parametrize("sureness", [0.3, 4.0])
def test_probabilities_that_are_too_sure_or_too_unsure_are_scaled(problem, sureness):
    (factor,) = calibration.factors(problem, lambda: predictions(problem, sureness)).values()
    assert factor * sureness == pytest.approx(1.0, rel=0.25)


def test_a_gain_that_may_be_chance_changes_nothing(problem):
    assert calibration.factors(problem, lambda: predictions(problem, 1.0)) == {}


@pytest.mark.parametrize("n_columns", [1, 2, 3])
def test_scaled_predictions_are_those_of_the_scaled_network(n_columns):
    inputs = keras.Input((2,))
    activation = "sigmoid" if n_columns == 1 else "softmax"
    outputs = keras.layers.Dense(n_columns, activation=activation, bias_initializer="glorot_uniform")(inputs)
    network = keras.Model(inputs, {"head": outputs})
    rows = np.random.default_rng(0).normal(size=(5, 2))
    before = {"head": np.asarray(network(rows)["head"])}
    calibration.scale(network, {"head": 3.0})
    scaled = calibration.scaled(before, {"head": 3.0})["head"]
    assert scaled.dtype == before["head"].dtype
    np.testing.assert_allclose(scaled, network(rows)["head"], rtol=1e-4)


def test_the_factor_is_in_the_weights_of_the_dense_layer_of_the_head():
    inputs = keras.Input((2,))
    outputs = keras.layers.Dense(3, activation="softmax", bias_initializer="glorot_uniform")(inputs)
    network = keras.Model(inputs, {"head": outputs})
    rows = np.random.default_rng(0).normal(size=(5, 2))
    before = np.asarray(network(rows)["head"])
    calibration.scale(network, {"head": 0.5})
    expected = before**0.5 / np.sum(before**0.5, axis=1, keepdims=True)
    np.testing.assert_allclose(network(rows)["head"], expected, rtol=1e-5)


def test_a_head_without_a_dense_layer_stays_as_it_is():
    inputs = keras.Input((2,))
    network = keras.Model(inputs, {"head": keras.layers.Activation("softmax")(inputs)})
    calibration.scale(network, {"head": 0.5})
    assert np.asarray(network(np.zeros((1, 2)))["head"]).sum() == pytest.approx(1.0)


def test_smoothed_labels_leave_no_unsure_probabilities_where_there_is_no_final_fit(tmp_path):
    generator = np.random.default_rng(0)
    y = generator.integers(3, size=600)
    x = 6.0 * np.eye(3)[y] + generator.normal(size=(600, 3))
    inputs = autonas.StructuredDataInput()
    head = autonas.ClassificationHead(dropout=0.0, label_smoothing=0.4)
    outputs = head(autonas.DenseBlock(depth=1, units=16, dropout=0.0)(autonas.CategoricalEncoding()(inputs)))
    optimization = autonas.Optimization(learning_rate=0.01, batch_size=32)
    model = autonas.AutoModel(
        inputs, outputs, optimization=optimization, max_trials=1, epochs=15, refit=False, seed=0, verbose=0,
        directory=tmp_path,
    ).fit(x, y)  # fmt: skip
    # Smoothed labels are 1 - 0.4 * 2 / 3 = 0.73 for the class.
    assert np.mean(model.predict_proba(x).max(axis=1)) > 0.95
