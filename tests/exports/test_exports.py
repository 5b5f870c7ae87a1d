"""Exports: of each kind of data, each format's file says what the model says, in a process without autonas."""

import contextlib
import json
import os
import pathlib
import shutil
import string
import sys

import keras
import numpy as np
import pandas
import pytest
import tensorflow as tf

import autonas
from autonas import exceptions, exports
from autonas.data import streams
from tests.helpers.budgets import QUIET
from tests.helpers.dying import Killed, kill

pytestmark = pytest.mark.usefixtures("folder")

BUDGET = {**QUIET, "max_trials": 1, "epochs": 3, "refit": False}
FORMATS = {"keras": "model.keras", "onnx": "model.onnx", "litert": "model.tflite", "saved_model": "saved_model/"}

#: Runs exported files on the rows of each, and writes what each says.
SCRIPT = """
import numpy, sys

def rows_of(format):
    with numpy.load(format + ".npz") as arrays:
        return {name: arrays[name] for name in arrays.files}

def run(format, file):
    rows = rows_of(format)
    if format == "onnx":
        import onnxruntime
        session = onnxruntime.InferenceSession(file)
        for tensor in (*session.get_inputs(), *session.get_outputs()):
            assert tensor.shape[0] == "batch" and not any("unk" in str(size) for size in tensor.shape), tensor.shape
        rows = {name: a.astype(object) if a.dtype.kind == "U" else a for name, a in rows.items()}
        return dict(zip([each.name for each in session.get_outputs()], session.run(None, rows)))
    if format == "litert":
        from ai_edge_litert.interpreter import Interpreter
        runner = Interpreter(file).get_signature_runner()
        return runner(**rows)
    import tensorflow
    rows = {name: tensorflow.constant(a.tolist() if a.dtype.kind == "U" else a) for name, a in rows.items()}
    if format == "saved_model":
        outputs = tensorflow.saved_model.load(file).signatures["serving_default"](**rows)
    else:
        import keras
        model = keras.models.load_model(file)
        outputs = model(rows if isinstance(model.input, dict) else next(iter(rows.values())))
        outputs = outputs if isinstance(outputs, dict) else {"output": outputs}
    return {name: each.numpy() for name, each in outputs.items()}

for format, file in zip(sys.argv[1::2], sys.argv[2::2]):
    numpy.savez(format + "_outputs.npz", **run(format, file))
assert not any(name.startswith("autonas") for name in sys.modules)
"""


def said_elsewhere(run, exported, rows, model):
    """What exported files say of rows in a process of their own: a dict from format to a list of arrays by head.

    Args:
        run: Function like `subprocess.run`.
        exported: Dict from format to `Export`.
        rows: Dict from input to array, strings as objects.
        model: The estimator.
    """
    for format, export in exported.items():
        given = dict(rows)
        if export.code_book is not None:
            with open(export.code_book, encoding="utf-8") as file:
                given.update({name: coded(given[name], codes) for name, codes in json.load(file).items()})
        if format in ("litert", "saved_model"):
            given = {export.names[name]: array for name, array in given.items()}
        np.savez(f"{format}.npz", **{name: a.astype("U") if a.dtype == object else a for name, a in given.items()})
    command = [sys.executable, "-c", SCRIPT]
    for format, export in exported.items():
        command += [format, os.fspath(export)]
    finished = run(command)
    assert finished.returncode == 0, finished.stderr
    said = {}
    for format in exported:
        with np.load(f"{format}_outputs.npz") as arrays:
            heads = [name if name in arrays.files else arrays.files[0] for name in model.predictor_.targets]
            said[format] = [arrays[name] for name in heads]
    return said


def coded(texts, codes):
    """Strings as numbers, as the documentation of `export` says."""
    if codes["kind"] == "category":
        return np.array([codes["codes"].get(each, 0) for each in texts], "int32")
    return np.array([coded_text(text, codes) for text in texts], "int32")


def coded_text(text, codes):
    """A text as numbers: its code, the ids of its words, and those of its trigrams or n-grams."""
    kept = "".join(each.lower() if each.isascii() else each for each in text if each not in string.punctuation)
    trigrams = [kept[start : start + 3] for start in range(len(kept) - 2)]
    numbers = [codes["codes"].get(text, 0)] if "codes" in codes else []
    tokens = kept if codes.get("split") == "character" else kept.split()
    groups = [(tokens, "words", "length"), (trigrams, "trigrams", "n_trigrams")]
    groups = [(parts, codes[known], codes[length]) for parts, known, length in groups if known in codes]
    for group in codes.get("ngrams", []):
        units = text if group["as_written"] else kept if group["split"] == "character" else kept.split()
        starts = [(start, width) for width in group["widths"] for start in range(len(units) - width + 1)]
        groups.append(([" ".join(units[i : i + n]) for i, n in starts], group["terms"], group["length"]))
    for parts, known, length in groups:
        ids = {part: place + 2 for place, part in enumerate(known)}
        found = [ids.get(part, 1) for part in parts][:length]
        numbers += found + [0] * (length - len(found))
    return numbers


def export_all(model, without=()):
    exported = {format: model.export(path) for format, path in FORMATS.items() if format not in without}
    assert sorted(os.listdir()) == sorted(
        [*(path.rstrip("/") for format, path in FORMATS.items() if format not in without), "run"]
        + [os.path.basename(each.code_book) for each in exported.values() if each.code_book is not None]
    )
    for each in exported.values():
        assert each.difference < 1e-4 and 1 <= each.n_rows <= 32
    return exported


def expected(model, x):
    """The outputs of each head: probabilities of the second of two classes or of all, or numbers."""
    predicted, several = model.predict(x), len(model.predictor_.targets) > 1
    probabilities = model.predict_proba(x) if model.task_ != "regression" else [None]
    found = []
    for head, target in enumerate(model.predictor_.targets.values()):
        of_head = [each[head] if several else each for each in (predicted, probabilities)]
        if target.task_ == "regression":
            found.append(of_head[0].reshape(len(of_head[0]), -1))
        else:
            found.append(of_head[1][:, 1:] if target.task_ == "binary" else of_head[1])
    return found


@pytest.fixture
def check(run_elsewhere):
    """Function that exports a model in every format, and compares what each file says with what the model says."""

    def check(model, x, rows, without=(), atol=1e-4):
        exported = export_all(model, without)
        right = expected(model, x)
        for format, found in said_elsewhere(run_elsewhere, exported, rows, model).items():
            for one, other in zip(found, right, strict=True):
                np.testing.assert_allclose(one, other, atol=atol, rtol=1e-4, err_msg=format)
        return exported

    return check


def fit(x, y, **arguments):
    return autonas.AutoModel(**{**BUDGET, "directory": "run", **arguments}).fit(x, y)


def name_of(model):
    (name,) = model.predictor_.encoders
    return name


# ---------------------------------------------------------------------- every format, every kind


def test_numbers_and_regression(iris, check):
    x = iris[0].astype("float32")
    model = fit(x[:, :3], 1000 * x[:, 3])
    exported = check(model, x[:, :3], {name_of(model): x[:, :3]}, atol=0.1)
    assert exported["onnx"].inputs == {name_of(model): "(None, 3) float32"}
    assert exported["onnx"].outputs == exported["litert"].outputs == ["output"]
    signature = tf.saved_model.load(os.fspath(exported["saved_model"])).signatures["serving_default"]
    assert exported["saved_model"].outputs == list(signature.structured_outputs)


def test_numbers_of_which_one_column_is_never_negative(check):
    x = np.random.default_rng(0).normal(size=(100, 2)).astype("float32")
    y = np.stack([np.maximum(x[:, 0], 0), x[:, 0]], axis=1)
    graph = autonas.StructuredDataInput(name="maximum")
    head = autonas.RegressionHead(name="bounded")(autonas.RidgeBlock()(autonas.Normalization()(graph)))
    model = fit(x, y, inputs=graph, outputs=head)
    predicted = model.predict(x)
    assert (predicted[:, 0] == 0).sum() > 10 and (predicted[:, 1] < 0).sum() > 40
    check(model, x, {"maximum": x})


def table(n_rows=200):
    generator = np.random.default_rng(0)
    words = ["good", "bad", "Fine,", "so-so", "ÜBER"]
    frame = pandas.DataFrame(
        {
            "age": generator.normal(40, 10, n_rows).astype("float32"),
            "home city": generator.choice(["Bonn", "Graz", "Bern", "Zürich"], n_rows),
            "member": generator.random(n_rows) < 0.5,
            "note": [f"{' '.join(generator.choice(words, 5))} {row}" for row in range(n_rows)],
        }
    )
    frame.loc[::7, "age"] = np.nan
    frame.loc[::11, "home city"] = None
    return frame, np.where(frame["home city"] == "Graz", "yes", "no")


def as_inputs(frame):
    """A DataFrame as the documentation of `export` says."""
    text = {name: frame[name].fillna("").to_numpy(dtype=object) for name in ("home city", "note")}
    return {"age": frame["age"].to_numpy(), "member": frame["member"].to_numpy("float32"), **text}


def test_categories_texts_and_missing_values(check):
    frame, y = table()
    model = fit(frame, y)
    frame.loc[:3, "home city"] = "Nowhere"
    exported = check(model, frame, as_inputs(frame))
    assert exported["onnx"].inputs["home city"] == "(None,) string"
    assert exported["litert"].inputs["home city"] == "(None,) int32"
    assert exported["saved_model"].code_book is None


def test_categories_whose_strings_are_alike(check):
    frame, y = table()
    generator = np.random.default_rng(0)
    jobs, numbers = generator.choice(["Clerk", "Ärztin", "Driver"], 200), generator.integers(60, size=200)
    frame["title"] = [f"{job}/{number:02d}" for job, number in zip(jobs, numbers, strict=True)]
    model = fit(frame, y)
    frame.loc[:3, "title"] = "Clerk/retired"
    inputs = as_inputs(frame) | {"title": frame["title"].to_numpy(dtype=object)}
    exported = check(model, frame, inputs)
    assert exported["onnx"].inputs["title"].endswith("int32")
    assert exported["onnx"].inputs["home city"] == "(None,) string"


def test_dates(check):
    frame, y = table()
    frame["since"] = pandas.to_datetime("2020-01-01") + pandas.to_timedelta(np.arange(200) * 7, "h")
    frame.loc[::13, "since"] = pandas.NaT
    model = fit(frame, y)
    seconds = frame["since"].to_numpy().astype("datetime64[s]").astype("int64")
    check(model, frame, as_inputs(frame) | {"since": seconds}, without=["litert"])
    with pytest.raises(exceptions.ExportFailed, match="LiteRT has no 64-bit numbers, which dates such as 'since' need"):
        model.export("model.tflite")
    assert not os.path.exists("model.tflite")


def test_images(check):
    images = np.random.default_rng(0).integers(0, 255, (90, 8, 8), dtype="uint8")
    model = fit(images, np.arange(90) % 3)
    exported = check(model, images, {name_of(model): images})
    assert exported["litert"].inputs == {name_of(model): "(None, 8, 8) uint8"}


@pytest.mark.parametrize("template", ["A word, {} and more: {}", "我家有{}和{}"])
def test_texts(check, template):
    texts = [template.format(word, row) for row, word in enumerate(["so", "na", "ja"] * 40)]
    model = fit(texts, np.arange(120) % 2)
    check(model, texts, {name_of(model): np.array(texts, dtype=object)})


def test_series_with_missing_steps(check):
    series = np.random.default_rng(0).normal(size=(90, 12, 2)).astype("float32")
    series[::3, 9:] = np.nan
    model = fit(series, np.arange(90) % 2)
    check(model, series, {name_of(model): series})


@pytest.mark.parametrize("activation", ["gelu", "mish", "hard_silu", "softsign"])
def test_less_common_activations(iris, activation):
    inputs = autonas.StructuredDataInput()
    scores = autonas.DenseBlock(units=8, depth=1, activation=activation)(autonas.Normalization()(inputs))
    outputs = autonas.ClassificationHead()(scores)
    model = fit(*iris, inputs=inputs, outputs=outputs)
    for path in ("model.keras", "model.onnx", "model.tflite"):
        assert model.export(path).difference < 1e-5


def test_two_inputs_and_heads(check):
    generator = np.random.default_rng(0)
    images, (frame, y) = generator.integers(0, 255, (200, 8, 8, 1), dtype="uint8"), table()
    pixels, facts = autonas.ImageInput(name="pixels"), autonas.StructuredDataInput(name="facts")
    features = autonas.Merge()([autonas.Reduction()(autonas.ConvolutionBlock()(pixels)), autonas.DenseBlock()(facts)])
    heads = [autonas.ClassificationHead(name="graz")(features), autonas.RegressionHead(name="light")(features)]
    model = fit([images, frame], [y, images.mean((1, 2, 3))], inputs=[pixels, facts], outputs=heads)
    exported = check(model, [images, frame], {"pixels": images, **as_inputs(frame)}, atol=1e-3)
    assert exported["onnx"].outputs == ["graz", "light"]


def test_forecasts():
    series = np.sin(np.arange(200) / 5) + np.random.default_rng(0).normal(size=200) / 5
    model = autonas.TimeSeriesForecaster(10, 3, **BUDGET, directory="run").fit(series)
    for path in ("model.onnx", "model.tflite"):
        assert model.export(path).difference < 1e-4
    import onnxruntime

    session = onnxruntime.InferenceSession("model.onnx")
    windows = np.stack([series[start : start + 10] for start in range(50)])[:, :, None].astype("float32")
    (forecasts,) = session.run(None, {session.get_inputs()[0].name: windows})
    np.testing.assert_allclose(forecasts, model.predict(windows), atol=1e-4)


def test_of_a_loaded_estimator_and_of_one_that_was_fitted_on_a_stream(iris, monkeypatch):
    tensorflow = pytest.importorskip("tensorflow")
    monkeypatch.setattr(streams, "_MAX_KEPT_BYTES", 0)  # A small stream would be searched as arrays.
    x, y = iris
    dataset = tensorflow.data.Dataset.from_tensor_slices((x, y)).batch(16)
    fit(dataset, None).save("saved")
    loaded = autonas.AutoModel.load("saved")
    assert loaded.export("model.onnx").n_rows == 32
    frame, y = table()
    fit(frame, y, directory="other").save("saved")
    again = autonas.AutoModel.load("saved")
    assert again.export("model.onnx").difference < 1e-4 and again.export("saved_model").difference < 1e-4


NAMES = "1stFlrSF A a ü _id self class output input_0 output_ z a_b".split() + ["", "a b"]


@pytest.fixture(scope="module")
def oddly_named(tmp_path_factory):
    x = np.random.default_rng(0).normal(size=(60, len(NAMES)))
    budget = {**BUDGET, "epochs": 1, "hyperparameters": {"structured_data_block_1/kind": "dense"}}
    model = autonas.AutoModel(**budget, directory=tmp_path_factory.mktemp("run") / "run")
    return model.fit(pandas.DataFrame(x, columns=NAMES), x[:, 0] > 0)


@pytest.mark.parametrize("path", FORMATS.values())
def test_columns_may_have_any_names(oddly_named, path):
    export = oddly_named.export(path)
    inputs = ["_" if name == "" else name for name in NAMES]
    assert export.difference < 1e-4 and sorted(export.inputs) == sorted(export.names) == sorted(inputs)
    if path in ("model.keras", "model.onnx"):
        assert export.names == {name: name for name in inputs}
        assert export.outputs == (["output__"] if path == "model.onnx" else ["output"])
        return
    renamed = {each: name for each, name in export.names.items() if each != name}
    assert renamed == {
        "1stFlrSF": "x1stFlrSF", "a": "a_", "ü": "x__", "_id": "x_id", "self": "self_", "class": "class_",
        "_": "x_", "a b": "a_b_",
    }  # fmt: skip
    if path == "saved_model/":
        signature = tf.saved_model.load(os.fspath(export)).signatures["serving_default"]
        assert set(signature.structured_input_signature[1]) == set(export.names.values())


def test_outputs_may_have_the_names_of_inputs():
    inputs = {name: keras.Input((), name=name) for name in ("z", "z_", "q")}
    stacked = keras.ops.stack(list(inputs.values()), axis=-1)
    model = keras.Model(inputs, {name: keras.layers.Dense(1)(stacked) for name in ("z", "z_", "b")})
    assert exports.exporting.FORMATS[".onnx"].output_names(model) == ["b", "z__", "z___"]


# ---------------------------------------------------------------------- what isn't right is refused


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    x = np.random.default_rng(0).normal(size=(60, 3))
    return autonas.AutoModel(**BUDGET, directory=tmp_path_factory.mktemp("run") / "run").fit(x, np.arange(60) % 2)


def test_what_is_there_is_replaced_only_by_what_is_right(fitted, monkeypatch):
    fitted.export("model.onnx")
    content = pathlib.Path(fitted.export("model.onnx")).read_bytes()
    onnx = exports.exporting.FORMATS[".onnx"]
    write = type(onnx).write

    def tampered(self, model, path, rows, codes):
        model.layers[-1].set_weights([weight + 0.5 for weight in model.layers[-1].get_weights()])
        return write(self, model, path, rows, codes)

    copy = autonas.AutoModel.load(os.path.join(fitted.directory_, "model"))
    monkeypatch.setattr(type(onnx), "write", tampered)
    monkeypatch.setattr(copy, "make_export", lambda **options: keras.models.clone_model(fitted.make_export(**options)))
    with pytest.raises(exceptions.ExportFailed, match="ONNX Runtime predicts differently from the estimator.*by"):
        copy.export("model.onnx")
    assert pathlib.Path("model.onnx").read_bytes() == content and os.listdir() == ["model.onnx"]


def test_a_saved_model_is_replaced_and_nothing_else_is(fitted):
    fitted.export("here")
    fitted.export("here/")
    assert sorted(os.listdir()) == ["here"] and os.path.exists("here/saved_model.pb")
    os.makedirs("work/notes")
    with pytest.raises(ValueError, match="`path` must be a new folder, or the folder of a SavedModel to replace"):
        fitted.export("work")
    os.makedirs("model.onnx")
    with pytest.raises(ValueError, match="`path` must be the path of a file. Received: 'model.onnx', which exists"):
        fitted.export("model.onnx")
    with pytest.raises(ValueError, match="`path` must be a path such as 'model.keras'. Received: path=None"):
        fitted.export(None)
    with pytest.raises(ValueError, match="`path` must end in '.keras', '.onnx' or '.tflite', or be a folder"):
        fitted.export("model.h5")


class Written(exports.base.Format):
    """A format whose files are a text, and whose run time says what the estimator says."""

    name, coded, text = "Text", ("category",), ""

    def __init__(self, model):
        self.outputs = model.predict_proba(x_of(model))[:, 1:]

    def packages(self):
        return ""

    def code_book(self, predictor):
        return {"x": {"kind": "category", "codes": {self.text: 1}}}

    def write(self, model, path, rows, codes):
        if not path.endswith(".onnx"):
            os.mkdir(path)
            path = os.path.join(path, "saved_model.pb")
        pathlib.Path(path).write_text(self.text)
        return {}

    def run(self, path, rows):
        return [self.outputs]


def x_of(model):
    return model.predictor_.example_rows()


def exported(path):
    """What is at a path: the text, and that of the code book."""
    file = pathlib.Path(path, "saved_model.pb") if os.path.isdir(path) else pathlib.Path(path)
    book = pathlib.Path(f"{path}.codes.json")
    codes = json.loads(book.read_text())["x"]["codes"] if book.exists() else {}
    return file.read_text() if file.exists() else None, *codes


@pytest.mark.parametrize("path", ["model.onnx", "model"])
def test_a_process_that_dies_at_any_call_of_the_file_system_leaves_the_old_export_or_the_new(fitted, monkeypatch, path):
    format = Written(fitted)
    monkeypatch.setitem(exports.exporting.FORMATS, ".onnx" if path == "model.onnx" else "", format)
    wholes = {text: (text, text) if path == "model.onnx" else (text,) for text in ("old", "new")}
    format.text = "old"
    fitted.export(path)
    assert exported(path) == wholes["old"]
    seen, number = [], 0
    while seen[-1:] != [wholes["new"]] or number < 8:
        format.text = "new"
        with monkeypatch.context() as patch, contextlib.suppress(Killed):
            kill(patch, number)
            fitted.export(path)
        seen.append(exported(path))
        if path == "model":
            # Between two names of folders there is none: the next export puts the old one back first.
            earlier = exported(".model.earlier")
            assert seen[-1] in wholes.values() or (seen[-1] == (None,) and earlier == wholes["old"])
            exports.exporting._put_back(path)
            assert exported(path) in wholes.values() and not os.path.exists(".model.earlier")
        else:
            # Between the two files there is no code book, and the earlier one is kept.
            kept = [json.loads(each.read_text()) for each in pathlib.Path().glob(".export_*/*.earlier.codes.json")]
            assert seen[-1] in wholes.values() or (seen[-1] in (("old",), ("new",)) and len(kept) == 1)
        format.text = "old"
        for leftover in pathlib.Path().glob(".export_*"):
            shutil.rmtree(leftover)
        fitted.export(path)
        assert exported(path) == wholes["old"]
        number += 1
    assert wholes["old"] in seen


def test_files_of_somebody_else_in_the_folder_of_a_saved_model_are_not_deleted(fitted):
    fitted.export("here")
    pathlib.Path("here/notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="`path` must be a new folder, or the folder of a.*holds 'notes.txt'"):
        fitted.export("here")
    assert pathlib.Path("here/notes.txt").read_text() == "mine"


def test_without_rows_of_fit_an_export_is_compared_on_rows_that_are_passed(fitted):
    fitted.save("saved", examples=False)
    loaded = autonas.AutoModel.load("saved")
    with pytest.raises(ValueError, match="`x` must be rows to compare the exported model on.*examples=False"):
        loaded.export("model.onnx")
    assert os.listdir() == ["saved"]
    export = loaded.export("model.onnx", x=np.random.default_rng(1).normal(size=(9, 3)))
    assert export.n_rows == 9 and export.difference < 1e-4
    assert not loaded.predictor_.has_examples


class Inverse(autonas.Block):
    """A block with an operation that small run times lack."""

    def build(self, hp, inputs):
        outputs = keras.layers.Dense(9)(inputs)
        squares = keras.ops.reshape(outputs, (-1, 3, 3)) + 10.0 * keras.ops.eye(3)
        return keras.ops.reshape(keras.ops.linalg.inv(squares), (-1, 9))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("model.tflite", "LiteRT can't run this model.*LiteRT lacks operations.*MatrixInverse.*another format"),
        ("model.onnx", "ONNX Runtime can't run this model.*MatrixInverse.*another format"),
    ],
)
def test_an_operation_that_a_run_time_lacks_is_named(path, message):
    x = np.random.default_rng(0).normal(size=(60, 3))
    node = autonas.StructuredDataInput()
    model = fit(x, np.arange(60) % 2, inputs=node, outputs=autonas.ClassificationHead()(Inverse()(node)))
    with pytest.raises(exceptions.ExportFailed, match=message):
        model.export(path)
    assert os.listdir() == ["run"]


@keras.saving.register_keras_serializable("tests")
class Twice(keras.layers.Layer):
    """A layer that only this file knows."""

    def call(self, inputs):
        return 2 * inputs


class Doubled(autonas.Block):
    def build(self, hp, inputs):
        return Twice()(inputs)


def test_a_keras_file_of_keras_own_layers_needs_no_process_to_be_checked(fitted, monkeypatch):
    """The start of a process took nine tenths of the time of an export."""
    monkeypatch.setattr(exports.keras_file, "subprocess", None)
    assert fitted.export("model.keras").difference < 1e-4


def test_a_layer_that_keras_does_not_know_is_named():
    x = np.random.default_rng(0).normal(size=(60, 3))
    node = autonas.StructuredDataInput()
    model = fit(x, np.arange(60) % 2, inputs=node, outputs=autonas.ClassificationHead()(Doubled()(node)))
    with pytest.raises(exceptions.ExportFailed, match="Keras can't load this model without autonas.*Twice"):
        model.export("model.keras")
    assert model.export("model.onnx").difference < 1e-4


def test_on_jax_too_where_its_models_can_be_converted(passes_on):
    passes_on("jax", "on_this_backend")


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="The tests of each kind of data ask for more.")
def test_formats_on_this_backend():
    frame, y = table()
    model = fit(frame, y)
    assert model.export("model.keras").difference < 1e-4
    # LiteRT's converter has no sorting of the n-grams of texts under JAX.
    for path in ("saved_model/", "model.tflite"):
        with pytest.raises(exceptions.ExportFailed, match=r"under Keras's jax backend: .*KERAS_BACKEND=tensorflow\."):
            model.export(path)
    model = fit(frame[["age", "home city", "member"]], y, directory="strings")
    assert model.export("model.tflite").difference < 1e-4
    model = fit(frame[["age", "member"]], y, directory="other")
    assert model.export("saved_model").difference < 1e-4


def test_numbers_that_float32_rounds_are_float64_inputs():
    seconds = 1_600_000_000 + np.random.default_rng(0).integers(0, 5000, 200)
    table = pandas.DataFrame({"second": seconds, "other": np.arange(200.0)})
    model = autonas.StructuredDataRegressor(**BUDGET).fit(table, (seconds - 1.6e9) / 1000)
    with pytest.warns(UserWarning, match="float32 rounds the numbers of 'second' too much, and `predict` of Keras"):
        assert model.export("model.keras").difference < 1e-5
    export = model.export("saved_model/")
    assert export.difference < 1e-5
    assert export.inputs == {"second": "(None,) float64", "other": "(None,) float32"}
