"""Residuals: results of a forward pass that are kept for its gradient, which needn't compute them again."""

import contextlib
import contextvars

import keras
import tensorflow as tf
from keras import ops

from autonas.backends import replaced_calls

_keep = contextvars.ContextVar("keep", default=lambda tensor: tensor)


def kept(tensor):
    """Return a tensor, or its value in the forward pass if the forward pass is traced again for a gradient."""
    # The residuals of all branches of a switch have the same type.
    return _keep.get()(tensor) if tensor.dtype == tf.float32 else tensor


@contextlib.contextmanager
def recorded(most):
    """Return a context that gives a list to which the first `most` tensors of `kept` are added."""
    residuals = []

    def record(tensor):
        if len(residuals) < most:
            residuals.append(tensor)
        return tensor

    with _keeping(record):
        yield residuals


@contextlib.contextmanager
def replayed(residuals):
    """Return a context in which `kept` returns `residuals`. It gives the list of the tensors that they replace."""
    replaced = []

    def replay(tensor):
        if len(replaced) == len(residuals):
            return tensor
        replaced.append(tensor)
        return residuals[len(replaced) - 1]

    with _keeping(replay):
        yield replaced


@contextlib.contextmanager
def _keeping(keep):
    token = _keep.set(keep)
    try:
        yield
    finally:
        _keep.reset(token)


def separated(model):
    """Return a context in which the separable convolutions of a model keep the result of their first convolution."""
    return replaced_calls.replaced(model, _is_separable, _call)


def _is_separable(layer):
    return isinstance(layer, keras.layers.SeparableConv2D) and not layer.use_bias


def _call(layer, call, inputs):
    between = ops.depthwise_conv(
        inputs,
        layer.depthwise_kernel,
        strides=layer.strides,
        padding=layer.padding,
        data_format=layer.data_format,
        dilation_rate=layer.dilation_rate,
    )
    return layer.activation(ops.conv(kept(between), layer.pointwise_kernel, data_format=layer.data_format))
