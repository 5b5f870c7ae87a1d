"""Frozen tensors: what training doesn't change is computed once, and the result of a training stays the same."""

import time

import keras
import numpy as np
import pytest
from keras import ops

from autonas.data.dataset import ArrayDataset
from autonas.evaluation import frozen, tensorflow_loop
from autonas.optimizers import fused_adam
from autonas.search_space.blocks import transfer


@pytest.fixture(scope="module")
def dataset():
    x = np.random.default_rng(0).normal(size=(600, 8)).astype("float32")
    return ArrayDataset({"x": x}, {"y": x[:, :1] * x[:, 1:2]}, np.arange(500), np.arange(500, 600))


def polynomial(inputs):
    """Operations without weights whose work is worth saving."""
    return ops.concatenate([inputs, ops.square(inputs), ops.sin(ops.exp(ops.tanh(ops.abs(inputs))))], axis=-1)


def network(*layers, size=8):
    keras.utils.set_random_seed(3)
    inputs = keras.Input((size,), name="x")
    outputs = inputs
    for layer in layers:
        outputs = layer(outputs)
    outputs = keras.layers.Dense(1)(keras.layers.Dropout(0.2)(keras.layers.Dense(16, "relu")(outputs)))
    model = keras.Model({"x": inputs}, {"y": outputs})
    model.compile(fused_adam.FusedAdamW(0.01, 0.1), loss={"y": "mean_squared_error"})
    return model


def frozen_width(model, dataset):
    """Return the number of entries of the frozen tensors, `None` without a split."""
    split = frozen.split(model, dataset)
    return None if split is None else sum(tensor.shape[-1] for tensor in split.tensors)


def after_training(model, dataset):
    loop, generator = tensorflow_loop.TensorFlowLoop(model, dataset), np.random.default_rng(0)
    losses = [
        loop.train_epoch(dataset.train_rows, 32, generator, lambda share: 0.01, None)[0],
        loop.predict(dataset.validation_rows)["y"],
        loop.train_epoch(np.arange(600), 32, generator, lambda share: 0.01, None)[0],
    ]
    return [*losses, *model.get_weights()]


def test_a_training_with_frozen_tensors_equals_the_training_of_the_whole_network(dataset, monkeypatch):
    assert frozen_width(network(polynomial), dataset) == 24
    with_frozen = after_training(network(polynomial), dataset)
    monkeypatch.setattr(frozen, "split", lambda model, dataset: None)
    for ours, theirs in zip(with_frozen, after_training(network(polynomial), dataset), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("layers", "width"),
    [
        ([polynomial], 24),
        ([lambda inputs: keras.layers.Dense(5, trainable=False)(inputs)], 5),
        ([lambda inputs: keras.layers.BatchNormalization(trainable=False)(inputs)], 8),
        ([lambda inputs: frozen_model()(inputs)], 4),
        ([lambda inputs: model_without_dropout()(inputs)], 4),
        ([polynomial, keras.layers.Dropout(0.5), polynomial], 24),
        ([polynomial, keras.layers.BatchNormalization(center=False, scale=False), polynomial], 24),
        ([polynomial, keras.layers.Dense(40), polynomial], 24),
    ],
    ids=[
        "operations",
        "layer",
        "batch normalisation",
        "model",
        "dropout switched off",
        "dropout",
        "statistics in training",
        "trained layer",
    ],
)
def test_a_tensor_is_frozen_up_to_the_first_layer_that_training_changes(layers, width, dataset):
    assert frozen_width(network(*layers), dataset) == width


def model_without_dropout():
    model = keras.Sequential(
        [
            keras.Input((8,)),
            keras.layers.Reshape((2, 4, 1)),
            keras.layers.Resizing(4, 4),
            keras.layers.Flatten(),
            keras.layers.Dense(4),
            keras.layers.Dropout(0.5),
        ]
    )
    transfer.set_trainable(model, False)
    return model


def frozen_model():
    inputs = keras.Input((8,))
    outputs = keras.layers.BatchNormalization()(keras.layers.Dense(4)(inputs))
    model = keras.Model(inputs, outputs)
    model.trainable = False
    return model


def test_nothing_is_frozen_where_it_saves_no_work(dataset):
    assert frozen_width(network(keras.layers.Rescaling(2.0)), dataset) is None
    assert frozen_width(network(), dataset) is None
    assert frozen_width(network(keras.layers.Dropout(0.5), polynomial), dataset) is None


def test_nothing_is_frozen_that_takes_much_memory(dataset, monkeypatch):
    monkeypatch.setattr(frozen, "_MAX_BYTES", 600 * 24 * 4)
    assert frozen_width(network(polynomial), dataset) == 24
    monkeypatch.setattr(frozen, "_MAX_BYTES", 600 * 24 * 4 - 1)
    assert frozen_width(network(polynomial), dataset) is None


def test_a_tensor_with_other_rows_than_the_data_is_not_frozen(dataset):
    def by_entry(inputs):
        halves = polynomial(ops.reshape(inputs, (-1, 4)))
        return ops.reshape(keras.layers.Dense(4)(halves), (-1, 8))

    assert frozen.split(network(by_entry), dataset) is None


def test_frozen_tensors_are_computed_again_after_other_weights_are_set(dataset):
    fitted = keras.layers.Dense(5, trainable=False)
    model = network(fitted)
    loop = tensorflow_loop.TensorFlowLoop(model, dataset)
    rows = dataset.validation_rows
    before = loop.predict(rows)["y"]
    fitted.set_weights([2 * weight for weight in fitted.get_weights()])
    loop.forget()
    after = loop.predict(rows)["y"]
    np.testing.assert_allclose(
        after, model.predict({"x": dataset.inputs["x"][rows]}, verbose=0)["y"], rtol=1e-4, atol=1e-5
    )
    assert np.abs(after - before).max() > 0.01


def test_only_the_rows_in_use_are_computed(dataset, monkeypatch):
    computed = []
    compute = frozen.compute
    loop = tensorflow_loop.TensorFlowLoop(network(polynomial), dataset)
    monkeypatch.setattr(
        frozen, "compute", lambda front, data, rows: computed.extend(rows) or compute(front, data, rows)
    )
    loop.train_epoch(np.arange(100), 32, np.random.default_rng(0), lambda share: 0.01, None)
    loop.predict(np.arange(50, 150))
    assert sorted(computed) == list(range(150))


def test_a_deadline_is_met_while_frozen_tensors_are_computed(dataset, monkeypatch):
    monkeypatch.setattr(tensorflow_loop, "_FROZEN_ROWS", 64)
    computed, compute = [], frozen.compute
    loop = tensorflow_loop.TensorFlowLoop(network(polynomial), dataset)
    monkeypatch.setattr(frozen, "compute", lambda *args: computed.append(len(args[2])) or compute(*args))
    arguments = [dataset.train_rows, 32, np.random.default_rng(0), lambda share: 0.01]
    loss, finished = loop.train_epoch(*arguments, deadline=time.monotonic())
    assert np.isfinite(loss) and not finished and computed == [64]
    assert loop.train_epoch(*arguments, deadline=None)[1] and sum(computed) == 500
