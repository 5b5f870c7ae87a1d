"""Structure of the network of an architecture: a key that is equal for architectures with the same network."""

import itertools
from collections.abc import Hashable, Mapping
from typing import Any

import keras

from autonas.backends import node_graph
from autonas.search_space.values import Scalar
from autonas.supernet import inheritance

#: Arguments of a layer that don't distinguish networks.
_WITHOUT_EFFECT = ("name", "seed")


class NetworkKeys:
    """Keys of the networks of the architectures of a supernet.

    Two architectures have the same key if their stand-alone networks consist of the same operations with the same
    connections, apart from identities: a layer that is followed by an identity is the layer alone. As in a saved model,
    an operation is determined by its class and its configuration. No network is built for a key.

    Args:
        supernet: A `Supernet`.
    """

    def __init__(self, supernet: Any) -> None:
        self._supernet = supernet
        #: By the `id` of a node: the description of the node without its inputs.
        self._descriptions: dict[int, str] = {}

    def of(self, values: Mapping[str, Scalar]) -> Hashable:
        """Return the key of an architecture.

        Args:
            values: An architecture of the space of the supernet. Inactive decisions can be absent.
        """
        labels = self._supernet.labels(values)
        tensors: dict[Any, int] = {}
        operations: dict[int, int] = {}
        numbers, lines = itertools.count(), []
        for call in inheritance.calls_in_use(self._supernet, labels):
            inputs = tuple(tensors[key] for key in call.inputs)
            operation = call.node.operation
            if isinstance(operation, keras.layers.Identity):
                tensors.update(zip(call.outputs, inputs, strict=True))
                continue
            tensors.update(zip(call.outputs, numbers, strict=False))
            number = operations.setdefault(id(operation), len(operations))
            widths = tuple(labels[layer.selector.name] for layer in self._widths_of(call.node))
            lines.append((number, self._description(call.node), widths, inputs))
        return tuple(lines)

    def _widths_of(self, node: Any) -> list[Any]:
        return [] if node.is_input else self._supernet.widths.decisions_of(node)

    def _description(self, node: Any) -> str:
        """Return the class and the configuration of the operation that a node calls, and its further arguments."""
        if id(node) not in self._descriptions:
            operation = node.operation
            try:
                config = operation.name if node.is_input else _without_names(operation.get_config())
            except NotImplementedError:
                config = id(operation)
            kind = type(operation)
            arguments = node_graph.arguments(node, dict.fromkeys(map(id, node.input_tensors), 0))
            self._descriptions[id(node)] = repr([kind.__module__, kind.__qualname__, config, arguments])
        return self._descriptions[id(node)]


def _without_names(config: Any) -> Any:
    """Return a configuration without the arguments that don't distinguish networks, at any depth."""
    if isinstance(config, dict):
        return {name: _without_names(value) for name, value in config.items() if name not in _WITHOUT_EFFECT}
    return [_without_names(item) for item in config] if isinstance(config, (list, tuple)) else config
