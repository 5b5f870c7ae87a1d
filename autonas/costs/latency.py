"""Latency: milliseconds of a prediction, measured in the run time that serves the model, or looked up in a table."""

import functools

from autonas import runtimes
from autonas.arguments import checks
from autonas.costs import base, latency_table, timing


class Latency(base.Cost):
    """`"latency_ms"`: milliseconds in which a run time predicts a batch, the median of repeated calls.

    Measured after a warm-up; how, and why others that use the machine hardly disturb it, is said in
    `autonas.costs.timing.time_calls`. Beside it stands `"latency_ms_spread"`, the interquartile range of the
    calls. With a `table` it is the sum of the latencies of the model's operations on the device of the table instead,
    see `autonas.costs.latency_table.LatencyTable`; nothing is exported or run.

    Args:
        batch_size: Number of rows of a prediction. Defaults to 1.
        runtime: `"litert"`, `"onnx"` (ONNX Runtime) or `"keras"`: the function compiled by Keras's backend, inputs on
            the device and outputs on the host, which is the one for a GPU. Defaults to `"litert"`.
        n_threads: Number of threads of the run time. The Keras function takes those of its backend, and only 1 may be
            given for it. Defaults to 1.
        table: What `autonas profile --device-out table.json` writes, a path or a dict. Batch size, run time and threads
            are then those of the table; give none or the same. Defaults to `None`.
        name: Name of the cost, if there are several. Defaults to `"latency_ms"`.
    """

    def __init__(self, batch_size=1, runtime="litert", n_threads=1, table=None, name="latency_ms"):
        self.batch_size = batch_size
        self.runtime = runtime
        self.n_threads = n_threads
        self.table = table
        self.name = name

    @property
    def is_counted(self):
        return self.table is not None

    def check(self):
        checks.check_integer("batch_size", self.batch_size, 1)
        checks.check_integer("n_threads", self.n_threads, 1)
        if self.table is not None:
            self._check_against_table()
            return
        if self.runtime == "keras" and self.n_threads != 1:
            raise ValueError(
                "`n_threads` can't be set for runtime='keras', whose backend has threads of its own. "
                f"Received: n_threads={self.n_threads}"
            )
        runtimes.check_runtime(self.runtime)

    def measure(self, built):
        if self.table is not None:
            return {self.name: self._loaded.predict(built.model)}
        session = built.exported(self.runtime, self.batch_size).session(self.n_threads)
        milliseconds, spread = timing.time_calls(session.run, session.runs_in_caller)
        return {self.name: milliseconds, f"{self.name}_spread": spread}

    @functools.cached_property
    def _loaded(self):
        return latency_table.LatencyTable.load(self.table)

    def _check_against_table(self):
        defaults = {"batch_size": 1, "runtime": "litert", "n_threads": 1}
        for name, default in defaults.items():
            given, measured = getattr(self, name), getattr(self._loaded, name)
            if given not in (default, measured):
                raise ValueError(
                    f"`{name}` must be that of the table, {measured!r}, or not be given. Received: {name}={given!r}"
                )
