"""BoostedTreesBlock: trees that predict the target of a table."""

import sys

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import log_loss, mean_squared_error

import autonas
from autonas.prediction import predictor
from autonas.search_space.fitted import boosting, boosting_speed
from tests.helpers import harness
from tests.helpers.tables import OPTIONS, cities, drawn, halves, sizes


def test_it_is_as_good_as_scikit_learn_on_classes():
    x, y, others, truth = halves(load_wine(return_X_y=True))
    model = drawn(autonas.BoostedTreesBlock(leaf_rows=5, learning_rate=0.1), autonas.ClassificationHead()).fit(x, y)
    reference = HistGradientBoostingClassifier(min_samples_leaf=5, max_iter=50).fit(x, y)
    assert log_loss(truth, model.predict_proba(others)) < 1.2 * log_loss(truth, reference.predict_proba(others))


def test_it_is_as_good_as_scikit_learn_on_numbers():
    x, y, others, truth = halves(load_diabetes(return_X_y=True))
    model = drawn(autonas.BoostedTreesBlock(leaf_rows=20), autonas.RegressionHead()).fit(x, y)
    reference = HistGradientBoostingRegressor().fit(x, y)
    assert mean_squared_error(truth, model.predict(others)) < 1.05 * mean_squared_error(
        truth, reference.predict(others)
    )


def test_categories_missing_values_and_weights_count():
    table, target, generator = cities()
    model = drawn(autonas.BoostedTreesBlock(), autonas.ClassificationHead()).fit(table, target)
    assert model.score(table, target) > 0.99
    noise = generator.random(600) < 0.4
    weights = np.where(noise, 1e-6, 1.0)
    weighted = drawn(autonas.BoostedTreesBlock(), autonas.ClassificationHead())
    weighted.fit(table, target ^ noise, sample_weight=weights)
    assert weighted.score(table, target) > 0.95


def test_titles_that_training_never_saw_have_the_value_of_their_words():
    generator = np.random.default_rng(0)
    pay = {"Police Officer": 60, "Librarian": 45, "Bus Operator": 40, "Engineer": 80, "Nurse": 55, "Accountant": 65}
    grades = {"": 0, "Senior ": 20, "Trainee ": -15, "Chief ": 35}
    jobs, ranks = generator.choice(list(pay), 2000), generator.choice(list(grades), 2000)
    titles = [f"{rank}{job} {unit}" for rank, job, unit in zip(ranks, jobs, generator.integers(500, size=2000))]
    table = pd.DataFrame({"title": titles})
    target = np.array([pay[job] + grades[rank] for job, rank in zip(jobs, ranks)]) + generator.normal(0, 3, 2000)
    model = drawn(autonas.BoostedTreesBlock(learning_rate=0.1), autonas.RegressionHead())
    model.fit(table[:1500], target[:1500])
    assert model.score(table[1500:], target[1500:]) > 0.95


def test_as_many_of_many_rows_are_fitted_as_there_is_time_for_many_iterations(monkeypatch):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(50_000, 4)).astype("float32")
    y = (np.sin(3 * x[:, 0]) + x[:, 1] * x[:, 2] > 0).astype(int)
    fitted = []

    def speed(estimator, rows, *others):
        share = len(rows.targets) / 10_000
        return boosting_speed.Speed(len(rows.targets), of_first=0.1 * share, of_one=0.018 * share)

    monkeypatch.setattr(boosting, "_SAMPLED_VALUES", 40_000)
    monkeypatch.setattr(boosting_speed.Speed, "of", speed)
    boosted = boosting.Boosting._boosted

    def spied(self, training, *others):
        result = boosted(self, training, *others)
        fitted.append((len(training.targets), result[2]))
        return result

    monkeypatch.setattr(boosting.Boosting, "_boosted", spied)
    model = drawn(autonas.BoostedTreesBlock(learning_rate=0.1), autonas.ClassificationHead(), time_limit=30)
    model.fit(x[:40_000], y[:40_000], validation_data=(x[40_000:], y[40_000:]))
    # The first trial has at most 4.5 s, and 100 iterations on 10,000 rows take 1.9 s: at most 23,700 rows. A busy
    # machine has time for fewer. Time that the fit leaves is for further iterations.
    (n_rows, n_iterations), *_ = fitted
    assert 12_000 < n_rows < 30_000 and n_iterations > 60
    assert model.score(x[40_000:], y[40_000:]) > 0.93
    record = next(record for record in model.records_ if record["stage"] == "search")
    assert record["message"].startswith(f"fitted to {n_rows / 40_000:.0%} of the rows: time")


def test_the_final_fit_of_trees_that_the_time_cut_short_has_twice_their_iterations(monkeypatch):
    x, y = load_diabetes(return_X_y=True)
    possible = iter([7, 100, 100])
    monkeypatch.setattr(boosting_speed.Speed, "iterations", lambda *arguments: next(possible))
    monkeypatch.setattr(boosting_speed, "_further", lambda *arguments: 0)
    fitted, boosted = [], boosting.Boosting._boosted

    def spied(*arguments):
        result = boosted(*arguments)
        fitted.append(result[2])
        return result

    monkeypatch.setattr(boosting.Boosting, "_boosted", spied)
    block = autonas.BoostedTreesBlock(learning_rate=0.02)
    model = drawn(block, autonas.RegressionHead(), time_limit=60, validation_split=0.2, validation_folds=None)
    model.fit(x, y)
    assert fitted == [7, 14]
    (record,) = (record for record in model.records_ if record["stage"] == "search")
    assert record["message"] == "stopped: time"


def test_the_weights_of_the_search_are_served_if_the_time_cuts_the_final_fit_to_fewer_iterations(monkeypatch):
    x, y = load_diabetes(return_X_y=True)
    possible = iter([60, 3])
    monkeypatch.setattr(boosting_speed.Speed, "iterations", lambda *arguments: next(possible))
    monkeypatch.setattr(boosting_speed, "_further", lambda *arguments: 0)
    model = drawn(autonas.BoostedTreesBlock(), autonas.RegressionHead(), time_limit=60, validation_folds=None)
    model.fit(x, y)
    message = "served with the weights of the search: no time for a final fit with as many rows and iterations"
    assert any(message in record["message"] for record in model.records_)
    (summed,) = (operation for operation in model.model_.operations if type(operation).__name__ == "Sum")
    assert summed.input.shape[1] > 10
    assert next(possible, None) is None


def test_of_several_outputs_only_those_that_the_time_cut_short_have_more_iterations(monkeypatch):
    x, y = load_diabetes(return_X_y=True)
    possible = iter([7, 400, 400, 400])
    monkeypatch.setattr(boosting_speed.Speed, "iterations", lambda *arguments: next(possible))
    monkeypatch.setattr(boosting_speed, "_further", lambda *arguments: 0)
    fitted, boosted = [], boosting.Boosting._boosted

    def spied(self, training, validation, most, *others):
        result = boosted(self, training, validation, most, *others)
        fitted.append((most, len(result[0][0])))
        return result

    monkeypatch.setattr(boosting.Boosting, "_boosted", spied)
    block = autonas.BoostedTreesBlock(learning_rate=0.05)
    model = drawn(block, autonas.RegressionHead(), time_limit=60, validation_split=0.2, validation_folds=None)
    model.fit(x, np.stack([y, x[:, 2]], axis=1))
    (_, first), (_, second), *final = fitted
    assert first <= 7 and second > 7
    assert [most for most, _ in final] == [2 * first, second]


def test_a_label_that_never_varies_has_no_trees_and_a_final_fit():
    x = np.random.default_rng(0).normal(size=(200, 3))
    labels = np.stack([x[:, 0] > 0, np.zeros(200)], axis=1).astype(int)
    head = autonas.ClassificationHead(multi_label=True)
    block = autonas.BoostedTreesBlock(iterations=20, learning_rate=0.3)
    model = drawn(block, head, validation_split=0.2, validation_folds=None).fit(x, labels)
    assert [(record["stage"], record["status"]) for record in model.records_[-2:]] == [
        ("search", "completed"),
        ("final", "completed"),
    ]
    assert (model.predict(x) == labels).mean() > 0.95


def test_several_labels_and_several_numbers_have_trees_of_their_own():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(400, 3))
    labels = (x > 0).astype(int)
    model = drawn(autonas.BoostedTreesBlock(), autonas.ClassificationHead(multi_label=True)).fit(x, labels)
    assert (model.predict(x) == labels).mean() > 0.98
    model = drawn(autonas.BoostedTreesBlock(), autonas.RegressionHead()).fit(x, x[:, :2] * [1, -5])
    errors = model.predict(x) - x[:, :2] * [1, -5]
    assert (errors.std(axis=0) < [0.2, 1.0]).all()


def test_classes_without_training_rows_have_a_low_probability():
    x = np.arange(60, dtype="float32")[:, None]
    for present in ([0], [0, 2], [0, 1, 3]):
        y = np.resize(present, 60)
        head = autonas.ClassificationHead(num_classes=4)
        probabilities = drawn(autonas.BoostedTreesBlock(leaf_rows=5), head).fit(x, y).predict_proba(x)
        absent = [number for number in range(4) if number not in present]
        assert probabilities.shape == (60, 4) and probabilities[:, absent].max() < 0.1


def test_two_classes_with_an_output_each_are_not_exchanged():
    x, y, others, truth = halves(load_breast_cancer(return_X_y=True))
    kinds = {"structured_data_block_1/kind": "trees"}
    model = autonas.StructuredDataClassifier(task="multiclass", hyperparameters=kinds, validation=None, **OPTIONS)
    assert model.fit(x, y).predict_proba(others).shape[1] == 2 and model.score(others, truth) > 0.9


def test_many_outputs_have_fewer_iterations():
    inputs = autonas.StructuredDataInput()
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(autonas.BoostedTreesBlock(leaves=8)(inputs)))
    feature = autonas.data.Feature("table", {"numbers": autonas.data.Tensor((2,), "float32")}, {})
    graph.bind([feature], [autonas.search_space.heads.Target("multiclass", 100)])
    model = graph.build(harness.empty_values())
    # 1,500 trees of 15 nodes of three numbers and a value.
    assert model.count_params() == 1500 * 15 * 4 and not model.trainable_variables


def test_the_final_fit_has_as_many_iterations_as_the_validation_set_chose(tmp_path):
    x, y = load_breast_cancer(return_X_y=True)
    model = drawn(autonas.BoostedTreesBlock(), autonas.ClassificationHead(), directory=tmp_path / "run").fit(x, y)
    record = next(record for record in model.records_ if record["stage"] == "search")
    assert record["epochs"] == 1
    (summed,) = (operation for operation in model.model_.operations if type(operation).__name__ == "Sum")
    n_iterations = summed.input.shape[1]
    assert 5 < n_iterations < 200
    again = drawn(autonas.BoostedTreesBlock(), autonas.ClassificationHead(), directory=tmp_path / "run").fit(x, y)
    np.testing.assert_array_equal(again.predict_proba(x), model.predict_proba(x))


def test_short_trainings_have_fewer_rows_and_promoted_trees_are_fitted_anew():
    x, y = load_breast_cancer(return_X_y=True)
    inputs = autonas.StructuredDataInput()
    outputs = autonas.ClassificationHead()(autonas.BoostedTreesBlock(iterations=30)(inputs))
    strategy = autonas.oracles.SuccessiveHalvingOracle(min_epochs=1, min_data_share=0.3)
    options = {**OPTIONS, "max_trials": 9, "epochs": 3, "strategy": strategy}
    model = autonas.AutoModel(inputs, outputs, **options).fit(x, y)
    records = [record for record in model.records_ if record["stage"] == "search"]
    assert {record["status"] for record in records} == {"completed"} and {record["epochs"] for record in records} == {1}
    assert len({record["values"]["tuner/data_share"] for record in records}) > 1
    assert model.score(x, y) > 0.97


@pytest.mark.parametrize("load", [load_wine, load_diabetes])
def test_the_network_that_is_served_has_no_tree_that_is_not_used(load, tmp_path):
    x, y = load(return_X_y=True)
    head = autonas.ClassificationHead() if load is load_wine else autonas.RegressionHead()
    model = drawn(autonas.BoostedTreesBlock(), head, directory=tmp_path / "run").fit(x, y)
    _, search = model._searched
    whole = search.serving.network_of(search.standings.best())
    names = {operation.name for operation in whole.operations}
    with_all = predictor.Predictor(whole, model.predictor_.encoders, model.predictor_.targets)
    for one in (model.model_of("0000"), model):
        assert one.model_.count_params() < 0.2 * whole.count_params()
        assert {operation.name for operation in one.model_.operations} <= names
    (head,) = model.predictor_.targets
    outputs = model.model_of("0000").predictor_.outputs(x)[head]
    np.testing.assert_allclose(outputs, with_all.outputs(x)[head], atol=1e-6)
    loaded = autonas.AutoModel.load(tmp_path / "run" / "model")
    assert loaded.model_.count_params() == model.model_.count_params()
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))


def test_the_network_of_several_models_has_no_tree_that_is_not_used(tmp_path):
    x, y = load_breast_cancer(return_X_y=True)
    model = drawn(autonas.BoostedTreesBlock(), autonas.ClassificationHead(), validation=3).fit(x, y)
    # Three networks of at most 500 trees of 61 nodes.
    assert model.model_.count_params() < 0.3 * 3 * 500 * 61 * 4
    assert model.score(x, y) > 0.95


CHECK = """
import sys
import keras, numpy
x, expected = (numpy.load(sys.argv[1] + name) for name in ("/x.npy", "/expected.npy"))
outputs = keras.models.load_model(sys.argv[1] + "/network.keras")(x)
numpy.testing.assert_allclose(outputs, expected, atol=1e-6)
assert not any(name.startswith("autonas") for name in sys.modules)
"""


def test_it_is_exported_as_part_of_one_file_that_needs_nothing_but_keras(tmp_path, run_elsewhere):
    x, y = load_breast_cancer(return_X_y=True)
    model = drawn(autonas.BoostedTreesBlock(iterations=30), autonas.ClassificationHead()).fit(x, y)
    for name in ("network.keras", "network.tflite", "network.onnx"):
        assert model.export(tmp_path / name).difference < 1e-6
    np.save(tmp_path / "x.npy", x[:50].astype("float32"))
    np.save(tmp_path / "expected.npy", model.predict_proba(x[:50])[:, 1:])
    done = run_elsewhere([sys.executable, "-c", CHECK, str(tmp_path)], cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]


def test_it_may_stand_on_a_network_and_beside_another():
    """Trees on the features of a frozen layer, merged with a dense layer that is trained."""
    x, y = load_breast_cancer(return_X_y=True)
    inputs = autonas.StructuredDataInput()
    scores = autonas.BoostedTreesBlock(iterations=20)(inputs)
    joined = autonas.Merge("concatenate")([scores, autonas.DenseBlock(units=8, depth=1)(inputs)])
    model = autonas.AutoModel(inputs, autonas.ClassificationHead(dropout=0.0)(joined), epochs=5, **OPTIONS).fit(x, y)
    assert model.score(x, y) > 0.95
    assert model.model_.trainable_variables


def test_every_cost_of_it_is_known():
    x, y = load_wine(return_X_y=True)
    costs = ["params", "flops", "memory_mb", "model_size_mb", "latency_ms"]
    block = autonas.BoostedTreesBlock(iterations=20, leaves=8)
    model = drawn(block, autonas.ClassificationHead(), objective=["val_loss", *costs]).fit(x, y)
    row = model.leaderboard().query("stage == 'search'").iloc[0]
    assert row.status == "completed" and (row[costs] > 0).all()
    # 60 trees are walked for eight levels, and a value above a threshold is one operation.
    assert row.flops > 60 * 8


def test_where_trees_cannot_predict_the_target_the_error_says_why():
    x, y = load_diabetes(return_X_y=True)
    head = autonas.RegressionHead(loss=keras.losses.Huber())
    with pytest.raises(ValueError, match="has the loss 'huber', and trees minimise one of"):
        drawn(autonas.BoostedTreesBlock(), head).fit(x, y)
    images, labels = harness.digits()
    inputs = autonas.ImageInput()
    graph = autonas.ClassificationHead()(autonas.BoostedTreesBlock()(inputs))
    with pytest.raises(ValueError, match="trees take the columns of a table or vectors"):
        autonas.AutoModel(inputs, graph, **OPTIONS).fit(images, labels)


def test_its_configuration_makes_the_same_block_again():
    harness.check_configuration(autonas.BoostedTreesBlock(iterations=50, leaves=autonas.Choice([8, 16])))


@pytest.mark.parametrize("targets", ["binary", "multiclass", "unseen", "multilabel", "numbers"])
def test_the_predictions_of_a_trial_are_those_of_its_network(targets):
    x, y, head = sizes(targets)
    model = drawn(autonas.BoostedTreesBlock(leaf_rows=5), head, refit=False)
    model.fit(x[:200], y[:200], validation_data=(x[200:], y[200:]))
    (of_trial,) = model.validation_predictions_
    network = model.predict(x[200:]) if targets == "numbers" else model.predict_proba(x[200:])
    np.testing.assert_allclose(of_trial.outputs, network, rtol=1e-4, atol=1e-5)
