"""Metrics: what a trained network's predictions on the validation part are worth."""

import dataclasses
import functools

import keras
import keras_tuner
import numpy as np
from sklearn import metrics as sklearn_metrics


@dataclasses.dataclass(frozen=True)
class Metric:
    """A number computed from the truth and the predictions of one head.

    Args:
        name: Its name, such as `"accuracy"`.
        direction: `"max"` or `"min"`.
        compute: Function `(truth, predictions) -> float`. For classes, the truth is class indices `(n,)` (or an
            indicator matrix) and the predictions are probabilities `(n, n_classes)`; for numbers both are `(n, k)` in
            the target's own units.
    """

    name: str
    direction: str
    compute: callable


def _labels(function, **kwargs):
    def compute(truth, predictions):
        labels = predictions.argmax(1) if truth.ndim == 1 else (predictions > 0.5).astype(int)
        return function(truth, labels, **kwargs)

    return compute


def _auc(truth, predictions):
    if truth.ndim == 2:  # Several labels a row: those that are always or never set have no curve.
        varied = [column for column in range(truth.shape[1]) if 0 < truth[:, column].mean() < 1]
        return sklearn_metrics.roc_auc_score(truth[:, varied], predictions[:, varied], average="macro")
    if predictions.shape[1] == 2:
        return sklearn_metrics.roc_auc_score(truth, predictions[:, 1])
    present = np.unique(truth)
    onehot = truth[:, None] == present[None, :]
    return sklearn_metrics.roc_auc_score(onehot, predictions[:, present], average="macro")


def _average_precision(truth, predictions):
    if truth.ndim == 1:
        if predictions.shape[1] == 2:
            return sklearn_metrics.average_precision_score(truth, predictions[:, 1])
        truth = truth[:, None] == np.arange(predictions.shape[1])[None, :]
    return sklearn_metrics.average_precision_score(truth, predictions, average="macro")


_macro = {"average": "macro", "zero_division": 0.0}
_CLASSIFICATION = {
    "accuracy": ("max", _labels(sklearn_metrics.accuracy_score)),
    "balanced_accuracy": ("max", _labels(sklearn_metrics.balanced_accuracy_score)),
    "f1": ("max", _labels(sklearn_metrics.f1_score, **_macro)),
    "precision": ("max", _labels(sklearn_metrics.precision_score, **_macro)),
    "recall": ("max", _labels(sklearn_metrics.recall_score, **_macro)),
    "auc": ("max", _auc),
    "average_precision": ("max", _average_precision),
    "hamming_loss": ("min", _labels(sklearn_metrics.hamming_loss)),
}
_REGRESSION = {
    "rmse": ("min", sklearn_metrics.root_mean_squared_error),
    "mse": ("min", sklearn_metrics.mean_squared_error),
    "mae": ("min", sklearn_metrics.mean_absolute_error),
    "r2": ("max", sklearn_metrics.r2_score),
}

DEFAULT_METRICS = {
    "binary": ("accuracy", "auc"),
    "multiclass": ("accuracy",),
    "multilabel": ("accuracy", "hamming_loss"),
    "regression": ("rmse", "mae"),
}


def get_metric(metric, task):
    """The metric of a name, a Keras metric, or a function `(truth, predictions)`.

    Args:
        metric: A name of the tables above, of a Keras metric, a `keras.metrics.Metric`, or a function.
        task: The head's task.

    Raises:
        ValueError: If there is no such metric for the task.
    """
    if isinstance(metric, str):
        known = _REGRESSION if task == "regression" else _CLASSIFICATION
        if metric in known and not (metric == "balanced_accuracy" and task == "multilabel"):
            return Metric(metric, *known[metric])
        try:
            metric = keras.metrics.get(metric)
        except ValueError:
            metric = None
        if metric is None:
            raise ValueError(
                f"There is no metric of this name for a {task} target; known are {', '.join(known)} and the metrics "
                "of Keras."
            )
    name = getattr(metric, "name", None) or getattr(metric, "__name__", None)
    if name is None or not callable(metric):
        raise ValueError(f"A metric must be a name, a Keras metric or a function. Received: {metric!r}")
    try:
        direction = keras_tuner.engine.metrics_tracking.infer_metric_direction(metric)
    except (ValueError, AttributeError):
        direction = None
    return Metric(name, direction, functools.partial(_compute_keras, metric))


def _compute_keras(metric, truth, predictions):
    if isinstance(metric, keras.metrics.Metric):
        metric.reset_state()
        wants_column = truth.ndim == 1 and predictions.shape[1] == 2 and not metric.name.startswith("sparse")
        metric.update_state(truth, predictions[:, 1] if wants_column else predictions)
        return float(metric.result())
    return float(np.mean(keras.ops.convert_to_numpy(metric(truth, predictions))))
