"""Memory: the most that activations take at once in a prediction, counted on the Keras graph."""

import collections
import math

import numpy as np

from autonas.arguments import checks
from autonas.backends import node_graph
from autonas.costs import base


class PeakMemory(base.Cost):
    """`"memory_mb"`: megabytes (10^6 bytes) of activations that are alive at once; see `peak_memory`.

    Args:
        batch_size: Number of rows of a prediction. Defaults to 1.
    """

    name = "memory_mb"
    is_counted = True

    def __init__(self, batch_size=1):
        self.batch_size = batch_size

    def check(self):
        checks.check_integer("batch_size", self.batch_size, 1)

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
        ValueError: If a shape isn't known; the message names the tensor.
    """
    run = node_graph.Execution(model)
    sizes = {}

    def keys(tensors):
        for tensor in tensors:
            sizes.setdefault(id(tensor), _bytes(tensor, batch_size))
        return {id(tensor) for tensor in tensors}

    def total(alive):
        return sum(sizes[key] for key in alive)

    inputs = [keys(run.inputs_of(node)) for node in run.nodes]
    needed = collections.Counter(keys(run.outputs))
    for each in inputs:
        needed.update(each)
    alive = keys(run.inputs)
    peak = total(alive)
    for node, given in zip(run.nodes, inputs, strict=True):
        made = keys(node.output_tensors)
        taken = total(alive | made)
        inner = node_graph.inner_model(node)
        if inner is not None:
            taken = max(taken, total(alive - given) + peak_memory(inner, batch_size))
        peak = max(peak, taken)
        needed.subtract(given)
        alive = {key for key in alive | made if needed[key] > 0}
    return peak


def _bytes(tensor, batch_size):
    shape = [batch_size if size is None else size for size in tensor.shape[:1]] + list(tensor.shape[1:])
    if None in shape:
        raise ValueError(
            "Memory needs shapes that are known but for the batch's. The tensor "
            f"{tensor.name!r} has the shape {tuple(tensor.shape)}."
        )
    return math.prod(shape) * np.dtype(tensor.dtype).itemsize
