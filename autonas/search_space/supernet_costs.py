"""What an architecture drawn from a supernet's distribution costs on average, differentiable in its logits."""

import keras
import numpy as np
from keras import ops

from autonas.search_space import mixing


class ExpectedCost:
    """The mean of a cost that is a sum over the operations of a network, such as its FLOPs.

      E[cost] = sum over operations of P(operation is in use) * its cost

    An operation is in use if the network's outputs depend on it: the probabilities of the options on the way there are
    multiplied, and where there are several ways, P = 1 - prod(1 - P(way)). For a single architecture the sum is exactly
    the cost of its stand-alone network.

    Args:
        supernet: A `Supernet`.
        of_node: Function from a node of Keras's graph, one call of a layer or of an operation of `keras.ops`, to its
            cost, a number.
        once_per_layer: Whether a layer that is called several times side by side costs once, as its parameters do.
            Defaults to `False`.
    """

    def __init__(self, supernet, of_node, once_per_layer=False):
        self.supernet = supernet
        self.of_node = of_node
        self.once_per_layer = once_per_layer
        self._costs = {}

    def __call__(self):
        """The mean cost under the distribution of the supernet's logits as they are, a scalar tensor."""
        probabilities = {}

        def weights(layer):
            key = (id(layer.selector), tuple(layer.options))
            if key not in probabilities:
                probabilities[key] = layer.weights_of_options(layer.logits)
            return probabilities[key]

        return ops.cast(self._graph(self.supernet, weights)[0], "float32")

    def of(self, values):
        """The cost of an architecture, a float."""
        labels = self.supernet.labels(values)

        def weights(layer):
            chosen = layer.option_of(labels.get(layer.selector.name))
            return [float(place == chosen) for place in range(len(layer.options))]

        return float(self._graph(self.supernet, weights)[0])

    def _graph(self, model, weights):
        """The cost of a graph, a float or a scalar tensor, and for each of its inputs the probability of its use."""
        ways = {id(tensor): [1.0] for tensor in model.outputs}
        uses, cost = {}, 0.0
        for depth in sorted(model._nodes_by_depth):
            for node in model._nodes_by_depth[depth]:
                layer = node.operation
                used = [_any(ways.get(id(tensor), [])) for tensor in node.output_tensors]
                if isinstance(layer, mixing.InputMixing):
                    of_inputs = self._of_selected(layer, weights(layer), used, len(node.input_tensors))
                elif isinstance(layer, mixing.LayerMixing):
                    inside, of_inputs = self._branches(layer, weights, len(node.input_tensors))
                    cost = cost + _product(used[0], inside)
                    of_inputs = [_product(used[0], each) for each in of_inputs]
                else:
                    use = _any(used)
                    uses.setdefault(id(layer) if self.once_per_layer else id(node), []).append((use, node))
                    of_inputs = [use] * len(node.input_tensors)
                for tensor, use in zip(node.input_tensors, of_inputs, strict=True):
                    ways.setdefault(id(tensor), []).append(use)
        for calls in uses.values():
            cost = cost + _product(_any([use for use, _ in calls]), self._cost(calls[0][1]))
        return cost, [_any(ways.get(id(tensor), [])) for tensor in model.inputs]

    def _branches(self, layer, weights, n_inputs):
        """The cost of a mixing layer in use, and for each of its inputs the probability of its use."""
        costs, uses = [], []
        for branch, positions in zip(layer.branches, layer.positions, strict=True):
            cost, of_branch = (0.0, [1.0]) if branch is None else self._graph(branch, weights)
            costs.append(cost)
            use = [0.0] * n_inputs
            for position, each in zip(positions, of_branch, strict=False):
                use[position] = each
            uses.append(use)
        chances = weights(layer)
        return _mean(chances, costs), [_mean(chances, of_input) for of_input in zip(*uses, strict=True)]

    def _of_selected(self, layer, chances, used, n_inputs):
        """For each input of a choice between tensors the probability of its use."""
        uses = []
        for place in range(n_inputs):
            by_option = []
            for selection in layer.selections:
                by_option.append(_any([use for use, chosen in zip(used, selection, strict=True) if chosen == place]))
            uses.append(_mean(chances, by_option))
        return uses

    def _cost(self, node):
        if id(node) not in self._costs:
            self._costs[id(node)] = float(self.of_node(node))
        return self._costs[id(node)]


def parameters(node):
    """The number of parameters of the layer that a node of Keras's graph calls."""
    return node.operation.count_params() if isinstance(node.operation, keras.layers.Layer) else 0


# Numbers that no logits enter stay floats, so that the sum is traced as a few operations and not as thousands.


def _is_number(value):
    return isinstance(value, float)


def _product(first, second):
    if _is_number(first) and _is_number(second):
        return first * second
    if 0.0 in [each for each in (first, second) if _is_number(each)]:
        return 0.0
    return second if _is_number(first) and first == 1.0 else first * second


def _any(chances):
    """The probability that any of independent events happens."""
    if any(_is_number(each) and each == 1.0 for each in chances):
        return 1.0
    chances = [each for each in chances if not (_is_number(each) and each == 0.0)]
    if len(chances) < 2:
        return chances[0] if chances else 0.0
    none = 1.0
    for each in chances:
        none = none * (1.0 - each)
    return 1.0 - none


def _mean(chances, values):
    """The sum of probabilities times values."""
    if isinstance(chances, list):
        return sum(_product(chance, value) for chance, value in zip(chances, values, strict=True))
    if not all(map(_is_number, values)):
        return ops.sum(chances * ops.stack([ops.cast(value, "float32") for value in values]))
    if len(set(values)) == 1:
        return values[0]
    return ops.sum(chances * np.array(values, "float32"))
