"""Scorers of scikit-learn, which take estimators, on predictions that are there already."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin


class PredictionScorer:
    """A scorer as a function of truth and predictions.

    Args:
        scorer: What `sklearn.metrics.get_scorer` gives.
        task: Task of the head.
    """

    def __init__(self, scorer, task):
        self.scorer = scorer
        self.task = task

    def __call__(self, truth, predictions):
        """The score, a float; see `metrics.Metric` for truth and predictions.

        NaN if not all classes are among the rows, for which some scores have no meaning.
        """
        if self.task == "regression":
            return self.scorer(_PredictedNumbers(predictions), truth, truth)
        estimator = _PredictedClasses(predictions, several=truth.ndim == 2)
        if truth.ndim == 1 and len(np.unique(truth)) < len(estimator.classes_):
            try:
                return self.scorer(estimator, truth, truth)
            except ValueError:
                return float("nan")
        return self.scorer(estimator, truth, truth)


class _PredictedNumbers(RegressorMixin, BaseEstimator):
    """An estimator that predicts these numbers, `(n, k)`, whatever it is given."""

    def __init__(self, predictions):
        self.predictions = predictions

    def fit(self, x, y):
        """Nothing is learned."""
        return self

    def predict(self, x):
        return self.predictions

    def __sklearn_is_fitted__(self):
        return True


class _PredictedClasses(ClassifierMixin, BaseEstimator):
    """An estimator that predicts these probabilities, `(n, n_classes)`, whatever it is given."""

    def __init__(self, predictions, several):
        self.predictions = predictions
        self.several = several

    @property
    def classes_(self):
        return np.arange(self.predictions.shape[1])

    def fit(self, x, y):
        """Nothing is learned."""
        return self

    def predict(self, x):
        return (self.predictions > 0.5).astype(int) if self.several else self.predictions.argmax(axis=1)

    def predict_proba(self, x):
        # Probabilities in single precision don't quite add up to one.
        doubled = self.predictions.astype("float64")
        return doubled if self.several else doubled / doubled.sum(axis=1, keepdims=True)

    def __sklearn_is_fitted__(self):
        return True
