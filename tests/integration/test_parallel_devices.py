"""One network on several devices: data-parallel training through `keras.distribution`, on two that a processor feigns.

On GPUs it was never run.
"""

import keras
import numpy as np
import pytest
from sklearn.datasets import load_iris

import autonas
from autonas.backends import parallel
from autonas.data.dataset import ArrayDataset
from autonas.evaluation import conditions, loops
from autonas.execution import InlineExecutor, ProcessExecutor
from tests.helpers.networks import of_small_networks

two_devices = pytest.mark.skipif(
    keras.backend.backend() != "jax" or len(parallel.visible_devices()) < 2, reason="There are no two devices."
)


def search(executor):
    x, y = load_iris(return_X_y=True)
    settings = {"max_trials": 1, "epochs": 10, "refit": False, "seed": 0, "verbose": 0, "tensorboard": False}
    return of_small_networks(executor=executor, **settings).fit(x, y), x, y


def dense_loop(kind, n_devices, trainable=True):
    """Return a training loop of a dense layer on 70 rows, of which 33 are validated."""
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(70, 4)).astype("float32")
    dataset = ArrayDataset({"x": x}, {"y": x[:, :1]}, np.arange(70), np.arange(33))
    condition = conditions.Conditions(n_devices=n_devices)
    with condition.scope():
        inputs = keras.Input((4,), name="x")
        model = keras.Model({"x": inputs}, {"y": keras.layers.Dense(1, trainable=trainable)(inputs)})
        model.compile(keras.optimizers.SGD(0.1), "mse")
    return kind(model, dataset, condition.distribution)


@two_devices
def test_a_trial_runs_on_two_devices_and_scores_as_on_one(folder, monkeypatch):
    devices = []
    train_epoch = loops.BatchLoop.train_epoch

    def watched(self, *arguments):
        found = train_epoch(self, *arguments)
        variables = [*self.model.trainable_variables, *self.model.optimizer.variables]
        devices.append({len(variable.value.sharding.device_set) for variable in variables})
        return found

    monkeypatch.setattr(loops.BatchLoop, "train_epoch", watched)
    two, x, y = search(InlineExecutor(gpus_per_trial=2))
    assert devices and all(each == {2} for each in devices)
    del devices[:]
    one, _, _ = search(InlineExecutor())
    assert devices == []  # On one device, the steps of an epoch run in one compiled function.
    for found, wanted in zip(two.records_, one.records_, strict=True):
        assert found["metrics"]["val_loss"] == pytest.approx(wanted["metrics"]["val_loss"], rel=0.05)
    # What is served is on one device.
    assert {len(variable.value.sharding.device_set) for variable in two.model_.variables} == {1}
    np.testing.assert_allclose(two.predict_proba(x), one.predict_proba(x), atol=0.05)
    two.save("model")
    np.testing.assert_array_equal(autonas.AutoModel.load("model").predict_proba(x), two.predict_proba(x))


@two_devices
def test_steps_are_those_of_one_device_and_what_devices_cannot_share_sits_out():
    two, one = dense_loop(loops.BatchLoop, 2), dense_loop(loops.BatchLoop, 1)
    for batch_size in (32, 10):
        losses = [
            each.train_epoch(np.arange(70), batch_size, np.random.default_rng(1), lambda share: 0.1, None)[0]
            for each in (two, one)
        ]
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    np.testing.assert_allclose(two.predict(np.arange(33))["y"], one.predict(np.arange(33))["y"], rtol=1e-4)
    assert len(two.predict(np.arange(1))["y"]) == 1
    for odd in (33, 1):  # 32 rows of 33; two of one
        assert np.isfinite(two.train_epoch(np.arange(70), odd, np.random.default_rng(1), lambda share: 0.1, None)[0])


@two_devices
def test_a_network_that_is_only_fitted_predicts_on_two_devices_as_on_one():
    two, one = (dense_loop(loops.FittedLoop, n_devices, trainable=False) for n_devices in (2, 1))
    for n_rows in (33, 1):
        rows = np.arange(n_rows)
        np.testing.assert_allclose(two.predict(rows)["y"], one.predict(rows)["y"], rtol=1e-4)
    losses = [each.train_epoch(np.arange(70), 32, np.random.default_rng(1), None, None)[0] for each in (two, one)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


@two_devices
def test_more_devices_than_there_are_is_refused(folder):
    with pytest.raises(ValueError, match="`gpus_per_trial` must be at most the number of devices .* 2. Received: gpus"):
        search(InlineExecutor(gpus_per_trial=3))


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX can.")
@pytest.mark.parametrize("executor", [InlineExecutor, lambda **given: ProcessExecutor(1, **given)])
def test_other_backends_are_refused(folder, executor):
    with pytest.raises(ValueError, match="`gpus_per_trial` .* KERAS_BACKEND=jax"):
        search(executor(gpus_per_trial=2))


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "2"])
def test_a_wrong_number_of_gpus_is_refused(wrong):
    for executor in (InlineExecutor, lambda **given: ProcessExecutor(1, **given)):
        with pytest.raises(
            ValueError, match="`gpus_per_trial` must be an integer of at least 1. Received: gpus_per_tr"
        ):
            executor(gpus_per_trial=wrong)


def test_all_of_this_holds_on_two_devices_of_jax(passes_on, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=2")
    passes_on("jax")
