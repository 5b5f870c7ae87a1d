"""Features of trees: numbers of a table, means of the target for categories, and predictions of the target by texts."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from autonas.search_space import concatenation
from autonas.search_space.fitted import fitters, text_scores, trees
from autonas.search_space.fitted.fitters import Rows

if TYPE_CHECKING:
    from autonas.data.features import Feature
    from autonas.search_space.block import Block

#: Number of codes of a column above which the means of training rows are of other folds.
_MANY = 30
#: Maximum number of means in a row, above which a category has one mean for all outputs together, and of the scores of
#: texts.
_MAX_MEANS = 64
#: Smallest smoothing, in rows, and smallest share of the variance between categories in the variance of the target.
_MIN_SMOOTHING, _MIN_BETWEEN = 0.01, 1e-3
#: Number of folds of the training rows.
_N_FOLDS = 5


class TreeFeatures:
    """Conversion of the columns of a table to the features of a `trees.Forest`.

    A category becomes the smoothed mean of the target of its rows, minus the mean of all rows. A split of the means is
    the best split of the categories into two sets for a tree of one split (Fisher 1958), and takes no sets of
    categories in the network. In columns with more than 30 codes, the means of a training row are computed from the
    training rows of other folds, so that the trees don't trust the means more than other rows justify. The code, which
    is the rank of the frequency of the category, is a second feature of these columns, since the means of training rows
    don't tell categories of similar means apart.

    A category has a mean for each output. If a row had more than 64 means, it has the mean of one linear combination of
    the outputs, the first principal component of the means.

    A text becomes the predictions of the target by its n-grams; see `text_scores.TextScores`.

    Args:
        cardinalities: Number of codes of each categorical column.
        n_numbers: Number of columns of numbers.
        n_outputs: Number of outputs.
        texts: List of the `TextScores` of each column of texts. Defaults to none.
    """

    def __init__(
        self,
        cardinalities: Sequence[int],
        n_numbers: int,
        n_outputs: int,
        texts: Sequence[text_scores.TextScores] = (),
    ) -> None:
        self.n_outputs = n_outputs
        self.texts = texts
        #: Number of the parts of texts that the scores of the latest fit depend on.
        self.n_text_parts = 1
        self.n_columns = len(cardinalities)
        self.cardinalities = np.array(cardinalities, int)
        #: Number of means of a category.
        self.n_means = n_outputs if n_outputs * self.n_columns <= _MAX_MEANS else 1
        #: Indices of the columns with many categories.
        self.many = np.flatnonzero(self.cardinalities > _MANY)
        #: Number of features.
        self.width = self.n_columns * self.n_means + len(self.many) + n_numbers + sum(text.n_scores for text in texts)
        #: Column at which the n-grams of each column of texts begin, and at which the last ones end.
        self.bounds = np.cumsum([self.n_columns + n_numbers, *(text.length for text in texts)]).tolist()
        #: Row at which each column begins in the table of means.
        self.starts = np.cumsum([0, *self.cardinalities[:-1]])[: self.n_columns]
        self.means = trees.table(max(1, int(self.cardinalities.sum())), self.n_means)

    def __call__(self, columns: keras.KerasTensor) -> keras.KerasTensor:
        """Return the features of rows.

        Args:
            columns: Float32 `(n, columns)`: codes of categories from 0, then numbers, NaN where missing, then the
                ids of the n-grams of texts.
        """
        if not self._changes_columns:
            return columns
        parts = []
        if self.n_columns:
            # The sum is of floats, since LiteRT doesn't add a vector of integers to rows.
            codes = ops.cast(columns[:, : self.n_columns] + self.starts.astype("float32"), "int32")
            parts.append(ops.reshape(self.means(codes), (-1, self.n_columns * self.n_means)))
        if len(self.many):
            parts.append(ops.take(columns, self.many.tolist(), axis=1))
        if self.bounds[0] > self.n_columns:
            parts.append(columns[:, self.n_columns : self.bounds[0]])
        parts += [text(ops.cast(ids, "int32")) for text, ids in self._ngrams(columns)]
        return concatenation.joined(parts, axis=1)

    @property
    def saved_seconds(self) -> float:
        """Seconds that the latest fit would have taken longer if no scores of texts had been kept."""
        return sum(text.saved_seconds for text in self.texts)

    @property
    def _changes_columns(self) -> bool:
        """Whether the features are others than the columns."""
        return bool(self.n_columns or self.texts)

    def _ngrams(self, columns: Any) -> list[tuple[text_scores.TextScores, Any]]:
        """Return the pairs of the `TextScores` and the ids of the n-grams of each column of texts."""
        pieces = [columns[:, start:end] for start, end in itertools.pairwise(self.bounds)]
        return list(zip(self.texts, pieces, strict=True))

    def fit(
        self,
        rows: Rows,
        generator: np.random.Generator,
        deadline: float | None = None,
        n_text_parts: int | None = None,
    ) -> Rows:
        """Set the means by all training rows, and return the training rows with their features.

        Args:
            rows: Training rows, with columns as inputs.
            generator: A `numpy.random.Generator`.
            deadline: Value of `time.monotonic()`, or `None`. Defaults to `None`.
            n_text_parts: The attribute of an earlier fit; see `text_scores.fit_all`. Defaults to `None`.
        """
        if not self._changes_columns:
            return rows
        weights = np.ones(len(rows.inputs)) if rows.weights is None else rows.weights / rows.weights.mean()
        targets = rows.columns(self.n_outputs)
        targets = targets - np.average(targets, axis=0, weights=weights)
        means = self._fit_means(rows.inputs, targets, weights, generator)
        texts = self._ngrams(rows.inputs)
        scores, self.n_text_parts = text_scores.fit_all(texts, targets, weights, deadline, n_text_parts)
        return self._with(rows, means, scores)

    def _fit_means(
        self, columns: np.ndarray, targets: np.ndarray, weights: np.ndarray, generator: np.random.Generator
    ) -> np.ndarray:
        """Set the means of categories, and return the means of the training rows, `(n, categorical columns, means)`.

        Args:
            columns: Columns of the training rows.
            targets: Targets less their means, `(n, outputs)`.
            weights: Weights of the rows, `(n,)`.
            generator: As in `fit`.
        """
        n_rows, codes = len(columns), self._codes(columns)
        if not self.n_columns:
            return self._means(codes)
        fold = generator.permutation(n_rows) % _N_FOLDS
        counts = self._sums(fold, codes, weights[:, None])
        sums = self._sums(fold, codes, targets * weights[:, None])
        if self.n_means < self.n_outputs:
            direction = _principal_direction(counts.sum(axis=0), sums.sum(axis=0))
            targets, sums = targets @ direction, sums @ direction
        count, total = counts.sum(axis=0), sums.sum(axis=0)
        smoothing = self._smoothing(count, total, np.average(targets**2, axis=0, weights=weights))
        self.means.set_weights([total / (count + smoothing)])
        means = self._means(codes)
        others = (total - sums) / (count - counts + smoothing)
        means[:, self.many] = others[fold[:, None], codes[:, self.many]]
        return means

    def _sums(self, fold: np.ndarray, codes: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return the sums of values `(n, k)` by fold and category, `(folds, codes, k)`."""
        sums = np.zeros((_N_FOLDS, int(self.cardinalities.sum()), values.shape[1]))
        np.add.at(sums, (fold[:, None], codes), values[:, None])
        return sums

    def _smoothing(self, count: np.ndarray, total: np.ndarray, variance: np.ndarray) -> np.ndarray:
        """Return the number of rows with the overall mean that are added to each category, `(codes, means)`.

        The number is the variance within the categories of a column divided by the variance between them, as in
        empirical Bayes estimation.

        Args:
            count: Sum of the weights of each category, `(codes, 1)`.
            total: Sums of the weighted targets of each category, `(codes, means)`.
            variance: Variances of the targets, `(means,)`.
        """
        n_rows = count[: self.cardinalities[0]].sum()
        n_categories = np.add.reduceat(count > 0, self.starts, dtype=int)
        within = n_rows * variance - np.add.reduceat(total**2 / np.maximum(count, 1e-12), self.starts)
        within = np.maximum(within, 0.0) / np.maximum(n_rows - n_categories, 1.0)
        between = np.maximum(variance - within, _MIN_BETWEEN * variance)
        smoothing = np.maximum(within / np.maximum(between, 1e-12), _MIN_SMOOTHING)
        return np.repeat(smoothing, self.cardinalities, axis=0)

    def transform(self, rows: Rows) -> Rows:
        """Return rows with their features instead of their columns."""
        if not self._changes_columns:
            return rows
        scores = [text.transform(ids) for text, ids in self._ngrams(rows.inputs)]
        return self._with(rows, self._means(self._codes(rows.inputs)), scores)

    def _codes(self, columns: np.ndarray) -> np.ndarray:
        """Return the positions in the table of means, `(n, categorical columns)`."""
        return columns[:, : self.n_columns].astype(int) + self.starts

    def _means(self, codes: np.ndarray) -> np.ndarray:
        """Return the means of categories, `(n, categorical columns, means)`."""
        return self.means.get_weights()[0][codes]

    def _with(self, rows: Rows, means: np.ndarray, scores: Sequence[np.ndarray]) -> Rows:
        """Return rows with features as inputs, from the means of their categories and the scores of their texts."""
        columns = rows.inputs
        numbers = columns[:, self.n_columns : self.bounds[0]]
        parts = [means.reshape(len(means), -1), columns[:, self.many], numbers, *scores]
        return dataclasses.replace(rows, inputs=np.concatenate(parts, axis=1, dtype="float32"))


def _principal_direction(count: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Return the linear combination of outputs in which the means of categories differ most, `(outputs, 1)`.

    Args:
        count: Sum of the weights of each category, `(codes, 1)`.
        total: Sums of the weighted targets of each category, `(codes, outputs)`.
    """
    scatter = total.T @ (total / np.maximum(count, 1e-12))
    direction = np.linalg.eigh(scatter)[1][:, -1:]
    # The sign of an eigenvector is arbitrary, and differs between libraries of linear algebra.
    return direction * np.sign(direction[np.abs(direction).argmax()])


def unsuitable(member: Block, inputs: Any, losses: Collection[str]) -> str | None:
    """Return why trees can't predict the target of a block of a bound graph from `inputs`, or `None`.

    Args:
        member: The block.
        inputs: Tensors of a table, or a vector.
        losses: Names of the losses that the trees minimise.
    """
    if not isinstance(inputs, dict) and len(inputs.shape) != 2:
        return f"trees take the columns of a table or vectors, not a tensor of shape {inputs.shape}"
    return fitters.unsuitable(member, "trees", losses)


def of_inputs(inputs: Any, features: Sequence[Feature], n_outputs: int) -> tuple[keras.KerasTensor, TreeFeatures]:
    """Return the columns of a block's inputs, and their `TreeFeatures`.

    Args:
        inputs: Tensors of a table, or a vector.
        features: The `Feature`s of the block. A table is the first one.
        n_outputs: Number of outputs.
    """
    if not isinstance(inputs, dict):
        columns = ops.cast(inputs, "float32")
        return columns, TreeFeatures([], columns.shape[1], n_outputs)
    statistics = features[0].statistics
    texts = text_scores.of_columns(statistics, n_outputs, _MAX_MEANS)
    parts = [inputs[name] for name in ("categories", "numbers", "strings") if name in inputs]
    n_columns = sum(part.shape[1] for part in parts)
    parts += [inputs[f"ngrams_{number}"] for number in texts]
    cardinalities = statistics["cardinalities"] if "categories" in inputs else []
    features_of_trees = TreeFeatures(cardinalities, n_columns - len(cardinalities), n_outputs, list(texts.values()))
    return concatenation.joined([ops.cast(part, "float32") for part in parts], axis=1), features_of_trees
