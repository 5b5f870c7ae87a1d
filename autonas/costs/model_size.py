"""Model size: megabytes of the file of a network."""

from autonas import runtimes
from autonas.costs import base


class ModelSize(base.Cost):
    """Size of the file of a network with float32 weights in megabytes (10^6 bytes), the cost `"model_size_mb"`.

    `export` writes the network together with the encoding of its inputs, which takes some kilobytes, or more with a
    large vocabulary of texts.

    ```python
    import autonas

    automl = autonas.AutoModel(constraints={autonas.objectives.ModelSize(runtime="keras"): 2.0})
    ```

    Args:
        runtime: Run time that the model is exported to: `"litert"`, `"onnx"` or `"keras"` (a `.keras` file without the
            optimizer). Defaults to `"litert"`.
    """

    name = "model_size_mb"

    def __init__(self, runtime: str = "litert") -> None:
        self.runtime = runtime

    def check(self) -> None:
        runtimes.check_runtime(self.runtime)

    def measure(self, built: base.BuiltModel) -> dict[str, float]:
        return {self.name: len(built.exported(self.runtime).content) / 1e6}
