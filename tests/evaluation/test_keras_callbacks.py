"""Keras callbacks in the trainings of a search."""

import keras
import numpy as np
import pytest

from autonas.data.dataset import ArrayDataset
from autonas.evaluation import fastest_loop, keras_callbacks, training

LENGTH = 4


class Journal(keras.callbacks.Callback):
    """Notes the hooks that are called, in a list that its copies share."""

    def __init__(self, notes):
        super().__init__()
        self.notes = notes

    def __deepcopy__(self, memo):
        return type(self)(self.notes)

    def on_train_begin(self, logs=None):
        self.notes.append("train")

    def on_epoch_begin(self, epoch, logs=None):
        self.notes.append(("begin", epoch))

    def on_epoch_end(self, epoch, logs=None):
        self.notes.append(("end", epoch, sorted(logs)))

    def on_train_end(self, logs=None):
        self.notes.append("done")


class Batches(Journal):
    def on_train_batch_end(self, batch, logs=None):
        self.notes.append(("batch", batch))


def dataset():
    x = np.random.default_rng(0).normal(size=(32, 3)).astype("float32")
    return ArrayDataset({"x": x}, {"y": x[:, :1]}, np.arange(24), np.arange(24, 32))


def compiled():
    inputs = {"x": keras.Input((3,), name="x")}
    dense = keras.layers.Dense(1, kernel_initializer=keras.initializers.GlorotUniform(seed=0), name="y")
    model = keras.Model(inputs, {"y": dense(inputs["x"])})
    model.compile(keras.optimizers.SGD(0.1), {"y": "mse"})
    return model


def train(*callbacks, scores=(), epochs=LENGTH, by_batch=None):
    data = dataset()
    by_batch = keras_callbacks.need_batches(callbacks) if by_batch is None else by_batch
    loop = fastest_loop.make_loop(compiled(), data, by_batch=by_batch)
    scored = iter(scores)
    validation = None
    if scores:
        validation = training.Validation(
            lambda: {"val_loss": next(scored)}, lambda one, other: one["val_loss"] < other["val_loss"]
        )
    rows = training.ShuffledRows(data.train_rows, 8, np.random.default_rng(0))
    return training.train(loop, rows, training.Length(epochs), validation, callbacks=callbacks)


def test_the_hooks_of_the_training_and_of_its_epochs_are_called_in_order():
    notes = []
    train(Journal(notes), scores=[3.0, 2.0], epochs=2)
    numbers = ["learning_rate", "loss", "val_loss"]
    assert notes == ["train", ("begin", 0), ("end", 0, numbers), ("begin", 1), ("end", 1, numbers), "done"]


def test_on_train_end_is_called_after_an_error():
    class Broken(Journal):
        def on_epoch_end(self, epoch, logs=None):
            raise OSError("disk full")

    notes = []
    with pytest.raises(OSError, match="disk full"):
        train(Broken(notes))
    assert notes[-1] == "done"


def test_early_stopping_ends_a_training_and_begins_anew_in_the_next_one():
    stopping = keras.callbacks.EarlyStopping("val_loss", patience=1)
    for _ in range(2):
        result = train(stopping, scores=[1.0, 2.0, 3.0, 4.0])
        assert (result.stopped, result.epochs, result.best_epoch) == ("a Keras callback", 2, 1)


def test_a_learning_rate_that_a_callback_sets_replaces_the_annealing():
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.01 if epoch >= 2 else rate)
    annealed, replaced = (
        [numbers["learning_rate"] for numbers in result.history] for result in (train(), train(schedule))
    )
    assert replaced == pytest.approx([*annealed[:2], 0.01, 0.01])


def test_a_callback_that_leaves_the_learning_rate_alone_changes_nothing():
    one, other = train(), train(Journal([]))
    assert [numbers["loss"] for numbers in one.history] == [numbers["loss"] for numbers in other.history]


def test_a_training_without_scores_gives_no_warning_about_a_missing_metric():
    train(keras.callbacks.EarlyStopping("val_loss"), keras.callbacks.ReduceLROnPlateau("val_loss"))


def test_hooks_for_batches_are_called_by_a_loop_over_batches():
    notes = []
    assert keras_callbacks.need_batches([Batches(notes)])
    train(Batches(notes), epochs=1)
    assert [note for note in notes if note[0] == "batch"] == [("batch", 0), ("batch", 1), ("batch", 2)]


def test_the_loop_over_batches_trains_as_the_compiled_epochs_do():
    one, other = train(by_batch=False), train(by_batch=True)
    losses = [[numbers["loss"] for numbers in result.history] for result in (one, other)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


@pytest.mark.parametrize(
    "callback, needed",
    [
        (Journal([]), False),
        (keras.callbacks.ModelCheckpoint("best.keras"), False),
        (keras.callbacks.ModelCheckpoint("best.keras", save_freq=10), True),
        (keras.callbacks.TensorBoard("logs"), False),
        (keras.callbacks.TensorBoard("logs", update_freq=10), True),
        (keras.callbacks.LambdaCallback(on_epoch_end=print), False),
        (keras.callbacks.LambdaCallback(on_train_batch_end=print), True),
        (keras.callbacks.TerminateOnNaN(), False),
    ],
)
def test_batches_are_needed_by_callbacks_with_work_at_batches(callback, needed):
    assert keras_callbacks.need_batches([callback]) is needed


def test_a_model_checkpoint_saves_the_averaged_weights_of_the_best_epoch(tmp_path):
    path = tmp_path / "best.weights.h5"
    checkpoint = keras.callbacks.ModelCheckpoint(path, "val_loss", save_best_only=True, save_weights_only=True)
    result = train(checkpoint, scores=[3.0, 1.0, 2.0, 4.0])
    model = compiled()
    model.load_weights(path)
    for saved, best in zip(model.get_weights(), result.weights, strict=True):
        np.testing.assert_array_equal(saved, best)
