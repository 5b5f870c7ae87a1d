"""Cost: what a model takes to be deployed, a number measured on it before it is trained."""

import contextlib
import inspect

import keras
import numpy as np


class Cost:
    """A number measured on a built model, whose weights are still random.

    Subclass it: set `name`, and write `measure`. The arguments of the constructor are stored under their own names.

    Attributes:
        name: Column of the leaderboard and key of constraints, such as `"latency_ms"`.
        direction: `"min"` if the smaller is the better, as by default, or `"max"`.
        is_counted: Whether the graph alone tells it, within milliseconds. `False`, the default, if the model is
            exported or run.
    """

    name = None
    direction = "min"
    is_counted = False

    def check(self):
        """Raises a `ValueError` if an argument is wrong, an `ImportError` if a package that it needs is missing."""

    def measure(self, built):
        """Measures a model.

        Args:
            built: A `BuiltModel`.

        Returns:
            Dict from names to floats: the cost under its `name`, and what belongs to it, such as its spread, under
            names that begin so.

        Raises:
            ValueError: If the model can't be measured; the message names the layer that is the cause.
        """
        raise NotImplementedError

    def get_config(self):
        """The constructor's arguments by name."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    @classmethod
    def from_config(cls, config):
        return cls(**config)

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if cls.__module__.split(".")[0] == "autonas":
            keras.saving.register_keras_serializable(package="autonas")(cls)


class BuiltModel:
    """A built model, and what it was exported to.

    Args:
        model: A functional `keras.Model` of static shapes but for the batch's; its inputs and outputs are dicts.
    """

    def __init__(self, model):
        self.model = model
        self._exported = {}

    def exported(self, runtime, batch_size=1):
        """The model as a run time takes it, exported when first asked for.

        It is exported with weights as training leaves them. Converters drop biases of zero, batch normalisation that
        changes nothing and repeated constants, so that the file of a model with initial weights would be smaller, and
        perhaps faster, than that of the same model once it is trained.

        Args:
            runtime: `"litert"`, `"onnx"` or `"keras"`.
            batch_size: Number of rows of a prediction. Defaults to 1.

        Returns:
            An `autonas.runtimes.ExportedModel`.

        Raises:
            ValueError: If the run time lacks an operation of the model's.
        """
        from autonas import runtimes

        key = (runtime, batch_size)
        if key not in self._exported:
            with _varied_weights(self.model):
                self._exported[key] = runtimes.get_runtime(runtime).export(self.model, batch_size)
        return self._exported[key]


@contextlib.contextmanager
def _varied_weights(model):
    """Weights that are all alike, such as biases of zero and variances of one, are varied within."""
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
