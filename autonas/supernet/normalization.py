"""Faster traces of the layers of a supernet, and batch normalisation by the statistics of the batch at hand."""

import contextlib
import functools

import keras

from autonas.backends import gradients, node_graph


def fused(model):
    """Return a context in which layers are traced in faster forms: batch normalisation on TensorFlow as one operation,
    and convolutions on JAX as matrix products.
    """
    if keras.backend.backend() == "jax":
        from autonas.backends import jax_convolution

        return jax_convolution.by_products(model)
    if keras.backend.backend() != "tensorflow":
        return contextlib.nullcontext()
    from autonas.backends import tensorflow_normalization

    return tensorflow_normalization.fused(model)


@contextlib.contextmanager
def by_batch(model):
    """Return a context in which traced predictions normalise by the statistics of their own rows, and change none.

    Args:
        model: A `keras.Model`.
    """
    layers = [layer for layer in node_graph.all_layers(model) if isinstance(layer, keras.layers.BatchNormalization)]
    with fused(model):
        calls = [(layer, vars(layer).get("call")) for layer in layers]
        for layer in layers:
            layer.call = functools.partial(_call_by_batch, layer, layer.call)
        try:
            yield
        finally:
            for layer, call in calls:
                if call is None:
                    del layer.call
                else:
                    layer.call = call


def _call_by_batch(layer, call, inputs, training=None, mask=None):
    moving = layer.non_trainable_variables
    with gradients.substituted(moving, [variable.value for variable in moving]):
        return call(inputs, training=True, mask=mask)
