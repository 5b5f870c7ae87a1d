"""Features of boosted trees: the columns of a table, and means of the target of each category."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from autonas.search_space import trees
from autonas.search_space.fitters import Rows

#: Number of codes of a column above which its categories have means.
_MANY = 30
#: Maximum number of means in a row.
_MAX_MEANS = 64
#: Smallest smoothing, in rows, and smallest share of the variance between categories in the variance of the target.
_MIN_SMOOTHING, _MIN_BETWEEN = 0.01, 1e-3
#: Number of folds of the training rows.
_N_FOLDS = 5


class TreeFeatures:
    """Conversion of the columns of a table to the features of a `trees.Forest`.

    The categories of a column are told apart by splits. In columns with more than 30 codes, the smoothed mean of the
    target of each category, minus the mean of all rows, is a number, too; with more than 255 codes, it replaces the
    splits. The means of a training row are computed from the training rows of other folds, so that the trees don't
    trust the means more than other rows justify.

    Args:
        cardinalities: Number of codes of each categorical column.
        n_numbers: Number of other columns.
        n_outputs: Number of outputs.
    """

    def __init__(self, cardinalities: Sequence[int], n_numbers: int, n_outputs: int) -> None:
        self.n_outputs = n_outputs
        self.n_columns = len(cardinalities)
        many = [column for column, size in enumerate(cardinalities) if size > _MANY]
        #: Indices of the columns with means, and of the columns with splits.
        self.mean_columns = many[: _MAX_MEANS // n_outputs]
        most = trees.Bins.most
        self.split_columns = [
            column for column, size in enumerate(cardinalities) if size <= most or column not in self.mean_columns
        ]
        #: Number of categories that splits tell apart, 0 without splits of categories.
        self.n_categories = min(most, max((cardinalities[column] for column in self.split_columns), default=0))
        self.n_numerical = n_numbers + len(self.mean_columns) * n_outputs
        #: Number of rows of each column in the table of means, and the row at which each column begins.
        self.sizes = [cardinalities[column] for column in self.mean_columns]
        self.starts = np.cumsum([0, *self.sizes[:-1]])[: len(self.sizes)]
        self.means = trees.table(max(1, sum(self.sizes)), n_outputs)

    @property
    def n_categorical(self) -> int:
        """Number of features with splits of categories."""
        return len(self.split_columns)

    def __call__(self, columns: keras.KerasTensor) -> keras.KerasTensor:
        """Return the features of rows.

        Args:
            columns: Float32 `(n, columns)`: codes of categories from 0, then numbers, NaN where missing.
        """
        parts = []
        if self.split_columns:
            parts.append(ops.minimum(ops.take(columns, self.split_columns, axis=1), self.n_categories - 1.0))
        if columns.shape[1] > self.n_columns:
            parts.append(columns[:, self.n_columns :])
        if self.mean_columns:
            codes = ops.cast(ops.take(columns, self.mean_columns, axis=1), "int32") + self.starts.astype("int32")
            parts.append(ops.reshape(self.means(codes), (-1, len(self.mean_columns) * self.n_outputs)))
        return ops.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]

    def fit(self, rows: Rows, generator: np.random.Generator) -> Rows:
        """Set the means by all training rows, and return the training rows with their features.

        Args:
            rows: Training rows, with columns as inputs.
            generator: A `numpy.random.Generator`.
        """
        if not self.mean_columns:
            return self._with(rows, np.zeros((len(rows.inputs), 0)))
        n_rows, codes = len(rows.inputs), self._codes(rows.inputs)
        weights = np.ones(n_rows) if rows.weights is None else rows.weights / rows.weights.mean()
        targets = rows.targets.reshape(n_rows, -1)
        if targets.shape[1] != self.n_outputs:  # One number of a class becomes one indicator for each class.
            targets = targets == np.arange(self.n_outputs)
        targets = targets - np.average(targets, axis=0, weights=weights)
        fold = generator.permutation(n_rows) % _N_FOLDS
        sums = np.zeros((_N_FOLDS, sum(self.sizes), 1 + self.n_outputs))
        np.add.at(sums, (fold[:, None], codes), np.column_stack([weights, targets * weights[:, None]])[:, None])
        total = sums.sum(axis=0)
        smoothing = self._smoothing(total, np.average(targets**2, axis=0, weights=weights))
        self.means.set_weights([total[:, 1:] / (total[:, :1] + smoothing)])
        others = total - sums
        return self._with(rows, (others[..., 1:] / (others[..., :1] + smoothing))[fold[:, None], codes])

    def _smoothing(self, sums: np.ndarray, variance: np.ndarray) -> np.ndarray:
        """Return the number of rows with the overall mean that are added to each category, `(codes, outputs)`.

        The number is the variance within the categories of a column divided by the variance between them, as in
        empirical Bayes estimation.

        Args:
            sums: Sums of the weights and of the weighted targets of each category, `(codes, 1 + outputs)`.
            variance: Variance of each output, `(outputs,)`.
        """
        n_rows = sums[: self.sizes[0], 0].sum()
        squares = sums[:, 1:] ** 2 / np.maximum(sums[:, :1], 1e-12)
        n_categories = np.add.reduceat(sums[:, :1] > 0, self.starts, dtype=int)
        within = n_rows * variance - np.add.reduceat(squares, self.starts)
        within = np.maximum(within, 0.0) / np.maximum(n_rows - n_categories, 1.0)
        between = np.maximum(variance - within, _MIN_BETWEEN * variance)
        smoothing = np.maximum(within / np.maximum(between, 1e-12), _MIN_SMOOTHING)
        return np.repeat(smoothing, self.sizes, axis=0)

    def transform(self, rows: Rows) -> Rows:
        """Return rows with their features instead of their columns."""
        return self._with(rows, self.means.get_weights()[0][self._codes(rows.inputs)])

    def _codes(self, columns: np.ndarray) -> np.ndarray:
        """Return the rows of the table of means, `(n, columns with means)`."""
        return columns[:, self.mean_columns].astype(int) + self.starts

    def _with(self, rows: Rows, means: np.ndarray) -> Rows:
        """Return rows with features as inputs, from their columns and means `(n, ...)`."""
        codes = np.minimum(rows.inputs[:, self.split_columns], self.n_categories - 1)
        numbers = rows.inputs[:, self.n_columns :]
        features = np.concatenate([codes, numbers, means.reshape(len(codes), -1)], axis=1, dtype="float32")
        return dataclasses.replace(rows, inputs=features)


def columns_of(inputs: Any) -> tuple[keras.KerasTensor, int]:
    """Return the columns of a block's inputs, and the number of categorical columns.

    Args:
        inputs: Tensors of a table, or a vector.
    """
    if not isinstance(inputs, dict):
        return ops.cast(inputs, "float32"), 0
    parts = [ops.cast(inputs[name], "float32") for name in ("categories", "numbers", "strings") if name in inputs]
    columns = ops.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]
    return columns, inputs["categories"].shape[1] if "categories" in inputs else 0
