"""Encoding of targets for a network, and decoding of its predictions to labels or numbers."""

import numpy as np
import pandas as pd

from autonas import storage
from autonas.arguments.checks import check_integer
from autonas.arguments.scalars import plain
from autonas.data import kinds, target_arrays
from autonas.data.checks import check_strings, warn_of_confused_integers
from autonas.data.kinds import as_target_array, infer_task, is_categorical, is_indicator

TASKS = ("binary", "multiclass", "multilabel", "regression", "classification")

_THRESHOLD = 0.5

#: Shape of a config; see `storage.check_shape`.
_SHAPE = {
    "task": (*TASKS, None),
    "num_classes": (int, None),
    "scale": bool,
    "center?": bool,
    "bounded?": bool,
    "fitted?": {
        "task": ("binary", "multiclass", "multilabel", "regression"),
        "n_outputs": int,
        "one_dimensional": bool,
        "dtype": str,
        "classes": ([(str, float, bool)], None),
        "classes_dtype": (str, None),
        "mean": ([float], None),
        "deviation": ([float], None),
        "threshold?": float,
        "nonnegative?": [bool],
    },
}


class TargetEncoder:
    """Encoder of the targets of a head, for all tasks.

    Args:
        task: `"binary"`, `"multiclass"`, `"multilabel"`, `"regression"`, or `"classification"` to infer one of the
            first three from `y`. Defaults to `None`: inferred from `y` by `autonas.data.infer_task`.
        num_classes: Number of classes. With integer labels the classes are `0, ..., num_classes - 1`, including
            classes that don't occur in `y`. Defaults to `None`: the distinct labels in `y`.
        scale: Whether to standardise regression targets by mean and standard deviation of the training set. Defaults
            to `True`.
        center: Whether the mean is subtracted, too. Defaults to `True`.
        bounded: Whether decoded numbers of a regression respect the lower bound 0; see `nonnegative_`. Must be `False`
            if the outputs of the network aren't predictions of the target. Defaults to `True`.

    Attributes:
        task_: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`.
        classes_: Array of the classes in the order of the probabilities, for multilabel targets of the column indices,
            for regression `None`.
        n_outputs_: Number of units of the output layer: 1 for a binary task, otherwise the number of classes, labels or
            target columns.
        units_: After `fit` without `scale`, the means and standard deviations of regression targets, a tuple of two
            lists; otherwise `None`.
        nonnegative_: Whether 0 is the lower bound of each column of a regression target, a boolean array; see
            `target_arrays.is_nonnegative`. `None` for classification.
        threshold_: Probability of the second of two classes above which it is predicted, 0.5 after `fit`.
        target_shape: Shape of an encoded target: `()` for a multiclass task, otherwise `(n_outputs_,)`.
    """

    def __init__(self, task=None, num_classes=None, scale=True, center=True, bounded=True):
        self.task = task
        self.num_classes = num_classes
        self.scale = scale
        self.center = center
        self.bounded = bounded

    def fit(self, y, rows=None, weights=None):
        """Determine the task and the classes, or the mean and standard deviation, of targets.

        Args:
            y: Targets `(rows,)` or `(rows, columns)`. All rows determine the classes.
            rows: Integer indices of the training set, which determines mean and standard deviation. Defaults to
                `None`: all rows.
            weights: Weight of each row in mean and standard deviation, `(rows,)`, with a weight above zero in the
                training set. Defaults to `None`: equal weights.

        Returns:
            self.

        Raises:
            ValueError: If `y` has missing or infinite values, has a single class, or is incompatible with `task`.
        """
        if self.task is not None and self.task not in TASKS:
            raise ValueError(f"`task` must be one of {TASKS} or None. Received: task={self.task!r}")
        target_arrays.warn_about_column_vector(y)
        values = as_target_array(y)
        if len(values) == 0:
            raise ValueError("`y` must hold at least one row. Received: 0 rows")
        target_arrays.check_finite(values)
        self.task_ = self._find_task(values, is_categorical(y))
        self.one_dimensional_ = values.ndim == 1
        self.dtype_ = target_arrays.dtype_name(values)
        self.classes_ = self.mean_ = self.deviation_ = self.units_ = self.nonnegative_ = None
        self.threshold_ = _THRESHOLD
        if self.task_ == "regression":
            self._fit_regression(values, rows, weights)
        elif self.task_ == "multilabel":
            if not is_indicator(values):
                raise ValueError("`y` must hold only 0 and 1 for task='multilabel'. Received: other values")
            if self.task != "multilabel":
                target_arrays.warn_about_one_hot_rows(values)
            self.n_outputs_ = 1 if values.ndim == 1 else values.shape[1]
            self.classes_ = np.arange(self.n_outputs_)
        else:
            self.classes_ = self._find_classes(values)
            self.n_outputs_ = 1 if self.task_ == "binary" else len(self.classes_)
        return self

    @property
    def target_shape(self):
        """Shape of an encoded target, without the batch axis."""
        return () if self.task_ == "multiclass" else (self.n_outputs_,)

    def transform(self, y):
        """Encode targets.

        Args:
            y: Targets as in `fit`.

        Returns:
            For a binary task float32 `(rows, 1)` of 0 and 1, for a multiclass task int32 `(rows,)` of class indices,
            for a multilabel task float32 `(rows, labels)` of 0 and 1, for a regression float32 `(rows, columns)`,
            standardised if `scale`.

        Raises:
            ValueError: If `y` has missing or infinite values, labels that don't occur in `fit`, or another number of
                columns.
        """
        targets = self.comparable(y)
        if self.task_ == "multilabel":
            return targets.astype("float32")
        if self.task_ == "regression":
            return ((targets - self.mean_) / self.deviation_).astype("float32")
        if (targets < 0).any():
            unseen = pd.unique(pd.Series(target_arrays.finite(y)[targets < 0]))
            names = ", ".join(repr(plain(label)) for label in unseen[:5])
            more = f" and {len(unseen) - 5} more" if len(unseen) > 5 else ""
            raise ValueError(f"`y` has labels that were not seen in training: {names}{more}")
        return targets.astype("float32")[:, None] if self.task_ == "binary" else targets.astype("int32")

    def comparable(self, y):
        """Return targets as scikit-learn's scores compare them: codes of classes, indicators, or float64 numbers.

        A score takes no fractional numbers as labels, but any codes.

        Args:
            y: Targets as in `fit`.

        Returns:
            As in `codes`, or an array `(rows, n_outputs_)`.

        Raises:
            ValueError: If `y` isn't of the kind in `fit`, has another number of columns, or missing or infinite values.
        """
        if self.task_ in ("binary", "multiclass"):
            return self.codes(y)
        values = target_arrays.finite(y)
        matrix = values.reshape(len(values), -1)
        if matrix.shape[1] != self.n_outputs_:
            raise ValueError(f"`y` must have {self.n_outputs_} columns as in fit. Received: {matrix.shape[1]}")
        if self.task_ == "regression":
            return target_arrays.as_floats(matrix)
        if not is_indicator(matrix):
            raise ValueError("`y` must hold only 0 and 1 as in fit. Received: other values")
        return matrix

    def codes(self, y):
        """Return the position of each label in `classes_`, -1 for a label that doesn't occur in `fit`, `(rows,)`.

        Raises:
            ValueError: If `y` isn't one column of booleans, numbers or strings as in `fit`, or has missing values.
        """
        values = target_arrays.finite(y)
        if values.ndim == 2:
            raise ValueError(f"`y` must have one column of labels as in fit. Received: {values.shape[1]} columns")
        expected, received = target_arrays.kind_of_labels(self.classes_), target_arrays.kind_of_labels(values)
        if received != expected:
            raise ValueError(
                f"`y` must hold labels as in fit, {expected} such as {plain(self.classes_[0])!r:.60}. Received: "
                f"{received} such as {plain(values[0])!r:.60}"
            )
        return pd.Index(self.classes_).get_indexer(pd.Index(values))

    def decode(self, predictions):
        """Decode the outputs of the network to labels or numbers.

        Args:
            predictions: Array `(rows, n_outputs_)` of probabilities, for a regression of standardised numbers.

        Returns:
            For a binary or multiclass task labels `(rows,)` with the dtype of `classes_`. For a multilabel task an
            indicator matrix with the dtype of `y`. For a regression numbers with the unit and the number of dimensions
            of `y`.
        """
        predictions = np.asarray(predictions)
        if self.task_ == "binary":
            return self.classes_[(predictions.reshape(len(predictions)) > self.threshold_).astype(int)]
        if self.task_ == "multiclass":
            return self.classes_[predictions.argmax(axis=1)]
        if self.task_ == "multilabel":
            decoded = (predictions > 0.5).astype(self.dtype_)
        else:
            decoded = self.numbers(predictions)
            decoded = decoded.astype(self.dtype_) if np.dtype(self.dtype_).kind == "f" else decoded
        return decoded.reshape(len(decoded)) if self.one_dimensional_ else decoded

    def numbers(self, predictions):
        """Return the numbers of a regression in the unit of the target from the outputs of the network.

        Numbers below the lower bound of a column are replaced by the bound, which is nearer to every target.

        Args:
            predictions: Array `(rows, n_outputs_)`.

        Returns:
            Array `(rows, n_outputs_)` of float64.
        """
        numbers = self.unscaled(predictions)
        return np.where(self.nonnegative_, np.maximum(numbers, 0.0), numbers)

    def unscaled(self, encoded):
        """Return encoded targets of a regression, `(rows, n_outputs_)`, in the unit of the target."""
        return encoded.astype("float64") * self.deviation_ + self.mean_

    def probabilities(self, predictions):
        """Return the probabilities of a classification from the outputs of the network.

        Args:
            predictions: Array `(rows, n_outputs_)`.

        Returns:
            Array `(rows, classes)` in the order of `classes_`; for a multilabel task `(rows, labels)`.

        Raises:
            ValueError: If the task is a regression.
        """
        predictions = np.asarray(predictions)
        if self.task_ == "regression":
            raise ValueError("probabilities exist only for classification. Received: a regression task")
        if self.task_ == "binary":
            positive = predictions.reshape(len(predictions), 1)
            return np.concatenate([1 - positive, positive], axis=1)
        return predictions

    def get_config(self):
        config = {name: getattr(self, name) for name in ("task", "num_classes", "scale", "center", "bounded")}
        if hasattr(self, "task_"):
            config["fitted"] = {
                "task": self.task_,
                "n_outputs": self.n_outputs_,
                "one_dimensional": self.one_dimensional_,
                "dtype": self.dtype_,
                "classes": None if self.classes_ is None else self.classes_.tolist(),
                "classes_dtype": None if self.classes_ is None else target_arrays.dtype_name(self.classes_),
                "mean": None if self.mean_ is None else self.mean_.tolist(),
                "deviation": None if self.deviation_ is None else self.deviation_.tolist(),
            }
            if self.threshold_ != _THRESHOLD:
                config["fitted"]["threshold"] = self.threshold_
            if self.task_ == "regression":
                config["fitted"]["nonnegative"] = self.nonnegative_.tolist()
        return config

    @classmethod
    def from_config(cls, config):
        """Return the encoder with a config of `get_config`.

        Raises:
            ValueError: If a key of the config is missing or unknown, or a value has a wrong type.
        """
        storage.check_shape(config, _SHAPE, "config")
        names = ("task", "num_classes", "scale", "center", "bounded")
        encoder = cls(**{name: config[name] for name in names if name in config})
        fitted = config.get("fitted")
        if fitted is not None:
            encoder.task_ = fitted["task"]
            encoder.threshold_ = fitted.get("threshold", _THRESHOLD)
            encoder.n_outputs_ = fitted["n_outputs"]
            encoder.one_dimensional_ = fitted["one_dimensional"]
            encoder.dtype_ = fitted["dtype"]
            classes = fitted["classes"]
            encoder.classes_ = None if classes is None else np.array(classes, dtype=fitted["classes_dtype"])
            encoder.mean_ = None if fitted["mean"] is None else np.array(fitted["mean"], dtype="float64")
            encoder.deviation_ = None if fitted["deviation"] is None else np.array(fitted["deviation"], "float64")
            encoder.nonnegative_ = None
            if encoder.task_ == "regression":
                encoder.nonnegative_ = np.array(fitted.get("nonnegative", [False] * encoder.n_outputs_))
        return encoder

    def _find_task(self, values, are_categories):
        """Return the task of targets; any numbers can be labels if they `are_categories`."""
        if self.task is None and self.num_classes is None and not are_categories:
            return infer_task(values)
        if self.task in (None, "classification"):
            return self._find_class_task(values, are_categories)
        if self.task in ("binary", "multiclass"):
            target_arrays.check_labels(values, are_categories)
        return self.task

    def _find_class_task(self, values, are_categories):
        if values.ndim == 2:
            if is_indicator(values):
                return "multilabel"
            several = "" if values.dtype.kind in "biuf" else f" {kinds.SEVERAL_LABELS}."
            raise ValueError(
                "Unknown label type: several columns. Classification takes one column of "
                "labels or an indicator matrix of 0 and 1." + several
            )
        target_arrays.check_labels(values, are_categories)
        n_classes = len(pd.unique(pd.Series(values))) if self.num_classes is None else self.num_classes
        return "multiclass" if n_classes > 2 else "binary"

    def _find_classes(self, values):
        classes = np.unique(values)
        check_strings((label for label in classes.tolist() if isinstance(label, str)), "`y`")
        if self.num_classes is not None:
            check_integer("num_classes", self.num_classes, 2)
            if len(classes) > self.num_classes:
                raise ValueError(
                    f"`num_classes` must be at least the number of classes in `y`, {len(classes)}. "
                    f"Received: num_classes={self.num_classes}"
                )
            if classes.dtype.kind in "iu":
                if classes[0] < 0 or classes[-1] >= self.num_classes:
                    raise ValueError(
                        f"`y` must hold the classes 0 to {self.num_classes - 1} for "
                        f"num_classes={self.num_classes}. Received: {classes[0]} to {classes[-1]}"
                    )
                classes = np.arange(self.num_classes, dtype=classes.dtype)
            elif len(classes) < self.num_classes:
                raise ValueError(
                    f"`num_classes` may exceed the number of classes in `y`, {len(classes)}, only for "
                    f"integer labels. Received: num_classes={self.num_classes}"
                )
        if len(classes) < 2:
            raise ValueError(f"`y` must hold at least two classes. Received: one class, {plain(classes[0])!r}")
        if self.task_ == "binary" and len(classes) > 2:
            raise ValueError(f"`y` must hold two classes for a binary task. Received: {len(classes)} classes")
        return classes

    def _fit_regression(self, values, rows, weights):
        matrix = target_arrays.as_floats(values.reshape(len(values), -1))
        if values.ndim == 1:
            warn_of_confused_integers(pd.Series(values), matrix[:, 0], "`y`")
        rows = np.arange(len(matrix)) if rows is None else rows
        training, weights = matrix[rows], None if weights is None else weights[rows].astype("float64")
        self.n_outputs_ = matrix.shape[1]
        self.nonnegative_ = (matrix >= 0).all(axis=0) & target_arrays.is_nonnegative(training, weights) & self.bounded
        self.mean_ = np.zeros(self.n_outputs_)
        self.deviation_ = np.ones(self.n_outputs_)
        mean = np.average(training, axis=0, weights=weights)
        deviation = np.sqrt(np.average((training - mean) ** 2, axis=0, weights=weights))
        deviation = np.where(deviation > 1e-12 * np.abs(mean), deviation, 1.0)
        if self.scale:
            self.deviation_ = deviation
            self.mean_ = mean if self.center else self.mean_
        else:
            self.units_ = mean.tolist(), deviation.tolist()
