"""Batch normalisation of a supernet by the statistics of the batch at hand."""

import contextlib

import keras

from autonas.backends import faster_layers, gradients, replaced_calls


@contextlib.contextmanager
def by_batch(model):
    """Return a context in which traced predictions normalise by the statistics of their own rows, and change none.

    Args:
        model: A `keras.Model`.
    """

    def is_normalization(layer):
        return isinstance(layer, keras.layers.BatchNormalization)

    with faster_layers.faster(model), replaced_calls.replaced(model, is_normalization, _call_by_batch):
        yield


def _call_by_batch(layer, call, inputs, training=None, mask=None):
    moving = layer.non_trainable_variables
    with gradients.substituted(moving, [variable.value for variable in moving]):
        return call(inputs, training=True, mask=mask)
