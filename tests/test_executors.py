"""Where trials run, through `AutoModel`: the same search anywhere, and nothing finished is lost."""

import os
import signal
import threading
import time

import numpy as np
import pandas
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits, load_iris

import autonas
from autonas import execution

BUDGET = {"max_trials": 5, "epochs": 2, "tensorboard": False, "verbose": 0, "seed": 0, "refit": False}


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def classifier(**arguments):
    return autonas.StructuredDataClassifier(**{**BUDGET, **arguments})


def board(model):
    """The leaderboard without what a clock says."""
    return model.leaderboard().drop(columns="seconds")


def test_a_worker_process_searches_as_this_process_does(iris):
    inline = classifier(objective=["val_accuracy", "flops"], refit=True).fit(*iris)
    process = classifier(objective=["val_accuracy", "flops"], refit=True, executor="process").fit(*iris)
    pandas.testing.assert_frame_equal(board(process), board(inline), check_exact=True)
    np.testing.assert_array_equal(process.predict_proba(iris[0]), inline.predict_proba(iris[0]))
    process.select(flops=process.pareto_front().flops.min())
    assert process.score(*iris) > 0.3


def test_several_workers_run_all_trials_once(iris):
    model = classifier(max_trials=7, n_workers=2).fit(*iris)
    searched = model.leaderboard().query("stage == 'search'")
    assert sorted(searched.trial_id) == [f"{number:04d}" for number in range(7)]
    assert set(searched.status) == {"completed"} and (searched.epochs >= 1).all()
    assert model.best_score_ == searched.val_loss.min()
    assert len(os.listdir(os.path.join(model.directory_, "weights"))) == 1


def kill_workers(journal, trials, killed, stop):
    """Kills the worker process shortly after each of these trials has begun."""
    generator, waiting = np.random.default_rng(0), set(trials)
    while waiting and not stop.is_set():
        time.sleep(0.01)
        written = journal.read_text() if journal.exists() else ""
        begun = {number for number in waiting if f'"trial_id": "{number:04d}"' in written}
        waiting -= begun
        for _ in begun:
            time.sleep(float(generator.uniform(0.0, 0.4)))
            for process in _workers():
                os.kill(process, signal.SIGKILL)
                killed.append(process)


# Each kill costs the start of a new worker, some seconds.
def test_a_search_whose_workers_are_killed_is_the_undisturbed_one(iris, folder):
    stop, killed = threading.Event(), []
    arguments = (folder / "run" / "journal.jsonl", [2, 5, 6, 9], killed, stop)
    killer = threading.Thread(target=kill_workers, args=arguments)
    killer.start()
    try:
        disturbed = classifier(max_trials=12, executor="process", directory=folder / "run").fit(*iris)
    finally:
        stop.set()
        killer.join()
    calm = classifier(max_trials=12).fit(*iris)
    table = board(disturbed)
    assert len(killed) == 4 and set(table.query("stage == 'search'").status) == {"completed"}
    assert table.reason.str.contains("begun again: the worker process was killed").sum() >= 1
    pandas.testing.assert_frame_equal(
        table.drop(columns="reason"), board(calm).drop(columns="reason"), check_exact=True
    )


def _workers():
    me = str(os.getpid())
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    parent = file.read().rsplit(")", 1)[1].split()[1]
                with open(f"/proc/{name}/cmdline") as file:
                    is_worker = "autonas.execution" in file.read()
            except OSError:
                continue
            if parent == me and is_worker:
                found.append(int(name))
    return found


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"executor": "threads"}, "`executor` must be one of 'inline', 'process', 'ray', an object"),
        ({"executor": "inline", "n_workers": 2}, "`n_workers` must be 1 or None with executor='inline'"),
        ({"n_workers": 0}, "`n_workers` must be a positive integer or None"),
        ({"executor": execution.ProcessExecutor(2), "n_workers": 2}, "`n_workers` must be None with an executor that"),
        ({"executor": "process", "weight_sharing": True}, "`executor` must be 'inline' for a strategy that trains"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(iris, folder, arguments, message):
    with pytest.raises(ValueError, match=message):
        classifier(**arguments).fit(*iris)
    assert not os.listdir(folder)


def test_streams_stay_in_this_process():
    x, y = load_digits(return_X_y=True)
    dataset = tf.data.Dataset.from_tensor_slices((x.reshape(-1, 8, 8, 1).astype("float32"), y)).batch(32)
    with pytest.raises(ValueError, match="`x` must be arrays for trials in other processes"):
        autonas.AutoModel(**BUDGET, n_workers=2).fit(dataset)
