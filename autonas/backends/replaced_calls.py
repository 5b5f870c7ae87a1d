"""Calls of layers that are replaced while a model is traced."""

import contextlib
import functools

import keras

from autonas.backends import node_graph


def faster(model):
    """Return a context in which layers are traced in forms that the backend computes faster.

    These are batch normalisation on TensorFlow, as one operation, and convolutions on JAX, as matrix products.

    Args:
        model: A `keras.Model`.
    """
    if keras.backend.backend() == "jax":
        from autonas.backends import jax_convolution

        return jax_convolution.by_products(model)
    if keras.backend.backend() == "tensorflow":
        from autonas.backends import tensorflow_normalization

        return tensorflow_normalization.fused(model)
    return contextlib.nullcontext()


@contextlib.contextmanager
def replaced(model, is_replaceable, call):
    """Return a context in which some layers of a model are called by another function. Such contexts can be nested.

    Args:
        model: A `keras.Model`.
        is_replaceable: Function from a layer to whether its call is replaced.
        call: Function of the layer, its call until now, and the arguments of the call.
    """
    layers = [layer for layer in node_graph.all_layers(model) if is_replaceable(layer)]
    outer = [vars(layer).get("call") for layer in layers]
    for layer in layers:
        layer.call = functools.partial(call, layer, layer.call)
    try:
        yield
    finally:
        for layer, replacement in zip(layers, outer, strict=True):
            if replacement is None:
                del layer.call
            else:
                layer.call = replacement
