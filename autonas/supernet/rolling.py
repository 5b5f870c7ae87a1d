"""Loops of a supernet on JAX: mixing layers with the same function, one after another, are compiled once."""

import dataclasses
import itertools

from keras import ops

from autonas.backends import gradients, node_graph
from autonas.supernet import mixing


@dataclasses.dataclass(eq=False)
class Step:
    """Nodes that are computed one by one, and then a mixing layer.

    Args:
        nodes: List of nodes without the mixing layer, in topological order.
        mixing: Node of the mixing layer, or `None` after the last one.
        key: Description of the function of the mixing layer, or `None` if no other layer has the function.
    """

    nodes: list
    mixing: object
    key: object

    @property
    def all_nodes(self):
        """List of the nodes with the mixing layer."""
        return [*self.nodes, self.mixing] if self.mixing else self.nodes


def steps_of(nodes, values, key_of):
    """Return the list of the `Step`s in which nodes are computed.

    Args:
        nodes: List of nodes in topological order.
        values: Dict whose keys are the `id`s of the symbolic tensors whose values are known.
        key_of: Function from the node of a mixing layer to the description of its function, or `None`.
    """
    known, waiting, steps, key = set(values), list(nodes), [], None
    keys = {node: key_of(node) for node in nodes if hasattr(node.operation, "branches")}
    while waiting:
        single, ready = [], []
        for node in waiting:
            if all(id(tensor) in known for tensor in node.input_tensors):
                (ready if node in keys else single).append(node)
                known.update(map(id, [] if node in keys else node.output_tensors))
        # Layers with the function of the layer before go first.
        chosen = next((node for node in ready if keys[node] == key), ready[0] if ready else None)
        key = keys.get(chosen)
        known.update(map(id, chosen.output_tensors if ready else []))
        waiting = [node for node in waiting if node not in single and node is not chosen]
        steps.append(Step(single, chosen, key))
    return steps


def runs_of(steps):
    """Return the list of lists of successive steps whose mixing layers have the same function."""
    runs = []
    for key, group in itertools.groupby(steps, lambda step: step.key):
        run = list(group)
        runs += [[step] for step in run] if key is None else [run]
    return runs


class Loop:
    """Loop over the mixing layers of several steps. The nodes between two of them are a branch of a switch.

    The state of the loop has the tensors that nodes outside of their step use, and the variables that nodes assign.

    Args:
        steps: List of the `Step`s. The nodes of the first one are computed before the loop.
        used: Set of the `id`s of the symbolic tensors that nodes after the loop use.
    """

    def __init__(self, steps, used):
        self._steps = steps
        self._kept = []
        for position in reversed(range(len(steps))):
            # The output of the mixing layer is known in the next step.
            nodes = steps[position].nodes if position else []
            produced = [*nodes, *([steps[position - 1].mixing] if position else [])]
            self._kept += [tensor for node in produced for tensor in node.output_tensors if id(tensor) in used]
            used = used | {id(tensor) for node in [*nodes, steps[position].mixing] for tensor in node.input_tensors}
        layers = [node.operation for step in steps[1:] for node in step.nodes]
        variables = [
            variable
            for layer in layers
            if not isinstance(layer, mixing.Mixing)
            for variable in getattr(layer, "non_trainable_variables", ())
        ]
        self._variables = list({id(variable): variable for variable in variables}.values())

    def compute(self, function, values, training):
        """Compute all nodes of the loop; return the sum of their losses.

        Args:
            function: The `sharing.Function` of the mixing layers.
            values: As in `node_graph.compute`.
            training: As in `node_graph.compute`.
        """
        node_graph.compute(self._steps[0].nodes, values, training)
        layers = [step.mixing.operation for step in self._steps]
        inputs = self._inputs(self._steps[0], values)
        kept = [ops.zeros((len(inputs[0]), *tensor.shape[1:]), tensor.dtype) for tensor in self._kept]
        results, (kept, assigned), losses = gradients.rolled(
            function.traced,
            [self._branch(position, values, training) for position in range(len(self._steps))],
            [[variable.value for variable in layer.variables_in_use()] for layer in layers],
            inputs,
            (kept, [variable.value for variable in self._variables]),
        )
        for variable, value in zip(self._variables, assigned, strict=True):
            variable.assign(value)
        values.update(zip(map(id, self._kept), kept, strict=True))
        for step, result in zip(self._steps, results, strict=True):
            values[id(step.mixing.output_tensors[0])] = function.assign(step.mixing.operation, *result)
        return losses

    def _inputs(self, step, values):
        layer = step.mixing.operation
        tensors = [values[id(tensor)] for tensor in step.mixing.input_tensors]
        return [layer.dtype_policy.convert_input(tensor, layer.autocast, layer.input_dtype) for tensor in tensors]

    def _branch(self, position, values, training):
        """Return a function from the output of the step before and the state, for `gradients.rolled`."""

        def branch(output, state):
            step, (kept, assigned) = self._steps[position], state
            known = {**values, **dict(zip(map(id, self._kept), kept, strict=True))}
            if position:
                known[id(self._steps[position - 1].mixing.output_tensors[0])] = output
            with gradients.substituted(self._variables, assigned) as scope:
                node_graph.compute(step.nodes if position else [], known, training)
                state = [known[id(tensor)] for tensor in self._kept], [variable.value for variable in self._variables]
                return self._inputs(step, known), state, sum(scope.losses, ops.zeros(()))

        return branch
