"""What an architecture drawn from a supernet's distribution costs on average, differentiable in its logits."""

import functools
import itertools

import keras
from keras import ops

from autonas.backends import node_graph
from autonas.supernet import events, mixing, width_sharing


class ExpectedCost:
    """The mean of a cost that is a sum over the operations of a network, such as its FLOPs.

      E[cost] = sum over operations of P(operation is in use) * its cost

    An operation is in use if the network's outputs depend on it, under the options taken between the two. Decisions are
    independent of each other; the sum is exact. For a single architecture it is the cost of its stand-alone network.

    Args:
        supernet: A `Supernet`.
        of_node: Function from a node of Keras's graph, one call of a layer or of an operation of `keras.ops`, to its
            cost, a number.
        once_per_layer: Whether a layer that is called several times costs once, as its parameters do. Defaults to
            `False`.
    """

    def __init__(self, supernet, of_node, once_per_layer=False):
        self.supernet = supernet
        self._mixing = {}
        self._uses = {}
        self._walk(supernet, [events.ALWAYS for _ in supernet.outputs], once_per_layer)
        #: The costs by when they are due.
        self._costs = {}
        widths = width_sharing.WidthSharing(supernet)
        for event, node in self._uses.values():
            for due, narrow in self._at_widths(event, node, widths):
                self._costs[due] = self._costs.get(due, 0.0) + float(of_node(narrow))

    def __call__(self):
        """The mean cost under the distribution of the supernet's logits as they are, a scalar tensor."""

        @functools.cache
        def weights(key):
            layer = self._mixing[key]
            return layer.weights_of_options(layer.logits)

        def chance(key, option):
            return weights(key)[option]

        terms = [cost * events.probability(event, chance, self._options) for event, cost in self._costs.items() if cost]
        return ops.cast(sum(terms), "float32")

    def of(self, values):
        """The cost of an architecture, a float."""
        labels = self.supernet.labels(values)
        chosen = {key: layer.option_of(labels.get(layer.selector.name)) for key, layer in self._mixing.items()}
        return sum(cost for event, cost in self._costs.items() if events.happens(event, chosen))

    def _options(self, key):
        return range(len(self._mixing[key].options))

    def _walk(self, model, of_outputs, once_per_layer):
        """Notes when each operation of a graph is in use.

        Args:
            model: A functional model.
            of_outputs: List of the events that its outputs are in use.
            once_per_layer: As in the constructor.

        Returns:
            List of the events that its inputs are in use.
        """
        found = {}

        def note(tensors, uses):
            for tensor, use in zip(tensors, uses, strict=True):
                found[id(tensor)] = self._either(found.get(id(tensor), events.NEVER), use)

        note(model.outputs, of_outputs)
        # From the outputs to the inputs.
        for level in reversed(node_graph.levels(model)):
            for node in level:
                layer = node.operation
                uses = [found.get(id(tensor), events.NEVER) for tensor in node.output_tensors]
                if isinstance(layer, mixing.Mixing):
                    self._mixing.setdefault(_key(layer), layer)
                if isinstance(layer, mixing.InputMixing):
                    for option, selection in enumerate(layer.selections):
                        given = [events.both(use, events.literal(_key(layer), option)) for use in uses]
                        note([node.input_tensors[place] for place in selection], given)
                elif isinstance(layer, mixing.LayerMixing):
                    for option, (branch, positions) in enumerate(zip(layer.branches, layer.positions, strict=True)):
                        given = [events.both(uses[0], events.literal(_key(layer), option))]
                        given = given if branch is None else self._walk(branch, given, once_per_layer)
                        note([node.input_tensors[position] for position in positions], given)
                elif isinstance(layer, mixing.WidthMixing):
                    note(node.input_tensors, uses)
                else:
                    use = functools.reduce(self._either, uses)
                    key = id(layer) if once_per_layer else id(node)
                    before, _ = self._uses.get(key, (events.NEVER, node))
                    self._uses[key] = (self._either(before, use), node)
                    note(node.input_tensors, [use] * len(node.input_tensors))
        return [found.get(id(tensor), events.NEVER) for tensor in model.inputs]

    def _at_widths(self, event, node, widths):
        """The node at each combination of the widths it may have, with the event that it is in use and has them."""
        decisions = [] if node.is_input else widths.decisions_of(node)
        for layer in decisions:
            self._mixing.setdefault(_key(layer), layer)
        if not decisions:
            yield event, node
            return
        for options in itertools.product(*(self._options(_key(layer)) for layer in decisions)):
            due = event
            for layer, option in zip(decisions, options, strict=True):
                due = events.both(due, events.literal(_key(layer), option))
            names = [layer.selector.name for layer in decisions]
            yield due, widths.narrowed(node, dict(zip(names, options, strict=True)))

    def _either(self, first, second):
        return events.either(first, second, self._options)


def parameters(node):
    """The number of parameters of the layer that a node of Keras's graph calls."""
    return node.operation.count_params() if isinstance(node.operation, keras.layers.Layer) else 0


def _key(layer):
    """What tells the events of one mixing layer from those of another: cells that share decisions have the same."""
    return (layer.selector.name, tuple(layer.options))
