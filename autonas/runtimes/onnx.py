"""ONNX Runtime: the run time of servers and desktops."""

from __future__ import annotations

import importlib.metadata
import os
import tempfile
import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from autonas.runtimes import base, tensorflow_function
from autonas.runtimes.base import InputSpec


class ONNX(base.ExportedFile):
    """A model in the ONNX format, with float32 weights.

    The model is converted by tf2onnx under TensorFlow, and by Keras's own export under JAX and PyTorch.
    """

    @classmethod
    def packages(cls) -> str:
        converter = {"tensorflow": "tf2onnx", "jax": "jax2onnx", "torch": "onnxscript"}
        return f"onnxruntime onnx {converter[keras.backend.backend()]}"

    @classmethod
    def version(cls) -> str:
        return importlib.metadata.version("onnxruntime")

    @staticmethod
    def convert(model: keras.Model, inputs: Sequence[InputSpec]) -> bytes:
        return (_from_tensorflow if keras.backend.backend() == "tensorflow" else _from_keras)(model, inputs)

    def open(self, n_threads: int) -> ONNXSession:
        return ONNXSession(self.content, n_threads)


class ONNXSession(base.Session):
    """Session of ONNX Runtime on the CPU."""

    def __init__(self, content: bytes, n_threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = n_threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # Errors only.
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self.runs_in_caller = n_threads == 1
        self._names = [node.name for node in self._session.get_inputs()]

    def feed(self, arrays: Sequence[np.ndarray]) -> None:
        self._arrays = dict(zip(self._names, arrays, strict=True))

    def run(self) -> None:
        self._outputs = self._session.run(None, self._arrays)

    def outputs(self) -> list[np.ndarray]:
        return self._outputs


def _from_tensorflow(model: keras.Model, inputs: Sequence[InputSpec]) -> bytes:
    import tf2onnx
    from onnx import numpy_helper

    function, specs = tensorflow_function.constant_function(model, inputs)
    captured = {inner.name: outer for outer, inner in function.get_concrete_function().graph.captures}
    proto, _ = tf2onnx.convert.from_function(
        function, input_signature=specs, custom_op_handlers={"SelectV2": (_choose, []), "Erfc": (_complement, [])}
    )
    # tf2onnx lists constants of layers, such as the mean of a Normalization, as inputs.
    used = {name for node in proto.graph.node for name in node.input}
    for constant in [graph_input for graph_input in proto.graph.input if graph_input.name in captured]:
        proto.graph.input.remove(constant)
        if constant.name in used:
            proto.graph.initializer.append(numpy_helper.from_array(captured[constant.name].numpy(), constant.name))
    return proto.SerializeToString()


def _choose(context: Any, node: Any, name: str, arguments: Any) -> None:
    """Convert SelectV2 to Where.

    tf2onnx's own handler multiplies the two choices by 0 and 1, so a NaN in the choice that isn't taken would remain.
    """
    node.type = "Where"


def _complement(context: Any, node: Any, name: str, arguments: Any) -> None:
    """Convert Erfc, a part of the activation GELU that ONNX lacks, to 1 - Erf."""
    node.type = "Erf"
    one = context.make_const(f"{name}/one", np.ones((), "float32"))
    context.insert_new_node_on_output("Sub", node.output[0], inputs=[one.output[0], node.output[0]])


def _from_keras(model: keras.Model, inputs: Sequence[InputSpec]) -> bytes:
    specs = [
        keras.InputSpec(shape=spec.shape, dtype=spec.dtype, name=f"input_{position}")
        for position, spec in enumerate(inputs)
    ]
    signature = [keras.tree.pack_sequence_as(model.input, specs)]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "In the future `np.object`", FutureWarning)
        path = os.path.join(folder, "model.onnx")
        model.export(path, format="onnx", input_signature=signature, verbose=False)
        with open(path, "rb") as file:
            return file.read()
