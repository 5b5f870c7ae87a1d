"""Metrics: what a trained network's predictions on the validation part are worth."""

import dataclasses
import functools
import warnings

import keras
import keras_tuner
import numpy as np
from sklearn import metrics as sklearn_metrics
from sklearn.exceptions import UndefinedMetricWarning

from autonas.objectives import scorers


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

    def __call__(self, truth, predictions):
        """The metric as a float, NaN where it has no meaning, such as the AUC of rows of one class."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UndefinedMetricWarning)
            warnings.filterwarnings("ignore", "y_pred contains classes not in y_true")
            return float(self.compute(truth, predictions))


def _labels(function, **kwargs):
    def compute(truth, predictions):
        labels = predictions.argmax(1) if truth.ndim == 1 else (predictions > 0.5).astype(int)
        return function(truth, labels, **kwargs)

    return compute


def _auc(truth, predictions):
    if truth.ndim == 2:  # Several labels a row: those that are always or never set have no curve.
        varied = [column for column in range(truth.shape[1]) if 0 < truth[:, column].mean() < 1]
        if not varied:
            return float("nan")
        return sklearn_metrics.roc_auc_score(truth[:, varied], predictions[:, varied], average="macro")
    if predictions.shape[1] == 2:
        return sklearn_metrics.roc_auc_score(truth, predictions[:, 1])
    present = np.unique(truth)
    if len(present) == 1:
        return float("nan")
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
        metric: A name of the tables above, of a scorer of scikit-learn (`"roc_auc"`, `"f1_macro"`, `"neg_log_loss"`;
            larger is better for all of them), of a Keras metric, a `keras.metrics.Metric`, or a function (see
            `Metric`). Metrics of Keras are given what they take: class indices if they are sparse, one column for two
            classes, one-hot rows otherwise.
        task: The head's task.

    Raises:
        ValueError: If there is no such metric for the task.
    """
    name = metric if isinstance(metric, str) else name_of(metric)
    if isinstance(metric, str):
        known = _REGRESSION if task == "regression" else _CLASSIFICATION
        if metric in known and not (metric == "balanced_accuracy" and task == "multilabel"):
            return Metric(metric, *known[metric])
        if metric in sklearn_metrics.get_scorer_names():
            scorer = scorers.PredictionScorer(sklearn_metrics.get_scorer(metric), task)
            return Metric(metric, "max", scorer)
        try:
            metric = keras.metrics.get(metric)
        except ValueError:
            metric = None
        if metric is None:
            raise ValueError(
                f"There is no metric of this name for a {task} target; known are {', '.join(known)}, the scorers of "
                "scikit-learn and the metrics of Keras."
            )
    if name is None or not callable(metric):
        raise ValueError(f"A metric must be a name, a Keras metric or a function. Received: {type(metric).__name__}")
    try:
        direction = keras_tuner.engine.metrics_tracking.infer_metric_direction(metric)
    except (ValueError, AttributeError):
        direction = None
    return Metric(name, direction, functools.partial(_compute_keras, metric))


def name_of(metric):
    """The name of a Keras metric or a function, `None` if it has none."""
    return getattr(metric, "name", None) or getattr(metric, "__name__", None)


def by_name(metrics):
    """Dict from name to metric of one metric, or of all in a list or in a dict of lists; strings are left out."""
    if isinstance(metrics, dict):
        metrics = list(metrics.values())
    if isinstance(metrics, (list, tuple)):
        return {name: metric for each in metrics for name, metric in by_name(each).items()}
    return {} if metrics is None or isinstance(metrics, str) else {name_of(metrics): metrics}


def describe(metric):
    """A metric or loss in an error message."""
    return repr(metric)[:60] if isinstance(metric, str) else str(name_of(metric) or type(metric).__name__)[:60]


def _compute_keras(metric, truth, predictions):
    if isinstance(metric, keras.metrics.Metric):
        metric.reset_state()
        metric.update_state(*_as_keras(type(metric).__name__, truth, predictions))
        return float(metric.result())
    if metric.__module__.split(".")[0] == "keras":
        truth, predictions = _as_keras(metric.__name__, truth, predictions)
    return float(np.mean(keras.ops.convert_to_numpy(metric(truth, predictions))))


def _as_keras(name, truth, predictions):
    """Classes as a metric of Keras takes them: indices, one-hot rows, or a column for two classes."""
    name = name.lower().replace("_", "")
    if truth.ndim == 2 or name.startswith("sparse"):
        return truth, predictions
    if predictions.shape[1] == 2 and not name.startswith(("categorical", "topk")):
        return truth[:, None], predictions[:, 1:]
    return np.eye(predictions.shape[1], dtype="float32")[truth], predictions
