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
#: Weight of the mean of all rows in the mean of a category, in rows.
_SMOOTHING = 10.0
#: Number of folds of the training rows.
_N_FOLDS = 5


class TreeFeatures:
    """Conversion of the columns of a table to the features of a `trees.Forest`.

    The most frequent categories of a column are told apart by splits. In columns with many categories, the smoothed
    mean of the target of each category is a number, too. The means of a training row are computed from the training
    rows of other folds, so that the trees don't trust the means more than other rows justify.

    Args:
        cardinalities: Number of codes of each categorical column.
        n_numbers: Number of other columns.
        n_outputs: Number of outputs.
    """

    def __init__(self, cardinalities: Sequence[int], n_numbers: int, n_outputs: int) -> None:
        self.n_outputs = n_outputs
        self.n_categorical = len(cardinalities)
        #: Number of categories that splits tell apart, 0 without categorical columns.
        self.n_categories = min(trees.Bins.most, max(cardinalities, default=0))
        many = [column for column, size in enumerate(cardinalities) if size > _MANY]
        #: Indices of the columns with means.
        self.columns = many[: _MAX_MEANS // n_outputs]
        self.n_numerical = n_numbers + len(self.columns) * n_outputs
        sizes = [cardinalities[column] for column in self.columns]
        self.n_codes = sum(sizes)
        #: Row of the table of means at which each column begins.
        self.starts = np.cumsum([0, *sizes[:-1]])[: len(sizes)]
        self.means = trees.table(max(1, self.n_codes), n_outputs)

    def __call__(self, columns: keras.KerasTensor) -> keras.KerasTensor:
        """Return the features of rows.

        Args:
            columns: Float32 `(n, columns)`: codes of categories from 0, then numbers, NaN where missing.
        """
        if not self.n_categorical:
            return columns
        parts = [ops.minimum(columns[:, : self.n_categorical], self.n_categories - 1.0)]
        parts += [columns[:, self.n_categorical :]] if columns.shape[1] > self.n_categorical else []
        if self.columns:
            codes = ops.cast(ops.take(columns, self.columns, axis=1), "int32") + self.starts.astype("int32")
            parts.append(ops.reshape(self.means(codes), (-1, len(self.columns) * self.n_outputs)))
        return ops.concatenate(parts, axis=1)

    def fit(self, rows: Rows, generator: np.random.Generator) -> Rows:
        """Set the means by all training rows, and return the training rows with their features.

        Args:
            rows: Training rows, with columns as inputs.
            generator: A `numpy.random.Generator`.
        """
        if not self.columns:
            return self._with(rows, np.zeros((len(rows.inputs), 0)))
        n_rows, codes = len(rows.inputs), self._codes(rows.inputs)
        weights = np.ones(n_rows) if rows.weights is None else rows.weights
        targets = rows.targets.reshape(n_rows, -1)
        if targets.shape[1] != self.n_outputs:  # One number of a class becomes one indicator for each class.
            targets = targets == np.arange(self.n_outputs)
        values = np.column_stack([weights, targets * weights[:, None]])
        fold = generator.permutation(n_rows) % _N_FOLDS
        sums = np.zeros((_N_FOLDS, self.n_codes, values.shape[1]))
        np.add.at(sums, (fold[:, None], codes), values[:, None])
        totals = np.zeros((_N_FOLDS, 1, values.shape[1]))
        np.add.at(totals[:, 0], fold, values)
        self.means.set_weights([_smoothed(sums.sum(axis=0), totals.sum(axis=0))])
        of_others = _smoothed(sums.sum(axis=0) - sums, totals.sum(axis=0) - totals)
        return self._with(rows, of_others[fold[:, None], codes])

    def transform(self, rows: Rows) -> Rows:
        """Return rows with their features instead of their columns."""
        return self._with(rows, self.means.get_weights()[0][self._codes(rows.inputs)])

    def _codes(self, columns: np.ndarray) -> np.ndarray:
        """Return the rows of the table of means, `(n, columns with means)`."""
        return columns[:, self.columns].astype(int) + self.starts

    def _with(self, rows: Rows, means: np.ndarray) -> Rows:
        """Return rows with features as inputs, from their columns and means `(n, ...)`."""
        codes = np.minimum(rows.inputs[:, : self.n_categorical], self.n_categories - 1)
        numbers = rows.inputs[:, self.n_categorical :]
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


def _smoothed(sums: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Return means from sums of weights and of weighted targets, by category and of all rows, `(..., 1 + outputs)`."""
    mean = totals[..., 1:] / np.maximum(totals[..., :1], 1e-12)
    return ((sums[..., 1:] + _SMOOTHING * mean) / (sums[..., :1] + _SMOOTHING)).astype("float32")
