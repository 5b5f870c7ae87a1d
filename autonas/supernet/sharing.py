"""Sharing of traces: mixing layers that compute the same function of their inputs and variables are traced once.

On JAX, layers that follow each other are also compiled once, as a loop.
"""

import collections

import keras

from autonas.backends import gradients, node_graph
from autonas.supernet import rolling


class Traces:
    """Traced functions of the mixing layers of a supernet, for one call of the supernet.

    The cells of a supernet have the same options on every edge, with different weights. One function is traced for all
    edges with the same shape of tensors. The values of the variables are arguments of the function.

    Args:
        inlined: As in `gradients.reusable`.
    """

    def __init__(self, inlined):
        self._inlined = inlined
        self._functions = {}

    def compute(self, nodes, values, outputs, training):
        """Compute the outputs of nodes; on JAX, mixing layers with the same function are a loop.

        Args:
            nodes: As in `node_graph.compute`.
            values: As in `node_graph.compute`. The values of tensors that only these nodes use may be left out.
            outputs: List of the symbolic tensors that are used after the nodes.
            training: Whether the layers are called in training.
        """
        if keras.backend.backend() != "jax":
            node_graph.compute(nodes, values, training)
            return
        n_calls = collections.Counter(id(node.operation) for node in nodes)

        def key_of(node):
            return _key(node.operation, node.input_tensors) if n_calls[id(node.operation)] == 1 else None

        runs = rolling.runs_of(rolling.steps_of(nodes, values, key_of))
        for position, run in enumerate(runs):
            layers = [step.mixing.operation for step in run if step.mixing]
            if len(layers) > 1 and _have_own_states(layers):
                later = [node for run in runs[position + 1 :] for step in run for node in step.all_nodes]
                used = {id(tensor) for node in later for tensor in node.input_tensors} | set(map(id, outputs))
                function = self._function(run[0].key, layers[0], training)
                layers[0].add_loss(rolling.Loop(run, used).compute(function, values, training))
            else:
                node_graph.compute([node for step in run for node in step.all_nodes], values, training)

    def call(self, layer, inputs, training):
        """Return `layer.compute(inputs, training)`.

        Args:
            layer: A mixing layer.
            inputs: List of tensors.
            training: Whether the layer is called in training.
        """
        key = _key(layer, inputs)
        if key is None or not gradients.is_tracing():
            return layer.compute(inputs, training)
        return self._function(key, layer, training)(layer, list(inputs))

    def _function(self, key, layer, training):
        if key not in self._functions:
            self._functions[key] = Function(layer, training, self._inlined)
        return self._functions[key]


def _key(layer, inputs):
    """Return a key that is equal for calls of layers with the same function, or `None`; see `describe`."""
    description = describe(layer)
    # A traced function doesn't pass masks on.
    if description is None or any(getattr(tensor, "_keras_mask", None) is not None for tensor in inputs):
        return None
    return (description, *((tuple(tensor.shape), str(tensor.dtype)) for tensor in inputs))


def _have_own_states(layers):
    """Return whether no two of several mixing layers may assign the same variable in their branches."""
    states = [
        {id(variable) for branch in layer.branches if branch is not None for variable in branch.non_trainable_variables}
        for layer in layers
    ]
    return len(set().union(*states)) == sum(map(len, states))


class Function:
    """Traced function of the values of the variables of a mixing layer, and of its inputs."""

    def __init__(self, layer, training, inlined):
        self.layer = layer
        self.training = training
        self.assigned = []
        self.traced = gradients.reusable(self._compute, inlined)

    def __call__(self, layer, inputs):
        """Return the output of a layer for a list of its inputs."""
        values = [variable.value for variable in layer.variables_in_use()]
        return self.assign(layer, *self.traced(values, inputs))

    def assign(self, layer, output, assigned, losses):
        """Assign the variables that a call has changed, and add its losses; return the output."""
        variables = layer.variables_in_use()
        for index, value in zip(self.assigned, assigned, strict=True):
            variables[index].assign(value)
        for loss in losses:
            layer.add_loss(loss)
        return output

    def _compute(self, values, inputs):
        variables = self.layer.variables_in_use()
        with gradients.substituted(variables, values) as scope:
            outputs = self.layer.compute(inputs, self.training)
            #: Indices of the variables that the layer assigns.
            self.assigned = [index for index, variable in enumerate(variables) if id(variable) in scope.assigned]
            return outputs, [variables[index].value for index in self.assigned], list(scope.losses)


def describe(layer):
    """Return a description of a mixing layer that is equal for layers with the same function of inputs and variables.

    As in a saved model, a layer is determined by its class, its configuration and its variables.

    Returns:
        A string, or `None` if a layer has no configuration, or a state besides its variables.
    """
    variables = layer.variables_in_use()
    indices = {id(variable): index for index, variable in enumerate(variables)}
    try:
        operations = _describe(layer, indices)
    except NotImplementedError:
        return None
    return repr((operations, [(variable.shape, variable.dtype, variable.trainable) for variable in variables]))


def _describe(operation, indices):
    """Return nested lists that describe an operation, with the indices of its variables in the mixing layer.

    Raises:
        NotImplementedError: If the operation has no configuration, or a state besides its variables.
    """
    own = [indices.get(id(variable)) for variable in getattr(operation, "variables", ())]
    if hasattr(operation, "settings"):
        config = operation.settings()
    elif node_graph.is_graph_of_layers(operation):
        config = None
    elif hasattr(operation, "adapt"):
        raise NotImplementedError
    else:
        config = {name: value for name, value in operation.get_config().items() if name != "name"}
    models = getattr(operation, "branches", [operation] if config is None else [])
    graphs = [None if model is None else _describe_graph(model, indices) for model in models]
    return [type(operation).__module__, type(operation).__qualname__, own, config, graphs]


def _describe_graph(model, indices):
    """Return nested lists that describe the operations of a functional model and the connections between them."""
    tensors = {id(tensor): index for index, tensor in enumerate(model.inputs)}
    operations, lines = {}, []
    for node in (node for level in node_graph.levels(model) for node in level if not node.is_input):
        if id(node.operation) not in operations:
            operations[id(node.operation)] = len(operations)
            lines.append(_describe(node.operation, indices))
        lines.append([operations[id(node.operation)], *node_graph.arguments(node, tensors)])
        for tensor in node.output_tensors:
            tensors[id(tensor)] = len(tensors)
    return [*lines, [tensors[id(tensor)] for tensor in model.outputs]]
