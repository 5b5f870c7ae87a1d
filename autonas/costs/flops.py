"""FLOPs: floating point operations of a prediction, counted on the Keras graph."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import keras

from autonas.backends import node_graph

#: Shapes of several tensors, including the batch dimension.
_Shapes: TypeAlias = Sequence[tuple[int | None, ...]]


def flops(model: keras.Model) -> int:
    """Count the floating point operations of a model's prediction for one row.

    A multiplication with an addition counts 2, so a dense layer of m inputs and n units counts 2 m n. Other operations
    count for every element of the output:

    - a bias, an activation function, and every further tensor of a sum, product or maximum: 1
    - batch normalisation and rescaling: 2
    - layer normalisation: 7
    - pooling: the number of elements of the window
    - sorting: the binary logarithm of the number of elements, rounded up

    Moving values (reshapes, concatenation, padding, embedding) counts 0. So do operations of training alone (dropout,
    augmentation).

    Args:
        model: A built functional `keras.Model`, `keras.Sequential` or `keras.Function`. All dimensions but the
            batch's are static.

    Returns:
        An integer.

    Raises:
        ValueError: If the operations of a layer are unknown. The message names the layer.
    """
    return sum(node_flops(node) for level in node_graph.levels(model) for node in level)


def node_flops(node: Any) -> int:
    """Count the FLOPs of one node of a Keras graph, a call of a layer or operation; see `flops`."""
    inputs = [tensor.shape for tensor in node.input_tensors]
    outputs = [tensor.shape for tensor in node.output_tensors]
    try:
        return layer_flops(node.operation, inputs, outputs)
    except _UnknownShape as unknown:
        raise ValueError(
            "To count FLOPs, all dimensions but the batch's must be known. The layer "
            f"{node.operation.name!r} has the shape {unknown.args[0]}."
        ) from None


@functools.singledispatch
def layer_flops(layer: keras.Operation, inputs: _Shapes, outputs: _Shapes) -> int:
    """Count the FLOPs of one call of a layer.

    Register a function for a layer class of your own with `@layer_flops.register(MyLayer)`.

    Args:
        layer: The built layer, or an operation of `keras.ops`.
        inputs: List of the shapes of the layer's inputs, including the batch dimension.
        outputs: List of the shapes of the layer's outputs, including the batch dimension.
    """
    kind = type(layer).__name__
    if not isinstance(layer, keras.layers.Layer):
        for count, names in _BY_NAME.items():
            if kind in names.split():
                return count(layer, inputs, outputs)
    raise ValueError(
        f"The FLOPs of the layer {layer.name!r} of class {kind} are unknown. Register a function that counts them: "
        f"`@autonas.costs.flops.layer_flops.register({kind})`."
    )


class _UnknownShape(Exception):
    """A dimension other than the batch's is unknown."""


def _elements(*shapes: Sequence[int | None]) -> int:
    """Count the elements of tensors of these shapes, with a batch of one row where the first dimension is `None`."""
    total = 0
    for shape in shapes:
        sizes = [1 if size is None else size for size in shape[:1]] + list(shape[1:])
        known = [size for size in sizes if size is not None]
        if len(known) < len(sizes):
            raise _UnknownShape(shape)
        total += math.prod(known)
    return total


def _width(shape: Sequence[int | None]) -> int:
    """Return the last dimension of a shape."""
    width = shape[-1]
    if width is None:
        raise _UnknownShape(shape)
    return width


def _activation(layer: keras.Operation, outputs: _Shapes) -> int:
    return 0 if layer.activation is keras.activations.linear else _elements(*outputs)


def _bias_and_activation(layer: keras.Operation, outputs: _Shapes) -> int:
    return layer.use_bias * _elements(*outputs) + _activation(layer, outputs)


# ---------------------------------------------------------------------- linear maps


@layer_flops.register(keras.layers.Dense)
def _dense(layer: keras.Operation, inputs: _Shapes, outputs: _Shapes) -> int:
    return 2 * layer.kernel.shape[0] * _elements(*outputs) + _bias_and_activation(layer, outputs)


@layer_flops.register(keras.layers.EinsumDense)
def _einsum_dense(layer: keras.Operation, inputs: _Shapes, outputs: _Shapes) -> int:
    kernel, output = layer.equation.split(",")[1].split("->")
    summed = math.prod(size for label, size in zip(kernel, layer.kernel.shape, strict=True) if label not in output)
    bias = 0 if layer.bias is None else _elements(*outputs)
    return 2 * summed * _elements(*outputs) + bias + _activation(layer, outputs)


@layer_flops.register(keras.layers.Conv1D)
@layer_flops.register(keras.layers.Conv2D)
@layer_flops.register(keras.layers.Conv3D)
def _convolution(layer: keras.Operation, inputs: _Shapes, outputs: _Shapes) -> int:
    positions = _elements(*outputs) // layer.filters
    return 2 * positions * math.prod(layer.kernel.shape) + _bias_and_activation(layer, outputs)


@layer_flops.register(keras.layers.DepthwiseConv1D)
@layer_flops.register(keras.layers.DepthwiseConv2D)
def _depthwise_convolution(layer: keras.Operation, inputs: _Shapes, outputs: _Shapes) -> int:
    return 2 * math.prod(layer.kernel_size) * _elements(*outputs) + _bias_and_activation(layer, outputs)


@layer_flops.register(keras.layers.SeparableConv1D)
@layer_flops.register(keras.layers.SeparableConv2D)
def _separable_convolution(layer: keras.Operation, inputs: _Shapes, outputs: _Shapes) -> int:
    positions = _elements(*outputs) // layer.filters
    kernels = math.prod(layer.depthwise_kernel.shape) + math.prod(layer.pointwise_kernel.shape)
    return 2 * positions * kernels + _bias_and_activation(layer, outputs)


@layer_flops.register(keras.layers.MultiHeadAttention)
def _attention(layer: keras.Operation, inputs: _Shapes, outputs: _Shapes) -> int:
    query, value, key = (*inputs, inputs[1])[:3]
    config = layer.get_config()
    n_heads, key_width, value_width = config["num_heads"], config["key_dim"], config["value_dim"]
    projections = [(query, n_heads * key_width), (key, n_heads * key_width), (value, n_heads * value_width)]
    total = sum(
        (2 * _width(shape) + config["use_bias"]) * _elements(shape[:-1]) * width for shape, width in projections
    )
    pairs = n_heads * _elements(query[:-1]) * _elements(value[:-1])
    # The products of queries and keys, their scale and softmax, and the means of the values.
    total += pairs * (2 * key_width + 2 + 2 * value_width)
    return total + (2 * n_heads * value_width + config["use_bias"]) * _elements(*outputs)


# ---------------------------------------------------------------------- recurrent layers


@layer_flops.register(keras.layers.LSTM)
def _lstm(layer: keras.Operation, inputs: _Shapes, outputs: _Shapes) -> int:
    # Five activation functions, three products and a sum of states.
    return _recurrent(layer, inputs, gates=4, biases=4, elementwise=9)


@layer_flops.register(keras.layers.GRU)
def _gru(layer: keras.Operation, inputs: _Shapes, outputs: _Shapes) -> int:
    # Three activation functions, the reset's product, and the blend z h + (1 - z) c of states.
    return _recurrent(layer, inputs, gates=3, biases=6 if layer.reset_after else 3, elementwise=8)


@layer_flops.register(keras.layers.SimpleRNN)
def _simple_rnn(layer: keras.Operation, inputs: _Shapes, outputs: _Shapes) -> int:
    return _recurrent(layer, inputs, gates=1, biases=1, elementwise=1)


def _recurrent(layer: keras.Operation, inputs: _Shapes, gates: int, biases: int, elementwise: int) -> int:
    width, units = _width(inputs[0]), layer.units
    step = 2 * gates * units * (width + units) + layer.use_bias * biases * units + elementwise * units
    return _elements(inputs[0][:-1]) * step


@layer_flops.register(keras.layers.Bidirectional)
def _bidirectional(layer: keras.Operation, inputs: _Shapes, outputs: _Shapes) -> int:
    joined = 0 if layer.merge_mode in ("concat", None) else _elements(*outputs)
    directions = (layer.forward_layer, layer.backward_layer)
    return sum(layer_flops(direction, inputs, outputs) for direction in directions) + joined


# ---------------------------------------------------------------------- other layers


@layer_flops.register(keras.Model)
def _model(layer: keras.Model, inputs: _Shapes, outputs: _Shapes) -> int:
    if node_graph.is_graph_of_layers(layer):
        return flops(layer)
    return layer_flops.dispatch(object)(layer, inputs, outputs)


@layer_flops.register(keras.layers.Activation)
def _activation_layer(layer: keras.Operation, inputs: _Shapes, outputs: _Shapes) -> int:
    return _activation(layer, outputs)


@layer_flops.register(keras.layers.MaxPooling1D)
@layer_flops.register(keras.layers.MaxPooling2D)
@layer_flops.register(keras.layers.AveragePooling1D)
@layer_flops.register(keras.layers.AveragePooling2D)
def _pooling(layer: keras.Operation, inputs: _Shapes, outputs: _Shapes) -> int:
    return math.prod(layer.pool_size) * _elements(*outputs)


def _free(layer: keras.Operation, inputs: _Shapes, outputs: _Shapes) -> int:
    return 0


def _reduction(layer: keras.Operation, inputs: _Shapes, outputs: _Shapes) -> int:
    return _elements(*inputs)


def _elementwise(count: int) -> Callable[[keras.Operation, _Shapes, _Shapes], int]:
    return lambda layer, inputs, outputs: count * _elements(*outputs)


def _merging(layer: keras.Operation, inputs: _Shapes, outputs: _Shapes) -> int:
    return (len(inputs) - 1) * _elements(*outputs)


def _sorting(layer: keras.Operation, inputs: _Shapes, outputs: _Shapes) -> int:
    length = inputs[0][getattr(layer, "axis", -1)]
    return _elements(*outputs) * (max(1, length or 1) - 1).bit_length()


def _product(layer: keras.Operation, inputs: _Shapes, outputs: _Shapes) -> int:
    return 2 * (inputs[0][-1] or 0) * _elements(*outputs)


_BY_CLASS = {
    _free: (
        *node_graph.TRAINING_ONLY,
        keras.layers.InputLayer,
        keras.layers.Embedding,
        keras.layers.Concatenate,
        keras.layers.Flatten,
        keras.layers.Reshape,
        keras.layers.Permute,
        keras.layers.RepeatVector,
        keras.layers.ZeroPadding1D,
        keras.layers.ZeroPadding2D,
        keras.layers.Cropping1D,
        keras.layers.Cropping2D,
        keras.layers.UpSampling1D,
        keras.layers.UpSampling2D,
    ),
    _elementwise(1): (
        keras.layers.ELU,
        keras.layers.LeakyReLU,
        keras.layers.PReLU,
        keras.layers.ReLU,
        keras.layers.Softmax,
    ),
    _elementwise(2): (keras.layers.BatchNormalization, keras.layers.Normalization, keras.layers.Rescaling),
    _elementwise(7): (keras.layers.GroupNormalization, keras.layers.LayerNormalization),
    # Bilinear interpolation is the mean of four pixels.
    _elementwise(8): (keras.layers.Resizing,),
    _merging: (
        keras.layers.Add,
        keras.layers.Maximum,
        keras.layers.Minimum,
        keras.layers.Multiply,
        keras.layers.Subtract,
    ),
    _reduction: (
        keras.layers.GlobalAveragePooling1D,
        keras.layers.GlobalAveragePooling2D,
        keras.layers.GlobalMaxPooling1D,
        keras.layers.GlobalMaxPooling2D,
    ),
}
for _count, _classes in _BY_CLASS.items():
    for _class in _classes:
        layer_flops.register(_class, _count)

#: Operations of `keras.ops` by class name, since Keras doesn't export the classes.
_BY_NAME = {
    _free: (
        "BroadcastTo Cast Concatenate ConvertToTensor Copy ExpandDims Flip FullLike GetItem Moveaxis OneHot OnesLike "
        "Pad Ravel Repeat Reshape Roll Slice Split Squeeze Stack StopGradient Swapaxes Take TakeAlongAxis Tile "
        "Transpose Unstack ZerosLike"
    ),
    _elementwise(1): (
        "Absolute Add Clip Cos Cumsum Divide Equal Erf Exp Floor FloorDivide Gelu Greater GreaterEqual HardSigmoid "
        "HardSilu Isfinite Isnan Less LessEqual Log Log1p LogicalAnd LogicalNot LogicalOr Maximum Minimum Mod Multiply "
        "Negative NotEqual Power Relu Relu6 Rsqrt Sigmoid Sign Silu Sin Softmax Softplus Sqrt Square Subtract Tanh "
        "TrueDivide Where"
    ),
    _reduction: "All Any Max Mean Min Prod Sum",
    _sorting: "Sort",
    _product: "Matmul",
}
