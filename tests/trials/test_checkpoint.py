"""Checkpoints: a training in slices is the training that was never interrupted."""

import keras
import numpy as np
import pytest

from autonas.backends import precision
from autonas.data import dataset
from autonas.evaluation import fastest_loop, loops, training
from autonas.optimizers import fused_adam
from autonas.trials import checkpoint as checkpoints

ROWS = np.arange(60)


@pytest.fixture
def data():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(80, 5)).astype("float32")
    y = (x[:, :1] - x[:, 1:2] * x[:, 2:3]).astype("float32")
    return dataset.ArrayDataset({"x": x}, {"y": y}, ROWS, np.arange(60, 80))


def slice_of(data, epochs, stop_after, checkpoint=None, kind=fastest_loop.make_loop, patience=None, policy="float32"):
    """Trains a network with dropout, batch statistics and Adam's moments; returns loop, result and checkpoint."""
    keras.utils.set_random_seed(3)
    with precision.policy(policy):
        inputs = keras.Input((5,), name="x")
        hidden = keras.layers.BatchNormalization(momentum=0.9)(keras.layers.Dense(8, activation="relu")(inputs))
        outputs = keras.layers.Dense(1, dtype="float32")(keras.layers.Dropout(0.3)(hidden))
        model = keras.Model({"x": inputs}, {"y": outputs})
        model.compile(fused_adam.FusedAdamW(0.01, weight_decay=0.01, clip_norm=1.0), "mse")
    loop = kind(model, data)
    made = []

    def score():
        errors = loop.predict(data.validation_rows)["y"] - data.targets["y"][data.validation_rows]
        return {"val_loss": float(np.mean(errors**2))}

    length = training.Length(epochs, patience, stopper=lambda history: len(history) == stop_after or None)
    result = training.train(
        loop, training.ShuffledRows(ROWS, 16, np.random.default_rng(5)), length,
        training.Validation(score, lambda one, other: one["val_loss"] < other["val_loss"]), checkpoint,
        on_checkpoint=lambda make: made.append(make),
    )  # fmt: skip
    return loop, result, made[-1]() if made else None


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("kind", [fastest_loop.make_loop, loops.BatchLoop], ids=["compiled epochs", "batches"])
def test_a_training_in_slices_is_that_which_was_not_interrupted(data, kind, policy):
    whole, expected, _ = slice_of(data, 8, None, kind=kind, policy=policy)
    _, first, checkpoint = slice_of(data, 8, 2, kind=kind, policy=policy)
    assert first.epochs == checkpoint.epoch == 2 and first.history == expected.history[:2]
    assert checkpoint.progress["precision"] == policy
    _, _, checkpoint = slice_of(data, 8, 5, checkpoint, kind, policy=policy)
    loop, result, _ = slice_of(data, 8, None, checkpoint, kind, policy=policy)
    assert result.history == expected.history and result.best_epoch == expected.best_epoch
    for found, wanted in zip(loop.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)
    for found, wanted in zip(result.weights, expected.weights, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_a_training_that_goes_on_from_the_end_of_a_shorter_one_is_annealed_again(data):
    _, _, checkpoint = slice_of(data, 4, None)
    _, result, _ = slice_of(data, 8, None, checkpoint)
    rates = [epoch["learning_rate"] for epoch in result.history]
    assert result.epochs == 8 and rates[3] == rates[7] < 1e-6 < rates[4] < 2 * rates[0]
    # To be cut off in the middle of the second part changes nothing either.
    _, _, middle = slice_of(data, 8, 6, checkpoint)
    assert slice_of(data, 8, None, middle)[1].history == result.history


def test_to_make_a_checkpoint_changes_nothing(data):
    loop, _, _ = slice_of(data, 4, 3)
    _, _, checkpoint = slice_of(data, 4, 3)
    for found, wanted in zip(checkpoint.average, loop.model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_a_checkpoint_survives_its_file(data, tmp_path):
    _, _, checkpoint = slice_of(data, 8, 3)
    np.savez(tmp_path / "checkpoint.npz", **checkpoint.to_arrays())
    with np.load(tmp_path / "checkpoint.npz", allow_pickle=False) as arrays:
        read = checkpoints.Checkpoint.from_arrays({name: arrays[name] for name in arrays.files})
    _, expected, _ = slice_of(data, 8, None, checkpoint)
    _, result, _ = slice_of(data, 8, None, read)
    assert result.history == expected.history and read.epoch == 3


def test_a_training_that_no_longer_improves_does_not_go_on(data):
    _, first, checkpoint = slice_of(data, 300, 5)
    checkpoint.progress["best_epoch"] = 1
    checkpoint.progress["best"] = {"val_loss": 0.0}
    _, result, _ = slice_of(data, 300, 10, checkpoint, patience=4)
    assert (result.epochs, result.best_epoch, result.stopped) == (5, 1, "no improvement")
    assert result.history == first.history


@pytest.mark.parametrize("optimizer", [fused_adam.FusedAdamW, keras.optimizers.Nadam, keras.optimizers.Adagrad])
@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_a_restarted_optimizer_is_as_it_was_made(policy, optimizer):
    with precision.policy(policy):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile(optimizer(0.25), "mse")
    variables = checkpoints.optimizer_variables(model)
    new = checkpoints.values_of(variables)
    for variable in variables:
        variable.assign(keras.ops.ones(variable.shape, variable.dtype))
    checkpoints.restart(model, 0.25)
    for found, wanted in zip(checkpoints.values_of(variables), new, strict=True):
        np.testing.assert_array_equal(found, wanted)
