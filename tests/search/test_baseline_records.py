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
    goal = types.SimpleNamespace(main=types.SimpleNamespace(direction="min", name="val_loss"))
    evaluator = types.SimpleNamespace(problem=types.SimpleNamespace(goal=goal))
    state = types.SimpleNamespace(records={baseline.trial_id: baseline for baseline in baselines}, evaluator=evaluator)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        BaselineRecords(state).warn_if_better(record("ensemble", served), record("0001", best))
    assert [warning.category for warning in warned] == [BaselineWarning] * (named is not None)
    assert all(f"the {named} prediction with" in str(warning.message) for warning in warned)
