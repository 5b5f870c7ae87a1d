"""Sparse linear regression or classification of vectors."""

from __future__ import annotations

import dataclasses
import time
import warnings
from typing import Any

import keras
import keras_tuner
import numpy as np

from autonas.search_space import block, calibration
from autonas.search_space.blocks import arguments, reduction
from autonas.search_space.blocks.ridge import unsuitable
from autonas.search_space.fitted import fitters, ridge
from autonas.search_space.fitted.fitters import Rows

#: Penalties as shares of the smallest one for which all coefficients are 0, the largest first.
_PENALTIES = np.logspace(-0.1, -2.5, 25)
#: Number of parts of the training rows, each of which is predicted by a fit on the other ones.
_FOLDS = 5
#: Number of penalties in succession without a smaller squared error, after which smaller ones aren't tried.
_PATIENCE = 4
#: Largest number of values of all features, a fit of which takes seconds.
_MOST_VALUES = 5_000_000
#: Largest share of the time until the deadline in which penalties are tried.
_SHARE = 0.15
#: Largest number of steps of a fit, and the relative duality gap at which it stops.
_STEPS, _TOLERANCE = 300, 1e-4


class LassoBlock(block.Block):
    """Linear model of a few of the features, which predicts the target itself.

    The sum of the absolute coefficients is penalised (Tibshirani 1996), so that most coefficients are 0. Of thousands
    of features of which few matter, the model finds them in tens of rows, where a `RidgeBlock` spreads its coefficients
    over all of them. The features are standardised, and the penalty has the smallest squared error in cross-validation
    on the training rows. Classes are regressed as -1 and 1, and the same cross-validation scales their scores so that
    the probabilities have a low log loss. The output is the score of each class before the softmax, or the number to
    predict. A head that is connected to the block adds no weights of its own.

    Series and feature maps are averaged to vectors first.

    Args:
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.StructuredDataInput()
    graph = autonas.Graph(inputs, autonas.RegressionHead()(autonas.LassoBlock()(inputs)))
    ```
    """

    is_fitted = True

    def build(self, hp: keras_tuner.HyperParameters, inputs: Any) -> keras.KerasTensor:
        head_name, head = fitters.only_head(self, unsuitable(self, "lasso regressions"))
        features = reduction.to_float32_vector(arguments.one_tensor(self, inputs))
        dense = keras.layers.Dense(head.target.n_outputs, kernel_initializer="zeros", trainable=False, dtype="float32")
        scores = dense(features)
        fitters.attach(Lasso(features, head_name, head.target.task, dense), dense)
        return block.as_prediction(scores)


class Lasso(fitters.Fitter):
    """Sparse linear regression that sets the weights of a dense layer.

    Args:
        inputs: Symbolic tensor of the features, `(n, features)`.
        head: Name of the head.
        task: Task of the head's `Target`.
        dense: The `keras.layers.Dense`.
    """

    uses_validation = False

    def __init__(self, inputs: keras.KerasTensor, head: str, task: str, dense: keras.layers.Dense) -> None:
        super().__init__(inputs, head)
        self.task = task
        self.dense = dense
        self.outputs = dense.output
        #: Largest number of rows, as of `most_rows`.
        self.most_rows = self.n_rows = max(2 * _FOLDS, _MOST_VALUES // inputs.shape[1])

    def leaves_one_out(self, n_rows: int) -> bool:
        return 2 * _FOLDS <= n_rows <= self.n_rows

    def fit(
        self, training: Rows, validation: Rows, generator: np.random.Generator, deadline: float | None = None
    ) -> dict[str, Any]:
        problem = self._problem(training)
        penalty, left_out = problem.chosen(generator.permutation(len(training.targets)), deadline)
        factors = calibration.factors(left_out, training.targets, self.task, training.weights)
        self.left_out = left_out * factors
        self._set(problem, penalty, factors)
        return {"penalty": penalty, "factors": factors.tolist()}

    def refit(
        self,
        training: Rows,
        choices: dict[str, Any],
        generator: np.random.Generator,
        deadline: float | None = None,
    ) -> None:
        self._set(self._problem(training), choices["penalty"], np.array(choices["factors"]))

    def _problem(self, rows: Rows) -> _Problem:
        """Return the regression of rows."""
        targets = ridge.regressed(rows, self.dense.units, self.task).astype("float32")
        weights = np.ones(len(targets), "float32") if rows.weights is None else rows.weights
        scaling = ridge.scales(rows.inputs, rows.weights)
        return _Problem(np.asfortranarray((rows.inputs - scaling[0]) / scaling[1]), targets, weights, scaling)

    def _set(self, problem: _Problem, penalty: float, factors: np.ndarray) -> None:
        """Set the weights to the coefficients of the regression with some penalty, times the factors of the outputs."""
        model = problem.model().set_params(alpha=penalty)
        problem.fit(model)
        mean, scale = problem.scaling
        slopes = np.atleast_2d(model.coef_).T / scale[:, None]
        self.dense.set_weights([slopes * factors, (model.intercept_ - mean @ slopes) * factors])


@dataclasses.dataclass(frozen=True, eq=False)
class _Problem:
    """Regression of targets on features.

    Args:
        features: Standardised features, `(n, features)`.
        targets: Targets, `(n, outputs)`.
        weights: Weights of the rows, `(n,)`.
        scaling: Mean and scale of each feature before the standardisation.
    """

    features: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    scaling: tuple[np.ndarray, np.ndarray]

    def model(self) -> Any:
        """Return the unfitted estimator of scikit-learn, which goes on from the coefficients of its latest fit."""
        from sklearn.linear_model import Lasso

        return Lasso(warm_start=True, max_iter=_STEPS, tol=_TOLERANCE)

    def where(self, rows: np.ndarray) -> _Problem:
        """Return the regression of some rows, whose features are in the order that the estimator needs."""
        features = np.asfortranarray(self.features[rows])
        return dataclasses.replace(self, features=features, targets=self.targets[rows], weights=self.weights[rows])

    def fit(self, model: Any) -> None:
        """Fit an estimator to the rows."""
        from sklearn.exceptions import ConvergenceWarning

        with warnings.catch_warnings():
            # The penalty is chosen by the errors of the coefficients as they are.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(self.features, self.targets, self.weights)

    def chosen(self, order: np.ndarray, deadline: float | None) -> tuple[float, np.ndarray]:
        """Return the penalty of the smallest squared error, and the prediction of each row by a fit without its fold.

        Args:
            order: The rows in random order, which are divided into folds.
            deadline: Value of `time.monotonic()` at which to be done, or `None`.
        """
        now = time.monotonic()
        until = np.inf if deadline is None else now + _SHARE * (deadline - now)
        parts = np.array_split(order, min(_FOLDS, len(order)))
        folds = [(self.where(np.setdiff1d(order, part)), self.features[part], part) for part in parts]
        models = [self.model() for _ in folds]
        center = np.average(self.targets, axis=0, weights=self.weights)
        gradient = self.features.T @ (self.weights[:, None] * (self.targets - center)) / self.weights.sum()
        largest = float(np.abs(gradient).max()) or 1.0
        best, penalty, predictions, since = np.inf, largest, np.tile(center, (len(order), 1)), 0
        for share in _PENALTIES if len(order) > 1 else ():
            predicted = np.empty_like(self.targets)
            for model, (training, features, part) in zip(models, folds, strict=True):
                training.fit(model.set_params(alpha=share * largest))
                predicted[part] = model.predict(features).reshape(len(part), -1)
            error = float(np.average(np.square(predicted - self.targets).sum(axis=1), weights=self.weights))
            since += 1
            if error < best:
                best, penalty, predictions, since = error, share * largest, predicted, 0
            if since == _PATIENCE or time.monotonic() > until:
                break
        return penalty, predictions
