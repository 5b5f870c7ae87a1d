"""Kernel ridge regression of some thousand rows, by a Cholesky factor that grows with the rows."""

from __future__ import annotations

import numpy as np

#: Penalties among which leave-one-out cross-validation chooses.
PENALTIES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
#: Smallest weight of a row. A row without weight has a large penalty.
_SMALLEST_WEIGHT = 1e-6
#: Number of subspace iterations.
_ITERATIONS = 1


class Factor:
    """Cholesky factor of the covariances of the first rows plus a penalty, which is extended by strips of further rows.

    With the factor L of the covariances of the first rows, and the covariances B of further rows with the first ones
    and C with each other, the strip of further rows is (M, N), where M = B L'^-1 and N N' = C - M M'. The strips take
    half of the memory of the covariances. The factor of the first rows is known at any time.

    Args:
        rows: Array `(n, directions)` of vectors of length 1.
        targets: Targets of mean 0, `(n, outputs)`.
        weights: Weights of the rows, of mean 1, `(n,)`.
        penalty: Number that is added to the variance of a row of weight 1.
    """

    def __init__(self, rows: np.ndarray, targets: np.ndarray, weights: np.ndarray, penalty: float) -> None:
        self.rows = rows
        # Other precisions would make copies of the strips.
        self.targets = targets.astype("float32")
        self.penalties = (penalty / np.maximum(weights, _SMALLEST_WEIGHT)).astype("float32")
        self._strips: list[np.ndarray] = []
        #: The product of the inverse factor and the targets, for each strip.
        self._solved: list[np.ndarray] = []

    @property
    def n_rows(self) -> int:
        """Number of the rows in the factor."""
        return self._strips[-1].shape[1] if self._strips else 0

    def extend(self, stop: int) -> None:
        """Extend the factor by a strip of the rows before the position `stop`."""
        from scipy import linalg

        start, first = self.n_rows, 0
        strip = covariances(self.rows[start:stop], self.rows[:stop])
        for earlier in self._strips:
            end = earlier.shape[1]
            columns = strip[:, first:end]
            columns -= strip[:, :first] @ earlier[:, :first].T
            columns[:] = linalg.solve_triangular(earlier[:, first:], columns.T, lower=True, check_finite=False).T
            first = end
        before, own = strip[:, :start], strip[:, start:]
        own -= before @ before.T
        own[np.diag_indices_from(own)] += self.penalties[start:stop]
        own[:] = linalg.cholesky(own, lower=True, check_finite=False)
        wanted = self.targets[start:stop] - (before @ np.concatenate(self._solved) if start else 0.0)
        self._strips.append(strip)
        self._solved.append(linalg.solve_triangular(own, wanted, lower=True, check_finite=False))

    def coefficients(self) -> np.ndarray:
        """Return the factors of the covariances with the rows whose sum is the prediction, `(n_rows, outputs)`."""
        from scipy import linalg

        coefficients = np.concatenate(self._solved)
        for strip in reversed(self._strips):
            start, end = strip.shape[1] - len(strip), strip.shape[1]
            own = strip[:, start:]
            solved = linalg.solve_triangular(own, coefficients[start:end], lower=True, trans="T", check_finite=False)
            coefficients[start:end] = solved
            coefficients[:start] -= strip[:, :start].T @ solved
        return coefficients

    def left_out(self) -> np.ndarray:
        """Return the prediction of each row of the last strip by the regression on all other rows, `(n, outputs)`.

        The residual of a row is its coefficient divided by its entry on the diagonal of the inverse covariances. The
        last entries depend on the last strip only.
        """
        from scipy import linalg

        strip = self._strips[-1]
        identity = np.eye(len(strip), dtype=strip.dtype)
        inverse = linalg.solve_triangular(strip[:, -len(strip) :], identity, lower=True, check_finite=False)
        last = slice(self.n_rows - len(strip), self.n_rows)
        return self.targets[last] - self.coefficients()[last] / np.sum(inverse**2, axis=0)[:, None]


def covariances(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return exp(c - 1) - exp(-1) with the products c of vectors of length 1, `(n, others)`."""
    products = rows @ others.T
    products -= 1.0
    np.exp(products, out=products)
    products -= np.float32(np.exp(-1.0))
    return products


def best_penalty(rows: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> float:
    """Return the penalty of the smallest squared error in leave-one-out cross-validation; arguments as of `Factor`."""

    def error(penalty: float) -> float:
        factor = Factor(rows, targets, weights, penalty)
        factor.extend(len(rows))
        return float(np.average(np.mean((factor.left_out() - targets) ** 2, axis=1), weights=weights))

    return min(PENALTIES, key=error)


def directions(rows: np.ndarray, number: int, generator: np.random.Generator) -> np.ndarray:
    """Return about the first principal directions of centred rows, `(features, number)`, in no order.

    They are computed by a subspace iteration (Halko, Martinsson and Tropp 2011).
    """
    basis = generator.standard_normal((rows.shape[1], number), dtype="float32")
    for _ in range(_ITERATIONS + 1):
        basis, _ = np.linalg.qr(rows.T @ (rows @ basis))
    return basis
