"""Silence: what a process prints that searches with `verbose=0`, and what TensorFlow tells all the same if asked."""

import os
import subprocess
import sys

import pytest

_SEARCH = """
import numpy as np
from sklearn.datasets import load_digits
import autonas

x, y = load_digits(n_class=3, return_X_y=True)
for n_workers in (None, 2):
    model = autonas.AutoModel(max_trials=n_workers or 1, epochs=1, n_workers=n_workers, seed=0, verbose=0).fit(x, y)
    model.predict(x)
    model.predict(x[:300])
"""


_ON_JAX = """
from sklearn.datasets import load_digits
import autonas

x, y = load_digits(n_class=3, return_X_y=True)
model = autonas.AutoModel(max_trials=1, epochs=5, seed=0, verbose=0).fit(x, y).predict(x)
"""

#: As many candidates as TensorFlow would take for one function that is traced over and over.
_STREAM = """
import tensorflow as tf
from sklearn.datasets import load_iris
from autonas.data import streams

streams._MAX_KEPT_BYTES = 0  # Smaller tables are searched as arrays.
dataset = tf.data.Dataset.from_tensor_slices(load_iris(return_X_y=True)).batch(16)
model = autonas.AutoModel(max_trials=6, epochs=1, strategy="random", seed=0, tensorboard=False, verbose=0).fit(dataset)
model.predict(dataset.unbatch().batch(7))
"""


#: The searches are too short to be better than a baseline, and warnings aren't silenced.
_NO_WARNING = {"PYTHONWARNINGS": "ignore:The model that is served, :UserWarning"}


def printed(script, directory, argument="", **environment):
    process = subprocess.run(
        [sys.executable, "-c", script, argument], cwd=directory, capture_output=True, text=True, timeout=200,
        env={name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
        | _NO_WARNING | environment,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    return process.stdout + process.stderr


_LOAD = """
import glob
import autonas

path = min(glob.glob("autonas_runs/*/model"))
autonas.AutoModel.load(path).predict([[0.0] * 64] * 3)
"""


# Imports TensorFlow in four processes, as a user's program does: 30 s.
def test_a_search_with_verbose_0_prints_nothing_tensorflow_included_nor_does_its_loaded_model(tmp_path):
    assert printed(_SEARCH + _STREAM, tmp_path) == ""
    assert printed(_LOAD, tmp_path) == ""


def test_nor_does_it_on_jax_where_keras_imports_tensorflow_all_the_same(tmp_path):
    pytest.importorskip("jax")
    assert printed(_ON_JAX, tmp_path, KERAS_BACKEND="jax") == ""


#: Where the import of Keras begins: a note past Python, whatever TensorFlow has to say on this processor. The import
#: ends there, which saves seconds of each process.
_NOTES = """
import contextlib, os, sys

class Notes:
    def find_spec(self, name, path=None, target=None):
        if name in ("keras", "tensorflow"):
            os.write(2, b"a note of the backend")
            raise NotImplementedError

sys.meta_path.insert(0, Notes())
"""

_FIRST_IMPORTS = """
import importlib

for name in sys.argv[1].split():
    try:
        importlib.import_module(f"autonas.{name}")
    except NotImplementedError:
        print(name, end=" ")
    for module in [module for module in sys.modules if module.startswith("autonas")]:
        del sys.modules[module]
"""


def test_nor_does_the_import_of_a_package_before_any_name_of_autonas(tmp_path):
    packages = "objectives oracles exports supernet testing.oracles testing.problems testing.simulation "
    assert printed(_NOTES + _FIRST_IMPORTS, tmp_path, packages) == packages


_IMPORT = """
from autonas.backends import silence

with contextlib.suppress(NotImplementedError):
    silence.import_keras()
"""


def test_notes_of_the_backend_are_shown_only_if_the_user_asks_for_them(tmp_path):
    assert printed(_NOTES + _IMPORT, tmp_path) == ""
    assert printed(_NOTES + _IMPORT, tmp_path, TF_CPP_MIN_LOG_LEVEL="0") == "a note of the backend"


_THREADS = """
import os, threading
from autonas.backends import silence

before = os.fstat(2)
begun, ended = threading.Event(), threading.Event()

def other():
    with silence.silent_stderr():
        begun.set()
        ended.wait()

with silence.silent_stderr():
    thread = threading.Thread(target=other)
    thread.start()
    begun.wait()
os.write(2, b"hidden")
ended.set()
thread.join()
assert os.path.samestat(before, os.fstat(2))
os.write(2, b"shown")
"""


def test_silence_lasts_until_the_last_thread_that_wants_it_and_no_longer(tmp_path):
    assert printed(_THREADS, tmp_path) == "shown"


_CLOSED = """
import os
from autonas.backends import silence

file = os.open("file", os.O_WRONLY | os.O_CREAT)
with silence.silent_stderr():
    os.write(file, b"content")
assert os.path.getsize("file") == 7
"""


def test_a_closed_standard_error_stays_closed(tmp_path):
    command = f"exec {sys.executable} -c '{_CLOSED}' 2>&-"
    assert subprocess.run(command, shell=True, cwd=tmp_path, env=os.environ, timeout=200).returncode == 0
