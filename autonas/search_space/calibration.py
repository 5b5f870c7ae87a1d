"""Calibration of the scores of a classification: cross-entropies, and the factors by which they are lowest."""

from __future__ import annotations

import numpy as np

#: Bounds of the natural logarithm of a factor.
_LOG_FACTORS = (-3.0, 5.0)


def factors(scores: np.ndarray, targets: np.ndarray, task: str, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the factor of each output, `(outputs,)`: one for all classes, one for each label, and 1 for numbers.

    Args:
        scores: Scores of rows that weren't trained on, `(n, outputs)`.
        targets: Encoded targets: class numbers, 0 and 1, or numbers, `(n,)` or `(n, outputs)`.
        task: Task of the head's `Target`.
        weights: Weights of the rows, `(n,)`, or `None`.
    """
    n_outputs = scores.shape[1]
    if task == "regression":
        return np.ones(n_outputs)
    if task == "multiclass":
        return np.full(n_outputs, factor(scores, targets.ravel(), weights))
    columns = targets.reshape(len(targets), -1).T
    return np.array([factor(scores[:, [number]], column, weights) for number, column in enumerate(columns)])


def factor(scores: np.ndarray, targets: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Return the factor of scores whose softmax, or sigmoid with one column, has the lowest cross-entropy.

    The targets are smoothed by one error among all rows, so that the factor is finite where all scores are right
    (Platt 1999).

    Args:
        scores: As in `factors`, `(n, classes)`, or `(n, 1)` for the class 1.
        targets: Class numbers, `(n,)`.
        weights: As in `factors`.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    if scores.shape[1] == 1:
        scores = np.concatenate([np.zeros_like(scores), scores], axis=1)
    n_classes = scores.shape[1]
    smoothed = np.full(scores.shape, 1.0 / (len(scores) + 2) / n_classes)
    smoothed[np.arange(len(scores)), targets.astype(int)] += 1.0 - 1.0 / (len(scores) + 2)

    def loss(logarithm: float) -> float:
        losses = -np.sum(smoothed * log_softmax(scores * np.exp(logarithm), axis=1), axis=1)
        return float(np.average(losses, weights=weights))

    return float(np.exp(minimize_scalar(loss, bounds=_LOG_FACTORS, method="bounded").x))


def cross_entropies(scores: np.ndarray, targets: np.ndarray, task: str) -> np.ndarray:
    """Return the cross-entropy of each row, `(n,)`, of the softmax of several classes or of the sigmoid of each label.

    Args:
        scores: Scores, `(n, outputs)`.
        targets: 0 and 1, `(n, outputs)`.
        task: Task of the head's `Target`, other than `"regression"`.
    """
    from scipy.special import logsumexp

    if task == "multiclass":
        return logsumexp(scores, axis=1) - (scores * targets).sum(axis=1)
    return (np.logaddexp(0.0, scores) - scores * targets).sum(axis=1)
