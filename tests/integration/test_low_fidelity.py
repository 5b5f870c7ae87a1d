"""Low fidelity through `AutoModel`: short trainings, of which the best go on exactly from where they were."""

import pathlib
import shutil
import time

import keras_tuner
import numpy as np
import pandas
import pytest
import sklearn.datasets

import autonas
from autonas import oracles
from autonas.evaluation import budget
from tests.helpers.budgets import QUIET
from tests.helpers.leaderboards import board
from tests.helpers.networks import of_networks, of_small_networks

pytestmark = pytest.mark.usefixtures("folder")

BUDGET = {**QUIET, "max_trials": 6, "epochs": 9, "fidelity": "successive_halving", "strategy": "random"}


def fit(iris, networks=of_small_networks, **arguments):
    """Search networks, which are trained for several epochs. Trees have one."""
    return networks(**{**BUDGET, **arguments}).fit(*iris)


@pytest.fixture(scope="module")
def whole(iris, tmp_path_factory):
    """A search that nothing interrupted, and its seconds as `seconds_`."""
    started = time.monotonic()
    model = fit(iris, directory=tmp_path_factory.mktemp("whole") / "run")
    model.seconds_ = time.monotonic() - started
    return model


def test_the_best_of_short_trainings_go_on_and_max_trials_counts_architectures(whole):
    searched = board(whole).query("stage == 'search'").set_index("trial_id")
    first, promoted = searched[searched["tuner/rung"] == 0], searched[searched["tuner/rung"] > 0]
    assert len(first) == 6 and (first.epochs == 1).all() and set(promoted["tuner/rung"]) == {1, 2}
    assert whole.stop_reason_ == "max_trials"
    records = {each["trial_id"]: each for each in whole.records_}
    for trial_id, earlier in promoted["tuner/trial_id"].items():
        history = records[earlier]["history"]
        assert records[trial_id]["history"][: len(history)] == history
        assert searched["tuner/epochs"][trial_id] >= searched.epochs[trial_id] > len(history)
        is_whole = searched.epochs[trial_id] == searched["tuner/epochs"][trial_id]
        assert is_whole or searched.reason[trial_id] == "stopped: overfitting"


def test_each_rung_ends_with_a_small_learning_rate(iris):
    model = fit(iris, max_trials=1, refit=False)
    longest = max(model.records_, key=lambda record: record["values"].get("tuner/rung", -1))
    rates = np.array([epoch["learning_rate"] for epoch in longest["history"]])
    assert longest["epochs"] == 9 and (rates[[0, 2, 8]] < 1e-5).all()
    # It rises to the same height again.
    assert rates[1] == pytest.approx(rates[3:].max(), rel=0.5) and (np.diff(rates[4:]) < 0).all()


def test_what_is_served_was_trained_in_full(whole):
    searched = board(whole).query("stage == 'search'")
    in_full = searched[searched["tuner/epochs"] == 9]
    assert whole.best_score_ == in_full.score.min()


@pytest.mark.parametrize("n_kept, has_checkpoints", [(7, True), (16, True), (24, False)])
def test_a_search_that_was_cut_off_goes_on_without_checkpoints_too(whole, iris, folder, n_kept, has_checkpoints):
    shutil.copytree(whole.directory_, folder / "cut")
    shutil.rmtree(folder / "cut" / "model")
    journal = folder / "cut" / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    assert len(lines) > n_kept
    journal.write_text("".join(lines[:n_kept]))
    if not has_checkpoints:
        shutil.rmtree(folder / "cut" / "checkpoints")
    continued = fit(iris, directory=folder / "cut")
    columns = [name for name in board(whole) if name != "reason"]
    pandas.testing.assert_frame_equal(board(continued)[columns], board(whole)[columns], check_exact=True)
    np.testing.assert_array_equal(continued.predict_proba(iris[0]), whole.predict_proba(iris[0]))


def test_promotions_run_in_worker_processes(whole, iris):
    process = fit(iris, executor="process")
    pandas.testing.assert_frame_equal(board(process), board(whole), check_exact=True)


def test_hyperband_begins_with_several_numbers_of_epochs(iris):
    model = fit(iris, fidelity="hyperband", strategy="evolution", refit=False)
    searched = board(model).query("stage == 'search'")
    begun = searched[searched["tuner/initial_epoch"] == 0]
    assert set(begun["tuner/epochs"]) == {1, 3, 9} and len(begun) == 6


def test_promotions_go_on_with_more_of_the_data_and_larger_images(folder):
    x, y = sklearn.datasets.load_digits(return_X_y=True)
    strategy = oracles.SuccessiveHalvingOracle("random", min_data_share=1 / 4, min_resolution=1 / 2)
    settings = {**BUDGET, "fidelity": "full", "strategy": strategy, "epochs": 40, "max_trials": 4}

    def fitted():
        inputs = autonas.ImageInput()
        outputs = autonas.ClassificationHead()(autonas.ImageBlock(kind="convolution")(inputs))
        return autonas.AutoModel(inputs, outputs, **settings, directory=folder / "run").fit(x.reshape(-1, 8, 8), y)

    model = fitted()
    searched = board(model).query("stage == 'search'").sort_values("tuner/epochs")
    lowest, highest = searched.iloc[0], searched.iloc[-1]
    assert [lowest["tuner/data_share"], lowest["tuner/resolution"], lowest.epochs] == [1 / 4, 1 / 2, 1]
    assert [highest["tuner/data_share"], highest["tuner/resolution"], highest["tuner/epochs"]] == [1, 1, 40]
    assert len(searched["tuner/resolution"].unique()) >= 5
    # What it knows of quarters of the rows and of the pixels is of use.
    second = searched[searched["tuner/rung"] == 1]
    assert highest.val_accuracy > 0.9 and second.val_accuracy.max() > lowest.val_accuracy
    pandas.testing.assert_frame_equal(board(fitted()), board(model), check_exact=True)


@pytest.mark.parametrize("argument, received", [("min_resolution", 0.5), ("min_data_share", 0.0)])
def test_a_share_that_can_not_be_is_refused(iris, argument, received):
    strategy = oracles.SuccessiveHalvingOracle(**{argument: received})
    with pytest.raises(ValueError, match=f"{argument}.* Received: .*{argument}={received}"):
        fit(iris, strategy=strategy, fidelity="full")


def test_towards_the_end_of_the_time_the_best_are_trained_farther(whole, iris):
    time_limit = 2 * whole.seconds_
    model = fit(iris, time_limit=time_limit, max_trials=None, epochs=30)
    searched = [record for record in model.records_ if record["stage"] == "search"]
    full = min((each["number"] for each in searched if each["values"]["tuner/epochs"] == 30), default=len(searched))
    late = [each for each in searched[:full] if each["started"] > searched[0]["started"] + 0.6 * time_limit]
    # New ones come only when the best is trained in full.
    assert model.stop_reason_ == "time_limit" and all(each["values"]["tuner/rung"] > 0 for each in late)
    # A candidate that was trained in full may be worse.
    assert board(model).query("rank == 1")["tuner/epochs"].item() > 1


def test_the_final_fit_is_the_rest_of_a_training_for_which_there_is_no_time_before_it(iris, monkeypatch):
    monkeypatch.setattr(budget.TimeBudget, "full_seconds", lambda *_: 1000.0)
    # The time limit is long enough for a slow machine; it isn't reached.
    model = fit(iris, time_limit=300, max_trials=None, epochs=30)
    searched, final = board(model).query("stage == 'search'"), board(model).query("stage == 'final'")
    assert model.stop_reason_ == "time_limit" and (searched["tuner/rung"] == 0).all()
    best = board(model).query("rank == 1").best_epoch.item()
    assert final.epochs.item() == 30 - best and final.trial_id.item() == "final"


@pytest.mark.parametrize(("possible", "share"), [(float("inf"), None), (4.0, None), (0.1, 0.3)])
def test_the_learning_rate_goes_on_by_the_epochs_for_which_there_is_time(iris, monkeypatch, possible, share):
    monkeypatch.setattr(budget.FinalLength, "possible_epochs", lambda *_: possible)
    monkeypatch.setattr(budget.TimeBudget, "full_seconds", lambda *_: 1000.0)
    optimization = autonas.Optimization(learning_rate=0.01, schedule="constant")
    model = fit(iris, time_limit=300, max_trials=None, epochs=30, optimization=optimization)
    final = next(record for record in model.records_ if record["stage"] == "final")
    done = 30 - final["epochs"]
    if share is None:
        share = min(possible, 30 - done) / (min(possible, 30 - done) + done)
    assert final["history"][0]["learning_rate"] == pytest.approx(share * 0.01)


def test_candidates_that_were_trained_in_full_are_averaged_however_little_time_there_is(iris, monkeypatch):
    monkeypatch.setattr(budget.TimeBudget, "full_seconds", lambda *_: 1000.0)
    model = fit(iris, of_networks, time_limit=300, fidelity="full", max_trials=3, epochs=5)
    assert (board(model).stage == "ensemble").any()


def test_what_is_served_is_trained_in_full_though_the_search_ended_before(iris):
    # The seed is one whose best trial got better in its last rung.
    model = fit(iris, patience=2, max_trials=None, epochs=40, seed=3)
    board_ = board(model)
    assert model.stop_reason_ == "patience" and board_.query("stage == 'search'")["tuner/epochs"].max() < 40
    best = board_.query("rank == 1").best_epoch.item()
    assert best < 40 and board_.query("stage == 'final'").epochs.item() == 40 - best


def test_what_stopped_early_is_not_trained_again_when_it_is_promoted(iris):
    model = fit(
        iris,
        of_networks,
        strategy=oracles.SuccessiveHalvingOracle("random", min_epochs=20),
        fidelity="full",
        epochs=100,
        refit=False,
    )
    searched = board(model).query("stage == 'search'").set_index("trial_id")
    stopped = searched[searched.reason.str.contains("no improvement|overfitting", na=False)]
    again = stopped[stopped["tuner/rung"] > 0]
    before = searched.epochs[again["tuner/trial_id"]]
    assert len(again) >= 1 and (again.epochs.to_numpy() > before.to_numpy()).all()


def test_the_front_is_of_all_trials_that_no_trial_continues_and_holds_the_best_one(iris):
    model = fit(iris, objective=["val_loss", "params"], max_trials=12, strategy="evolution")
    searched, front = board(model).query("stage == 'search'"), model.pareto_front()
    assert searched["tuner/epochs"].nunique() == 3
    last = searched[~searched.trial_id.isin(searched["tuner/trial_id"])]
    points = last[["val_loss", "params"]].to_numpy()
    is_dominated = [any((other <= point).all() and (other < point).any() for other in points) for point in points]
    assert set(front.trial_id) == set(last.trial_id[~np.array(is_dominated)])
    assert front.trial_id.iloc[0] == searched.sort_values("rank").trial_id.iloc[0]
    smallest = front.params.min()
    assert model.select(params=smallest).leaderboard().query("stage == 'final'").params.iloc[0] == smallest


def test_checkpoints_are_kept_of_what_may_go_on(whole):
    files = {path.stem for path in (pathlib.Path(whole.directory_) / "checkpoints").iterdir()}
    searched = board(whole).query("stage == 'search'")
    assert files == set(searched.trial_id[searched["tuner/epochs"] < 9]) - set(searched["tuner/trial_id"].dropna())


@pytest.mark.parametrize(
    "arguments",
    [
        {"fidelity": "low"},
        {"fidelity": 3},
        {"strategy": keras_tuner.oracles.HyperbandOracle()},
        {"strategy": oracles.SuccessiveHalvingOracle()},
    ],
    ids=["low", "number", "keras tuner", "twice"],
)
def test_what_cannot_be_is_refused_before_anything_is_written(iris, folder, arguments):
    with pytest.raises(ValueError, match="`fidelity` must be"):
        fit(iris, **arguments)
    assert list(folder.iterdir()) == []
