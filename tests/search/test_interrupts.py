"""Ctrl-C during a search."""

import gc
import signal
import sys

import keras
import pytest

import autonas
from autonas.search import interrupts
from autonas.search.final_stage import FinalStage


class PressesCtrlC:
    """Object whose destructor receives Ctrl-C, where Python loses the exception."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


@pytest.fixture
def lost(monkeypatch):
    """List of the exceptions that Python has lost."""
    exceptions = []
    monkeypatch.setattr(sys, "unraisablehook", lambda event: exceptions.append(event.exc_type))
    return exceptions


def lose_an_interrupt():
    PressesCtrlC()
    gc.collect()


def test_an_interrupt_that_python_loses_is_remembered(lost):
    with interrupts.remembered() as check:
        check()
        lose_an_interrupt()
        assert lost == [KeyboardInterrupt]
        with pytest.raises(KeyboardInterrupt):
            check()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_of_the_outer_block_is_remembered_in_the_inner_block(lost):
    with interrupts.remembered():
        lose_an_interrupt()
        with interrupts.remembered() as check, pytest.raises(KeyboardInterrupt):
            check()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_while_records_are_written_is_raised_after_it(lost):
    with interrupts.remembered(), pytest.raises(KeyboardInterrupt):
        with interrupts.deferred():
            lose_an_interrupt()
        pytest.fail("the interrupt was raised before")
    assert lost == []


def test_the_first_interrupt_is_ignored_where_work_is_finished_and_the_second_is_raised(lost):
    with interrupts.remembered() as check:
        with interrupts.ignored():
            lose_an_interrupt()
        check()
        with pytest.raises(KeyboardInterrupt), interrupts.ignored():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        check()
    assert lost == [] and signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize(
    ("owner", "name", "reason"),
    [
        (FinalStage, "serve", "interrupted"),
        (autonas.SearchCallback, "on_search_end", "max_trials"),
        (autonas.StructuredDataClassifier, "_serve", "max_trials"),
    ],
    ids=["final fit", "report", "saving"],
)
def test_an_interrupt_after_the_last_trial_loses_nothing(owner, name, reason, monkeypatch, iris, tmp_path):
    whole, pressed = getattr(owner, name), []

    def interrupted(*args, **options):
        if not pressed:
            pressed.append(1)
            signal.raise_signal(signal.SIGINT)
        return whole(*args, **options)

    monkeypatch.setattr(owner, name, interrupted)
    options = {"max_trials": 2, "epochs": 2, "seed": 0, "tensorboard": False, "verbose": 0}
    model = autonas.StructuredDataClassifier(
        **options, callbacks=[autonas.SearchCallback()], directory=tmp_path / "run"
    ).fit(*iris)
    assert pressed and model.stop_reason_ == reason and model.score(*iris) > 0.7
    loaded = autonas.AutoModel.load(tmp_path / "run" / "model")
    assert (loaded.predict(iris[0]) == model.predict(iris[0])).all()


def test_a_search_ends_after_the_trial_in_which_python_loses_an_interrupt(lost, iris):
    class Callback(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            lose_an_interrupt()

    options = {"max_trials": 9, "epochs": 2, "seed": 0, "tensorboard": False, "verbose": 0}
    model = autonas.StructuredDataClassifier(**options, callbacks=[Callback()]).fit(*iris)
    assert set(lost) == {KeyboardInterrupt} and model.stop_reason_ == "interrupted"
    assert len(model.leaderboard().query("stage == 'search'")) == 1


@pytest.mark.parametrize("n_calls", [pytest.param(1, id="preparation"), pytest.param(2, id="baselines")])
def test_a_search_ends_before_the_first_trial_if_python_loses_an_interrupt_before(lost, iris, tmp_path, n_calls):
    calls, epochs = [], []

    def some_error(truth, predictions):
        calls.append(1)
        if len(calls) == n_calls:
            lose_an_interrupt()
        return 0.0

    class Callback(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            epochs.append(epoch)

    options = {"max_trials": 2, "epochs": 2, "seed": 0, "tensorboard": False, "verbose": 0}
    model = autonas.StructuredDataClassifier(
        **options, metrics=[some_error], callbacks=[Callback()], directory=tmp_path / "run"
    )
    with pytest.raises(KeyboardInterrupt):
        model.fit(*iris)
    assert lost == [KeyboardInterrupt] and epochs == []
    assert (tmp_path / "run").exists() == (n_calls > 1)
