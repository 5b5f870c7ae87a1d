"""Latency table: latencies of operations on a device, measured once and summed to estimate a model's latency."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats

from autonas import runtimes
from autonas.costs import base, operations, timing

#: Seconds of repeated calls of an operation: for a table, and for an estimate that a search waits for.
_SECONDS, _HASTY_SECONDS = 0.1, 0.02


class LatencyTable:
    """Latencies of operations on one device, and a linear model that estimates the latency of a network from them.

      latency = offset + scale * sum of the latencies of the operations

    A convolution or dense layer forms one operation with the batch normalisation and activation function that follow
    it (see `autonas.costs.operations`). The latency of an operation is measured on a model of this operation alone,
    less the latency of a nearly empty model. Offset and scale are 0 and 1 until `calibrate` fits them.

    Args:
        runtime: `"litert"`, `"onnx"` or `"keras"`. Defaults to `"litert"`.
        batch_size: Number of rows of a prediction. Defaults to 1.
        n_threads: Number of threads. Defaults to 1.
        device: Dict that describes the device and the settings of the measurement. Defaults to this machine.
        seconds: Seconds of repeated calls per operation. Defaults to 0.1.

    Attributes:
        operations: Dict from the key of an operation to milliseconds.
        calibration: Dict of `"offset"` in milliseconds, `"scale"`, and `"architectures"`, the number of models fitted.
        error: Dict of the error on models that weren't used to fit the table, or `None`; see `check`.
    """

    def __init__(
        self,
        runtime: str = "litert",
        batch_size: int = 1,
        n_threads: int = 1,
        device: dict[str, Any] | None = None,
        seconds: float = _SECONDS,
    ) -> None:
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
        self.operations: dict[str, float] = {}
        self.calibration = {"offset": 0.0, "scale": 1.0, "architectures": 0}
        self.error: dict[str, float] | None = None
        self._overhead: float | None = None

    def measure(self, operation: operations.Operation) -> float:
        """Return the latency of an `Operation` in milliseconds. Measure it if the table lacks it."""
        if operation.key not in self.operations:
            if self._overhead is None:
                inputs = keras.Input((1,))
                self._overhead = self._time(keras.Model(inputs, keras.layers.ReLU()(inputs)))
            self.operations[operation.key] = max(0.0, self._time(operation.model()) - self._overhead)
        return self.operations[operation.key]

    def add(self, model: keras.Model) -> None:
        """Measure the operations of a model that the table lacks."""
        for operation in operations.operations_of(model):
            self.measure(operation)

    def predict(self, model: keras.Model) -> float:
        """Estimate the latency of a model in milliseconds.

        Raises:
            ValueError: If the table lacks an operation of the model. The message names the operation.
        """
        return self.calibration["offset"] + self.calibration["scale"] * self._sum(model)

    def calibrate(self, models: Sequence[keras.Model], latencies: ArrayLike) -> None:
        """Fit offset and scale to models whose latencies were measured directly.

        Minimises the sum of squared relative errors over non-negative offsets and scales.

        Args:
            models: List of models.
            latencies: List of their latencies in milliseconds.
        """
        measured = np.asarray(latencies)
        sums = np.array([self._sum(model) for model in models])
        terms = np.stack([np.ones(len(sums)), sums], axis=1) / measured[:, None]
        (offset, scale), _ = optimize.nnls(terms, np.ones(len(sums)))
        self.calibration = {"offset": float(offset), "scale": float(scale), "architectures": len(models)}

    def check(self, models: Sequence[keras.Model], latencies: ArrayLike) -> None:
        """Compare estimated with measured latencies of models that weren't used for `calibrate`, and set `error`.

        `error` is a dict of `"median_percentage_error"`, the median absolute error in percent, `"kendall_tau"`, the
        rank correlation, and `"architectures"`, the number of models.

        Args:
            models: List of models.
            latencies: List of their latencies in milliseconds.
        """
        predictions = np.array([self.predict(model) for model in models])
        measured = np.asarray(latencies)
        self.error = {
            "median_percentage_error": 100.0 * float(np.median(np.abs(predictions / measured - 1.0))),
            "kendall_tau": float(stats.kendalltau(predictions, measured).statistic),
            "architectures": len(models),
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the table to a JSON file."""
        with open(path, "w", encoding="utf-8") as file:
            json.dump(self.to_json(), file, indent=1)

    def to_json(self) -> dict[str, Any]:
        return {
            "device": self.device,
            "operations": self.operations,
            "calibration": self.calibration,
            "error": self.error,
        }

    @classmethod
    def load(cls, table: str | os.PathLike[str] | dict[str, Any]) -> LatencyTable:
        """Return the table in a JSON file, or in a dict of the same content.

        Raises:
            ValueError: If `table` isn't a latency table.
        """
        if isinstance(table, (str, os.PathLike)):
            with open(table, encoding="utf-8") as file:
                table = json.load(file)
        keys = ("device", "operations", "calibration", "error")
        if not isinstance(table, dict) or not all(key in table for key in keys):
            raise ValueError(
                "`table` must be a latency table written by `autonas profile --device-out table.json`, a path or a "
                f"dict. Received: {table!r:.100}"
            )
        device = table["device"]
        loaded = cls(device["runtime"], device["batch_size"], device["threads"], device)
        loaded.operations, loaded.calibration, loaded.error = (table[key] for key in keys[1:])
        return loaded

    def _sum(self, model: keras.Model) -> float:
        keys = [operation.key for operation in operations.operations_of(model)]
        missing = next((key for key in keys if key not in self.operations), None)
        if missing is not None:
            raise ValueError(
                f"The latency table lacks the operation {missing}. Measure it on the device by `autonas profile DATA "
                "--device-out table.json` with the same search space and more `--architectures`."
            )
        return math.fsum(self.operations[key] for key in keys)

    def _time(self, model: keras.Model) -> float:
        session = base.BuiltModel(model).exported(self.runtime, self.batch_size).session(self.n_threads)
        return timing.time_calls(session.run, session.runs_in_caller, self.seconds)[0]


class OperationLatency:
    """Latency of a single call of a layer for one row, in milliseconds.

    A layer is measured once per configuration and input shape. It is measured in LiteRT if LiteRT is installed and
    Keras's backend can export to it, and otherwise as the compiled Keras function.

    Attributes:
        table: A `LatencyTable`.
    """

    def __init__(self) -> None:
        try:
            runtimes.check_runtime("litert")
            runtime = "litert"
        except ImportError:
            runtime = "keras"
        self.table = LatencyTable(runtime, seconds=_HASTY_SECONDS)

    def __call__(self, node: Any) -> float:
        """Return the latency of a node of Keras's graph, a float in milliseconds."""
        return 0.0 if node.is_input else self.table.measure(operations.operation_of(node))


def _processor() -> str:
    """Return the name of the processor as the system reports it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
