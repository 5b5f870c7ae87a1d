"""The compiled Keras function: a model run by the backend that trained it, on a GPU too."""

import functools
import os
import tempfile

import keras

from autonas.backends import gradients
from autonas.runtimes import base


class KerasFunction(base.ExportedModel):
    """A model compiled by Keras's backend. Its file is a `.keras` file without the optimizer."""

    def __init__(self, inputs, model):
        super().__init__(inputs)
        self._model = model

    @classmethod
    def packages(cls):
        return "keras"

    @classmethod
    def version(cls):
        return f"{keras.__version__} ({keras.backend.backend()})"

    @classmethod
    def export(cls, model, batch_size):
        return cls(base.input_specs(model, batch_size), model)

    @functools.cached_property
    def content(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.keras")
            keras.Model(self._model.input, self._model.output).save(path)
            with open(path, "rb") as file:
                return file.read()

    def session(self, n_threads=None):
        session = KerasSession(self._model)
        session.feed(base.example_inputs(self.inputs))
        return session


class KerasSession(base.Session):
    """Session of the compiled function, with inputs on the device and outputs on the host."""

    def __init__(self, model):
        self._function = gradients.compiled(lambda *tensors: base.predict(model, tensors), model.variables)

    def feed(self, arrays):
        self._tensors = [keras.ops.convert_to_tensor(array) for array in arrays]

    def run(self):
        self._outputs = [keras.ops.convert_to_numpy(output) for output in self._function(*self._tensors)]

    def outputs(self):
        return self._outputs
