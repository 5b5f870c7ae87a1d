"""Operations on the edges of cells, as in the literature on architecture search, for feature maps and series."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import keras
from keras import ops

from autonas.search_space import decisions
from autonas.search_space.blocks import convolution, normalization, transfer

#: Minimum number of steps of a series in the last stage.
_SHORTEST = 4

#: Layer classes by kind and by the rank of the input tensor.
LAYERS = {
    "convolution": {3: keras.layers.Conv1D, 4: keras.layers.Conv2D},
    "separable": {3: keras.layers.SeparableConv1D, 4: keras.layers.SeparableConv2D},
    "depthwise": {3: keras.layers.DepthwiseConv1D, 4: keras.layers.DepthwiseConv2D},
    "max_pooling": {3: keras.layers.MaxPooling1D, 4: keras.layers.MaxPooling2D},
    "average_pooling": {3: keras.layers.AveragePooling1D, 4: keras.layers.AveragePooling2D},
}

_Function: TypeAlias = Callable[[keras.KerasTensor, int, int, int], keras.KerasTensor]


def make(name: str, rank: int, filters: int, stride: int = 1) -> Operation:
    """Return the operation `name`.

    The output of every operation has `ceil(side / stride)` pixels per side and `filters` channels, whatever the number
    of channels of the input. The operations consist of Keras layers only, so that a saved model needs no custom
    objects.

    - `"none"`: zeros.
    - `"identity"`: the input, or `project` if the stride isn't 1 or the channels differ.
    - `"convolution_<k>"`, `"separable_<k>"`, `"dilated_<k>"` (separable with dilation rate 2): activation, convolution
      with a kernel of side k, and batch normalisation, as in DARTS (Liu et al. 2019). DARTS applies separable
      convolutions twice; here they are applied once, which halves the layers to trace and train.
    - `"max_pooling_3"`, `"average_pooling_3"`: pooling, followed by `project` if the channels differ.

    Args:
        name: A key of `OPERATIONS`.
        rank: Number of dimensions of the tensors, batch included: 3 for series, 4 for feature maps.
        filters: Number of channels of the output.
        stride: Stride in space or time. Defaults to 1.

    Returns:
        An `Operation`, a function from a tensor to a tensor.

    Raises:
        ValueError: If `name` is unknown.
    """
    if name not in OPERATIONS:
        raise ValueError(f"Operations are {list(OPERATIONS)}. Received: {name!r}")
    return Operation(name, rank, filters, stride)


class Operation:
    """Operation of a cell, a function from a tensor to a tensor. The arguments are documented in `make`."""

    def __init__(self, name: str, rank: int, filters: int, stride: int) -> None:
        self.name = name
        self.rank = rank
        self.filters = filters
        self.stride = stride

    def __call__(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        return OPERATIONS[self.name](inputs, self.rank, self.filters, self.stride)

    def keeps(self, inputs: keras.KerasTensor) -> bool:
        """Return whether the output has the shape of `inputs`, so that some channels can bypass the operation."""
        return self.stride == 1 and inputs.shape[-1] == self.filters

    def narrowed(self, divisor: int) -> Operation:
        """Return the same operation with `filters // divisor` filters."""
        return Operation(self.name, self.rank, self.filters // divisor, self.stride)


class LayerOperation:
    """Operation of a layer of the user, a function from a tensor to a tensor with the shape of an `Operation`'s output.

    Args:
        layer: A `keras.Layer`, of which each call applies a copy with new weights.
        filters: As in `make`.
        stride: As in `make`.
    """

    def __init__(self, layer: keras.Layer, filters: int, stride: int) -> None:
        self.layer = layer
        self.filters = filters
        self.stride = stride

    def __call__(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        layer = transfer.copied(self.layer)
        transfer.make_name_unique(layer)
        outputs = layer(inputs)
        if outputs.shape[1:-1] != inputs.shape[1:-1]:
            raise ValueError(
                f"`operations` must keep the sides of a feature map. Received: {type(layer).__name__}, which returns "
                f"the shape {outputs.shape} for {inputs.shape}; padding='same' keeps them"
            )
        if self.stride > 1:
            outputs = _subsample(outputs, self.stride)
        return outputs if outputs.shape[-1] == self.filters else project(outputs, self.filters)


def candidates(
    operations: Iterable[str] | Mapping[str, str | keras.Layer], rank: int, filters: int, stride: int = 1
) -> decisions.Candidates:
    """Return operations as candidates of a `LayerChoice`.

    Args:
        operations: Names of operations, or a dict from label to name or layer.
        rank: As in `make`.
        filters: As in `make`.
        stride: As in `make`.
    """
    named = operations if isinstance(operations, Mapping) else {name: name for name in operations}
    return {
        label: _deferred(
            make(operation, rank, filters, stride)
            if isinstance(operation, str)
            else LayerOperation(operation, filters, stride)
        )
        for label, operation in named.items()
    }


def of_block(block: Any, default: Sequence[str]) -> dict[str, str | keras.Layer]:
    """Return the argument `operations` of `block`, or `default` if the argument is `None`, as a dict by label.

    Raises:
        ValueError: If a name is unknown, a layer contains a `Lambda` layer, or there are no operations.
    """
    operations = default if block.operations is None else block.operations
    named = {str(name): name for name in operations} if isinstance(operations, (list, tuple)) else operations
    if not isinstance(named, Mapping) or not named or not all(map(_is_known, named.values())):
        raise ValueError(
            f"`operations` of {type(block).__name__} must be a list of some of {list(OPERATIONS)}, or a dict from a "
            f"label to such a name or a keras.Layer without Lambda layers. Received: operations={operations!r:.200}"
        )
    return dict(named)


def _is_known(operation: Any) -> bool:
    if isinstance(operation, keras.Layer):
        return not transfer.has_lambda(operation)
    return isinstance(operation, str) and operation in OPERATIONS


def project(inputs: keras.KerasTensor, filters: int, stride: int = 1) -> keras.KerasTensor:
    """Apply activation, average pooling (if strided), pointwise convolution and batch normalisation.

    The projection replaces the factorised reduction of DARTS. Both use all pixels; the projection has half the layers
    and supports odd sides.
    """
    rank = len(inputs.shape)
    outputs = keras.layers.Activation("relu")(inputs)
    if stride > 1:
        outputs = LAYERS["average_pooling"][rank](stride, padding="same")(outputs)
    return _normalize(LAYERS["convolution"][rank](filters, 1, use_bias=False)(outputs))


def stem(inputs: keras.KerasTensor, filters: int) -> keras.KerasTensor:
    """Apply the layers before the first cell: reduction of large images, convolution and batch normalisation."""
    rank = len(inputs.shape)
    if rank == 4:
        inputs = convolution.shrink(inputs, filters)
    return _normalize(LAYERS["convolution"][rank](filters, 3, padding="same", use_bias=False)(inputs))


def finish(inputs: keras.KerasTensor) -> keras.KerasTensor:
    """Apply the layers after the last cell: batch normalisation and activation."""
    return keras.layers.Activation("relu")(_normalize(inputs))


def max_stages(inputs: keras.KerasTensor) -> int:
    """Return the maximum number of stages for `inputs` if every stage but the first halves them.

    At least two pixels of a feature map, or four steps of a series, remain.
    """
    if len(inputs.shape) == 4:
        return convolution.max_stages(inputs)
    return max(1, 1 + int(math.log2(inputs.shape[1] / _SHORTEST)))


def edges(n_nodes: int) -> list[tuple[int, int]]:
    """Return the edges of a complete acyclic graph of `n_nodes` nodes, pairs `(source, target)` sorted by target."""
    return [(source, target) for target in range(1, n_nodes) for source in range(target)]


def edge_name(edge: tuple[int, int]) -> str:
    """Return the name of the decision on the edge `(source, target)`."""
    return f"edge_{edge[0]}_{edge[1]}"


def drawn_edges(names: Mapping[tuple[int, int], str]) -> list[dict[str, Any]]:
    """Return the edges in the form of `Block.drawing`, for a dict from edges to names of decisions."""
    return [{"source": source, "target": target, "decision": name} for (source, target), name in names.items()]


def add(tensors: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
    """Return the sum of a non-empty list of tensors."""
    return tensors[0] if len(tensors) == 1 else keras.layers.Add()(tensors)


def _deferred(operation: Operation | LayerOperation) -> Callable[[], Operation | LayerOperation]:
    return lambda: operation


def _normalize(inputs: keras.KerasTensor) -> keras.KerasTensor:
    return normalization.batch_normalization()(inputs)


def _none(inputs: keras.KerasTensor, rank: int, filters: int, stride: int) -> keras.KerasTensor:
    # A product with zero has the gradient zero. A constant has none, of which Keras would warn.
    if stride > 1:
        inputs = _subsample(inputs, stride)
    if inputs.shape[-1] != filters:
        inputs = ops.repeat(ops.mean(inputs, axis=-1, keepdims=True), filters, axis=-1)
    return keras.layers.Rescaling(0.0)(inputs)


def _identity(inputs: keras.KerasTensor, rank: int, filters: int, stride: int) -> keras.KerasTensor:
    if stride == 1 and inputs.shape[-1] == filters:
        return inputs
    return project(inputs, filters, stride)


def _convolution(kind: str, kernel_size: int) -> _Function:
    def operation(inputs: keras.KerasTensor, rank: int, filters: int, stride: int) -> keras.KerasTensor:
        layer = LAYERS[kind][rank](filters, kernel_size, strides=stride, padding="same", use_bias=False)
        return _normalize(layer(keras.layers.Activation("relu")(inputs)))

    return operation


def _dilated(kernel_size: int) -> _Function:
    def operation(inputs: keras.KerasTensor, rank: int, filters: int, stride: int) -> keras.KerasTensor:
        outputs = keras.layers.Activation("relu")(inputs)
        depthwise = LAYERS["depthwise"][rank]
        outputs = depthwise(kernel_size, dilation_rate=2, padding="same", use_bias=False)(outputs)
        # No backend supports convolutions that are both strided and dilated.
        if stride > 1:
            outputs = _subsample(outputs, stride)
        return _normalize(LAYERS["convolution"][rank](filters, 1, use_bias=False)(outputs))

    return operation


def _pooling(kind: str, pool_size: int) -> _Function:
    def operation(inputs: keras.KerasTensor, rank: int, filters: int, stride: int) -> keras.KerasTensor:
        outputs = LAYERS[kind][rank](pool_size, strides=stride, padding="same")(inputs)
        return outputs if inputs.shape[-1] == filters else project(outputs, filters)

    return operation


def _subsample(inputs: keras.KerasTensor, stride: int) -> keras.KerasTensor:
    return LAYERS["max_pooling"][len(inputs.shape)](1, strides=stride, padding="same")(inputs)


#: Operations by name, functions of the tensor, its rank, the number of filters and the stride.
OPERATIONS = {
    "none": _none,
    "identity": _identity,
    "convolution_1": _convolution("convolution", 1),
    "convolution_3": _convolution("convolution", 3),
    "convolution_5": _convolution("convolution", 5),
    "separable_3": _convolution("separable", 3),
    "separable_5": _convolution("separable", 5),
    "dilated_3": _dilated(3),
    "dilated_5": _dilated(5),
    "max_pooling_3": _pooling("max_pooling", 3),
    "average_pooling_3": _pooling("average_pooling", 3),
}
