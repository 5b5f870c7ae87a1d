"""Ridge regression in closed form, with the penalty and the scale of the scores by leave-one-out cross-validation."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from autonas.search_space import calibration
from autonas.search_space.fitted import fitters
from autonas.search_space.fitted.fitters import Rows

#: Penalties among which leave-one-out cross-validation chooses: those of Hydra and MiniRocket, larger ones for
#: thousands of features of few rows, and smaller ones for targets that depend on differences of nearly equal features.
PENALTIES = np.logspace(-7, 5, 19)
#: Largest number of values of all features that are computed with 64 bits, which small penalties need.
_PRECISE_VALUES = 2 * 10**6
#: Largest number of products of two values that are computed with 64 bits, and to which all rows are decomposed. They
#: take about a second.
_PRODUCTS = 2 * 10**10
#: Error of an eigenvalue, relative to the largest one, the precision of numbers and the root of the number of rows.
_ROUNDING = 4.0
#: Largest size of a matrix whose eigenvalues are computed, which takes about a second.
_MOST_EIGENVALUES = 1500
#: Largest number of values of all features, 400 MB.
_MOST_VALUES = 10**8
#: Largest number of steps of conjugate gradients, and the relative residual at which they stop.
_STEPS, _TOLERANCE = 50, 1e-3
#: Exponent of the share of zeros in the scale of a feature (Dempster et al. 2023).
_ZEROS_EXPONENT = 4
#: Number of rows or features whose copies are in memory at a time, and the number of rows for which penalties are
#: compared at a time.
_BLOCK, _COMPARED = 256, 2048
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


def solve(
    features: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray | None = None,
    penalties: Sequence[float] | np.ndarray = PENALTIES,
) -> Solution:
    """Solve a ridge regression, with the penalty of the smallest squared error in leave-one-out cross-validation.

    With the centred rows A, weighted by the square roots of the weights, the eigenvectors U of A A' and its eigenvalues
    l, the fitted values are U diag(l / (l + penalty)) U' t. The residual of a row without itself is its residual
    divided by 1 - h, where h is the row's entry on the diagonal of the matrix that maps targets to fitted values, plus
    the entry of the intercept, the row's share of the weights. The smaller of A A' and A' A is decomposed.

    With more features than rows and a small penalty, both the residual and 1 - h are nearly 0, and their ratio isn't.
    So neither is computed as a difference: both are sums over the eigenvectors of penalty / (l + penalty), and of the
    part that no eigenvector has, which is 0 if the rows are linearly independent. Penalties below the precision of the
    eigenvalues are left out.

    Args:
        features: Array `(n, features)`.
        targets: Array `(n, outputs)`.
        weights: Weights of the rows, `(n,)`, or `None`. Their mean is set to 1.
        penalties: The penalties. Defaults to `PENALTIES`.
    """
    n_rows = len(features)
    if features.size <= _PRECISE_VALUES:
        features = features.astype("float64")
    weights = np.ones(n_rows) if weights is None else weights * (n_rows / weights.sum())
    roots = np.sqrt(weights)[:, None]
    center, intercept = _centers(features, targets, weights)
    scaled = features - center
    scaled *= roots
    centred = (targets - intercept) * roots
    by_row = n_rows <= scaled.shape[1]
    products = _products(scaled if by_row else scaled.T)
    eigenvalues, vectors = np.linalg.eigh(products)
    smallest = _ROUNDING * np.sqrt(len(products)) * np.finfo(products.dtype).eps * eigenvalues[-1]
    kept = eigenvalues > smallest
    eigenvalues, vectors = eigenvalues[kept], vectors[:, kept]
    left = vectors if by_row else scaled @ (vectors / np.sqrt(eigenvalues)).astype(scaled.dtype)
    projected = left.T @ centred
    # The intercept takes a dimension.
    is_independent = len(eigenvalues) == np.count_nonzero(weights) - 1
    outside, own_outside = np.zeros((n_rows, 1)), np.zeros((n_rows, 1))
    if not is_independent:
        outside = centred - left @ projected
        own = np.einsum("nf,nf->n", left, left)
        own_outside = np.maximum(1.0 - own - weights / n_rows, 0.0)[:, None]
    penalties = [penalty for penalty in penalties if penalty >= smallest] or [max(penalties)]
    rests = np.array([penalty / (eigenvalues + penalty) for penalty in penalties])

    def residuals(some: slice, chosen: np.ndarray) -> list[np.ndarray]:
        """Return the residuals of some rows without themselves, `(rows, outputs)`, for each of the chosen `rests`."""
        own = own_outside[some] + left[some] ** 2 @ chosen.T
        own[weights[some] == 0] = 1.0
        own = np.maximum(own, np.finfo(own.dtype).tiny)
        return [
            (outside[some] + left[some] @ (rest[:, None] * projected)) / own[:, [position]]
            for position, rest in enumerate(chosen)
        ]

    blocks = [slice(start, start + _COMPARED) for start in range(0, n_rows, _COMPARED)]
    sums = [[np.sum(errors**2) for errors in residuals(some, rests)] for some in blocks]
    best = int(np.argmin(np.sum(sums, axis=0)))
    penalty = penalties[best]
    coefficients = scaled.T @ (left @ (projected / (eigenvalues + penalty)[:, None]))
    intercept = intercept - center @ coefficients
    # A row without weight has no residual, and isn't part of the regression.
    predictions = features @ coefficients.astype(features.dtype) + intercept
    has_weight = weights > 0
    errors = np.concatenate([residuals(some, rests[[best]])[0] for some in blocks])
    predictions[has_weight] = targets[has_weight] - errors[has_weight] / roots[has_weight]
    return Solution(coefficients, intercept, float(penalty), predictions)


def improve(solution: Solution, parts: Sequence[Rows], deadline: float | None = None) -> Solution:
    """Return the ridge regression on more rows, by conjugate gradients from a solution on some of them.

    Args:
        solution: The `Solution`, whose penalty is kept.
        parts: List of the `Rows`, in one or several parts. Their inputs are the features and their targets arrays
            `(n, outputs)`. The mean of all weights is set to 1.
        deadline: Value of `time.monotonic()` at which to stop, or `None`. Defaults to `None`.
    """
    dtype = parts[0].inputs.dtype
    features, targets = [part.inputs for part in parts], [part.targets for part in parts]
    weights = [np.ones(len(part.inputs)) if part.weights is None else part.weights for part in parts]
    total = sum(map(np.sum, weights))
    weights = [(weight * (sum(map(len, weights)) / total))[:, None].astype(dtype) for weight in weights]
    n_rows = sum(map(len, weights))
    center = _product([weight / n_rows for weight in weights], features)[0]
    mean = _product([weight / n_rows for weight in weights], targets)[0]

    def back(values: Sequence[np.ndarray]) -> np.ndarray:
        """Return the product of the centred features, transposed, and of values `(n, outputs)` of all parts."""
        return _product(features, values) - np.outer(center, sum(value.sum(axis=0) for value in values))

    def product(coefficients: np.ndarray) -> np.ndarray:
        shift = center @ coefficients
        fitted = [weight * (part @ coefficients - shift) for part, weight in zip(features, weights, strict=True)]
        return back(fitted) + penalty * coefficients

    penalty = dtype.type(solution.penalty)
    wanted = back([weight * (part - mean).astype(dtype) for part, weight in zip(targets, weights, strict=True)])
    coefficients = solution.coefficients.astype(dtype)
    residual = wanted - product(coefficients)
    direction, size = residual, np.sum(residual**2, axis=0)
    enough = _TOLERANCE**2 * np.sum(wanted**2, axis=0)
    for _ in range(_STEPS):
        if np.all(size <= enough) or (deadline is not None and time.monotonic() >= deadline):
            break
        changed = product(direction)
        step = size / np.maximum(np.sum(direction * changed, axis=0), np.finfo(dtype).tiny)
        coefficients = coefficients + step * direction
        residual = residual - step * changed
        earlier, size = size, np.sum(residual**2, axis=0)
        direction = residual + size / np.maximum(earlier, np.finfo(dtype).tiny) * direction
    return dataclasses.replace(solution, coefficients=coefficients, intercept=mean - center @ coefficients)


def _most_solved(n_features: int) -> int:
    """Return the largest number of rows for which `solve` is fast. For more rows, `improve` is."""
    return max(_MOST_EIGENVALUES, _PRODUCTS // n_features**2 if n_features <= _MOST_EIGENVALUES else 0)


def _of_all(solution: Solution, parts: Sequence[Rows], deadline: float | None) -> Solution:
    """Return the ridge regression on several parts of rows with the penalty of a solution on the first part."""
    if sum(len(part.inputs) for part in parts) > _most_solved(parts[0].inputs.shape[1]):
        return improve(solution, parts, deadline)
    features, targets = (
        np.concatenate(arrays) for arrays in zip(*[(part.inputs, part.targets) for part in parts], strict=True)
    )
    weights = None if parts[0].weights is None else np.concatenate([part.weights for part in parts])
    return solve(features, targets, weights, [solution.penalty])


def _products(matrix: np.ndarray) -> np.ndarray:
    """Return the products of all pairs of rows of a matrix, with 64 bits if there are not too many."""
    n_rows, n_columns = matrix.shape
    if matrix.dtype == "float64" or n_rows**2 * n_columns > _PRODUCTS:
        return matrix @ matrix.T
    products = np.zeros((n_rows, n_rows))
    for start in range(0, n_columns, _BLOCK):
        block = matrix[:, start : start + _BLOCK].astype("float64")
        products += block @ block.T
    return products


def _product(left: Sequence[np.ndarray], right: Sequence[np.ndarray]) -> np.ndarray:
    """Return the product of two matrices whose rows are in several parts, the first one transposed."""
    return sum(part.T @ other for part, other in zip(left, right, strict=True))


class Ridge(fitters.Fitter):
    """Ridge regression that sets the weights of a standardisation and of a dense layer after it.

    Classes are regressed as -1 and 1. Their scores are scaled so that the head's activation gives probabilities.
    Leave-one-out cross-validation on the training rows chooses penalty and scale.

    Args:
        inputs: Symbolic tensor of the features, `(n, features)`.
        head: Name of the head.
        task: Task of the head's `Target`.
        standardization: A `keras.layers.BatchNormalization` without scale and center.
        dense: The `keras.layers.Dense`.
    """

    uses_validation = False
    fits_all_rows = True

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
        #: Weights of the dense layer for training and validation rows together, or `None`.
        self._final: list[np.ndarray] | None = None
        self.most_rows = max(_MOST_EIGENVALUES, _MOST_VALUES // inputs.shape[1])

    def leaves_one_out(self, n_rows: int) -> bool:
        return n_rows <= _MOST_EIGENVALUES

    def fit(
        self, training: Rows, validation: Rows, generator: np.random.Generator, deadline: float | None = None
    ) -> dict[str, Any]:
        classes = training.targets
        mean, deviation = scales(training.inputs, training.weights)
        parts = [training, validation] if len(validation.targets) else [training]
        training, *known = parts = [self._standardised(rows, mean, deviation) for rows in parts]
        most = _most_solved(training.inputs.shape[1])
        solves_all = len(classes) <= most
        # A slice makes no copy of the features.
        chosen = slice(None) if solves_all else generator.permutation(len(classes))[:most]
        some = training.where(chosen)
        solution = solve(some.inputs, some.targets, some.weights)
        if not solves_all:
            solution = improve(solution, [training], deadline)
        # The features of the validation rows take most of the time of another fit, and are known here.
        final = _of_all(solution, parts, deadline) if known else None
        factors = calibration.factors(solution.predictions, classes[chosen], self.task, some.weights)
        weights = _scaled(solution, factors)
        self.validated = known[0].inputs @ weights[0] + weights[1] if known else None
        self._final = None if final is None else _scaled(final, factors)
        self.left_out = solution.predictions * factors
        self.standardization.set_weights([mean, deviation**2])
        self.dense.set_weights(weights)
        return {}

    def use_all_rows(self) -> bool:
        if self._final is None:
            return False
        self.dense.set_weights(self._final)
        self.validated = None
        return True

    def _standardised(self, rows: Rows, mean: np.ndarray, scale: np.ndarray) -> Rows:
        """Return rows with standardised features and the targets of the regression, `(n, outputs)`.

        The features are changed in place, since they may take much of the memory.
        """
        targets = regressed(rows, self.dense.units, self.task)
        for start in range(0, len(rows.inputs), _BLOCK):
            block = rows.inputs[start : start + _BLOCK]
            block[:] = np.where(block != 0, (block - mean) / scale, 0.0)
        return dataclasses.replace(rows, targets=targets)


def _scaled(solution: Solution, factors: np.ndarray) -> list[np.ndarray]:
    """Return the weights of a dense layer whose outputs are the predictions of a regression times some factors."""
    return [(array * factors).astype("float32") for array in (solution.coefficients, solution.intercept)]


def _centers(features: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the weighted means of the features and of the targets."""
    # Other than a matrix product, this makes no copy of the features with the precision of the weights.
    center = np.einsum("n,nf->f", weights, features) / weights.sum()
    return center, np.average(targets, axis=0, weights=weights)


def regressed(rows: Rows, n_outputs: int, task: str) -> np.ndarray:
    """Return the targets of a regression of rows, `(n, n_outputs)`: numbers, and -1 and 1 for classes."""
    targets = rows.columns(n_outputs)
    return targets.astype("float64") if task == "regression" else 2.0 * targets - 1.0


def scales(features: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the scale of each feature. A feature that is often 0 has a larger scale."""
    blocks = [features[:, start : start + _BLOCK] for start in range(0, features.shape[1], _BLOCK)]
    mean, scale = np.concatenate([_scales_of(block, weights) for block in blocks], axis=1)
    return mean.astype("float32"), scale.astype("float32")


def _scales_of(features: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the scale of each of a few features; see `scales`."""
    mean = np.average(features, axis=0, weights=weights)
    variance = np.average((features - mean) ** 2, axis=0, weights=weights)
    deviation, largest = np.sqrt(variance), np.abs(features).max(axis=0)
    zeros = np.average(features == 0, axis=0, weights=weights)
    return mean, np.where(deviation > _CONSTANT * largest, deviation + zeros**_ZEROS_EXPONENT, 1.0)
