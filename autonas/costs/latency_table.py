"""Latency table: what each operation takes on a device, measured once, and summed for a model."""

import json
import math
import os
import platform

import keras
import numpy as np
from scipy import optimize, stats

from autonas import runtimes
from autonas.costs import base, operations, timing

#: Seconds in which an operation is called again and again: for a table, and for an estimate that a search waits for.
_SECONDS, _HASTY_SECONDS = 0.1, 0.02


class LatencyTable:
    """Latencies of operations on one device, and the line by which their sums predict those of models.

      latency = offset + scale * sum over operations,

    where a convolution or dense layer, the batch normalisation and the activation function that alone follow it are
    one operation (see `autonas.costs.operations`), and each is measured as a model of its own, less what a model
    of next to nothing takes. The line is 0 and 1 until `calibrate` fits it.

    Args:
        runtime: `"litert"`, `"onnx"` or `"keras"`. Defaults to `"litert"`.
        batch_size: Number of rows of a prediction. Defaults to 1.
        n_threads: Number of threads. Defaults to 1.
        device: Dict that describes where and how operations were measured. Defaults to this machine.
        seconds: For how long an operation is called again and again. Defaults to 0.1.

    Attributes:
        operations: Dict from the key of an operation to milliseconds.
        calibration: Dict of `"offset"` in milliseconds, `"scale"`, and `"architectures"`, their number.
        error: Dict of how well the table predicts models that it wasn't fitted on, or `None`; see `check`.
    """

    def __init__(self, runtime="litert", batch_size=1, n_threads=1, device=None, seconds=_SECONDS):
        self.runtime = runtime
        self.batch_size = batch_size
        self.n_threads = n_threads
        self.seconds = seconds
        self.device = device or {
            "platform": platform.platform(),
            "processor": _processor(),
            "runtime": runtime,
            "version": runtimes.get_runtime(runtime).version(),
            "batch_size": batch_size,
            "threads": n_threads,
        }
        self.operations = {}
        self.calibration = {"offset": 0.0, "scale": 1.0, "architectures": 0}
        self.error = None
        self._overhead = None

    def measure(self, operation):
        """The latency of an `Operation` in milliseconds, measured when it is first met."""
        if operation.key not in self.operations:
            if self._overhead is None:
                inputs = keras.Input((1,))
                self._overhead = self._time(keras.Model(inputs, keras.layers.ReLU()(inputs)))
            self.operations[operation.key] = max(0.0, self._time(operation.model()) - self._overhead)
        return self.operations[operation.key]

    def add(self, model):
        """Measures those operations of a model that the table lacks."""
        for operation in operations.operations_of(model):
            self.measure(operation)

    def predict(self, model):
        """The latency of a model in milliseconds.

        Raises:
            ValueError: If the table lacks an operation; the message names it.
        """
        return self.calibration["offset"] + self.calibration["scale"] * self._sum(model)

    def calibrate(self, models, latencies):
        """Fits the line to models that were measured directly.

        The least squares of relative errors by an offset and a scale that aren't negative.

        Args:
            models: List of models.
            latencies: List of their latencies in milliseconds.
        """
        latencies = np.asarray(latencies)
        sums = np.array([self._sum(model) for model in models])
        terms = np.stack([np.ones(len(sums)), sums], axis=1) / latencies[:, None]
        (offset, scale), _ = optimize.nnls(terms, np.ones(len(sums)))
        self.calibration = {"offset": float(offset), "scale": float(scale), "architectures": len(models)}

    def check(self, models, latencies):
        """Compares predictions with the latencies of models that the table wasn't fitted on; sets `error`.

        It is a dict of `"median_percentage_error"`, of absolute errors, `"kendall_tau"` between the two orders, and
        `"architectures"`, their number. The arguments are those of `calibrate`.
        """
        predictions = np.array([self.predict(model) for model in models])
        latencies = np.asarray(latencies)
        self.error = {
            "median_percentage_error": 100.0 * float(np.median(np.abs(predictions / latencies - 1.0))),
            "kendall_tau": float(stats.kendalltau(predictions, latencies).statistic),
            "architectures": len(models),
        }

    def save(self, path):
        """Writes the table to a JSON file."""
        with open(path, "w", encoding="utf-8") as file:
            json.dump(self.to_json(), file, indent=1)

    def to_json(self):
        return {
            "device": self.device,
            "operations": self.operations,
            "calibration": self.calibration,
            "error": self.error,
        }

    @classmethod
    def load(cls, table):
        """The table in a JSON file, or in a dict of the same content.

        Raises:
            ValueError: If it is none.
        """
        if isinstance(table, (str, os.PathLike)):
            with open(table, encoding="utf-8") as file:
                table = json.load(file)
        parts = ("device", "operations", "calibration", "error")
        if not isinstance(table, dict) or not all(part in table for part in parts):
            raise ValueError(
                "`table` must be what `autonas profile --device-out table.json` writes, a path or a dict. "
                f"Received: {table!r:.100}"
            )
        device = table["device"]
        loaded = cls(device["runtime"], device["batch_size"], device["threads"], device)
        loaded.operations, loaded.calibration, loaded.error = (table[part] for part in parts[1:])
        return loaded

    def _sum(self, model):
        keys = [operation.key for operation in operations.operations_of(model)]
        missing = next((key for key in keys if key not in self.operations), None)
        if missing is not None:
            raise ValueError(
                f"The latency table lacks the operation {missing}. Measure it on the device by `autonas profile DATA "
                "--device-out table.json` with the same search space and more `--architectures`."
            )
        return math.fsum(self.operations[key] for key in keys)

    def _time(self, model):
        session = base.BuiltModel(model).exported(self.runtime, self.batch_size).session(self.n_threads)
        return timing.time_calls(session.run, session.runs_in_caller, self.seconds)[0]


class OperationLatency:
    """Milliseconds that one call of a layer takes to predict one row, by itself.

    A layer is measured once for each configuration and shape of its inputs, in LiteRT if that is installed and Keras's
    backend can export to it, else as the compiled Keras function.

    Attributes:
        table: A `LatencyTable`.
    """

    def __init__(self):
        try:
            runtimes.check_runtime("litert")
            runtime = "litert"
        except ImportError:
            runtime = "keras"
        self.table = LatencyTable(runtime, seconds=_HASTY_SECONDS)

    def __call__(self, node):
        """The latency of a node of Keras's graph, a float."""
        return 0.0 if node.is_input else self.table.measure(operations.operation_of(node))


def _processor():
    """The name of the processor, where the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
