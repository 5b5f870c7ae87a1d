"""Training: averaging, early stopping, deadlines, divergence and interrupts."""

import time

import keras
import numpy as np
import pytest

from autonas.evaluation import loops, training


class ScriptedLoop(loops.TrainingLoop):
    """A loop whose epochs give scripted losses and set the model's only weight to the epoch's number."""

    def __init__(self, losses, seconds=0.0):
        super().__init__(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)]), None)
        self.model.compile(keras.optimizers.SGD(1.0), "mse")
        self.losses = losses
        self.seconds = seconds
        self.rates = []

    def train_epoch(self, rows, batch_size, generator, learning_rate, deadline):
        epoch = len(self.rates) + 1
        loss = self.losses[epoch - 1]
        if isinstance(loss, BaseException):
            raise loss
        time.sleep(self.seconds)
        self.rates.append(learning_rate(0.5))
        self.model.set_weights([np.full((1, 1), float(epoch))])
        return loss, deadline is None or time.monotonic() < deadline


def train(loop, scores=None, **arguments):
    """Trains by a loop; `scores` are the losses on the validation part, one for each epoch."""
    length = training.Length(**{"epochs": len(loop.losses)} | arguments)
    rows = training.ShuffledRows(np.arange(4), 2, np.random.default_rng(0))
    if scores is None:
        return training.train(loop, rows, length)
    scored = iter(scores)
    validation = training.Validation(
        lambda: {"val_loss": next(scored)}, lambda one, other: one["val_loss"] < other["val_loss"]
    )
    return training.train(loop, rows, length, validation)


def test_the_best_epoch_by_score_is_kept():
    result = train(ScriptedLoop([1.0] * 5), scores=[3.0, 1.0, 2.0, 5.0, 4.0])
    assert (result.best_epoch, result.epochs, result.stopped) == (2, 5, "epochs")
    assert [numbers["val_loss"] for numbers in result.history] == [3.0, 1.0, 2.0, 5.0, 4.0]


def test_weights_are_averaged_over_epochs():
    loop = ScriptedLoop([1.0] * 3)
    train(loop)
    # a1 = 1, a2 = 1/4 a1 + 3/4 2, a3 = 2/5 a2 + 3/5 3
    assert loop.model.get_weights()[0].item() == pytest.approx(0.4 * (0.25 + 1.5) + 0.6 * 3)


def test_training_ends_when_it_no_longer_improves():
    result = train(ScriptedLoop([1.0] * 10), scores=[1.0, *[2.0] * 9], patience=3)
    assert (result.best_epoch, result.epochs, result.stopped) == (1, 4, "no improvement")
    assert result.horizon == 10


@pytest.mark.parametrize(
    ("scores", "epochs", "stopped"),
    [
        ([2.0, 1.0, 1.05, 1.08, 1.12, 1.2], 5, "overfitting"),  # Three epochs, to more than a tenth above the lowest.
        ([2.0, 1.0, 1.01, 1.02, 1.03, 1.11], 6, "overfitting"),
        ([2.0, 1.0, 1.2, 1.1, 1.3, 1.2], 6, "epochs"),  # The loss goes up and down.
        ([2.0, 1.0, 1.01, 1.02, 1.03, 1.04], 6, "epochs"),
        ([2.0, 1.0, 1.5, 1.6, 0.9, 0.8], 6, "epochs"),
        ([-1.0, -2.0, -1.9, -1.8, -1.7, -1.6], 6, "epochs"),  # A loss of which a tenth says nothing.
    ],
)
def test_training_ends_when_the_network_overfits(scores, epochs, stopped):
    losses = [1.0] * len(scores) + [1.0] * (stopped != "epochs")
    result = train(ScriptedLoop(losses), scores=[*scores, 2.0], patience=8)
    assert (result.epochs, result.stopped) == (epochs, stopped)
    assert result.best_epoch == 1 + int(np.argmin(scores))


def test_with_more_patience_more_epochs_must_raise_the_loss():
    scores = [1.0 + 0.1 * epoch for epoch in range(10)]
    result = train(ScriptedLoop([1.0] * 10), scores=scores, patience=24)
    assert (result.epochs, result.stopped) == (7, "overfitting")


def test_a_stop_in_the_middle_keeps_the_schedule():
    long, short = ScriptedLoop([1.0] * 10), ScriptedLoop([1.0] * 10)
    train(long)
    train(short, stopper=lambda history: len(history) == 4 or None)
    assert short.rates == long.rates[:4]


def test_the_rate_is_annealed_to_a_near_deadline():
    loop = ScriptedLoop([1.0] * 1000, seconds=0.02)
    result = train(loop, scores=[1.0] * 1000, deadline=time.monotonic() + 0.3)
    assert result.stopped == "time"
    assert 3 < result.epochs < 20
    assert loop.rates[-1] < 0.2
    assert result.horizon == result.epochs


def test_time_is_left_for_the_last_validation():
    loop = ScriptedLoop([1.0] * 100, seconds=0.02)

    def score():
        time.sleep(0.3)
        return {"val_loss": 1.0}

    deadline = time.monotonic() + 1.0
    rows = training.ShuffledRows(np.arange(4), 2, np.random.default_rng(0))
    validation = training.Validation(score, lambda one, other: False, n_rows=4)
    result = training.train(loop, rows, training.Length(100, deadline=deadline), validation)
    assert result.stopped == "time" and time.monotonic() < deadline + 0.15
    assert loop.validation.seconds == pytest.approx(0.3, abs=0.1)


def test_a_training_that_is_out_of_time_in_its_first_epoch_can_be_continued():
    made = []
    length = training.Length(4, deadline=time.monotonic())
    rows = training.ShuffledRows(np.arange(4), 2, np.random.default_rng(0))
    result = training.train(ScriptedLoop([1.0] * 4), rows, length, on_checkpoint=lambda make: made.append(make()))
    assert (result.stopped, result.epochs, len(made)) == ("time", 1, 1)
    loop = ScriptedLoop([2.0] * 4)
    later = training.train(loop, rows, training.Length(4), checkpoint=made[0])
    assert [numbers["loss"] for numbers in later.history] == [1.0, 2.0, 2.0, 2.0] and len(loop.rates) == 3


def test_divergence_before_the_first_score_is_an_error():
    with pytest.raises(training.Diverged, match="epoch 1"):
        train(ScriptedLoop([float("nan")]), scores=[1.0])


def test_divergence_later_keeps_what_was_good():
    result = train(ScriptedLoop([1.0, 1.0, float("inf")]), scores=[2.0, 1.0])
    assert (result.stopped, result.best_epoch) == ("diverged", 2)


def test_divergence_without_validation_is_an_error_in_any_epoch():
    with pytest.raises(training.Diverged, match="epoch 2"):
        train(ScriptedLoop([1.0, float("nan")]))


def test_an_interrupt_keeps_what_was_scored():
    result = train(ScriptedLoop([1.0, KeyboardInterrupt()]), scores=[2.0])
    assert (result.stopped, result.best_epoch) == ("interrupted", 1)


def test_an_interrupt_before_any_score_comes_through():
    with pytest.raises(KeyboardInterrupt):
        train(ScriptedLoop([KeyboardInterrupt()]), scores=[])


def test_it_stops_when_told_after_each_epoch_but_the_last():
    asked = []

    def stop(history):
        asked.append(len(history))
        return "hopeless" if history[-1]["val_loss"] > 4 else None

    loop = ScriptedLoop([1.0] * 5)
    result = train(loop, scores=[3.0, 1.0, 5.0, 2.0, 2.0], stopper=stop)
    assert (result.epochs, result.best_epoch, result.horizon) == (3, 2, 5)
    assert (result.stopped, result.stop) == ("hopeless", "hopeless") and asked == [1, 2, 3]
    whole = train(ScriptedLoop([1.0] * 3), scores=[3.0, 1.0, 5.0], stopper=stop)
    assert (whole.epochs, whole.stopped, whole.stop) == (3, "epochs", None)
