"""What tests of any folder use."""

import gc
import importlib.util
import os
import pathlib
import signal
import subprocess
import sys
import time
import types

import keras
import pytest
from sklearn.datasets import load_iris

import autonas
from autonas import exports
from tests.helpers import elsewhere

autonas.AutoModel  # noqa: B018  (imports most modules)

# A shell starts the jobs in its background with SIGINT ignored, and their children with them: tests that interrupt need
# the handler of Python.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module", autouse=True)
def frozen():
    """Freeze the objects of imported modules and of earlier files, so that they don't slow down collections."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module")
def iris():
    """Rows and classes of the irises."""
    return load_iris(return_X_y=True)


@pytest.fixture
def relative_cost():
    """Function that measures a call in units of a fixed piece of Python's work of about 1 ms.

    Both are measured in turn, by the time of the thread on its processor, and the quickest of 20 counts: the ratio is
    the same on a slow machine, and beside other processes.
    """

    def seconds(function):
        started = time.thread_time()
        function()
        return time.thread_time() - started

    def relative_cost(function):
        costs, units = zip(*[(seconds(function), seconds(_unit_of_work)) for _ in range(20)], strict=True)
        return min(costs) / min(units)

    return relative_cost


def _unit_of_work():
    return sum(place * place for place in range(20_000))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A new folder, which the test runs in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def process_without_autonas():
    """Function that stands in for `subprocess.run`, of one process without autonas for all tests."""
    with elsewhere.process() as run:
        yield run


@pytest.fixture
def run_elsewhere(process_without_autonas, monkeypatch):
    """Function that stands in for `subprocess.run` of programs without autonas, and checks exported Keras files."""
    monkeypatch.setattr(exports.keras_file, "subprocess", types.SimpleNamespace(run=process_without_autonas))
    return process_without_autonas


@pytest.fixture
def passes_on(request):
    """Function of a backend's name that runs the file of the test under it, in a process of its own.

    A second argument selects tests as pytest's `-k` does, and a third one names other files than that of the test.
    Files whose every test shall hold on JAX stand in `integration/test_on_jax.py`.
    """
    if keras.backend.backend() != "tensorflow":
        pytest.skip("The file is run under another backend already.")

    def run(backend, selected="", files=()):
        if importlib.util.find_spec(backend) is None:
            pytest.skip(f"{backend} isn't installed.")
        options = ["-x", "-q", "-p", "no:cacheprovider", "-k", selected]
        paths = [pathlib.Path(__file__).parent / name for name in files] or [request.path]
        command = [sys.executable, "-m", "pytest", *options, *paths]
        # Compiled code that runs for a moment needn't be fast: its optimisation takes most of the time of these tests.
        flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=0"
        environment = {**os.environ, "KERAS_BACKEND": backend, "XLA_FLAGS": flags}
        finished = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=request.config.rootpath)
        assert finished.returncode == 0, finished.stdout + finished.stderr

    return run
