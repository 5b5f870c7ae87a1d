"""Ensembles: an average of several candidates is served as one model, and is what it is said to be."""

import shutil
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError

import autonas
from autonas import oracles

pytestmark = pytest.mark.usefixtures("folder")

BUDGET = {"max_trials": 5, "epochs": 6, "tensorboard": False, "verbose": 0, "seed": 0, "strategy": "random"}


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


def test_it_is_better_on_the_validation_rows_and_says_by_how_much(diabetes, regressor):
    x, y = diabetes
    before, alone = regressor.best_score_, regressor.predict(x)
    assert before == validation_rmse(regressor)
    assert regressor.ensemble(3) is regressor
    assert 2 <= len(regressor.ensemble_) <= 3
    assert sum(weight for _, weight in regressor.ensemble_) == pytest.approx(1)
    assert regressor.best_score_ < before and regressor.best_score_ == validation_rmse(regressor)
    assert not np.allclose(regressor.predict(x), alone)
    row = regressor.leaderboard().query("stage == 'ensemble'").iloc[0]
    assert row.score == regressor.best_score_ and row.seconds > 0
    assert row.parameters == regressor.model_.count_params()
    assert f"val_rmse {before:.4g} by the best alone, {row.score:.4g} together" in row.reason


def test_it_averages_what_its_members_were_trained_to_on_all_rows(diabetes, regressor):
    x, _ = diabetes
    alone = regressor.predict(x)
    with pytest.warns(UserWarning, match="The ensemble is trial .* alone: of 4 other candidates none makes it better"):
        regressor.ensemble(1)
    # The only member is what fit served.
    np.testing.assert_allclose(regressor.predict(x), alone, rtol=1e-4)


def test_without_a_final_fit_it_is_what_was_scored(diabetes):
    x, y = diabetes
    rows = np.arange(len(x)) % 4 == 0
    model = autonas.StructuredDataRegressor(**BUDGET, refit=False)
    model.fit(x[~rows], y[~rows], validation_data=(x[rows], y[rows])).ensemble()
    (head,) = model.validation_predictions_
    np.testing.assert_allclose(head.truth[:, 0], y[rows], rtol=1e-5)
    np.testing.assert_allclose(model.predict(x[rows]), head.outputs[:, 0], rtol=1e-4)
    assert model.evaluate(x[rows], y[rows])["rmse"] == pytest.approx(model.best_score_, rel=1e-4)


def test_all_that_an_estimator_does_works_as_before(iris):
    x, y = iris
    model = autonas.StructuredDataClassifier(**BUDGET).fit(x, y).ensemble()
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
    with pytest.raises(ValueError, match="`ensemble` trains a network, and this .* has no rows: it was loaded"):
        again.ensemble()
    assert not hasattr(model.fit(x, y), "ensemble_")


def test_a_finished_search_that_is_read_again_gives_the_same(diabetes, regressor):
    first = autonas.StructuredDataRegressor(**BUDGET).fit(*diabetes).ensemble()
    assert first.ensemble_ == regressor.ensemble().ensemble_
    np.testing.assert_allclose(first.predict(diabetes[0]), regressor.predict(diabetes[0]), rtol=1e-4)


def test_limits_hold_for_the_ensemble(diabetes, regressor):
    board = regressor.leaderboard().query("stage == 'search'")
    limit = int(board.parameters.max())
    model = autonas.StructuredDataRegressor(**BUDGET, constraints={"params": limit}).fit(*diabetes)
    model.ensemble()
    assert model.model_.count_params() <= limit
    alone = model.leaderboard().query("stage == 'search' and rank > 0").sort_values("score").iloc[0]
    tight = autonas.StructuredDataRegressor(**BUDGET, constraints={"params": int(alone.parameters)}).fit(*diabetes)
    with pytest.warns(UserWarning, match="alone"):
        tight.ensemble()
    assert len(tight.ensemble_) == 1


def test_of_several_objectives_the_first_that_training_changes(diabetes):
    model = autonas.StructuredDataRegressor(**BUDGET, objective=["params", "val_rmse"]).fit(*diabetes).ensemble()
    best = model.leaderboard().query("stage == 'search'").val_rmse.min()
    row = model.leaderboard().query("stage == 'ensemble'").iloc[0]
    assert row.val_rmse < best and row.params == model.model_.count_params()
    model.select(params=float(model.pareto_front().params.max()))
    assert "ensemble" not in set(model.leaderboard().stage) and not hasattr(model, "ensemble_")


def test_a_blend_of_a_metric_and_a_cost_counts_the_cost_of_the_ensemble(diabetes):
    objective = autonas.objectives.WeightedSum({"val_rmse": 1.0, "params": 10.0})
    model = autonas.StructuredDataRegressor(**BUDGET, objective=objective).fit(*diabetes)
    with pytest.warns(UserWarning, match="none makes it better"):
        model.ensemble()


def test_of_short_trainings_only_the_farthest_count(diabetes):
    strategy = oracles.SuccessiveHalvingOracle("random", min_epochs=2, reduction=2)
    model = autonas.StructuredDataRegressor(**{**BUDGET, "max_trials": 6, "epochs": 8, "strategy": strategy})
    model.fit(*diabetes).ensemble()
    board = model.leaderboard().query("stage == 'search'")
    farthest = set(board[board["tuner/epochs"] == board["tuner/epochs"].max()].trial_id)
    assert {trial_id for trial_id, _ in model.ensemble_} <= farthest and len(model.ensemble_) > 1


def test_forecasts():
    # The logistic map: no linear forecast is any good.
    series = [0.3]
    for _ in range(400):
        series.append(3.8 * series[-1] * (1 - series[-1]))
    model = autonas.TimeSeriesForecaster(6, 2, **{**BUDGET, "epochs": 20, "seed": 2}).fit(np.array(series))
    before = model.best_score_
    model.ensemble()
    assert len(model.ensemble_) > 1 and model.best_score_ < before
    assert model.evaluate(np.array(series))["rmse"] == pytest.approx(model.best_score_, rel=0.5)


def test_what_can_not_be_is_said(iris):
    tensorflow = pytest.importorskip("tensorflow")
    x, y = iris
    model = autonas.StructuredDataClassifier(**{**BUDGET, "max_trials": 1})
    model.fit(x, y)
    for k in (0, 1.5, True, None):
        with pytest.raises(ValueError, match="`k` must be a number of networks of at least 1. Received: k="):
            model.ensemble(k)
    dataset = tensorflow.data.Dataset.from_tensor_slices((x, y)).batch(16)
    with pytest.raises(ValueError, match="`ensemble` needs the predictions of completed candidates"):
        model.fit(dataset).ensemble()
    with pytest.raises(NotFittedError):
        autonas.AutoModel().ensemble()
