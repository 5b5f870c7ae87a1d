"""TabMBlock: several perceptrons in one network, whose losses are averaged in training and predictions in use."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_diabetes, load_wine

import autonas
from autonas.data.dataset import ArrayDataset
from autonas.evaluation import loops, tensorflow_loop
from autonas.search_space import heads, members
from autonas.search_space.blocks import tabm
from tests.helpers import harness, tables

SMALL = {"members": 3, "units": 16, "depth": 2, "dropout": 0.0}


def drawn(head, **arguments):
    return tables.drawn(autonas.TabMBlock(**SMALL), head, **arguments)


def network(task="multiclass", n_outputs=3, units=None):
    """Return a compiled network of three members on vectors of 5 numbers."""
    keras.utils.set_random_seed(0)
    x, values = keras.Input((5,), name="x"), harness.empty_values()
    block = tabm.TabMBlock(**SMALL)
    head = heads.RegressionHead(name="y") if task == "regression" else heads.ClassificationHead(dropout=0.0, name="y")
    head.target = heads.Target(task, n_outputs, units)
    model = keras.Model({"x": x}, {"y": head.build(values, block.build(values, x))})
    model.compile("sgd", loss={"y": head.loss_function()})
    return model


def rows(task="multiclass", n_outputs=3, weights=None):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(40, 5)).astype("float32")
    targets = {
        "multiclass": generator.integers(3, size=40).astype("int32"),
        "binary": generator.integers(2, size=40).astype("float32"),
        "regression": generator.normal(size=(40, n_outputs)).astype("float32"),
    }
    return ArrayDataset({"x": x}, {"y": targets[task]}, np.arange(30), np.arange(30, 40), sample_weight=weights)


TASKS = [("multiclass", 3), ("binary", 1), ("regression", 1), ("regression", 2)]


@pytest.mark.parametrize("units", [None, ([3.0], [2.0])], ids=["", "in units"])
@pytest.mark.parametrize(("task", "n_outputs"), TASKS)
def test_the_prediction_is_the_mean_of_the_members_and_the_loss_the_mean_of_their_losses(task, n_outputs, units):
    model, data = network(task, n_outputs, units), rows(task, n_outputs)
    in_training = members.InTraining(model)
    outputs = in_training.network(data.inputs)["y"].numpy().reshape(40, 3, n_outputs)
    assert outputs.std(axis=1).min() > 0  # The members differ.
    np.testing.assert_allclose(model(data.inputs)["y"], outputs.mean(axis=1), rtol=1e-5, atol=1e-6)
    each = [float(model.compute_loss(None, data.targets, {"y": outputs[:, index]})) for index in range(3)]
    loss = in_training.compute_loss(None, data.targets, {"y": outputs.reshape(120, n_outputs)}, None)
    assert float(loss) == pytest.approx(np.mean(each), rel=1e-5)


@pytest.mark.parametrize("weights", [None, np.linspace(0, 2, 40)], ids=["", "weighted"])
@pytest.mark.parametrize("kind", [tensorflow_loop.TensorFlowLoop, loops.BatchLoop])
def test_a_step_of_each_loop_descends_the_mean_of_the_losses(kind, weights):
    model, data = network(), rows(weights=weights)
    expected = network()
    in_training = members.InTraining(expected)
    by_head = None if weights is None else {"y": weights[:30].astype("float32")}
    with tf.GradientTape() as tape:
        predictions = in_training.network({"x": data.inputs["x"][:30]}, training=True)
        loss = in_training.compute_loss(None, {"y": data.targets["y"][:30]}, predictions, by_head)
    gradients = tape.gradient(loss, [weight.value for weight in expected.trainable_variables])
    for weight, gradient in zip(expected.trainable_variables, gradients, strict=True):
        weight.assign_sub(0.1 * gradient)
    loop = kind(model, data)
    trained_loss, _ = loop.train_epoch(data.train_rows, 30, np.random.default_rng(0), lambda share: 0.1, None)
    assert trained_loss == pytest.approx(float(loss), rel=1e-5)
    for ours, theirs in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(loop.predict(np.arange(40))["y"], model(data.inputs)["y"], rtol=1e-4, atol=1e-5)


def test_it_learns_classes_from_numbers_categories_and_missing_values():
    table, target, _ = tables.cities()
    model = drawn(autonas.ClassificationHead(dropout=0.0), epochs=30).fit(table, target)
    assert model.score(table, target) > 0.95


def test_it_learns_numbers_as_well_as_a_linear_model():
    x, y = load_diabetes(return_X_y=True)
    model = drawn(autonas.RegressionHead(), epochs=20).fit(x[::2], y[::2])
    assert model.score(x[1::2], y[1::2]) > 0.4


@pytest.mark.parametrize("n_classes", [2, 3])
def test_it_is_exported_as_an_ordinary_network_that_returns_the_mean(n_classes, tmp_path, run_elsewhere):
    x, y = load_wine(return_X_y=True)
    model = drawn(autonas.ClassificationHead(), epochs=3).fit(x, y % n_classes)
    for name in ("network.keras", "network.tflite", "network.onnx"):
        assert model.export(tmp_path / name).difference < 1e-5
    np.testing.assert_allclose(model.predict_proba(x).sum(axis=1), 1, rtol=1e-5)


def test_entries_of_a_column_begin_with_the_same_scale():
    outputs = tabm._scaled(keras.Input((4,)), np.array([0, 1, 1, 0]), 2)
    scales = outputs._keras_history[0].kernel.numpy()
    np.testing.assert_array_equal(scales[:, [0, 1]], scales[:, [3, 2]])
    assert len(np.unique(scales)) == 4


def test_the_configuration_comes_back():
    harness.check_configuration(autonas.TabMBlock(members=4, units=autonas.Choice([32, 64])))
