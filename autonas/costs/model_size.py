"""Model size: megabytes of the file that is deployed."""

from autonas import runtimes
from autonas.costs import base


class ModelSize(base.Cost):
    """`"model_size_mb"`: bytes of the exported file / 10^6, weights as float32.

    Args:
        runtime: What it is exported to: `"litert"`, `"onnx"` or `"keras"` (a `.keras` file without the optimizer).
            Defaults to `"litert"`.
    """

    name = "model_size_mb"

    def __init__(self, runtime="litert"):
        self.runtime = runtime

    def check(self):
        runtimes.check_runtime(self.runtime)

    def measure(self, built):
        return {self.name: len(built.exported(self.runtime).content) / 1e6}
