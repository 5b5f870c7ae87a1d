"""Bad input and faults: each of these is what an AutoML tool in wide use gets wrong."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import keras
import numpy as np
import pandas
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import NotFittedError

import autonas
from autonas import reporting
from autonas.evaluation import evaluator, networks, training
from autonas.trials import lock
from tests.helpers.budgets import QUIET
from tests.helpers.leaderboards import trials
from tests.helpers.networks import of_small_networks

pytestmark = pytest.mark.usefixtures("folder")

BUDGET = {**QUIET, "max_trials": 2, "epochs": 3}


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(return_X_y=True)
    return x.reshape(-1, 8, 8)[:200], y[:200]


@pytest.fixture(scope="module")
def fitted(iris, tmp_path_factory):
    """A refitted classifier in a folder of its own."""
    directory = tmp_path_factory.mktemp("run") / "run"
    return autonas.StructuredDataClassifier(**BUDGET, directory=directory).fit(*iris)


def classifier(**arguments):
    return autonas.StructuredDataClassifier(**{**BUDGET, "refit": False, "max_trials": 1, **arguments})


def small_head(node, **arguments):
    return autonas.ClassificationHead(dropout=0.0, **arguments)(node)


# ---------------------------------------------------------------------- what is served is what was reported


def test_predict_serves_the_model_of_the_final_fit(fitted, iris):
    final = fitted.leaderboard().iloc[0]
    assert final["stage"] == "final" and final["status"] == "completed"
    assert len(fitted.history_) == final["epochs"]
    rows = fitted.predictor_.encode(iris[0])
    assert np.array_equal(fitted.model_(rows)["classification_head_1"].numpy(), fitted.predict_proba(iris[0]))


def test_without_a_final_fit_predict_serves_the_weights_that_were_scored(iris):
    x, y = iris
    train, validation = np.arange(0, 150, 2), np.arange(1, 150, 2)
    model = classifier(max_trials=3, objective="val_accuracy")
    model.fit(x[train], y[train], validation_data=(x[validation], y[validation]))
    best = model.leaderboard().iloc[0]
    assert model.score(x[validation], y[validation]) == pytest.approx(best["score"]) == model.best_score_
    assert model.evaluate(x[validation], y[validation])["accuracy"] == pytest.approx(best["val_accuracy"])


def test_validation_data_is_never_trained_on(iris):
    x, y = iris
    model = autonas.StructuredDataClassifier(**BUDGET).fit(x, y, validation_data=(x, y))
    assert set(trials(model)["stage"]) == {"search"}


@pytest.mark.parametrize(
    "labels",
    [
        np.array([0, 1, 2]),
        np.array([3, 7, -1], "int8"),
        np.array(["ape", "bee", "cat"]),
        np.array(["ape", "bee", "cat"], object),
        np.array([False, True]),
        np.array([0.0, 5.0]),
    ],
    ids=lambda labels: f"{labels.dtype}",
)
def test_predict_gives_the_users_own_labels(iris, labels):
    x, y = iris
    y = labels[y % len(labels)]
    model = classifier(epochs=1).fit(x, y)
    predicted = model.predict(x)
    assert predicted.shape == (150,) and predicted.dtype == labels.dtype
    assert set(predicted) <= set(labels)
    assert list(model.classes_) == sorted(labels.tolist())
    assert np.array_equal(model.classes_[model.predict_proba(x).argmax(1)], predicted)


# ---------------------------------------------------------------------- trials that fail


class Failing(autonas.Block):
    def build(self, hp, inputs):
        if not hasattr(hp, "declared"):
            raise RuntimeError("the flux capacitor is empty")
        return inputs


def test_every_trial_failed_raises_and_names_the_reasons(iris):
    node = autonas.StructuredDataInput()
    model = autonas.AutoModel(node, small_head(Failing()(node)), **{**BUDGET, "strategy": "random"})
    # The reasons are the trials', without the notes of the baselines.
    with pytest.raises(autonas.SearchFailed, match=r"None of . trials.*Reasons: [^;]*the flux capacitor is empty$"):
        model.fit(*iris)
    with pytest.raises(NotFittedError):
        model.predict(iris[0])
    assert "AutoModel" in model._repr_mimebundle_()["text/html"], "a notebook shows it as one that isn't fitted"


class SometimesFailing(autonas.Block):
    def build(self, hp, inputs):
        kind = hp.Choice("kind", ["sound", "broken", "broken too"])
        if kind.startswith("broken") and not hasattr(hp, "declared"):
            raise RuntimeError(f"it is {kind}")
        return inputs


def test_failed_trials_are_rows_of_the_leaderboard_and_count(iris):
    node = autonas.StructuredDataInput()
    model = autonas.AutoModel(node, small_head(SometimesFailing()(node)), **{**BUDGET, "max_trials": 6}).fit(*iris)
    board = model.leaderboard()
    search = board[board["stage"] == "search"]
    assert len(search) == 6 and model.stop_reason_ == "max_trials"
    failed = search[search["status"] == "failed"]
    assert len(failed) > 0 and failed["score"].isna().all()
    assert failed["reason"].str.contains("RuntimeError: it is broken").all()
    assert set(failed["sometimes_failing_1/kind"]) <= {"broken", "broken too"}


def test_a_pretrained_block_without_a_network_is_skipped_with_the_reason(digits, monkeypatch):
    import keras

    def no_network(*args, **kwargs):
        raise Exception("URL fetch failure on https://storage.googleapis.com/...: Temporary failure")

    monkeypatch.setattr(
        keras.applications, "MobileNetV3Small", _without_weights(keras.applications.MobileNetV3Small, no_network)
    )
    node = autonas.ImageInput()
    pretrained = autonas.PretrainedBlock("MobileNetV3Small", image_size=32, trainable=False)

    class Either(autonas.Block):
        features = None

        def build(self, hp, inputs):
            choice = autonas.LayerChoice(
                "kind",
                {
                    "pretrained": lambda: lambda tensor: pretrained.build(hp, tensor),
                    "plain": lambda: keras.layers.Flatten(),
                },
            )
            return choice(hp, keras.ops.cast(inputs, "float32"))

    with monkeypatch.context() as patch:
        patch.setattr(autonas.PretrainedBlock, "__deepcopy__", lambda self, memo: self, raising=False)
        model = autonas.AutoModel(
            node, small_head(Either()(node)), **{**BUDGET, "max_trials": 8, "strategy": "random", "epochs": 1}
        )
        model.fit(*digits)
    board = model.leaderboard()
    skipped = board[board["status"] == "failed"]
    assert len(skipped) and skipped["reason"].str.contains("weights of MobileNetV3Small can't be loaded").all()
    assert (board["status"] == "completed").any()


def _without_weights(function, fail):
    def build(*args, weights=None, **kwargs):
        return fail() if weights is not None else function(*args, weights=None, **kwargs)

    return build


class OutOfMemory(Exception):
    """Named as TensorFlow's."""


OutOfMemory.__name__ = "ResourceExhaustedError"


def test_out_of_memory_halves_the_batch_once(iris, monkeypatch):
    batches = _fail_for_memory(monkeypatch, times=1)
    model = classifier().fit(*iris)
    assert batches == [batches[0], batches[0] // 2]
    assert trials(model)["status"].tolist() == ["completed"]


def test_out_of_memory_twice_fails_that_trial_alone(iris, monkeypatch):
    batches = _fail_for_memory(monkeypatch, times=2)
    model = classifier(max_trials=2).fit(*iris)
    assert len(batches) == 3
    assert sorted(trials(model)["status"]) == ["completed", "failed"]
    assert trials(model)["reason"].iloc[1].startswith("out of memory")


def _fail_for_memory(monkeypatch, times):
    """The first calls of training run out of memory; returns the list of batch sizes that are tried."""
    batches, train = [], evaluator.training.train

    def failing(loop, rows, *args, **kwargs):
        batches.append(rows.batch_size)
        if len(batches) <= times:
            raise OutOfMemory("OOM when allocating tensor with shape[100000,100000]")
        return train(loop, rows, *args, **kwargs)

    monkeypatch.setattr(evaluator.training, "train", failing)
    return batches


# ---------------------------------------------------------------------- data that can't be


def one_line(error):
    message = str(error.value)
    assert "\n" not in message and len(message) < 400
    return message


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_bad_pixel_is_an_error_before_training(digits, folder, value):
    x, y = digits
    x = x.astype("float32")
    x[17, 3, 5] = value
    with pytest.raises(ValueError) as error:
        autonas.ImageClassifier(**BUDGET).fit(x, y)
    message = one_line(error)
    assert "1 " in message and "17" in message
    assert os.listdir(folder) == []


def test_missing_values_of_a_table_are_imputed_with_an_indicator():
    generator = np.random.default_rng(0)
    missing = generator.random(400) < 0.5
    table = pandas.DataFrame({"a": np.where(missing, np.nan, generator.normal(size=400)), "b": "x"})
    model = autonas.StructuredDataClassifier(**{**BUDGET, "epochs": 40}).fit(table, missing)
    assert model.score(table, missing) > 0.95


def test_x_and_y_of_different_length_are_an_error_at_once(iris, folder):
    start = time.thread_time()
    with pytest.raises(ValueError) as error:
        classifier().fit(iris[0], iris[1][:-1])
    assert "150" in one_line(error) and "149" in one_line(error)
    assert time.thread_time() - start < 1 and os.listdir(folder) == []


def test_validation_labels_unseen_in_training_are_named(iris, folder):
    x, y = iris
    with pytest.raises(ValueError, match="labels that were not seen in training: 2") as error:
        classifier().fit(x[y < 2], y[y < 2], validation_data=(x, y))
    one_line(error)
    assert os.listdir(folder) == []


def test_sorted_labels_are_split_in_equal_shares(iris):
    x, y = iris
    assert (np.diff(y) >= 0).all()
    model = classifier(epochs=20, max_trials=2, objective="val_accuracy").fit(x, y)
    assert model.best_score_ > 0.8


def test_a_huge_list_is_accepted(iris):
    rows = np.tile(iris[0], (200, 1)).tolist()
    model = classifier(epochs=1).fit(rows, np.tile(iris[1], 200).tolist())
    assert model.predict(rows[:10]).shape == (10,)


def test_a_huge_list_that_cannot_be_gives_a_short_error():
    with pytest.raises(ValueError) as error:
        autonas.AutoModel(**BUDGET).fit([{"a": index} for index in range(100_000)], [0, 1] * 50_000)
    one_line(error)


# ---------------------------------------------------------------------- arguments that can't be


@pytest.mark.parametrize(
    "arguments",
    [
        {"max_trials": 0},
        {"max_trials": 2.5},
        {"epochs": 0},
        {"epochs": True},
        {"validation_split": 1.5},
        {"validation_split": 0},
        {"time_limit": -3},
        {"time_limit": float("nan")},
        {"patience": 0},
        {"seed": -1},
        {"num_classes": 1},
        {"preset": "quick"},
        {"task": "clustering"},
        {"strategy": "magic"},
        {"strategy": 3},
        {"objective": "val_beauty"},
        {"objective": ["val_loss", "loss"]},
        {"objective": []},
        {"objective": 3},
        {"objective": ["val_loss", ["params"]]},
        {"constraints": ["params"]},
        {"constraints": {"val_accuracy": 0.9}},
        {"constraints": {"params": 0}},
        {"constraints": {"params": "few"}},
        {"metrics": "beauty"},
        {"metrics": [3]},
        {"metrics": "rmse"},
        {"loss": "beauty"},
        {"loss": "binary_focal_crossentropy"},
        {"class_weight": {5: 1.0}},
        {"class_weight": "heavy"},
        {"class_weight": {0: -1.0}},
        {"refit": "yes"},
        {"verbose": "loud"},
        {"directory": 3},
        {"inputs": autonas.StructuredDataInput()},
    ],
    ids=lambda arguments: next(iter(arguments)),
)
def test_an_argument_that_cannot_be_is_named_before_anything_is_written(iris, folder, arguments):
    with pytest.raises(ValueError) as error:
        autonas.AutoModel(**{**BUDGET, **arguments}).fit(*iris)
    assert f"`{next(iter(arguments))}`" in one_line(error)
    assert os.listdir(folder) == []


def test_arguments_are_not_checked_by_the_constructor():
    assert autonas.AutoModel(max_trials=0).max_trials == 0


def test_a_loss_that_is_honoured(iris):
    with pytest.raises(ValueError, match="`loss` can't be 'categorical_crossentropy' for a binary .* 'binary_crossent"):
        classifier(loss="categorical_crossentropy").fit(iris[0], iris[1] > 0)
    with pytest.raises(ValueError, match="for a multilabel target: it needs an output for each of several classes"):
        classifier(loss="categorical_crossentropy").fit(
            iris[0], np.eye(3)[iris[1]] + np.eye(3)[0] * (iris[1] == 1)[:, None]
        )
    with pytest.raises(ValueError, match="a number for each row. Give it reduction='sum_over_batch_size'"):
        classifier(loss=keras.losses.SparseCategoricalCrossentropy(reduction="none")).fit(*iris)
    usual, one_hot, smoothed = (
        classifier(seed=0, loss=loss, hyperparameters={"structured_data_block_1/kind": "dense"}).fit(*iris)
        for loss in (None, "categorical_crossentropy", keras.losses.CategoricalCrossentropy(label_smoothing=0.5))
    )
    np.testing.assert_allclose(one_hot.predict_proba(iris[0]), usual.predict_proba(iris[0]), rtol=1e-3)
    assert smoothed.predict_proba(iris[0]).max() < one_hot.predict_proba(iris[0]).max()
    x, y = load_iris().data[:, :3], load_iris().data[:, 3]
    squared, absolute = (
        autonas.StructuredDataRegressor(**{**BUDGET, "max_trials": 1, "refit": False}, loss=loss).fit(x, y)
        for loss in ("mse", "mae")
    )
    assert squared.history_[0]["loss"] != absolute.history_[0]["loss"]


def test_num_classes_is_honoured(iris):
    x, y = iris
    model = classifier(num_classes=5).fit(x, y)
    assert model.classes_.tolist() == [0, 1, 2, 3, 4]
    assert model.predict_proba(x).shape == (150, 5)


def test_sample_weight_is_honoured(iris):
    x, y = iris
    x, y = np.concatenate([x, x]), np.concatenate([y, (y + 1) % 3])
    weight = np.repeat([1.0, 0.0], 150)
    model = classifier(epochs=40, max_trials=3, objective="val_loss")
    first = clone(model).fit(x, y, sample_weight=weight)
    second = clone(model).fit(x, y, sample_weight=weight[::-1])
    assert first.score(x[:150], y[:150]) > 0.8
    assert second.score(x[150:], y[150:]) > 0.8


def test_class_weight_is_honoured():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(300, 2))
    y = np.where(generator.random(300) < 0.5, "a", "b")  # nothing to learn but the weights
    for label in ("a", "b"):
        model = classifier(epochs=60, max_trials=2, class_weight={label: 50.0}).fit(x, y)
        assert np.mean(model.predict(x) == label) > 0.95


# ---------------------------------------------------------------------- continuing in a folder


@pytest.mark.parametrize(
    "change, difference",
    [
        (lambda x, y: (x, (y + 1) % 3), "`y` has other values than before"),
        (lambda x, y: (x[:, :3], y), r"x.shape was \[150, 4\] and is \[150, 3\]"),
        (lambda x, y: (x[:140], y[:140]), "x.rows was 150 and is 140"),
    ],
    ids=["labels", "columns", "rows"],
)
def test_other_data_in_the_same_directory_is_refused_with_the_difference(fitted, iris, change, difference):
    before = fitted.predict(iris[0])
    model = clone(fitted)
    with pytest.raises(ValueError, match=difference) as error:
        model.fit(*change(*iris))
    one_line(error)
    assert np.array_equal(autonas.AutoModel.load(os.path.join(fitted.directory_, "model")).predict(iris[0]), before)


def test_other_arguments_in_the_same_directory_are_refused_with_the_difference(fitted, iris):
    with pytest.raises(ValueError, match="epochs was 3 and is 4"):
        clone(fitted).set_params(epochs=4).fit(*iris)


def test_overwrite_begins_anew(iris, folder):
    model = classifier(directory=folder / "run").fit(*iris)
    (folder / "run" / "mine.txt").write_text("not autonas's")
    other = clone(model).set_params(overwrite=True).fit(iris[0], (iris[1] + 1) % 3)
    assert len(trials(other)) == 1
    assert (folder / "run" / "mine.txt").exists()


def test_a_folder_of_other_things_is_refused(iris, folder):
    (folder / "run").mkdir()
    (folder / "run" / "thesis.tex").write_text("...")
    with pytest.raises(ValueError, match="`directory` must be.*thesis.tex"):
        classifier(directory=folder / "run").fit(*iris)


def test_a_second_search_in_the_same_directory_is_refused(iris, folder):
    with lock.held(str(folder / "run")), pytest.raises(ValueError, match=f"`directory`.* process {os.getpid()} on"):
        classifier(directory=folder / "run").fit(*iris)
    assert classifier(directory=folder / "run").fit(*iris).score(*iris) > 0.3


def test_workers_of_keras_tuner_are_refused(iris, folder, monkeypatch):
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "chief")
    with pytest.raises(ValueError, match="KERASTUNER_TUNER_ID must not be set: .* Unset it"):
        classifier().fit(*iris)


def test_a_second_fit_fits_anew(iris):
    x, y = iris
    model = classifier(epochs=20, max_trials=2).fit(x, y)
    first = model.directory_
    assert model.fit(x, np.array(["r", "s", "t"])[y]) is model
    assert model.directory_ != first and set(model.predict(x)) <= {"r", "s", "t"}
    model = autonas.AutoModel(**BUDGET).fit(x, y)
    assert hasattr(model, "classes_")
    assert not hasattr(model.fit(x, x[:, 0]), "classes_")


def test_predict_before_fit_says_so(iris):
    model = autonas.AutoModel()
    uses = [lambda: model.predict(iris[0]), lambda: model.predict_proba(iris[0]), lambda: model.score(*iris)]
    uses += [lambda: model.evaluate(*iris), model.leaderboard, model.export_model, lambda: model.save("x")]
    for use in uses:
        with pytest.raises(NotFittedError):
            use()


# ---------------------------------------------------------------------- seeds


def test_the_same_seed_gives_the_same_leaderboard_in_any_process(iris, fitted):
    script = """
        import autonas, sklearn.datasets
        x, y = sklearn.datasets.load_iris(return_X_y=True)
        model = autonas.StructuredDataClassifier(
            max_trials=2, epochs=3, tensorboard=False, verbose=0, seed=0, validation_folds=None
        ).fit(x, y)
        print(repr(model.leaderboard()[["score", "val_loss", "loss"]].to_numpy().tolist()))
    """
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    ).stdout.strip().splitlines()[-1]  # fmt: skip
    assert found == repr(fitted.leaderboard()[["score", "val_loss", "loss"]].to_numpy().tolist())


def test_other_seeds_give_other_leaderboards(iris, fitted):
    other = clone(fitted).set_params(seed=1, directory=None).fit(*iris)
    assert not np.array_equal(other.predict_proba(iris[0]), fitted.predict_proba(iris[0]))


# ---------------------------------------------------------------------- Ctrl-C


@pytest.mark.parametrize(
    "hook, when, n_trials",
    [
        ("on_epoch_end", ("0006", 2), 7),  # within a trial that has a score, of a network
        ("on_epoch_end", ("0000", 1), 1),  # within the first trial
        ("on_trial_begin", ("0001", None), 2),  # between two trials
        ("on_trial_end", ("0000", None), 1),
    ],
)
def test_an_interrupt_leaves_a_fitted_usable_model(iris, monkeypatch, hook, when, n_trials):
    def interrupt(self, record, *arguments):
        epoch = arguments[0] if hook == "on_epoch_end" else None
        if (record.trial_id, epoch) == when:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(reporting.ProgressReporter, hook, interrupt)
        model = classifier(max_trials=7, verbose=1, directory="run").fit(*iris)
    board = trials(model)
    assert model.stop_reason_ == "interrupted" and len(board) == n_trials
    assert (board["status"] == "completed").any() and (board["status"] != "running").all()
    assert model.predict(iris[0]).shape == (150,)
    # It can be continued, too.
    more = clone(model).set_params(verbose=0).fit(*iris)
    assert len(trials(more)) == 7 and more.stop_reason_ == "max_trials"


def test_an_interrupt_of_the_final_fit_serves_the_searched_weights(iris, monkeypatch):
    x, y = iris

    def interrupt(self, record, epoch, metrics):
        if record.stage == "final":
            raise KeyboardInterrupt

    monkeypatch.setattr(reporting.ProgressReporter, "on_epoch_end", interrupt)
    model = classifier(refit=True, verbose=1).fit(x, y)
    searched = classifier().fit(x, y)
    assert np.array_equal(model.predict_proba(x), searched.predict_proba(x))
    board = model.leaderboard().set_index("trial_id")
    assert board.loc["final", "status"] == "interrupted"
    assert "served with the weights of the search" in board.loc["0000", "reason"]


def test_a_final_fit_that_diverges_serves_the_searched_weights(iris, monkeypatch):
    final_fit, run_epoch = evaluator.Evaluator.final_fit, training._Training.run_epoch

    def diverge(self):
        loss, finished = run_epoch(self)
        if self.epoch == 0:
            return loss, finished
        self.loop.model.set_weights([weight * np.nan for weight in self.loop.model.get_weights()])
        return np.nan, finished

    def diverging_fit(*arguments):
        monkeypatch.setattr(training._Training, "run_epoch", diverge)
        return final_fit(*arguments)

    monkeypatch.setattr(evaluator.Evaluator, "final_fit", diverging_fit)
    model = of_small_networks(**{**BUDGET, "max_trials": 1}).fit(*iris)
    assert np.array_equal(model.predict_proba(iris[0]), model.model_of("0000").predict_proba(iris[0]))
    board = model.leaderboard().set_index("trial_id")
    assert board.loc["final", "status"] == "failed" and "infinite in epoch 2" in board.loc["0000", "reason"]


def test_an_interrupt_before_there_is_a_model_is_an_interrupt(iris, monkeypatch):
    def interrupt(*arguments, **keywords):
        raise KeyboardInterrupt

    monkeypatch.setattr(networks.Networks, "build", interrupt)
    with pytest.raises(KeyboardInterrupt):
        classifier().fit(*iris)


def test_ctrl_c_from_a_terminal(iris, folder):
    script = """
        import autonas, sklearn.datasets
        x, y = sklearn.datasets.load_iris(return_X_y=True)
        model = autonas.StructuredDataClassifier(
            max_trials=500, epochs=100, tensorboard=False, verbose=0, seed=0, directory="run"
        ).fit(x, y)
        print(model.stop_reason_, model.predict(x).shape, len(model.leaderboard()) >= 1)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    journal = folder / "run" / "journal.jsonl"
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and not (journal.exists() and '"ended"' in journal.read_text()):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert out.split() == ["interrupted", "(150,)", "True"], err[-2000:]


# ---------------------------------------------------------------------- cost


def test_architectures_suit_the_size_of_the_input(digits):
    """No candidate for 8x8 pixels is larger than a small network, and none takes long."""
    model = autonas.ImageClassifier(**{**BUDGET, "max_trials": 4, "epochs": 1}).fit(*digits)
    board = model.leaderboard()
    assert board["parameters"].max() < 2_000_000
    # Without the time of tracing: a slow machine takes long to trace a small network, too.
    assert max(record["phases"]["train"] for record in model.records_ if record["stage"] == "search") < 60
