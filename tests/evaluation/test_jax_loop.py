"""Training loop of JAX: the steps of an epoch run in one compiled function, and are those of the loop of batches."""

import dataclasses
import time

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

from autonas.data.dataset import ArrayDataset
from autonas.evaluation import fastest_loop, loops
from autonas.optimizers import fused_adam

pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="It is a loop of JAX; see test_on_jax.py.")


@pytest.fixture(scope="module")
def dataset():
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype("float32")
    return ArrayDataset({"x": x}, {"y": y.astype("int32")}, np.arange(1400), np.arange(1400, len(x)))


def model(groups=1):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((64,), name="x")
    outputs = keras.layers.Conv2D(4, 3, groups=groups, use_bias=False)(keras.layers.Reshape((8, 4, 2))(inputs))
    outputs = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(outputs))
    outputs = keras.layers.Dropout(0.2, seed=0)(keras.layers.Flatten()(outputs))
    model = keras.Model({"x": inputs}, {"y": keras.layers.Dense(10, "softmax")(outputs)})
    model.compile(fused_adam.FusedAdamW(0.01), loss={"y": "sparse_categorical_crossentropy"})
    return model


def epoch(loop, dataset, deadline=None, seed=0):
    rate = lambda share: 0.01 * (1 - share)  # noqa: E731
    return loop.train_epoch(dataset.train_rows, 32, np.random.default_rng(seed), rate, deadline)


def test_it_is_the_loop_of_arrays(dataset):
    assert type(fastest_loop.make_loop(model(), dataset)).__name__ == "JaxLoop"
    assert type(fastest_loop.make_loop(model(), dataset, by_batch=True)) is loops.BatchLoop
    # In a loop, XLA computes grouped convolutions slowly.
    assert type(fastest_loop.make_loop(model(groups=2), dataset)) is loops.BatchLoop


@pytest.mark.parametrize("is_weighted", [False, True])
def test_its_steps_are_those_of_batches(dataset, is_weighted):
    if is_weighted:
        weights = np.random.default_rng(0).uniform(0, 2, len(dataset.targets["y"])).astype("float32")
        dataset = dataclasses.replace(dataset, sample_weight=weights)
    compiled, batched = fastest_loop.make_loop(model(), dataset), loops.BatchLoop(model(), dataset)
    for seed in range(2):
        (loss, is_whole), (expected, _) = (epoch(loop, dataset, seed=seed) for loop in (compiled, batched))
        assert loss == pytest.approx(expected, rel=1e-3) and is_whole
    assert int(compiled.model.optimizer.iterations) == int(batched.model.optimizer.iterations) == 2 * (1400 // 32)
    rows = dataset.validation_rows
    np.testing.assert_allclose(compiled.predict(rows)["y"], batched.predict(rows)["y"], atol=2e-3)


def test_loops_of_one_data_set_share_its_tensors(dataset):
    (inputs, targets), (others, other_targets) = (fastest_loop.make_loop(model(), dataset)._arrays for _ in range(2))
    assert inputs["x"] is others["x"] and targets["y"] is other_targets["y"]


def test_an_epoch_ends_at_a_deadline(dataset):
    loop = fastest_loop.make_loop(model(), dataset)
    _, is_whole = epoch(loop, dataset, deadline=time.monotonic())
    assert not is_whole and 0 < int(loop.model.optimizer.iterations) < 1400 // 32


def test_parts_of_an_epoch_are_compiled_once(dataset):
    loop = fastest_loop.make_loop(model(), dataset)
    epoch(loop, dataset)
    loop._seconds_per_step = 1.0  # Each step is a call now.
    epoch(loop, dataset)
    assert loop._train._cache_size() == 1


def test_a_final_fit_on_more_rows_is_not_compiled_again(dataset):
    loop = fastest_loop.make_loop(model(), dataset)
    epoch(loop, dataset)
    rows, before = np.arange(len(dataset.targets["y"])), int(loop.model.optimizer.iterations)
    loop.train_epoch(rows, 32, np.random.default_rng(0), lambda share: 0.01, None)
    assert int(loop.model.optimizer.iterations) - before == len(rows) // 32
    assert loop._train._cache_size() == 1
