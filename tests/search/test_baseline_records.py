"""The comparison of the baselines of a search with its candidates."""

import types
import warnings

import pytest

from autonas.exceptions import BaselineWarning
from autonas.search.baseline_records import BaselineRecords
from autonas.trials.records import TrialRecord
from autonas.trials.states import Stage, Status


def record(name, score, stage=Stage.SEARCH):
    return TrialRecord(name, 0, stage, status=Status.COMPLETED, score=score, message="a message")


def warned_of(baselines, served, best, direction="min", name="val_loss"):
    """Return the warnings after a search with some baselines."""
    goal = types.SimpleNamespace(main=types.SimpleNamespace(direction=direction, name=name))
    evaluator = types.SimpleNamespace(problem=types.SimpleNamespace(goal=goal))
    state = types.SimpleNamespace(records={baseline.trial_id: baseline for baseline in baselines}, evaluator=evaluator)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        BaselineRecords(state).warn_if_better(record("ensemble", served, Stage.ENSEMBLE), record("0001", best))
    assert all(warning.category is BaselineWarning for warning in warned)
    return warned


@pytest.mark.parametrize(
    ("constant", "linear", "served", "best", "named"),
    [
        (1.0, 0.5, 0.4, 0.4, None),
        (1.0, 0.5, 0.5, 0.5, None),
        (1.0, 0.5, 0.6, 0.6, "linear"),
        (0.5, 0.7, 0.5, 0.5, "constant"),
        # An ensemble on few rows, whose score is worse than that of a candidate.
        (1.0, 0.5, 0.55, 0.4, None),
        (1.0, 0.5, 0.6, 0.55, "linear"),
        (0.5, 0.7, 0.55, 0.4, "constant"),
    ],
)
def test_a_warning_names_the_baseline_that_is_better(constant, linear, served, best, named):
    baselines = [record("constant", constant, Stage.BASELINE), record("linear", linear, Stage.BASELINE)]
    warned = warned_of(baselines, served, best)
    assert len(warned) == (named is not None)
    for warning in warned:
        assert f"the {named} prediction with" in str(warning.message)
        assert f"that is served, the ensemble with val_loss {served}, is" in str(warning.message)


@pytest.mark.parametrize(
    ("name", "direction", "score", "is_perfect"),
    [
        ("val_rmse", "min", 0.0, True),
        ("val_neg_mean_squared_error", "max", 0.0, True),
        ("val_accuracy", "max", 1.0, True),
        ("val_accuracy", "max", 0.9, False),
        ("val_f1_score", "max", 0.0, False),
        ("val_rmse", "min", 1.0, False),
    ],
)
def test_a_perfect_constant_is_no_reason_to_warn_of_a_perfect_model(name, direction, score, is_perfect):
    warned = warned_of([record("constant", score, Stage.BASELINE)], score, score, direction, name)
    assert len(warned) == (not is_perfect)
    worse = score - 0.1 if direction == "max" else score + 0.1
    assert len(warned_of([record("constant", score, Stage.BASELINE)], worse, worse, direction, name)) == 1
