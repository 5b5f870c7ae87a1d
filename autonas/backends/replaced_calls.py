"""Calls of layers that are replaced while a model is traced."""

import contextlib
import functools

from autonas.backends import node_graph


@contextlib.contextmanager
def replaced(model, is_replaceable, call):
    """Return a context in which some layers of a model are called by another function. Such contexts can be nested.

    Args:
        model: A `keras.Model`.
        is_replaceable: Function from a layer to whether its call is replaced.
        call: Function of the layer, its call until now, and the arguments of the call.
    """
    layers = [layer for layer in node_graph.all_layers(model) if is_replaceable(layer)]
    with _set(layers, [functools.partial(call, layer, layer.call) for layer in layers]):
        yield


def as_now(model):
    """Return a function that returns contexts in which the layers of a model are called as they are called now.

    Args:
        model: A `keras.Model`.
    """
    layers = node_graph.all_layers(model)
    return functools.partial(_set, layers, [vars(layer).get("call") for layer in layers])


@contextlib.contextmanager
def _set(layers, calls):
    """Return a context in which layers are called by the functions `calls`; `None` is the method of the class."""
    outer = [vars(layer).get("call") for layer in layers]
    _assign(layers, calls)
    try:
        yield
    finally:
        _assign(layers, outer)


def _assign(layers, calls):
    for layer, call in zip(layers, calls, strict=True):
        if call is not None:
            layer.call = call
        elif "call" in vars(layer):
            del layer.call
