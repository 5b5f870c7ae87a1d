"""Members: predictions of the target that one network makes several times, and whose mean it returns.

The loss of a network with members is the mean of the losses of its members, not the loss of their mean, so that each
member learns the target by itself. All layers are ordinary layers of Keras.
"""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from autonas.backends import node_graph, seeding


def has_members(tensor: Any) -> bool:
    """Return whether a symbolic tensor has the shape `(n, members, width)`, marked by `mark`."""
    return bool(node_graph.attribute(tensor, "has_members"))


def mark(tensor: keras.KerasTensor) -> keras.KerasTensor:
    """Return a tensor `(n, members, width)` for which a head has a layer for each member."""
    layer = keras.layers.Identity()
    layer.has_members = True
    return layer(tensor)


def mean(predictions: keras.KerasTensor) -> keras.KerasTensor:
    """Return the mean of the predictions of all members: `(n, members, outputs)` to `(n, outputs)`."""
    layer = keras.layers.GlobalAveragePooling1D(dtype="float32")
    layer.is_mean_of_members = True
    return layer(predictions)


class InTraining:
    """A network with the outputs of which the loss is computed: the outputs of all members instead of their mean.

    Args:
        model: The built functional `keras.Model`.

    Attributes:
        network: Network with the same inputs and weights. A head with members has the output
            `(n * members, outputs)`, the members of a row one after another. It is `model` itself without members.
        counts: Dict from the name of a head to the number of its members, for heads with members.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = self.network = model
        self.counts: dict[str, int] = {}
        outputs = dict(model.output)
        for name, output in model.output.items():
            if node_graph.attribute(output, "is_mean_of_members"):
                node, _ = node_graph.producer(output)
                (predictions,) = node.input_tensors
                self.counts[name] = predictions.shape[1]
                outputs[name] = predictions
        if self.counts:
            with seeding.BUILDING:
                for name in self.counts:
                    outputs[name] = ops.reshape(outputs[name], (-1, outputs[name].shape[-1]))
                self.network = keras.Model(model.input, outputs, name=f"{model.name}_in_training")

    def compute_loss(self, inputs: Any, targets: Any, predictions: Any, weights: Any) -> Any:
        """Return the loss in training, a scalar.

        Args:
            inputs: Dict of the inputs.
            targets: Dict from the name of a head to its targets `(n, ...)`.
            predictions: Dict of the outputs of `network`.
            weights: Dict from the name of a head to the weights of the rows `(n,)`, or `None`.
        """
        weights = self.repeated(weights) if weights else None
        return self.model.compute_loss(inputs, self.repeated(targets), predictions, weights, training=True)

    def repeated(self, arrays: Mapping[str, Any]) -> dict[str, Any]:
        """Return targets or weights by head, a dict of arrays or of tensors, with a row for each member."""
        return {
            name: _repeat(array, self.counts[name]) if name in self.counts else array for name, array in arrays.items()
        }

    def averaged(self, outputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the outputs of `model` for the outputs of `network`, dicts of tensors."""
        means = {
            name: ops.mean(ops.reshape(outputs[name], (-1, count, outputs[name].shape[-1])), axis=1)
            for name, count in self.counts.items()
        }
        return {**outputs, **means}


def _repeat(array: Any, count: int) -> Any:
    """Repeat each row of an array or of a tensor, which stays an array or a tensor."""
    return (np if isinstance(array, np.ndarray) else ops).repeat(array, count, axis=0)
