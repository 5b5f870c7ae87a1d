"""Convolutions on the JAX backend on a CPU, in forms that XLA computes fast: matrix products, and sums of products."""

import functools

import jax
import keras
import numpy as np
from jax import lax
from keras import ops

from autonas.backends import node_graph, replaced_calls

_DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
_SEPARABLE = (keras.layers.SeparableConv1D, keras.layers.SeparableConv2D)
_PLAIN = (keras.layers.Conv1D, keras.layers.Conv2D)
_OTHERS = (
    keras.layers.Conv3D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
    keras.layers.ConvLSTM1D,
    keras.layers.ConvLSTM2D,
    keras.layers.ConvLSTM3D,
)


def by_products(model):
    """Return a context in which the convolutions of a model are traced in forms that XLA computes fast on a CPU.

    XLA computes a convolution by matrix products if its axes are in the usual order. It transposes other convolutions
    to this order, except inside of loops and switches, where it computes the gradients of a kernel by a plain loop:
    with 16 channels, in 30 times the time. Here, gradients are convolutions in the usual order.

    A depthwise convolution is always a plain loop. Here it is the sum over the positions of the kernel of the shifted
    inputs times the weights of the position, in one pass over memory: with 16 channels it takes a twentieth of the
    time. The results are the same but for rounding.

    Args:
        model: A `keras.Model`.
    """
    is_on_cpu = jax.default_backend() == "cpu"
    return replaced_calls.replaced(model, lambda layer: is_on_cpu and _is_replaceable(layer), _call)


def is_slow_in_loops(model):
    """Return whether a model has convolutions that XLA computes slowly inside of a loop on a CPU.

    Args:
        model: A `keras.Model`.
    """
    convolutions = (*_DEPTHWISE, *_SEPARABLE, *_PLAIN, *_OTHERS)
    return jax.default_backend() == "cpu" and any(
        isinstance(layer, convolutions) and not _is_replaceable(layer) for layer in node_graph.all_layers(model)
    )


def _is_replaceable(layer):
    if isinstance(layer, (*_DEPTHWISE, *_SEPARABLE)):
        is_supported = layer.depth_multiplier == 1
    else:
        is_supported = isinstance(layer, _PLAIN) and layer.groups == 1
    return is_supported and layer.data_format == "channels_last"


def _call(layer, _, inputs):
    kernel = ops.convert_to_tensor(layer.depthwise_kernel if isinstance(layer, _SEPARABLE) else layer.kernel)
    spans = [(size - 1) * dilation + 1 for size, dilation in zip(kernel.shape, layer.dilation_rate, strict=False)]
    if layer.padding == "causal":
        padding = [(spans[0] - 1, 0)]
    else:
        padding = lax.padtype_to_pads(inputs.shape[1:-1], spans, layer.strides, layer.padding.upper())
    settings = tuple(layer.strides), tuple(padding), tuple(layer.dilation_rate)
    if isinstance(layer, _PLAIN):
        outputs = _convolve(inputs, kernel, *settings)
    else:
        outputs = _convolve_depthwise(inputs, kernel[..., 0], *settings)
    if isinstance(layer, _SEPARABLE):
        outputs = ops.matmul(outputs, ops.reshape(layer.pointwise_kernel, layer.pointwise_kernel.shape[-2:]))
    if layer.use_bias:
        outputs = ops.add(outputs, layer.bias)
    return outputs if layer.activation is None else layer.activation(outputs)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def _convolve(inputs, kernel, strides, padding, dilation):
    """Return a convolution.

    Args:
        inputs: Tensor `(rows, *sizes, channels)`.
        kernel: Tensor `(*sizes, channels, filters)`.
        strides: Tuple of the strides.
        padding: Tuple of pairs, the numbers of zeros before and after the inputs.
        dilation: Tuple of the distances between the positions of the kernel.
    """
    return _in_usual_order(inputs, kernel, strides, padding, rhs_dilation=dilation)


def _forward(convolve, inputs, kernel, *settings):
    """Return a convolution, and the tensors that its gradients need."""
    return convolve(inputs, kernel, *settings), (inputs, kernel)


def _convolve_backward(strides, padding, dilation, residuals, slopes):
    inputs, kernel = residuals
    rank = len(strides)
    of_inputs, of_kernel = _paddings_of_gradients(inputs, kernel, slopes, (strides, padding, dilation))
    reversed_kernel = lax.rev(kernel, range(rank)).swapaxes(rank, rank + 1)
    slopes_of_inputs = _in_usual_order(
        slopes, reversed_kernel, (1,) * rank, of_inputs, lhs_dilation=strides, rhs_dilation=dilation
    )
    # The rows of the inputs are the channels of this convolution, and the channels its rows.
    spatial = range(1, rank + 1)
    slopes_of_kernel = _in_usual_order(
        inputs.transpose(rank + 1, *spatial, 0),
        slopes.transpose(*spatial, 0, rank + 1),
        dilation,
        of_kernel,
        rhs_dilation=strides,
    )
    return slopes_of_inputs, slopes_of_kernel.transpose(*spatial, 0, rank + 1)


_convolve.defvjp(functools.partial(_forward, _convolve), _convolve_backward)


def _paddings_of_gradients(inputs, kernel, slopes, settings):
    """Return the paddings of the convolutions that are the gradients of the inputs, and of the kernel."""
    strides, padding, dilation = settings
    of_inputs, of_kernel = [], []
    for axis in range(len(strides)):
        # Numbers of positions between the first and the last one of the kernel, and of the outputs, on the inputs.
        reach = (kernel.shape[axis] - 1) * dilation[axis]
        extent = (slopes.shape[axis + 1] - 1) * strides[axis]
        before = padding[axis][0]
        last = inputs.shape[axis + 1] - 1 + before
        of_inputs.append((reach - before, last - extent))
        of_kernel.append((before, reach + extent - last))
    return of_inputs, of_kernel


def _in_usual_order(inputs, kernel, strides, padding, **dilation):
    """Return a convolution; `dilation` has the arguments `lhs_dilation` and `rhs_dilation` of JAX."""
    axes = "HW"[-len(strides) :]
    order = (f"N{axes}C", f"{axes}IO", f"N{axes}C")
    return lax.conv_general_dilated(inputs, kernel, strides, padding, dimension_numbers=order, **dilation)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def _convolve_depthwise(inputs, kernel, strides, padding, dilation):
    """Return a depthwise convolution.

    Args:
        inputs: As of `_convolve`.
        kernel: Tensor `(*sizes, channels)`.
        strides: As of `_convolve`.
        padding: As of `_convolve`.
        dilation: As of `_convolve`.
    """
    padded = _padded(inputs, padding)
    reach = [(size - 1) * distance for size, distance in zip(kernel.shape, dilation, strict=False)]
    terms = []
    for position in np.ndindex(kernel.shape[:-1]):
        starts = np.array(position) * dilation
        limits = padded.shape[1:-1] - np.array(reach) + starts
        terms.append(padded[(slice(None), *map(slice, starts, limits, strides))] * kernel[position])
    return functools.reduce(ops.add, terms)


def _convolve_depthwise_backward(strides, padding, dilation, residuals, slopes):
    inputs, kernel = residuals
    rank = len(strides)
    of_inputs, _ = _paddings_of_gradients(inputs, kernel, slopes, (strides, padding, dilation))
    spread = _padded(slopes, [(0, 0)] * rank, strides)
    reversed_kernel = lax.rev(kernel, range(rank))
    slopes_of_inputs = _convolve_depthwise(spread, reversed_kernel, (1,) * rank, tuple(of_inputs), dilation)
    padded = _padded(inputs, padding)

    def slope_of(position):
        shifted = lax.dynamic_slice(padded, [0, *(position * np.array(dilation)), 0], spread.shape)
        return ops.sum(shifted * spread, axis=range(rank + 1))

    # A loop over the positions of the kernel is compiled in half of the time.
    positions = np.array(list(np.ndindex(kernel.shape[:-1])))
    return slopes_of_inputs, ops.reshape(lax.map(slope_of, positions), kernel.shape)


_convolve_depthwise.defvjp(functools.partial(_forward, _convolve_depthwise), _convolve_depthwise_backward)


def _padded(tensor, padding, distances=None):
    """Return a tensor with zeros around it and, at distances of more than 1, between its positions in space or time."""
    distances = distances or [1] * len(padding)
    inside = [(*ends, distance - 1) for ends, distance in zip(padding, distances, strict=True)]
    return lax.pad(tensor, ops.zeros((), tensor.dtype), [(0, 0, 0), *inside, (0, 0, 0)])
