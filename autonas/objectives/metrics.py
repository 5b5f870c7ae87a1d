"""Metrics: what a trained network's predictions on the validation part are worth."""

import dataclasses
import functools
import inspect
import warnings

import keras
import keras_tuner
import numpy as np
from sklearn import metrics as sklearn_metrics
from sklearn.exceptions import UndefinedMetricWarning

from autonas.objectives import custom_score, sklearn_scorers


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


def _labels(function):
    def compute(truth, predictions):
        labels = predictions.argmax(1) if truth.ndim == 1 else (predictions > 0.5).astype(int)
        return function(truth, labels)

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


#: Metrics of numbers, by the last part of the module of Keras that defines them, and by their names.
_NUMBER_MODULES = ("regression_metrics", "correlation_metrics")
_NUMBER_FUNCTIONS = (
    "cosine_similarity", "huber", "log_cosh", "mean_absolute_error", "mean_absolute_percentage_error",
    "mean_squared_error", "mean_squared_logarithmic_error", "poisson",
)  # fmt: skip
#: Errors of numbers that say something of probabilities, too, as the Brier score does.
_ALSO_OF_PROBABILITIES = (
    "MeanAbsoluteError", "MeanSquaredError", "RootMeanSquaredError", "mean_absolute_error", "mean_squared_error",
)  # fmt: skip
#: Scores of scikit-learn that need an average to be named for more than two classes, and the averages.
_AVERAGED = ("f1", "jaccard", "precision", "recall")
_AVERAGES = {"multiclass": ("macro", "micro", "weighted"), "multilabel": ("macro", "micro", "weighted", "samples")}
#: What scikit-learn's functions are to be, by the ends of their names.
_ENDINGS = {"_score": "max", "_error": "min", "_loss": "min", "_deviance": "min"}


def get_metric(metric, task):
    """Return the metric of a name, a Keras metric, or a function `(truth, predictions)`.

    Args:
        metric: A name of the tables above, of a scorer of scikit-learn (`"roc_auc"`, `"f1_macro"`, `"neg_log_loss"`;
            larger is better for all of them), of a Keras metric, a `keras.metrics.Metric`, a `CustomMetric`, or a
            function (see `Metric`). Metrics of Keras are given what they take: class indices if they are sparse, one
            column for two classes, one-hot rows otherwise. A function whose name ends with `_score` is to be large,
            with `_error`, `_loss` or `_deviance` small, as in scikit-learn; the direction of others is `None`.
        task: The head's task.

    Raises:
        ValueError: If there is no such metric for the task. The message names those that there are.
    """
    if isinstance(metric, custom_score.CustomMetric):
        return Metric(metric.name, metric.direction, functools.partial(_compute_keras, metric.function))
    name = metric if isinstance(metric, str) else name_of(metric)
    if isinstance(metric, str):
        known = _own(task)
        if metric in known:
            return Metric(metric, *known[metric])
        if metric in _AVERAGED and task in _AVERAGES:
            averaged = ", ".join(f"{metric}_{average}" for average in _AVERAGES[task])
            raise ValueError(f"It is defined for two classes, as in scikit-learn. For a {task} target use {averaged}.")
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
                f"There is no metric of this name for a {task} target; known are {', '.join(_own(task))}, and the "
                "scorers of scikit-learn and the metrics of Keras for such targets."
            )
        return Metric(name, _direction(metric), functools.partial(_compute_keras, metric))
    raise ValueError(f"A metric must be a name, a Keras metric or a function. Received: {type(metric).__name__}")


def _own(task):
    """Return the metrics of the tables above for a task."""
    if task == "regression":
        return _REGRESSION
    return {name: each for name, each in _CLASSIFICATION.items() if (name, task) != ("balanced_accuracy", "multilabel")}


def _scorer_names(task):
    """Return the names of scikit-learn's scorers for numbers or for classes."""
    is_for_numbers = task == "regression"
    names = [
        name
        for name in sklearn_metrics.get_scorer_names()
        if sklearn_metrics.get_scorer(name)._score_func.__module__.endswith("_regression") == is_for_numbers
    ]
    return [name for name in names if name not in _own(task) and not (name in _AVERAGED and task in _AVERAGES)]


def _kind(metric):
    """Return the last part of the module that defines a metric of Keras, and the metric's own name."""
    defined = metric if inspect.isclass(metric) or inspect.isfunction(metric) else type(metric)
    if isinstance(metric, keras.metrics.MeanMetricWrapper) and type(metric) is keras.metrics.MeanMetricWrapper:
        defined = metric._fn
    package, _, module = getattr(defined, "__module__", "").rpartition(".")
    return (module if package.startswith("keras.") else None), getattr(defined, "__name__", "")


def _suits(metric, task):
    """Return whether a metric of Keras says anything of a task; metrics of others are not judged."""
    module, name = _kind(metric)
    if module is None or module in ("metric", "reduction_metrics"):
        return True
    is_of_numbers = module in _NUMBER_MODULES or name in (*_NUMBER_FUNCTIONS, "Poisson")
    if task == "regression":
        return is_of_numbers
    # `Accuracy` compares labels to probabilities, which are never equal.
    return name != "Accuracy" and (not is_of_numbers or name in _ALSO_OF_PROBABILITIES)


def _direction(metric):
    """Return `"max"`, `"min"`, or `None` if it is unknown which values of a metric are better."""
    known = {"up": "max", "down": "min"}.get(getattr(metric, "_direction", None))
    if known is None:
        name = name_of(metric)
        known = next((direction for ending, direction in _ENDINGS.items() if name.endswith(ending)), None)
    if known is None:
        try:
            known = keras_tuner.engine.metrics_tracking.infer_metric_direction(metric)
        except (ValueError, AttributeError):
            known = None
    return known


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
        # Of one column, F-scores without a threshold would take the largest value, the only one.
        is_argmax = isinstance(metric, keras.metrics.FBetaScore) and metric.threshold is None
        name = "categorical" if is_argmax else type(metric).__name__
        metric.update_state(*_as_keras(name, truth, predictions))
        result = np.asarray(keras.ops.convert_to_numpy(metric.result()))
        if result.size != 1:
            raise ValueError(
                f"It gives {result.size} numbers, where one is needed. Give it `average`, such as "
                f'keras.metrics.{type(metric).__name__}(average="macro").'
            )
        return float(result.reshape(()))
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
