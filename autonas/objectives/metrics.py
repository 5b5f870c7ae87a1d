"""Metrics of a trained network's predictions on the validation set."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any, TypeAlias

import keras
import keras_tuner
import numpy as np
from sklearn import metrics as sklearn_metrics
from sklearn.exceptions import UndefinedMetricWarning

from autonas.objectives import custom_score, sklearn_scorers

#: Function of the truth and the predictions, see `Metric`.
_Function: TypeAlias = Callable[[np.ndarray, np.ndarray], float]


@dataclasses.dataclass(frozen=True)
class Metric:
    """A metric of the predictions of one head.

    Args:
        name: Name of the metric, such as `"accuracy"`.
        direction: `"max"` or `"min"`.
        compute: Function `(truth, predictions) -> float`. For classification, the truth holds class indices `(n,)` or
            an indicator matrix `(n, n_classes)`, and the predictions are probabilities `(n, n_classes)`. For
            regression, both have shape `(n, k)` and the target's own units.
        is_optional: Whether the score is NaN for predictions for which the metric raises an error, such as the
            logarithm of negative numbers. Otherwise the error ends the trial. Defaults to `False`.
    """

    name: str
    direction: str | None
    compute: _Function
    is_optional: bool = False

    def __call__(self, truth: np.ndarray, predictions: np.ndarray) -> float:
        """Compute the metric, a float. NaN if the metric is undefined, such as the AUC of rows of a single class."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UndefinedMetricWarning)
            warnings.filterwarnings("ignore", "y_pred contains classes not in y_true")
            return float(self.compute(truth, predictions))


def _labels(function: _Function) -> _Function:
    def compute(truth: np.ndarray, predictions: np.ndarray) -> float:
        labels = predictions.argmax(1) if truth.ndim == 1 else (predictions > 0.5).astype(int)
        return function(truth, labels)

    return compute


def _auc(truth: np.ndarray, predictions: np.ndarray) -> float:
    if truth.ndim == 2:  # Several labels per row. The AUC of a constant label is undefined.
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


def _average_precision(truth: np.ndarray, predictions: np.ndarray) -> float:
    if truth.ndim == 1:
        if predictions.shape[1] == 2:
            return sklearn_metrics.average_precision_score(truth, predictions[:, 1])
        truth = truth[:, None] == np.arange(predictions.shape[1])[None, :]
    return sklearn_metrics.average_precision_score(truth, predictions, average="macro")


_CLASSIFICATION = {
    "accuracy": ("max", _labels(sklearn_metrics.accuracy_score)),
    "balanced_accuracy": ("max", _labels(sklearn_metrics.balanced_accuracy_score)),
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


#: Keras's metrics of regression: the last component of their modules, and their names.
_NUMBER_MODULES = ("regression_metrics", "correlation_metrics")
_NUMBER_FUNCTIONS = (
    "cosine_similarity", "huber", "log_cosh", "mean_absolute_error", "mean_absolute_percentage_error",
    "mean_squared_error", "mean_squared_logarithmic_error", "poisson",
)  # fmt: skip
#: Metrics of regression that also apply to probabilities, such as the Brier score.
_ALSO_OF_PROBABILITIES = (
    "MeanAbsoluteError", "MeanSquaredError", "RootMeanSquaredError", "mean_absolute_error", "mean_squared_error",
)  # fmt: skip
#: Scores of scikit-learn that need an average for more than two classes, and the averages.
_AVERAGED = ("f1", "jaccard", "precision", "recall")
_AVERAGES = {"multiclass": ("macro", "micro", "weighted"), "multilabel": ("macro", "micro", "weighted", "samples")}
#: Directions of scikit-learn's functions by the endings of their names.
_ENDINGS = {"_score": "max", "_error": "min", "_loss": "min", "_deviance": "min"}


def get_metric(metric: Any, task: str) -> Metric:
    """Return the `Metric` for a name, a Keras metric, or a function `(truth, predictions)`.

    Keras metrics receive class indices if they are sparse, one column of probabilities for two classes, and one-hot
    rows otherwise. The direction of a function follows the end of its name, as in scikit-learn: `_score` is maximised;
    `_error`, `_loss` and `_deviance` are minimised. The direction of other functions is `None`.

    Args:
        metric: One of the following:

            - a name of autonas, such as `"accuracy"`, `"auc"` or `"rmse"`
            - the name of a scorer of scikit-learn, such as `"roc_auc"`, `"f1_macro"` or `"neg_log_loss"`; all of
              them are maximised
            - the name of a Keras metric, or a `keras.metrics.Metric`
            - a `CustomMetric`
            - a function, see `Metric`
        task: Task of the head.

    Raises:
        ValueError: If the metric isn't defined for the task. The message lists the names of autonas.
    """
    name = metric if isinstance(metric, str) else name_of(metric)
    if isinstance(metric, custom_score.CustomMetric) and name is not None:
        return Metric(name, metric.direction, functools.partial(_compute_keras, metric.function))
    if isinstance(metric, str):
        known = _own(task)
        if metric in known:
            return Metric(metric, *known[metric])
        if metric in _AVERAGED and task in _AVERAGES:
            averaged = ", ".join(f"{metric}_{average}" for average in _AVERAGES[task])
            raise ValueError(
                f"{metric!r} is defined for two classes only, as in scikit-learn. For a {task} target use {averaged}."
            )
        if metric in _scorer_names(task):
            scorer = sklearn_scorers.PredictionScorer(sklearn_metrics.get_scorer(metric), task)
            return Metric(metric, "max", scorer)
        try:
            metric = keras.metrics.get(metric)
        except ValueError:
            metric = None
    if name is not None and (metric is None or callable(metric)):
        if metric is None or not _suits(metric, task):
            raise ValueError(
                f"No metric of this name exists for a {task} target. Use {', '.join(_own(task))}, or a scorer of "
                "scikit-learn or metric of Keras for such targets."
            )
        return Metric(name, _direction(metric), functools.partial(_compute_keras, metric))
    raise ValueError(
        "A metric must be a name, such as 'f1_macro' for a scorer of scikit-learn, a Keras metric, a function or a "
        f"CustomMetric. Received: {type(metric).__name__}"
    )


def _own(task: str) -> dict[str, tuple[str, _Function]]:
    """Return the metrics of autonas for a task, a dict from name to direction and function."""
    if task == "regression":
        return _REGRESSION
    return {
        name: definition
        for name, definition in _CLASSIFICATION.items()
        if (name, task) != ("balanced_accuracy", "multilabel")
    }


def _scorer_names(task: str) -> list[str]:
    """Return the names of scikit-learn's scorers for regression or classification."""
    is_for_numbers = task == "regression"
    names = [
        name
        for name in sklearn_metrics.get_scorer_names()
        if sklearn_metrics.get_scorer(name)._score_func.__module__.endswith("_regression") == is_for_numbers
    ]
    return [name for name in names if name not in _own(task) and not (name in _AVERAGED and task in _AVERAGES)]


def scorer_of(function: Any, task: str) -> str | None:
    """Return the name of the scorer of scikit-learn that computes a function, `None` if there is none."""
    return next(
        (name for name in _scorer_names(task) if sklearn_metrics.get_scorer(name)._score_func is function), None
    )


def _kind(metric: Any) -> tuple[str | None, str]:
    """Return the last component of the Keras module that defines a metric, `None` outside Keras, and the class name."""
    defined = metric if inspect.isclass(metric) or inspect.isfunction(metric) else type(metric)
    if isinstance(metric, keras.metrics.MeanMetricWrapper) and type(metric) is keras.metrics.MeanMetricWrapper:
        defined = metric._fn
    package, _, module = getattr(defined, "__module__", "").rpartition(".")
    return (module if package.startswith("keras.") else None), getattr(defined, "__name__", "")


def _suits(metric: Any, task: str) -> bool:
    """Return whether a metric of Keras applies to a task. Metrics from other packages always do."""
    module, name = _kind(metric)
    if module is None or module in ("metric", "reduction_metrics"):
        return True
    is_of_numbers = module in _NUMBER_MODULES or name in (*_NUMBER_FUNCTIONS, "Poisson")
    if task == "regression":
        return is_of_numbers
    # `Accuracy` compares labels to probabilities, which are never equal.
    return name != "Accuracy" and (not is_of_numbers or name in _ALSO_OF_PROBABILITIES)


def _direction(metric: Any) -> str | None:
    """Return the direction of a metric, `"max"`, `"min"`, or `None` if unknown."""
    known = {"up": "max", "down": "min"}.get(getattr(metric, "_direction", ""))
    if known is None:
        name = name_of(metric) or ""
        known = next((direction for ending, direction in _ENDINGS.items() if name.endswith(ending)), None)
    if known is None:
        try:
            known = keras_tuner.engine.metrics_tracking.infer_metric_direction(metric)
        except (ValueError, AttributeError):
            known = None
    return known


def name_of(metric: Any) -> str | None:
    """Return the name of a Keras metric or a function, `None` if there is no name."""
    return getattr(metric, "name", None) or getattr(metric, "__name__", None)


def by_name(metrics: Any) -> dict[str | None, Any]:
    """Return a dict from name to metric of a metric, a list of metrics or a dict of lists, without strings."""
    if isinstance(metrics, dict):
        metrics = list(metrics.values())
    if isinstance(metrics, (list, tuple)):
        return {name: metric for nested in metrics for name, metric in by_name(nested).items()}
    return {} if metrics is None or isinstance(metrics, str) else {name_of(metrics): metrics}


def describe(metric: Any) -> str:
    """Return a metric or loss as text for an error message."""
    return repr(metric)[:60] if isinstance(metric, str) else str(name_of(metric) or type(metric).__name__)[:60]


def _compute_keras(metric: Any, truth: np.ndarray, predictions: np.ndarray) -> float:
    if isinstance(metric, keras.metrics.Metric):
        metric.reset_state()
        # Without a threshold, an F-score predicts the class of the largest column, so it needs one column per class.
        is_argmax = isinstance(metric, keras.metrics.FBetaScore) and metric.threshold is None
        name = "categorical" if is_argmax else type(metric).__name__
        metric.update_state(*_as_keras(name, truth, predictions))
        result = np.asarray(keras.ops.convert_to_numpy(metric.result()))
        if result.size != 1:
            raise ValueError(
                f"A metric must be one number. {type(metric).__name__} returned {result.size} numbers. Set `average`, "
                f'such as keras.metrics.{type(metric).__name__}(average="macro").'
            )
        return float(result.reshape(()))
    if metric.__module__.split(".")[0] == "keras":
        truth, predictions = _as_keras(metric.__name__, truth, predictions)
    result = np.asarray(keras.ops.convert_to_numpy(metric(truth, predictions)))
    # Losses of Keras are functions with a number for each row.
    if result.size != 1 and result.shape[:1] != truth.shape[:1]:
        raise ValueError(
            f"A metric must be one number, or one for each row. {describe(metric)} returned an array of shape "
            f"{result.shape} for {len(truth)} rows."
        )
    return float(np.mean(result))


def _as_keras(name: str, truth: np.ndarray, predictions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return truth and predictions as a Keras metric expects: indices, one-hot rows, or one column for two classes."""
    name = name.lower().replace("_", "")
    if truth.ndim == 2 or name.startswith("sparse"):
        return truth, predictions
    if predictions.shape[1] == 2 and not name.startswith(("categorical", "topk")):
        return truth[:, None], predictions[:, 1:]
    return np.eye(predictions.shape[1], dtype="float32")[truth], predictions
