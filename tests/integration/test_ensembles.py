"""Ensembles: an average of several candidates is served as one model, and is what it is said to be."""

import functools
import shutil
import subprocess
import sys
import textwrap
import time

import keras_tuner
import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits, load_wine
from sklearn.exceptions import NotFittedError

import autonas
from autonas import oracles
from autonas.data.fit_data import FitData
from autonas.estimators import plan as planning
from autonas.evaluation import training
from autonas.objectives import goal as goal_module
from autonas.search import ensembles
from autonas.search.state import Ensembling
from tests.helpers.budgets import QUIET
from tests.helpers.networks import of_networks, of_small_networks

pytestmark = pytest.mark.usefixtures("folder")

BUDGET = {**QUIET, "max_trials": 5, "epochs": 6, "strategy": "random"}


@pytest.fixture(scope="module")
def diabetes():
    return load_diabetes(return_X_y=True)


@pytest.fixture(scope="module")
def searched(diabetes, tmp_path_factory):
    """Folder of a finished search."""
    directory = tmp_path_factory.mktemp("searched") / "run"
    autonas.StructuredDataRegressor(**BUDGET, directory=directory).fit(*diabetes)
    return directory


@pytest.fixture
def regressor(diabetes, searched, tmp_path):
    """The estimator of the finished search, which is read again and not repeated."""
    directory = shutil.copytree(searched, tmp_path / "searched")
    return autonas.StructuredDataRegressor(**BUDGET, directory=directory).fit(*diabetes)


def validation_rmse(model):
    (head,) = model.validation_predictions_
    return pytest.approx(np.sqrt(np.mean((head.truth - head.outputs) ** 2)), rel=1e-4)


def test_it_says_how_its_score_compares_with_that_of_the_best_alone(diabetes, regressor):
    x, y = diabetes
    before, alone = regressor.best_score_, regressor.predict(x)
    assert before == validation_rmse(regressor)
    assert regressor.serve_ensemble(3) is regressor
    assert 2 <= len(regressor.ensemble_) <= 3
    assert sum(weight for _, weight in regressor.ensemble_) == pytest.approx(1)
    # With 88 validation rows no gain is needed.
    assert regressor.best_score_ == validation_rmse(regressor) and regressor.best_score_ < 1.1 * before
    assert not np.allclose(regressor.predict(x), alone)
    row = regressor.leaderboard().query("stage == 'ensemble'").iloc[0]
    assert row.score == regressor.best_score_ and row.seconds > 0
    # The nodes of trees that aren't used aren't served.
    assert row.parameters >= regressor.model_.count_params()
    assert f"val_rmse {before:.4g} by the best alone, {row.score:.4g} together" in row.reason
    assert ("the best of many on few rows is partly luck" in row.reason) == (row.score > before)


def test_it_averages_what_its_members_were_trained_to_on_all_rows(diabetes, regressor):
    x, _ = diabetes
    alone = regressor.predict(x)
    with pytest.warns(UserWarning, match="The ensemble is trial .* alone: of 4 other candidates none makes it better"):
        regressor.serve_ensemble(1)
    # The only member is what fit served.
    np.testing.assert_allclose(regressor.predict(x), alone, rtol=1e-4)


def test_without_a_final_fit_it_is_what_was_scored(diabetes):
    x, y = diabetes
    rows = np.arange(len(x)) % 4 == 0
    model = of_small_networks(head=autonas.RegressionHead, **BUDGET, refit=False)
    model.fit(x[~rows], y[~rows], validation_data=(x[rows], y[rows])).serve_ensemble()
    (head,) = model.validation_predictions_
    np.testing.assert_allclose(head.truth[:, 0], y[rows], rtol=1e-5)
    np.testing.assert_allclose(model.predict(x[rows]), head.outputs[:, 0], rtol=1e-4)
    assert model.evaluate(x[rows], y[rows])["rmse"] == pytest.approx(model.best_score_, rel=1e-4)


def test_all_that_an_estimator_does_works_as_before(iris):
    x, y = iris
    model = of_networks(**BUDGET).fit(x, y).serve_ensemble()
    assert len(model.ensemble_) > 1
    probabilities = model.predict_proba(x)
    assert np.allclose(probabilities.sum(1), 1, atol=1e-5) and model.score(x, y) > 0.6
    model.save("saved")
    script = """
        import autonas, numpy
        model = autonas.AutoModel.load("saved")
        numpy.save("p.npy", model.predict_proba(numpy.load("x.npy")))
        print(model.ensemble_, len(model.validation_predictions_))
    """
    np.save("x.npy", x)
    finished = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True)
    assert finished.stdout.strip() == f"{model.ensemble_} 1", finished.stderr
    np.testing.assert_allclose(np.load("p.npy"), probabilities, atol=1e-6)
    for path in ("model.onnx", "model.tflite"):
        assert model.export(path).difference < 1e-4
    again = autonas.AutoModel.load("saved")
    with pytest.raises(ValueError, match="`serve_ensemble` needs the rows and trials .* it was loaded"):
        again.serve_ensemble()
    assert not hasattr(model.fit(x, y), "ensemble_")


def test_a_finished_search_that_is_read_again_gives_the_same(diabetes, regressor):
    first = autonas.StructuredDataRegressor(**BUDGET).fit(*diabetes).serve_ensemble()
    assert first.ensemble_ == regressor.serve_ensemble().ensemble_
    np.testing.assert_allclose(first.predict(diabetes[0]), regressor.predict(diabetes[0]), rtol=1e-4)


def test_an_ensemble_stays_when_the_search_is_reopened(diabetes, regressor, tmp_path):
    regressor.serve_ensemble(3).save(tmp_path / "model")
    expected = regressor.predict(diabetes[0])
    copied = autonas.AutoModel.load(tmp_path / "model").reopen(*diabetes)
    assert copied.ensemble_ == regressor.ensemble_ and copied.best_score_ == regressor.best_score_
    np.testing.assert_array_equal(copied.predict(diabetes[0]), expected)
    ensemble = copied.leaderboard(*diabetes).query("stage == 'ensemble'").iloc[0]
    assert ensemble.test_rmse == pytest.approx(regressor.evaluate(*diabetes)["rmse"])
    assert (
        not hasattr(copied.get_models(1)[0], "ensemble_") and copied.serve_ensemble(3).ensemble_ == regressor.ensemble_
    )


def test_the_run_directory_stays_where_it_is_when_the_working_directory_changes(
    diabetes, searched, tmp_path, monkeypatch
):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "one")
    shutil.copytree(searched, "run")
    model = autonas.StructuredDataRegressor(**BUDGET, directory="run").fit(*diabetes)
    monkeypatch.chdir(tmp_path / "other")
    members = model.serve_ensemble(3).ensemble_
    model.get_models(1)
    assert list((tmp_path / "other").iterdir()) == []
    assert autonas.AutoModel.load(tmp_path / "one" / "run" / "model").ensemble_ == members


def test_a_moved_run_directory_is_reopened(diabetes, regressor, tmp_path):
    members = regressor.serve_ensemble(3).ensemble_
    regressor.save(tmp_path / "model")
    shutil.move(regressor.directory_, tmp_path / "moved")
    copied = autonas.AutoModel.load(tmp_path / "model")
    with pytest.raises(FileNotFoundError, match=r"If the run directory was moved, call `set_params\(directory=...\)`"):
        copied.reopen(*diabetes)
    copied.set_params(directory=tmp_path / "moved").reopen(*diabetes)
    assert copied.ensemble_ == members and copied.serve_ensemble(3).ensemble_ == members
    assert not (tmp_path / "searched").exists()


@pytest.mark.filterwarnings("ignore:.*Its content is computed again")
def test_damaged_predictions_are_made_again_by_the_weights(diabetes, tmp_path):
    arguments = {**BUDGET, "validation_split": 0.2, "ensemble": 3, "directory": tmp_path / "run"}
    members = autonas.StructuredDataRegressor(**arguments).fit(*diabetes).ensemble_
    model = autonas.StructuredDataRegressor(**arguments).fit(*diabetes)
    files = list((tmp_path / "run" / "predictions").glob("*.npz"))
    assert len(files) == 5
    for path in files:
        path.write_bytes(b"no numbers")
    found = model.serve_ensemble(3).ensemble_
    assert [trial for trial, _ in found] == [trial for trial, _ in members]
    assert [share for _, share in found] == pytest.approx([share for _, share in members])


def test_limits_hold_for_the_ensemble(diabetes):
    board = (
        of_small_networks(head=autonas.RegressionHead, **BUDGET).fit(*diabetes).leaderboard().query("stage == 'search'")
    )
    limit = int(board.parameters.nsmallest(3).sum())
    assert limit < board.parameters.sum()
    model = of_small_networks(head=autonas.RegressionHead, **BUDGET, constraints={"params": limit}).fit(*diabetes)
    model.serve_ensemble()
    assert model.model_.count_params() <= limit
    alone = model.leaderboard().query("stage == 'search' and rank > 0").sort_values("score").iloc[0]
    limit = int(alone.parameters)
    tight = of_small_networks(head=autonas.RegressionHead, **BUDGET, constraints={"params": limit}).fit(*diabetes)
    with pytest.warns(UserWarning, match="alone"):
        tight.serve_ensemble()
    assert len(tight.ensemble_) == 1


def test_of_several_objectives_the_first_that_training_changes(diabetes):
    model = autonas.StructuredDataRegressor(**BUDGET, objective=["params", "val_rmse"]).fit(*diabetes).serve_ensemble()
    best = model.leaderboard().query("stage == 'search'").val_rmse.min()
    row = model.leaderboard().query("stage == 'ensemble'").iloc[0]
    # Few rows need no gain.
    assert row.val_rmse < 1.02 * best and row.params >= model.model_.count_params()
    model.select(params=float(model.pareto_front().params.max()))
    assert "ensemble" not in set(model.leaderboard().stage) and not hasattr(model, "ensemble_")


def test_a_blend_of_a_metric_and_a_cost_counts_the_cost_of_the_ensemble(diabetes):
    objective = autonas.objectives.WeightedSum({"val_rmse": 1.0, "params": 10.0})
    model = autonas.StructuredDataRegressor(**BUDGET, objective=objective).fit(*diabetes)
    with pytest.warns(UserWarning, match="none makes it better"):
        model.serve_ensemble()


def test_of_a_continued_training_only_the_last_trial_is_a_member(diabetes):
    strategy = oracles.SuccessiveHalvingOracle("random", min_epochs=2, reduction=2)
    settings = {**BUDGET, "max_trials": 8, "epochs": 8, "strategy": strategy}
    model = of_small_networks(head=autonas.RegressionHead, **settings).fit(*diabetes).serve_ensemble()
    board = model.leaderboard().query("stage == 'search'")
    continued = set(board["tuner/trial_id"].dropna())
    assert continued and continued.isdisjoint(trial_id for trial_id, _ in model.ensemble_)
    assert len(model.ensemble_) > 1


def test_forecasts():
    # The logistic map: no linear forecast is any good.
    series = [0.3]
    for _ in range(400):
        series.append(3.8 * series[-1] * (1 - series[-1]))
    model = autonas.TimeSeriesForecaster(6, 2, **{**BUDGET, "epochs": 20, "seed": 2}).fit(np.array(series))
    before = model.best_score_
    model.serve_ensemble()
    assert len(model.ensemble_) > 1 and model.best_score_ < before
    assert model.evaluate(np.array(series))["rmse"] == pytest.approx(model.best_score_, rel=0.5)


def test_what_can_not_be_is_said(iris, monkeypatch):
    tensorflow = pytest.importorskip("tensorflow")
    monkeypatch.setattr("autonas.data.streams._MAX_KEPT_BYTES", 0)  # Smaller tables are searched as arrays.
    x, y = iris
    model = autonas.StructuredDataClassifier(**{**BUDGET, "max_trials": 1})
    model.fit(x, y)
    for k in (0, 1.5, True, None):
        with pytest.raises(ValueError, match="`k` must be a number of networks of at least 1. Received: k="):
            model.serve_ensemble(k)
    dataset = tensorflow.data.Dataset.from_tensor_slices((x, y)).batch(16)
    with pytest.raises(ValueError, match="`serve_ensemble` needs the predictions of completed candidates"):
        model.fit(dataset).serve_ensemble()
    with pytest.raises(NotFittedError):
        autonas.AutoModel().serve_ensemble()


# ---------------------------------------------------------------------- as an argument of the constructor


def trained(monkeypatch):
    """Return a list that gets the id of each trial that is trained from now on."""
    ids, train = [], training.train
    monkeypatch.setattr(
        training, "train", lambda loop, *arguments, **keywords: ids.append(1) or train(loop, *arguments, **keywords)
    )
    return ids


def test_fit_ends_with_an_ensemble_of_as_many_as_asked_for(diabetes, monkeypatch):
    model = autonas.StructuredDataRegressor(**BUDGET, ensemble=3, directory="run").fit(*diabetes)
    assert 2 <= len(model.ensemble_) <= 3
    row = model.leaderboard().query("stage == 'ensemble'").iloc[0]
    assert row.score == model.best_score_ == validation_rmse(model)
    trainings = trained(monkeypatch)
    again = autonas.StructuredDataRegressor(**BUDGET, ensemble=3, directory="run").fit(*diabetes)
    assert again.ensemble_ == model.ensemble_ and trainings == []
    np.testing.assert_array_equal(again.predict(diabetes[0]), model.predict(diabetes[0]))
    alone = autonas.StructuredDataRegressor(**BUDGET, ensemble=None, directory="run").fit(*diabetes)
    assert not hasattr(alone, "ensemble_")
    assert alone.best_score_ == alone.leaderboard().query("stage == 'search'").score.min()


def test_an_ensemble_is_made_within_the_time_limit(diabetes):
    # 25 s, so that a slow machine has trained some candidates when the time of the ensemble begins.
    arguments = {**BUDGET, "max_trials": None, "epochs": None, "strategy": "auto"}
    model = autonas.StructuredDataRegressor(**arguments, ensemble=3, time_limit=25)
    started = time.monotonic()
    model.fit(*diabetes)
    assert time.monotonic() - started < 35 and model.stop_reason_ == "time_limit"
    assert 2 <= len(model.ensemble_) <= 3


def selection(**arguments):
    plan = planning.make_plan(autonas.AutoModel(**arguments), FitData(np.zeros((9, 2)), np.zeros(9), None, None, None))
    return plan.selection


def goal(names, costs=()):
    objectives = tuple(keras_tuner.Objective(name, "min") for name in names)
    return goal_module.Goal(objectives, costs)


def test_by_default_a_time_limit_and_one_trained_objective_make_an_ensemble():
    automatic = selection()
    assert automatic.ensembling(goal(["val_loss"]), 60.0) == Ensembling(5, is_automatic=True)
    assert automatic.ensembling(goal(["val_loss"]), None) == Ensembling()
    assert automatic.ensembling(goal(["val_loss", "val_rmse"]), 60.0) == Ensembling()
    params = autonas.objectives.Params()
    assert automatic.ensembling(goal(["params"], (params,)), 60.0) == Ensembling()
    assert selection(ensemble=4).ensembling(goal(["val_loss"]), None) == Ensembling(4)
    assert selection(ensemble=None).ensembling(goal(["val_loss"]), 60.0) == Ensembling()


def test_an_automatic_ensemble_has_only_members_that_there_is_time_to_build(regressor, monkeypatch):
    _, search = regressor._searched
    stage = ensembles.EnsembleStage(search.state, search.serving.final_stage)
    candidates = stage.candidates.predictions()
    is_time_for = functools.partial(stage._is_time_for, next(iter(candidates)))
    assert len(stage._select(candidates, 5, is_time_for).members) >= 2
    monkeypatch.setattr(search.state.budget, "building_seconds", lambda record: 1.0)
    # The network of the best candidate is built in any case.
    monkeypatch.setattr(search.state.budget, "remaining", lambda: 1.5)
    assert len(stage._select(candidates, 5, is_time_for).members) == 2
    monkeypatch.setattr(search.state.budget, "remaining", lambda: 0.5)
    chosen = stage._select(candidates, 5, is_time_for)
    assert len(chosen.members) == 1 and chosen.refused


def test_the_time_is_for_a_better_fit_of_the_best_weights_before_those_of_an_average(regressor, monkeypatch):
    _, search = regressor._searched
    stage, time_budget = ensembles.EnsembleStage(search.state, search.serving.final_stage), search.state.budget
    candidates = stage.candidates.predictions()
    best = next(iter(candidates))
    monkeypatch.setattr(search.state, "refits", True)
    monkeypatch.setattr(time_budget, "building_seconds", lambda record: 0.0)
    monkeypatch.setattr(time_budget, "final_seconds", lambda record: 2.0)
    monkeypatch.setattr(time_budget, "remaining", lambda: 6.0)

    def fitted_again(time_share):
        monkeypatch.setitem(search.records[best].report, "fitted", [{"time_share": time_share}])
        members = stage._select(candidates, 5, functools.partial(stage._is_time_for, best)).members
        return [name for name in members if name != best and not search.records[name].has_final_weights]

    assert len(fitted_again(1.0)) >= 2
    # The weights of the best candidate take 1.15 * 4 s: they had half of the time.
    assert fitted_again(0.5) == []
    monkeypatch.setattr(time_budget, "remaining", lambda: 7.0)
    assert len(fitted_again(0.5)) == 1


def final_fits_of(search, monkeypatch):
    """Return the list of the ids of the candidates that a search trains further from now on, in their order."""
    refitted, refit = [], search.serving.final_stage.refitted
    monkeypatch.setattr(
        search.serving.final_stage,
        "refitted",
        lambda record, length: refitted.append(record.trial_id) or refit(record, length),
    )
    return refitted


def test_without_time_for_all_final_fits_the_members_of_the_largest_weights_have_one(diabetes, monkeypatch):
    arguments = BUDGET | {"max_trials": 3, "validation_folds": None}
    model = of_small_networks(head=autonas.RegressionHead, **arguments).fit(*diabetes)
    _, search = model._searched
    names = [record.trial_id for record in search.state.standings.ranked()]
    seconds = dict(zip(names, [10.0, 1.0, 2.0], strict=True))
    monkeypatch.setattr(search.serving.final_stage, "earlier", None)
    monkeypatch.setattr(search.state.budget, "final_seconds", lambda record: seconds[record.trial_id])
    refitted = final_fits_of(search, monkeypatch)
    # A trained network needs half of its time.
    for remaining, expected in [(5.2, names[:1]), (5.6, names[1::-1]), (7.0, [names[1], names[2], names[0]])]:
        refitted.clear()
        monkeypatch.setattr(search.state.budget, "remaining", lambda remaining=remaining: remaining)
        chosen = ensembles.Selection(dict(zip(names, [0.6, 0.3, 0.1], strict=True)), {}, {}, 0)
        ensembles.MemberTraining(search.state, search.serving.final_stage).networks(chosen)
        assert refitted == expected


def test_members_whose_final_fit_fails_have_the_weights_of_the_search(diabetes, regressor, monkeypatch):
    _, search = regressor._searched

    def fail(*arguments):
        raise training.Diverged("The loss became NaN.")

    monkeypatch.setattr(search.serving.final_stage, "earlier", None)
    monkeypatch.setattr(search.evaluator, "final_fit", fail)
    regressor.serve_ensemble(3)
    members = [regressor.model_of(trial_id).predict(diabetes[0]) for trial_id, _ in regressor.ensemble_]
    weights = [weight for _, weight in regressor.ensemble_]
    np.testing.assert_allclose(regressor.predict(diabetes[0]), np.average(members, 0, weights), rtol=1e-4)
    reasons = regressor.leaderboard().set_index("trial_id").reason[[trial_id for trial_id, _ in regressor.ensemble_]]
    assert reasons.str.contains("final fit failed .The loss became NaN").all()


def test_a_network_that_needs_all_of_the_time_is_averaged_with_fitted_weights_as_they_are(diabetes, monkeypatch):
    points = [{"structured_data_block_1/kind": kind} for kind in ("dense", "trees", "linear")]
    points.append(points[0] | {"optimization/batch_size": 256})
    oracle = oracles.RandomOracle(initial_points=points, seed=0)
    arguments = BUDGET | {"strategy": oracle, "max_trials": 4, "validation_folds": None}
    model = autonas.StructuredDataRegressor(**arguments).fit(*diabetes)
    _, search = model._searched
    stage = ensembles.EnsembleStage(search.state, search.serving.final_stage)
    predictions = stage.candidates.predictions()
    network, *fitted = sorted(predictions)[:3]
    ordered = {network: predictions.pop(network), **predictions}
    monkeypatch.setattr(stage.candidates, "predictions", lambda *args, **kwargs: ordered)
    monkeypatch.setattr(search.state, "ensemble", Ensembling(5, is_automatic=True))
    monkeypatch.setattr(search.serving.final_stage, "earlier", None)
    monkeypatch.setattr(search.serving.final_stage, "needing_all_time", lambda: search.records[network])
    refitted = final_fits_of(search, monkeypatch)
    served = stage.serve_if_better()
    # Only the network that leads is trained further, and no other network is a member. Weights for all rows that are
    # known already are used.
    members = set(served.record.report["members"])
    assert members & set(fitted) and members <= {network, *fitted}
    known = {name for name in fitted if search.records[name].has_final_weights}
    assert len(known) == 1 and set(refitted) == members & {network, *known}


def test_members_with_smoothed_labels_are_selected_by_calibrated_probabilities():
    x, y = load_digits(return_X_y=True)
    points = [{"classification_head_1/label_smoothing": smoothing} for smoothing in (0.2, 0.0)]
    oracle = oracles.RandomOracle(initial_points=points, seed=0)
    images = x.reshape(-1, 8, 8).astype("uint8")
    model = autonas.ImageClassifier(**(BUDGET | {"strategy": oracle, "max_trials": 2, "epochs": 3})).fit(images, y)
    _, search = model._searched
    candidates = ensembles.EnsembleStage(search.state, search.serving.final_stage).candidates.predictions()
    (head,) = search.state.evaluator.problem.graph.head_names
    loss = search.state.evaluator.problem.scorer
    rows = search.state.evaluator.problem.dataset.validation_rows
    for trial, is_smoothed in (("0000", True), ("0001", False)):
        before = search.state.kept_predictions(trial)
        if is_smoothed:
            assert loss(candidates[trial], rows)["val_loss"] < 0.9 * loss(before, rows)["val_loss"]
        else:
            np.testing.assert_array_equal(candidates[trial][head], before[head])


def test_fitted_weights_are_selected_by_their_own_probabilities():
    x, y = load_digits(return_X_y=True)
    oracle = oracles.RandomOracle(initial_points=[{"image_block_1/kind": "patches"}], seed=0)
    images = x.reshape(-1, 8, 8).astype("uint8")
    model = autonas.ImageClassifier(**(BUDGET | {"strategy": oracle, "max_trials": 1})).fit(images, y)
    _, search = model._searched
    # The candidate has probabilities that a factor would make surer.
    own = {name: 0.5 * kept + 0.05 for name, kept in search.state.kept_predictions("0000").items()}
    stage = ensembles.EnsembleStage(search.state, search.serving.final_stage)
    assert stage.candidates._calibrated(search.records["0000"], own) is own


def test_members_of_a_classifier_are_selected_by_the_loss():
    model = of_small_networks(**BUDGET, objective="val_accuracy").fit(*load_wine(return_X_y=True))
    _, search = model._searched
    stage = ensembles.EnsembleStage(search.state, search.serving.final_stage)
    head, rows = stage.problem.scorer.heads[0], stage.problem.dataset.validation_rows
    truth = np.eye(3, dtype="float32")[head.encoded[rows].astype(int).ravel()]
    # Both have the right class in every row, so that accuracy can't tell them apart.
    candidates = {"unsure": {head.name: 0.2 + 0.4 * truth}, "sure": {head.name: 0.02 + 0.94 * truth}}
    chosen = stage._select(candidates, 5)
    assert chosen.members["sure"] > chosen.members.get("unsure", 0.0)
    assert chosen.after["val_accuracy"] == chosen.before["val_accuracy"] == 1.0
    assert chosen.after["val_loss"] < chosen.before["val_loss"]


@pytest.mark.parametrize("ensemble", [0, -1, 1.5, "many", True])
def test_another_number_is_refused(ensemble, diabetes):
    with pytest.raises(ValueError, match="`ensemble` must be 'auto', a positive number of candidates, or None. Rec"):
        autonas.StructuredDataRegressor(**BUDGET, ensemble=ensemble).fit(*diabetes)
