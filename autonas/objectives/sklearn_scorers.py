"""Adapter from scikit-learn's scorers, which take estimators, to functions of truth and predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import metrics
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin


class PredictionScorer:
    """A scorer of scikit-learn as a function of truth and predictions.

    Args:
        scorer: A scorer, as `sklearn.metrics.get_scorer` returns.
        task: Task of the head.
    """

    def __init__(self, scorer: Callable[..., float], task: str) -> None:
        self.scorer = scorer
        self.task = task
        function: Any = getattr(scorer, "_score_func", None)
        self._is_log_loss = function is metrics.log_loss

    def __call__(self, truth: np.ndarray, predictions: np.ndarray) -> float:
        """Compute the score, a float; see `metrics.Metric` for the shapes of `truth` and `predictions`.

        NaN if a class is missing in the rows and the score is undefined for this reason. The log loss, which
        scikit-learn computes for the classes of the rows only, is of all classes.
        """
        if self.task == "regression":
            return self.scorer(_PredictedNumbers(predictions), truth, truth)
        estimator = _PredictedClasses(predictions, several=truth.ndim == 2)
        if truth.ndim == 1 and self._is_log_loss:
            return -metrics.log_loss(truth, estimator.predict_proba(truth), labels=estimator.classes_)
        if truth.ndim == 1 and len(np.unique(truth)) < len(estimator.classes_):
            try:
                return self.scorer(estimator, truth, truth)
            except ValueError:
                return float("nan")
        return self.scorer(estimator, truth, truth)


class _PredictedNumbers(RegressorMixin, BaseEstimator):
    """Regressor that returns fixed predictions, `(n, k)`, for any input."""

    def __init__(self, predictions: np.ndarray) -> None:
        self.predictions = predictions

    def fit(self, x: object, y: object) -> _PredictedNumbers:
        """Return the estimator unchanged."""
        return self

    def predict(self, x: object) -> np.ndarray:
        return self.predictions

    def __sklearn_is_fitted__(self) -> bool:
        return True


class _PredictedClasses(ClassifierMixin, BaseEstimator):
    """Classifier that returns fixed probabilities, `(n, n_classes)`, for any input."""

    def __init__(self, predictions: np.ndarray, several: bool) -> None:
        self.predictions = predictions
        self.several = several

    @property
    def classes_(self) -> np.ndarray:
        return np.arange(self.predictions.shape[1])

    def fit(self, x: object, y: object) -> _PredictedClasses:
        """Return the estimator unchanged."""
        return self

    def predict(self, x: object) -> np.ndarray:
        return (self.predictions > 0.5).astype(int) if self.several else self.predictions.argmax(axis=1)

    def predict_proba(self, x: object) -> np.ndarray:
        # Normalise in double precision: probabilities in single precision don't add up to exactly one.
        doubled = self.predictions.astype("float64")
        return doubled if self.several else doubled / doubled.sum(axis=1, keepdims=True)

    def __sklearn_is_fitted__(self) -> bool:
        return True
