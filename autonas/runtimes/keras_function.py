"""The compiled Keras function: a model run by the backend that trained it, on a GPU too."""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Sequence

import keras
import numpy as np

from autonas.backends import gradients
from autonas.runtimes import base
from autonas.runtimes.base import InputSpec


class KerasFunction(base.ExportedModel):
    """A model compiled by Keras's backend. Its file is a `.keras` file without the optimizer."""

    def __init__(self, inputs: Sequence[InputSpec], model: keras.Model) -> None:
        super().__init__(inputs)
        self._model = model

    @classmethod
    def packages(cls) -> str:
        return "keras"

    @classmethod
    def version(cls) -> str:
        return f"{keras.__version__} ({keras.backend.backend()})"

    @classmethod
    def export(cls, model: keras.Model, batch_size: int) -> KerasFunction:
        return cls(base.input_specs(model, batch_size), model)

    @functools.cached_property
    def content(self) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.keras")
            keras.Model(self._model.input, self._model.output).save(path)
            with open(path, "rb") as file:
                return file.read()

    def session(self, n_threads: int | None = None) -> KerasSession:
        session = KerasSession(self._model)
        session.feed(base.example_inputs(self.inputs))
        return session


class KerasSession(base.Session):
    """Session of the compiled function, with inputs on the device and outputs on the host."""

    def __init__(self, model: keras.Model) -> None:
        self._function = gradients.compiled(lambda *tensors: base.predict(model, tensors), model.variables)

    def feed(self, arrays: Sequence[np.ndarray]) -> None:
        self._tensors = [keras.ops.convert_to_tensor(array) for array in arrays]

    def run(self) -> None:
        self._outputs = [keras.ops.convert_to_numpy(output) for output in self._function(*self._tensors)]

    def outputs(self) -> list[np.ndarray]:
        return self._outputs
