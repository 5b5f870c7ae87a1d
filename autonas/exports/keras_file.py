"""Export to a `.keras` file, loaded by Keras and run."""

import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from autonas import exceptions
from autonas.exports import base
from autonas.prediction import saved_network

#: Code of a new process, which doesn't import autonas.
_SCRIPT = """
import sys, keras, numpy
file, inputs, outputs = sys.argv[1:]
model = keras.models.load_model(file)
with numpy.load(inputs) as arrays:
    rows = {name: arrays[name] for name in arrays.files}
for name, array in rows.items():
    if array.dtype.kind == "U":
        import tensorflow
        rows[name] = tensorflow.constant(array.tolist())
    else:
        rows[name] = keras.ops.convert_to_tensor(array, str(array.dtype))
predictions = model(rows if isinstance(model.input, dict) else next(iter(rows.values())), training=False)
numpy.savez(outputs, *map(keras.ops.convert_to_numpy, keras.tree.flatten(predictions)))
assert "autonas" not in sys.modules
"""


class KerasFile(base.Format):
    """Keras's own format. The model takes any number of raw rows.

    The file can be loaded on any backend. With string inputs the file requires the TensorFlow backend.
    """

    name = "Keras"

    def packages(self) -> str:
        return "tensorflow"

    def write(
        self, model: keras.Model, path: str, rows: dict[str, np.ndarray], codes: Mapping[str, Any]
    ) -> dict[str, str]:
        model.save(path)
        return base.shapes(model)

    def run(self, path: str, rows: dict[str, np.ndarray]) -> list[np.ndarray]:
        has_strings = any(array.dtype.kind in "OU" for array in rows.values())
        # The start of a process takes longer than everything else.
        if _is_made_by_keras_alone(path) and not (has_strings and keras.backend.backend() != "tensorflow"):
            return _run_here(path, rows)
        return self._run_elsewhere(path, rows, "tensorflow" if has_strings else keras.backend.backend())

    def _run_elsewhere(self, path: str, rows: dict[str, np.ndarray], backend: str) -> list[np.ndarray]:
        """Run a written model in a new process, which has neither autonas nor the user's own code."""
        with tempfile.TemporaryDirectory() as folder:
            inputs, outputs = os.path.join(folder, "inputs.npz"), os.path.join(folder, "outputs.npz")
            plain: dict[str, Any] = {
                name: array.astype("U") if array.dtype == object else array for name, array in rows.items()
            }
            np.savez(inputs, **plain)
            environment = {**os.environ, "KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": ""}
            finished = subprocess.run(
                [sys.executable, "-c", _SCRIPT, os.path.abspath(path), inputs, outputs],
                capture_output=True, text=True, env=environment, cwd=folder,
            )  # fmt: skip
            if finished.returncode:
                pattern = r"[\w.]+(Error|Exception)\b|Exception encountered:"
                lines = [line for line in finished.stderr.splitlines() if re.match(pattern, line)]
                reason = lines[-1] if lines else f"exit status {finished.returncode}"
                raise exceptions.ExportFailed(
                    f"Keras can't load this model without autonas and your own code: {reason:.300}. Nothing was "
                    "written. Compose layers of your own from Keras's layers, or register them where the file is "
                    "loaded and write the file with `export_model().save(path)`."
                )
            with np.load(outputs) as arrays:
                return [arrays[name] for name in arrays.files]


def _is_made_by_keras_alone(path: str) -> bool:
    """Return whether Keras's own classes are all that a file needs, so that it loads in any process."""
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
    return all(
        entry["class_name"] in saved_network.VALUES
        or (
            str(entry.get("module")).split(".")[0] == "keras"
            and entry.get("registered_name") in (None, entry["class_name"])
        )
        for entry in saved_network.objects(config)
    )


def _run_here(path: str, rows: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Run a written model in this process."""
    model = keras.models.load_model(path, compile=False)
    tensors = {name: _tensor(array) for name, array in rows.items()}
    predictions = model(tensors if isinstance(model.input, dict) else next(iter(tensors.values())), training=False)
    return [keras.ops.convert_to_numpy(array) for array in keras.tree.flatten(predictions)]


def _tensor(array: np.ndarray) -> Any:
    if array.dtype.kind in "OU":
        import tensorflow

        return tensorflow.constant(array.tolist())
    return keras.ops.convert_to_tensor(array, str(array.dtype))  # Without a dtype, Keras makes float32 of float64.
