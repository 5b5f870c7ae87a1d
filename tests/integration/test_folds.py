"""A search whose candidates are compared in folds serves, saves and continues like any other."""

import pathlib
import shutil

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

import autonas
from autonas.data.fit_data import FitData
from autonas.estimators import plan as planning
from autonas.search import ensembles
from tests.helpers.leaderboards import board
from tests.helpers.networks import of_small_networks

pytestmark = pytest.mark.usefixtures("folder")

BUDGET = {"max_trials": 2, "epochs": 3, "tensorboard": False, "verbose": 0, "seed": 0, "directory": "run"}


@pytest.fixture(scope="module")
def diabetes():
    x, y = load_diabetes(return_X_y=True)
    return x[:120], y[:120]


def regressor(**arguments):
    return of_small_networks(**{"head": autonas.RegressionHead, "validation_folds": 3, **BUDGET, **arguments})


@pytest.fixture(scope="module")
def searched(diabetes, tmp_path_factory):
    """A regressor after its search in three folds."""
    return regressor(directory=tmp_path_factory.mktemp("folds") / "run").fit(*diabetes)


@pytest.fixture
def run(searched, folder):
    """A copy of the finished search in the folder `run`."""
    shutil.copytree(searched.directory_, folder / "run")


def test_the_score_is_of_all_rows_and_has_a_standard_error(diabetes, searched):
    (x, y), model = diabetes, searched
    (head,) = model.validation_predictions_
    assert sorted(head.truth.ravel()) == pytest.approx(sorted(y), rel=1e-4)
    errors = (head.outputs - head.truth).ravel()
    assert model.best_score_ == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-4)
    rows = model.leaderboard().set_index("trial_id")
    best = rows[rows["rank"] == 1].iloc[0]
    # The standard error of a root of a mean, by the delta method; the estimate's own error is 16 %.
    assert best.standard_error == pytest.approx(np.std(errors**2) / np.sqrt(120) / (2 * best.score), rel=0.5)
    assert "final" not in rows.index
    assert autonas.AutoModel.load(f"{model.directory_}/model").predict(x) == pytest.approx(model.predict(x), rel=1e-4)


def test_the_networks_of_the_folds_are_averaged(searched):
    model = searched
    prepared, search = model._searched
    (trained,) = [layer for layer in model.model_.layers if layer.name == "member_0"]
    record = search.records[model.search_["served"]]
    assert model.model_.count_params() == 3 * record.parameters
    rows = prepared.dataset.splits[0].validation_rows
    inputs = {name: array[rows] for name, array in prepared.dataset.inputs.items()}
    (outputs,) = trained(inputs).values()
    (target,) = prepared.targets.values()
    (head,) = model.validation_predictions_
    expected = np.array(outputs) * target.deviation_ + target.mean_
    np.testing.assert_allclose(expected, head.outputs[: len(rows)], rtol=1e-3)


def test_an_equally_good_candidate_is_averaged_with_the_best_one_and_a_slightly_but_always_worse_one_is_not(searched):
    _, search = searched._searched
    stage = ensembles.EnsembleStage(search.state, search.serving.final_stage)
    best, predictions = next(iter(stage.candidates.predictions().items()))
    (head,) = stage.problem.scorer.heads
    truth = head.encoded[stage.problem.dataset.validation_rows].reshape(-1, 1)
    errors = predictions[head.name] - truth
    worse = {head.name: truth + 1.02 * errors}
    other = {head.name: truth + np.random.default_rng(0).permutation(errors)}
    chosen = stage._select_equals({best: predictions, "worse": worse, "other": other}, 5)
    assert chosen.members == {best: 0.5, "other": 0.5}


def test_a_search_with_costs_serves_one_network_that_is_trained_on_all_rows(diabetes):
    model = regressor(constraints={"params": 1e6}, max_trials=1).fit(*diabetes)
    rows = model.leaderboard().set_index("trial_id")
    assert rows.loc["final", "status"] == "completed"
    assert model.model_.count_params() == rows.loc[model.search_["served"], "parameters"]


def test_lost_weights_are_trained_again(diabetes, searched, run):
    for path in pathlib.Path("run/weights").iterdir():
        path.unlink()
    again = regressor().fit(*diabetes)
    np.testing.assert_allclose(again.predict(diabetes[0]), searched.predict(diabetes[0]), rtol=1e-3)


def test_it_continues_and_refuses_other_folds(diabetes, searched, run):
    longer = regressor(max_trials=3).fit(*diabetes)
    assert board(longer).set_index("trial_id").loc[
        ["0000", "0001"], ["score", "standard_error"]
    ].to_numpy().tolist() == (
        board(searched).set_index("trial_id").loc[["0000", "0001"], ["score", "standard_error"]].to_numpy().tolist()
    )
    with pytest.raises(ValueError, match="validation_folds"):
        regressor(validation_folds=4).fit(*diabetes)


def test_an_ensemble_is_selected_by_predictions_out_of_fold(diabetes):
    model = regressor(ensemble=2).fit(*diabetes)
    (head,) = model.validation_predictions_
    assert len(head.truth) == 120
    assert model.best_score_ <= model.leaderboard().query("stage == 'search'").score.min()


# Worker processes import TensorFlow.
def test_worker_processes_give_the_same_scores(diabetes, searched):
    there = regressor(executor="process").fit(*diabetes)
    assert there.best_score_ == pytest.approx(searched.best_score_, rel=1e-4)


def n_folds(x, y, validation_data=None, groups=None, estimator=autonas.AutoModel, **arguments):
    model = estimator(verbose=0, **arguments)
    plan = planning.make_plan(model, FitData(x, y, validation_data=validation_data, groups=groups))
    return plan.n_folds(len(x), np.size(x), ["series" if np.ndim(x) == 3 else "table"])


def test_few_rows_of_a_table_are_validated_in_five_folds():
    assert n_folds(np.zeros((499, 4)), np.arange(499) % 2) == 5
    assert n_folds(np.zeros((500, 4)), np.arange(500) % 2) == 1
    assert n_folds(np.zeros((499, 4)), np.arange(499) % 2, search_space="layered") == 1


def test_few_series_are_validated_in_five_folds_unless_something_else_is_wished():
    x, y = np.zeros((200, 4, 1)), np.arange(200) % 2
    assert n_folds(x, y) == 5
    assert n_folds(x, y, fidelity="learning_curve") == 5
    assert n_folds(x, y, validation_folds=None) == 1
    assert n_folds(x, y, validation_folds=3) == 3
    assert n_folds(x, y, validation_split=0.3) == 1
    assert n_folds(x, y, validation_data=(x, y)) == 1
    assert n_folds(x, y, groups=y) == 1
    assert n_folds(x, y, groups=np.arange(200) // 20) == 5
    assert n_folds(x, y, weight_sharing=True) == 1
    assert n_folds(x, y, fidelity="successive_halving") == 1
    assert n_folds(x[:4], y[:4]) == 1
    assert n_folds(x, y, search_space="cell") == 1
    assert n_folds(np.zeros((300, 4, 1)), np.zeros(300)) == 1
    assert n_folds(np.zeros((200, 640, 64)), y) == 1, "training takes longer than tracing"
    assert n_folds(x, None, estimator=autonas.TimeSeriesForecaster) == 1
