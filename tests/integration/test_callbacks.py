"""Search callbacks and Keras callbacks of a search, and the settings of `fit` that Keras has there, too."""

import pathlib
import threading

import keras
import numpy as np
import pytest

import autonas
from autonas import execution
from tests.helpers.budgets import QUIET
from tests.helpers.leaderboards import trials

pytestmark = pytest.mark.usefixtures("folder")

BUDGET = {**QUIET, "max_trials": 2, "epochs": 2, "strategy": "random"}


class Heard(autonas.SearchCallback):
    """Notes the hooks of the search and of its candidates."""

    def __init__(self):
        self.hooks = []

    def on_search_begin(self, search):
        self.hooks.append("start")

    def on_trial_begin(self, record):
        self.hooks.append(f"{record.stage} begins")

    def on_epoch_begin(self, record, epoch):
        self.hooks.append(f"epoch {epoch} begins")

    def on_epoch_end(self, record, epoch, metrics):
        self.hooks.append(f"epoch {epoch} ends")

    def on_trial_end(self, record, best):
        if record.stage != "baseline":
            self.hooks.append(f"{record.stage} ends")

    def on_search_end(self, records, stop_reason):
        self.hooks.append(f"end: {stop_reason}")


@pytest.mark.parametrize("monitor", ["val_foo", "accuracy"])
def test_a_callback_that_monitors_what_no_training_has_is_refused_before_the_search(iris, folder, monitor):
    early = keras.callbacks.EarlyStopping(monitor, mode="max")
    with pytest.raises(ValueError, match=f"must monitor one of .*val_accuracy.*EarlyStopping.monitor='{monitor}'"):
        autonas.AutoModel(**BUDGET).fit(*iris, callbacks=[early])
    assert not list(folder.iterdir())


def test_a_callback_may_monitor_any_number_of_an_epoch(iris):
    networks = {"structured_data_block_1/kind": "dense"}
    monitors = ["loss", "val_loss", "learning_rate", "val_accuracy", "val_f1_macro", "params"]
    callbacks = [keras.callbacks.EarlyStopping(monitor, mode="min", patience=9) for monitor in monitors]
    arguments = {**BUDGET, "max_trials": 1, "metrics": ["f1_macro"], "objective": ["val_loss", "params"]}
    model = autonas.AutoModel(hyperparameters=networks, **arguments).fit(*iris, callbacks=callbacks)
    (record,) = (record for record in model.records_ if record["stage"] == "search")
    assert set(monitors) <= set(record["history"][0])

    class Adds(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["mine"] = 1.0

    autonas.AutoModel(hyperparameters=networks, **{**BUDGET, "max_trials": 1}).fit(
        *iris, callbacks=[Adds(), keras.callbacks.EarlyStopping("mine", mode="min")]
    )


class Lines(keras.callbacks.Callback):
    """Writes a line to a file in every training, and the numbers of epochs."""

    def __init__(self, path):
        super().__init__()
        self.path = str(path)

    def on_train_begin(self, logs=None):
        self.lines = []

    def on_epoch_end(self, epoch, logs=None):
        self.lines.append(f"{epoch}{'v' if 'val_loss' in logs else ''}")

    def on_train_end(self, logs=None):
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(" ".join(self.lines) + "\n")


class Unmovable(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()


def model(**arguments):
    dense = autonas.DenseBlock(depth=1, units=autonas.Choice([4, 8]))
    node = autonas.StructuredDataInput()
    return autonas.AutoModel(node, autonas.ClassificationHead()(dense(node)), **{**BUDGET, **arguments})


def test_search_callbacks_hear_of_the_search_its_trials_and_their_epochs(iris):
    heard = Heard()
    model(max_trials=1, callbacks=heard, ensemble=None).fit(*iris)
    epochs = ["epoch 1 begins", "epoch 1 ends", "epoch 2 begins", "epoch 2 ends"]
    assert heard.hooks[:7] == ["start", "search begins", *epochs, "search ends"]
    assert heard.hooks[7:9] == ["final begins", "epoch 1 begins"]
    assert heard.hooks[-2:] == ["final ends", "end: max_trials"]


def test_keras_callbacks_run_in_every_training_and_search_callbacks_beside_them(iris, tmp_path):
    heard, path = Heard(), tmp_path / "lines.txt"
    fitted = model(callbacks=[heard]).fit(*iris, callbacks=[Lines(path)])
    *candidates, final = path.read_text().splitlines()
    assert candidates == ["0v 1v", "0v 1v"] and final in ("0", "0 1")
    assert heard.hooks[0] == "start"
    assert fitted.callbacks == [heard], "the arguments of the constructor stay"


@pytest.mark.parametrize("executor", ["process", "ray"])  # Up to 30 s each: two workers import TensorFlow.
def test_callbacks_of_workers_run_there_and_search_callbacks_here(iris, tmp_path, executor):
    heard, path = Heard(), tmp_path / "lines.txt"
    model(executor=executor, n_workers=2, refit=False, callbacks=[heard, Lines(path)]).fit(*iris)
    assert path.read_text().splitlines() == ["0v 1v", "0v 1v"]
    assert sorted(heard.hooks) == sorted(
        ["start", "end: max_trials"]
        + 2 * ["search begins", "search ends", "epoch 1 begins", "epoch 1 ends", "epoch 2 begins", "epoch 2 ends"]
    )


def test_fit_takes_epochs_and_batch_size_as_keras_does(iris):
    fitted = model(epochs=9, max_trials=1, refit=False).fit(*iris, epochs=3, batch_size=10)
    (trial,) = trials(fitted).itertuples()
    assert trial.epochs == 3
    assert fitted.records_[-1]["batch_size"] == 10
    assert "optimization/batch_size" not in fitted.records_[-1]["values"]
    assert fitted.epochs == 9


def test_fit_takes_a_validation_split_and_class_weights_as_keras_does(iris):
    x, y = iris
    settings = {"validation_split": 0.5, "class_weight": {int(y[0]): 9.0}}
    fitted = model(max_trials=1, seed=0).fit(x, y, **settings)
    same, other = (model(max_trials=1, seed=0, **some).fit(x, y).predict_proba(x) for some in (settings, {}))
    np.testing.assert_allclose(fitted.predict_proba(x), same, atol=1e-6)
    assert np.abs(other - same).max() > 0.01
    assert fitted.validation_split is None and fitted.class_weight is None, "the arguments of the constructor stay"
    with pytest.raises(ValueError, match="`validation_split` must be a number between 0 and 1"):
        model().fit(x, y, validation_split=2)
    with pytest.raises(ValueError, match="`class_weight` must name labels of `y`"):
        model().fit(x, y, class_weight={"seven": 1.0})


def test_a_forecaster_takes_the_same_settings():
    heard, series = Heard(), np.sin(np.arange(60) / 3)
    forecaster = autonas.TimeSeriesForecaster(4, 2, **{**BUDGET, "max_trials": 1, "refit": False})
    forecaster.fit(series, callbacks=[heard], epochs=1, batch_size=8)
    assert "epoch 1 ends" in heard.hooks and "epoch 2 ends" not in heard.hooks


@pytest.mark.parametrize(
    "callbacks, arguments, message",
    [
        ([print], {}, "`callbacks` must be a list of autonas.SearchCallback and keras.callbacks.Callback"),
        ([keras.callbacks.BackupAndRestore("backup")], {}, "BackupAndRestore.*same `directory`"),
        ([Unmovable()], {}, "copied for each training.*a Unmovable that can't be"),
        ([Unmovable()], {"executor": "process"}, "sent to other processes.*a Unmovable.*executor='inline'"),
        ([Unmovable()], {"executor": execution.ProcessExecutor(1)}, "sent to other processes"),
    ],
)
def test_callbacks_that_cannot_work_are_refused_by_name(iris, callbacks, arguments, message):
    with pytest.raises(ValueError, match=message):
        model(callbacks=callbacks, **arguments).fit(*iris)
    assert not pathlib.Path("autonas_runs").exists()


def test_an_error_in_a_keras_callback_is_the_reason_of_the_failure(iris):
    class Broken(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise RuntimeError("no room for notes")

    with pytest.raises(autonas.SearchFailed, match="no room for notes"):
        model(max_trials=1, callbacks=[Broken()]).fit(*iris)
