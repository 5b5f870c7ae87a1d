"""The command line: parsing, errors in one line, reading of files, and the real thing on tiny data."""

import io
import pathlib
import re
import subprocess
import sys
import types
import warnings

import numpy as np
import pandas
import PIL.Image
import pytest
import sklearn.datasets
import sklearn.exceptions

import autonas
from autonas import execution, oracles, runtimes
from autonas.backends import precision
from autonas.cli import commands
from autonas.cli import options as cli_options
from autonas.estimators import arguments
from autonas.reporting import TrialRecord, leaderboard
from autonas.search_space.blocks import spaces


class FakeModel:
    """Stands for the facade: remembers what it is given, predicts the first class or 0."""

    made = []
    error = None

    def __init__(self, **arguments):
        self.arguments = arguments
        self.best_score_ = 0.875
        self.objectives_ = [("val_accuracy", "max")]
        self.directory_ = arguments.get("directory", "autonas_runs/1")
        self.predictor_ = types.SimpleNamespace(encoders={"input": types.SimpleNamespace(kind="table")})
        FakeModel.made.append(self)

    def fit(self, x, y=None):
        if FakeModel.error is not None:
            raise FakeModel.error
        self.x, self.y = x, y
        if isinstance(x, pandas.DataFrame):
            self.feature_names_in_ = np.asarray(x.columns, dtype=object)
            self.task_, self.classes_ = "multiclass", np.unique(y)
        elif y is None:
            self.classes_ = np.array(x.class_names)
        return self

    def predict(self, x):
        self.x_new = x
        rows = len(x) if hasattr(x, "columns") else len(x.file_paths)
        return np.repeat(self.classes_[:1], rows)

    def predict_proba(self, x):
        return np.tile(np.eye(len(self.classes_))[0], (len(self.predict(x)), 1))

    def evaluate(self, x, y=None):
        return {"loss": 0.25, "accuracy": 0.5}

    def score(self, x, y):
        return 0.98

    def leaderboard(self):
        record = TrialRecord("0000", 0, status="completed", score=0.875, values={"block": "dense"})
        return leaderboard([record], "val_accuracy", "max")

    def save(self, path):
        pathlib.Path(path).mkdir(parents=True, exist_ok=True)

    @classmethod
    def load(cls, path):
        return cls.made[0]

    def export_model(self):
        return types.SimpleNamespace(save=lambda path: None)

    def report(self, path, x=None, y=None, *, interactive=False):
        kind = "interactive report" if interactive else "report"
        pathlib.Path(path).write_text(kind if x is None else f"{kind} on {len(y)} rows")

    def export(self, path):
        pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
        pathlib.Path(path).write_text("exported")
        return types.SimpleNamespace(path=path, runtime="ONNX Runtime")


@pytest.fixture
def fake(monkeypatch):
    """Puts the fake in the place of `autonas.estimators`."""
    from autonas import estimators

    FakeModel.made, FakeModel.error = [], None
    for name, content in (("auto_model", "AutoModel"), ("tasks", "ImageClassifier")):
        module = types.ModuleType(f"autonas.estimators.{name}")
        setattr(module, content, FakeModel)
        monkeypatch.setitem(sys.modules, f"autonas.estimators.{name}", module)
        monkeypatch.setattr(estimators, name, module, raising=False)
    return FakeModel


@pytest.fixture
def iris(tmp_path):
    frame = sklearn.datasets.load_iris(as_frame=True).frame
    frame["target"] = frame["target"].map({0: "setosa", 1: "versicolor", 2: "virginica"})
    path = tmp_path / "iris.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture
def images(tmp_path):
    digits = sklearn.datasets.load_digits()
    folder = tmp_path / "digits"
    for label, name in enumerate(("zero", "one")):
        (folder / name).mkdir(parents=True)
        for i, image in enumerate(digits.images[digits.target == label][:30]):
            PIL.Image.fromarray((image * 15).astype("uint8")).save(folder / name / f"{i:02d}.png")
    return folder


def error_of(capsys, *arguments):
    code = commands.main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    assert code == 2
    assert captured.err.startswith("autonas: error: ") and captured.err.count("\n") == 1
    return captured.err.removeprefix("autonas: error: ").strip()


# Parsing and start-up


def test_help_needs_no_library_that_takes_seconds_to_import():
    code = (
        "import sys; from autonas import cli; code = cli.main(['--help'])\n"
        "heavy = {'keras', 'tensorflow', 'jax', 'numpy', 'pandas', 'matplotlib', 'sklearn'} & set(sys.modules)\n"
        "sys.exit(code or (repr(heavy) if heavy else 0))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert all(command in done.stdout for command in ("demo", "fit", "select", "evaluate", "predict", "leaderboard"))


def test_a_reader_that_has_seen_enough_ends_the_command_without_a_word():
    code = (
        "from autonas.cli import commands; commands._COMMANDS['leaderboard'] = lambda options: print('x' * 10**6); "
        "raise SystemExit(commands.main(['leaderboard', 'model']))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait() == 141
    process.stderr.close()


def test_version(capsys):
    assert commands.main(["--version"]) == 0
    assert capsys.readouterr().out == f"autonas {autonas.__version__}\n"


@pytest.mark.parametrize(
    "arguments", [[], ["train"], ["fit"], ["fit", "a.csv"], ["demo", "--seed", "x"], ["predict", "model"]]
)
def test_a_wrong_command_line_is_one_line_and_exit_code_2(capsys, arguments):
    assert "--help" in error_of(capsys, *arguments)


def test_image_size():
    assert cli_options.image_size("28") == [28, 28]
    assert cli_options.image_size("28x32") == [28, 32]


@pytest.mark.parametrize("text", ["x", "0", "28x-1", "28x28x3"])
def test_image_size_is_checked(capsys, text):
    assert "image size" in error_of(capsys, "fit", "a", "--output", "b", f"--image-size={text}")


# Errors


def test_missing_file(capsys, tmp_path):
    missing = tmp_path / "none.csv"
    assert str(missing) in error_of(capsys, "fit", missing, "--target", "y", "--output", tmp_path / "m")
    assert str(missing) in error_of(capsys, "predict", missing, missing)
    assert str(missing) in error_of(capsys, "leaderboard", missing)


def test_missing_target(capsys, iris, tmp_path):
    assert "--target" in error_of(capsys, "fit", iris, "--output", tmp_path / "m")
    message = error_of(capsys, "fit", iris, "--target", "kind", "--output", tmp_path / "m")
    assert "'kind'" in message and "sepal length (cm)" in message


def test_unknown_and_empty_tables(capsys, tmp_path):
    sheet = tmp_path / "a.xlsx"
    sheet.touch()
    assert ".parquet" in error_of(capsys, "fit", sheet, "--target", "y", "--output", tmp_path / "m")
    empty = tmp_path / "a.csv"
    empty.touch()
    error_of(capsys, "fit", empty, "--target", "y", "--output", tmp_path / "m")
    empty.write_text("x,y\n")
    assert "no rows" in error_of(capsys, "fit", empty, "--target", "y", "--output", tmp_path / "m")
    binary = tmp_path / "b.csv"
    binary.write_bytes(bytes(range(128, 256)))
    error_of(capsys, "fit", binary, "--target", "y", "--output", tmp_path / "m")


def test_an_output_that_is_a_file_is_refused_before_the_search(capsys, fake, iris):
    assert "--output" in error_of(capsys, "fit", iris, "--target", "target", "--output", iris)
    assert not fake.made


def test_an_output_with_a_file_in_the_way_is_refused_before_the_search(capsys, fake, iris, tmp_path):
    (tmp_path / "estimator.json").write_text('{"mine": 1}')
    message = error_of(capsys, "fit", iris, "--target", "target", "--output", tmp_path)
    assert "must not contain a file 'estimator.json' that autonas didn't write" in message
    assert not fake.made


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("`epochs` must be\n positive"), "`epochs` must be positive"),
        (sklearn.exceptions.NotFittedError("call `fit` first"), "call `fit` first"),
        (PermissionError(13, "Permission denied", "runs/1"), "Permission denied: runs/1"),
        (RuntimeError("all 3 trials failed"), "all 3 trials failed"),
        (KeyError("x"), "KeyError: 'x'"),
        (MemoryError(), "MemoryError:"),
    ],
)
def test_errors_of_the_search_are_one_line(capsys, fake, iris, tmp_path, error, message):
    fake.error = error
    shown = error_of(capsys, "fit", iris, "--target", "target", "--output", tmp_path / "m", "--quiet")
    assert shown == message
    assert not (tmp_path / "m").exists()


def test_debug_shows_the_traceback(capsys, fake, iris, tmp_path):
    fake.error = ValueError("bad")
    code = commands.main(["fit", str(iris), "--target", "target", "--output", str(tmp_path / "m"), "--debug"])
    assert code == 2 and "Traceback" in capsys.readouterr().err


def test_an_interrupt_that_leaves_nothing_usable_is_exit_code_130(capsys, fake, iris, tmp_path):
    fake.error = KeyboardInterrupt()
    assert commands.main(["fit", str(iris), "--target", "target", "--output", str(tmp_path / "m")]) == 130
    assert capsys.readouterr().err == "autonas: interrupted\n"


def test_help_and_errors_name_all_values_of_an_option(capsys):
    known = {
        "--search-space": spaces.MAPS_AND_SERIES,
        "--strategy": oracles.STRATEGIES,
        "--fidelity": ["auto", *oracles.FIDELITIES],
        "--executor": execution.EXECUTORS,
        "--preset": arguments.presets(),
        "--precision": precision.PRECISIONS,
        "--task": [task for task in arguments.TASKS if task is not None],
        "--runtime": runtimes.RUNTIMES,
    }
    assert {option: list(values) for option, values in known.items()} == cli_options.CHOICES
    assert commands.main(["fit", "--help"]) == 0
    shown = "".join(capsys.readouterr().out.split())
    for option in set(known) - {"--runtime"}:
        assert f"{option}{{{','.join(known[option])}}}" in shown
    assert "bayesian" in error_of(capsys, "fit", "x.csv", "--output", "m", "--strategy", "luck")


# Commands, with the fake


def test_fit_passes_on_what_was_given_and_nothing_else(capsys, fake, iris, tmp_path):
    command = ["fit", str(iris), "--target", "target", "--output", str(tmp_path / "m")]
    assert commands.main(command) == 0
    assert fake.made[0].arguments == {"verbose": 1}
    options = "--time-limit 5 --max-trials 2 --epochs 3 --strategy random --objective val_loss --preset fast"
    options += " --fidelity full --executor process --workers 2 --search-space chain"
    assert (
        commands.main([*command, *options.split(), "--weight-sharing", "--seed", "0", "--task", "binary", "--quiet"])
        == 0
    )
    assert fake.made[1].arguments == {
        "time_limit": 5.0,
        "max_trials": 2,
        "epochs": 3,
        "search_space": "chain",
        "strategy": "random",
        "weight_sharing": True,
        "fidelity": "full",
        "executor": "process",
        "n_workers": 2,
        "objective": "val_loss",
        "preset": "fast",
        "seed": 0,
        "task": "binary",
        "verbose": 0,
    }


def test_several_objectives_are_a_front_and_limits_are_constraints(capsys, fake, iris, tmp_path):
    command = ["fit", str(iris), "--target", "target", "--output", str(tmp_path / "m"), "--quiet"]
    objectives = ["--objective", "val_accuracy", "--objective", "latency_ms"]
    assert commands.main([*command, *objectives, "--limit", "latency_ms=5", "--limit", "model_size_mb=.2"]) == 0
    assert fake.made[0].arguments["objective"] == ["val_accuracy", "latency_ms"]
    assert fake.made[0].arguments["constraints"] == {"latency_ms": 5.0, "model_size_mb": 0.2}
    for wrong in ("latency_ms", "latency_ms=fast", "=5"):
        assert commands.main([*command, "--limit", wrong]) == 2
        assert "such as latency_ms=5" in capsys.readouterr().err
    assert commands.main([*command, "--limit", "params=1", "--limit", "params=2"]) == 2
    assert "`--limit` must be given once for params. Received: 2 limits of params" in capsys.readouterr().err


def test_fit_prints_leaderboard_scores_and_places(capsys, fake, iris, tmp_path):
    output = tmp_path / "m"
    assert commands.main(["fit", str(iris), "--target", "target", "--output", str(output), "--test", str(iris)]) == 0
    out = capsys.readouterr().out
    assert "0000" in out and "dense" in out
    assert f"best val_accuracy: 0.8750\nmodel saved to {output}\ntest loss: 0.2500\ntest accuracy: 0.5000\n" in out
    command, address = out.splitlines()[-2:]
    assert "tensorboard" in command and "--logdir autonas_runs/1/tensorboard" in command
    assert address.startswith("at http://localhost:6006/#custom_scalars")
    assert list(fake.made[0].x.columns)[-1] == "petal width (cm)" and fake.made[0].y.name == "target"


def test_test_data_and_output_are_checked_before_the_search(capsys, fake, monkeypatch, tmp_path):
    frame = pandas.DataFrame({"a": range(4), "b": [1.5, 2, 3, 4], "y": ["no", "yes"] * 2})
    frame.to_csv(tmp_path / "train.csv", index=False)
    command = ["fit", tmp_path / "train.csv", "--target", "y", "--output", tmp_path / "m"]
    for test, message in (
        (frame[["a", "y"]], "the test data lack columns of the training data: b"),
        (frame.assign(y=["no", None, "yes", "no"]), "the test data have rows without a target. Remove them, or fill"),
        (frame.assign(y=["no", "maybe"] * 2), "the test data have labels that the training data lack: maybe"),
    ):
        test.to_csv(tmp_path / "test.csv", index=False)
        assert message in error_of(capsys, *command, "--test", tmp_path / "test.csv")
    (tmp_path / "file").write_text("")
    shown = error_of(capsys, *command[:-1], tmp_path / "file" / "m")
    assert "`--output` must be a folder that can be made. Received: " in shown
    assert not fake.made or not hasattr(fake.made[-1], "x")
    frame.to_csv(tmp_path / "test.csv", index=False)
    monkeypatch.setattr(fake, "evaluate", None)
    assert "TypeError" in error_of(capsys, *command, "--test", tmp_path / "test.csv")
    assert (tmp_path / "m").exists(), "a model is saved before it is tested"


def test_a_model_saved_from_python_reads_words_as_in_fit(capsys, tmp_path):
    generator = np.random.default_rng(0)
    codes = np.array(["007", "07", "7", "NA"])[generator.integers(4, size=200)]
    frame = pandas.DataFrame({"code": codes, "noise": generator.normal(size=200)})
    frame["y"] = np.where(np.isin(codes, ["007", "NA"]), "NA", "other")
    model = autonas.StructuredDataClassifier(max_trials=1, seed=0, verbose=0, directory=tmp_path / "runs")
    model.fit(frame, "y").save(tmp_path / "m")
    assert model.score(frame.drop(columns="y"), frame["y"]) == 1.0
    frame.to_csv(tmp_path / "a.csv", index=False)
    assert commands.main(["evaluate", str(tmp_path / "m"), str(tmp_path / "a.csv")]) == 0
    assert "accuracy: 1.0000" in capsys.readouterr().out


@pytest.mark.filterwarnings("default")
def test_a_warning_is_one_line_without_a_place_in_the_source(capsys, fake, monkeypatch, iris, tmp_path):
    monkeypatch.setattr(fake, "fit", lambda self, x, y: warnings.warn("few rows", stacklevel=1))
    assert commands.main(["fit", str(iris), "--target", "target", "--output", str(tmp_path / "m"), "--quiet"]) == 0
    assert capsys.readouterr().err == "autonas: warning: few rows\n"


def test_several_targets(fake, iris, tmp_path):
    targets = ["--target", "petal width (cm)", "--target", "petal length (cm)"]
    assert commands.main(["fit", str(iris), *targets, "--output", str(tmp_path / "m"), "--quiet"]) == 0
    assert list(fake.made[0].y.columns) == ["petal width (cm)", "petal length (cm)"]
    assert fake.made[0].x.shape == (150, 3)


def test_predict_ignores_the_target_and_writes_csv(capsys, fake, iris, tmp_path):
    model = str(tmp_path / "m")
    commands.main(["fit", str(iris), "--target", "target", "--output", model])
    capsys.readouterr()
    assert commands.main(["predict", model, str(iris)]) == 0
    assert capsys.readouterr().out.splitlines() == ["prediction"] + ["setosa"] * 150
    assert "target" not in fake.made[0].x_new
    output = tmp_path / "p.csv"
    assert commands.main(["predict", model, str(iris), "--probabilities", "--output", str(output)]) == 0
    assert list(pandas.read_csv(output).columns) == ["setosa", "versicolor", "virginica"]


def test_predict_names_the_columns_that_are_missing(capsys, fake, iris, tmp_path):
    commands.main(["fit", str(iris), "--target", "target", "--output", str(tmp_path / "m")])
    capsys.readouterr()
    part = tmp_path / "part.csv"
    pandas.read_csv(iris).drop(columns="sepal width (cm)").to_csv(part, index=False)
    assert "sepal width (cm)" in error_of(capsys, "predict", tmp_path / "m", part)


def test_evaluate_prints_the_metrics(capsys, fake, iris, tmp_path):
    commands.main(["fit", str(iris), "--target", "target", "--output", str(tmp_path / "m")])
    capsys.readouterr()
    assert commands.main(["evaluate", str(tmp_path / "m"), str(iris)]) == 0
    assert capsys.readouterr().out == "loss: 0.2500\naccuracy: 0.5000\n"
    del fake.made[0].source_  # As of a model that was saved from Python.
    assert "target column isn't known" in error_of(capsys, "evaluate", tmp_path / "m", iris)
    fake.made[0].target_column_ = "target"
    assert commands.main(["evaluate", str(tmp_path / "m"), str(iris)]) == 0


def test_select_refuses_a_model_whose_search_is_not_there(capsys, fake, iris, tmp_path):
    commands.main(["fit", str(iris), "--target", "target", "--output", str(tmp_path / "m"), "--directory", "gone"])
    capsys.readouterr()
    assert "no search in gone" in error_of(capsys, "select", tmp_path / "m", iris, "--limit", "params=1")
    assert "--limit" in error_of(capsys, "select", tmp_path / "m", iris)


def test_an_ensemble_is_made_if_it_is_asked_for(fake, iris, tmp_path):
    for number, (options, k) in enumerate((([], None), (["--ensemble", "3"], 3))):
        output = tmp_path / f"{number}"
        assert commands.main(["fit", str(iris), "--target", "target", "--output", str(output), *options]) == 0
        assert fake.made[-1].arguments.get("ensemble") == k


def test_a_report_explains_the_model_by_a_test_set(capsys, fake, iris, tmp_path):
    commands.main(["fit", str(iris), "--target", "target", "--output", str(tmp_path / "model"), "--quiet"])
    page = tmp_path / "report.html"
    assert commands.main(["report", str(tmp_path / "model"), str(page), "--test", str(iris)]) == 0
    assert page.read_text() == "report on 150 rows"
    assert commands.main(["report", str(tmp_path / "model"), str(page), "--interactive"]) == 0
    assert page.read_text() == "interactive report"


@pytest.mark.parametrize("command, name", [("report", "report.html"), ("export", "model.onnx")])
def test_a_saved_model_is_reported_and_exported(capsys, fake, iris, tmp_path, command, name):
    commands.main(["fit", str(iris), "--target", "target", "--output", str(tmp_path / "model"), "--quiet"])
    assert commands.main([command, str(tmp_path / "model"), str(tmp_path / name)]) == 0
    assert (tmp_path / name).exists()
    assert str(tmp_path / name) in capsys.readouterr().out
    assert error_of(capsys, command, tmp_path / "missing", tmp_path / name).startswith("no such folder")


def test_demo_prints_the_accuracy_and_where_things_are(capsys, fake, tmp_path):
    assert commands.main(["demo", "--directory", str(tmp_path / "run"), "--time-limit", "5"]) == 0
    out = capsys.readouterr().out
    assert "test accuracy: 0.9800\n" in out and f"model saved to {tmp_path / 'run' / 'model.keras'}\n" in out
    assert fake.made[0].arguments["overwrite"] is False and fake.made[0].x.shape == (1437, 8, 8)
    assert fake.made[0].arguments["time_limit"] == 5


def test_demo_searches_the_same_on_slow_machines(fake, tmp_path):
    assert commands.main(["demo", "--directory", str(tmp_path / "run")]) == 0
    arguments = fake.made[0].arguments
    assert arguments["max_trials"] == 3 and arguments["time_limit"] is None


def test_an_earlier_search_is_overwritten_on_request_only(fake, iris, tmp_path):
    fit = ["fit", str(iris), "--target", "target", "--output", str(tmp_path / "model")]
    for command in (["demo"], fit):
        assert commands.main([*command, "--directory", str(tmp_path / "run")]) == 0
        assert commands.main([*command, "--directory", str(tmp_path / "run"), "--overwrite"]) == 0
    assert [model.arguments.get("overwrite", False) for model in fake.made] == [False, True, False, True]


def test_demo_refuses_a_folder_of_something_else(capsys, tmp_path):
    (tmp_path / "run" / "weights").mkdir(parents=True)
    (tmp_path / "run" / "weights" / "mine.npz").write_text("mine")
    assert "holds 'weights' and no search" in error_of(capsys, "demo", "--directory", tmp_path / "run")
    assert "holds 'weights' and no search" in error_of(capsys, "demo", "--overwrite", "--directory", tmp_path / "run")
    assert (tmp_path / "run" / "weights" / "mine.npz").read_text() == "mine"


def test_images_are_streamed_at_the_size_of_the_first(capsys, fake, images, tmp_path):
    model = tmp_path / "m"
    assert commands.main(["fit", str(images), "--output", str(model), "--test", str(images)]) == 0
    batch, labels = next(iter(fake.made[0].x))
    assert batch.shape == (32, 8, 8, 1) and fake.made[0].y is None and set(labels.numpy()) == {0, 1}
    assert fake.made[0].source_["class_names"] == ["one", "zero"]
    capsys.readouterr()
    assert commands.main(["predict", str(model), str(images / "one")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "file,prediction" and lines[1] == f"{images / 'one' / '00.png'},one" and len(lines) == 31


def test_image_folders_are_checked(capsys, fake, images, iris, tmp_path):
    output = ("--output", tmp_path / "m")
    assert "--target" in error_of(capsys, "fit", images, "--target", "y", *output)
    assert "at least two folders" in error_of(capsys, "fit", images / "..", *output, "--image-size", "8")
    (tmp_path / "empty").mkdir()
    assert "no readable image" in error_of(capsys, "fit", tmp_path / "empty", *output)
    assert "--test" in error_of(capsys, "fit", images, *output, "--test", iris)
    assert commands.main(["fit", str(images), "--output", str(tmp_path / "m")]) == 0
    capsys.readouterr()
    assert "images" in error_of(capsys, "predict", tmp_path / "m", iris)


@pytest.mark.parametrize("command", ["fit", "predict", "evaluate"])
def test_files_that_are_no_images_are_named(capsys, fake, images, tmp_path, command):
    assert commands.main(["fit", str(images), "--output", str(tmp_path / "m")]) == 0
    capsys.readouterr()
    arguments = [images, "--output", tmp_path / "n"] if command == "fit" else [tmp_path / "m", images]
    whole = (images / "one" / "00.png").read_bytes()
    bad = [images / "one" / "000.png", images / "zero" / "x.png"]
    bad[0].write_bytes(whole[:-30])
    assert f"{bad[0]} can't be read as an image. Remove it" in error_of(capsys, command, *arguments)
    bad[1].write_text("no image")
    assert f"{bad[0]}, {bad[1]} can't be read as images. Remove them" in error_of(capsys, command, *arguments)
    for number in range(5):
        (images / "zero" / f"y{number}.jpg").touch()
    assert "y2.jpg and 2 more can't be read" in error_of(capsys, command, *arguments)
    assert len(fake.made) == 1


def test_hidden_folders_are_no_classes(capsys, fake, images, tmp_path):
    (images / ".ipynb_checkpoints").mkdir()
    PIL.Image.new("RGB", (4, 4)).save(images / ".ipynb_checkpoints" / "a.png")
    assert commands.main(["fit", str(images), "--output", str(tmp_path / "m"), "--test", str(images)]) == 0
    assert fake.made[0].source_["class_names"] == ["one", "zero"] and fake.made[0].source_["image_size"] == [8, 8]
    assert commands.main(["evaluate", str(tmp_path / "m"), str(images)]) == 0


# Files


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "x,y\n1,é\n".encode("latin-1"), "can't be read as CSV: 'utf-8' codec .* Save it as UTF-8"),
        ("a.csv", "x,y\n1,2\n".encode("utf-16"), "can't be read as CSV: 'utf-8' codec .* Save it as UTF-8"),
        ("a.csv", b"x,y\n1,2\n1,2,3\n", "can't be read as CSV: .* Expected 2 fields in line 3.* into quotes"),
        ("a.csv", b"", "can't be read as CSV: the file is empty"),
        ("a.csv.gz", b"x,y\n1,2\n", "can't be read as CSV: .* Compress it again"),
        ("a.csv", b"x;y\n1;2,5\n", "separated by semicolons instead of commas, as in 'x;y'. Save it with commas"),
        ("a.csv", b"x\ty\n1\t2\n", "separated by tabs instead of commas, .* or name it .tsv"),
        ("a.tsv", b"x;y\n1;2\n", "separated by semicolons instead of tabs, as in 'x;y'. Save it with tabs"),
        ("a.jsonl", b'{"x": 1', "can't be read as JSON, one object a line"),
    ],
)
def test_files_that_cannot_be_parsed_are_named(capsys, fake, iris, tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    shown = error_of(capsys, "fit", iris, "--target", "target", "--output", tmp_path / "m", "--test", path)
    assert shown.startswith(str(path)) and re.search(message, shown) and not fake.made


# The real thing


def test_fit_predict_leaderboard_on_a_table(capsys, iris, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = f"fit {iris} --target target --output m --max-trials 1 --epochs 2 --seed 0 --test {iris}"
    assert commands.main(command.split()) == 0
    out = capsys.readouterr().out
    assert "test accuracy: " in out and "search ended" in out
    assert commands.main(["predict", "m", str(iris)]) == 0
    predictions = capsys.readouterr().out.split()
    assert len(predictions) == 151 and set(predictions[1:]) <= {"setosa", "versicolor", "virginica"}
    assert commands.main(["predict", "m", str(iris), "--probabilities", "--output", "p.csv"]) == 0
    probabilities = pandas.read_csv("p.csv")
    assert list(probabilities.columns) == ["setosa", "versicolor", "virginica"]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-5)
    assert [list(probabilities.columns)[i] for i in probabilities.to_numpy().argmax(1)] == predictions[1:]
    assert commands.main(["leaderboard", "m", "--csv"]) == 0
    board = autonas.AutoModel.load("m").leaderboard()
    assert capsys.readouterr().out == board.to_csv(index=False)
    code = (
        "import sys; from autonas import cli; code = cli.main(['leaderboard', 'm']); "
        "sys.exit(code or ', '.join({'keras', 'tensorflow', 'sklearn'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "") and all(trial in done.stdout for trial in board.trial_id)
    code = f"import sys; from autonas import cli; sys.exit(cli.main(['predict', 'm', {str(iris)!r}]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    # Neither TensorFlow nor CUDA, which finds no GPU, prints an error.
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.split() == predictions


def test_select_serves_another_point_of_the_front_and_evaluate_scores_it(capsys, iris, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = f"fit {iris} --target target --output m --max-trials 6 --epochs 2 --seed 0 --strategy random --quiet"
    assert commands.main([*command.split(), "--objective", "val_accuracy", "--objective", "params"]) == 0
    assert commands.main(["leaderboard", "m", "--csv"]) == 0
    board = pandas.read_csv(io.StringIO(capsys.readouterr().out.partition("model saved to m\n")[2]))
    smallest = board[board.stage == "search"].params.min()
    assert (
        commands.main(["select", "m", str(iris), "--limit", f"params={smallest}", "--output", "small", "--quiet"]) == 0
    )
    assert "model saved to small" in capsys.readouterr().out
    assert commands.main(["leaderboard", "small", "--csv"]) == 0
    chosen = pandas.read_csv(io.StringIO(capsys.readouterr().out))
    assert chosen[chosen.stage == "final"].params.item() == smallest
    assert (chosen.stage == "search").sum() == 6
    assert commands.main(["evaluate", "small", str(iris)]) == 0
    out = capsys.readouterr().out
    assert "accuracy: " in out and 0.0 <= float(out.split("accuracy: ")[1].split()[0]) <= 1.0
    pandas.read_csv(iris).assign(note="new").to_csv("noted.csv", index=False)
    assert commands.main(["evaluate", "small", "noted.csv"]) == 0
    assert capsys.readouterr().out == out, "a column that the model wasn't fitted on is ignored, as by predict"
    assert "The front has" in error_of(capsys, "select", "m", iris, "--limit", "params=1", "--quiet")


def test_fit_and_predict_several_targets(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sklearn.datasets.load_linnerud(as_frame=True).frame.to_csv("l.csv", index=False)
    command = "fit l.csv --target Weight --target Pulse --output m --max-trials 1 --epochs 2 --seed 0 --quiet"
    assert commands.main(command.split()) == 0
    capsys.readouterr()
    assert commands.main(["predict", "m", "l.csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Weight,Pulse" and len(lines) == 21


def test_probabilities_of_several_labels_have_the_names_of_the_targets(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = sklearn.datasets.load_iris(as_frame=True).frame[::3]
    frame.assign(p=frame["target"] > 0, q=frame["target"] == 1).astype("float").to_csv("i.csv", index=False)
    command = "fit i.csv --target p --target q --output m --max-trials 1 --epochs 1 --seed 0 --quiet"
    assert commands.main(command.split()) == 0
    capsys.readouterr()
    assert commands.main(["predict", "m", "i.csv", "--probabilities"]) == 0
    assert capsys.readouterr().out.startswith("p,q\n")


def test_a_class_named_none(capsys, iris, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = pandas.read_csv(iris).replace({"target": {"setosa": "None", "virginica": "null"}})
    frame.to_csv("i.csv", index=False)
    command = "fit i.csv --target target --output m --max-trials 1 --epochs 1 --seed 0 --quiet --test i.csv"
    assert commands.main(command.split()) == 0
    frame[:50].to_csv("none.csv", index=False)
    assert commands.main(["evaluate", "m", "none.csv"]) == 0
    capsys.readouterr()
    assert commands.main(["predict", "m", "none.csv"]) == 0
    assert capsys.readouterr().out.split()[1:].count("None") > 25


def test_fit_and_predict_words_beside_numbers(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = sklearn.datasets.load_iris(as_frame=True).frame[::5]
    frame["target"] = frame["target"].map({0: "setosa", 1: "versicolor", 2: "virginica"})
    frame.iloc[:, 1:].to_csv("i.csv", index=False)
    command = "fit i.csv --target target --target --output m --max-trials 1 --epochs 1 --seed 0 --quiet".split()
    assert commands.main([*command[:5], "petal width (cm)", *command[5:]]) == 0
    assert commands.main(["evaluate", "m", "i.csv"]) == 0 and "target_accuracy: " in capsys.readouterr().out
    assert commands.main(["predict", "m", "i.csv"]) == 0
    first, *rows = capsys.readouterr().out.splitlines()
    assert first == "target,petal width (cm)" and len(rows) == 30 and rows[0].startswith(("setosa", "v"))
    assert commands.main(["predict", "m", "i.csv", "--probabilities"]) == 0
    assert capsys.readouterr().out.startswith("target=setosa,target=versicolor,target=virginica\n")


def test_fit_and_predict_images(capsys, images, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = f"fit {images} --output m --max-trials 1 --epochs 8 --seed 0 --quiet --test {images}"
    assert commands.main(command.split()) == 0
    assert "test accuracy: " in capsys.readouterr().out
    assert commands.main(["predict", "m", str(images)]) == 0
    predicted = pandas.read_csv(io.StringIO(capsys.readouterr().out))
    folders = predicted["file"].map(lambda path: pathlib.Path(path).parent.name)
    assert len(predicted) == 60 and (predicted["prediction"] == folders).mean() > 0.9
    assert commands.main(["predict", "m", str(images), "--probabilities"]) == 0
    probabilities = pandas.read_csv(io.StringIO(capsys.readouterr().out))
    assert list(probabilities.columns) == ["file", "one", "zero"]


@pytest.mark.parametrize("names", [None, ["one", "zero"]])
def test_images_of_a_model_from_python(capsys, images, tmp_path, monkeypatch, names):
    monkeypatch.chdir(tmp_path)
    digits = sklearn.datasets.load_digits(n_class=2)
    y = digits.target if names is None else np.array(["zero", "one"])[digits.target]
    model = autonas.ImageClassifier(max_trials=1, epochs=4, seed=0, verbose=0)
    model.fit((digits.images * 15).astype("uint8"), y).save("m")
    PIL.Image.open(images / "one" / "00.png").resize((19, 17)).save(images / "one" / "00.png")
    if names is None:
        (images / "one").rename(images / "1")
        (images / "zero").rename(images / "0")
    assert commands.main(["predict", "m", str(images)]) == 0
    predicted = pandas.read_csv(io.StringIO(capsys.readouterr().out), dtype=str)
    assert (predicted["prediction"] == predicted["file"].map(lambda path: pathlib.Path(path).parent.name)).mean() > 0.9
    assert commands.main(["evaluate", "m", str(images)]) == 0
    assert float(capsys.readouterr().out.split()[1]) > 0.9


def test_images_whose_scale_is_not_known_are_predicted_in_python(capsys, images, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    digits = sklearn.datasets.load_digits(n_class=2)
    autonas.ImageClassifier(max_trials=1, epochs=1, verbose=0).fit(digits.images / 16, digits.target).save("m")
    message = error_of(capsys, "predict", "m", images)
    assert (
        "shape (8, 8) with pixels up to 1, but" in message and "`autonas.AutoModel.load(folder).predict(x)`" in message
    )


def test_the_target_of_a_model_from_python_is_known_by_its_name(capsys, iris, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = pandas.read_csv(iris)
    model = autonas.AutoModel(max_trials=1, epochs=2, seed=0, verbose=0).fit(frame, "target")
    model.save("m")
    assert commands.main(["evaluate", "m", str(iris)]) == 0
    assert f"accuracy: {model.evaluate(frame, 'target')['accuracy']:.4f}\n" in capsys.readouterr().out
    assert "was fitted on a table. Received: ." in error_of(capsys, "predict", "m", ".")


def test_forecasts_continue_the_dates_of_a_file(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    days = pandas.date_range("2026-01-01", periods=70, name="day")
    frame = pandas.DataFrame(
        {"sales": 100 + 10 * np.sin(np.arange(70) * 2 * np.pi / 7), "rain": np.arange(70) % 5}, days
    )
    frame.to_csv("s.csv")
    for target, columns in (("sales", ["day", "prediction"]), (None, ["day", "sales", "rain"])):
        arguments = {"max_trials": 1, "epochs": 1, "seed": 0, "verbose": 0}
        model = autonas.TimeSeriesForecaster(horizon=2, target=target, **arguments).fit(frame)
        model.save("m")
        assert commands.main(["predict", "m", "s.csv"]) == 0
        shown = pandas.read_csv(io.StringIO(capsys.readouterr().out))
        assert list(shown.columns) == columns and list(shown["day"]) == ["2026-03-12", "2026-03-13"]
        np.testing.assert_allclose(shown[columns[1]], model.predict(frame).to_numpy().reshape(2, -1)[:, 0])
        assert commands.main(["evaluate", "m", "s.csv"]) == 0
        assert f"mase: {model.evaluate(frame)['mase']:.4f}\n" in capsys.readouterr().out


def test_demo(capsys, tmp_path, monkeypatch):
    """The whole command, without a time limit, so that the accuracy is the same on slow and busy machines."""
    monkeypatch.chdir(tmp_path)
    assert commands.main("demo --directory run --max-trials 2".split()) == 0
    out = capsys.readouterr().out
    accuracy = float(out.split("test accuracy: ")[1].split()[0])
    assert accuracy >= 0.97 and "model saved to run/model.keras" in out and "--logdir run" in out
    assert (tmp_path / "run" / "model.keras").exists() and list((tmp_path / "run" / "tensorboard").iterdir())
