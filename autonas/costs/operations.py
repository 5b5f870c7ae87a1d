"""Operations: the parts of a prediction that a run time computes as one, each with a name for what it computes."""

import hashlib
import inspect
import json

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
#: Arguments of layers, and endings of them, that don't change what a prediction costs.
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
#: Characters of an argument's value beyond which it is replaced by a hash.
_LONGEST = 80


class Operation:
    """Calls of layers that follow each other, which run times compute as one.

    Args:
        nodes: List of nodes of Keras's graph; all but the first take nothing but the output of the one before.
        inputs: List of the symbolic tensors that the first is given.

    Attributes:
        key: What is computed on what shapes, for a person to read: `"Conv2D(filters=8, kernel_size=[3, 3]) +
            Activation(activation='relu') on float32[28, 28, 1]"`. Operations of the same key take as long.
    """

    def __init__(self, nodes, inputs):
        self.nodes = nodes
        self.inputs = list({id(tensor): tensor for tensor in inputs}.values())
        places = {id(tensor): place for place, tensor in enumerate(self.inputs)}
        self._places = [places[id(tensor)] for tensor in inputs]
        shown = [f"{tensor.dtype}{list(tensor.shape[1:])}" for tensor in self.inputs]
        if len(inputs) > len(self.inputs):
            shown.append(f"as {self._places}")
        self.key = f"{' + '.join(map(_described, nodes))} on {', '.join(shown) or 'nothing'}"

    def model(self):
        """A `keras.Model` of nothing else, its weights random."""
        tensors = [keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype) for tensor in self.inputs]
        outputs = _call(self.nodes[0], [tensors[place] for place in self._places])
        for node in self.nodes[1:]:
            outputs = _call(node, [outputs])
        return keras.Model(tensors, outputs)


def operations_of(model):
    """The operations that a model's prediction consists of, a list of `Operation`.

    A batch normalisation that alone follows a convolution or a dense layer goes with it, whose weights take it up when
    a model is exported; so does an activation that alone follows one of these, a sum or a product.

    Args:
        model: A functional `keras.Model`.
    """
    run = node_graph.Execution(model)
    uses = {}
    for tensor in [tensor for node in run.nodes for tensor in run.inputs_of(node)] + run.outputs:
        uses[id(tensor)] = uses.get(id(tensor), 0) + 1
    groups, group_of = [], {}
    for node in run.nodes:
        inputs = run.inputs_of(node)
        group = group_of.get(id(inputs[0])) if len(inputs) == 1 and uses[id(inputs[0])] == 1 else None
        if group is None or not _joins(node.operation, [each.operation for each in group[0]]):
            group = ([], inputs)
            groups.append(group)
        group[0].append(node)
        group_of.update({id(tensor): group for tensor in node.output_tensors})
    return [Operation(*group) for group in groups]


def inference_key(model):
    """Return a hash of what a model computes when it predicts: its operations, their shapes and how they are connected.

    Models have the same key if they differ in weights, names, dropout, augmentation or anything else that only
    training needs.

    Args:
        model: A functional `keras.Model`.
    """
    run = node_graph.Execution(model)
    places = {id(tensor): place for place, tensor in enumerate(run.inputs)}
    graph = [f"{tensor.dtype}{list(tensor.shape[1:])}" for tensor in run.inputs]
    for node in run.nodes:
        graph.append([operation_of(node).key, [places[id(tensor)] for tensor in run.inputs_of(node)]])
        places |= {id(tensor): len(places) + place for place, tensor in enumerate(node.output_tensors)}
    return _hash([graph, [places[id(tensor)] for tensor in run.outputs]])


def operation_of(node):
    """The `Operation` that a single node of Keras's graph is."""
    return Operation([node], node.input_tensors)


def _joins(layer, group):
    """Whether a layer is computed together with those before it."""
    is_linear = isinstance(group[0], _LINEAR) and group[0].activation is keras.activations.linear
    if isinstance(layer, keras.layers.BatchNormalization):
        return is_linear and len(group) == 1
    if isinstance(layer, _ACTIVATIONS):
        before = group[-1]
        return isinstance(before, (*_SUMS, keras.layers.BatchNormalization)) or (is_linear and before is group[0])
    return False


def _call(node, tensors):
    """What a copy of a node's layer makes of other tensors in the place of the node's."""
    layer = type(node.operation).from_config(node.operation.get_config())
    given = {id(old): new for old, new in zip(node.input_tensors, tensors, strict=True)}
    arguments, keywords = keras.tree.map_structure(
        lambda value: given.get(id(value), value), (node.arguments.args, dict(node.arguments.kwargs))
    )
    keywords.pop("training", None)
    return layer(*arguments, **keywords)


def _described(node):
    """A node's layer and its arguments, of the constructor's only those that aren't the default."""
    inner = node_graph.inner_model(node)
    if inner is not None:
        return f"{type(inner).__name__}({_hash([each.key for each in operations_of(inner)])})"
    layer = node.operation
    defaults = {name: each.default for name, each in inspect.signature(type(layer).__init__).parameters.items()}
    arguments = _cleaned(layer.get_config()).items()
    shown = [f"{name}={_shown(value)}" for name, value in arguments if not _is_default(value, defaults.get(name))]
    shown.extend(_shown_of_call(node))
    return f"{type(layer).__name__}({', '.join(shown)})"


def _shown_of_call(node):
    """What a layer is called with besides tensors."""
    keywords = {name: value for name, value in node.arguments.kwargs.items() if name != "training"}
    leaves = keras.tree.flatten((node.arguments.args, keywords))
    if all(isinstance(leaf, keras.KerasTensor) or leaf is None for leaf in leaves):
        return []
    return [_shown_leaf(leaf) for leaf in leaves]


def _shown_leaf(leaf):
    if isinstance(leaf, keras.KerasTensor):
        return "_"
    shape = getattr(leaf, "shape", None)
    return f"array{list(shape)}" if shape is not None else repr(leaf).replace("None", "")


def _is_default(value, default):
    """Whether an argument is as by default, which may be one number for all dimensions."""
    if value == "linear":  # The activation function that `None` is.
        return default in (None, "linear")
    return value == _cleaned(default) or (isinstance(value, list) and all(each == default for each in value))


def _cleaned(value):
    """A configuration without what makes no difference to the cost."""
    if isinstance(value, dict):
        if "class_name" in value and "config" in value:
            return [value["class_name"], _cleaned(value["config"])]
        return {
            name: _cleaned(each)
            for name, each in value.items()
            if name not in _WITHOUT_EFFECT and not name.endswith(_ENDINGS)
        }
    return [_cleaned(each) for each in value] if isinstance(value, (list, tuple)) else value


def _shown(value):
    text = json.dumps(value, default=str)
    return text if len(text) <= _LONGEST else _hash(value)


def _hash(value):
    return hashlib.sha1(json.dumps(value, default=str).encode()).hexdigest()[:12]
