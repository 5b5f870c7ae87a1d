"""Saved models: nothing in a folder is run, nothing outside of it is opened, and damage is one line."""

import copy
import errno
import io
import json
import os
import pathlib
import resource
import shutil
import signal
import sys
import warnings
import zipfile

import h5py
import keras
import numpy as np
import pandas
import pytest
from sklearn.base import clone

import autonas
from autonas import storage
from autonas.cli import commands
from autonas.prediction import predictor as predictor_module
from autonas.search import ensembles
from tests.helpers.budgets import QUIET
from tests.helpers.dying import Killed, kill
from tests.helpers.regressions import of_regressions

pytestmark = pytest.mark.usefixtures("folder")

FILES = ("estimator.json", "network.keras", "predictor.json", "examples.npz", "validation_predictions.npz")


@pytest.fixture(scope="module")
def rows():
    generator = np.random.default_rng(0)
    columns = {
        "age": generator.normal(40, 10, 80),
        "city": generator.choice(["Bonn", "Graz", "Bern"], 80),
        "note": [f"{' '.join(generator.choice(['good', 'bad', 'fine'], 4))} {row}" for row in range(80)],
    }
    return pandas.DataFrame(columns)


@pytest.fixture(scope="module")
def model(rows, tmp_path_factory):
    arguments = {"max_trials": 1, "epochs": 1, "refit": False, "tensorboard": False, "verbose": 0, "seed": 0}
    directory = tmp_path_factory.mktemp("run") / "run"
    return autonas.StructuredDataClassifier(**arguments, search_space="layered", directory=directory).fit(
        rows, rows["city"] == "Graz"
    )


@pytest.fixture(scope="module")
def other(model):
    """The same estimator with other weights and another attribute."""
    other = copy.copy(model)
    network = keras.models.clone_model(model.predictor_.network)
    network.set_weights([weight + 0.5 for weight in model.predictor_.network.get_weights()])
    other.predictor_ = predictor_module.Predictor(network, model.predictor_.encoders, model.predictor_.targets)
    other.best_score_ = model.best_score_ + 1
    return other


@pytest.fixture(scope="module")
def layouts(model, tmp_path_factory):
    """Dict from a version to a folder of that layout."""
    folder = tmp_path_factory.mktemp("layouts")
    model.save(folder / "2")
    model.save(folder / "1")
    content = json.loads((folder / "1" / "estimator.json").read_text())
    for name, entry in content["files"].items():
        (folder / "1" / entry["name"]).rename(folder / "1" / name)
    for name in ("files", "id", "sha256"):
        del content[name]
    content |= {"version": 1, "class": "autonas.tasks.StructuredDataClassifier"}
    (folder / "1" / "estimator.json").write_text(json.dumps(content))
    return {1: folder / "1", 2: folder / "2"}


@pytest.fixture
def saved(layouts):
    """A folder of the first version, which has no checksums."""
    return pathlib.Path(shutil.copytree(layouts[1], "saved"))


def assert_same(loaded, model, rows):
    np.testing.assert_array_equal(loaded.predict_proba(rows), model.predict_proba(rows))
    assert loaded.best_score_ == model.best_score_ and loaded.records_ == model.records_


def line(error):
    message = str(error.value)
    assert "\n" not in message and len(message) < 700
    return message


@pytest.mark.parametrize("version", [1, 2])
def test_a_saved_model_says_the_same(layouts, model, rows, version):
    loaded = autonas.AutoModel.load(layouts[version])
    assert type(loaded) is autonas.StructuredDataClassifier
    assert_same(loaded, model, rows)
    for mine, theirs in zip(loaded.validation_predictions_, model.validation_predictions_, strict=True):
        np.testing.assert_array_equal(mine.outputs, theirs.outputs)


def test_a_model_without_predictions_and_examples_is_loaded(saved, model, rows):
    """As the first version saved it."""
    edit(saved / "estimator.json", lambda content: (content.pop("predictions"), content["learned"].pop("search_")))
    for file in ("validation_predictions.npz", "examples.npz"):
        (saved / file).unlink()
    loaded = autonas.AutoModel.load(saved)
    assert_same(loaded, model, rows)
    assert loaded.validation_predictions_ == [] and loaded.leaderboard().equals(model.leaderboard())
    with pytest.raises(ValueError, match="saved by a version without a description of the search"):
        loaded.report("page.html")


def test_the_error_for_the_folder_of_a_run_names_its_model(model):
    with pytest.raises(FileNotFoundError, match="The model of this search is in '.*model'"):
        autonas.AutoModel.load(model.directory_)


def test_saving_over_the_first_layout_leaves_the_second_alone(saved, model, rows):
    (saved / "notes.txt").write_text("mine")
    model.save(saved)
    assert len(os.listdir(saved)) == 6 and not set(FILES[1:]) & set(os.listdir(saved))
    assert_same(autonas.AutoModel.load(saved), model, rows)


# ---------------------------------------------------------------------- nothing is run, nothing outside is opened

#: What happened while a folder was loaded: names of events, and paths that were opened.
seen = None


def _see(event, arguments):
    if seen is not None and event in ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "open"):
        seen.append(str(arguments[0]) if event == "open" else event)


sys.addaudithook(_see)


def assert_refused(folder, file, message, load=autonas.AutoModel.load):
    """Assert that loading names the file in one line, and neither runs a program nor opens a file outside."""
    global seen
    with pytest.raises(ValueError, match=message) as error:
        seen = []
        try:
            load(folder)
        finally:
            events, seen = seen, None
    assert str(pathlib.Path(folder, file)) in line(error)
    assert not [event for event in events if event in ("os.system", "subprocess.Popen") or "canary" in event]
    assert not os.path.exists("PWNED")


def edit(path, change):
    """Change the content of a JSON file."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def set_to(*keys):
    """Return a function that sets a nested key to the last argument."""
    *keys, last, value = keys

    def change(content):
        for key in keys:
            content = content[key]
        content[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda c: c.update({"class": "subprocess.Popen", "arguments": {"args": ["touch", "PWNED"]}}),
            "'subprocess.Po",
        ),
        (lambda c: c.update({"class": "os.system", "arguments": {"command": "touch PWNED"}}), "class .*'os.system'"),
        (set_to("class", "autonas.estimators.persistence.save"), "isn't one of autonas"),
        (set_to("class", "autonas.oracles.EvolutionOracle"), "isn't one of autonas"),
        (set_to("class", "theirs.Mine"), r"import it and load the folder by it: `Mine.load\(path\)`"),
        (set_to("class", ["os", "system"]), "`content.class` must be of type str"),
        (set_to("version", 99), "has version 99, and this autonas reads versions 1 to 2"),
        (set_to("version", "1"), "`version` must be of type int"),
        (set_to("evil", 1), "unknown key 'evil'"),
        (lambda c: c.pop("learned"), "lacks 'learned'"),
        (set_to("arguments", "evil", 1), "has no argument 'evil'"),
        (set_to("learned", "predict", "touch"), "`learned` has the unknown key 'predict'"),
        (set_to("learned", "__class__", "os"), "`learned` has the unknown key '__class__'"),
        (set_to("learned", "objectives_", ["val_loss"]), r"`learned.objectives_\[0\]` must be a list"),
        (set_to("learned", "best_score_", {"class_name": "Lambda"}), "`learned.best_score_` must be"),
        (set_to("learned", "records_", 0, "evil", 1), "evil"),
        (set_to("learned", "search_", "evil", 1), "evil"),
        (set_to("predictions", 0, "evil", 1), r"predictions\[0\]` has the unknown key 'evil'"),
        (set_to("files", {}), "`content` has the unknown key 'files'"),
    ],
)
def test_nothing_but_known_content_is_made_of_the_estimators_file(saved, change, message):
    edit(saved / "estimator.json", change)
    assert_refused(saved, "estimator.json", message)


def _words_from_a_file(content):
    """Keras opens the file of this name instead of words."""
    for name in content["encoders"]:
        content["encoders"][name]["config"]["state"]["texts"][0][1]["state"]["vocabulary"] = os.path.abspath("canary")


def _table(*keys):
    """Return a function that sets a nested key of the encoder's config."""

    def change(content):
        (encoder,) = content["encoders"].values()
        set_to(*keys)(encoder)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_words_from_a_file, r"`config.vocabulary` must be a list|state.vocabulary` must be a list"),
        (_table("config", "state", "vocabularies", [["city", "canary"]]), r"vocabularies\[0\]\[1\]` must be a list"),
        (_table("kind", "subprocess"), "`kind` must be one of"),
        (_table("config", "evil", 1), "unknown key 'evil'"),
        (_table("config", "state", "evil", 1), "unknown key 'evil'"),
        (_table("config", "state", "kinds", ["number", "evil", "text"]), r"kinds\[1\]` must be"),
        (_table("config", "state", "mean", {"class_name": "Lambda"}), "mean` must be a list"),
        (set_to("evil", 1), "unknown key 'evil'"),
        (lambda c: next(iter(c["targets"].values()))["fitted"].update(task="evil"), "fitted.task` must be"),
        (lambda c: next(iter(c["targets"].values())).update(evil=1), "unknown key 'evil'"),
    ],
)
def test_nothing_but_known_content_is_made_of_the_encoders_file(saved, change, message):
    pathlib.Path("canary").write_text("secret")
    edit(saved / "predictor.json", change)
    assert_refused(saved, "predictor.json", message)


def rewrite(path, change=None, members=()):
    """Write a `.keras` file anew, its configuration changed, or with further or other members."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    if change is not None:
        config = json.loads(contents["config.json"])
        change(config)
        contents["config.json"] = json.dumps(config).encode()
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore")  # Of names that are doubled.
        for name, content in [*contents.items(), *members]:
            archive.writestr(name, content)


def layer(name, config=None, **keys):
    """Return a function that puts an object in the place of the first layer that isn't an input."""

    def change(network):
        layers = network["config"]["layers"]
        place = next(place for place, entry in enumerate(layers) if entry["class_name"] != "InputLayer")
        layers[place] |= {"module": "keras.layers", "class_name": name, "config": config or {}, "registered_name": None}
        layers[place] |= keys

    return change


def first_dense(key, value):
    """Return a function that sets an argument of the first dense layer."""

    def change(network):
        dense = next(entry for entry in network["config"]["layers"] if entry["class_name"] == "Dense")
        dense["config"][key] = value

    return change


def _function(name, module):
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


_LAMBDA = {"class_name": "__lambda__", "config": {"value": "4wEAAAAAAAAA"}}


@pytest.mark.parametrize(
    "change",
    [
        layer("Lambda", {"function": _LAMBDA}),
        layer("TFSMLayer", {"filepath": "canary"}),
        layer("StringLookup", {"vocabulary": "canary"}),
        layer("TextVectorization", {"vocabulary": "canary"}),
        layer("TorchModuleWrapper", {"module": "canary"}),
        layer("JaxLayer", {"call_fn": _LAMBDA}),
        layer("Popen", {"args": ["touch", "PWNED"]}, module="subprocess"),
        layer("Popen", {"args": ["touch", "PWNED"]}, module=None),
        layer("FeatureSpace", {"features": {}}, module="keras.utils"),
        layer("FeatureSpace", {"features": {}}, module="keras.src.layers.preprocessing.feature_space"),
        layer("system", {"command": "touch PWNED"}, module="keras.src.utils.os"),
        layer("importlib", {}, module="keras.src.ops.numpy"),
        layer("Dense", {"units": 2}, registered_name="autonas>Optimization"),
        layer("get_file", {"origin": "file:///canary"}, module="keras.utils"),
        first_dense("activation", _LAMBDA),
        first_dense("activation", _function("get_file", "keras.utils")),
        first_dense("activation", _function("eval", "builtins")),
        first_dense("activation", _function("deserialize", "keras.activations")),
        first_dense("kernel_initializer", {"module": "os", "class_name": "system", "config": {}}),
        first_dense("kernel_initializer", {"class_name": "TypeSpec", "config": [], "module": "tensorflow"}),
        first_dense("kernel_regularizer", {"class_name": "__typespec__", "config": [], "module": "os"}),
        lambda network: network["config"]["layers"][-1].pop("module"),
        lambda network: network.update(compile_config={"optimizer": {"module": "os", "class_name": "x", "config": {}}}),
        lambda network: network.update(compile_config={"optimizer": "adam"}),
    ],
)
def test_a_network_of_other_objects_than_layers_is_refused(saved, change):
    pathlib.Path("canary").write_text("secret")
    rewrite(saved / "network.keras", change)
    assert_refused(saved, "network.keras", "which may run code or open files. Saved networks are made of")


def _doubled(path):
    rewrite(path, members=[("config.json", b"{}")])


def _without_weights(path):
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist() if not name.endswith(".h5")}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


def _linked_weights(path):
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file, h5py.File("canary.h5", "w") as canary:
        canary.create_dataset("vars/0", data=np.zeros(3))
        file["layers"] = h5py.ExternalLink("canary.h5", "/")
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist() if not name.endswith(".h5")}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in [*contents.items(), ("model.weights.h5", weights.getvalue())]:
            archive.writestr(name, content)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: rewrite(path, members=[("../canary", b"")]), "holds '../canary', which isn't a member of a"),
        (lambda path: rewrite(path, members=[("/canary", b"")]), "holds '/canary', which isn't a member of a"),
        (
            lambda path: rewrite(path, members=[("assets/a/vocabulary.txt", b"")]),
            "which isn't a member of a",
        ),
        (_doubled, "a member of the archive is missing, doubled or damaged"),
        (_without_weights, "a member of the archive is missing, doubled or damaged"),
        (_linked_weights, "damaged"),
        (lambda path: path.write_bytes(b"cos\nsystem\n(S'touch PWNED'\ntR."), "BadZipFile: File is not a zip file"),
    ],
)
def test_an_archive_that_keras_would_not_write_is_refused(saved, change, message):
    change(saved / "network.keras")
    assert_refused(saved, "network.keras", message)


class Pickled:
    """An object that runs a program when it is read from a pickle."""

    def __reduce__(self):
        return os.system, ("touch PWNED",)


@pytest.mark.parametrize("file", ["examples.npz", "validation_predictions.npz"])
def test_objects_in_arrays_are_refused(saved, file):
    with np.load(saved / file) as arrays:
        contents = dict(arrays.items())
    evil = np.array([Pickled()] * len(next(iter(contents.values()))), dtype=object)
    np.savez(saved / file, **{name: evil for name in contents})
    assert_refused(saved, file, "is damaged: ValueError: Object arrays cannot be loaded")
    evil.dump(saved / file)
    assert_refused(saved, file, "is damaged: ")


def test_rows_of_other_columns_are_refused(saved):
    np.savez(saved / "examples.npz", **{"0:age": np.zeros(2), "../evil": np.zeros(2)})
    assert_refused(saved, "examples.npz", r"the example rows have the arrays \['age'\], not \['age', 'city', 'note'\]")


@pytest.mark.parametrize("file", FILES)
def test_a_link_is_refused(saved, file):
    (saved / file).rename(f"canary_{file}")
    (saved / file).symlink_to(f"../canary_{file}")
    assert_refused(saved, file, "must be a regular file, not a link")


def test_a_pipe_is_refused(saved):
    (saved / "estimator.json").unlink()
    os.mkfifo(saved / "estimator.json")
    assert_refused(saved, "estimator.json", "must be a regular file")


@pytest.mark.parametrize("command", [["report"], ["export"], ["predict"]], ids=" ".join)
def test_the_command_line_refuses_the_same(saved, command, capsys):
    pathlib.Path("new.csv").write_text("age,city,note\n1,Graz,good\n")
    edit(saved / "estimator.json", lambda c: c.update({"class": "os.system", "arguments": {"command": "touch PWNED"}}))
    output = {"report": ["page.html"], "export": ["model.onnx"], "predict": ["new.csv"]}
    assert commands.main([*command, "saved", *output[command[0]]]) == 2
    assert "saved/estimator.json was saved by a class that isn't one of autonas: 'os.system'" in capsys.readouterr().err
    assert not os.path.exists("PWNED")


def test_the_command_line_shows_the_trials_and_makes_nothing_of_the_class_or_the_network(saved, model, capsys):
    edit(saved / "estimator.json", lambda c: c.update({"class": "os.system", "arguments": {"command": "touch PWNED"}}))
    for path in saved.glob("network*.keras"):
        path.unlink()
    assert commands.main(["leaderboard", "saved", "--csv"]) == 0
    assert capsys.readouterr().out == model.leaderboard().to_csv(index=False)
    assert not os.path.exists("PWNED")
    edit(saved / "estimator.json", set_to("learned", "records_", [{"evil": 1}]))
    assert commands.main(["leaderboard", "saved"]) == 2
    assert "error: saved/estimator.json is damaged: " in capsys.readouterr().err


@pytest.mark.parametrize("content", ['{"kind": "evil"}', '{"kind": "table", "targets": "x"}', '{"kind": "ta'])
def test_the_command_line_names_the_damaged_file_of_an_earlier_version(saved, content, capsys):
    pathlib.Path("new.csv").write_text("age,city,note\n1,Graz,good\n")
    (saved / "source.json").write_text(content)
    assert commands.main(["predict", "saved", "new.csv"]) == 2
    assert "error: saved/source.json is damaged: " in capsys.readouterr().err


# ---------------------------------------------------------------------- classes of the user


class Mine(autonas.StructuredDataClassifier):
    also_learned = {"note_": str}


def test_a_subclass_is_loaded_by_itself_alone(model, rows):
    mine = Mine(**model.get_params())
    mine.__dict__.update(model.__dict__, note_="mine")
    mine.save("mine")
    loaded = Mine.load("mine")
    assert type(loaded) is Mine and loaded.note_ == "mine"
    assert_same(loaded, model, rows)
    assert_refused("mine", "estimator.json", r"Mine'.*`Mine.load\(path\)`")
    assert_refused("mine", "estimator.json", r"`Mine.load\(path\)`", autonas.StructuredDataClassifier.load)
    model.save("theirs")
    assert type(Mine.load("theirs")) is autonas.StructuredDataClassifier


class Doubling(keras.layers.Layer):
    def call(self, inputs):
        return 2 * inputs


def test_a_layer_of_the_user_is_loaded_once_it_is_registered(model, rows):
    inputs = {name: keras.Input(each.shape[1:], dtype=each.dtype, name=name)
              for name, each in model.predictor_.network.input.items()}  # fmt: skip
    outputs = model.predictor_.network(inputs)
    network = keras.Model(inputs, {name: Doubling()(output) for name, output in outputs.items()})
    doubled = copy.copy(model)
    doubled.predictor_ = predictor_module.Predictor(network, model.predictor_.encoders, model.predictor_.targets)
    with pytest.warns(UserWarning, match="'mine' can't be loaded: the network holds 'Doubling' of .*test_persistence'"):
        doubled.save("mine")
    with pytest.raises(ValueError, match="registered with `keras.saving.register_keras_serializable` before"):
        autonas.AutoModel.load("mine")
    with keras.saving.custom_object_scope({"Doubling": Doubling}):
        loaded = autonas.AutoModel.load("mine")
    np.testing.assert_array_equal(loaded.predict_proba(rows)[:, 1], 2 * model.predict_proba(rows)[:, 1])


# ---------------------------------------------------------------------- without rows of the data


def test_rows_and_labels_are_left_out_on_request(model, rows):
    model.save("saved")
    model.save("saved", examples=False)
    names = {name.split("-")[0] for name in os.listdir("saved")}
    assert names == {"estimator.json", "network", "predictor"}
    loaded = autonas.AutoModel.load("saved")
    assert_same(loaded, model, rows)
    assert loaded.validation_predictions_ == []
    loaded.save("again")
    assert_same(autonas.AutoModel.load("again"), model, rows)


# ---------------------------------------------------------------------- whatever happens while a model is saved


def test_a_process_that_dies_at_any_call_of_the_file_system_leaves_the_old_model_or_the_new(
    model, other, rows, monkeypatch
):
    model.save("saved")
    before, number = None, 0
    while before is not other:
        with monkeypatch.context() as patch:
            kill(patch, number)
            try:
                other.save("saved")
                finished = True
            except Killed:
                finished = False
        loaded = autonas.AutoModel.load("saved")
        before = other if loaded.best_score_ == other.best_score_ else model
        assert_same(loaded, before, rows)
        assert not finished or before is other
        number += 1
    assert number > 8


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="This system limits no sizes of files.")
def test_a_disk_that_is_full_at_any_place_leaves_the_old_model(model, other, rows):
    model.save("saved")
    before = sorted(os.listdir("saved"))
    largest = max(os.path.getsize(f"saved/{name}") for name in before)
    handler, limits = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        for n_bytes in np.linspace(0, 0.9 * largest, 12).astype(int):
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(n_bytes), limits[1]))
            try:
                with pytest.raises(OSError) as error:
                    other.save("saved")
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            assert error.value.errno == errno.EFBIG and "saved/" in str(error.value)
            assert sorted(os.listdir("saved")) == before
    finally:
        signal.signal(signal.SIGXFSZ, handler)
    assert_same(autonas.AutoModel.load("saved"), model, rows)


# ---------------------------------------------------------------------- damage


def damaged(content, generator):
    """Yield a file's content cut at 20 places, and with one of 20 bits flipped."""
    for length in np.linspace(0, len(content) - 1, 20).astype(int):
        yield content[:length]
    for bit in generator.integers(0, 8 * len(content), 20):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        yield bytes(flipped)


@pytest.mark.parametrize("file", FILES)
def test_damage_of_any_file_is_one_line_that_names_it(layouts, model, rows, file):
    folder = pathlib.Path(shutil.copytree(layouts[2], "saved"))
    content = json.loads((folder / "estimator.json").read_text())
    path = folder / (file if file == "estimator.json" else content["files"][file]["name"])
    whole = path.read_bytes()
    for content in damaged(whole, np.random.default_rng(0)):
        path.write_bytes(content)
        with pytest.raises(ValueError) as error:
            autonas.AutoModel.load(folder)
        assert str(path) in line(error)
    path.write_bytes(whole)
    assert_same(autonas.AutoModel.load(folder), model, rows)


@pytest.mark.parametrize("file", FILES)
def test_a_file_of_the_first_layout_that_is_cut_off_is_named(saved, file):
    whole = (saved / file).read_bytes()
    for length in np.linspace(0, len(whole) - 1, 20).astype(int):
        (saved / file).write_bytes(whole[:length])
        with pytest.raises(storage.DamagedFile) as error:
            autonas.AutoModel.load(saved)
        assert line(error).startswith(f"{saved / file} is damaged: ")


# ---------------------------------------------------------------------- the saved model of a run


@pytest.fixture(scope="module")
def run(iris, tmp_path_factory):
    """A finished search for two objectives, with a final fit."""
    arguments = {"max_trials": 5, "tensorboard": False, "verbose": 0, "seed": 0, "strategy": "random"}
    directory = tmp_path_factory.mktemp("front") / "run"
    return of_regressions(**arguments, objective=["val_loss", "params"], directory=directory).fit(*iris)


@pytest.mark.parametrize("called", ["autonas.trials.journal.Journal.append", "autonas.storage.Manifest.write"])
def test_a_process_that_dies_while_another_point_is_served_leaves_a_run_and_a_model_that_agree(
    run, iris, monkeypatch, called
):
    """It dies once the weights of the other final fit are there, or when the model is about to be saved."""
    x, y = iris
    smallest = run.pareto_front().params.min()
    assert smallest < run.model_.count_params(), "there is another point"
    shutil.copytree(run.directory_, "run")
    opened = clone(run).set_params(directory="run").fit(x, y)
    np.testing.assert_array_equal(opened.predict_proba(x), run.predict_proba(x))

    def die(*arguments, **keywords):
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(called, die)
        opened.select(params=smallest)
    np.testing.assert_array_equal(autonas.AutoModel.load("run/model").predict_proba(x), run.predict_proba(x))
    again = clone(run).set_params(directory="run").fit(x, y)
    np.testing.assert_array_equal(again.predict_proba(x), run.predict_proba(x))
    np.testing.assert_array_equal(autonas.AutoModel.load("run/model").predict_proba(x), run.predict_proba(x))
    assert again.leaderboard().iloc[0].params == run.leaderboard().iloc[0].params


@pytest.mark.parametrize("served", ["another point", "an ensemble"])
def test_a_process_that_dies_while_something_else_is_served_leaves_a_whole_model_and_a_run_that_goes_on(
    run, iris, monkeypatch, served
):
    x, y = iris

    def average_of_two(predictions, first, score, *arguments, **keywords):
        members = dict.fromkeys(list(predictions)[:2], 0.5)
        scores = score(predictions[first], {first}, None)
        return ensembles.Selection(members, scores, scores, 0)

    # On these few rows one network is better than any average.
    monkeypatch.setattr(ensembles.selection, "select", average_of_two)

    def serve(model):
        if served == "an ensemble":
            return model.serve_ensemble(2)
        return model.select(params=run.pareto_front().params.min())

    def opened(name):
        shutil.copytree(run.directory_, name)
        return clone(run).set_params(directory=name).fit(x, y)

    before, after = run.predict_proba(x), serve(opened("finished")).predict_proba(x)
    assert not np.array_equal(before, after)
    seen, number = [], 0
    while not seen or seen[-1] != "finished":
        model = opened(f"run_{number}")
        with monkeypatch.context() as patch:
            kill(patch, number)
            try:
                serve(model)
                seen.append("finished")
            except Killed:
                seen.append("killed")
        proba = autonas.AutoModel.load(f"run_{number}/model").predict_proba(x)
        is_old, is_new = np.array_equal(proba, before), np.array_equal(proba, after)
        assert is_old != is_new and (is_new or seen[-1] == "killed")
        again = clone(run).set_params(directory=f"run_{number}").fit(x, y)
        np.testing.assert_array_equal(again.predict_proba(x), before)
        # Later calls are further apart: most are of the files of the same model.
        number += 1 + number // 2
    assert seen.count("killed") > 3


def test_a_loaded_estimator_is_not_fitted_without_the_arguments_that_were_not_saved(rows):
    oracle = autonas.oracles.RandomOracle()
    labels = np.arange(len(rows)) % 2
    model = autonas.StructuredDataClassifier(
        strategy=oracle, callbacks=[autonas.SearchCallback()], directory=pathlib.Path("run"), max_trials=1, epochs=1,
        **QUIET,
    ).fit(rows, labels)  # fmt: skip
    assert model.fit(rows, labels) is model
    model.save("first")
    autonas.AutoModel.load("first").save("second")
    loaded = autonas.AutoModel.load("second")
    with pytest.raises(ValueError, match=r"`fit` needs the arguments 'strategy', objects .*set_params\(strategy="):
        loaded.fit(rows, labels)
    # A clone has no search to reopen.
    with pytest.raises(ValueError, match=r"`reopen` needs the arguments 'strategy', .*set_params\(strategy=...\)`\.$"):
        loaded.reopen(rows, labels)
    loaded.set_params(strategy=oracle).fit(rows, labels)
    assert loaded.directory == "run"
    clone(autonas.AutoModel.load("second")).set_params(directory=None).fit(rows, labels)
