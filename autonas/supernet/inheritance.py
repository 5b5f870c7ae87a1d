"""Weight inheritance: copying the shared weights of a supernet to the stand-alone model of an architecture."""

import dataclasses

import keras
import numpy as np

from autonas.backends import node_graph
from autonas.supernet import channels, mixing


def copy_weights(supernet, model, labels):
    """Copy the weights that an architecture uses from a supernet to a stand-alone model.

    Both graphs are traversed from the outputs to the inputs, the supernet along the selected options only. For the same
    architecture, the calls occur in the same order. A narrow layer has the first channels of the widest layer. The
    inputs of later layers are the same channels, wherever `Flatten` and `Concatenate` move them.

    Args:
        supernet: A functional model with mixing layers.
        model: The stand-alone functional model of the architecture.
        labels: Dict from the name of a decision to the label of the selected option.

    Raises:
        ValueError: If `model` has another architecture.
    """
    sources, targets = calls_in_use(supernet, labels), calls_in_use(model, {})
    if [type(call.node.operation) for call in sources] != [type(call.node.operation) for call in targets]:
        raise ValueError("`model` must have the architecture whose weights it inherits.")
    known = {}
    for source, target in zip(sources, targets, strict=True):
        inputs = [known[key] for key in target.inputs]
        layer = target.node.operation
        for shared, own in zip(_weights(source.node.operation), _weights(layer), strict=True):
            if len(shared.shape) != len(own.shape) or any(np.array(shared.shape) < np.array(own.shape)):
                raise ValueError(
                    "`model` must have the architecture whose weights it inherits. Received: "
                    f"{layer.name} with a weight of shape {tuple(own.shape)} instead of {tuple(shared.shape)}"
                )
            own.assign(channels.of_weight(layer, own, shared, inputs))
        outputs = channels.outputs_of(target.node, source.node, inputs)
        known.update(zip(target.outputs, outputs, strict=True))


def layers_in_use(model, labels):
    """Return the layers with weights that an architecture uses, in topological order.

    Args:
        model: A functional model, with or without mixing layers.
        labels: Dict from the name of a decision to the label of the selected option.

    Returns:
        List of layers, without mixing layers. The layers of inner models are in the place of the models.
    """
    operations = {id(call.node.operation): call.node.operation for call in calls_in_use(model, labels)}
    return [operation for operation in operations.values() if _weights(operation)]


@dataclasses.dataclass(frozen=True, eq=False)
class Call:
    """Call of a layer or operation that an architecture uses.

    A tensor has a key of its `id` and of the `_Branch` around it.

    Args:
        node: Node of Keras's graph.
        inputs: List of the keys of the tensors that the call reads, outputs of other calls.
        outputs: List of the keys of its output tensors.
    """

    node: object
    inputs: list
    outputs: list


def calls_in_use(model, labels):
    """Return the `Call`s that an architecture uses, without mixing layers and inner models, in topological order.

    See `layers_in_use` for the arguments.
    """
    calls, seen, entered = [], set(), {}

    def source(tensor, branch):
        """Return the tensor, and the branch around it, that passes on its value as `tensor`."""
        while True:
            if branch is not None and id(tensor) in branch.outer:
                tensor, branch = branch.outer[id(tensor)], branch.parent
                continue
            node, tensor_index = node_graph.producer(tensor)
            operation, arguments, chosen = node.operation, node.input_tensors, node_graph.inner_model(node)
            if isinstance(operation, mixing.InputMixing):
                selection = operation.selections[operation.option_of(labels.get(operation.selector.name))]
                tensor = arguments[selection[tensor_index]]
                continue
            if isinstance(operation, mixing.WidthMixing):
                tensor = arguments[0]
                continue
            if isinstance(operation, mixing.LayerMixing):
                option = operation.option_of(labels.get(operation.selector.name))
                chosen = operation.branches[option]
                arguments = [arguments[position] for position in operation.positions[option]]
                if chosen is None:
                    tensor = arguments[0]
                    continue
            if chosen is None:
                return tensor, branch
            branch = entered.setdefault((id(node), branch), _Branch(chosen, arguments, branch))
            tensor = chosen.outputs[tensor_index]

    # Depth-first search. An entry is a tensor, the branch around it, and whether its inputs are done.
    stack = [(*source(tensor, None), False) for tensor in reversed(model.outputs)]
    while stack:
        tensor, branch, is_done = stack.pop()
        node, _ = node_graph.producer(tensor)
        inputs = [source(parent, branch) for parent in node.input_tensors]
        if is_done:
            keys = [(id(parent), outer) for parent, outer in inputs]
            calls.append(Call(node, keys, [(id(output), branch) for output in node.output_tensors]))
        elif (id(node), branch) not in seen:
            seen.add((id(node), branch))
            stack.append((tensor, branch, True))
            stack.extend((*parent, False) for parent in reversed(inputs))
    return calls


def _weights(operation):
    return operation.weights if isinstance(operation, keras.layers.Layer) else []


class _Branch:
    """Branch of a mixing layer, or inner model, that the search has entered.

    Args:
        model: The functional model of the branch.
        arguments: List of the tensors of the outer graph that are its inputs.
        parent: The `_Branch` around it, or `None`.
    """

    def __init__(self, model, arguments, parent):
        self.outer = {id(inner): outer for inner, outer in zip(model.inputs, arguments, strict=True)}
        self.parent = parent
