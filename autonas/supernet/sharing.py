"""Sharing of traces: mixing layers that compute the same function of their inputs and variables are traced once.

On JAX, those that don't depend on each other are also compiled once, as a loop.
"""

import collections

from autonas.backends import gradients, node_graph


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
        self._groups = {}
        self._outputs = {}

    def compute(self, nodes, values, training):
        """Compute the outputs of nodes; mixing layers with the same function are computed together.

        Args:
            nodes: As in `node_graph.compute`.
            values: As in `node_graph.compute`.
            training: Whether the layers are called in training.
        """
        mixing_nodes = [node for node in nodes if hasattr(node.operation, "branches")]
        n_calls = collections.Counter(id(node.operation) for node in mixing_nodes)
        waiting = [node for node in mixing_nodes if n_calls[id(node.operation)] == 1]
        for node in nodes:
            if node in waiting:
                ready = [node for node in waiting if all(id(tensor) in values for tensor in node.input_tensors)]
                waiting = [node for node in waiting if node not in ready]
                self._group([(node.operation, [values[id(tensor)] for tensor in node.input_tensors]) for node in ready])
            node_graph.compute([node], values, training)

    def _group(self, calls):
        """Group pairs of a mixing layer and its inputs by their functions, for the calls of the layers that follow."""
        groups = collections.defaultdict(list)
        for layer, inputs in calls:
            policy = layer.dtype_policy
            inputs = [policy.convert_input(tensor, layer.autocast, layer.input_dtype) for tensor in inputs]
            key = _key(layer, inputs)
            if key is not None:
                groups[key].append((layer, inputs))
        for group in groups.values():
            states = [id(variable) for layer, _ in group for variable in _states(layer)]
            if len(set(states)) == len(states):
                self._groups.update((id(layer), group) for layer, _ in group)

    def call(self, layer, inputs, training):
        """Return `layer.compute(inputs, training)`.

        Args:
            layer: A mixing layer.
            inputs: List of tensors.
            training: Whether the layer is called in training.
        """
        if id(layer) in self._outputs:
            return self._outputs.pop(id(layer))
        key = _key(layer, inputs)
        if key is None or not gradients.is_tracing():
            return layer.compute(inputs, training)
        if key not in self._functions:
            self._functions[key] = _Function(layer, training, self._inlined)
        group = self._groups.get(id(layer), [(layer, inputs)])
        outputs = self._functions[key]([layer for layer, _ in group], [list(inputs) for _, inputs in group])
        self._outputs.update((id(layer), output) for (layer, _), output in zip(group, outputs, strict=True))
        return self._outputs.pop(id(layer))


def _key(layer, inputs):
    """Return a key that is equal for calls of layers with the same function, or `None`; see `describe`."""
    description = describe(layer)
    # A traced function doesn't pass masks on.
    if description is None or any(getattr(tensor, "_keras_mask", None) is not None for tensor in inputs):
        return None
    return (description, *((tuple(tensor.shape), str(tensor.dtype)) for tensor in inputs))


def _states(layer):
    """Return the variables that the branches of a mixing layer may assign."""
    branches = [branch for branch in layer.branches if branch is not None]
    return list({id(variable): variable for branch in branches for variable in branch.non_trainable_variables}.values())


class _Function:
    """Traced function of the values of the variables of a mixing layer, and of its inputs."""

    def __init__(self, layer, training, inlined):
        self.layer = layer
        self.training = training
        self.assigned = []
        self._traced = gradients.reusable(self._compute, inlined)

    def __call__(self, layers, inputs):
        """Return the outputs of several layers, a list, for the list of their inputs."""
        variables = [layer.variables_in_use() for layer in layers]
        values = [[variable.value for variable in of_layer] for of_layer in variables]
        outputs = []
        results = gradients.mapped(self._traced, list(zip(values, inputs, strict=True)))
        for layer, of_layer, (output, assigned, losses) in zip(layers, variables, results, strict=True):
            for index, value in zip(self.assigned, assigned, strict=True):
                of_layer[index].assign(value)
            for loss in losses:
                layer.add_loss(loss)
            outputs.append(output)
        return outputs

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
