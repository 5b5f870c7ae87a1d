"""Operations: what the literature on architecture search puts on the edges of cells, for maps and series alike."""

import math

import keras
from keras import ops

from autonas.search_space.blocks import convolution

#: Series are halved no further than to so many steps.
_SHORTEST = 4

#: Layers by kind and by the rank of the tensors that they take.
LAYERS = {
    "convolution": {3: keras.layers.Conv1D, 4: keras.layers.Conv2D},
    "separable": {3: keras.layers.SeparableConv1D, 4: keras.layers.SeparableConv2D},
    "depthwise": {3: keras.layers.DepthwiseConv1D, 4: keras.layers.DepthwiseConv2D},
    "max_pooling": {3: keras.layers.MaxPooling1D, 4: keras.layers.MaxPooling2D},
    "average_pooling": {3: keras.layers.AveragePooling1D, 4: keras.layers.AveragePooling2D},
}


def make(name, rank, filters, stride=1):
    """The operation `name`.

    All operations give outputs of one shape for the same arguments, `ceil(side / stride)` by `filters`, and take any
    number of channels. They are built of Keras's own layers, so that a saved model needs nothing else.

    - `"none"`: zeros.
    - `"identity"`: the input; `project` where the stride or the channels forbid that.
    - `"convolution_<k>"`, `"separable_<k>"`, `"dilated_<k>"` (separable, every second pixel): activation, convolution
      with a kernel of side k, batch normalisation, as in DARTS (Liu et al. 2019). Separable convolutions are applied
      once, not twice as there: half the layers to trace and train.
    - `"max_pooling_3"`, `"average_pooling_3"`: followed by `project` where the channels differ.

    Args:
        name: One of `OPERATIONS`.
        rank: Dimensions of the tensors, the batch's included: 3 for series, 4 for maps.
        filters: Channels of the output.
        stride: Step of the operation in space or time. Defaults to 1.

    Returns:
        An `Operation`, a function from a tensor to a tensor.
    """
    if name not in OPERATIONS:
        raise ValueError(f"Operations are {list(OPERATIONS)}. Received: {name!r}")
    return Operation(name, rank, filters, stride)


class Operation:
    """One of `OPERATIONS` with its arguments, which are those of `make`."""

    def __init__(self, name, rank, filters, stride):
        self.name = name
        self.rank = rank
        self.filters = filters
        self.stride = stride

    def __call__(self, inputs):
        return OPERATIONS[self.name](inputs, self.rank, self.filters, self.stride)

    def keeps(self, inputs):
        """Whether outputs have the shape of `inputs`, so that a part of the channels can pass by."""
        return self.stride == 1 and inputs.shape[-1] == self.filters

    def narrowed(self, divisor):
        """The same operation with one in `divisor` filters."""
        return Operation(self.name, self.rank, self.filters // divisor, self.stride)


def candidates(names, rank, filters, stride=1):
    """The operations `names` as candidates of a `LayerChoice`; the other arguments are those of `make`."""
    return {name: _deferred(make(name, rank, filters, stride)) for name in names}


def of_block(block, default):
    """The names in the argument `operations` of a block, or those of `default` if it is `None`."""
    names = default if block.operations is None else block.operations
    if not isinstance(names, (list, tuple)) or not names or any(name not in OPERATIONS for name in names):
        raise ValueError(
            f"`operations` of {type(block).__name__} must be a list of some of {list(OPERATIONS)}. "
            f"Received: operations={names!r}"
        )
    return names


def project(inputs, filters, stride=1):
    """Activation, average pooling if strided, pointwise convolution, batch normalisation.

    Stands where the literature has a factorised reduction: it too loses no pixel, takes half the layers, and suits
    odd sides.
    """
    rank = len(inputs.shape)
    outputs = keras.layers.Activation("relu")(inputs)
    if stride > 1:
        outputs = LAYERS["average_pooling"][rank](stride, padding="same")(outputs)
    return _normalize(LAYERS["convolution"][rank](filters, 1, use_bias=False)(outputs))


def stem(inputs, filters):
    """What stands before the first cell: large images are shrunk, then a convolution and batch normalisation."""
    rank = len(inputs.shape)
    if rank == 4:
        inputs = convolution.shrink(inputs, filters)
    return _normalize(LAYERS["convolution"][rank](filters, 3, padding="same", use_bias=False)(inputs))


def finish(inputs):
    """What stands after the last cell: batch normalisation and activation."""
    return keras.layers.Activation("relu")(_normalize(inputs))


def max_stages(inputs):
    """How many stages maps or series can pass if each but the first halves them.

    Maps keep a side of two pixels, series four steps.
    """
    if len(inputs.shape) == 4:
        return convolution.max_stages(inputs)
    return max(1, 1 + int(math.log2(inputs.shape[1] / _SHORTEST)))


def edges(n_nodes):
    """The edges of a graph of operations: all pairs of an earlier and a later of its nodes, by the later one."""
    return [(source, target) for target in range(1, n_nodes) for source in range(target)]


def edge_name(edge):
    """The name of the decision on an edge."""
    return f"edge_{edge[0]}_{edge[1]}"


def drawn_edges(names):
    """The edges of a graph as `Block.drawing` gives them, of a dict from edges to names of decisions."""
    return [{"source": source, "target": target, "decision": name} for (source, target), name in names.items()]


def add(tensors):
    """The sum of a node's incoming edges."""
    return tensors[0] if len(tensors) == 1 else keras.layers.Add()(tensors)


def _deferred(operation):
    return lambda: operation


def _normalize(inputs):
    return keras.layers.BatchNormalization(momentum=0.9)(inputs)


def _none(inputs, rank, filters, stride):
    # The gradient of a product with zero is zero, that of a constant would be missing, which Keras warns of.
    if stride > 1:
        inputs = _subsample(inputs, stride)
    if inputs.shape[-1] != filters:
        inputs = ops.repeat(ops.mean(inputs, axis=-1, keepdims=True), filters, axis=-1)
    return keras.layers.Rescaling(0.0)(inputs)


def _identity(inputs, rank, filters, stride):
    if stride == 1 and inputs.shape[-1] == filters:
        return inputs
    return project(inputs, filters, stride)


def _convolution(kind, kernel_size):
    def operation(inputs, rank, filters, stride):
        layer = LAYERS[kind][rank](filters, kernel_size, strides=stride, padding="same", use_bias=False)
        return _normalize(layer(keras.layers.Activation("relu")(inputs)))

    return operation


def _dilated(kernel_size):
    def operation(inputs, rank, filters, stride):
        outputs = keras.layers.Activation("relu")(inputs)
        depthwise = LAYERS["depthwise"][rank]
        outputs = depthwise(kernel_size, dilation_rate=2, padding="same", use_bias=False)(outputs)
        # No backend has convolutions that are both strided and dilated.
        if stride > 1:
            outputs = _subsample(outputs, stride)
        return _normalize(LAYERS["convolution"][rank](filters, 1, use_bias=False)(outputs))

    return operation


def _pooling(kind, pool_size):
    def operation(inputs, rank, filters, stride):
        outputs = LAYERS[kind][rank](pool_size, strides=stride, padding="same")(inputs)
        return outputs if inputs.shape[-1] == filters else project(outputs, filters)

    return operation


def _subsample(inputs, stride):
    return LAYERS["max_pooling"][len(inputs.shape)](1, strides=stride, padding="same")(inputs)


#: The operations by name, each a function of the tensor, its rank, the filters and the stride.
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
