"""The front of a search, and its hypervolume relative to the first candidate's."""

import keras_tuner
import pytest

from autonas.objectives import front

ACCURACY, LATENCY = keras_tuner.Objective("val_accuracy", "max"), keras_tuner.Objective("latency_ms", "min")


def rows(*pairs):
    return [{"val_accuracy": accuracy, "latency_ms": latency, "seconds": 3.0} for accuracy, latency in pairs]


def test_the_front_is_what_no_other_beats_in_all_objectives():
    found = front.front(rows((0.9, 5), (0.8, 5), (0.95, 9), (0.7, 2), (0.9, 5), (0.6, 8)), [ACCURACY, LATENCY])
    assert found.tolist() == [True, False, True, True, True, False]
    assert front.front([], [ACCURACY, LATENCY]).tolist() == []


def test_the_hypervolume_is_one_to_begin_with_and_never_falls():
    path = rows((0.8, 5.0), (0.4, 100.0), (0.8, 2.5), (0.9, 5.0))
    volumes = [front.relative_hypervolume(path[:n], [ACCURACY, LATENCY]) for n in range(1, 5)]
    # The first fills .8 of accuracy by 45 ms up to ten times its latency. What is slower than that adds nothing; one of
    # half the latency adds .8 x 2.5, the last .1 x 45.
    assert volumes == pytest.approx([1.0, 1.0, 0.8 * 47.5 / 36, (0.8 * 47.5 + 0.1 * 45) / 36])


def test_an_objective_may_be_negative_or_zero():
    gain, params = keras_tuner.Objective("gain", "max"), keras_tuner.Objective("params", "min")
    assert front.relative_hypervolume([{"gain": -2.0, "params": 0.0}], [gain, params]) == pytest.approx(1.0)
    both = [{"gain": -2.0, "params": 0.0}, {"gain": 7.0, "params": 0.0}]
    assert front.relative_hypervolume(both, [gain, params]) == pytest.approx(27 / 18)
