"""Runs of MLflow in a real store, a database in a file."""

import warnings

import pytest

from autonas.reporting import MLflowCallback, SearchInfo, TrialRecord
from autonas.trials.states import Stage, Status


@pytest.fixture(scope="module")
def mlflow():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Of the libraries that MLflow imports.
        return pytest.importorskip("mlflow")


@pytest.fixture(scope="module")
def runs(mlflow, tmp_path_factory):
    """The runs of a search with two trials at a time and a failed one, by their names."""
    uri = f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        callback = MLflowCallback("irises", uri)
        search = SearchInfo("val_loss", "min", title="AutoModel", settings={"max_trials": "3"})
        callback.on_search_begin(search)
        one, other = (
            TrialRecord("0000", 0, values={"dense/units": 8}),
            TrialRecord("0001", 1, values={"dense/units": 16}),
        )
        for record in (one, other):
            callback.on_trial_begin(record)
        for epoch in (1, 2):
            for record in (one, other):
                callback.on_epoch_begin(record, epoch)
                callback.on_epoch_end(record, epoch, {"val_loss": 1 / epoch + record.number})
        one.status, one.score, one.metrics, one.epochs = Status.COMPLETED, 0.5, {"val_loss": 0.5}, 2
        callback.on_trial_end(one, one)
        other.status, other.message = Status.FAILED, "out of memory"
        callback.on_trial_end(other, one)
        callback.on_trial_end(TrialRecord("constant", -1, Stage.BASELINE, score=0.9), one)
        search.served = "0000"
        callback.on_search_end([one, other], "max_trials")
        client = mlflow.MlflowClient(uri)
        found = client.search_runs([client.get_experiment_by_name("irises").experiment_id])
        curve = client.get_metric_history(
            next(run for run in found if run.info.run_name == "0000").info.run_id, "val_loss"
        )
    return {run.info.run_name: run for run in found} | {"curve": curve}


def test_there_is_a_run_of_the_search_and_one_of_each_trial(runs):
    assert set(runs) == {"AutoModel", "0000", "0001", "curve"}
    search = runs["AutoModel"]
    assert search.data.params == {"max_trials": "3"}
    assert search.data.metrics == {"best_val_loss": 0.5}
    assert search.data.tags["stop_reason"] == "max_trials" and search.data.tags["served"] == "0000"
    assert runs["0000"].data.tags["mlflow.parentRunId"] == search.info.run_id


def test_a_trial_has_its_hyperparameters_its_curve_and_its_score(runs):
    trial = runs["0000"]
    assert trial.data.params == {"dense/units": "8"}
    assert trial.data.metrics["score"] == 0.5
    assert [(point.step, point.value) for point in runs["curve"]][:2] == [(1, 1.0), (2, 0.5)]
    assert trial.info.status == "FINISHED"


def test_a_failed_trial_is_marked_with_its_reason(runs):
    assert runs["0001"].info.status == "FAILED"
    assert runs["0001"].data.tags["message"] == "out of memory"
