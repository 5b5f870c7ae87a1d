"""Pace: a training that can't get far in the time that is left isn't begun."""

import itertools
import types

import keras
import pytest

from autonas.evaluation import pace


@pytest.fixture(autouse=True)
def slow_machine(monkeypatch):
    """A machine that computes 10 FLOPs of a large matrix product in a second."""
    monkeypatch.setattr(pace, "products_per_second", lambda: 10.0)


def test_a_training_is_refused_by_the_speed_of_a_matrix_product_if_earlier_ones_were_slower():
    speed = pace.Pace()
    speed.add(1000, 1000.0)  # Of a network of small matrices.
    assert speed.refusal(400, 3, 40.0) == ""
    assert speed.refusal(400, 3, 39.0).startswith("not begun: an epoch would take 40.0 s or more")


def test_without_an_earlier_training_nothing_is_refused():
    assert pace.Pace().refusal(10**15, 100, 1.0) == ""


def test_a_tenth_of_the_epochs_must_be_possible_at_the_highest_speed():
    speed = pace.Pace()
    speed.add(1000, 10.0)
    speed.add(1000, 5.0)
    assert speed.refusal(400, 100, 20.0) == ""
    expected = "not begun: 10 epochs would take 20.0 s or more, and 19.0 s are left"
    assert speed.refusal(400, 100, 19.0) == expected


def test_an_epoch_must_be_possible():
    speed = pace.Pace()
    speed.add(1000, 10.0)
    assert speed.refusal(400, 3, 4.0) == ""
    assert speed.refusal(400, 3, 3.9).startswith("not begun: an epoch would take 4.0 s or more")


def test_there_must_be_time_for_the_shortest_compilation_so_far():
    speed = pace.Pace()
    for seconds in (5.0, 0.0, 2.0):  # A training that continues an earlier one isn't compiled.
        speed.add_compilation(seconds)
    assert speed.refusal(None, 3, 2.0) == ""
    assert speed.refusal(None, 3, 1.9) == "not begun: an epoch would take 2.0 s or more, and 1.9 s are left"
    speed.add(1000, 10.0)
    assert speed.refusal(400, 3, 6.0) == ""
    assert speed.refusal(400, 3, 5.9).startswith("not begun: an epoch would take 6.0 s or more")


def test_networks_of_unknown_speed_are_not_refused():
    speed = pace.Pace()
    speed.add(1000, 10.0)
    speed.add(None, 1e-9)
    assert speed.refusal(None, 3, 0.1) == "" and speed.flops_per_second == 100.0


def test_a_network_without_weights_says_nothing_about_the_speed():
    inputs = keras.Input((4,))
    assert pace.epoch_work(keras.Model(inputs, inputs * 2.0), 100) is None


def test_the_work_is_counted_without_frozen_layers():
    inputs = keras.Input((4,))
    dense = keras.layers.Dense(3, use_bias=False)
    model = keras.Model(inputs, dense(inputs))
    assert pace.epoch_work(model, 10) == 10 * 2 * 4 * 3
    dense.trainable = False
    assert pace.epoch_work(model, 10) is None


def test_the_speed_of_a_matrix_product_is_that_of_the_fastest_one_and_is_measured_once(monkeypatch):
    monkeypatch.undo()
    times = iter(3 * [0.0, 0.3, 0.0, 0.1, 0.0, 0.2])
    monkeypatch.setattr(pace, "time", types.SimpleNamespace(perf_counter=lambda: next(times)))
    pace.products_per_second.cache_clear()
    assert [pace.products_per_second() for _ in range(2)] == [pytest.approx(2 * 512**3 / 0.1)] * 2
    pace.products_per_second.cache_clear()


def test_the_speed_of_frozen_kernels_is_measured_by_a_matrix_product(monkeypatch):
    clock = itertools.count(0.0, 0.01)
    monkeypatch.setattr(pace, "time", types.SimpleNamespace(perf_counter=lambda: next(clock)))
    # A response with its poolings takes four times as long as the response alone.
    assert pace.responses_per_second() == pytest.approx(512 * 84 / 0.04)
