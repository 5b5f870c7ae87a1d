"""Learning curves through `AutoModel`: what can't win is stopped, and why is said."""

import shutil

import keras_tuner
import numpy as np
import pandas
import pytest

import autonas
from autonas import oracles
from tests.helpers.budgets import QUIET
from tests.helpers.leaderboards import board
from tests.helpers.networks import of_small_networks

pytestmark = pytest.mark.usefixtures("folder")

BUDGET = {**QUIET, "max_trials": 8, "epochs": 12, "fidelity": "learning_curve", "seed": 2, "strategy": "random"}


def fit(iris, **arguments):
    """Search networks, which have learning curves. Trees have one epoch."""
    return of_small_networks(**{**BUDGET, **arguments}).fit(*iris)


def stopped(model):
    searched = board(model).query("stage == 'search'")
    return searched[searched.reason.str.contains("can't win", na=False)]


@pytest.fixture(scope="module")
def whole(iris, tmp_path_factory):
    return fit(iris, directory=tmp_path_factory.mktemp("whole") / "run")


def test_what_cannot_win_is_stopped_and_the_leaderboard_says_why(whole):
    searched = board(whole).query("stage == 'search'")
    assert len(searched) == 8 and len(stopped(whole)) >= 2
    assert stopped(whole).reason.str.fullmatch(r"stopped: can't win \(P (= 0\.0\d|< 0\.01)\)").all()
    assert (stopped(whole).epochs < 12).all()
    assert (searched.drop(stopped(whole).index).epochs == 12).all()


def test_what_is_served_was_trained_in_full_and_is_the_best(whole):
    searched = board(whole).query("stage == 'search'")
    assert whole.best_score_ == searched.score.min()
    assert searched.epochs[searched.score.idxmin()] == 12


def test_what_is_not_stopped_is_trained_as_in_full(whole, iris):
    full = fit(iris, strategy=oracles.LearningCurveOracle("random", confidence=1), fidelity="full")
    assert stopped(full).empty
    records = {each["trial_id"]: each["history"] for each in full.records_}
    for each in whole.records_:
        if each["stage"] == "search":
            assert each["history"] == records[each["trial_id"]][: len(each["history"])]


@pytest.mark.parametrize("n_kept", [5, 20, 33, 44])
def test_a_search_that_was_cut_off_goes_on_as_if_it_had_not_been(whole, iris, folder, n_kept):
    shutil.copytree(whole.directory_, folder / "cut")
    shutil.rmtree(folder / "cut" / "model")
    journal = folder / "cut" / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    assert len(lines) > n_kept
    journal.write_text("".join(lines[:n_kept]))
    continued = fit(iris, directory=folder / "cut")
    pandas.testing.assert_frame_equal(board(continued), board(whole), check_exact=True)
    np.testing.assert_array_equal(continued.predict_proba(iris[0]), whole.predict_proba(iris[0]))


def test_in_a_worker_process_the_search_is_the_same(whole, iris):
    process = fit(iris, executor="process")
    pandas.testing.assert_frame_equal(board(process), board(whole), check_exact=True)


def test_a_combination_of_objectives_has_a_curve_and_a_pareto_front_none(iris, folder):
    objective = autonas.objectives.WeightedSum({"val_accuracy": 1, "params": 1e-5})
    model = fit(iris, objective=objective)
    assert len(board(model).query("stage == 'search'")) == 8
    before = set(folder.iterdir())
    with pytest.raises(ValueError, match="`objective` must be a single one"):
        fit(iris, objective=["val_accuracy", "params"], directory=folder / "pareto")
    assert set(folder.iterdir()) == before


@pytest.mark.parametrize(
    "arguments",
    [
        {"strategy": keras_tuner.oracles.HyperbandOracle()},
        {"strategy": oracles.LearningCurveOracle()},
        {"fidelity": "hyperband", "strategy": oracles.LearningCurveOracle()},
    ],
    ids=["keras tuner", "twice", "within another"],
)
def test_what_cannot_be_is_refused_before_anything_is_written(iris, folder, arguments):
    with pytest.raises(ValueError, match="`fidelity` must be"):
        fit(iris, **arguments)
    assert list(folder.iterdir()) == []
