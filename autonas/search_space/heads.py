"""Heads: the output blocks of a graph, with their tasks and losses."""

from __future__ import annotations

import math
from typing import Any

import keras
import keras_tuner
import numpy as np

from autonas.backends import node_graph
from autonas.search_space import block, losses, members, ranges
from autonas.search_space.blocks import reduction
from autonas.search_space.target import Target

LOSSES = {
    "binary": "binary_crossentropy",
    "multilabel": "binary_crossentropy",
    "multiclass": "sparse_categorical_crossentropy",
    "regression": "mean_squared_error",
}
ACTIVATIONS = {"binary": "sigmoid", "multilabel": "sigmoid", "multiclass": "softmax", "regression": "linear"}

#: Losses of Keras whose target can be standardised, because their minimiser is shifted and rescaled with the target, or
#: because their unit is the standard deviation of the target.
SCALE_FREE_LOSSES = {"mean_squared_error", "mean_absolute_error", "huber", "log_cosh"}
#: Losses of Keras whose outputs are predictions of the target, in its units.
_LOSSES_OF_NUMBERS = {"mean_absolute_percentage_error", "mean_squared_logarithmic_error", "huber", "poisson"}
#: Smallest targets for which losses of Keras are defined.
LEAST_TARGETS = {"poisson": 0.0, "mean_squared_logarithmic_error": -1.0}
#: Losses of Keras that are defined for positive outputs only.
_LOSSES_OF_POSITIVE = {"poisson"}


class Head(block.Block):
    """Base class of output blocks: reduction to a vector, dropout, and a dense layer for the target.

    If the connected block predicts the target itself, as a `BoostedTreesBlock`, the head adds its activation only. If
    the block returns vectors of several members, as a `TabMBlock`, each member has a dense layer, and the head returns
    the mean of their predictions.

    Args:
        dropout: Dropout rate before the dense layer, or a range. Defaults to a choice of 0, 0.25 and 0.5.
        loss: A Keras loss or its name. Defaults to the default loss of the task.
        loss_weight: Weight of the loss in the sum of the losses of all heads. Defaults to 1.
        name: Name of the head.
    """

    #: Share of the labels that is spread over all classes in the loss of a training, or a range.
    label_smoothing: float | ranges.Range = 0.0
    #: Whether the mean is subtracted from a regression target that is standardised.
    centers_target: bool = True
    #: Tasks that the head supports.
    tasks: tuple[str, ...] = tuple(LOSSES)
    #: The `Target`, which the graph sets when it is bound to data.
    target: Target

    def __init__(
        self,
        dropout: float | ranges.Range = ranges.Choice([0.0, 0.25, 0.5]),
        loss: Any = None,
        loss_weight: float = 1.0,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.dropout = dropout
        self.loss = loss
        self.loss_weight = loss_weight

    def build(self, hp: keras_tuner.HyperParameters, inputs: Any) -> Any:
        rate, label_smoothing = self.suggest(hp, "dropout"), self.suggest(hp, "label_smoothing")
        if block.predicts_target(inputs):
            return keras.layers.Activation(ACTIVATIONS[self.target.task], dtype="float32")(inputs)
        has_members = members.has_members(inputs)
        outputs = inputs if has_members else reduction.to_vector(inputs)
        if rate:
            outputs = keras.layers.Dropout(rate)(outputs)
        # Predictions and the loss are computed in float32, also under mixed precision.
        arguments: dict[str, Any] = {"activation": ACTIVATIONS[self.target.task], "dtype": "float32"}
        if not has_members:
            dense = keras.layers.Dense(self.target.n_outputs, **arguments)
            dense.label_smoothing = label_smoothing  # Read by `losses.in_training`.
            return self._in_units(dense(outputs))
        _, count, width = outputs.shape
        arguments["kernel_initializer"] = keras.initializers.RandomUniform(-(width**-0.5), width**-0.5)
        if self.target.n_outputs == 1:
            # LiteRT can't convert the general equation for one output.
            dense = keras.layers.EinsumDense("bmw,mw->bm", output_shape=(count,), bias_axes="m", **arguments)
            predictions = keras.layers.Reshape((count, 1), dtype="float32")(dense(outputs))
        else:
            shape = (count, self.target.n_outputs)
            dense = keras.layers.EinsumDense("bmw,mwo->bmo", output_shape=shape, bias_axes="mo", **arguments)
            predictions = dense(outputs)
        mean = members.mean(self._in_units(predictions))
        node_graph.producer(mean)[0].operation.label_smoothing = label_smoothing
        return mean

    def _in_units(self, outputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return outputs in the units of a target that isn't standardised: training begins at its mean.

        The outputs are positive if the loss needs that.
        """
        if self.target.units is None:
            return outputs
        means, deviations = self.target.units
        if self.loss_name() in _LOSSES_OF_POSITIVE:
            # An output of 0 before the activation is the mean.
            scales = [mean / math.log(2.0) if mean > 0 else 1.0 for mean in means]
            positive = keras.layers.Activation("softplus", dtype="float32")(outputs)
            return keras.layers.Rescaling(scales, dtype="float32")(positive)
        return keras.layers.Rescaling(deviations, means, dtype="float32")(outputs)

    def loss_function(self) -> Any:
        """Return the loss of encoded targets, a `keras.losses.Loss` or a function."""
        loss = self._loss()
        return losses.of_class_numbers(loss) if self.target.task == "multiclass" else loss

    def _loss(self) -> Any:
        return keras.losses.get(self.loss or LOSSES[self.target.task])

    def loss_name(self) -> str:
        """Return the name of the loss function, or of its class, in snake case.

        Only a loss of Keras has such a name: the name of another loss begins with its module.
        """
        return _name_of(self._loss())

    def scales_target(self) -> bool:
        """Return whether the loss of the head allows a regression target to be standardised.

        The `delta` of a `keras.losses.Huber` other than 1 is in the units of the target, which isn't standardised then.
        """
        if self.loss is None:
            return True
        try:
            loss = keras.losses.get(self.loss)
        except Exception:  # The loss is refused where it is tried on rows of the data.
            return False
        if type(loss) is keras.losses.Huber:
            pair = np.zeros((1, 1), "float32"), np.full((1, 1), 100, "float32")
            return bool(np.isclose(float(loss.call(*pair)[0]), float(keras.losses.huber(*pair)[0])))
        return _name_of(loss) in SCALE_FREE_LOSSES

    def predicts_numbers(self) -> bool:
        """Return whether the outputs for a regression target are predictions of the target for certain.

        Under a loss of the user, the outputs may be logarithms, for example.
        """
        try:
            return self.scales_target() or self.loss_name() in _LOSSES_OF_NUMBERS
        except Exception:  # The loss is refused where it is tried on rows of the data.
            return False


def _name_of(loss: Any) -> str:
    """Return the name of a loss; see `Head.loss_name`."""
    defined = loss if hasattr(loss, "__name__") else type(loss)
    name = defined.__name__
    is_of_keras = getattr(keras.losses, name, None) is defined
    return block.snake_case(name) if is_of_keras else f"{defined.__module__}.{name}"


class ClassificationHead(Head):
    """Head for binary, multiclass and multilabel classification.

    Args:
        num_classes: Number of classes. Needed only for integer labels if some classes have no rows in the data.
            Defaults to `None`: the number of distinct labels.
        multi_label: Whether a row can have several labels, so that the target is an indicator matrix of shape
            `(n, num_classes)`. Defaults to `None`: inferred from the target.
        dropout: Dropout rate before the dense layer, or a range. Defaults to a choice of 0, 0.25 and 0.5.
        loss: A Keras loss or its name. Defaults to the cross-entropy of the task.
        loss_weight: Weight of the loss in the sum of the losses of all heads. Defaults to 1.
        name: Name of the head.
        label_smoothing: Share of the labels that is spread evenly over all classes in training, in [0, 1), or a range.
            Candidates are scored without it. Not used with a `loss`. Defaults to 0.

    Example:

    ```python
    import autonas

    inputs = autonas.StructuredDataInput()
    outputs = autonas.ClassificationHead(dropout=0.25)(autonas.DenseBlock()(inputs))
    graph = autonas.Graph(inputs, outputs)
    ```
    """

    tasks = ("binary", "multiclass", "multilabel")

    def __init__(
        self,
        num_classes: int | None = None,
        multi_label: bool | None = None,
        dropout: float | ranges.Range = ranges.Choice([0.0, 0.25, 0.5]),
        loss: Any = None,
        loss_weight: float = 1.0,
        name: str | None = None,
        label_smoothing: float | ranges.Range = 0.0,
    ) -> None:
        super().__init__(dropout, loss, loss_weight, name)
        self.label_smoothing = label_smoothing
        self.num_classes = num_classes
        self.multi_label = multi_label


class RegressionHead(Head):
    """Head for regression on one or several targets.

    Args:
        dropout: Dropout rate before the dense layer, or a range. Defaults to 0.
        loss: A Keras loss or its name. Defaults to the mean squared error.
        loss_weight: Weight of the loss in the sum of the losses of all heads. Defaults to 1.
        name: Name of the head.

    Example:

    ```python
    import autonas

    inputs = autonas.StructuredDataInput()
    outputs = autonas.RegressionHead(loss="mean_absolute_error")(autonas.DenseBlock()(inputs))
    graph = autonas.Graph(inputs, outputs)
    ```
    """

    tasks = ("regression",)

    def __init__(
        self,
        dropout: float | ranges.Range = 0.0,
        loss: Any = None,
        loss_weight: float = 1.0,
        name: str | None = None,
    ) -> None:
        super().__init__(dropout, loss, loss_weight, name)
