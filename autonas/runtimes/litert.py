"""LiteRT, formerly TensorFlow Lite: the run time of phones and small devices."""

from __future__ import annotations

import importlib.metadata
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from autonas.backends import silence
from autonas.runtimes import base, tensorflow_function
from autonas.runtimes.base import InputSpec


class LiteRT(base.ExportedFile):
    """A model in LiteRT's format, with float32 weights."""

    @classmethod
    def packages(cls) -> str:
        converters = {"jax": " tensorflow", "torch": " litert-torch"}
        return "ai-edge-litert" + converters.get(keras.backend.backend(), "")

    @classmethod
    def version(cls) -> str:
        return importlib.metadata.version("ai-edge-litert")

    @staticmethod
    def convert(model: keras.Model, inputs: Sequence[InputSpec]) -> bytes:
        return (_from_torch if keras.backend.backend() == "torch" else _from_tensorflow)(model, inputs)

    def open(self, n_threads: int) -> LiteRTSession:
        return LiteRTSession(self.content, n_threads)


class LiteRTSession(base.Session):
    """Session of LiteRT's interpreter, with the default XNNPACK kernels."""

    def __init__(self, content: bytes, n_threads: int) -> None:
        from ai_edge_litert.interpreter import Interpreter

        with silence.silent_stderr():  # The interpreter logs its use of XNNPACK.
            self._interpreter = Interpreter(model_content=content, num_threads=n_threads)
            self._interpreter.allocate_tensors()
        self.runs_in_caller = n_threads == 1
        # The names in the signature end in the positions of the model's inputs and outputs.
        runner = self._interpreter.get_signature_runner()
        self._inputs = [detail["index"] for _, detail in _by_position(runner.get_input_details())]
        self._outputs = [detail["index"] for _, detail in _by_position(runner.get_output_details())]

    def feed(self, arrays: Sequence[np.ndarray]) -> None:
        for index, array in zip(self._inputs, arrays, strict=True):
            self._interpreter.set_tensor(index, array)

    def run(self) -> None:
        self._interpreter.invoke()

    def outputs(self) -> list[np.ndarray]:
        return [self._interpreter.get_tensor(index) for index in self._outputs]


def _by_position(details: Mapping[str, dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    return sorted(details.items(), key=lambda item: int(re.findall(r"\d+$", item[0])[0]))


def _from_tensorflow(model: keras.Model, inputs: Sequence[InputSpec]) -> bytes:
    """Convert a model of Keras's TensorFlow or JAX backend."""
    try:
        return converted(tensorflow_function.constant_function(model, inputs)[0].get_concrete_function())
    except ValueError:
        if keras.backend.backend() == "jax" or inputs[0].shape[0] != 1:
            raise
        # Keras turns an addition of a single row into an addition of a bias, which LiteRT supports for floats only.
        # Tracing for any batch size prevents this. It isn't the first attempt, since the loops of recurrent layers need
        # a known batch size.
        function = tensorflow_function.constant_function(model, inputs, traced_for_any_batch=True)[0]
        return converted(function.get_concrete_function())


def converted(function: Any) -> bytes:
    """Convert a concrete function of TensorFlow to the bytes of a LiteRT file.

    Raises:
        ValueError: If LiteRT lacks an operation of the function. The message names the missing operations.
    """
    import tensorflow as tf

    try:
        return tf.lite.TFLiteConverter.from_concrete_functions([function], tf.Module()).convert()
    except Exception as error:
        missing = re.findall(r"(?:TF Select|Custom) ops: (.*)", str(error))
        if not missing:
            raise
        raise ValueError(f"LiteRT lacks operations of this model: {', '.join(missing)}.") from error


def _from_torch(model: keras.Model, inputs: Sequence[InputSpec]) -> bytes:
    specs = [keras.InputSpec(shape=spec.shape, dtype=spec.dtype) for spec in inputs]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.tflite")
        signature = [keras.tree.pack_sequence_as(model.input, specs)]
        model.export(path, format="litert", input_signature=signature, verbose=False)
        with open(path, "rb") as file:
            return file.read()
