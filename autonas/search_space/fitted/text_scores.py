"""Scores of texts in a table: predictions of the target by the n-grams of a column, as features of trees."""

from __future__ import annotations

import functools
import hashlib
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from autonas.data import term_sums
from autonas.search_space.fitted import trees

if TYPE_CHECKING:
    from scipy import sparse

#: Strength of the L2 penalty of the regressions. The features of a part of a text have the norm 1, whatever the number
#: of rows.
_PENALTY = 3.0
#: Tolerance of the conjugate gradients. More digits of a feature of trees make no difference.
_TOLERANCE = 1e-3
#: Number of folds of the training rows.
_N_FOLDS = 5
#: Number of training rows below which there are no scores.
_FEWEST_ROWS = 20
#: Largest number of n-grams of all training rows and columns, times the scores of a column, that are fitted, and the
#: number that is fitted in a second. Regressions on more n-grams take a random sample of the rows, of at least so many
#: rows.
_MOST_FITTED, _FITTED_PER_SECOND, _FEWEST_FITTED = 10_000_000, 4_000_000, 1000
#: Share of this largest number if the time is short.
_SHORT = 0.25
#: Share of the time until a deadline that scores by n-grams of characters may take.
_SHARE_OF_TIME = 0.15
#: Number of bytes of the latest results that are kept.
_MOST_BYTES = 100_000_000
#: Smallest number of training rows of an n-gram that has a weight.
_LEAST_ROWS = 2
#: Sums of so many weights of at most 1 are exact; see `term_sums.UNIT`.
_EXACT_SUM = 2**12


class TextScores:
    """Predictions of the target by the n-grams of a column of texts.

    A ridge regression on the inverse document frequencies of the n-grams that occur in a text predicts each output;
    classes are the numbers 0 and 1. How often an n-gram occurs has no effect, since the most frequent characters would
    outweigh all others. Words and marks, and characters, are two parts. The features of each part have the norm 1, so
    that neither part outweighs the other. A score is the prediction without the intercept.

    The scores of a training row are of regressions on the rows of other folds, so that trees don't trust the scores
    more than other rows justify (Wolpert, "Stacked generalization", 1992). If these predictions are no better than the
    mean of the target, all scores are 0, since trees would split by their noise.

    The weights are sums as of `data.term_sums`, so that a score falls on the same side of a threshold of a tree
    everywhere.

    Args:
        frequencies: Inverse document frequency of every id, `(ids,)`. The id 0 is none.
        columns: List of the numbers of columns of ids that are normalised together.
        n_scores: Number of scores. With more outputs, the scores are of the outputs of the largest variance, which
            are the most frequent classes.
    """

    def __init__(self, frequencies: np.ndarray, columns: Sequence[int], n_scores: int) -> None:
        self.columns = columns
        self.n_scores = n_scores
        self._frequencies = np.array(frequencies, "float64")
        self._frequencies[0] = 0.0
        # A sum has at most as many terms as there are columns.
        self._scale = min(1.0, (_EXACT_SUM / max(columns)) ** 0.5 / max(1.0, self._frequencies.max()))
        self.table = trees.table(len(self._frequencies), n_scores + 1)

    #: Seconds that the latest fit would have taken longer if its result hadn't been kept.
    saved_seconds = 0.0

    @property
    def length(self) -> int:
        """Number of columns of ids."""
        return sum(self.columns)

    def __call__(self, ids: keras.KerasTensor) -> keras.KerasTensor:
        """Return the scores of texts, `(n, n_scores)`, from integers `(n, length)`."""
        sums = [ops.sum(self.table(_distinct(part)), axis=1) for part in self.parts(ids)]
        scores = [term_sums.normalised(part, ops) for part in sums]
        return sum(scores[1:], scores[0])

    def transform(self, ids: np.ndarray) -> np.ndarray:
        """Return the scores of texts as an array, equal to the scores of the network."""
        table = self.table.get_weights()[0]
        return np.sum([term_sums.normalised(part @ table) for part in self._occurrences(ids)], axis=0)

    def fit(
        self, ids: np.ndarray, targets: np.ndarray, weights: np.ndarray, share: float = 1.0, n_parts: int | None = None
    ) -> np.ndarray:
        """Set the weights by the training rows, and return the scores of the training rows, `(n, n_scores)`.

        The result depends on the arguments alone. The latest results are kept, as candidates have the same training
        rows.

        Args:
            ids: Ids of n-grams, `(n, length)`.
            targets: Targets, `(n, outputs)`.
            weights: Weights of the rows, `(n,)`.
            share: Share of the rows that the regressions are fitted to, a random sample of at least 1,000 rows.
                Defaults to 1.
            n_parts: Number of the first parts whose n-grams have weights other than 0. Defaults to all.
        """
        facts = np.array([share, self.n_scores, n_parts or 0, *self.columns])
        arrays = [ids, targets, weights, self._frequencies, facts]
        key = b"".join(hashlib.blake2b(np.ascontiguousarray(array).data).digest() for array in arrays)
        started = time.monotonic()
        compute = functools.partial(self._fitted, ids, targets, weights, share=share, n_parts=n_parts)
        (table, scores, seconds), is_kept = _LATEST.get(key, compute)
        self.saved_seconds = float(seconds) - (time.monotonic() - started) if is_kept else 0.0
        self.table.set_weights([table])
        return scores

    def _fitted(
        self, ids: np.ndarray, targets: np.ndarray, weights: np.ndarray, share: float, n_parts: int | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the table of the n-grams, the scores of the training rows, and the seconds; see `fit`."""
        started = time.monotonic()
        occurrences = self._occurrences(ids)[:n_parts]
        n_texts = sum(part.getnnz(axis=0) for part in occurrences)
        frequencies = np.where(n_texts >= _LEAST_ROWS, self._frequencies, 0.0)
        texts = sum(term_sums.tf_idf(part, frequencies) for part in occurrences)
        largest = np.sort(np.argsort(-targets.var(axis=0), kind="stable")[: self.n_scores])
        sample = np.random.default_rng(0).permutation(len(targets))[: max(_FEWEST_FITTED, int(len(targets) * share))]
        coefficients, scores = _cross_fitted(texts, targets[:, largest], weights, sample)
        table = term_sums.table(coefficients.T, self._scale * frequencies) * term_sums.UNIT
        return table.astype("float32"), scores, np.array(time.monotonic() - started)

    def parts(self, ids: Any) -> list[Any]:
        """Return the ids that are normalised together, a list of arrays or tensors."""
        return [ids[:, start:end] for start, end in itertools.pairwise([0, *itertools.accumulate(self.columns)])]

    def _occurrences(self, ids: np.ndarray) -> list[sparse.csr_matrix]:
        """Return 1 for each n-gram that occurs in a text, a matrix `(n, ids)` for each of the parts."""
        from scipy import sparse

        shape, matrices = (len(ids), len(self._frequencies)), []
        for part in self.parts(ids):
            is_term = part > 0
            starts = np.append(0, np.cumsum(is_term.sum(axis=1)))
            terms = part[is_term].astype("int32")
            matrix = sparse.csr_matrix((np.ones(len(terms), "float32"), terms, starts), shape)
            matrix.sum_duplicates()
            matrix.data[:] = 1.0
            matrices.append(matrix)
        return matrices


def _distinct(ids: keras.KerasTensor) -> keras.KerasTensor:
    """Return integers `(n, length)` in rising order, with 0 in place of repeated ones."""
    if ids.shape[1] == 1:
        return ids
    ordered = ops.sort(ids, axis=1)
    is_new = ops.cast(ops.not_equal(ordered[:, 1:], ordered[:, :-1]), ordered.dtype)
    return ops.concatenate([ordered[:, :1], ordered[:, 1:] * is_new], axis=1)


class _Latest:
    """The latest results of a function of arrays, as far as they fit into some bytes."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._results: dict[bytes, tuple[np.ndarray, ...]] = {}

    def get(self, key: bytes, compute: Callable[[], tuple[np.ndarray, ...]]) -> tuple[tuple[np.ndarray, ...], bool]:
        """Return the result of a key, which is computed if it isn't kept, and whether it was kept."""
        result = self._results.pop(key, None)
        is_kept = result is not None
        if result is None:
            result = compute()
        self._results[key] = result
        while sum(array.nbytes for kept in self._results.values() for array in kept) > self.most_bytes:
            del self._results[next(iter(self._results))]
        return result, is_kept


_LATEST = _Latest(_MOST_BYTES)


def of_columns(statistics: Mapping[str, Any], n_outputs: int, most_scores: int) -> dict[int, TextScores]:
    """Return the `TextScores` of the columns of texts of a table, a dict by the number of the column.

    Columns without n-grams have none.

    Args:
        statistics: Statistics of a `TableEncoder`.
        n_outputs: Number of outputs.
        most_scores: Largest number of scores of a row, if there are no more columns.
    """
    known = zip(
        statistics.get("ngram_inverse_document_frequencies", []), statistics.get("ngram_columns", []), strict=True
    )
    texts = {number: terms for number, terms in enumerate(known) if terms[0] is not None}
    n_scores = max(1, min(n_outputs, most_scores // max(1, len(texts))))
    return {number: TextScores(*terms, n_scores) for number, terms in texts.items()}


def fit_all(
    pairs: Sequence[tuple[TextScores, np.ndarray]],
    targets: np.ndarray,
    weights: np.ndarray,
    deadline: float | None = None,
    n_parts: int | None = None,
) -> tuple[list[np.ndarray], int]:
    """Fit the scores of all columns of texts of a table.

    N-grams of characters are left out if they take more than a share of the time until the deadline. Trees need this
    time more.

    Args:
        pairs: List of the `TextScores` and the ids of each column.
        targets: Targets, `(n, outputs)`.
        weights: Weights of the rows, `(n,)`.
        deadline: Value of `time.monotonic()`, or `None`. Defaults to `None`.
        n_parts: Number of parts of an earlier fit of the same scores. Defaults to `None`: as there is time.

    Returns:
        List of the scores of the training rows of each column, and the number of parts.
    """
    sizes = [[np.count_nonzero(part) * text.n_scores for part in text.parts(ids)] for text, ids in pairs]
    most = max(map(len, sizes), default=1)
    has_time = n_parts == most
    if n_parts is None:
        seconds = min(_MOST_FITTED, sum(map(sum, sizes))) / _FITTED_PER_SECOND
        has_time = deadline is None or seconds <= _SHARE_OF_TIME * (deadline - time.monotonic())
        n_parts = most if has_time else 1
    n_parts = int(n_parts)  # In folds, it is a median.
    n_fitted = sum(sum(of_column[:n_parts]) for of_column in sizes)
    share = min(1.0, _MOST_FITTED * (1.0 if has_time else _SHORT) / max(1, int(n_fitted)))
    return [text.fit(ids, targets, weights, share, n_parts) for text, ids in pairs], n_parts


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
