"""Operations: groups of layer calls that a run time computes together, with a key that describes the computation."""

import hashlib
import inspect
import json
from collections.abc import Sequence
from typing import Any

import keras

from autonas.backends import node_graph

_LINEAR = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Dense,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)
_SUMS = (keras.layers.Add, keras.layers.Multiply, keras.layers.Subtract)
_ACTIVATIONS = (keras.layers.Activation, keras.layers.ELU, keras.layers.LeakyReLU, keras.layers.ReLU)
#: Arguments of layers, and endings of arguments, that don't change the cost of a prediction.
_WITHOUT_EFFECT = {
    "data_format",
    "dtype",
    "epsilon",
    "mean",
    "momentum",
    "name",
    "seed",
    "synchronized",
    "trainable",
    "variance",
}
_ENDINGS = ("_constraint", "_initializer", "_regularizer")
#: Longest value of an argument in a key, in characters. A longer value is replaced by a hash.
_LONGEST = 80


class Operation:
    """Consecutive layer calls that run times compute together.

    Args:
        nodes: List of nodes of Keras's graph. The only input of every node but the first is the output of the
            previous node.
        inputs: List of the symbolic input tensors of the first node.

    Attributes:
        key: Readable description of the computation and its shapes: `"Conv2D(filters=8, kernel_size=[3, 3]) +
            Activation(activation='relu') on float32[28, 28, 1]"`. Operations of the same key have the same latency.
    """

    def __init__(self, nodes: Sequence[Any], inputs: Sequence[keras.KerasTensor]) -> None:
        self.nodes = nodes
        self.inputs = list({id(tensor): tensor for tensor in inputs}.values())
        positions = {id(tensor): position for position, tensor in enumerate(self.inputs)}
        self._input_positions = [positions[id(tensor)] for tensor in inputs]
        shapes = [f"{tensor.dtype}{list(tensor.shape[1:])}" for tensor in self.inputs]
        if len(inputs) > len(self.inputs):
            shapes.append(f"as {self._input_positions}")
        self.key = f"{' + '.join(map(_described, nodes))} on {', '.join(shapes) or 'nothing'}"

    def model(self) -> keras.Model:
        """Return a `keras.Model` of this operation alone, with random weights."""
        tensors = [keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype) for tensor in self.inputs]
        outputs = _call(self.nodes[0], [tensors[position] for position in self._input_positions])
        for node in self.nodes[1:]:
            outputs = _call(node, [outputs])
        return keras.Model(tensors, outputs)


def operations_of(model: keras.Model) -> list[Operation]:
    """Return the operations of a model's prediction, a list of `Operation`.

    A batch normalisation joins the convolution or dense layer before it: an export folds it into the layer's weights.
    An activation joins a convolution, dense layer, batch normalisation, sum or product before it. A layer is joined
    only if no other layer uses the output in between.

    Args:
        model: A functional `keras.Model`.
    """
    run = node_graph.Execution(model)
    uses: dict[int, int] = {}
    for tensor in [tensor for node in run.nodes for tensor in run.inputs_of(node)] + run.outputs:
        uses[id(tensor)] = uses.get(id(tensor), 0) + 1
    groups: list[tuple[list[Any], Sequence[keras.KerasTensor]]] = []
    group_of: dict[int, tuple[list[Any], Sequence[keras.KerasTensor]]] = {}
    for node in run.nodes:
        inputs = run.inputs_of(node)
        group = group_of.get(id(inputs[0])) if len(inputs) == 1 and uses[id(inputs[0])] == 1 else None
        if group is None or not _joins(node.operation, [member.operation for member in group[0]]):
            group = ([], inputs)
            groups.append(group)
        group[0].append(node)
        group_of.update({id(tensor): group for tensor in node.output_tensors})
    return [Operation(*group) for group in groups]


def inference_key(model: keras.Model) -> str:
    """Return a hash of a model's prediction: its operations, their shapes and connections.

    Models that differ only in weights, names, dropout, augmentation or other settings of training have the same key.

    Args:
        model: A functional `keras.Model`.
    """
    run = node_graph.Execution(model)
    positions = {id(tensor): position for position, tensor in enumerate(run.inputs)}
    graph: list[Any] = [f"{tensor.dtype}{list(tensor.shape[1:])}" for tensor in run.inputs]
    for node in run.nodes:
        graph.append([operation_of(node).key, [positions[id(tensor)] for tensor in run.inputs_of(node)]])
        positions |= {id(tensor): len(positions) + position for position, tensor in enumerate(node.output_tensors)}
    return _hash([graph, [positions[id(tensor)] for tensor in run.outputs]])


def operation_of(node: Any) -> Operation:
    """Return the `Operation` of a single node of Keras's graph."""
    return Operation([node], node.input_tensors)


def _joins(layer: keras.Operation, group: Sequence[keras.Operation]) -> bool:
    """Return whether run times compute a layer together with the layers in `group`, which precede it."""
    is_linear = isinstance(group[0], _LINEAR) and group[0].activation is keras.activations.linear
    if isinstance(layer, keras.layers.BatchNormalization):
        return is_linear and len(group) == 1
    if isinstance(layer, _ACTIVATIONS):
        before = group[-1]
        return isinstance(before, (*_SUMS, keras.layers.BatchNormalization)) or (is_linear and before is group[0])
    return False


def _call(node: Any, tensors: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
    """Call a copy of a node's layer on other tensors instead of the node's inputs."""
    layer = type(node.operation).from_config(node.operation.get_config())
    replacements = {id(old): new for old, new in zip(node.input_tensors, tensors, strict=True)}
    arguments, keywords = keras.tree.map_structure(
        lambda value: replacements.get(id(value), value), (node.arguments.args, dict(node.arguments.kwargs))
    )
    keywords.pop("training", None)
    return layer(*arguments, **keywords)


def _described(node: Any) -> str:
    """Return a node's layer as text, with the constructor's arguments that differ from their defaults."""
    inner = node_graph.inner_model(node)
    if inner is not None:
        return f"{type(inner).__name__}({_hash([operation.key for operation in operations_of(inner)])})"
    layer = node.operation
    parameters = inspect.signature(type(layer).__init__).parameters
    defaults = {name: parameter.default for name, parameter in parameters.items()}
    arguments = _cleaned(layer.get_config()).items()
    texts = [f"{name}={_shown(value)}" for name, value in arguments if not _is_default(value, defaults.get(name))]
    texts.extend(_shown_of_call(node))
    return f"{type(layer).__name__}({', '.join(texts)})"


def _shown_of_call(node: Any) -> list[str]:
    """Return the arguments of a layer's call as texts; no text if all arguments are tensors."""
    keywords = {name: value for name, value in node.arguments.kwargs.items() if name != "training"}
    leaves = keras.tree.flatten((node.arguments.args, keywords))
    if all(isinstance(leaf, keras.KerasTensor) or leaf is None for leaf in leaves):
        return []
    return [_shown_leaf(leaf) for leaf in leaves]


def _shown_leaf(leaf: Any) -> str:
    if isinstance(leaf, keras.KerasTensor):
        return "_"
    shape = getattr(leaf, "shape", None)
    return f"array{list(shape)}" if shape is not None else repr(leaf).replace("None", "")


def _is_default(value: Any, default: Any) -> bool:
    """Return whether an argument has its default value, which may be one number for all dimensions."""
    if value == "linear":  # Keras's name for the activation function `None`.
        return default in (None, "linear")
    return value == _cleaned(default) or (isinstance(value, list) and all(item == default for item in value))


def _cleaned(value: Any) -> Any:
    """Return a configuration without the arguments that don't change the cost."""
    if isinstance(value, dict):
        if "class_name" in value and "config" in value:
            return [value["class_name"], _cleaned(value["config"])]
        return {
            name: _cleaned(argument)
            for name, argument in value.items()
            if name not in _WITHOUT_EFFECT and not name.endswith(_ENDINGS)
        }
    return [_cleaned(item) for item in value] if isinstance(value, (list, tuple)) else value


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= _LONGEST else _hash(value)


def _hash(value: Any) -> str:
    return hashlib.sha1(json.dumps(value, default=str).encode()).hexdigest()[:12]
