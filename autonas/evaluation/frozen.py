"""Frozen tensors: values between the layers of a network that training doesn't change, computed once for each row."""

import dataclasses
import inspect
import math

import keras
import numpy as np

from autonas.backends import node_graph, seeding
from autonas.search_space.blocks import transfer

#: Largest size of the frozen tensors of all rows, in bytes.
_MAX_BYTES = 256 * 2**20
#: Number of bytes that an entry of a tensor takes at most.
_ENTRY_BYTES = 4
#: Number of entries that are computed without weights, relative to the frozen entries, up to which nothing is saved.
_CHEAP = 2
#: Methods with an argument `training` that makes no difference.
_SAME_IN_TRAINING = (keras.layers.Dense.call, keras.layers.EinsumDense.call)


@dataclasses.dataclass(frozen=True, eq=False)
class Split:
    """A network in two parts.

    Args:
        tensors: List of the frozen tensors, symbolic tensors.
        front: Function from the list of the inputs of the network to the list of the frozen tensors.
        rest: Network from a dict of the frozen tensors by name to the outputs. It has all weights that are trained, in
            layers that it shares with the whole network. It isn't compiled.
    """

    tensors: list
    front: keras.Function
    rest: keras.Model


def split(model, dataset):
    """Split a network at the tensors that don't change while it is trained.

    A tensor is frozen if it depends on the inputs through operations of `keras.ops` and through layers that

    - have no trainable weights,
    - have no random generator,
    - compute the same in training and in prediction: `call` has no argument `training`, or the layer is a `Dense`, an
      `EinsumDense`, a `Resizing`, a `BatchNormalization` with `trainable = False`, a `Dropout` of rate 0, or a model of
      such layers,
    - return a row for each row, without a mask.

    Weights that a `Fitter` sets before the training may be in such layers. `TrainingLoop.forget` has to be called if
    they are set again.

    Args:
        model: The built functional `keras.Model`, with a dict of inputs.
        dataset: The `ArrayDataset` of the training.

    Returns:
        A `Split`; `None` if the frozen tensors of all rows would take more than 256 MB, or save no work: gathering a
        row of a frozen tensor costs about as much as an operation that computes it.
    """
    frozen, kept, work, has_weights = set(map(id, model.inputs)), {}, 0, False
    for node in (node for level in node_graph.levels(model) for node in level if not node.is_input):
        inputs = [tensor for tensor in node.input_tensors if id(tensor) in frozen]
        if len(inputs) == len(node.input_tensors) and _is_frozen(node):
            frozen.update(map(id, node.output_tensors))
            work += sum(map(_entries, node.output_tensors))
            has_weights |= bool(getattr(node.operation, "variables", []))
        else:
            kept.update((id(tensor), tensor) for tensor in inputs)
    kept.update((id(tensor), tensor) for tensor in model.outputs if id(tensor) in frozen)
    n_entries = sum(map(_entries, kept.values()))
    n_rows = len(next(iter(dataset.inputs.values())))
    saves_work = has_weights or work > _CHEAP * n_entries
    if not saves_work or n_entries * n_rows * _ENTRY_BYTES > _MAX_BYTES:
        return None
    tensors = list(kept.values())
    with seeding.BUILDING:
        front = keras.Function(node_graph.read_inputs(model.inputs, tensors), tensors)
        rest = keras.Model({tensor.name: tensor for tensor in tensors}, model.output, name=f"{model.name}_rest")
    rows = np.arange(min(3, n_rows))
    if any(len(values) != len(rows) for values in compute(front, dataset, rows)):
        return None  # The rows of a tensor aren't the rows of the data set.
    return Split(tensors, front, rest)


def compute(front, dataset, rows):
    """Return the list of the outputs of the function `front` for some rows of a data set, as tensors of the backend."""
    return front([dataset.inputs[tensor.name][rows] for tensor in front.inputs])


def _is_frozen(node):
    """Return whether the outputs of a call depend on its inputs alone, row by row, and not on the training."""
    for tensor in node.output_tensors:
        if tensor.shape[:1] != (None,) or None in tensor.shape[1:] or tensor.sparse or node_graph.has_mask(tensor):
            return False
    if not isinstance(node.operation, keras.layers.Layer):
        return True
    model = node_graph.inner_model(node)
    layers = [node.operation] if model is None else node_graph.all_layers(model)
    return not node.operation.trainable_variables and all(map(_is_constant, layers))


def _is_constant(layer):
    """Return whether a layer without trainable weights computes the same in training and in prediction."""
    if isinstance(layer, keras.layers.BatchNormalization):
        return not layer.trainable
    if isinstance(layer, transfer.DROPOUTS):
        return layer.rate == 0
    if node_graph.is_graph_of_layers(layer) or isinstance(layer, keras.layers.Resizing):
        return True
    if any(variable.name == "seed_generator_state" for variable in layer.variables):
        return False
    if type(layer).call in _SAME_IN_TRAINING:
        return True
    return "training" not in inspect.signature(layer.call).parameters


def _entries(tensor):
    return math.prod(tensor.shape[1:])
