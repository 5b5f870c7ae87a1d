"""Ridge regression in closed form, with the penalty and the scale of the scores by leave-one-out cross-validation."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import keras
import numpy as np
import threadpoolctl

from autonas.search_space import calibration, fitters
from autonas.search_space.fitters import Rows

#: Penalties among which leave-one-out cross-validation chooses, as in Hydra and MiniRocket.
PENALTIES = np.logspace(-3, 3, 10)
#: Largest size of a matrix whose eigenvalues are computed, which takes about a second.
_MOST_EIGENVALUES = 1500
#: Largest number of values of all features, 400 MB.
_MOST_VALUES = 10**8
#: Largest number of steps of conjugate gradients, and the relative residual at which they stop.
_STEPS, _TOLERANCE = 50, 1e-3
#: Smallest share of a row's own target in its residual; see `solve`.
_SMALLEST = 1e-10
#: Exponent of the share of zeros in the scale of a feature (Dempster et al. 2023).
_ZEROS_EXPONENT = 4
#: Deviation, relative to the largest value, up to which a feature is constant.
_CONSTANT = 1e-6


@dataclasses.dataclass(frozen=True, eq=False)
class Solution:
    """A ridge regression.

    Args:
        coefficients: Array `(features, outputs)`.
        intercept: Array `(outputs,)`, which isn't penalised.
        penalty: Factor of the sum of the squared coefficients.
        predictions: For each row, the prediction of the regression without this row, `(n, outputs)`.
    """

    coefficients: np.ndarray
    intercept: np.ndarray
    penalty: float
    predictions: np.ndarray


def solve(features: np.ndarray, targets: np.ndarray, weights: np.ndarray | None = None) -> Solution:
    """Solve a ridge regression, with the penalty of the smallest squared error in leave-one-out cross-validation.

    With the centred rows A, weighted by the square roots of the weights, the eigenvectors U of A A' and its eigenvalues
    l, the fitted values are U diag(l / (l + penalty)) U' t. The residual of a row without itself is its residual
    divided by 1 - h, where h is the row's entry on the diagonal of the matrix that maps targets to fitted values, plus
    the entry of the intercept, the row's share of the weights. The smaller of A A' and A' A is decomposed.

    Args:
        features: Array `(n, features)`.
        targets: Array `(n, outputs)`.
        weights: Weights of the rows, `(n,)`, or `None`. Their mean is set to 1.
    """
    n_rows = len(features)
    weights = np.ones(n_rows) if weights is None else weights * (n_rows / weights.sum())
    roots = np.sqrt(weights)[:, None]
    center, intercept = _centers(features, targets, weights)
    scaled = (features - center) * roots
    centred = (targets - intercept) * roots
    if n_rows <= scaled.shape[1]:
        eigenvalues, left = np.linalg.eigh(scaled @ scaled.T)
        kept = eigenvalues > eigenvalues[-1] * n_rows * np.finfo(float).eps
        eigenvalues, left = eigenvalues[kept], left[:, kept]
        right = scaled.T @ (left / np.sqrt(eigenvalues))
    else:
        eigenvalues, right = np.linalg.eigh(scaled.T @ scaled)
        kept = eigenvalues > eigenvalues[-1] * n_rows * np.finfo(float).eps
        eigenvalues, right = eigenvalues[kept], right[:, kept]
        left = scaled @ (right / np.sqrt(eigenvalues))
    projected = left.T @ centred
    residuals = []
    for penalty in PENALTIES:
        shrinkage = (eigenvalues / (eigenvalues + penalty))[:, None]
        own = 1.0 - left**2 @ shrinkage - weights[:, None] / n_rows
        residuals.append((centred - left @ (shrinkage * projected)) / np.maximum(own, _SMALLEST))
    best = int(np.argmin([np.mean(errors**2) for errors in residuals]))
    penalty = PENALTIES[best]
    coefficients = right @ ((np.sqrt(eigenvalues) / (eigenvalues + penalty))[:, None] * projected)
    intercept = intercept - center @ coefficients
    # A row without weight has no residual, and isn't part of the regression.
    predictions = features @ coefficients + intercept
    has_weight = weights > 0
    predictions[has_weight] = targets[has_weight] - residuals[best][has_weight] / roots[has_weight]
    return Solution(coefficients, intercept, float(penalty), predictions)


def improve(
    solution: Solution,
    features: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray | None = None,
    deadline: float | None = None,
) -> Solution:
    """Return the ridge regression on more rows, by conjugate gradients from a solution on some of them.

    Args:
        solution: The `Solution`, whose penalty is kept.
        features: Array of all rows, `(n, features)`.
        targets: Array `(n, outputs)`.
        weights: As in `solve`.
        deadline: Value of `time.monotonic()` at which to stop, or `None`. Defaults to `None`.
    """
    weights = np.ones(len(features)) if weights is None else weights * (len(features) / weights.sum())
    center, mean = _centers(features, targets, weights)
    center, weights = center.astype(features.dtype), weights[:, None].astype(features.dtype)

    def product(coefficients: np.ndarray) -> np.ndarray:
        fitted = weights * (features @ coefficients - center @ coefficients)
        return features.T @ fitted - np.outer(center, fitted.sum(axis=0)) + penalty * coefficients

    penalty = features.dtype.type(solution.penalty)
    centred = weights * (targets - mean).astype(features.dtype)
    wanted = features.T @ centred - np.outer(center, centred.sum(axis=0))
    coefficients = solution.coefficients.astype(features.dtype)
    residual = wanted - product(coefficients)
    direction, size = residual, np.sum(residual**2, axis=0)
    enough = _TOLERANCE**2 * np.sum(wanted**2, axis=0)
    for _ in range(_STEPS):
        if np.all(size <= enough) or (deadline is not None and time.monotonic() >= deadline):
            break
        changed = product(direction)
        step = size / np.maximum(np.sum(direction * changed, axis=0), np.finfo(features.dtype).tiny)
        coefficients = coefficients + step * direction
        residual = residual - step * changed
        earlier, size = size, np.sum(residual**2, axis=0)
        direction = residual + size / np.maximum(earlier, np.finfo(features.dtype).tiny) * direction
    return dataclasses.replace(solution, coefficients=coefficients, intercept=mean - center @ coefficients)


class Ridge(fitters.Fitter):
    """Ridge regression that sets the weights of a standardisation and of a dense layer after it.

    Classes are regressed as -1 and 1. Their scores are scaled so that the head's activation gives probabilities. Every
    fit chooses penalty and scale itself, since leave-one-out cross-validation needs no validation set.

    Args:
        inputs: Symbolic tensor of the features, `(n, features)`.
        head: Name of the head.
        task: Task of the head's `Target`.
        standardization: A `keras.layers.BatchNormalization` without scale and center.
        dense: The `keras.layers.Dense`.
    """

    uses_validation = False

    def __init__(
        self,
        inputs: keras.KerasTensor,
        head: str,
        task: str,
        standardization: keras.layers.BatchNormalization,
        dense: keras.layers.Dense,
    ) -> None:
        super().__init__(inputs, head)
        self.task = task
        self.standardization = standardization
        self.dense = dense
        self.outputs = dense.output
        self.most_rows = max(_MOST_EIGENVALUES, _MOST_VALUES // inputs.shape[1])

    def leaves_one_out(self, n_rows: int) -> bool:
        return n_rows <= _MOST_EIGENVALUES

    def fit(
        self, training: Rows, validation: Rows, generator: np.random.Generator, deadline: float | None = None
    ) -> dict[str, Any]:
        features, weights = training.inputs, training.weights
        mean, deviation = _scales(features, weights)
        features = np.where(features != 0, (features - mean) / deviation, 0.0)
        targets = training.columns(self.dense.units)
        targets = targets.astype("float64") if self.task == "regression" else 2.0 * targets - 1.0
        if min(features.shape) <= _MOST_EIGENVALUES:
            chosen = np.arange(len(features))
        else:
            chosen = generator.permutation(len(features))[:_MOST_EIGENVALUES]
        some = None if weights is None else weights[chosen]
        # Several threads mostly wait for each other, most of all where other programs use the cores.
        with threadpoolctl.threadpool_limits(1, user_api="blas"):
            solution = solve(features[chosen].astype("float64"), targets[chosen], some)
            if len(chosen) < len(features):
                solution = improve(solution, features, targets, weights, deadline)
        factors = calibration.factors(solution.predictions, training.targets[chosen], self.task, some)
        self.left_out = solution.predictions * factors
        self.standardization.set_weights([mean, deviation**2])
        self.dense.set_weights([solution.coefficients * factors, solution.intercept * factors])
        return {}


def _centers(features: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the weighted means of the features and of the targets."""
    return np.average(features, axis=0, weights=weights), np.average(targets, axis=0, weights=weights)


def _scales(features: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the scale of each feature. A feature that is often 0 has a larger scale."""
    mean = np.average(features, axis=0, weights=weights)
    variance = np.average((features - mean) ** 2, axis=0, weights=weights)
    deviation, largest = np.sqrt(variance), np.abs(features).max(axis=0)
    zeros = np.average(features == 0, axis=0, weights=weights)
    scale = np.where(deviation > _CONSTANT * largest, deviation + zeros**_ZEROS_EXPONENT, 1.0)
    return mean.astype("float32"), scale.astype("float32")
