"""Run times that a model is exported to and run in: LiteRT, ONNX Runtime and the compiled Keras function."""

import functools

import keras

from autonas.runtimes.base import ExportedModel, Session
from autonas.runtimes.keras_function import KerasFunction
from autonas.runtimes.litert import LiteRT
from autonas.runtimes.onnx import ONNX

__all__ = ["RUNTIMES", "ExportedModel", "Session", "check_runtime", "get_runtime"]

#: Class of exported models by the name of the run time.
RUNTIMES = {"litert": LiteRT, "onnx": ONNX, "keras": KerasFunction}


def get_runtime(name: str) -> type[ExportedModel]:
    """Return the class of exported models of the run time `name`; raise a `ValueError` if the name is unknown."""
    if name not in RUNTIMES:
        raise ValueError(f"`runtime` must be one of {', '.join(map(repr, RUNTIMES))}. Received: runtime={name!r}")
    return RUNTIMES[name]


@functools.cache
def check_runtime(name: str) -> None:
    """Check that a run time works on this machine: export a model of one layer to the run time and run the export.

    Raises:
        ValueError: If the run time is unknown.
        ImportError: If a package of the run time isn't installed. The message names the packages to install.
    """
    runtime = get_runtime(name)
    inputs = keras.Input((2,))
    try:
        runtime.export(keras.Model(inputs, keras.layers.Dense(1)(inputs)), 1).session().run()
    except ImportError as error:
        raise ImportError(
            f"`runtime={name!r}` needs packages that aren't installed: `pip install {runtime.packages()}`. ({error})"
        ) from error
