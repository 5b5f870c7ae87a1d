"""Memory: the most that activations take at once in a prediction, counted on the Keras graph."""

import collections

import keras
import numpy as np

from autonas.objectives import cost


class PeakMemory(cost.Cost):
    """`"memory_mb"`: megabytes (10^6 bytes) of activations that are alive at once; see `peak_memory`.

    Args:
        batch_size: Number of rows of a prediction. Defaults to 1.
    """

    name = "memory_mb"
    is_counted = True

    def __init__(self, batch_size=1):
        self.batch_size = batch_size

    def check(self):
        cost.check_positive_integer("batch_size", self.batch_size)

    def measure(self, built):
        return {self.name: peak_memory(built.model, self.batch_size) / 1e6}


def peak_memory(model, batch_size=1):
    """Bytes of the activations that are alive at once, at most, when a model predicts.

    Layers are called one after the other in the order of the graph. While one is called, its inputs and outputs are
    alive, and whatever a later one needs, the model's outputs too; the model's inputs are until they were last used.
    A layer that only training needs, such as dropout, passes its input on. Weights don't count, nor what a layer
    needs inside.

    Args:
        model: A built functional `keras.Model`, `keras.Sequential` or `keras.Function`, of static shapes but for the
            batch's.
        batch_size: Number of rows of a prediction. Defaults to 1.

    Raises:
        ValueError: If a shape isn't known; the message names the layer.
    """
    function = keras.Function(model.inputs, model.outputs)
    levels = function._nodes_by_depth
    nodes = [node for depth in sorted(levels, reverse=True) for node in levels[depth] if not node.is_input]
    buffers = {id(tensor): tensor for tensor in function.inputs}
    for node in nodes:
        for tensor in node.output_tensors:
            buffers[id(tensor)] = buffers[id(node.input_tensors[0])] if _passes_on(node.operation) else tensor
    sizes = {id(tensor): _bytes(tensor, batch_size) for tensor in buffers.values()}

    def buffers_of(tensors):
        return {id(buffers[id(tensor)]) for tensor in tensors}

    needed = collections.Counter(buffers_of(function.outputs))
    for node in nodes:
        needed.update(buffers_of(node.input_tensors))
    alive = buffers_of(function.inputs)
    peak = sum(map(sizes.get, alive))
    for node in nodes:
        inputs, outputs = buffers_of(node.input_tensors), buffers_of(node.output_tensors)
        taken = sum(map(sizes.get, alive | outputs))
        if isinstance(node.operation, keras.Model) and hasattr(node.operation, "inputs"):
            others = sum(map(sizes.get, alive - inputs))
            taken = max(taken, others + peak_memory(node.operation, batch_size))
        peak = max(peak, taken)
        needed.subtract(inputs)
        alive = {key for key in alive | outputs if needed[key] > 0}
    return peak


#: Layers whose output is their input wherever a model isn't trained.
_TRAINING_ONLY = (
    keras.layers.ActivityRegularization,
    keras.layers.Dropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.Identity,
    keras.layers.RandomBrightness,
    keras.layers.RandomContrast,
    keras.layers.RandomFlip,
    keras.layers.RandomRotation,
    keras.layers.RandomTranslation,
    keras.layers.RandomZoom,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
)


def _passes_on(operation):
    return isinstance(operation, _TRAINING_ONLY)


def _bytes(tensor, batch_size):
    shape = [batch_size, *tensor.shape[1:]] if tensor.shape and tensor.shape[0] is None else list(tensor.shape)
    if None in shape:
        raise ValueError(
            "Memory needs shapes that are known but for the batch's. The tensor "
            f"{tensor.name!r} has the shape {tuple(tensor.shape)}."
        )
    return int(np.prod(shape, dtype="int64")) * np.dtype(tensor.dtype).itemsize
