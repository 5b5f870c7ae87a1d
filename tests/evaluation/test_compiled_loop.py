"""Compiled loops: the steps of a call, and the time that is left for a validation."""

import time

import keras
import numpy as np
import pytest

from autonas.evaluation import compiled_loop, fitting, training


@pytest.fixture
def clock(monkeypatch):
    """Seconds by which the clock is ahead, a list of one number."""
    ahead, now = [0.0], time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + ahead[0])
    return ahead


class Loop(compiled_loop.CompiledLoop):
    """A loop whose first call takes `compilation` seconds more than its steps take, by a clock that a test sets."""

    def __init__(self, clock, compilation, step):
        super().__init__(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]), None)
        self.clock, self.compilation, self.step = clock, compilation, step
        self.calls, self.rates = [], []

    def _run(self, batches, learning_rates, span, total):
        n_steps = span[1] - span[0]
        self.rates += list(learning_rates[slice(*span)])
        self.clock[0] += n_steps * self.step + (0 if self.calls else self.compilation)
        self.calls.append(n_steps)
        return total + n_steps


def epoch(loop, seconds, n_rows=3200, batch_size=32):
    deadline = time.monotonic() + seconds
    rate = lambda share: 0.1  # noqa: E731
    return loop.train_epoch(np.arange(n_rows), batch_size, np.random.default_rng(0), rate, deadline)


@pytest.mark.parametrize(("compilation", "step"), [(0.1, 0.5), (3.0, 0.5), (3.0, 0.001)])
def test_no_call_is_long_whatever_share_of_the_first_call_was_the_compilation(clock, compilation, step):
    loop = Loop(clock, compilation, step)
    epoch(loop, 100.0)
    assert loop.calls[0] == 1
    assert max(loop.calls) * step <= max(step, 0.6)
    assert sum(loop.calls) == 100 and (step > 0.1 or len(loop.calls) < 5)


def test_the_rate_is_annealed_within_a_first_epoch_that_a_deadline_ends(clock):
    loop = Loop(clock, 0.3, 0.1)
    rows = training.ShuffledRows(np.arange(3200), 32, np.random.default_rng(0))
    loop.model.compile(keras.optimizers.SGD(1.0))
    training.train(loop, rows, training.Length(20, deadline=time.monotonic() + 5))
    assert 40 < len(loop.rates) < 60
    assert max(loop.rates) > 0.9 and loop.rates[-1] < 0.1


def test_an_epoch_leaves_time_for_the_first_validation(clock):
    loop = Loop(clock, 0.3, 0.1)
    loop.validation.n_rows = 960
    assert not epoch(loop, 5.0)[1]
    # Predictions take a third of the time of training steps: 30 steps are 1 s.
    assert clock[0] == pytest.approx(5.0 - 1.0, abs=0.5)


def test_a_measured_validation_is_not_estimated(clock):
    loop = Loop(clock, 0.3, 0.1)
    loop.validation.n_rows = 960
    loop.validation.add(0.5)
    epoch(loop, 5.0)
    assert clock[0] == pytest.approx(5.0, abs=0.5)


def test_it_gives_up_if_the_first_validation_would_end_long_after_the_deadline(clock):
    loop = Loop(clock, 0.3, 0.5)
    loop.validation.n_rows = 3200
    with pytest.raises(fitting.TooSlow, match=r"predictions for the validation set would take about 16\.\d s"):
        epoch(loop, 5.0)
    assert len(loop.calls) == 2


def test_it_does_not_give_up_without_a_validation(clock):
    assert not epoch(Loop(clock, 3.0, 0.5), 1.0)[1]
