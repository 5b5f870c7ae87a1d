"""Limits and Pareto fronts through `AutoModel`: what is refused, what is served, and other points of the front."""

import copy
import json
import pathlib
import pickle
import time

import numpy as np
import pandas
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits

import autonas
import autonas.objectives as objectives
from autonas.evaluation import evaluator
from tests.helpers.budgets import QUIET
from tests.helpers.leaderboards import board
from tests.helpers.regressions import of_regressions

pytestmark = pytest.mark.usefixtures("folder")

BUDGET = {**QUIET, "max_trials": 4, "epochs": 2, "strategy": "random"}


def classifier(**arguments):
    return autonas.StructuredDataClassifier(**{**BUDGET, **arguments})


def rows(model, *statuses):
    board = model.leaderboard()
    return board[(board.stage == "search") & board.status.isin(statuses)]


@pytest.fixture
def trained(monkeypatch):
    """Numbers of the trials whose networks are trained from here on; a final fit counts as -1."""
    numbers = []
    train = evaluator.training.train

    def counted(loop, rows, length, validation=None, *args, **kwargs):
        numbers.append(-1 if validation is None else 1)
        return train(loop, rows, length, validation, *args, **kwargs)

    monkeypatch.setattr(evaluator.training, "train", counted)
    return numbers


# ---------------------------------------------------------------------- limits


def test_what_is_beyond_a_limit_is_refused_untrained_and_is_none_of_max_trials(iris, trained):
    model = classifier(constraints={"params": 5000, "flops": 20000}).fit(*iris)
    completed, refused = rows(model, "completed"), rows(model, "refused")
    assert trained == [1] * 4 + [-1] and model.stop_reason_ == "max_trials"
    assert len(completed) == 4 and len(refused) > 0
    assert (completed.params <= 5000).all() and (completed.flops <= 20000).all()
    assert ((refused.params > 5000) | (refused.flops > 20000)).all()
    assert (refused.epochs == 0).all() and refused.score.isna().all() and (refused.parameters == refused.params).all()
    assert refused.reason.str.match(r"(params|flops) is [\d,]+, over the limit of (5,000|20,000)").all()


def test_what_is_served_keeps_the_limits(iris):
    model = classifier(constraints={"params": 5000}).fit(*iris)
    assert model.model_.count_params() <= 5000
    assert model.leaderboard().iloc[0].params == model.model_.count_params()
    assert model.score(*iris) > 0.3


@pytest.mark.parametrize("strategy", ["random", "evolution", "bayesian", "reinforcement", "local_search"])
def test_every_strategy_keeps_to_limits_and_searches_fronts(iris, strategy):
    objective, limits = ["val_accuracy", "flops"], {"params": 60}
    model = of_regressions(
        **{**BUDGET, "strategy": strategy, "max_trials": 8}, objective=objective, constraints=limits
    ).fit(*iris)
    assert len(rows(model, "completed")) == 8 and (rows(model, "completed").params <= 60).all()
    front = model.pareto_front()
    assert len(front) >= 1 and (front.params <= 60).all() and model.model_.count_params() <= 60
    assert front.val_accuracy.is_monotonic_decreasing and front.flops.is_monotonic_decreasing


def test_if_nothing_keeps_to_the_limits_the_nearest_is_served_with_a_warning(iris, trained):
    with pytest.warns(autonas.InfeasibleWarning, match="None of 100 architectures keeps to the limits") as caught:
        model = of_regressions(**BUDGET, constraints={"params": 3}).fit(*iris)
    refused = rows(model, "refused")
    nearest = refused.params.min()
    assert len(refused) == 100 and model.stop_reason_ == "constraints" and trained == [1, -1]
    (warned,) = (each for each in caught if each.category is autonas.InfeasibleWarning)
    message = str(warned.message)
    assert f"params is {nearest:,.0f}, over the limit of 3" in message and "Relax `constraints`" in message
    assert warned.filename == __file__
    served = model.leaderboard().iloc[1]
    assert served.stage == "infeasible" and served["rank"] == 1 and "over the limit of 3" in served.reason
    assert model.model_.count_params() == nearest and model.best_score_ == served.score


def test_half_of_the_time_is_kept_for_the_nearest(iris):
    started = time.monotonic()
    with pytest.warns(autonas.InfeasibleWarning, match="time_limit"):
        # Each measurement takes long enough that hundred of them wouldn't fit.
        slow = objectives.CustomCost(lambda model: time.sleep(0.3) or 2.0, "energy")
        model = classifier(constraints={slow: 1.0}, time_limit=8, max_trials=None, epochs=200).fit(*iris)
    assert time.monotonic() - started < 9
    assert model.score(*iris) > 0.3


def test_a_measurement_that_was_lucky_is_found_out_before_the_model_is_served(iris):
    def search(energy):
        constraint = {objectives.CustomCost(energy, "energy"): 5.0}
        return classifier(objective="params", constraints=constraint, max_trials=3).fit(*iris)

    smallest, second, _ = sorted(rows(search(lambda model: 1.0), "completed").params)
    seen = []

    def energy(model):
        """That of the best candidate is larger from the second time on."""
        seen.append(model.count_params())
        return 9.0 if model.count_params() == smallest and seen.count(smallest) > 1 else 1.0

    model = search(energy)
    lucky = rows(model, "completed").set_index("params").loc[smallest]
    assert lucky.reason == "when measured again, energy is 9, over the limit of 5"
    # The cost of boosted trees is that of as many as there may be; the network that is served has fewer.
    assert model.model_.count_params() <= second and model.best_score_ == second
    assert seen.count(smallest) == 1 + 3


def test_a_cost_that_cannot_be_measured_fails_its_candidate_and_says_why(iris):
    def energy(model):
        if len(model.layers) > 6:
            raise RuntimeError("too deep for the meter")
        return 1.0

    model = classifier(constraints={objectives.CustomCost(energy, "energy"): 2.0}, max_trials=6).fit(*iris)
    failed = rows(model, "failed")
    assert len(failed) + len(rows(model, "completed")) == 6
    assert failed.reason.eq("RuntimeError: too deep for the meter").all()


@pytest.mark.parametrize("executor", ["inline", "process"])
def test_one_network_has_one_measured_cost_whatever_it_is_trained_by(iris, tmp_path, executor):
    node = autonas.StructuredDataInput()
    hidden = autonas.DenseBlock(autonas.Choice([4, 8]), 1, "relu", False, autonas.Choice([0.0, 0.2]), False)(node)
    head = autonas.ClassificationHead(dropout=autonas.Choice([0.0, 0.5]))(hidden)
    arguments = {**BUDGET, "objective": ["val_accuracy", objectives.CustomCost(clock, "energy")], "refit": True}
    arguments |= {"epochs": 1, "executor": executor, "directory": tmp_path / "run", "strategy": "random"}

    def costs_of(model):
        found = rows(model, "completed")
        assert found.energy.nunique() == found.parameters.nunique() < len(found)
        assert (found.groupby("parameters").energy.nunique() == 1).all()
        final = model.leaderboard().query("stage == 'final'").iloc[0]
        served = found[found.parameters == final.parameters]
        assert (served.energy == final.energy).all()
        return dict(zip(found.parameters, found.energy, strict=True))

    first = costs_of(autonas.AutoModel(node, head, **arguments | {"max_trials": 6}).fit(*iris))
    more = costs_of(autonas.AutoModel(node, head, **arguments | {"max_trials": 9, "executor": "inline"}).fit(*iris))
    assert {params: more[params] for params in first} == first  # A search that goes on measures nothing again.


def clock(model):
    """A cost that is another number each time it is measured."""
    return float(time.perf_counter_ns())


# ---------------------------------------------------------------------- objectives


def test_a_scorer_of_scikit_learn_is_an_objective(iris):
    model = classifier(objective="f1_macro").fit(*iris)
    assert model.objective_ == ("val_f1_macro", "max")
    assert model.best_score_ == rows(model, "completed").val_f1_macro.max()
    assert 0 <= model.evaluate(*iris)["f1_macro"] <= 1


def test_ones_own_score_is_given_the_model_and_the_validation_rows(iris):
    shapes = []

    def profit(model, data):
        x, y = data
        shapes.append((next(iter(x.values())).shape[0], y.shape))
        return float((np.asarray(next(iter(model(x).values()))).argmax(1) == y).sum())

    model = classifier(objective=objectives.CustomScore(profit)).fit(*iris)
    assert set(shapes) == {(30, (30,))} and model.objective_ == ("profit", "max")
    found = rows(model, "completed")
    assert model.best_score_ == found.profit.max()
    assert found.profit.tolist() == pytest.approx((found.val_accuracy * 30).tolist())


def test_a_blend_is_the_score_and_its_parts_are_in_the_table(iris):
    blend = objectives.WeightedSum({"val_accuracy": 1, "params": 1e-4})
    model = classifier(objective=blend).fit(*iris)
    found = rows(model, "completed")
    assert model.objective_ == ("weighted_sum", "max")
    assert found.score.tolist() == pytest.approx((found.val_accuracy - 1e-4 * found.params).tolist())
    assert model.best_score_ == found.score.max()


def test_a_cost_alone_is_an_objective(iris):
    model = classifier(objective="params").fit(*iris)
    assert model.model_.count_params() == rows(model, "completed").params.min() == model.best_score_


# ---------------------------------------------------------------------- fronts


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(return_X_y=True)
    return x[:400].reshape(-1, 8, 8), y[:400]


def of_images(**arguments):
    """An estimator that searches small networks of convolutions for two objectives."""
    node = autonas.ImageInput()
    convolution = autonas.ConvolutionBlock(filters=autonas.Choice([2, 8, 32], default=32), n_stages=1, kind="plain")
    head = autonas.ClassificationHead()(autonas.Reduction("flatten")(convolution(node)))
    arguments = {**BUDGET, "strategy": "evolution", "objective": ["val_accuracy", "params"], **arguments}
    return autonas.AutoModel(node, head, **arguments)


@pytest.fixture(scope="module")
def searched(digits, tmp_path_factory):
    directory = tmp_path_factory.mktemp("front") / "run"
    return of_images(max_trials=8, tensorboard=True, directory=directory).fit(*digits)


def test_the_front_is_what_no_other_trial_beats(searched):
    front, completed = searched.pareto_front(), rows(searched, "completed")
    assert len(front) >= 2
    for _, row in completed.iterrows():
        beaten = (completed.val_accuracy >= row.val_accuracy) & (completed.params <= row.params)
        beaten &= (completed.val_accuracy > row.val_accuracy) | (completed.params < row.params)
        assert (row.trial_id in set(front.trial_id)) == (not beaten.any())
    assert searched.objectives_ == [("val_accuracy", "max"), ("params", "min")]
    assert searched.best_score_ == front.val_accuracy.max() == front.val_accuracy.iloc[0]


def test_weights_of_the_front_are_kept_and_no_others(searched):
    files = {path.name.split(".")[0] for path in (pathlib.Path(searched.directory_) / "weights").iterdir()}
    assert files - {"final"} == set(searched.pareto_front().trial_id)


def test_select_trains_and_serves_another_point_without_searching(searched, digits, trained):
    front = searched.pareto_front()
    limit = front.params.iloc[-2] - 1
    chosen = searched.select(params=limit)
    assert chosen is searched and trained == [-1]
    assert searched.model_.count_params() == front.params.iloc[-1] <= limit
    assert searched.best_score_ == front.val_accuracy.iloc[-1]
    assert searched.leaderboard().iloc[0].params == front.params.iloc[-1]
    loaded = autonas.AutoModel.load(pathlib.Path(searched.directory_) / "model")
    assert loaded.model_.count_params() == front.params.iloc[-1]
    np.testing.assert_array_equal(loaded.predict(digits[0]), searched.predict(digits[0]))
    searched.select()
    assert searched.model_.count_params() == front.params.iloc[0]


def test_after_an_interrupted_search_a_selected_trial_has_a_final_fit(searched, trained):
    search = searched._searched[1]
    search.state.stop_reason = "interrupted"
    searched.select(params=searched.pareto_front().params.min())
    assert trained == [-1] and searched.stop_reason_ == "interrupted"
    search.state.stop_reason = "max_trials"
    searched.select()


def test_of_a_limited_objective_the_best_by_another_is_taken(searched):
    front = searched.pareto_front()
    searched.select(val_accuracy=front.val_accuracy.min())
    assert searched.model_.count_params() == front.params.min()


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"params": 1}, "finds no point within .'params': 1.. The front has val_accuracy from .* to .*; params from"),
        ({"latency_ms": 4}, "takes limits of val_accuracy, params. Received: latency_ms"),
        ({"params": float("nan")}, "limit of `select` must be a number. Received: params=nan"),
        ({"params": "1"}, "limit of `select` must be a number. Received: params='1'"),
    ],
)
def test_a_point_that_is_not_there_is_refused(searched, limits, message):
    before = searched.model_
    with pytest.raises(ValueError, match=message):
        searched.select(**limits)
    assert searched.model_ is before


def test_select_needs_several_objectives():
    model = autonas.AutoModel()
    model.predictor_, model.objectives_ = object(), [("val_loss", "min")]
    with pytest.raises(ValueError, match="`select` needs several objectives.*objective='val_loss'"):
        model.select(val_loss=1.0)


def test_select_of_an_empty_front_names_the_constraints(searched, monkeypatch):
    monkeypatch.setattr(searched, "constraints", {"params": 3})
    front = searched.pareto_front()
    monkeypatch.setattr(searched, "pareto_front", lambda: front.head(0))
    with pytest.raises(ValueError, match="front is empty, because no candidate keeps to constraints=.'params': 3.*Rel"):
        searched.select(params=100)


def test_a_search_that_its_time_limit_ended_is_reopened_without_further_trials(iris, tmp_path):
    model = classifier(time_limit=4, max_trials=None, objective=["val_loss", "params"], refit=False).fit(*iris)
    model.save(tmp_path / "model")
    journal = pathlib.Path(model.directory_, "journal.jsonl")
    before = journal.read_bytes()
    reopened = autonas.AutoModel.load(tmp_path / "model").reopen(*iris)
    assert journal.read_bytes() == before and reopened.stop_reason_ == model.stop_reason_ == "time_limit"
    reopened.select()
    saved = autonas.AutoModel.load(pathlib.Path(model.directory_, "model"))
    assert saved.stop_reason_ == "time_limit" and saved.directory is reopened.directory is None
    np.testing.assert_array_equal(reopened.predict_proba(iris[0]), model.predict_proba(iris[0]))
    journal.unlink()
    with pytest.raises(FileNotFoundError, match="`directory_` must be a run directory with the search"):
        autonas.AutoModel.load(tmp_path / "model").reopen(*iris)


def test_the_selected_model_stays_when_the_search_is_reopened(iris, tmp_path, trained):
    model = of_regressions(**BUDGET, objective=["val_accuracy", "params"]).fit(*iris)
    first = model.search_["served"]
    model.select(params=model.pareto_front().params.min())
    model.save(tmp_path / "model")
    expected, record = model.predict_proba(iris[0]), model.__getstate__()
    loaded = autonas.AutoModel.load(tmp_path / "model")
    loaded.set_params(inputs=model.inputs, outputs=model.outputs)
    trained.clear()
    for copied in (loaded, pickle.loads(pickle.dumps(model)), model):
        assert copied.reopen(*iris) is copied
        np.testing.assert_array_equal(copied.predict_proba(iris[0]), expected)
        for name in ("search_", "best_score_", "history_", "records_", "stop_reason_"):
            assert getattr(copied, name) == record[name]
        assert copied.search_["served"] != first
        saved = autonas.AutoModel.load(pathlib.Path(model.directory_, "model"))
        np.testing.assert_array_equal(saved.predict_proba(iris[0]), expected)
    assert trained == [] and len(model.get_models(2)) == 2


def test_a_search_for_one_objective_has_no_front(iris):
    model = classifier(max_trials=1).fit(*iris)
    for use in (model.pareto_front, model.select, model.plot_pareto):
        with pytest.raises(ValueError, match="front. Received in fit: objective='val_loss'"):
            use()


def test_copies_leave_the_rows_behind_and_reopen_the_finished_search(searched, digits, trained):
    smallest = searched.pareto_front().params.min()
    for copied in (pickle.loads(pickle.dumps(searched)), copy.deepcopy(searched)):
        pandas.testing.assert_frame_equal(copied.pareto_front(), searched.pareto_front())
        with pytest.raises(ValueError, match="has none: it was loaded or pickled. Call `reopen` with the data"):
            copied.select()
        assert copied.reopen(*digits).select(params=smallest).model_.count_params() == smallest
    again = clone(searched).fit(*digits)
    assert 1 not in trained
    pandas.testing.assert_frame_equal(again.pareto_front(), searched.pareto_front())
    again.select(params=searched.pareto_front().params.min())
    assert again.model_.count_params() == searched.pareto_front().params.min()


def test_without_a_refit_the_weights_that_were_scored_are_served(digits, tmp_path):
    model = of_images(max_trials=5, refit=False).fit(*digits)
    smallest = model.pareto_front().iloc[-1]
    model.select(params=smallest.params)
    x, y = digits
    rows_ = model._searched[0].dataset.validation_rows
    assert model.score(x[rows_], y[rows_]) == pytest.approx(smallest.val_accuracy)


def test_the_hypervolume_is_logged_and_never_falls(searched):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(pathlib.Path(searched.directory_) / "tensorboard" / "search"))
    events.Reload()
    volumes = [event.value for event in events.Scalars("hypervolume")]
    assert volumes[0] == pytest.approx(1.0) and volumes == sorted(volumes) and len(volumes) == 8
    sizes = [event.value for event in events.Scalars("front_size")]
    assert sizes[-1] == len(searched.pareto_front())
    assert len(events.Scalars("objective/params")) == 8


# ---------------------------------------------------------------------- continuing


def test_a_search_with_refused_candidates_goes_on_where_it_was_cut_off(iris, folder):
    def fit(directory, max_trials=8, params=60):
        arguments = {**BUDGET, "strategy": "evolution", "max_trials": max_trials, "directory": directory}
        objective, limits = ["val_accuracy", "flops"], {"params": params}
        return of_regressions(**arguments, objective=objective, constraints=limits).fit(*iris)

    whole = fit("whole")
    assert len(rows(whole, "refused")) > 0
    fit("cut", max_trials=4)
    journal = folder / "cut" / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    ends = [place for place, line in enumerate(lines) if json.loads(line)["event"] == "ended"]
    journal.write_text("".join(lines[: ends[-1]]))  # The last trial is under way when it is killed.
    pandas.testing.assert_frame_equal(board(fit("cut")), board(whole))
    with pytest.raises(ValueError, match="constraints.params was 60.0 and is 50.0"):
        fit("cut", params=50)
