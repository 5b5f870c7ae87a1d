"""Base class of costs: numbers measured on a built model before it is trained."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

if TYPE_CHECKING:
    from autonas.runtimes import ExportedModel


class Cost:
    """A number measured on a built model whose weights are still random.

    A subclass sets `name` and overrides `measure`. Its constructor stores the arguments under their own names.

    ```python
    import autonas

    class Layers(autonas.objectives.Cost):
        name = "layers"
        is_counted = True

        def measure(self, built):
            return {self.name: float(len(built.model.layers))}

    automl = autonas.AutoModel(constraints={Layers(): 50})
    ```

    Attributes:
        name: Column of the leaderboard and key of constraints, such as `"latency_ms"`.
        direction: `"min"` if smaller values are better, `"max"` otherwise. Defaults to `"min"`.
        is_counted: Whether the cost is computed from the model's graph alone, within milliseconds. `False`, the
            default, if the model has to be exported or run.
    """

    name: Any = None
    direction = "min"
    is_counted = False

    def check(self) -> None:
        """Check the arguments.

        Raises:
            ValueError: If an argument is invalid.
            ImportError: If a required package is missing.
        """

    def measure(self, built: BuiltModel) -> dict[str, float]:
        """Measure a model.

        Args:
            built: A `BuiltModel`.

        Returns:
            Dict from name to float. The cost stands under `name`. Further numbers, such as the spread, stand under
            names that begin with `name`.

        Raises:
            ValueError: If the model can't be measured. The message names the layer that is the cause.
        """
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments by name."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.split(".")[0] == "autonas":
            keras.saving.register_keras_serializable(package="autonas")(cls)


class BuiltModel:
    """A built model together with its exports, as a cost measures it.

    ```python
    import autonas
    import keras

    inputs = keras.Input((4,))
    built = autonas.objectives.BuiltModel(keras.Model(inputs, keras.layers.Dense(1)(inputs)))
    autonas.objectives.Params().measure(built)  # {"params": 5.0}
    ```

    Args:
        model: A functional `keras.Model`. All dimensions but the batch's are static. A candidate's inputs and outputs
            are dicts.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self._exported: dict[tuple[str, int], Any] = {}

    def exported(self, runtime: str, batch_size: int = 1) -> ExportedModel:
        """Return the model exported to a run time. Each export is made once.

        Constant weights, such as zero biases, are replaced by random ones during the export. Converters drop zero
        biases, neutral batch normalisation and repeated constants, so the file of an untrained model would otherwise
        be smaller, and perhaps faster, than the file of the same model after training.

        Args:
            runtime: `"litert"`, `"onnx"` or `"keras"`.
            batch_size: Number of rows of a prediction. Defaults to 1.

        Returns:
            An `autonas.runtimes.ExportedModel`.

        Raises:
            ValueError: If the run time lacks an operation of the model.
        """
        from autonas import runtimes

        key = (runtime, batch_size)
        if key not in self._exported:
            with _varied_weights(self.model):
                self._exported[key] = runtimes.get_runtime(runtime).export(self.model, batch_size)
        return self._exported[key]


@contextlib.contextmanager
def _varied_weights(model: keras.Model) -> Iterator[None]:
    """Vary constant weights, such as zero biases and unit variances, within the context."""
    generator, kept = np.random.default_rng(0), []
    for variable in model.weights:
        value = keras.ops.convert_to_numpy(variable)
        if value.size and "float" in variable.dtype and np.ptp(value) == 0:
            kept.append((variable, value))
            variable.assign(value + generator.uniform(0.05, 0.15, value.shape))
    try:
        yield
    finally:
        for variable, value in kept:
            variable.assign(value)
