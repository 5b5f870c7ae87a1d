"""Expected cost of an architecture drawn from the distribution of a supernet, differentiable in the logits."""

import functools
import itertools

import keras
from keras import ops

from autonas.backends import node_graph
from autonas.supernet import events, mixing


class ExpectedCost:
    """Expectation of a cost that is a sum over the operations of a network, such as FLOPs.

      E[cost] = sum over operations of P(operation is in use) * cost of the operation

    An operation is in use if the outputs of the network depend on it. The decisions of the distribution are
    independent, so the expectation is exact. For a single architecture, the sum is the cost of its stand-alone model.

    Args:
        supernet: A `Supernet`.
        node_cost: Function from a node of Keras's graph (a call of a layer or of an operation of `keras.ops`) to its
            cost, a number.
        once_per_layer: Whether a layer that is called several times counts once, as for the number of parameters.
            Defaults to `False`.
    """

    def __init__(self, supernet, node_cost, once_per_layer=False):
        self.supernet = supernet
        self._mixing = {}
        self._uses = {}
        self._walk(supernet, [events.ALWAYS for _ in supernet.outputs], once_per_layer)
        #: Costs by the event in which they occur.
        self._costs = {}
        for use, node in self._uses.values():
            for event, narrow in self._at_widths(use, node):
                self._costs[event] = self._costs.get(event, 0.0) + float(node_cost(narrow))

    def __call__(self):
        """Return the expected cost for the current logits of the supernet, a scalar tensor."""

        @functools.cache
        def weights(key):
            layer = self._mixing[key]
            return layer.weights_of_options(layer.selector.scores())

        def chance(key, option):
            return weights(key)[option]

        terms = [cost * events.probability(event, chance, self._options) for event, cost in self._costs.items() if cost]
        return ops.cast(sum(terms), "float32")

    def of(self, values):
        """Return the cost of the architecture `values`, a float."""
        labels = self.supernet.labels(values)
        chosen = {key: layer.option_of(labels.get(layer.selector.name)) for key, layer in self._mixing.items()}
        return sum(cost for event, cost in self._costs.items() if events.happens(event, chosen))

    def _options(self, key):
        return range(len(self._mixing[key].options))

    def _walk(self, model, output_events, once_per_layer):
        """Record for every operation of a graph the event that it is in use.

        Args:
            model: A functional model.
            output_events: List of the events that its outputs are in use.
            once_per_layer: As in the constructor.

        Returns:
            List of the events that its inputs are in use.
        """
        tensor_events = {}

        def record(tensors, uses):
            for tensor, use in zip(tensors, uses, strict=True):
                tensor_events[id(tensor)] = self._either(tensor_events.get(id(tensor), events.NEVER), use)

        record(model.outputs, output_events)
        # From the outputs to the inputs.
        for level in reversed(node_graph.levels(model)):
            for node in level:
                layer = node.operation
                uses = [tensor_events.get(id(tensor), events.NEVER) for tensor in node.output_tensors]
                if isinstance(layer, mixing.Mixing):
                    self._mixing.setdefault(_key(layer), layer)
                if isinstance(layer, mixing.InputMixing):
                    for option, selection in enumerate(layer.selections):
                        selected = [events.both(use, events.literal(_key(layer), option)) for use in uses]
                        record([node.input_tensors[position] for position in selection], selected)
                elif isinstance(layer, mixing.LayerMixing):
                    for option, (branch, positions) in enumerate(zip(layer.branches, layer.positions, strict=True)):
                        selected = [events.both(uses[0], events.literal(_key(layer), option))]
                        selected = selected if branch is None else self._walk(branch, selected, once_per_layer)
                        record([node.input_tensors[position] for position in positions], selected)
                elif isinstance(layer, mixing.WidthMixing):
                    record(node.input_tensors, uses)
                else:
                    use = functools.reduce(self._either, uses)
                    key = id(layer) if once_per_layer else id(node)
                    earlier_use, _ = self._uses.get(key, (events.NEVER, node))
                    self._uses[key] = (self._either(earlier_use, use), node)
                    record(node.input_tensors, [use] * len(node.input_tensors))
        return [tensor_events.get(id(tensor), events.NEVER) for tensor in model.inputs]

    def _at_widths(self, event, node):
        """Yield `node` at every combination of its widths, with the event that it is in use and has these widths."""
        decisions = [] if node.is_input else self.supernet.widths.decisions_of(node)
        for layer in decisions:
            self._mixing.setdefault(_key(layer), layer)
        if not decisions:
            yield event, node
            return
        for options in itertools.product(*(self._options(_key(layer)) for layer in decisions)):
            event_at_widths = event
            for layer, option in zip(decisions, options, strict=True):
                event_at_widths = events.both(event_at_widths, events.literal(_key(layer), option))
            names = [layer.selector.name for layer in decisions]
            yield event_at_widths, self.supernet.widths.narrowed(node, dict(zip(names, options, strict=True)))

    def _either(self, first, second):
        return events.either(first, second, self._options)


def parameters(node):
    """Return the number of parameters of the layer that a node of Keras's graph calls."""
    return node.operation.count_params() if isinstance(node.operation, keras.layers.Layer) else 0


def _key(layer):
    """Return the key of the events of a mixing layer, equal for layers that share a decision and its options."""
    return (layer.selector.name, tuple(layer.options))
