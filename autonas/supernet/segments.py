"""Segments of a supernet: groups of its operations that depend on the same decisions."""

import collections
import dataclasses
import math

import keras
import numpy as np
from keras import ops

from autonas.backends import gradients, node_graph
from autonas.supernet import mixing, normalization, sharing


@dataclasses.dataclass(eq=False)
class Segment:
    """Operations of a supernet whose results depend on the same decisions.

    Args:
        positions: Positions of the decisions in `Supernet.decisions`, a sorted tuple.
        n_results: Number of combinations of the options of these decisions.
        nodes: List of nodes of Keras's graph in topological order.
        inputs: List of the symbolic tensors of earlier segments, and inputs of the supernet, that the nodes use.
        outputs: List of the symbolic tensors that later segments use, and outputs of the supernet.
    """

    positions: tuple
    n_results: int
    nodes: list = dataclasses.field(default_factory=list)
    inputs: list = dataclasses.field(default_factory=list)
    outputs: list = dataclasses.field(default_factory=list)

    @property
    def mixes(self):
        """Whether an operation is a mixing layer."""
        return any(isinstance(node.operation, mixing.Mixing) for node in self.nodes)

    @property
    def variables(self):
        """List of the variables that the operations read."""
        return [variable for node in self.nodes for variable in getattr(node.operation, "variables", ())]


def segments_of(supernet):
    """Return the list of the segments of a `Supernet`, in topological order.

    Operations without a mixing layer, such as additions, belong to the only segment that uses them, if there is one. A
    supernet with masks is one segment, as layers pass masks on beside the tensors. So is a large supernet on JAX, where
    the loops over its mixing layers are compiled in less time than all segments.
    """
    selectors = list(supernet.decisions.values())
    positions = {name: position for position, name in enumerate(supernet.decisions)}
    nodes = [node for level in node_graph.levels(supernet) for node in level if not node.is_input]
    has_mask = any(node_graph.has_mask(tensor) for node in nodes for tensor in node.input_tensors)
    is_whole = has_mask or (supernet.is_large and keras.backend.backend() == "jax")
    depends, segments, producers = {id(tensor): frozenset() for tensor in supernet.inputs}, {}, {}
    for node in nodes:
        names = supernet.decisions if is_whole else _decisions(node.operation) & set(positions)
        own = {positions[name] for name in names}
        depends_on = frozenset(own.union(*(depends[id(tensor)] for tensor in node.input_tensors)))
        if depends_on not in segments:
            n_results = math.prod(len(selectors[position].allowed) for position in depends_on)
            segments[depends_on] = Segment(tuple(sorted(depends_on)), n_results)
        segments[depends_on].nodes.append(node)
        for tensor in node.output_tensors:
            depends[id(tensor)], producers[id(tensor)] = depends_on, segments[depends_on]
    _merge(segments, producers, supernet.outputs)
    for segment in segments.values():
        used = {id(tensor): tensor for node in segment.nodes for tensor in node.input_tensors}
        segment.inputs = [tensor for tensor in used.values() if producers.get(id(tensor)) is not segment]
    needed = {id(tensor) for segment in segments.values() for tensor in segment.inputs}
    needed.update(id(tensor) for tensor in supernet.outputs)
    for segment in segments.values():
        produced = [tensor for node in segment.nodes for tensor in node.output_tensors]
        segment.outputs = [tensor for tensor in produced if id(tensor) in needed]
    # A tensor depends on all decisions on which its sources depend.
    return sorted(segments.values(), key=lambda segment: len(segment.positions))


def _merge(segments, producers, outputs):
    """Move the operations of segments that have decisions but no mixing layer to the only segments that use them.

    Args:
        segments: Dict from the positions of decisions to the segment. Segments that are moved are removed.
        producers: Dict from the `id` of a symbolic tensor to its segment, which is updated.
        outputs: List of the outputs of the supernet.
    """
    users = collections.defaultdict(set)
    for segment in segments.values():
        for node in segment.nodes:
            for tensor in node.input_tensors:
                users[id(tensor)].add(segment)
    outputs = {id(tensor) for tensor in outputs}
    for key, segment in sorted(segments.items(), key=lambda item: len(item[0])):
        tensors = {id(tensor) for node in segment.nodes for tensor in node.output_tensors}
        others = set().union(*(users[tensor] for tensor in tensors)) - {segment}
        if key and not segment.mixes and len(others) == 1 and not tensors & outputs:
            (user,) = others
            user.nodes[:0] = segment.nodes
            producers.update(dict.fromkeys(tensors, user))
            del segments[key]


def _decisions(operation):
    """Return the set of the names of the decisions of a mixing layer, including the mixing layers in its branches."""
    if not isinstance(operation, mixing.Mixing):
        return set()
    return {operation.selector.name}.union(*map(_decisions, getattr(operation, "inner", ())))


class SegmentedPrediction:
    """Predictions of the architectures of a supernet that compute results of a segment once for all of them.

    The network is evaluated with `training=False`, but batch normalisation uses the statistics of the predicted rows,
    so that the result of a segment depends on nothing but its decisions. Between two predictions with the same memory,
    the weights of the supernet don't change.

    Args:
        supernet: A `Supernet`.
    """

    def __init__(self, supernet):
        self._supernet = supernet
        self._selectors = list(supernet.decisions.values())
        self._segments = segments_of(supernet)
        self._producers = {id(tensor): segment for segment in self._segments for tensor in segment.outputs}
        self._traces = sharing.Traces(inlined=not supernet.is_large)
        self._functions = {
            segment: gradients.compiled(self._function_of(segment), segment.variables, simplified=not supernet.is_large)
            for segment in self._segments
        }

    def __call__(self, indices, inputs, memory):
        """Predict rows; return the outputs of the supernet.

        Args:
            indices: Architecture, as returned by `supernet.indices`.
            inputs: Dict of the inputs of the supernet, arrays.
            memory: The `Memory` of the results for these inputs.
        """
        known = {id(tensor): inputs[name] for name, tensor in self._supernet.input.items()}
        return keras.tree.map_structure(
            lambda tensor: self._value(tensor, indices, known, memory), self._supernet.output
        )

    def _value(self, tensor, indices, known, memory):
        """Return the value of a symbolic tensor, and add it and its sources to the values `known` by the `id`."""
        if id(tensor) not in known:
            segment = self._producers[id(tensor)]
            key = tuple(indices[list(segment.positions)])
            values = memory.get(segment, key)
            if values is None:
                arguments = [self._value(source, indices, known, memory) for source in segment.inputs]
                values = self._functions[segment](indices, arguments)
                is_cheap = segment.positions and not segment.mixes
                if len(segment.positions) < len(self._selectors) and not is_cheap:
                    memory.add(segment, key, values)
            known.update(zip(map(id, segment.outputs), values, strict=True))
        return known[id(tensor)]

    def _function_of(self, segment):
        def function(indices, arguments):
            supernet, mode = self._supernet, self._supernet.mode
            supernet.mode, supernet.mixing_mode.traces = "select", self._traces
            try:
                with normalization.by_batch(supernet):
                    for position in segment.positions:
                        self._selectors[position].index.assign(ops.cast(indices[position], "int32"))
                    values = {
                        id(tensor): ops.cast(argument, tensor.dtype)
                        for tensor, argument in zip(segment.inputs, arguments, strict=True)
                    }
                    self._traces.compute(segment.nodes, values, segment.outputs, training=False)
                    return [values[id(tensor)] for tensor in segment.outputs]
            finally:
                supernet.mode, supernet.mixing_mode.traces = mode, None

        return function


class Memory:
    """Results of segments for one batch of inputs.

    Results of segments with many combinations of options, which are rarely used again, are forgotten first; of one
    segment, the results that were used least recently.

    Args:
        max_bytes: Maximum number of bytes of the results.

    Attributes:
        n_bytes: Number of bytes of the results.
        results: Dict from a segment to a dict from the indices of its options to the list of its results.
    """

    def __init__(self, max_bytes):
        self._max_bytes = max_bytes
        self.n_bytes = 0
        self.results = collections.defaultdict(dict)

    def get(self, segment, key):
        """Return the list of the results of a segment for the options `key`, or `None`."""
        results = self.results[segment]
        if key not in results:
            return None
        # The latest use is the last entry.
        results[key] = tensors = results.pop(key)
        return tensors

    def add(self, segment, key, tensors):
        """Keep the results of a segment for the options `key`."""
        self.results[segment][key] = tensors
        self.n_bytes += _n_bytes(tensors)
        while self.n_bytes > self._max_bytes:
            # The oldest result of the segment with the most combinations of options.
            segment = max(filter(self.results.get, self.results), key=lambda segment: segment.n_results)
            results = self.results[segment]
            self.n_bytes -= _n_bytes(results.pop(next(iter(results))))


def _n_bytes(tensors):
    return sum(math.prod(tensor.shape) * np.dtype(keras.backend.standardize_dtype(tensor.dtype)).itemsize
               for tensor in tensors)  # fmt: skip
