"""Channels of narrow tensors: the positions of their values among the values of the tensors of a supernet."""

import dataclasses

import keras
import numpy as np

#: Layers with weights that keep the channels apart.
_CHANNELWISE = (
    keras.layers.BatchNormalization,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.GroupNormalization,
    keras.layers.LayerNormalization,
    keras.layers.Normalization,
    keras.layers.PReLU,
    keras.layers.RMSNormalization,
)


@dataclasses.dataclass(frozen=True, eq=False)
class Channels:
    """Channels of a tensor of a stand-alone model, and the same channels of the tensor of the supernet.

    Args:
        positions: Position of each channel among the channels of the supernet's tensor, an array of integers.
        width: Number of channels of the supernet's tensor.
    """

    positions: np.ndarray
    width: int


def outputs_of(own, shared, inputs):
    """Return the `Channels` of the outputs of a call in a stand-alone model, a list.

    Args:
        own: Node of the stand-alone model.
        shared: Node of the supernet.
        inputs: List of the `Channels` of the inputs.
    """
    pairs = zip(own.output_tensors, shared.output_tensors, strict=True)
    return [_output_of(own, inputs, _size(tensor), _size(wide)) for tensor, wide in pairs]


def _output_of(own, inputs, size, width):
    operation, kind = own.operation, type(own.operation).__name__
    first = Channels(np.arange(size), width)
    if width == size or not inputs:
        return first
    # Operations of `keras.ops` have the names of the layers.
    if kind == "Concatenate" and operation.axis in (-1, len(own.output_tensors[0].shape) - 1):
        starts = np.cumsum([0, *(channels.width for channels in inputs)])
        shifted = [channels.positions + start for channels, start in zip(inputs, starts[:-1], strict=True)]
        return Channels(np.concatenate(shifted), int(starts[-1]))
    if kind in ("Flatten", "Reshape") and len(own.output_tensors[0].shape) == 2 < len(own.input_tensors[0].shape):
        (channels,) = inputs
        starts = np.arange(size // len(channels.positions)) * channels.width
        return Channels((starts[:, None] + channels.positions).ravel(), width)
    if _is_channelwise(operation):
        alike = (channels for channels in inputs if (len(channels.positions), channels.width) == (size, width))
        return next(alike, first)
    return first


def of_weight(layer, own, shared, inputs):
    """Return the part of a weight of a supernet that a layer of a stand-alone model inherits, an array.

    Args:
        layer: Layer of the stand-alone model.
        own: Weight of the layer.
        shared: Weight of the supernet.
        inputs: List of the `Channels` of the inputs of the layer.
    """
    indices = []
    for axis, (size, width) in enumerate(zip(own.shape, shared.shape, strict=True)):
        # The last axis of the weights of dense layers and convolutions is that of the output.
        is_of_input = _is_channelwise(layer) or axis < len(own.shape) - 1
        alike = (channels for channels in inputs if (len(channels.positions), channels.width) == (size, width))
        channels = next(alike, None) if is_of_input else None
        indices.append(np.arange(size) if channels is None else channels.positions)
    return keras.ops.convert_to_numpy(shared)[np.ix_(*indices)]


def _is_channelwise(operation):
    return isinstance(operation, _CHANNELWISE) or not getattr(operation, "weights", [])


def _size(tensor):
    """Return the number of channels of a symbolic tensor, 0 if it is unknown."""
    return (tensor.shape[-1] or 0) if tensor.shape else 0
