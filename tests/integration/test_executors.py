"""Where trials run, through `AutoModel`: the same search anywhere, and nothing finished is lost."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits

import autonas
from autonas import execution
from tests.helpers.budgets import QUIET
from tests.helpers.leaderboards import board
from tests.helpers.regressions import of_regressions

pytestmark = pytest.mark.usefixtures("folder")

BUDGET = {**QUIET, "max_trials": 5, "epochs": 2, "refit": False}


def classifier(**arguments):
    return of_regressions(**{**BUDGET, **arguments})


def test_a_worker_process_searches_as_this_process_does(iris):
    inline = classifier(objective=["val_accuracy", "flops"], refit=True).fit(*iris)
    process = classifier(objective=["val_accuracy", "flops"], refit=True, executor="process").fit(*iris)
    pandas.testing.assert_frame_equal(board(process), board(inline), check_exact=True)
    np.testing.assert_array_equal(process.predict_proba(iris[0]), inline.predict_proba(iris[0]))
    smallest = process.pareto_front().flops.min()
    process.select(flops=smallest)
    assert process.leaderboard().iloc[0].flops == smallest
    np.testing.assert_array_equal(process.predict_proba(iris[0]), inline.select(flops=smallest).predict_proba(iris[0]))


def test_several_workers_run_all_trials_once(iris):
    model = classifier(max_trials=7, n_workers=2).fit(*iris)
    searched = model.leaderboard().query("stage == 'search'")
    assert sorted(searched.trial_id) == [f"{number:04d}" for number in range(7)]
    assert set(searched.status) == {"completed"} and (searched.epochs >= 1).all()
    assert model.best_score_ == searched.val_loss.min()
    # Of the ten best, for ensembles.
    assert len(os.listdir(os.path.join(model.directory_, "weights"))) == 7


SCRIPT = """
import json, sys
from sklearn.datasets import load_iris
from tests.helpers.regressions import of_regressions
directory, arguments = sys.argv[1], json.loads(sys.argv[2])
model = of_regressions(directory=directory, executor="process", **arguments)
model.fit(*load_iris(return_X_y=True))
model.leaderboard().drop(columns="seconds").to_pickle(directory + "/board.pickle")
"""


# Longer than 20 s: each kill costs the start of a worker, and one of them that of a driver, too.
def test_kills_of_workers_and_drivers_change_nothing(iris, folder, request):
    run, generator = folder / "run", np.random.default_rng(0)
    of_tests = {"cwd": request.config.rootpath, "start_new_session": True}
    command = [sys.executable, "-c", SCRIPT, str(run), json.dumps({**BUDGET, "max_trials": 11})]
    driver = subprocess.Popen(command, **of_tests)
    killed = {"worker": 0, "driver": 0}
    for number in range(2, 11, 3):
        while not _has_begun(run, number) and driver.poll() is None:
            time.sleep(0.01)
        time.sleep(float(generator.uniform(0.0, 0.3)))
        what = "driver" if number == 8 else "worker"
        workers = _workers(driver.pid)
        for process in [driver.pid] if what == "driver" else workers:
            os.kill(process, signal.SIGKILL)
            killed[what] += 1
        if what == "driver":
            driver.wait()
            assert _all_end(workers), "workers end with their driver"
            driver = subprocess.Popen(command, **of_tests)
    assert driver.wait(300) == 0
    assert killed["driver"] == 1 and killed["worker"] >= 2
    table = pandas.read_pickle(run / "board.pickle")
    searched = table[table.stage == "search"]
    assert set(searched.status) == {"completed"} and searched.trial_id.nunique() == len(searched) == 11
    assert searched.reason.str.contains("begun again: the worker process was killed").sum() >= 1
    calm = classifier(max_trials=11).fit(*iris).leaderboard().query("stage == 'search'")
    assert list(searched.trial_id) == list(calm.trial_id)
    np.testing.assert_array_equal(searched.val_loss, calm.val_loss)


def _has_begun(run, number):
    journal = run / "journal.jsonl"
    return journal.exists() and f'"trial_id": "{number:04d}"' in journal.read_text()


def _all_end(processes, seconds=60.0):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not any(os.path.exists(f"/proc/{process}") for process in processes):
            return True
        time.sleep(0.05)
    return False


def _workers(driver):
    """The worker processes of a driver."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as file:
                parent = file.read().rsplit(")", 1)[1].split()[1]
            with open(f"/proc/{name}/cmdline") as file:
                is_worker = "autonas.execution" in file.read()
        except OSError:
            continue
        if is_worker and int(parent) == driver:
            found.append(int(name))
    return found


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"executor": "threads"}, "`executor` must be one of 'inline', 'process', 'ray', an object"),
        ({"executor": "inline", "n_workers": 2}, "`n_workers` must be 1 or None with executor='inline'"),
        ({"n_workers": 0}, "`n_workers` must be a positive integer or None"),
        ({"executor": execution.ProcessExecutor(2), "n_workers": 2}, "`n_workers` must be None with an executor that"),
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
