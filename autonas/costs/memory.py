"""Memory: peak size of the activations during a prediction, counted on the Keras graph."""

import collections
import math
from collections.abc import Collection, Iterable

import keras
import numpy as np

from autonas.arguments import checks
from autonas.backends import node_graph
from autonas.costs import base


class PeakMemory(base.Cost):
    """Peak size of the activations in megabytes (10^6 bytes), the cost `"memory_mb"`; see `peak_memory`.

    ```python
    import autonas

    automl = autonas.AutoModel(constraints={autonas.objectives.PeakMemory(batch_size=8): 2.0})
    ```

    Args:
        batch_size: Number of rows of a prediction. Defaults to 1.
    """

    name = "memory_mb"
    is_counted = True

    def __init__(self, batch_size: int = 1) -> None:
        self.batch_size = batch_size

    def check(self) -> None:
        checks.check_integer("batch_size", self.batch_size, 1)

    def measure(self, built: base.BuiltModel) -> dict[str, float]:
        return {self.name: peak_memory(built.model, self.batch_size) / 1e6}


def peak_memory(model: keras.Model, batch_size: int = 1) -> int:
    """Return the peak number of bytes of activations that are in memory while a model predicts.

    Layers are called one after the other in the order of the graph. During a call the layer's inputs and outputs, all
    tensors that later layers need and the model's outputs so far are in memory. An input of the model is in memory
    until its last use. A layer of training alone, such as dropout, passes its input on. Weights and a layer's
    intermediate results don't count.

    Args:
        model: A built functional `keras.Model`, `keras.Sequential` or `keras.Function`. All dimensions but the
            batch's are static.
        batch_size: Number of rows of a prediction. Defaults to 1.

    Raises:
        ValueError: If a shape is unknown. The message names the tensor.
    """
    run = node_graph.Execution(model)
    sizes: dict[int, int] = {}

    def keys(tensors: Iterable[keras.KerasTensor]) -> set[int]:
        for tensor in tensors:
            sizes.setdefault(id(tensor), _bytes(tensor, batch_size))
        return {id(tensor) for tensor in tensors}

    def total(alive: Collection[int]) -> int:
        return sum(sizes[key] for key in alive)

    inputs = [keys(run.inputs_of(node)) for node in run.nodes]
    needed = collections.Counter(keys(run.outputs))
    for input_keys in inputs:
        needed.update(input_keys)
    alive = keys(run.inputs)
    peak = total(alive)
    for node, input_keys in zip(run.nodes, inputs, strict=True):
        output_keys = keys(node.output_tensors)
        taken = total(alive | output_keys)
        inner = node_graph.inner_model(node)
        if inner is not None:
            taken = max(taken, total(alive - input_keys) + peak_memory(inner, batch_size))
        peak = max(peak, taken)
        needed.subtract(input_keys)
        alive = {key for key in alive | output_keys if needed[key] > 0}
    return peak


def _bytes(tensor: keras.KerasTensor, batch_size: int) -> int:
    shape = [batch_size if size is None else size for size in tensor.shape[:1]] + list(tensor.shape[1:])
    if None in shape:
        raise ValueError(
            "To count memory, all dimensions but the batch's must be known. The tensor "
            f"{tensor.name!r} has the shape {tuple(tensor.shape)}."
        )
    return math.prod(shape) * np.dtype(tensor.dtype).itemsize
