"""Latency of single operations, measured once for each kind and shape: a table to sum up."""

import json
import time

import keras
import numpy as np

from autonas.backends import gradients

#: Calls that warm up, and calls whose median counts.
_WARM_UP, _CALLS = 5, 30


class OperationLatency:
    """Milliseconds that one call of a layer takes to predict one row, by itself.

    The median of compiled calls, less that of a call that does nothing. A layer is measured once for each
    configuration and shape of its inputs. Operations of `keras.ops` and layers that don't compute anything in
    prediction count as nothing.

    Attributes:
        table: Dict from a description of a layer and the shapes of its inputs to milliseconds.
    """

    def __init__(self):
        self.table = {}
        self._overhead = None

    def __call__(self, node):
        """The latency of a node of Keras's graph, a float."""
        layer = node.operation
        if not isinstance(layer, keras.layers.Layer) or node.is_input:
            return 0.0
        key = _description(node)
        if key not in self.table:
            if self._overhead is None:
                self._overhead = _measured(lambda inputs: inputs, [np.zeros((1, 1), "float32")], [])
            arrays = [np.zeros((1, *tensor.shape[1:]), tensor.dtype) for tensor in node.input_tensors]
            arguments, keywords = node.arguments.args, node.arguments.kwargs
            places = {id(tensor): place for place, tensor in enumerate(node.input_tensors)}

            def call(inputs):
                def filled(value):
                    return inputs[places[id(value)]] if isinstance(value, keras.KerasTensor) else value

                args, kwargs = keras.tree.map_structure(filled, (arguments, keywords))
                return layer(*args, **{**kwargs, **({"training": False} if "training" in kwargs else {})})

            self.table[key] = max(0.0, _measured(call, arrays, layer.variables) - self._overhead)
        return self.table[key]


def _description(node):
    config = {name: value for name, value in node.operation.get_config().items() if name != "name"}
    shapes = [tuple(tensor.shape) for tensor in node.input_tensors]
    return f"{type(node.operation).__name__} {json.dumps(config, sort_keys=True, default=str)} {shapes}"


def _measured(function, arrays, variables):
    compiled = gradients.compiled(lambda *inputs: function(list(inputs)), variables)
    tensors = [keras.ops.convert_to_tensor(array) for array in arrays]
    seconds = []
    for _ in range(_WARM_UP + _CALLS):
        start = time.perf_counter()
        keras.tree.map_structure(keras.ops.convert_to_numpy, compiled(*tensors))
        seconds.append(time.perf_counter() - start)
    return 1000.0 * float(np.median(seconds[_WARM_UP:]))
