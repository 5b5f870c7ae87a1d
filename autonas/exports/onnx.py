"""The ONNX file, run by ONNX Runtime."""

from autonas import runtimes
from autonas.exports import base
from autonas.runtimes import base as runtimes_base


class ONNX(base.Format):
    """ONNX: it takes raw rows of any number; categories are strings, which a node of the file looks up, and texts are
    ids. Keras's own lookup layers would give a file that can't be loaded."""

    name = "ONNX Runtime"
    coded = ("text",)

    def packages(self):
        return runtimes.ONNX.packages()

    def write(self, model, path, rows, codes):
        import onnx

        specs = runtimes_base.input_specs(model, None)
        proto = onnx.load_from_string(runtimes.ONNX.convert(model, specs))
        categories = {name: each["codes"] for name, each in codes.items() if each["kind"] == "category"}
        shapes = base.shapes(model)
        _name(proto.graph, base.input_names(model), base.output_names(model))
        _name_dimensions(proto.graph)
        _look_up(proto, categories)
        onnx.checker.check_model(proto)
        onnx.save(proto, path)
        return shapes | dict.fromkeys(categories, "(None,) string")

    def run(self, path, rows):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # Errors only.
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return session.run(None, rows)


def _name(graph, inputs, outputs):
    """Gives inputs and outputs their names, through nodes that do nothing."""
    from onnx import helper

    for place, (value, name) in enumerate(zip(graph.input, inputs, strict=True)):
        graph.node.insert(place, helper.make_node("Identity", [name], [value.name]))
        value.name = name
    for value, name in zip(graph.output, outputs, strict=True):
        graph.node.append(helper.make_node("Identity", [value.name], [name]))
        value.name = name


def _name_dimensions(graph):
    """Gives dimensions of any size names that say what they are: `batch`, and of other dimensions the tensor's name.

    The converter names each of them anew, such as `unk__221`, and in the shapes between inputs and outputs, too. These
    shapes are left out: a run time derives them.
    """
    del graph.value_info[:]
    for value in (*graph.input, *graph.output):
        for place, dimension in enumerate(value.type.tensor_type.shape.dim):
            if not dimension.HasField("dim_value"):
                dimension.dim_param = "batch" if place == 0 else f"{value.name}_{place}"


def _look_up(proto, categories):
    """Makes inputs of codes inputs of strings."""
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
    if categories and not any(each.domain == "ai.onnx.ml" for each in proto.opset_import):
        proto.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
