"""Targets that are never negative: no prediction is, in every method, and scores are of the bounded predictions."""

import pickle
import warnings

import keras
import numpy as np
import pytest
from sklearn.metrics import r2_score, root_mean_squared_error

import autonas
from tests.helpers.budgets import QUIET

pytestmark = pytest.mark.usefixtures("folder")

X = np.random.default_rng(0).normal(size=(300, 3)).astype("float32")
HOME_RUNS = np.maximum(np.round(8 * X[:, 0] + np.random.default_rng(1).normal(size=300)), 0)


def of_linear_models(**arguments):
    """An estimator whose trials are linear and say less than zero of half of the rows."""
    inputs = autonas.StructuredDataInput()
    loss = arguments.pop("loss", None)
    block = autonas.RidgeBlock() if loss is None else autonas.DenseBlock(depth=1)
    outputs = autonas.RegressionHead(loss=loss)(block(autonas.Normalization()(inputs)))
    return autonas.AutoModel(
        inputs, outputs, **{**QUIET, "max_trials": 1, "epochs": 3, "directory": "run", **arguments}
    )


def raw(model):
    """The outputs of the network in the unit of the target."""
    (outputs,), (target,) = model.predictor_.outputs(X).values(), model.predictor_.targets.values()
    return target.unscaled(outputs).ravel()


def test_predictions_scores_and_copies_are_bounded():
    model = of_linear_models(refit=False).fit(X, HOME_RUNS)
    predicted = model.predict(X)
    np.testing.assert_allclose(predicted, np.maximum(raw(model), 0), rtol=1e-6)
    assert (raw(model) < 0).sum() > 50
    rmse = root_mean_squared_error(HOME_RUNS, predicted)
    assert rmse < 0.9 * root_mean_squared_error(HOME_RUNS, raw(model))
    assert model.evaluate(X, HOME_RUNS)["rmse"] == pytest.approx(rmse)
    assert model.score(X, HOME_RUNS) == pytest.approx(r2_score(HOME_RUNS, predicted))
    assert model.leaderboard(X, HOME_RUNS).test_rmse[0] == pytest.approx(rmse)
    (validation,) = model.validation_predictions_
    assert validation.outputs.min() == 0
    assert model.best_score_ == pytest.approx(root_mean_squared_error(validation.truth, validation.outputs), rel=1e-5)
    model.save("model")
    for copied in (autonas.AutoModel.load("model"), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(copied.predict(X), predicted)
    # Targets below the bound, which only later rows have, stay as they are.
    assert model.evaluate(X[:9], np.full(9, -4.0))["mae"] == pytest.approx(4 + predicted[:9].mean())


def test_an_average_of_candidates_is_bounded():
    tips = np.maximum(X[:, 0] + X[:, 1] ** 2 + np.random.default_rng(1).normal(size=300) - 1, 0)
    model = of_linear_models(loss="mae", max_trials=4, epochs=15, refit=False, strategy="random")
    model.fit(X, tips)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # On some machines one candidate is better than any average.
        model.serve_ensemble()
    assert (raw(model) < 0).any() and model.predict(X).min() == 0
    (validation,) = model.validation_predictions_
    assert model.best_score_ == pytest.approx(root_mean_squared_error(validation.truth, validation.outputs), rel=1e-5)


@pytest.mark.parametrize("kept_bytes", [None, 0])
def test_predictions_of_a_stream_are_bounded(kept_bytes, monkeypatch):
    tensorflow = pytest.importorskip("tensorflow")
    if kept_bytes is not None:  # Smaller tables are searched as arrays.
        monkeypatch.setattr("autonas.data.streams._MAX_KEPT_BYTES", kept_bytes)
    dataset = tensorflow.data.Dataset.from_tensor_slices((X, HOME_RUNS)).batch(50)
    model = autonas.StructuredDataRegressor(
        **QUIET, max_trials=1, epochs=3, hyperparameters={"structured_data_block_1/kind": "dense"}
    ).fit(dataset)
    np.testing.assert_allclose(model.predict(dataset), np.maximum(raw(model), 0), rtol=1e-4, atol=1e-6)
    assert (raw(model) < 0).any()
    assert model.evaluate(dataset)["rmse"] == pytest.approx(root_mean_squared_error(HOME_RUNS, model.predict(dataset)))


def test_negative_validation_data_is_no_bound():
    validation = X[200:], HOME_RUNS[200:] - 1
    model = of_linear_models().fit(X[:200], HOME_RUNS[:200], validation_data=validation)
    assert model.predict(X).min() < 0


def of_rates(truth, outputs):
    """The loss of counts whose outputs are the logarithms of rates."""
    return keras.ops.mean(keras.ops.exp(outputs) - truth * outputs, axis=-1)


def test_outputs_that_may_be_something_else_are_not_bounded():
    rare = (HOME_RUNS > 12).astype("float64") * 2
    model = of_linear_models(loss=of_rates, task="regression", epochs=30).fit(X, rare)
    np.testing.assert_array_equal(model.predict(X), raw(model))
    assert model.predict(X).min() < 0
