"""Whether another trial begins in the time that is left."""

import types

import keras_tuner
import pytest

from autonas.search import standings, stopping
from autonas.trials import records

POINTS = [{"text/kind": "linear"}, {"text/kind": "bag"}]


def _stopping(*kinds_and_seconds, points=POINTS):
    """Return the `Stopping` of a search whose candidates were of some kinds and took some seconds each."""
    trials = {
        str(number): records.TrialRecord(
            str(number),
            number,
            values={"text/kind": kind},
            status="completed",
            seconds=seconds,
            metrics={"val_loss": 1.0},
            score=1.0,
            report={"fitted": [{}]} if kind == "linear" else {},
        )
        for number, (kind, seconds) in enumerate(kinds_and_seconds)
    }
    aim = types.SimpleNamespace(objectives=[keras_tuner.Objective("val_loss", "min")])
    state = types.SimpleNamespace(
        records=trials,
        standings=standings.Standings(trials, aim, lambda values: True),
        initial_points=points,
        evaluator=types.SimpleNamespace(supernet=None),
        oracle=types.SimpleNamespace(max_trials=None),
    )
    rules = stopping.Stopping(state, None)
    for _, seconds in kinds_and_seconds:
        rules.add_first_epoch(seconds)
    return rules


@pytest.mark.parametrize(
    ("rules", "least"),
    [
        (_stopping(("bag", 12.0)), 12.0),
        (_stopping(("bag", 1.5)), 1.5),
        (_stopping(("linear", 12.0), points=POINTS[:1]), 12.0),
    ],
    ids=["networks", "fast networks", "a single kind"],
)
def test_a_trial_begins_if_there_is_time_for_the_first_epoch_of_the_fastest_trial(rules, least):
    assert rules.reason(least + 0.1) is None
    assert rules.reason(least - 0.1) == "time_limit"


def test_weights_that_were_fitted_for_long_do_not_keep_networks_of_another_kind_from_beginning():
    for fastest, least in ((12.0, 4.0), (30.0, 5.0), (2.5, 1.0)):
        rules = _stopping(("linear", fastest), ("linear", 40.0))
        assert rules.reason(least + 0.1) is None
        assert rules.reason(least - 0.1) == "time_limit"
