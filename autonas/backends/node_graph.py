"""Node graph of a Keras model. No other module reads this private part of Keras."""

import collections
import itertools
import math
import re

import keras
import numpy as np

#: Largest number of values of a tensor while many rows are predicted, 64 MB in float32. Calls with fewer rows take more
#: time for each row, and calls with more rows more memory.
_MOST_VALUES = 2**24
#: Number of values of a tensor that stays in the caches of a processor, 8 MB in float32.
CACHED_VALUES = 2**21

#: Layers of random augmentation, which return their input outside of training. `RandomCrop` changes the size always.
AUGMENTATION = (
    keras.layers.AugMix,
    keras.layers.CutMix,
    keras.layers.MixUp,
    keras.layers.RandAugment,
    keras.layers.RandomBrightness,
    keras.layers.RandomColorDegeneration,
    keras.layers.RandomColorJitter,
    keras.layers.RandomContrast,
    keras.layers.RandomElasticTransform,
    keras.layers.RandomErasing,
    keras.layers.RandomFlip,
    keras.layers.RandomGaussianBlur,
    keras.layers.RandomGrayscale,
    keras.layers.RandomHue,
    keras.layers.RandomInvert,
    keras.layers.RandomPerspective,
    keras.layers.RandomPosterization,
    keras.layers.RandomRotation,
    keras.layers.RandomSaturation,
    keras.layers.RandomSharpness,
    keras.layers.RandomShear,
    keras.layers.RandomTranslation,
    keras.layers.RandomZoom,
)
#: Layers that return their input outside of training.
TRAINING_ONLY = (
    *AUGMENTATION,
    keras.layers.ActivityRegularization,
    keras.layers.AlphaDropout,
    keras.layers.Dropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.Identity,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
)


def levels(model):
    """Return the nodes of a functional or sequential model, a list of levels from the inputs to the outputs.

    A node is one call of a layer or of an operation of `keras.ops`. The nodes of a level don't depend on each other.
    """
    nodes_by_depth = _functional(model)._nodes_by_depth
    return [nodes_by_depth[depth] for depth in sorted(nodes_by_depth, reverse=True)]


def _functional(model):
    """Return the functional model that a `keras.Sequential` consists of after its first call; other models as such."""
    return getattr(model, "_functional", None) or model


def producer(tensor):
    """Return the node that a symbolic tensor is an output of, and the index of the tensor among the outputs."""
    operation, node_index, tensor_index = tensor._keras_history
    return operation._inbound_nodes[node_index], tensor_index


def arguments(node, numbers):
    """Return the arguments and keyword arguments of a call, in which a pair stands for each symbolic tensor.

    Args:
        node: A node.
        numbers: Dict from the `id` of a symbolic tensor to its number, the second item of the pair.
    """

    def name(value):
        return ("tensor", numbers[id(value)]) if keras.backend.is_keras_tensor(value) else value

    return node.arguments.convert(name)


def inputs_of(model, inputs):
    """Return the values of the inputs of a functional model, a dict from the `id` of a symbolic tensor to a tensor.

    Args:
        model: A functional model.
        inputs: Its inputs, a tensor or nested dicts and lists of tensors.
    """
    return dict(zip(map(id, model.inputs), model._standardize_inputs(inputs), strict=True))


def compute(nodes, values, training=False):
    """Compute the outputs of nodes.

    Args:
        nodes: List of nodes in topological order.
        values: Dict from the `id` of a symbolic tensor to its value, to which the values of the outputs are added.
        training: Whether the nodes are computed in training. Defaults to `False`.
    """
    for node in nodes:
        arguments, keywords = node.arguments.fill_in(values)
        if "training" in getattr(node.operation, "_call_context_args", {}):
            keywords["training"] = training
        outputs = keras.tree.flatten(node.operation(*arguments, **keywords))
        values.update(zip(map(id, node.output_tensors), outputs, strict=True))


def attribute(tensor, name):
    """Return an attribute of the layer that a symbolic tensor is an output of; `None` without tensor or attribute."""
    if not keras.backend.is_keras_tensor(tensor):
        return None
    node, _ = producer(tensor)
    return getattr(node.operation, name, None)


def last_call(layer):
    """Return the node of the latest call of a layer on symbolic tensors."""
    return layer._inbound_nodes[-1]


def name_operations(outputs):
    """Name layers and operations by the parts of a graph that they belong to, such as `"dense_block_1_dropout_2"`.

    The only operation of a part has the name of the part. Names that Keras didn't make stay.

    Args:
        outputs: Dict from the name of a part to its output, a symbolic tensor. A part ends where earlier parts begin.
    """
    visited, named, counts = set(), set(), collections.Counter()
    for part, output in outputs.items():
        nodes, operations = [producer(output)[0]], []
        while nodes:
            node = nodes.pop()
            if node.is_input or id(node) in visited:
                continue
            visited.add(id(node))
            nodes += [producer(tensor)[0] for tensor in node.input_tensors]
            if id(node.operation) not in named:
                named.add(id(node.operation))
                operations.append(node.operation)
        for operation in reversed(operations):
            kind = re.sub(r"_\d+$", "", operation.name)
            if kind.replace("_", "") != type(operation).__name__.lower():
                continue  # The user's name.
            name = part if len(operations) == 1 else f"{part}_{kind}"
            counts[name] += 1
            operation.name = name if counts[name] == 1 else f"{name}_{counts[name]}"


def name_alike(ends, others):
    """Name the operations between two symbolic tensors as the operations of the same types between two other ones.

    Args:
        ends: Pair of tensors, of which the second depends on the first.
        others: Pair of tensors with as many operations of each type between them, or more.
    """
    names = collections.defaultdict(collections.deque)
    for operation in _operations_between(*others):
        names[type(operation)].append(operation.name)
    for operation in _operations_between(*ends):
        operation.name = names[type(operation)].popleft()


def _operations_between(start, end):
    """Return the operations on the way from a symbolic tensor to another one, in the order of their first calls."""
    operations, visited = {}, {id(start)}

    def visit(tensor):
        if id(tensor) not in visited:
            visited.add(id(tensor))
            node, _ = producer(tensor)
            for source in node.input_tensors:
                visit(source)
            operations.setdefault(node.operation)

    visit(end)
    return list(operations)


def read_inputs(inputs, outputs):
    """Return the symbolic tensors among `inputs` on which one of `outputs` depends, a list."""
    visited, tensors = set(), list(outputs)
    while tensors:
        tensor = tensors.pop()
        if id(tensor) not in visited:
            visited.add(id(tensor))
            tensors += producer(tensor)[0].input_tensors
    return [tensor for tensor in inputs if id(tensor) in visited]


def all_layers(model):
    """Return the layers of a model, the layers of inner models included, as a list."""
    return list(model._flatten_layers())


class Execution:
    """Sequence of the calls of layers in a prediction, and the tensors between them.

    Layers that have an effect only in training, such as dropout, are skipped.

    Args:
        model: A functional `keras.Model`, `keras.Sequential` or `keras.Function`.

    Attributes:
        nodes: List of nodes of Keras's graph. A node is a call of a layer or of an operation of `keras.ops`.
        inputs: List of the inputs of the model, symbolic tensors.
        outputs: List of the outputs of the model, symbolic tensors.
    """

    def __init__(self, model):
        self._sources = {}
        self.nodes = []
        for node in itertools.chain.from_iterable(levels(model)):
            if isinstance(node.operation, TRAINING_ONLY):
                self._sources[id(node.output_tensors[0])] = self.source(node.input_tensors[0])
            elif not node.is_input:
                self.nodes.append(node)
        self.inputs = list(model.inputs)
        self.outputs = [self.source(tensor) for tensor in model.outputs]

    def source(self, tensor):
        """Return the tensor that replaces `tensor` in a prediction: the input of skipped layers, or `tensor` itself."""
        return self._sources.get(id(tensor), tensor)

    def inputs_of(self, node):
        """Return the input tensors of a node as a list; a repeated input is repeated in the list."""
        return [self.source(tensor) for tensor in node.input_tensors]


def inner_model(node):
    """Return the model that a node calls as a layer, or `None` if the layer is not a model."""
    return node.operation if is_graph_of_layers(node.operation) else None


def is_graph_of_layers(layer):
    """Return whether a layer is a functional or sequential model."""
    return isinstance(layer, keras.Model) and bool(getattr(layer, "inputs", None))


def n_operations(model):
    """Return the number of operations of a functional or sequential model and of such models inside it."""
    return sum(
        n_operations(operation) if is_graph_of_layers(operation) else 1 for operation in _functional(model).operations
    )


def has_mask(tensor):
    """Return whether a symbolic tensor has a mask, which layers pass on beside the tensor."""
    return getattr(tensor, "_keras_mask", None) is not None


def rows_at_once(largest, most, values=_MOST_VALUES):
    """Return a number of rows that a network predicts at once, between 1 and `most`, whose tensors have few values.

    Args:
        largest: Number of values of the network's largest tensor for one row, as `largest_tensor` returns.
        most: Largest number of rows.
        values: Largest number of values of a tensor, such as `CACHED_VALUES`. Defaults to what fits in memory.
    """
    return int(np.clip(values // largest, 1, most))


def largest_tensor(model):
    """Return the number of values of the largest tensor of a network for one row, at least 1."""
    sizes = [1]
    for node in itertools.chain.from_iterable(levels(model)):
        inner = inner_model(node)
        sizes += [math.prod(size or 1 for size in tensor.shape[1:]) for tensor in node.output_tensors]
        sizes += [] if inner is None else [largest_tensor(inner)]
    return max(sizes)
