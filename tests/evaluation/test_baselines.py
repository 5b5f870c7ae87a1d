"""A constant and a linear prediction are scored on the validation rows as networks are."""

import json

import numpy as np
import pandas
import pytest
from sklearn import dummy, linear_model, metrics, preprocessing
from sklearn.datasets import load_diabetes

import autonas
from autonas.data.fit_data import FitData
from autonas.estimators.plan import make_plan
from autonas.evaluation import baselines
from autonas.exceptions import BaselineWarning
from tests.helpers.networks import of_networks


def scored(x, y, time_limit=None, sample_weight=None, **arguments):
    """The baselines of a search by name, and its data set and scorer."""
    arguments = {"validation_folds": None, **arguments}
    model = autonas.AutoModel(seed=0, verbose=0, time_limit=time_limit, **arguments)
    data = FitData(x, y, sample_weight)
    prepared = model._prepare(make_plan(model, data), data)
    found = baselines.baselines(
        prepared.graph, prepared.dataset, prepared.scorer, prepared.goal.epoch_objective, time_limit
    )
    return {baseline.name: baseline for baseline in found}, prepared


def parts(prepared, x, y):
    train, validation = prepared.dataset.train_rows, prepared.dataset.validation_rows
    return x[train], y[train], x[validation], y[validation]


def test_the_constant_of_classes_is_scikit_learns_dummy(iris):
    x, y = iris[0][:120], iris[1][:120]
    found, prepared = scored(x, y, objective="val_auc")
    x_train, y_train, x_validation, y_validation = parts(prepared, x, y)
    prior = dummy.DummyClassifier(strategy="prior").fit(x_train, y_train)
    scores = found["constant"].scores
    assert scores["val_accuracy"] == pytest.approx(prior.score(x_validation, y_validation))
    expected = metrics.log_loss(y_validation, prior.predict_proba(x_validation))
    assert scores["val_loss"] == pytest.approx(expected, rel=1e-5)
    assert scores["val_auc"] == 0.5


@pytest.mark.parametrize(
    ("objective", "strategy", "function"),
    [("val_rmse", "mean", metrics.root_mean_squared_error), ("val_mae", "median", metrics.mean_absolute_error)],
)
def test_the_constant_of_numbers_is_their_mean_or_their_median(objective, strategy, function):
    x, y = load_diabetes(return_X_y=True)
    found, prepared = scored(x, y, objective=objective)
    x_train, y_train, x_validation, y_validation = parts(prepared, x, y)
    constant = dummy.DummyRegressor(strategy=strategy).fit(x_train, y_train).predict(x_validation)
    others = dummy.DummyRegressor(strategy="mean").fit(x_train, y_train).predict(x_validation)
    best = min(function(y_validation, each) for each in (constant, others))
    assert found["constant"].scores[objective] == pytest.approx(best, rel=1e-6)
    ridge = linear_model.Ridge().fit(preprocessing.StandardScaler().fit_transform(x_train), y_train)
    predicted = ridge.predict(preprocessing.StandardScaler().fit(x_train).transform(x_validation))
    assert found["linear"].scores[objective] == pytest.approx(function(y_validation, predicted), rel=1e-3)


def test_the_linear_model_of_classes_is_a_logistic_regression(iris):
    found, prepared = scored(*iris)
    x_train, y_train, x_validation, y_validation = parts(prepared, *iris)
    scaler = preprocessing.StandardScaler().fit(x_train)
    fitted = linear_model.LogisticRegression(max_iter=30).fit(scaler.transform(x_train), y_train)
    expected = metrics.log_loss(y_validation, fitted.predict_proba(scaler.transform(x_validation)))
    assert found["linear"].scores["val_loss"] == pytest.approx(expected, rel=0.02)
    assert found["linear"].message == "logistic regression"


def test_weights_of_rows_count_in_the_constant_of_the_loss(iris):
    x, y = iris[0][:100], iris[1][:100]
    weight = np.where(y == 0, 9.0, 1.0)
    found, prepared = scored(x, y, sample_weight=weight)
    _, _, _, truth = parts(prepared, x, y)
    weights = prepared.dataset.sample_weight[prepared.dataset.validation_rows]
    probabilities = np.tile([0.9, 0.1], (len(truth), 1))
    losses = -np.log(probabilities[np.arange(len(truth)), truth])
    assert found["constant"].scores["val_loss"] == pytest.approx(np.mean(losses * weights), rel=1e-4)


def test_tables_with_categories_missing_values_and_texts_have_a_linear_model():
    generator = np.random.default_rng(0)
    kind = generator.choice(["a", "b", "c"], 300)
    frame = pandas.DataFrame({"kind": kind, "number": np.where(generator.random(300) < 0.2, np.nan, 1.0)})
    frame["number"] *= generator.normal(size=300)
    found, _ = scored(frame, np.where(kind == "b", "yes", "no"))
    assert found["linear"].scores["val_accuracy"] == 1.0 > found["constant"].scores["val_accuracy"]


def test_words_are_weighted_by_tf_idf():
    generator = np.random.default_rng(0)
    y = np.arange(200) % 2
    words = np.array(["red", "green", "blue", "grey"])
    texts = [" ".join([*generator.choice(words, 6), "good" if label else "bad"]) for label in y]
    found, _ = scored(texts, y)
    assert found["linear"].scores["val_accuracy"] == 1.0 > found["constant"].scores["val_accuracy"]


def test_large_images_are_averaged():
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (40, 65, 64, 3), dtype="uint8")
    pooled = baselines._pooled(images, np.arange(40))
    assert pooled.shape == (40, 16 * 16 * 3)
    np.testing.assert_allclose(pooled[7, :3], images[7, :4, :4].reshape(16, 3).mean(axis=0), rtol=1e-6)


def test_a_short_time_limit_takes_fewer_rows():
    x = np.random.default_rng(0).normal(size=(6000, 500)).astype("float32")
    y = (x[:, 0] > 0).astype(int)
    whole, _ = scored(x, y)
    part, _ = scored(x, y, time_limit=1)
    assert whole["linear"].message == "logistic regression"
    assert part["linear"].message == "logistic regression on 1,956 of 4,800 rows"


def test_several_labels_and_several_heads_have_both_baselines(iris):
    x, y = iris
    labels = np.stack([y > 0, y > 1, y == 1], axis=1).astype(int)
    found, _ = scored(x, labels)
    assert found["linear"].scores["val_hamming_loss"] < found["constant"].scores["val_hamming_loss"]
    node = autonas.StructuredDataInput()
    heads = [autonas.ClassificationHead(name="kind"), autonas.RegressionHead(name="length")]
    features = autonas.DenseBlock()(node)
    found, _ = scored(x, [y, x[:, 2]], inputs=node, outputs=[head(features) for head in heads])
    assert found["linear"].scores["val_length_rmse"] < 0.1 < found["constant"].scores["val_length_rmse"]
    assert found["linear"].message == "logistic and ridge regression"
    assert found["constant"].message == "class frequencies and mean or median of the training rows"


@pytest.fixture(scope="module")
def chance(tmp_path_factory):
    """A model of noise, and the warnings of its `fit`."""
    generator = np.random.default_rng(1)
    x, y = generator.normal(size=(120, 3)), generator.integers(0, 4, 120)
    model = autonas.StructuredDataClassifier(
        objective="val_loss", validation_folds=None, max_trials=1, epochs=1, seed=0, verbose=0,
        directory=tmp_path_factory.mktemp("run"),
    )  # fmt: skip
    with pytest.warns(BaselineWarning) as warned:
        model.fit(x, y)
    return model, warned, (x, y)


def test_fit_warns_of_a_model_that_is_not_better_than_a_constant(chance):
    model, warned, _ = chance
    (warning,) = [each for each in warned if each.category is BaselineWarning]
    board = model.leaderboard().set_index("trial_id")
    assert board.loc["constant", "score"] <= model.best_score_
    for score in (board.loc["constant", "score"], model.best_score_):
        assert f"{score:.4g}" in str(warning.message)
    assert "test_baselines" in warning.filename


def test_fit_warns_of_a_model_that_is_worse_than_a_linear_prediction(iris, tmp_path):
    model = of_networks(
        autonas.StructuredDataBlock(kind="linear"),
        objective="val_loss",
        max_trials=1,
        epochs=3,
        seed=0,
        verbose=0,
        directory=tmp_path / "run",
    )
    with pytest.warns(BaselineWarning) as warned:
        model.fit(*iris)
    (warning,) = [each for each in warned if each.category is BaselineWarning]
    board = model.leaderboard().set_index("trial_id")
    assert board.loc["linear", "score"] < min(model.best_score_, board.loc["constant", "score"])
    score = board.loc["linear", "score"]
    assert f"is not better than the linear prediction with {score:.4g} (" in str(warning.message)


def test_every_view_shows_the_baselines(chance, tmp_path):
    model, _, _ = chance
    board = model.leaderboard()
    baseline = board.query("stage == 'baseline'").set_index("trial_id")
    assert set(baseline.index) == {"constant", "linear"} and baseline["rank"].isna().all()
    assert board.query("rank == 1").trial_id.item() == "0000"
    labels = [text.get_text() for text in model.plot_history().get_legend().get_texts()]
    model.report(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    for name, row in baseline.iterrows():
        assert any(label.startswith(f"{name}, {row.score:.4g}") for label in labels)
        assert f"A {name} prediction has {row.score:.4g}" in page
        assert name in model._repr_html_()


def test_baselines_are_kept_with_the_search_and_with_the_model(chance, tmp_path, monkeypatch):
    model, _, data = chance
    model.save(tmp_path / "saved")
    loaded = autonas.AutoModel.load(tmp_path / "saved")
    assert loaded.leaderboard().equals(model.leaderboard())
    with open(f"{model.directory_}/journal.jsonl", encoding="utf-8") as file:
        events = [json.loads(line) for line in file]
    assert [event["record"]["trial_id"] for event in events if event["event"] == "baseline"] == ["constant", "linear"]
    monkeypatch.setattr(baselines, "baselines", None)  # Nothing is scored again.
    with pytest.warns(BaselineWarning):
        again = autonas.StructuredDataClassifier(**model.get_params()).fit(*data)
    assert again.leaderboard().equals(model.leaderboard())


def test_baselines_are_scored_out_of_fold():
    x, y = load_diabetes(return_X_y=True)
    found, prepared = scored(x, y, validation_folds=3)
    predicted = np.empty(len(y))
    for training, validation in prepared.dataset.folds:
        predicted[validation] = y[training].mean()
    assert found["constant"].scores["val_rmse"] == pytest.approx(
        metrics.root_mean_squared_error(y, predicted), rel=1e-3
    )
    assert found["linear"].scores["val_rmse"] < 0.8 * found["constant"].scores["val_rmse"]
