"""Losses of trainings: the loss of a head, with label smoothing, or for one-hot targets."""

from typing import Any

import keras
from keras import ops

from autonas.backends import node_graph

#: Names of the losses of classes that fitted models minimise.
OF_CLASSES = ("binary_crossentropy", "sparse_categorical_crossentropy", "categorical_crossentropy")
#: Losses of Keras for one-hot targets: classes and functions.
_ONE_HOT = (
    keras.losses.CategoricalCrossentropy,
    keras.losses.CategoricalFocalCrossentropy,
    keras.losses.CategoricalHinge,
)
_ONE_HOT_FUNCTIONS = (
    keras.losses.categorical_crossentropy,
    keras.losses.categorical_focal_crossentropy,
    keras.losses.categorical_hinge,
)


@keras.saving.register_keras_serializable(package="autonas")
class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy of class numbers with label smoothing (Szegedy et al. 2016).

    With K classes, the probability of the true class in the labels is 1 - s + s / K, and the probability of every other
    class is s / K.

    Args:
        label_smoothing: The share s of the labels that is spread over all classes, in [0, 1).
        name: Name of the loss.
    """

    def __init__(self, label_smoothing: float, name: str = "smoothed_crossentropy", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        labels = ops.one_hot(ops.cast(ops.reshape(y_true, (-1,)), "int32"), y_pred.shape[-1])
        return keras.losses.categorical_crossentropy(labels, y_pred, label_smoothing=self.label_smoothing)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


@keras.saving.register_keras_serializable(package="autonas")
class OneHotLoss(keras.losses.Loss):
    """Loss of class numbers that is computed by a loss of Keras for one-hot targets.

    Args:
        loss: The loss of Keras for one-hot targets, its name or its configuration.
        name: Name of the loss.
    """

    def __init__(self, loss: Any, name: str = "one_hot_loss", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.loss = keras.losses.get(loss)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        labels = ops.one_hot(ops.cast(ops.reshape(y_true, (-1,)), "int32"), y_pred.shape[-1])
        return getattr(self.loss, "call", self.loss)(labels, y_pred)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "loss": keras.losses.serialize(self.loss)}


def of_class_numbers(loss: Any) -> Any:
    """Return a loss for class numbers as targets: a loss of Keras for one-hot targets becomes a `OneHotLoss`."""
    if not takes_one_hot(loss):
        return loss
    return OneHotLoss(loss, reduction=getattr(loss, "reduction", "sum_over_batch_size"))


def takes_one_hot(loss: Any) -> bool:
    """Return whether a loss is one of Keras's losses for one-hot targets, a function or an object."""
    return isinstance(loss, _ONE_HOT) or loss in _ONE_HOT_FUNCTIONS


def in_training(head: Any, output: keras.KerasTensor) -> Any:
    """Return the loss of a head in training: with label smoothing if the candidate has it and the head no own loss.

    Args:
        head: The `Head`.
        output: Its output, whose layer has the label smoothing of the candidate as the attribute `label_smoothing`.
    """
    label_smoothing = node_graph.attribute(output, "label_smoothing")
    if not label_smoothing or head.loss is not None:
        return head.loss_function()
    return smoothed(head.target.task, label_smoothing)


def smoothed(task: str, label_smoothing: float) -> keras.losses.Loss:
    """Return the cross-entropy of a task of classification with label smoothing.

    Args:
        task: `"binary"`, `"multiclass"` or `"multilabel"`.
        label_smoothing: Share of the labels that is spread over all classes, in [0, 1).
    """
    if task == "multiclass":
        return SmoothedCrossentropy(label_smoothing)
    return keras.losses.BinaryCrossentropy(label_smoothing=label_smoothing)
