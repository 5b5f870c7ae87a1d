"""A fitted estimator explains its predictions, and gives its trials as models."""

import pathlib
import pickle

import keras
import numpy as np
import pandas as pd
import pytest

import autonas
from autonas.estimators import auto_model
from tests.helpers.budgets import QUIET

pytestmark = pytest.mark.usefixtures("folder")

BUDGET = {**QUIET, "max_trials": 3, "epochs": 3, "strategy": "random"}
ROWS = np.random.default_rng(0).normal(size=(300, 3))
TABLE = pd.DataFrame(ROWS, columns=["signal", "copy", "noise"]).assign(copy=ROWS[:, 0])
NUMBERS = 3 * ROWS[:, 0]


def drawn(head):
    node = autonas.StructuredDataInput()
    return node, head(autonas.DenseBlock(depth=1, units=autonas.Choice([8, 16]), name="dense")(node))


def candidates_of(model, *rows):
    """The rows of the candidates in the leaderboard."""
    return model.leaderboard(*rows).query("stage == 'search'")


@pytest.fixture(scope="module")
def regressor(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("regressor"))
        model = autonas.AutoModel(
            *drawn(autonas.RegressionHead()), optimization=autonas.Optimization(learning_rate=0.02, batch_size=16),
            ensemble=3, **{**BUDGET, "epochs": 30},
        )  # fmt: skip
        yield model.fit(TABLE[:200], NUMBERS[:200])


def test_features_that_predictions_depend_on_are_important(regressor):
    frame = regressor.feature_importance(TABLE[200:], NUMBERS[200:])
    assert set(frame.feature[:2]) == {"signal", "copy"} and frame.importance[1] > 5 * abs(frame.importance[2])
    together = regressor.feature_importance(
        TABLE[200:], NUMBERS[200:], groups={"both": ["signal", "copy"], "noise": ["noise"]}, scoring="r2"
    )
    assert together.feature[0] == "both" and together.importance[0] > frame.importance[0]


def test_a_negative_seed_and_a_folder_as_report_are_refused_by_name(regressor, tmp_path):
    with pytest.raises(ValueError, match="`seed` must be a non-negative integer. Received: seed=-1"):
        regressor.feature_importance(TABLE[200:], NUMBERS[200:], seed=-1)
    with pytest.raises(ValueError, match="`path` must be a file, such as 'report.html'"):
        regressor.report(tmp_path)


def test_the_name_of_a_file_is_no_folder_to_save_in(regressor, tmp_path):
    (tmp_path / "file").write_text("mine")
    for name in ("model.keras", "model.H5", "model.onnx", "model.tflite", "file"):
        with pytest.raises(ValueError, match="`path` must be a folder. Received: path='.*`export` writes"):
            regressor.save(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["file"] and (tmp_path / "file").read_text() == "mine"


def test_the_leaderboard_of_test_rows_has_the_served_model_and_the_trials_whose_weights_are_kept(regressor):
    frame = regressor.leaderboard(TABLE[200:], NUMBERS[200:])
    own = frame[frame.stage == ("ensemble" if hasattr(regressor, "ensemble_") else "final")]
    scores = regressor.evaluate(TABLE[200:], NUMBERS[200:])
    assert own.test_rmse.tolist() == pytest.approx([scores["rmse"]])
    candidates = candidates_of(regressor, TABLE[200:], NUMBERS[200:])
    assert candidates.test_rmse.notna().all(), "an ensemble of three keeps the weights of all trials"
    best = regressor.model_of(candidates.trial_id.iloc[0])
    assert best.evaluate(TABLE[200:], NUMBERS[200:])["rmse"] == pytest.approx(candidates.test_rmse.iloc[0])
    assert frame[frame.stage == "baseline"].test_rmse.isna().all()


def test_the_report_explains_the_model_by_labelled_rows(regressor, tmp_path):
    regressor.report(tmp_path / "plain.html")
    assert "Importance of features" not in (tmp_path / "plain.html").read_text(encoding="utf-8")
    regressor.report(tmp_path / "report.html", TABLE[200:], NUMBERS[200:])
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for text in ("<h2>Scores on new rows</h2>", "<h2>Importance of features</h2>", "<th>test_rmse</th>"):
        assert text in page
    assert f"{regressor.evaluate(TABLE[200:], NUMBERS[200:])['rmse']:.5g}" in page
    # A loaded model has no trials to score.
    regressor.save(tmp_path / "saved")
    autonas.AutoModel.load(tmp_path / "saved").report(tmp_path / "again.html", TABLE[200:], NUMBERS[200:])
    again = (tmp_path / "again.html").read_text(encoding="utf-8")
    assert "<h2>Importance of features</h2>" in again and "<th>test_rmse</th>" not in again


def test_the_keras_model_is_compiled_and_shares_its_weights_with_the_estimator(tmp_path):
    labels = np.select([NUMBERS > 2, NUMBERS < -2], ["high", "low"], "middle")
    model = autonas.AutoModel(*drawn(autonas.ClassificationHead()), **BUDGET).fit(TABLE, labels)
    inputs, targets = model.encode(TABLE, labels)
    assert model.encode(TABLE)[1] is None
    loss, accuracy = model.model_.evaluate(inputs, targets, verbose=0)
    assert accuracy == pytest.approx(model.score(TABLE, labels), abs=1e-6)
    model.model_.fit(inputs, targets, epochs=20, verbose=0)
    assert model.model_.evaluate(inputs, targets, verbose=0)[0] < loss
    expected = model.predict_proba(TABLE)
    model.save(tmp_path / "saved")
    for again in (autonas.AutoModel.load(tmp_path / "saved"), pickle.loads(pickle.dumps(model))):
        np.testing.assert_allclose(again.predict_proba(TABLE), expected, atol=1e-6)
        assert again.model_.evaluate(inputs, targets, verbose=0)[1] == pytest.approx(again.score(TABLE, labels))


def test_the_keras_model_evaluates_encoded_numbers(regressor):
    inputs, targets = regressor.encode(TABLE[200:], NUMBERS[200:])
    _, error = regressor.model_.evaluate(inputs, targets, verbose=0)
    rmse = regressor.evaluate(TABLE[200:], NUMBERS[200:])["rmse"]
    assert error * NUMBERS[:200].std() == pytest.approx(rmse, rel=0.1)


def test_the_report_names_the_threshold_and_its_origin(folder):
    labels = np.where(NUMBERS > 2, "yes", "no")
    model = autonas.AutoModel(*drawn(autonas.ClassificationHead()), threshold="auto", **BUDGET).fit(TABLE, labels)
    model.report("report.html")
    page = pathlib.Path("report.html").read_text(encoding="utf-8")
    sentence = (
        f"The class yes is predicted above a probability of {model.threshold_:.3g}, chosen by the validation set."
    )
    assert (sentence in page) == (model.threshold_ != 0.5)
    model.set_params(threshold=0.3, overwrite=True, directory="run").fit(TABLE, labels).report("report.html")
    page = pathlib.Path("report.html").read_text(encoding="utf-8")
    assert "The class yes is predicted above a probability of 0.3, the argument `threshold`." in page


def test_a_trial_is_a_model_of_its_own(regressor, tmp_path):
    before = regressor.predict(TABLE[:5])
    one, other = regressor.get_models(2)
    best, second, _ = candidates_of(regressor).itertuples()
    assert [model.best_score_ for model in (one, other)] == [best.score, second.score]
    assert isinstance(one.model_, keras.Model) and one.model_ is not other.model_
    assert other.search_["served"] == second.trial_id
    assert other.model_.count_params() == second.parameters
    values = next(record["values"] for record in regressor.records_ if record["trial_id"] == second.trial_id)
    assert other.best_hyperparameters_["dense/units"] == values["dense/units"]
    head = one.validation_predictions_[0]
    assert np.sqrt(np.mean((head.truth - head.outputs) ** 2)) == pytest.approx(one.best_score_, rel=1e-4)
    other.save(tmp_path / "other")
    again = autonas.AutoModel.load(tmp_path / "other")
    np.testing.assert_allclose(again.predict(TABLE[:5]), other.predict(TABLE[:5]), rtol=1e-5)
    np.testing.assert_array_equal(regressor.predict(TABLE[:5]), before)


def test_a_trial_without_weights_is_trained_again(regressor):
    trial_id = candidates_of(regressor).trial_id.iloc[-1]
    kept = regressor.model_of(trial_id).predict(TABLE[:5])
    _, search = regressor._searched
    pathlib.Path(search.state.weights.path(trial_id)).unlink()
    np.testing.assert_allclose(regressor.model_of(trial_id).predict(TABLE[:5]), kept, rtol=1e-4)
    assert search.state.weights.exists(trial_id)


def test_other_trials_and_loaded_copies_are_refused(regressor, tmp_path):
    with pytest.raises(ValueError, match="`trial_id` must be a completed candidate of the leaderboard, such as 0000"):
        regressor.model_of("constant")
    regressor.save(tmp_path / "model")
    loaded = autonas.AutoModel.load(tmp_path / "model")
    assert loaded.best_hyperparameters_ == regressor.best_hyperparameters_
    for call in (lambda: loaded.model_of("0000"), loaded.get_models, lambda: loaded.leaderboard(TABLE, NUMBERS)):
        with pytest.raises(ValueError, match="it was loaded or pickled. Call `reopen`"):
            call()


def test_a_forecaster_permutes_the_past_of_a_column(tmp_path):
    steps = np.arange(120)
    series = pd.DataFrame({"sales": np.sin(steps / 3), "noise": np.random.default_rng(0).normal(size=120)})
    model = autonas.TimeSeriesForecaster(6, 1, target="sales", **{**BUDGET, "max_trials": 1}).fit(series)
    frame = model.feature_importance(series)
    assert frame.feature.tolist() == ["sales", "noise"] and frame.importance[0] > 0.5


def test_the_threshold_of_two_classes_is_chosen_on_the_validation_set(tmp_path):
    labels = np.where(ROWS[:, 0] + np.random.default_rng(1).normal(size=300) > 1.5, "rare", "usual")
    arguments = {**BUDGET, "max_trials": 1, "objective": "val_balanced_accuracy"}
    x, y = ROWS[:200], labels[:200]
    half = autonas.AutoModel(*drawn(autonas.ClassificationHead()), **arguments).fit(x, y)
    model = autonas.AutoModel(*drawn(autonas.ClassificationHead()), threshold="auto", **arguments).fit(x, y)
    assert half.threshold_ == 0.5 and model.threshold_ != 0.5
    np.testing.assert_array_equal(model.predict_proba(x), half.predict_proba(x))
    second = model.predict_proba(x)[:, 1] > model.threshold_
    np.testing.assert_array_equal(model.predict(x), model.classes_[second.astype(int)])
    assert model.evaluate(x, y)["accuracy"] == pytest.approx(model.score(x, y))
    model.save(tmp_path / "model")
    assert autonas.AutoModel.load(tmp_path / "model").threshold_ == model.threshold_
    with pytest.raises(ValueError, match="`threshold` must be 0.5 unless there is one target of two classes"):
        auto_model.AutoModel(threshold="auto", **BUDGET).fit(x, NUMBERS[:200])
