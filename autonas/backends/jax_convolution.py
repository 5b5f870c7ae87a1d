"""Convolutions on the JAX backend on a CPU, in forms that XLA computes fast: matrix products, and sums of products."""

import functools
import itertools

import jax
import keras
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

    A depthwise convolution is always a plain loop. Here it is the sum of the shifted inputs times the weights of a place
    of the kernel, one pass over memory: with 16 channels it takes a twentieth of the time. The results are the same but
    for rounding.

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
        dilation: Tuple of the distances between the places of the kernel.
    """
    return _in_usual_order(inputs, kernel, strides, padding, rhs_dilation=dilation)


def _convolve_forward(inputs, kernel, *settings):
    return _convolve(inputs, kernel, *settings), (inputs, kernel)


def _convolve_backward(strides, padding, dilation, residuals, slopes):
    inputs, kernel = residuals
    rank = len(strides)
    of_inputs, of_kernel = _paddings_of_gradients(inputs, kernel, slopes, strides, padding, dilation)
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


_convolve.defvjp(_convolve_forward, _convolve_backward)


def _paddings_of_gradients(inputs, kernel, slopes, strides, padding, dilation):
    """Return the paddings of the convolutions that are the gradients of the inputs, and of the kernel."""
    of_inputs, of_kernel = [], []
    for axis in range(len(strides)):
        # Numbers of places between the first and the last one of the kernel, and of the outputs, on the inputs.
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
    shifted = _shifted(inputs, kernel.shape[:-1], strides, padding, dilation)
    return functools.reduce(ops.add, [values * kernel[place] for place, values in shifted])


def _convolve_depthwise_forward(inputs, kernel, *settings):
    return _convolve_depthwise(inputs, kernel, *settings), (inputs, kernel)


def _convolve_depthwise_backward(strides, padding, dilation, residuals, slopes):
    inputs, kernel = residuals
    rank = len(strides)
    of_inputs, _ = _paddings_of_gradients(inputs, kernel, slopes, strides, padding, dilation)
    spread = lax.pad(slopes, _zero(slopes), [(0, 0, 0), *((0, 0, stride - 1) for stride in strides), (0, 0, 0)])
    slopes_of_inputs = _convolve_depthwise(
        spread, lax.rev(kernel, range(rank)), (1,) * rank, tuple(of_inputs), dilation
    )
    shifted = dict(_shifted(inputs, kernel.shape[:-1], strides, padding, dilation))
    slopes_of_kernel = [
        ops.sum(shifted[place] * slopes, axis=range(rank + 1)) if place in shifted else ops.zeros_like(kernel[place])
        for place in itertools.product(*map(range, kernel.shape[:-1]))
    ]
    return slopes_of_inputs, ops.reshape(ops.stack(slopes_of_kernel), kernel.shape)


_convolve_depthwise.defvjp(_convolve_depthwise_forward, _convolve_depthwise_backward)


def _shifted(inputs, sizes, strides, padding, dilation):
    """Return pairs of a place of a kernel with these sizes, and the values of the inputs with which it is multiplied.

    Places that meet nothing but padding are left out, unless all do.
    """
    rank = len(sizes)
    lengths = inputs.shape[1:-1]
    padded = lax.pad(inputs, _zero(inputs), [(0, 0, 0), *((*ends, 0) for ends in padding), (0, 0, 0)])
    ranges = []
    for axis in range(rank):
        n_outputs = (padded.shape[axis + 1] - (sizes[axis] - 1) * dilation[axis] - 1) // strides[axis] + 1
        starts = [place * dilation[axis] for place in range(sizes[axis])]
        first, last = padding[axis][0], padding[axis][0] + lengths[axis] - 1
        ranges.append(
            {place: (start, start + (n_outputs - 1) * strides[axis] + 1)
             for place, start in enumerate(starts)
             if any(first <= start + index * strides[axis] <= last for index in range(n_outputs))}
        )
    pairs = []
    for place in itertools.product(*ranges):
        bounds = [of_axis[index] for of_axis, index in zip(ranges, place, strict=True)]
        starts, limits = zip((0, len(inputs)), *bounds, (0, inputs.shape[-1]), strict=True)
        pairs.append((place, lax.slice(padded, starts, limits, (1, *strides, 1))))
    return pairs


def _zero(tensor):
    return ops.zeros((), tensor.dtype)
