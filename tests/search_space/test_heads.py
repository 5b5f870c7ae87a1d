"""Heads: the losses for which a target is standardised, and the units of the others."""

import keras
import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import PoissonRegressor
from sklearn.metrics import mean_poisson_deviance

import autonas
from autonas.search_space import heads
from tests.helpers.budgets import QUIET


def mae(truth, predicted):
    return keras.ops.mean(keras.ops.square(truth - predicted), axis=-1)


class MeanSquaredError(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.mean(keras.ops.abs(y_true / y_pred), axis=-1)


def quantile(truth, predicted):
    return keras.ops.mean(keras.ops.maximum(0.9 * (truth - predicted), 0.1 * (predicted - truth)), axis=-1)


@pytest.mark.parametrize(
    "loss",
    [
        None, "mse", "MAE", "huber", "Huber", "log_cosh", keras.losses.mean_absolute_error, keras.losses.Huber(),
        keras.losses.LogCosh(), keras.losses.MeanSquaredError(name="mine"),
        keras.losses.MeanAbsoluteError(reduction="sum"),
    ],
)  # fmt: skip
def test_losses_of_keras_are_known_whatever_their_names(loss):
    head = autonas.RegressionHead(loss=loss)
    head.target = heads.Target("regression", 1)
    assert head.scales_target() and head.loss_name() in heads.SCALE_FREE_LOSSES


@pytest.mark.parametrize("loss", [mae, MeanSquaredError(), MeanSquaredError(name="mse"), "mape", quantile])
def test_another_loss_is_not_known_by_its_name(loss):
    head = autonas.RegressionHead(loss=loss)
    head.target = heads.Target("regression", 1)
    assert not head.scales_target() and head.loss_name() not in heads.SCALE_FREE_LOSSES


def test_the_delta_of_a_huber_loss_is_in_the_units_of_the_target():
    assert not autonas.RegressionHead(loss=keras.losses.Huber(delta=20.0)).scales_target()
    assert not autonas.RegressionHead(loss="not a loss").scales_target()


@pytest.mark.parametrize(
    ("loss", "predicts"),
    [
        (None, True), ("mae", True), ("msle", True), (keras.losses.Huber(delta=20.0), True), (quantile, False),
        ("hinge", False), (keras.losses.BinaryCrossentropy(from_logits=True), False), ("not a loss", False),
    ],
)  # fmt: skip
def test_outputs_are_predictions_of_numbers_for_certain_only_with_errors_of_keras(loss, predicts):
    assert autonas.RegressionHead(loss=loss).predicts_numbers() == predicts


def test_the_outputs_for_a_poisson_loss_are_positive_and_no_training_diverges(folder):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(600, 3))
    counts = generator.poisson(np.exp(x[:, 0]))
    model = autonas.StructuredDataRegressor(loss="poisson", max_trials=3, epochs=20, **QUIET)
    model.fit(x[:300], counts[:300])
    assert {record["status"] for record in model.records_} == {"completed"}
    predicted, linear = model.predict(x[300:]), PoissonRegressor().fit(x[:300], counts[:300]).predict(x[300:])
    assert predicted.min() > 0
    assert mean_poisson_deviance(counts[300:], predicted) < 1.05 * mean_poisson_deviance(counts[300:], linear)


@pytest.mark.parametrize("columns", [1, 2])
def test_with_a_loss_in_the_units_of_the_target_training_begins_at_its_mean(folder, columns):
    x, y = load_diabetes(return_X_y=True)
    y = 1e6 * y if columns == 1 else np.stack([y, np.full(len(y), 7.0)], axis=1)  # A constant has no deviation.
    dense = {"structured_data_block_1/kind": "dense"}
    model = autonas.AutoModel(loss=quantile, hyperparameters=dense, max_trials=1, epochs=3, **QUIET).fit(x, y)
    scores = model.leaderboard().set_index("trial_id").val_loss
    assert scores["0000"] < 1.1 * scores["constant"]
    model.save("model")
    copied = autonas.AutoModel.load("model")
    np.testing.assert_array_equal(copied.predict(x), model.predict(x))
    exported = keras.models.load_model(copied.export("model.keras").path)
    np.testing.assert_allclose(exported.predict(x, verbose=0).reshape(y.shape), model.predict(x), rtol=1e-4)
