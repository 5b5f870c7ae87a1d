"""Latency: milliseconds of a prediction, measured in the run time that serves the model."""

from autonas.objectives import cost, runtimes, timing


class Latency(cost.Cost):
    """`"latency_ms"`: milliseconds in which a run time predicts a batch, the median of repeated calls.

    Measured after a warm-up; how, and why others that use the machine hardly disturb it, is said in
    `autonas.objectives.timing.time_calls`. Beside it stands `"latency_ms_spread"`, the interquartile range of the
    calls.

    Args:
        batch_size: Number of rows of a prediction. Defaults to 1.
        runtime: `"litert"`, `"onnx"` (ONNX Runtime) or `"keras"`: the function compiled by Keras's backend, inputs on
            the device and outputs on the host, which is the one for a GPU. Defaults to `"litert"`.
        n_threads: Number of threads of the run time. The Keras function takes those of its backend, and only 1 may be
            given for it. Defaults to 1.
        name: Name of the cost, if there are several. Defaults to `"latency_ms"`.
    """

    def __init__(self, batch_size=1, runtime="litert", n_threads=1, name="latency_ms"):
        self.batch_size = batch_size
        self.runtime = runtime
        self.n_threads = n_threads
        self.name = name

    def check(self):
        cost.check_positive_integer("batch_size", self.batch_size)
        cost.check_positive_integer("n_threads", self.n_threads)
        if self.runtime == "keras" and self.n_threads != 1:
            raise ValueError(
                "`n_threads` can't be set for runtime='keras', whose backend has threads of its own. "
                f"Received: n_threads={self.n_threads}"
            )
        runtimes.check_runtime(self.runtime)

    def measure(self, built):
        session = built.exported(self.runtime, self.batch_size).session(self.n_threads)
        milliseconds, spread = timing.time_calls(session.run, session.runs_in_caller)
        return {self.name: milliseconds, f"{self.name}_spread": spread}
