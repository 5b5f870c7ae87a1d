"""Logistic regression of vectors."""

from __future__ import annotations

import dataclasses
import functools
import time
import warnings
from typing import Any

import keras
import keras_tuner
import numpy as np

from autonas.search_space import block, calibration, losses
from autonas.search_space.blocks import arguments, reduction
from autonas.search_space.fitted import fitters, ridge, strengths
from autonas.search_space.fitted.fitters import Rows
from autonas.search_space.target import Target

#: Inverse strengths of the L2 penalty, scikit-learn's `C`, that are compared, and the position of the first one.
_STRENGTHS, _FIRST = np.logspace(-3, 3, 13).tolist(), 5
#: Relative gain of the loss that a penalty must have for a further one to be tried.
_LEAST_GAIN = 0.002
#: Number of parts of the training rows, each of which is predicted by a fit on the other ones. Of more than so many
#: rows, only one part is predicted.
_FOLDS, _MANY_ROWS = 5, 5000
#: Largest number of values of all features, and of their products with coefficients in a step: a fit takes seconds.
_MOST_VALUES, _MOST_PRODUCTS = 5_000_000, 300_000_000
#: Largest share of the time until the deadline in which penalties are tried.
_SHARE = 0.15
#: Largest number of steps of a fit.
_STEPS = 100
#: Smallest count of a class without training rows.
_UNSEEN = 0.5


class LogisticBlock(block.Block):
    """Logistic regression of features, which predicts the target itself.

    The features are standardised, the squares of the coefficients are penalised, and the penalty has the smallest
    cross-entropy in cross-validation on the training rows. Several classes have one multinomial regression, and each of
    several labels has a regression of its own. Where a `RidgeBlock` regresses classes as numbers, which takes less
    time, this block minimises the loss of the probabilities, which is lower where classes are rare or nearly separable.
    The output is the score of each class before the softmax. A head that is connected to the block adds no weights of
    its own.

    Series and feature maps are averaged to vectors first.

    Args:
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.StructuredDataInput()
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(autonas.LogisticBlock()(inputs)))
    ```
    """

    is_fitted = True

    def build(self, hp: keras_tuner.HyperParameters, inputs: Any) -> keras.KerasTensor:
        head_name, head = fitters.only_head(self, unsuitable(self))
        features = reduction.to_float32_vector(arguments.one_tensor(self, inputs))
        dense = keras.layers.Dense(head.target.n_outputs, kernel_initializer="zeros", trainable=False, dtype="float32")
        scores = dense(features)
        fitters.attach(Logistic(features, head_name, head.target, dense), dense)
        return block.as_prediction(scores)


def unsuitable(member: block.Block) -> str | None:
    """Return why a logistic regression can't predict the target of a block of a bound graph, or `None`."""
    return fitters.unsuitable(member, "logistic regressions", losses.OF_CLASSES)


class Logistic(fitters.Fitter):
    """Logistic regression that sets the weights of a dense layer.

    Args:
        inputs: Symbolic tensor of the features, `(n, features)`.
        head: Name of the head.
        target: The `Target` of the head.
        dense: The `keras.layers.Dense`.
    """

    uses_validation = False

    def __init__(self, inputs: keras.KerasTensor, head: str, target: Target, dense: keras.layers.Dense) -> None:
        super().__init__(inputs, head)
        self.target = target
        self.dense = dense
        self.outputs = dense.output
        #: Largest number of rows, as of `most_rows`.
        most = min(_MOST_VALUES, _MOST_PRODUCTS // target.n_outputs)
        self.most_rows = self.n_rows = max(2 * _FOLDS, most // inputs.shape[1])

    def leaves_one_out(self, n_rows: int) -> bool:
        return 2 * _FOLDS <= n_rows <= min(self.n_rows, _MANY_ROWS)

    def fit(
        self, training: Rows, validation: Rows, generator: np.random.Generator, deadline: float | None = None
    ) -> dict[str, Any]:
        started = time.monotonic()
        until = None if deadline is None else started + _SHARE * (deadline - started)
        problem, scaling = self._problem(training)
        n_rows = len(training.targets)
        parts = np.array_split(generator.permutation(n_rows), min(_FOLDS, n_rows))
        if n_rows > _MANY_ROWS:
            parts = parts[:1]
        strength = _STRENGTHS[_FIRST]
        if len(parts[0]) < n_rows:
            attempt = functools.partial(_attempt, problem, parts)
            results = strengths.tried(attempt, _STRENGTHS, _FIRST, _LEAST_GAIN, until)
            best = min(results, key=lambda position: results[position][0])
            strength, self.left_out = _STRENGTHS[best], results[best][1]
        fitting = time.monotonic()
        self._set(problem, scaling, strength)
        ended = time.monotonic()
        share = (ended - fitting) / (ended - started) if ended > started else 1.0
        return {"strength": strength, "refit_share": share}

    def refit(
        self,
        training: Rows,
        choices: dict[str, Any],
        generator: np.random.Generator,
        deadline: float | None = None,
    ) -> None:
        self._set(*self._problem(training), choices["strength"])

    def _problem(self, rows: Rows) -> tuple[_Problem, tuple[np.ndarray, np.ndarray]]:
        """Return the regression of rows, and the mean and the scale of each feature."""
        mean, scale = scaling = ridge.scales(rows.inputs, rows.weights)
        weights = np.ones(len(rows.targets), "float32") if rows.weights is None else rows.weights
        return _Problem(
            (rows.inputs - mean) / scale, rows.columns(self.target.n_outputs), weights, self.target
        ), scaling

    def _set(self, problem: _Problem, scaling: tuple[np.ndarray, np.ndarray], strength: float) -> None:
        """Set the weights to the coefficients of the regression with some penalty."""
        mean, scale = scaling
        coefficients, intercepts = problem.fitted(strength)
        slopes = coefficients / scale[:, None]
        self.dense.set_weights([slopes, intercepts - mean @ slopes])


def _attempt(problem: _Problem, parts: list[np.ndarray], strength: float) -> tuple[float, np.ndarray]:
    """Return the cross-entropy of parts of the rows, each predicted by a fit to the others, and all their scores."""
    scores = np.zeros(problem.targets.shape)
    for part in parts:
        others = np.setdiff1d(np.arange(len(problem.targets)), part)
        coefficients, intercepts = problem.where(others).fitted(strength)
        scores[part] = problem.features[part] @ coefficients + intercepts
    judged = np.concatenate(parts)
    weights = problem.weights[judged]
    entropies = calibration.cross_entropies(scores[judged], problem.targets[judged], problem.target.task)
    return float(np.average(entropies, weights=weights if weights.any() else None)), scores


@dataclasses.dataclass(frozen=True, eq=False)
class _Problem:
    """Regression of classes on features.

    Args:
        features: Standardised features, `(n, features)`.
        targets: 0 and 1, `(n, outputs)`.
        weights: Weights of the rows, `(n,)`.
        target: The `Target`.
    """

    features: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    target: Target

    def where(self, rows: np.ndarray) -> _Problem:
        """Return the regression of some rows."""
        return _Problem(self.features[rows], self.targets[rows], self.weights[rows], self.target)

    def fitted(self, strength: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the coefficients, `(features, outputs)`, and the intercepts. Rows without weight don't count."""
        if not self.weights.all() and self.weights.any():
            return self.where(np.flatnonzero(self.weights)).fitted(strength)
        if self.target.task == "multiclass":
            return self._of_classes(strength)
        fits = [self._of_label(column, strength) for column in self.targets.T]
        return np.stack([slopes for slopes, _ in fits], axis=1), np.array([intercept for _, intercept in fits])

    def _of_classes(self, strength: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the weights of all classes. A class without rows has half a row."""
        shape = self.features.shape[1], self.targets.shape[1]
        coefficients, intercepts = np.zeros(shape), np.zeros(shape[1])
        classes = self.targets.argmax(axis=1)
        present = np.unique(classes)
        if len(present) == 2:
            slopes, intercept = self._of_label(classes == present[1], strength)
            coefficients[:, present] = np.stack([-slopes / 2, slopes / 2], axis=1)
            intercepts[present] = -intercept / 2, intercept / 2
        elif len(present) > 2:
            model = self._model(classes, strength)
            coefficients[:, present], intercepts[present] = model.coef_.T, model.intercept_
        unseen = np.setdiff1d(np.arange(shape[1]), present)
        intercepts[unseen] = intercepts[present].min() + np.log(_UNSEEN / len(classes))
        return coefficients, intercepts

    def _of_label(self, label: np.ndarray, strength: float) -> tuple[np.ndarray, float]:
        """Return the coefficients and the intercept of a label, of 0 and 1."""
        if label.min() == label.max():
            return np.zeros(self.features.shape[1]), float(np.log(_UNSEEN / len(label)) * (1 - 2 * label[0]))
        model = self._model(label, strength)
        return model.coef_[0], float(model.intercept_[0])

    def _model(self, classes: np.ndarray, strength: float) -> Any:
        """Return the fitted estimator of scikit-learn."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        with warnings.catch_warnings():
            # The penalty is chosen by the loss of the coefficients as they are.
            warnings.simplefilter("ignore", ConvergenceWarning)
            return LogisticRegression(C=strength, max_iter=_STEPS).fit(self.features, classes, self.weights)
