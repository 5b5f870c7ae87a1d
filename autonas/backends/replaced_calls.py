"""Calls of layers that are replaced while a model is traced."""

import contextlib
import functools

from autonas.backends import node_graph


@contextlib.contextmanager
def replaced(model, is_replaceable, call):
    """Return a context in which some layers of a model are called by another function.

    Args:
        model: A `keras.Model`.
        is_replaceable: Function from a layer to whether its call is replaced.
        call: Function of the layer and the arguments of its call.
    """
    layers = [layer for layer in node_graph.all_layers(model) if is_replaceable(layer)]
    for layer in layers:
        layer.call = functools.partial(call, layer)
    try:
        yield
    finally:
        for layer in layers:
            del layer.call
