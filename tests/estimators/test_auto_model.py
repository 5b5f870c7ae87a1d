"""AutoModel: arguments in, a searched model out; on every task, with graphs, metrics, and exports."""

import subprocess
import sys
import textwrap
import time

import keras
import keras_tuner
import numpy as np
import pandas
import pytest
from sklearn.datasets import load_diabetes

import autonas
import autonas.oracles
from tests.helpers.budgets import QUIET
from tests.helpers.leaderboards import board, trials
from tests.helpers.regressions import of_regressions

pytestmark = pytest.mark.usefixtures("folder")

BUDGET = {**QUIET, "max_trials": 2, "epochs": 3}


def classifier(**arguments):
    return autonas.StructuredDataClassifier(**{**BUDGET, "refit": False, "max_trials": 1, **arguments})


# ---------------------------------------------------------------------- tasks


@pytest.mark.parametrize(
    "target, task, metrics",
    [
        (lambda x, y: y == 1, "binary", {"accuracy", "auc"}),
        (lambda x, y: y, "multiclass", {"accuracy"}),
        (
            lambda x, y: np.stack([y == 0, x[:, 0] > 5.8], axis=1).astype(int),
            "multilabel",
            {"accuracy", "hamming_loss"},
        ),
        (lambda x, y: x[:, 3], "regression", {"rmse", "mae"}),
        (lambda x, y: x[:, 2:], "regression", {"rmse", "mae"}),
    ],
    ids=["binary", "multiclass", "multilabel", "regression", "several numbers"],
)
def test_every_task(iris, target, task, metrics):
    x, y = iris
    y = target(x, y)
    model = autonas.AutoModel(**{**BUDGET, "epochs": 30}).fit(x[:, :3], y)
    assert model.task_ == task
    assert model.predict(x[:, :3]).shape == y.shape
    assert set(model.evaluate(x[:, :3], y)) == metrics
    assert model.score(x[:, :3], y) > (0.3 if task in ("regression", "multilabel") else 0.6)
    if task == "regression":
        assert not hasattr(model, "predict_proba")
    else:
        probabilities = model.predict_proba(x[:, :3])
        assert probabilities.shape == (150, len(model.classes_))
        if task != "multilabel":
            assert np.allclose(probabilities.sum(1), 1, atol=1e-5)


# ---------------------------------------------------------------------- graphs


class TwoLayers(autonas.Block):
    def __init__(self, units=autonas.Choice([4, 8]), name=None):
        super().__init__(name)
        self.units = units

    def build(self, hp, inputs):
        units = self.suggest(hp, "units")
        return keras.layers.Dense(units)(keras.layers.Dense(units, "relu")(inputs))


def two_by_two():
    pixels = autonas.ImageInput(name="pixels")
    facts = autonas.StructuredDataInput(name="facts")
    convolution = autonas.ConvolutionBlock(filters=8, n_stages=1, layers=1)
    features = autonas.Merge()([autonas.Reduction()(convolution(pixels)), TwoLayers()(facts)])
    digit = autonas.ClassificationHead(name="digit")(features)
    brightness = autonas.RegressionHead(name="brightness", loss_weight=0.5)(features)
    return autonas.AutoModel([pixels, facts], [digit, brightness], **BUDGET)


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    generator = np.random.default_rng(0)
    images = generator.integers(0, 255, (120, 8, 8, 1), dtype="uint8")
    facts = generator.normal(size=(120, 3))
    digit, brightness = (facts[:, 0] > 0).astype(int), images.mean((1, 2, 3)) + facts[:, 1]
    model = two_by_two().set_params(directory=tmp_path_factory.mktemp("run") / "run")
    return model.fit([images, facts], [digit, brightness]), images, facts, digit, brightness


def test_several_inputs_and_heads(several):
    model, images, facts, digit, brightness = several
    assert model.task_ == ["binary", "regression"] and model.objective_ == ("val_loss", "min")
    predicted = model.predict([images, facts])
    assert [each.shape for each in predicted] == [(120,), (120,)]
    probabilities = model.predict_proba([images, facts])
    assert probabilities[0].shape == (120, 2) and probabilities[1] is None
    assert set(model.evaluate([images, facts], [digit, brightness])) == {
        "digit_accuracy", "digit_auc", "brightness_rmse", "brightness_mae",
    }  # fmt: skip
    board = model.leaderboard()
    assert {"val_digit_accuracy", "val_brightness_rmse", "two_layers_1/units"} <= set(board.columns)
    row = board.query("stage == 'search'").iloc[0]
    assert row["val_loss"] == pytest.approx(row["val_digit_loss"] + 0.5 * row["val_brightness_loss"], rel=1e-4)


def test_inputs_and_heads_by_name(several):
    model, images, facts, digit, brightness = several
    x, y = {"facts": facts, "pixels": images}, {"brightness": brightness, "digit": digit}
    again = two_by_two().fit(x, y)
    for left, right in zip(again.predict(x), model.predict([images, facts]), strict=True):
        assert np.array_equal(left, right)


def test_several_inputs_resume(several):
    model, images, facts, digit, brightness = several
    again = two_by_two().set_params(directory=model.directory_).fit([images, facts], [digit, brightness])
    assert again.leaderboard().equals(model.leaderboard())
    with pytest.raises(ValueError, match="`y digit` has other values than before"):
        again.fit([images, facts], [1 - digit, brightness])


def test_another_number_of_inputs_is_refused(several):
    model, images, facts, digit, brightness = several
    with pytest.raises(ValueError, match="`x` must be a list of 2 arrays"):
        two_by_two().fit([images], [digit, brightness])
    with pytest.raises(ValueError, match="or a dict by pixels, facts. Received: a dict with the keys 'pixels', 'fact'"):
        model.predict({"pixels": images, "fact": facts})
    with pytest.raises(ValueError, match="`y` must be a list of 2 arrays"):
        two_by_two().fit([images, facts], digit)


def test_an_export_of_several_inputs_and_heads(several, folder):
    model, images, facts, _, _ = several
    exported = model.export_model()
    outputs = exported({"pixels": images.astype("float32"), "facts": facts.astype("float32")})
    assert np.allclose(outputs["digit"][:, 0], model.predict_proba([images, facts])[0][:, 1], atol=1e-5)
    assert np.allclose(outputs["brightness"][:, 0], model.predict([images, facts])[1], rtol=1e-4)


@pytest.mark.parametrize("argument", ["loss", "num_classes"])
def test_what_belongs_to_heads_is_refused_beside_a_graph(iris, argument):
    node = autonas.Input()
    model = autonas.AutoModel(node, autonas.ClassificationHead()(node), **{argument: 3}, **BUDGET)
    with pytest.raises(ValueError, match=f"`{argument}` must be given to the heads"):
        model.fit(*iris)


# ---------------------------------------------------------------------- objective, metrics, loss


def spread(truth, predictions):
    return np.std(predictions)


def brier_loss(truth, predictions):
    return np.square(predictions - np.eye(3)[truth]).sum(1).mean()


def surest(truth, predictions, share=0.9):
    return (predictions.max(1) > share).mean()


@pytest.mark.parametrize(
    "objective, expected",
    [
        (None, ("val_loss", "min")),
        ("auc", ("val_auc", "max")),
        ("val_f1_macro", ("val_f1_macro", "max")),
        ("val_loss", ("val_loss", "min")),
        ("val_top_k_categorical_accuracy", ("val_top_k_categorical_accuracy", "max")),
        (keras_tuner.Objective("val_balanced_accuracy", "max"), ("val_balanced_accuracy", "max")),
        (keras_tuner.Objective("val_spread", "min"), ("val_spread", "min")),
        (brier_loss, ("val_brier_loss", "min")),
        (autonas.objectives.CustomMetric(surest, direction="min"), ("val_surest", "min")),
        (keras.metrics.F1Score("macro"), ("val_f1_score", "max")),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else type(value).__name__,
)
def test_objectives(iris, objective, expected):
    model = classifier(objective=objective, metrics=[spread], epochs=1).fit(*iris)
    assert model.objective_ == expected
    assert model.best_score_ == model.leaderboard().iloc[0][expected[0]]


def test_an_own_function_is_computed_on_the_validation_rows(iris):
    model = classifier(objective=brier_loss, epochs=5).fit(*iris)
    (predictions,) = model.validation_predictions_
    assert model.best_score_ == pytest.approx(brier_loss(predictions.truth, predictions.outputs), rel=1e-4)
    expected = brier_loss(iris[1], model.predict_proba(iris[0]))
    assert model.evaluate(*iris)["brier_loss"] == pytest.approx(expected, rel=1e-5)
    loaded = autonas.AutoModel.load(f"{model.directory_}/model")
    with pytest.raises(ValueError, match=r"function 'brier_loss'.*`model.set_params\(metrics=\[brier_loss\]\)`"):
        loaded.evaluate(*iris)
    assert loaded.set_params(metrics=[brier_loss]).evaluate(*iris) == model.evaluate(*iris)


@pytest.mark.parametrize("objective", ["val_auc", "val_binary_accuracy", "val_hinge", "roc_auc", "val_f1"])
def test_objectives_of_classes_are_refused_for_numbers(folder, objective):
    x, y = load_diabetes(return_X_y=True)
    with pytest.raises(ValueError, match="for a regression target.*Use rmse, mse, mae, r2, or a scorer"):
        autonas.AutoModel(objective=objective, directory=folder / "run").fit(x, y)
    assert not (folder / "run").exists()


def test_a_direction_that_contradicts_the_metric_is_warned_of(iris):
    with pytest.warns(UserWarning, match="`objective` asks for the worst val_accuracy"):
        classifier(objective=keras_tuner.Objective("val_accuracy", "min"), max_trials=1, epochs=1).fit(*iris)


def test_an_own_function_must_say_which_head_it_is_of(several):
    _, images, facts, digit, brightness = several
    with pytest.raises(ValueError, match="which of the heads digit, brightness.*objective='val_digit_brier_loss'"):
        two_by_two().set_params(objective=brier_loss).fit([images, facts], [digit, brightness])


def test_an_unknown_objective_is_told_what_there_is(iris):
    with pytest.raises(ValueError, match="can't be 'latency' .* Use accuracy.* Costs are .*latency_ms"):
        autonas.AutoModel(objective="latency").fit(*iris)


def test_an_objective_whose_direction_is_unknown(iris):
    with pytest.raises(ValueError, match="direction of `objective` 'val_spread' is unknown"):
        classifier(objective="val_spread", metrics=spread).fit(*iris)


def test_metrics_of_every_kind(iris):
    x, y = iris
    metrics = [
        "f1_macro",
        keras.metrics.SparseTopKCategoricalAccuracy(2, name="top_2"),
        spread,
        keras.metrics.AUC(name="area"),
    ]
    model = classifier(metrics=metrics, max_trials=2, epochs=20).fit(x, y)
    scores = model.evaluate(x, y)
    assert set(scores) == {"accuracy", "f1_macro", "top_2", "spread", "area"}
    assert scores["top_2"] >= scores["accuracy"] and 0.5 < scores["area"] <= 1
    assert {f"val_{name}" for name in scores} <= set(model.leaderboard().columns)


def test_metrics_by_head(several):
    _, images, facts, digit, brightness = several
    model = two_by_two().set_params(metrics={"brightness": "r2"}, objective="val_brightness_r2", epochs=1)
    model.fit([images, facts], [digit, brightness])
    assert model.objective_ == ("val_brightness_r2", "max")
    with pytest.raises(ValueError, match="`metrics` must be by head: digit, brightness"):
        model.set_params(metrics={"colour": "r2"}).fit([images, facts], [digit, brightness])


# ---------------------------------------------------------------------- strategies


# Of a few similar scores Keras Tuner's Gaussian process learns no length scale.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "strategy",
    [
        "random",
        autonas.oracles.RandomOracle(seed=3),
        keras_tuner.oracles.RandomSearchOracle(max_trials=3, seed=1),
        keras_tuner.oracles.BayesianOptimizationOracle(max_trials=3, num_initial_points=2, seed=1),
        keras_tuner.oracles.GridSearchOracle(max_trials=3, seed=1),
    ],
    ids=lambda strategy: getattr(strategy, "__class__", type).__name__,
)
def test_strategies(iris, folder, strategy):
    arguments = {**BUDGET, "max_trials": 3, "refit": False, "directory": folder / "run", "strategy": strategy}
    model = of_regressions(**arguments).fit(*iris)
    assert len(trials(model)) == 3 and model.stop_reason_ == "max_trials"
    more = of_regressions(**{**arguments, "max_trials": 4}).fit(*iris)
    assert len(trials(more)) == 4
    fresh = of_regressions(**{**arguments, "max_trials": 4, "directory": folder / "fresh"}).fit(*iris)
    assert board(fresh).equals(board(more))


def test_the_seed_of_a_search_is_that_of_keras_tuners_oracle(iris):
    arguments = {**BUDGET, "max_trials": 3, "refit": False, "seed": 4}
    boards = [
        board(of_regressions(**arguments, strategy=keras_tuner.oracles.RandomSearchOracle(seed=seed)).fit(*iris))
        for seed in (None, None, 7)
    ]
    assert boards[0].equals(boards[1]) and boards[0].equals(boards[2])


def test_rounds_of_keras_tuners_hyperband_go_on_with_the_training_of_those_before(iris):
    strategy = keras_tuner.oracles.HyperbandOracle(max_epochs=4, factor=2, seed=1)
    node = autonas.StructuredDataInput()
    arguments = {**BUDGET, "refit": False, "max_trials": None, "epochs": None, "strategy": strategy}
    model = autonas.AutoModel(node, autonas.ClassificationHead()(TwoLayers()(node)), **arguments).fit(*iris)
    board = model.leaderboard().query("stage == 'search'").set_index("trial_id")
    assert set(board.status) == {"completed"} and model.stop_reason_ == "space_exhausted"
    assert (board["epochs"] <= board["tuner/epochs"]).all() and set(board["epochs"]) == {1, 2, 4}
    records = {each["trial_id"]: each for each in model.records_}
    promoted = board[board["tuner/trial_id"].notna()]
    assert len(promoted) > 3
    for trial_id, earlier in promoted["tuner/trial_id"].items():
        history = records[earlier]["history"]
        assert records[trial_id]["history"][: len(history)] == history


def test_a_small_space_ends_when_all_of_it_was_tried(iris):
    class Fixed(autonas.Block):
        def build(self, hp, inputs):
            return inputs ** hp.Choice("power", [1, 2, 3])

    node = autonas.StructuredDataInput()

    class Plain(autonas.AutoModel):
        def _prepare(self, plan, data):
            prepared = super()._prepare(plan, data)
            prepared.graph.optimization = autonas.Optimization(learning_rate=1e-3, weight_decay=0.0, batch_size=32)
            return prepared

    graph = autonas.RidgeBlock()(Fixed()(autonas.Normalization()(node)))
    model = Plain(node, autonas.ClassificationHead()(graph), **{**BUDGET, "max_trials": 50})
    model.fit(*iris)
    assert model.stop_reason_ == "space_exhausted"
    search = model.leaderboard().query("stage == 'search'")
    decisions = search.iloc[:, list(search.columns).index("reason") + 1 :]
    assert set(decisions["fixed_1/power"]) == {1, 2, 3} and not decisions.duplicated().any()
    assert len(search) == decisions.nunique().prod()


# ---------------------------------------------------------------------- ends of a search


def test_patience_ends_a_search_that_no_longer_improves(iris):
    model = of_regressions(**{**BUDGET, "max_trials": 50, "refit": False}, patience=3).fit(*iris)
    board = trials(model)
    assert model.stop_reason_ == "patience"
    assert int(board["trial_id"].max()) - int(board["trial_id"].iloc[0]) == 3


def test_time_limit(iris):
    started = time.monotonic()
    classifier(epochs=1, refit=True, directory="short").fit(*iris)
    # Three times as long as this machine needs for the shortest search.
    time_limit = 3 * (time.monotonic() - started)
    started = time.monotonic()
    model = classifier(max_trials=None, epochs=None, time_limit=time_limit, refit=True, directory="limited").fit(*iris)
    assert time.monotonic() - started < 1.5 * time_limit
    assert model.stop_reason_ == "time_limit" and len(trials(model)) > 1


def test_a_time_limit_too_short_for_anything_gives_a_model(iris):
    model = autonas.StructuredDataClassifier(**{**BUDGET, "max_trials": None, "time_limit": 0.01}).fit(*iris)
    assert model.predict(iris[0]).shape == (150,) and model.stop_reason_ == "time_limit"


def test_groups_stay_together_and_many_of_few_rows_are_in_folds(iris):
    of_ten = np.arange(150) % 10
    with_all_of_a_class = np.where(np.asarray(iris[1]) == 0, 99, np.arange(150))
    for groups, n_folds in ((of_ten, 5), (of_ten // 2, 1), (with_all_of_a_class, 1)):
        _, search = classifier(epochs=1, validation_folds="auto").fit(*iris, groups=groups)._searched
        splits = search.state.evaluator.problem.dataset.splits
        assert len(splits) == n_folds
        for split in splits:
            assert not set(groups[split.train_rows]) & set(groups[split.validation_rows])


# ---------------------------------------------------------------------- what is left


def test_attributes(iris):
    model = autonas.StructuredDataClassifier(**BUDGET).fit(*iris)
    board = model.leaderboard()
    assert list(board.columns[:5]) == ["rank", "trial_id", "stage", "status", "score"]
    assert {"val_accuracy", "seconds", "epochs", "best_epoch", "parameters", "reason"} <= set(board.columns)
    assert board["stage"].tolist() == ["final", "search", "search", "baseline", "baseline"]
    assert model.best_score_ == board.query("rank == 1")["score"].item()
    # Nothing that was scored on its own training rows stands under a validation column.
    final = board.query("stage == 'final'").iloc[0]
    validated = [name for name in board.columns if name.startswith("val_")]
    assert final[["score", "rank", *validated]].isna().all() and final["loss"] > 0
    assert f"{model.objective_[0]} {model.best_score_:.4g}" in final["reason"]
    assert not any(name.startswith("val_") for epoch in model.history_ for name in epoch)
    assert model.stop_reason_ == "max_trials" and model.n_features_in_ == 4
    assert [set(epoch) >= {"loss", "learning_rate"} for epoch in model.history_] == [True] * len(model.history_)
    assert isinstance(model.model_, keras.Model)


@pytest.fixture(scope="module")
def table():
    generator = np.random.default_rng(0)
    frame = pandas.DataFrame(
        {
            "age": generator.normal(40, 10, 200),
            "city": generator.choice(["Bonn", "Graz", "Bern"], 200),
            "since": pandas.to_datetime("2020-01-01") + pandas.to_timedelta(generator.integers(0, 1000, 200), "D"),
            "member": generator.random(200) < 0.5,
        }
    )
    frame.loc[::7, "age"] = np.nan
    frame.loc[::11, "city"] = None
    return frame, np.where(frame["city"] == "Graz", "yes", "no")


def test_the_export_of_a_table_loads_without_autonas_and_says_the_same(table, folder, run_elsewhere):
    frame, y = table
    model = autonas.AutoModel(**BUDGET).fit(frame, y)
    assert model.feature_names_in_.tolist() == ["age", "city", "since", "member"]
    model.export_model().save(folder / "exported.keras")
    (encoder,) = model.predictor_.encoders.values()
    raw = {name: np.asarray(values) for name, values in encoder.raw_inputs(frame).items()}
    raw = {
        name: np.char.decode(values.astype(bytes)) if values.dtype == object else values for name, values in raw.items()
    }
    np.savez(folder / "rows.npz", **raw)
    script = """
        import keras, numpy, sys, tensorflow
        model = keras.models.load_model("exported.keras")
        rows = {}
        for name, values in numpy.load("rows.npz").items():
            rows[name] = tensorflow.constant(values.tolist() if values.dtype.kind == "U" else values)
        numpy.save("outputs.npy", keras.ops.convert_to_numpy(model(rows)))
        assert not any(name.startswith("autonas") for name in sys.modules)
    """
    done = run_elsewhere([sys.executable, "-c", textwrap.dedent(script)], cwd=folder)
    assert done.returncode == 0, done.stderr[-3000:]
    # Raw numbers are float32 there.
    assert np.allclose(np.load(folder / "outputs.npy")[:, 0], model.predict_proba(frame)[:, 1], atol=2e-4)


def test_save_and_load_in_another_process(table, folder):
    frame, y = table
    model = classifier(class_weight="balanced", metrics=["f1", spread]).fit(frame, y)
    model.save(folder / "saved")
    frame.to_pickle(folder / "rows.pickle")
    script = """
        import autonas, numpy, pandas
        model = autonas.AutoModel.load("saved")
        frame = pandas.read_pickle("rows.pickle")
        numpy.save("outputs.npy", model.predict_proba(frame))
        assert type(model).__name__ == "StructuredDataClassifier" and model.class_weight == "balanced"
        assert model.predict(frame).tolist() == model.classes_[model.predict_proba(frame).argmax(1)].tolist()
        assert (model.leaderboard().stage == "search").sum() == 1 and model.stop_reason_ == "max_trials"
    """
    run(script, folder)
    assert np.array_equal(np.load(folder / "outputs.npy"), model.predict_proba(frame))


def test_what_was_not_saved_cannot_be_loaded(folder):
    with pytest.raises(FileNotFoundError, match="`path` must be a folder that `save` has written"):
        autonas.AutoModel.load(folder)


def run(script, folder):
    process = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=folder, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr[-3000:]
