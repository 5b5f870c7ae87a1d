"""A search that was killed continues: nothing finished is lost or repeated, and it ends as if it had not been."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time

import keras_tuner
import numpy as np
import pandas
import pytest

import autonas
from autonas.evaluation import evaluator
from autonas.search import tuner
from tests.helpers.budgets import QUIET
from tests.helpers.leaderboards import board

#: The last trial is that of a network, after those of fitted weights.
BUDGET = {**QUIET, "max_trials": 7, "epochs": 4}


def fit(directory, iris, **arguments):
    return autonas.StructuredDataClassifier(**{**BUDGET, **arguments}, directory=directory).fit(*iris)


def same(found, expected):
    pandas.testing.assert_frame_equal(found, expected, check_exact=True)


@pytest.fixture(scope="module")
def whole(iris, tmp_path_factory):
    """A search that nothing interrupted."""
    return fit(tmp_path_factory.mktemp("whole") / "run", iris)


@pytest.fixture
def trained(monkeypatch):
    """The numbers of the trials that are trained from here on; a final fit counts as -1."""
    numbers = []
    evaluate, final_fit = evaluator.Evaluator.evaluate, evaluator.Evaluator.final_fit

    def counted(self, job, *args, **kwargs):
        numbers.append(job.number)
        return evaluate(self, job, *args, **kwargs)

    def counted_final(self, *args, **kwargs):
        numbers.append(-1)
        return final_fit(self, *args, **kwargs)

    monkeypatch.setattr(evaluator.Evaluator, "evaluate", counted)
    monkeypatch.setattr(evaluator.Evaluator, "final_fit", counted_final)
    return numbers


def journal(directory):
    return (directory / "journal.jsonl").read_text().splitlines(keepends=True)


def cut(whole, directory, last):
    """A copy of a whole run as it was when the journal's line `last` had just been written."""
    shutil.copytree(whole.directory_, directory)
    shutil.rmtree(directory / "model")
    lines = journal(directory)
    (directory / "journal.jsonl").write_text("".join(lines[: last + 1]))
    return lines[last + 1 :]


def position(whole, event, trial_id=None):
    """Line of an event in a run's journal."""
    for number, line in enumerate(journal(pathlib.Path(whole.directory_))):
        found = json.loads(line)
        if found["event"] == event and trial_id in (None, found.get("trial_id")):
            return number
    raise AssertionError(event)


def test_killed_in_the_middle_of_a_trial(iris, whole, tmp_path, trained):
    script = f"""
        import os, signal, autonas, sklearn.datasets
        from autonas import reporting
        def kill(self, record, epoch, metrics):
            if (record.trial_id, epoch) == ("0006", 2):
                os.kill(os.getpid(), signal.SIGKILL)
        reporting.ProgressReporter.on_epoch_end = kill
        x, y = sklearn.datasets.load_iris(return_X_y=True)
        autonas.StructuredDataClassifier(**{ {**BUDGET, "verbose": 1} }, directory="run").fit(x, y)
    """
    process = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], cwd=tmp_path, capture_output=True)
    assert process.returncode == -signal.SIGKILL, process.stderr[-2000:]
    model = fit(tmp_path / "run", iris)
    assert trained == [6, -1]
    same(board(model), board(whole))
    assert np.array_equal(model.predict_proba(iris[0]), whole.predict_proba(iris[0]))


def test_killed_at_any_moment(iris, tmp_path):
    """A process that is killed again and again, whenever it may be, comes to the same end."""
    script = f"""
        import autonas, sklearn.datasets
        x, y = sklearn.datasets.load_iris(return_X_y=True)
        print("begin", flush=True)
        autonas.StructuredDataClassifier(**{ {**BUDGET, "epochs": 10} }, directory="run").fit(x, y)
        print("end", flush=True)
    """
    whole = fit(tmp_path / "whole", iris, epochs=10)
    generator = np.random.default_rng(0)
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script)], cwd=tmp_path, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert process.stdout.readline() == b"begin\n"
        time.sleep(generator.uniform(0.5, 2.5))
        process.kill()
        process.communicate()
    model = fit(tmp_path / "run", iris, epochs=10)
    same(board(model), board(whole))
    assert np.array_equal(model.predict_proba(iris[0]), whole.predict_proba(iris[0]))


@pytest.mark.parametrize("after", ["created", "epoch", "ended"])
def test_killed_after_each_kind_of_event(iris, whole, tmp_path, trained, after):
    cut(whole, tmp_path / "run", position(whole, after, "0003"))
    model = fit(tmp_path / "run", iris)
    assert trained == ([4, 5, 6, -1] if after == "ended" else [3, 4, 5, 6, -1])
    same(board(model), board(whole))
    assert np.array_equal(model.predict_proba(iris[0]), whole.predict_proba(iris[0]))


class TwoSlots(autonas.execution.InlineExecutor):
    """Two trials at a time, one after the other in this process."""

    slots = 2


def test_killed_while_two_trials_ran(iris, tmp_path):
    arguments = {"strategy": "random", "executor": TwoSlots()}
    whole = fit(tmp_path / "whole", iris, **arguments)
    cut(whole, tmp_path / "run", position(whole, "created", "0004"))
    model = fit(tmp_path / "run", iris, **arguments)
    searched = board(model).query("stage == 'search'")
    assert sorted(searched.trial_id) == [f"{number:04d}" for number in range(7)]
    same(board(model), board(whole))


def test_killed_while_a_line_was_written(iris, whole, tmp_path, trained):
    rest = cut(whole, tmp_path / "run", position(whole, "created", "0003"))
    with open(tmp_path / "run" / "journal.jsonl", "a") as file:
        file.write(rest[0][: len(rest[0]) // 2])
    same(board(fit(tmp_path / "run", iris)), board(whole))
    assert trained == [3, 4, 5, 6, -1]
    assert all(json.loads(line) for line in journal(tmp_path / "run"))


def test_killed_during_the_final_fit(iris, whole, tmp_path, trained):
    cut(whole, tmp_path / "run", position(whole, "final") - 1)
    model = fit(tmp_path / "run", iris)
    assert trained == [-1]
    same(board(model), board(whole))
    assert np.array_equal(model.predict_proba(iris[0]), whole.predict_proba(iris[0]))


def test_weights_that_are_lost_are_trained_again(iris, whole, tmp_path, trained):
    cut(whole, tmp_path / "run", position(whole, "final") - 1)
    shutil.rmtree(tmp_path / "run" / "weights")
    model = fit(tmp_path / "run", iris, refit=False)
    assert len(trained) == 1
    best = board(model).iloc[0]
    assert best["score"] == model.best_score_ == whole.best_score_


def damaged(directory, name, change):
    path = directory / name
    path.write_bytes(change(path.read_bytes()))


def flipped(content):
    """Flip a bit of the numbers of the first array, after a header of 128 bytes. Other bytes may have no meaning."""
    place = content.index(b"\x93NUMPY") + 130
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.filterwarnings("ignore:.*Its content is computed again")
@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.parametrize(
    "change", [lambda content: b"", lambda content: content[:-40], flipped], ids=["empty", "cut", "flipped"]
)
def test_weights_and_predictions_that_are_damaged_are_made_again(iris, whole, tmp_path, trained, refit, change):
    shutil.copytree(whole.directory_, tmp_path / "run")
    best = whole.leaderboard().query("rank == 1")["trial_id"].item()
    names = [f"weights/{best}.npz", f"predictions/{best}.npz"] + ["weights/final.npz"] * refit
    for name in names:
        damaged(tmp_path / "run", name, change)
    model = fit(tmp_path / "run", iris, refit=refit)
    assert trained == [int(best)] + [-1] * refit
    assert model.best_score_ == whole.best_score_
    if refit:
        same(board(model), board(whole))
        assert np.array_equal(model.predict_proba(iris[0]), whole.predict_proba(iris[0]))
    trained.clear()
    fit(tmp_path / "run", iris, refit=refit)
    assert trained == []


def test_a_journal_of_something_else_is_refused_before_anything_is_written(iris, whole, tmp_path, trained):
    shutil.copytree(whole.directory_, tmp_path / "run")
    lines = journal(tmp_path / "run")
    for change, reason in (
        (lambda lines: [lines[0].replace(b'"version": 1', b'"version": 99'), *lines[1:]], "`version` is 99"),
        (lambda lines: [line.replace(b'"0001"', b'"../../x"') for line in lines], "a trial is named '../../x'"),
        (lambda lines: [*lines, b'{"event": "import", "name": "os"}\n'], "'import' is unknown"),
    ):
        # As written by somebody who leaves out the checksums.
        plain = [re.sub(rb', "n": [0-9]+, "crc": "[0-9a-f]+"\}', b"}", line.encode()) for line in lines]
        (tmp_path / "run" / "journal.jsonl").write_bytes(b"".join(change(plain)))
        before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
        with pytest.raises(ValueError, match=f"journal.jsonl.*{reason}"):
            fit(tmp_path / "run", iris)
        assert trained == [] and before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}


def test_a_clock_that_is_set_forward_neither_ends_a_search_nor_counts(iris, tmp_path, monkeypatch):
    now, offset = time.time, []
    monkeypatch.setattr(time, "time", lambda: now() + sum(offset))
    on_epoch = tuner.Tuner.on_epoch

    def set_forward(self, record, epoch, numbers):
        if (record.trial_id, epoch) == ("0001", 1):
            offset.append(3600.0)
        on_epoch(self, record, epoch, numbers)

    monkeypatch.setattr(tuner.Tuner, "on_epoch", set_forward)
    began = time.monotonic()
    model = fit(tmp_path / "run", iris, max_trials=3, time_limit=1000, tensorboard=True)
    assert offset and model.stop_reason_ == "max_trials"
    assert sum(record["seconds"] for record in model.records_) <= time.monotonic() - began


def test_a_finished_run_is_served_at_once(iris, whole, trained):
    start = time.thread_time()
    model = fit(whole.directory_, iris)
    assert trained == [] and time.thread_time() - start < 5
    same(board(model), board(whole))
    assert model.stop_reason_ == "max_trials"
    assert model.history_ == whole.history_ and model.best_score_ == whole.best_score_
    assert np.array_equal(model.predict_proba(iris[0]), whole.predict_proba(iris[0]))


def test_more_trials_continue_a_finished_run(iris, tmp_path, trained, whole):
    shutil.copytree(whole.directory_, tmp_path / "run")
    model = fit(tmp_path / "run", iris, max_trials=9)
    assert trained[:2] == [7, 8]
    assert (len(trained) == 3) == (model.leaderboard().query("rank == 1")["trial_id"].item() in ("0007", "0008"))
    fresh = fit(tmp_path / "fresh", iris, max_trials=9)
    same(board(model), board(fresh))
    assert np.array_equal(model.predict_proba(iris[0]), fresh.predict_proba(iris[0]))


@pytest.mark.parametrize(
    "change",
    [{"time_limit": 1000}, {"patience": 9}, {"refit": False}, {"ensemble": 2}, {"metrics": ["auc"]},
     {"preset": "fast"}, {"executor": "process", "n_workers": 1}],
)  # fmt: skip
def test_a_search_goes_on_where_the_change_leaves_its_trials_as_they_are(iris, whole, tmp_path, trained, change):
    shutil.copytree(whole.directory_, tmp_path / "run")
    model = fit(tmp_path / "run", iris, **change)
    assert trained in ([], [-1])
    columns = ["trial_id", "score", "epochs"]
    same(*(board(each).query("stage == 'search'")[columns].reset_index(drop=True) for each in (model, whole)))


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"epochs": 9}, "epochs was 4 and is 9"),
        ({"objective": "val_auc"}, "objective was 'val_loss' and is 'val_auc'"),
        ({"strategy": "random"}, "strategy was 'auto' and is 'random'"),
        ({"fidelity": "learning_curve"}, "fidelity was 'full' and is 'learning_curve'"),
        ({"validation": 3}, "validation_folds was None and is 3"),
        ({"num_classes": 4}, "num_classes was 3 and is 4"),
        ({"constraints": {"params": 9e9}}, "constraints.params was None and is 9000000000.0"),
        ({"class_weight": "balanced"}, "class_weight was None and is 'balanced'"),
        ({"precision": "mixed_bfloat16"}, "precision was 'auto' and is 'mixed_bfloat16'"),
        ({"search_space": "layered"}, "of the decisions of the search space, .* gone, such as .* new, such as"),
        (
            {"hyperparameters": {"structured_data_block_1/kind": "dense"}},
            "of the decisions of the search space, .* gone, such as",
        ),
        ({"optimization": autonas.Optimization(batch_size=32)}, "optimization was None"),
    ],
)
def test_a_change_of_the_trials_is_another_search_and_the_error_names_it(iris, whole, trained, change, difference):
    with pytest.raises(ValueError, match=f"holds a search of something else: .*{difference}.*more trials or more time"):
        fit(whole.directory_, iris, **change)
    assert trained == []


def test_the_arguments_of_a_strategy_are_part_of_a_search(iris, tmp_path):
    fit(tmp_path / "run", iris, max_trials=1, strategy=autonas.oracles.EvolutionOracle(population_size=5))
    fit(tmp_path / "run", iris, max_trials=2, strategy=autonas.oracles.EvolutionOracle(population_size=5))
    with pytest.raises(ValueError, match="strategy_arguments.population_size was 5 and is 9"):
        fit(tmp_path / "run", iris, strategy=autonas.oracles.EvolutionOracle(population_size=9))


@pytest.mark.parametrize("wrap", [lambda oracle: oracle, autonas.oracles.SuccessiveHalvingOracle])
def test_an_argument_of_a_strategy_with_its_default_is_the_same_search(iris, tmp_path, wrap):
    default = autonas.oracles.EvolutionOracle().population_size
    given, changed = ({"population_size": size} for size in (default, default + 1))
    fit(tmp_path / "run", iris, max_trials=1, strategy=wrap(autonas.oracles.EvolutionOracle()))
    fit(tmp_path / "run", iris, max_trials=1, strategy=wrap(autonas.oracles.EvolutionOracle(**given)))
    with pytest.raises(ValueError, match=rf"population_size was \S+ and is {default + 1}"):
        fit(tmp_path / "run", iris, max_trials=1, strategy=wrap(autonas.oracles.EvolutionOracle(**changed)))
    journal = tmp_path / "run" / "journal.jsonl"
    header, *lines = journal.read_text().splitlines(keepends=True)
    facts = {name: fact for name, fact in json.loads(header).items() if name not in ("n", "crc")}
    arguments = facts["strategy_arguments"]  # An earlier version wrote all arguments that were given.
    arguments.get("strategy", {}).get("EvolutionOracle", arguments)["population_size"] = default
    journal.write_text(json.dumps(facts) + "\n" + "".join(lines))
    fit(tmp_path / "run", iris, max_trials=1, strategy=wrap(autonas.oracles.EvolutionOracle()))


@pytest.mark.parametrize(
    "strategy",
    [
        lambda: "random",
        lambda: autonas.oracles.RandomOracle(seed=3),
        keras_tuner.oracles.RandomSearchOracle,
    ],
    ids=["drawn", "given to the oracle", "drawn by Keras Tuner"],
)
def test_without_a_seed_a_search_goes_on_with_its_own(iris, tmp_path, trained, strategy):
    arguments = {"seed": None, "max_trials": 3}
    whole = fit(tmp_path / "run", iris, **arguments, strategy=strategy())
    cut(whole, tmp_path / "cut", position(whole, "created", "0002"))
    model = fit(tmp_path / "cut", iris, **arguments, strategy=strategy())
    same(board(model), board(whole))
    assert np.array_equal(model.predict_proba(iris[0]), whole.predict_proba(iris[0]))


def test_an_earlier_best_of_a_killed_process_is_served_from_its_weights(iris, whole, tmp_path, trained):
    """No trial of the new process is better: the model comes from the disk."""
    cut(whole, tmp_path / "run", position(whole, "final") - 1)
    model = fit(tmp_path / "run", iris, refit=False)
    assert trained == []
    best = board(model).iloc[0]
    validation = model.evaluate(*iris)  # all rows; the weights are those that were scored, not the initial ones
    assert validation["accuracy"] > 0.5 * best["score"]


def test_disk_holds_the_weights_of_the_best_and_of_the_final_fit_only(whole):
    best = whole.leaderboard().query("rank == 1")["trial_id"].item()
    assert sorted(os.listdir(os.path.join(whole.directory_, "weights"))) == [
        f"{best}.npz",
        "final.npz",
    ]
