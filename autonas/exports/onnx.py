"""Export to an ONNX file, verified by ONNX Runtime."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from autonas import runtimes
from autonas.exports import base
from autonas.runtimes import base as runtimes_base


class ONNX(base.Format):
    """The ONNX format. The model takes any number of raw rows, with ids for texts and for columns of many categories.

    Categories are strings. A `LabelEncoder` node looks their codes up, since a file with Keras's own lookup layers
    can't be loaded.
    """

    name = "ONNX Runtime"
    coded = ("text",)

    def output_names(self, model: keras.Model) -> list[str]:
        inputs, outputs = base.input_names(model), base.output_names(model)
        taken = {*inputs, *outputs}
        for position, name in enumerate(outputs):
            if name in inputs:
                while name in taken:
                    name += "_"
                taken.add(name)
                outputs[position] = name
        return outputs

    def packages(self) -> str:
        return runtimes.ONNX.packages()

    def write(
        self, model: keras.Model, path: str, rows: dict[str, np.ndarray], codes: Mapping[str, Any]
    ) -> dict[str, str]:
        import onnx

        specs = runtimes_base.input_specs(model, None)
        proto = onnx.load_from_string(runtimes.ONNX.convert(model, specs))
        categories = {name: book["codes"] for name, book in codes.items() if book["kind"] == "category"}
        shapes = base.shapes(model)
        _name(proto.graph, base.input_names(model), self.output_names(model))
        _name_dimensions(proto.graph)
        _look_up(proto, categories)
        onnx.checker.check_model(proto)
        onnx.save(proto, path)
        return shapes | dict.fromkeys(categories, "(None,) string")

    def run(self, path: str, rows: dict[str, np.ndarray]) -> list[np.ndarray]:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # Errors only.
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return session.run(None, rows)


def _name(graph: Any, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Rename inputs and outputs by means of identity nodes."""
    from onnx import helper

    _rename(graph, {name: f"{name}/inside" for name in (*inputs, *outputs)})
    for position, (value, name) in enumerate(zip(graph.input, inputs, strict=True)):
        graph.node.insert(position, helper.make_node("Identity", [name], [value.name]))
        value.name = name
    for value, name in zip(graph.output, outputs, strict=True):
        graph.node.append(helper.make_node("Identity", [value.name], [name]))
        value.name = name


def _rename(graph: Any, names: Mapping[str, str]) -> None:
    """Rename values of a graph and of the graphs inside it, so that no value has the name of an input or output."""
    for node in graph.node:
        for values in (node.input, node.output):
            values[:] = [names.get(value, value) for value in values]
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                _rename(inner, names)
    for value in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
        value.name = names.get(value.name, value.name)


def _name_dimensions(graph: Any) -> None:
    """Name the dimensions of unknown size: `batch` for the first dimension, `<tensor>_<axis>` for others.

    The converter gives every unknown dimension a new name, such as `unk__221`. The shapes of intermediate tensors have
    such names too and are removed, since run times infer them.
    """
    del graph.value_info[:]
    for value in (*graph.input, *graph.output):
        for axis, dimension in enumerate(value.type.tensor_type.shape.dim):
            if not dimension.HasField("dim_value"):
                dimension.dim_param = "batch" if axis == 0 else f"{value.name}_{axis}"


def _look_up(proto: Any, categories: Any) -> Any:
    """Turn inputs of category codes into inputs of strings with a lookup."""
    from onnx import TensorProto, helper

    for value in proto.graph.input:
        if value.name not in categories:
            continue
        codes = categories[value.name]
        first = next(node for node in proto.graph.node if value.name in node.input)
        coded, cast = f"{value.name}/coded", f"{value.name}/codes"
        proto.graph.node.insert(0, helper.make_node("Cast", [coded], [cast], to=TensorProto.INT32))
        lookup = helper.make_node(
            "LabelEncoder", [value.name], [coded], domain="ai.onnx.ml",
            keys_strings=list(codes), values_int64s=list(codes.values()), default_int64=0,
        )  # fmt: skip
        proto.graph.node.insert(0, lookup)
        first.input[0] = cast
        value.type.tensor_type.elem_type = TensorProto.STRING
    if categories and not any(opset.domain == "ai.onnx.ml" for opset in proto.opset_import):
        proto.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
