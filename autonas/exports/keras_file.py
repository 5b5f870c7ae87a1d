"""Export to a `.keras` file, verified by Keras in a new process without autonas."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from autonas import exceptions
from autonas.exports import base

#: Code of the new process, which doesn't import autonas.
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
        rows[name] = keras.ops.convert_to_tensor(array)
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
        with tempfile.TemporaryDirectory() as folder:
            inputs, outputs = os.path.join(folder, "inputs.npz"), os.path.join(folder, "outputs.npz")
            plain: dict[str, Any] = {
                name: array.astype("U") if array.dtype == object else array for name, array in rows.items()
            }
            np.savez(inputs, **plain)
            has_strings = any(array.dtype.kind == "U" for array in plain.values())
            backend = "tensorflow" if has_strings else keras.backend.backend()
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
