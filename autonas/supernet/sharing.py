"""Sharing of traces: mixing layers that compute the same function of their inputs and variables are traced once."""

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

    def call(self, layer, inputs, training):
        """Return `layer.compute(inputs, training)`.

        Args:
            layer: A mixing layer.
            inputs: List of tensors.
            training: Whether the layer is called in training.
        """
        description = describe(layer)
        # A traced function doesn't pass masks on.
        has_mask = any(getattr(tensor, "_keras_mask", None) is not None for tensor in inputs)
        if description is None or has_mask or not gradients.is_tracing():
            return layer.compute(inputs, training)
        key = (description, *((tuple(tensor.shape), str(tensor.dtype)) for tensor in inputs))
        if key not in self._functions:
            self._functions[key] = _Function(layer, training, self._inlined)
        return self._functions[key](layer, inputs)


class _Function:
    """Traced function of the values of the variables of a mixing layer, and of its inputs."""

    def __init__(self, layer, training, inlined):
        self.layer = layer
        self.training = training
        self.assigned = []
        self._traced = gradients.reusable(self._compute, inlined)

    def __call__(self, layer, inputs):
        variables = layer.variables_in_use()
        outputs, values, losses = self._traced([variable.value for variable in variables], list(inputs))
        for index, value in zip(self.assigned, values, strict=True):
            variables[index].assign(value)
        for loss in losses:
            layer.add_loss(loss)
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
