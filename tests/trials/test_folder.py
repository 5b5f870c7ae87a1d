"""The folder of a run: a search deletes and replaces its own files, and nothing else."""

import os

import numpy as np
import pytest

import autonas
from autonas.trials import folder as run_folder
from autonas.trials import lock, weights

HEADER = b'{"event": "search", "version": 1, "seed": 0}\n'
#: Names that a search gives to files, and names that it doesn't.
OURS = (
    "weights/0000.npz", "weights/final.npz", "weights/infeasible.npz", "weights/12345.npz",
    "weights/0001.npz.unfinished", "weights/0002.unfinished.npz", "predictions/0000.npz", "checkpoints/0003.npz",
    "supernet/epoch_0001.npz", "supernet/unfinished.npz", "supernet/epoch_0002.npz.unfinished",
    "tensorboard/search/events.out.tfevents.17.host.3", "tensorboard/trial_0000/events.out.tfevents.0.configuration",
    "tensorboard/final/.unfinished.88", "model/estimator.json", "model/predictor.json", "model/network.keras",
    "model/examples.npz", "model/validation_predictions.npz", "model/network-4f2a.keras",
    "model/examples-4f2a.npz.unfinished",
)  # fmt: skip
THEIRS = (
    "thesis.tex", "weights/mine.npz", "weights/0000.npy", "weights/0000.npz.bak", "weights/000.npz",
    "weights/old/0000.npz", "Weights/0000.npz", "predictions/notes.txt", "predictions/0000.csv", "checkpoints/cp.ckpt",
    "supernet/epoch.npz", "tensorboard/events.out.tfevents.1.mine", "tensorboard/mine/events.out.tfevents.1.mine",
    "tensorboard/trial_0000/a.png", "model/saved_model.pb", "model/network.h5", "model/variables/0000.npz",
    "model.keras", "journal.jsonl.bak", "journal.txt", "lock.txt", "backup/weights/0000.npz",
)  # fmt: skip
FOLDERS = (
    "weights", "predictions", "checkpoints", "supernet", "model", "tensorboard", "tensorboard/search",
    "tensorboard/search_levels", "tensorboard/trial_0000", "tensorboard/final",
)  # fmt: skip


def snapshot(folder):
    """Kind and content of all that is in a folder, by path; links aren't followed."""
    found = {}
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(parent, name)
            if os.path.islink(path):
                found[os.path.relpath(path, folder)] = ("link", os.readlink(path))
            elif os.path.isdir(path):
                found[os.path.relpath(path, folder)] = ("folder", None)
            else:
                with open(path, "rb") as file:
                    found[os.path.relpath(path, folder)] = ("file", file.read())
    return found


def random_tree(generator, root):
    """Makes `run`, a folder of own and foreign files, folders and links, and `outside`, where the links lead.

    Returns:
        The paths in `run` of the files that are a search's, and whether a link or folder has one of their names.
    """
    run, outside = os.path.join(root, "run"), os.path.join(root, "outside")
    for folder in (run, outside, os.path.join(outside, "folder")):
        os.makedirs(folder)
    for name in ("0000.npz", "folder/0000.npz", "folder/final.npz", "folder/journal.jsonl"):
        with open(os.path.join(outside, name), "wb") as file:
            file.write(b"outside")
    ours, is_taken = set(), False
    if generator.random() < 0.1:
        os.symlink(os.path.join(outside, "folder"), os.path.join(run, str(generator.choice(FOLDERS[:6]))))
        is_taken = True
    names = [*generator.choice(OURS, 6, replace=False), *generator.choice(THEIRS, 4, replace=False)]
    for name in map(str, generator.permutation(names)):
        path = os.path.join(run, name)
        if os.path.realpath(os.path.dirname(path)) != os.path.dirname(path):
            continue  # Below a link.
        os.makedirs(os.path.dirname(path), exist_ok=True)
        kind = generator.choice(
            ["file", "folder", "link", "link to folder", "broken link"], p=[0.9, 0.025, 0.025, 0.025, 0.025]
        )
        if kind == "file":
            with open(path, "wb") as file:
                file.write(name.encode())
            ours |= {name} & set(OURS)
            continue
        is_taken |= name in OURS
        if kind == "folder":
            os.makedirs(path)
        else:
            target = {"link": "0000.npz", "link to folder": "folder", "broken link": "missing"}[kind]
            os.symlink(os.path.join(outside, target), path)
    return ours, is_taken


def write(path, content=b"theirs"):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


@pytest.mark.parametrize("seed", range(10))
def test_nothing_but_the_files_of_a_search_is_deleted_or_changed(tmp_path, seed):
    generator = np.random.default_rng(seed)
    n_deleted = n_refused = 0
    for number in range(25):
        root = str(tmp_path / str(number))
        ours, is_taken = random_tree(generator, root)
        run = os.path.join(root, "run")
        journal = generator.choice(["ours", "ours", "ours", "none", "unfinished", "theirs"])
        if journal in ("ours", "unfinished", "theirs"):
            write(
                os.path.join(run, "journal.jsonl"),
                {"ours": HEADER, "unfinished": HEADER[:9], "theirs": b"{}\n"}[journal],
            )
        before = snapshot(root)
        if journal != "ours" or is_taken:
            n_refused += 1
            for function in (run_folder.check, run_folder.remove_run):
                with pytest.raises(ValueError, match="`directory` must be .* which holds "):
                    function(run)
            expected = before
        else:
            n_deleted += 1
            run_folder.check(run)
            assert snapshot(root) == before
            run_folder.remove_run(run)
            gone = {f"run/{name}" for name in (*ours, "journal.jsonl")}
            expected = {path: entry for path, entry in before.items() if path not in gone}
            for folder in (f"run/{name}" for name in FOLDERS[::-1]):
                if not any(path.startswith(f"{folder}/") for path in expected):
                    expected.pop(folder, None)
        assert snapshot(root) == expected
        for folder in ("weights", "predictions", "checkpoints"):
            weights.TrialArrays(run, folder).keep(["0000"])
        kept = snapshot(root)
        lost = {path.removeprefix("run/") for path in expected if path not in kept}
        assert lost <= ours and {path: expected[path] for path in kept} == kept
    assert n_deleted >= 3 and n_refused >= 3


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("name", ["weights/0000.npz", "model/notes.txt", "predictions/final.npz", "lock", "lock.json"])
def test_a_folder_without_a_search_is_refused_before_anything_is_written(iris, tmp_path, overwrite, name):
    write(tmp_path / "run" / name)
    before = snapshot(tmp_path)
    model = autonas.AutoModel(directory=tmp_path / "run", overwrite=overwrite, max_trials=1, verbose=0)
    with pytest.raises(ValueError, match=f"`directory` must be .* which holds '{name.split('/')[0]}"):
        model.fit(*iris)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_of_weights_that_is_a_link_is_refused_and_its_target_stays(iris, tmp_path, overwrite):
    write(tmp_path / "run" / "journal.jsonl", HEADER)
    write(tmp_path / "theirs" / "0000.npz")
    os.symlink(tmp_path / "theirs", tmp_path / "run" / "weights")
    before = snapshot(tmp_path)
    model = autonas.AutoModel(directory=tmp_path / "run", overwrite=overwrite, max_trials=1, verbose=0)
    with pytest.raises(ValueError, match="which holds 'weights', a link, which a search doesn't follow"):
        model.fit(*iris)
    assert snapshot(tmp_path) == before


def test_a_search_leaves_files_of_other_names_where_they_are(iris, tmp_path):
    arguments = {"max_trials": 2, "epochs": 1, "verbose": 0, "seed": 0, "directory": tmp_path / "run"}
    autonas.StructuredDataClassifier(**arguments).fit(*iris)
    logged = set((tmp_path / "run" / "tensorboard" / "search").glob("events.out.tfevents.[1-9]*"))
    names = ("mine.txt", "weights/mine.npz", "predictions/0000.csv", "tensorboard/mine/a.png", "model/notes.txt")
    for name in names:
        write(tmp_path / "run" / name)
    again = autonas.StructuredDataClassifier(**arguments | {"epochs": 2}, overwrite=True).fit(*iris)
    assert len(again.leaderboard().query("stage == 'search'")) == 2
    assert all((tmp_path / "run" / name).read_bytes() == b"theirs" for name in names)
    assert logged and not any(path.exists() for path in logged)


def test_a_file_of_the_lock_that_is_a_link_is_not_followed(tmp_path):
    write(tmp_path / "theirs")
    (tmp_path / "run").mkdir()
    os.symlink(tmp_path / "theirs", tmp_path / "run" / lock.OWNER)
    with lock.held(str(tmp_path / "run")):
        pass
    assert (tmp_path / "theirs").read_bytes() == b"theirs"


def test_a_path_with_a_nul_character_is_refused_by_its_argument(iris):
    with pytest.raises(ValueError, match="`directory` must be a path without NUL characters"):
        autonas.AutoModel(directory="a\0b", max_trials=1, verbose=0).fit(*iris)
