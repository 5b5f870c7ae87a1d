"""Latency: milliseconds of a prediction, measured in the run time that serves the model or estimated from a table."""

import functools
import os
from typing import Any

from autonas import runtimes
from autonas.arguments import checks
from autonas.costs import base, latency_table, timing


class Latency(base.Cost):
    """Milliseconds in which a run time predicts a batch, the cost `"latency_ms"`.

    The latency is the median of repeated calls after a warm-up. `autonas.costs.timing.time_calls` describes the
    measurement and its robustness to other load on the machine. The interquartile range of the calls is recorded as
    `"latency_ms_spread"`.

    With a `table`, the latency is estimated as the sum of the latencies of the model's operations on the device of the
    table, see `autonas.costs.latency_table.LatencyTable`. The model is then neither exported nor run.

    ```python
    import autonas

    latency = autonas.objectives.Latency(batch_size=8, runtime="keras")
    automl = autonas.AutoModel(objective=["val_accuracy", latency], constraints={"latency_ms": 5})
    ```

    Args:
        batch_size: Number of rows of a prediction. Defaults to 1.
        runtime: `"litert"`, `"onnx"` (ONNX Runtime) or `"keras"`, the function compiled by Keras's backend with inputs
            on the device and outputs on the host. Use `"keras"` to measure on a GPU. Defaults to `"litert"`.
        n_threads: Number of threads of the run time. Must be 1 for `"keras"`, whose backend sets its own number of
            threads. Defaults to 1.
        table: Latency table written by `autonas profile --device-out table.json`, a path or a dict. The table
            determines `batch_size`, `runtime` and `n_threads`: leave these out or pass the same values. Defaults to
            `None`.
        name: Name of the cost, to tell several latencies apart. Defaults to `"latency_ms"`.
    """

    def __init__(
        self,
        batch_size: int = 1,
        runtime: str = "litert",
        n_threads: int = 1,
        table: str | os.PathLike[str] | dict[str, Any] | None = None,
        name: str = "latency_ms",
    ) -> None:
        self.batch_size = batch_size
        self.runtime = runtime
        self.n_threads = n_threads
        self.table = table
        self.name = name

    @property
    def is_counted(self) -> bool:  # type: ignore[override]
        return self.table is not None

    def check(self) -> None:
        checks.check_integer("batch_size", self.batch_size, 1)
        checks.check_integer("n_threads", self.n_threads, 1)
        if self._loaded is not None:
            self._check_against_table(self._loaded)
            return
        if self.runtime == "keras" and self.n_threads != 1:
            raise ValueError(
                "`n_threads` can't be set for runtime='keras', whose backend has threads of its own. "
                f"Received: n_threads={self.n_threads}"
            )
        runtimes.check_runtime(self.runtime)

    def measure(self, built: base.BuiltModel) -> dict[str, float]:
        if self._loaded is not None:
            return {self.name: self._loaded.predict(built.model)}
        session = built.exported(self.runtime, self.batch_size).session(self.n_threads)
        milliseconds, spread = timing.time_calls(session.run, session.runs_in_caller)
        return {self.name: milliseconds, f"{self.name}_spread": spread}

    @functools.cached_property
    def _loaded(self) -> latency_table.LatencyTable | None:
        return None if self.table is None else latency_table.LatencyTable.load(self.table)

    def _check_against_table(self, table: latency_table.LatencyTable) -> None:
        defaults = {"batch_size": 1, "runtime": "litert", "n_threads": 1}
        for name, default in defaults.items():
            value, measured = getattr(self, name), getattr(table, name)
            if value not in (default, measured):
                raise ValueError(
                    f"`{name}` must equal the table's, {measured!r}, or be left out. Received: {name}={value!r}"
                )
