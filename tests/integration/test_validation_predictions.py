"""Validation predictions: what candidates say of rows that they were not trained on is kept, the winner's is told."""

import os

import numpy as np
import pytest

import autonas
from autonas import oracles
from autonas.estimators import assembly
from autonas.reporting import SearchCallback
from tests.helpers.budgets import QUIET

pytestmark = pytest.mark.usefixtures("folder")

BUDGET = {**QUIET, "max_trials": 3, "epochs": 4}


class Heard(SearchCallback):
    """Remembers the predictions, and what came before."""

    def __init__(self):
        self.begun, self.calls = [], []

    def on_trial_begin(self, record):
        self.begun.append(record.trial_id)

    def on_predictions(self, record, predictions):
        self.calls.append((record, predictions, list(self.begun)))


def heard(model, *data):
    """The fitted model, and the arguments of the only call of `on_predictions`."""
    reporter = Heard()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assembly, "_make_reporter", lambda request, directory: reporter)
        model.fit(*data)
    (call,) = reporter.calls
    return model, *call


def written(model, trial_id):
    with np.load(os.path.join(model.directory_, "predictions", f"{trial_id}.npz")) as arrays:
        (name,) = arrays.files
        return arrays[name]


def rmse(truth, outputs):
    return pytest.approx(np.mean(np.sqrt(np.mean((truth - outputs) ** 2, axis=0))), rel=1e-4)


def test_those_of_the_winner_are_told_before_its_final_fit(iris):
    x, y = iris
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    model, record, (head,), begun = heard(autonas.StructuredDataClassifier(**BUDGET), x, names)
    assert begun == ["0000", "0001", "0002"]
    assert head.task == "multiclass" and head.classes == ["setosa", "versicolor", "virginica"]
    assert head.truth.shape == (30,) and head.outputs.shape == (30, 3)
    assert np.mean(head.outputs.argmax(1) == head.truth) == pytest.approx(record.metrics["val_accuracy"])
    chosen = head.outputs[np.arange(30), head.truth]
    assert -np.log(chosen).mean() == pytest.approx(record.metrics["val_loss"], rel=1e-4)
    assert record.score == model.best_score_


def test_two_classes_have_two_columns(iris):
    x, y = iris
    _, record, (head,), _ = heard(autonas.StructuredDataClassifier(**BUDGET), x, y == 1)
    assert head.task == "binary" and head.classes == ["False", "True"] and head.outputs.shape == (30, 2)
    assert np.mean(head.outputs.argmax(1) == head.truth) == pytest.approx(record.metrics["val_accuracy"])


def test_numbers_are_in_their_own_units_at_the_best_epoch_of_every_trial(iris):
    x, _ = iris
    model, record, (head,), _ = heard(autonas.StructuredDataRegressor(**BUDGET), x[:, :3], 1000 * x[:, 3])
    assert head.classes == []
    assert record.metrics["val_rmse"] == rmse(head.truth, head.outputs)
    (target,) = model.predictor_.targets.values()
    for row in model.leaderboard().query("stage == 'search'").itertuples():
        outputs = written(model, row.trial_id) * target.deviation_ + target.mean_
        assert row.val_rmse == rmse(head.truth, outputs)


def test_trials_that_go_on_with_anothers_training_have_theirs(iris):
    x, _ = iris
    # Trees are promoted to more rows.
    strategy = oracles.SuccessiveHalvingOracle("random", min_epochs=2, reduction=2, min_data_share=0.5)
    model = autonas.StructuredDataRegressor(**{**BUDGET, "max_trials": 4, "epochs": 8, "strategy": strategy})
    model, _, (head,), _ = heard(model, x[:, :3], x[:, 3])
    (target,) = model.predictor_.targets.values()
    board = model.leaderboard().query("stage == 'search'")
    assert board["tuner/epochs"].nunique() > 1
    for row in board.itertuples():
        outputs = written(model, row.trial_id) * target.deviation_ + target.mean_
        assert row.val_rmse == rmse(head.truth, outputs)


def test_a_search_that_goes_on_tells_the_same(iris):
    first = heard(autonas.StructuredDataClassifier(**BUDGET, directory="run"), *iris)
    again = heard(autonas.StructuredDataClassifier(**BUDGET, directory="run"), *iris)
    assert again[1].trial_id == first[1].trial_id
    np.testing.assert_array_equal(again[2][0].outputs, first[2][0].outputs)
    # Without the files, the weights of the winner say the same.
    for name in os.listdir("run/predictions"):
        os.remove(f"run/predictions/{name}")
    third = heard(autonas.StructuredDataClassifier(**BUDGET, directory="run"), *iris)
    np.testing.assert_allclose(third[2][0].outputs, first[2][0].outputs, atol=1e-6)


def test_forecasts_are_those_of_the_whole_model():
    steps = np.arange(200)
    series = np.sin(steps / 5) + 0.01 * steps
    model = autonas.TimeSeriesForecaster(10, 2, **BUDGET)
    _, record, (head,), _ = heard(model, series)
    assert head.outputs.shape == head.truth.shape == (len(head.truth), 2)
    assert record.metrics["val_rmse"] == rmse(head.truth, head.outputs)


def test_of_a_stream_those_of_the_winner_are_told(iris, monkeypatch):
    tensorflow = pytest.importorskip("tensorflow")
    monkeypatch.setattr("autonas.data.streams._MAX_KEPT_BYTES", 0)  # Smaller tables are searched as arrays.
    x, y = iris
    dataset = tensorflow.data.Dataset.from_tensor_slices((x, y)).batch(16)
    model, record, (head,), _ = heard(autonas.StructuredDataClassifier(**BUDGET), dataset)
    assert np.mean(head.outputs.argmax(1) == head.truth) == pytest.approx(record.metrics["val_accuracy"])
    assert not os.path.exists(os.path.join(model.directory_, "predictions"))


def test_only_those_of_the_best_are_kept(tmp_path):
    from autonas.trials import weights

    kept = weights.TrialPredictions(tmp_path)
    for trial in range(60):
        kept.write({"y": np.zeros(3, "float32")}, f"{trial:04d}")
    kept.keep_best([f"{trial:04d}" for trial in reversed(range(60))])
    assert sorted(int(name.removesuffix(".npz")) for name in os.listdir(kept.directory)) == list(range(10, 60))
    kept.write({"y": np.zeros(2**22 - 2**10, "float32")}, "0000")
    kept.keep_best([f"{trial:04d}" for trial in range(60)])
    assert sorted(os.listdir(kept.directory)) == ["0000.npz", "0010.npz", "0011.npz", "0012.npz"]
