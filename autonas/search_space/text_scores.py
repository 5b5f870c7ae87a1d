"""Scores of texts in a table: predictions of the target by the words of a column, as features of trees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
from keras import ops

from autonas.data import term_sums
from autonas.search_space import trees

if TYPE_CHECKING:
    from scipy import sparse

#: Strength of the L2 penalty of the regressions. TF-IDF weights have the norm 1, whatever the number of rows.
_PENALTY = 3.0
#: Tolerance of the conjugate gradients. More digits of a feature of trees make no difference.
_TOLERANCE = 1e-3
#: Number of folds of the training rows.
_N_FOLDS = 5
#: Number of training rows below which there are no scores.
_FEWEST_ROWS = 20
#: Number of words of all training rows and columns, times the scores of a column, that are fitted in about a second.
#: Regressions on more words take a random sample of the rows, of at least so many rows.
_MOST_FITTED, _FEWEST_FITTED = 2_500_000, 1000
#: Number of the first words of a text that are read.
_MOST_WORDS = 256
#: Ids of padding and of unknown words, as in `TextEncoder`, are less than this number.
_N_SPECIAL = 2
#: Smallest number of training rows of a word that has a weight.
_LEAST_ROWS = 2


class TextScores:
    """Predictions of the target by the words of a column of texts.

    A ridge regression on the TF-IDF weights of the words predicts each output; classes are the numbers 0 and 1. A score
    is its prediction without the intercept. The scores of a training row are of regressions on the rows of other folds,
    so that trees don't trust the scores more than other rows justify (Wolpert, "Stacked generalization", 1992). If
    these predictions are no better than the mean of the target, all scores are 0, since trees would split by their
    noise.

    The weights are sums as of `data.term_sums`, so that a score falls on the same side of a threshold of a tree
    everywhere.

    Args:
        frequencies: Inverse document frequency of every token id, `(ids,)`.
        length: Number of tokens of a text, of which the first 256 are read.
        n_scores: Number of scores. With more outputs, the scores are of the outputs of the largest variance, which
            are the most frequent classes.
        n_columns: Number of columns of texts, which share the time. Defaults to 1.
    """

    def __init__(self, frequencies: np.ndarray, length: int, n_scores: int, n_columns: int = 1) -> None:
        self.length = min(length, _MOST_WORDS)
        self.n_scores = n_scores
        self._most_words = _MOST_FITTED // (n_scores * n_columns)
        self._frequencies = np.array(frequencies, "float64")
        self._frequencies[:_N_SPECIAL] = 0.0
        self.table = trees.table(len(self._frequencies), n_scores + 1)

    def __call__(self, tokens: keras.KerasTensor) -> keras.KerasTensor:
        """Return the scores of texts, `(n, n_scores)`, from integers `(n, length)`."""
        return term_sums.normalised(ops.sum(self.table(tokens), axis=1), ops)

    def transform(self, tokens: np.ndarray) -> np.ndarray:
        """Return the scores of texts as an array, equal to the scores of the network."""
        return term_sums.normalised(self._counts(tokens) @ self.table.get_weights()[0])

    def fit(
        self, tokens: np.ndarray, targets: np.ndarray, weights: np.ndarray, generator: np.random.Generator
    ) -> np.ndarray:
        """Set the weights by the training rows, and return the scores of the training rows, `(n, n_scores)`.

        Args:
            tokens: Token ids, `(n, length)`.
            targets: Targets, `(n, outputs)`.
            weights: Weights of the rows, `(n,)`.
            generator: A `numpy.random.Generator`.
        """
        counts = self._counts(tokens)
        frequencies = np.where(counts.getnnz(axis=0) >= _LEAST_ROWS, self._frequencies, 0.0)
        texts = term_sums.tf_idf(counts, frequencies)
        largest = np.sort(np.argsort(-targets.var(axis=0), kind="stable")[: self.n_scores])
        n_rows = len(targets)
        n_fitted = max(_FEWEST_FITTED, int(n_rows * self._most_words / max(1, counts.nnz)))
        sample = generator.permutation(n_rows)[:n_fitted]
        coefficients, scores = _cross_fitted(texts, targets[:, largest], weights, sample)
        self.table.set_weights([term_sums.table(coefficients.T, frequencies) * term_sums.UNIT])
        return scores

    def _counts(self, tokens: np.ndarray) -> sparse.csr_matrix:
        """Return how often each word occurs in each text, `(n, ids)`."""
        from scipy import sparse

        is_word = tokens >= _N_SPECIAL
        ids = tokens[is_word].astype("int32")
        ends = np.cumsum(is_word.sum(axis=1))
        shape = (len(tokens), len(self._frequencies))
        counts = sparse.csr_matrix((np.ones(len(ids), "float32"), ids, np.append(0, ends)), shape)
        counts.sum_duplicates()
        return counts


def of_columns(frequencies: list[np.ndarray], lengths: list[int], n_outputs: int, most_scores: int) -> list[TextScores]:
    """Return the `TextScores` of the columns of texts of a table.

    Args:
        frequencies: Inverse document frequencies of each column.
        lengths: Number of tokens of each column.
        n_outputs: Number of outputs.
        most_scores: Largest number of scores of a row, if there are no more columns.
    """
    n_scores = max(1, min(n_outputs, most_scores // max(1, len(lengths))))
    return [
        TextScores(column, length, n_scores, len(lengths)) for column, length in zip(frequencies, lengths, strict=True)
    ]


def _cross_fitted(
    texts: sparse.csr_matrix, targets: np.ndarray, weights: np.ndarray, sample: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the coefficients of ridge regressions on a sample of rows, and the scores of all rows by other rows.

    Args:
        texts: TF-IDF weights, `(n, ids)`.
        targets: Targets, `(n, scores)`.
        weights: Weights of the rows, `(n,)`.
        sample: Positions of the rows that are fitted, in random order.

    Returns:
        Tuple of the coefficients `(scores, ids)`, and the scores `(n, scores)`.
    """
    (n_rows, n_ids), n_scores = texts.shape, targets.shape[1]
    coefficients, scores = np.zeros((n_scores, n_ids)), np.zeros((n_rows, n_scores))
    if n_rows < _FEWEST_ROWS:
        return coefficients, scores
    all_coefficients, intercept = _regression(texts, targets, weights, sample)
    # Rows outside of the sample are other rows.
    all_scores = texts @ all_coefficients.T
    for fold in range(_N_FOLDS):
        own = np.arange(len(sample)) % _N_FOLDS == fold
        of_others, intercept_of_others = _regression(texts, targets, weights, sample[~own])
        all_scores[sample[own]] = texts[sample[own]] @ of_others.T + (intercept_of_others - intercept)
    error = weights @ np.square(all_scores + intercept - targets).sum(axis=1)
    of_mean = weights @ np.square(targets - np.average(targets, axis=0, weights=weights)).sum(axis=1)
    return (all_coefficients, all_scores) if error < of_mean else (coefficients, scores)


def _regression(
    texts: sparse.csr_matrix, targets: np.ndarray, weights: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the coefficients `(scores, ids)` and the intercepts `(scores,)` of ridge regressions on some rows."""
    from sklearn.linear_model import Ridge

    ridge = Ridge(alpha=_PENALTY, solver="sparse_cg", tol=_TOLERANCE).fit(texts[rows], targets[rows], weights[rows])
    return np.atleast_2d(ridge.coef_), np.atleast_1d(ridge.intercept_)
