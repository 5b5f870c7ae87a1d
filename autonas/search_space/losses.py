"""Cross-entropies of classifications with smoothed labels."""

from typing import Any

import keras
from keras import ops


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


def smoothed(task: str, label_smoothing: float) -> keras.losses.Loss:
    """Return the cross-entropy of a task of classification with label smoothing.

    Args:
        task: `"binary"`, `"multiclass"` or `"multilabel"`.
        label_smoothing: Share of the labels that is spread over all classes, in [0, 1).
    """
    if task == "multiclass":
        return SmoothedCrossentropy(label_smoothing)
    return keras.losses.BinaryCrossentropy(label_smoothing=label_smoothing)
