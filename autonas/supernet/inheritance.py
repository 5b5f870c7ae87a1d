"""Weight inheritance: copying the shared weights of a supernet to the stand-alone model of an architecture."""

import keras
import numpy as np

from autonas.backends import node_graph
from autonas.supernet import mixing


def copy_weights(supernet, model, labels):
    """Copy the weights that an architecture uses from a supernet to a stand-alone model.

    Both graphs are traversed from the outputs to the inputs, the supernet along the selected options only. For the same
    architecture, the layers occur in the same order.

    Args:
        supernet: A functional model with mixing layers.
        model: The stand-alone functional model of the architecture.
        labels: Dict from the name of a decision to the label of the selected option.

    Raises:
        ValueError: If `model` has another architecture.
    """
    sources = layers_in_use(supernet, labels)
    targets = layers_in_use(model, {})
    if [type(layer) for layer in sources] != [type(layer) for layer in targets]:
        raise ValueError("`model` must have the architecture whose weights it inherits.")
    for source, target in zip(sources, targets, strict=True):
        for shared, own in zip(source.weights, target.weights, strict=True):
            if len(shared.shape) != len(own.shape) or any(np.array(shared.shape) < np.array(own.shape)):
                raise ValueError(
                    "`model` must have the architecture whose weights it inherits. Received: "
                    f"{target.name} with a weight of shape {tuple(own.shape)} instead of {tuple(shared.shape)}"
                )
            # A narrow layer has the first channels of the widest layer.
            first_channels = tuple(slice(0, size) for size in own.shape)
            own.assign(keras.ops.convert_to_numpy(shared)[first_channels])


def layers_in_use(model, labels):
    """Return the layers with weights that an architecture uses, in topological order.

    Args:
        model: A functional model, with or without mixing layers.
        labels: Dict from the name of a decision to the label of the selected option.

    Returns:
        List of layers.
    """
    operations = operations_in_use(model, labels)
    return [layer for layer in operations if isinstance(layer, keras.layers.Layer) and layer.weights]


def operations_in_use(model, labels):
    """Return all Keras operations that an architecture uses, without mixing layers, in topological order.

    See `layers_in_use` for the arguments.
    """
    operations, seen, entered = [], set(), {}
    # Depth-first search. An entry is a tensor, the branch around it, and whether its inputs are done.
    stack = [(tensor, None, False) for tensor in reversed(model.outputs)]
    while stack:
        tensor, branch, is_done = stack.pop()
        node, tensor_index = node_graph.producer(tensor)
        operation, parents = node.operation, node.input_tensors
        if is_done:
            if id(operation) not in seen:
                seen.add(id(operation))
                operations.append(operation)
            continue
        if branch is not None and id(tensor) in branch.outer:
            stack.append((branch.outer[id(tensor)], branch.parent, False))
            continue
        if (id(tensor), branch) in seen:
            continue
        seen.add((id(tensor), branch))
        if isinstance(operation, mixing.InputMixing):
            selection = operation.selections[operation.option_of(labels.get(operation.selector.name))]
            stack.append((parents[selection[tensor_index]], branch, False))
        elif isinstance(operation, mixing.WidthMixing):
            stack.append((parents[0], branch, False))
        elif isinstance(operation, mixing.LayerMixing):
            option = operation.option_of(labels.get(operation.selector.name))
            chosen = operation.branches[option]
            arguments = [parents[position] for position in operation.positions[option]]
            if chosen is None:
                stack.append((arguments[0], branch, False))
            else:
                inner = entered.setdefault((id(operation), branch), _Branch(chosen, arguments, branch))
                stack.append((chosen.outputs[0], inner, False))
        else:
            stack.append((tensor, branch, True))
            stack.extend((parent, branch, False) for parent in reversed(parents))
    return operations


class _Branch:
    """Branch of a mixing layer that the search has entered.

    Args:
        model: The functional model of the branch.
        arguments: List of the tensors of the outer graph that are its inputs.
        parent: The `_Branch` around it, or `None`.
    """

    def __init__(self, model, arguments, parent):
        self.outer = {id(inner): outer for inner, outer in zip(model.inputs, arguments, strict=True)}
        self.parent = parent
