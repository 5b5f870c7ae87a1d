"""Inheritance: from the shared weights of a supernet to those of one architecture's own model."""

import keras
import numpy as np

from autonas.backends import node_graph
from autonas.supernet import mixing


def copy_weights(supernet, model, labels):
    """Copies the weights that an architecture uses.

    Both graphs are walked from their outputs to their inputs, the supernet's along the chosen options only. As the
    architecture is the same, so is the order in which layers are met.

    Args:
        supernet: A functional model with mixing layers.
        model: The stand-alone functional model of the architecture.
        labels: The option taken at each decision, a dict by name.

    Raises:
        ValueError: If the model is that of another architecture.
    """
    sources = layers_in_use(supernet, labels)
    targets = layers_in_use(model, {})
    if [type(layer) for layer in sources] != [type(layer) for layer in targets]:
        raise ValueError("`model` must be built for the architecture whose weights it is to inherit.")
    for source, target in zip(sources, targets, strict=True):
        for ours, theirs in zip(source.weights, target.weights, strict=True):
            if len(ours.shape) != len(theirs.shape) or any(np.array(ours.shape) < np.array(theirs.shape)):
                raise ValueError(
                    "`model` must be built for the architecture whose weights it is to inherit. Received: "
                    f"{target.name} with a weight of shape {tuple(theirs.shape)} in place of {tuple(ours.shape)}"
                )
            # A narrow layer is the beginning of the widest one.
            beginning = tuple(slice(0, size) for size in theirs.shape)
            theirs.assign(keras.ops.convert_to_numpy(ours)[beginning])


def layers_in_use(model, labels):
    """The layers with weights that an architecture uses, each before all that follow it.

    Args:
        model: A functional model, with mixing layers or not.
        labels: The option taken at each decision, a dict by name.

    Returns:
        List of layers.
    """
    operations = operations_in_use(model, labels)
    return [each for each in operations if isinstance(each, keras.layers.Layer) and each.weights]


def operations_in_use(model, labels):
    """All Keras operations that an architecture uses, mixing layers left out; arguments as in `layers_in_use`."""
    found, seen, entered = [], set(), {}
    waiting = [(tensor, None, False) for tensor in reversed(model.outputs)]
    while waiting:
        tensor, branch, is_done = waiting.pop()
        node, tensor_index = node_graph.producer(tensor)
        operation, parents = node.operation, node.input_tensors
        if is_done:
            if id(operation) not in seen:
                seen.add(id(operation))
                found.append(operation)
            continue
        if branch is not None and id(tensor) in branch.outer:
            waiting.append((branch.outer[id(tensor)], branch.parent, False))
            continue
        if (id(tensor), branch) in seen:
            continue
        seen.add((id(tensor), branch))
        if isinstance(operation, mixing.InputMixing):
            selection = operation.selections[operation.option_of(labels.get(operation.selector.name))]
            waiting.append((parents[selection[tensor_index]], branch, False))
        elif isinstance(operation, mixing.WidthMixing):
            waiting.append((parents[0], branch, False))
        elif isinstance(operation, mixing.LayerMixing):
            place = operation.option_of(labels.get(operation.selector.name))
            chosen = operation.branches[place]
            arguments = [parents[position] for position in operation.positions[place]]
            if chosen is None:
                waiting.append((arguments[0], branch, False))
            else:
                inner = entered.setdefault((id(operation), branch), _Branch(chosen, arguments, branch))
                waiting.append((chosen.outputs[0], inner, False))
        else:
            waiting.append((tensor, branch, True))
            waiting.extend((parent, branch, False) for parent in reversed(parents))
    return found


class _Branch:
    """A branch that the walk has entered: where its inputs come from."""

    def __init__(self, model, arguments, parent):
        self.outer = {id(inner): outer for inner, outer in zip(model.inputs, arguments, strict=True)}
        self.parent = parent
