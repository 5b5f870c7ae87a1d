"""Linear models of the n-grams of texts, whose weights are fitted by scikit-learn."""

from __future__ import annotations

import dataclasses
import functools
import time
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
import numpy as np
from keras import ops

from autonas.search_space import block, calibration, losses
from autonas.search_space.fitted import fitters, strengths
from autonas.search_space.fitted.fitters import Rows

if TYPE_CHECKING:
    from scipy import sparse

    from autonas.data.sparse_rows import SparseRows
    from autonas.search_space.target import Target

#: Number of validation rows below which a cross-validation of the training rows chooses the penalty instead, and its
#: folds. The choice by few rows is a matter of luck.
_FEW_ROWS, _FOLDS = 500, 5
#: Inverse strengths of the L2 penalty, scikit-learn's `C`, that are compared.
_STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
#: Position of the first one that is tried.
_FIRST = 4
#: Relative gain of the loss that a penalty must have for a further one to be tried. Near the best penalty, the loss
#: changes less than from one validation set to another.
_LEAST_GAIN = 0.01
#: Losses of a head that the models minimise.
_LOSSES = (*losses.OF_CLASSES, "mean_squared_error")
#: Maximum number of coefficients of the n-grams of a text: 500 MB for 256 texts.
_MAX_COEFFICIENTS = 500_000
#: Tolerance of the logistic regressions. LIBLINEAR's default for the dual problem, 0.1, takes two thirds more
#: iterations, and the loss differs by less than from one validation set to another.
_TOLERANCE = 1.0
#: Smallest count of a class without training rows.
_UNSEEN = 0.5


def unsuitable(member: block.Block, inputs: Any) -> str | None:
    """Return why a linear model can't predict the target of a block of a bound graph from `inputs`, or `None`."""
    if not isinstance(inputs, dict):
        return "the texts have no n-grams"
    reason = fitters.unsuitable(member, "linear models", _LOSSES)
    if reason is not None:
        return reason
    (head,) = member.heads.values()
    n_ids, n_outputs = inputs["ngrams"].shape[1], head.target.n_outputs
    if n_ids * n_outputs > _MAX_COEFFICIENTS:
        return f"texts of {n_ids} n-grams with {n_outputs} outputs need too much memory"
    return None


def scores(member: block.Block, inputs: dict[str, keras.KerasTensor], scales: bool = False) -> keras.KerasTensor:
    """Return the scores of a linear model of the n-grams of texts, `(n, outputs)`.

    The features are the TF-IDF weights of scikit-learn's `TfidfVectorizer(sublinear_tf=True)`, or the weights without
    inverse document frequencies, multiplied by log-count ratios (see `_Examples`). The weights of words and
    marks (capitals, digits, punctuation) and the weights of characters are normalised separately, so that neither
    outweighs the other. The first word of a short text is a feature of its own, apart from the same word elsewhere, and
    so are the first two words.

    Args:
        member: A block of a bound graph.
        inputs: Dict of the tensors of the texts.
        scales: Whether the features are multiplied by log-count ratios. Defaults to `False`.

    Raises:
        ValueError: If the model is unsuitable.
    """
    reason = unsuitable(member, inputs)
    if reason is not None:
        raise ValueError(f"A linear model of texts can't be used here: {reason}.")
    ((name, head),) = member.heads.items()
    features = TfIdf(member.features[0].statistics, weighs_terms=not scales)
    n_outputs, arguments = head.target.n_outputs, {"trainable": False, "dtype": "float32"}
    # For each n-gram its coefficients, and the square of its inverse document frequency for the norm.
    table = keras.layers.Embedding(features.n_terms, n_outputs + 1, embeddings_initializer="zeros", **arguments)
    calibration = keras.layers.Dense(n_outputs, kernel_initializer="identity", **arguments)
    calibration.predicts_target = True
    parts = []
    for ids in features.parts(inputs["ngrams"]):
        ids = ops.sort(ids, axis=1)
        weights, coefficients = _frequency(ids)[:, None], table(ids)
        sums = ops.matmul(weights, coefficients[..., :-1])[:, 0]
        squares = ops.matmul(ops.square(weights), coefficients[..., -1:])[:, 0]
        parts.append(sums / ops.sqrt(ops.maximum(squares, 1e-12)))
    outputs = calibration(sum(parts[1:], parts[0]))
    fitter = LinearModel(inputs["ngrams"], name, Layers(features, table, calibration), head.target, scales)
    fitter.outputs = outputs
    fitters.attach(fitter, table)
    return outputs


def _frequency(ids: keras.KerasTensor) -> keras.KerasTensor:
    """Return 1 + log(count) at the last of equal ids, and 0 at the others.

    Args:
        ids: Sorted ids, integers `(n, length)`.
    """
    length = ids.shape[1]
    edge = ops.ones_like(ids[:, :1], dtype="float32")
    changes = ops.cast(ops.not_equal(ids[:, 1:], ids[:, :-1]), "float32")
    positions = np.arange(length, dtype="float32")[None]
    begins = ops.concatenate([edge, changes], axis=1) * positions
    # The running maximum, by steps of 1, 2, 4, ... positions. A saved network can't hold `associative_scan`.
    for step in (2**power for power in range((length - 1).bit_length())):
        begins = ops.maximum(begins, ops.concatenate([begins[:, :step], begins[:, :-step]], axis=1))
    return ops.concatenate([changes, edge], axis=1) * (1.0 + ops.log(ops.subtract(positions + 1.0, begins)))


class TfIdf:
    """TF-IDF weights of ids of n-grams.

    Args:
        statistics: Statistics of a `TextEncoder`.
        weighs_terms: Whether the weights have inverse document frequencies other than 1. Defaults to `True`.
    """

    def __init__(self, statistics: dict[str, Any], weighs_terms: bool = True) -> None:
        frequency = np.array(statistics["ngram_inverse_document_frequency"], "float32")
        self.inverse_document_frequency = frequency if weighs_terms else np.ones_like(frequency)
        self.columns = statistics["ngram_columns"]

    @property
    def n_terms(self) -> int:
        """Number of n-grams, with the id 0 for none."""
        return len(self.inverse_document_frequency)

    def parts(self, ids: Any) -> list[Any]:
        """Return the ids of words and the ids of characters, a list of tensors or matrices."""
        ends = np.cumsum(self.columns).tolist()
        return [ids[:, end - length : end] for end, length in zip(ends, self.columns, strict=True)]

    def matrix(self, ids: SparseRows, n_parts: int | None = None) -> sparse.csr_matrix:
        """Return the weights of texts, `(n, n_terms)`.

        Args:
            ids: Integers `(n, length)`, 0 for none.
            n_parts: Number of the first parts that have weights other than 0. Defaults to all.
        """
        from scipy import sparse
        from sklearn.preprocessing import normalize

        matrices = []
        for part in (self.parts(ids.matrix) if len(self.columns) > 1 else [ids.matrix])[:n_parts]:
            counts = sparse.csr_matrix((np.ones(part.nnz), part.data, part.indptr), (len(ids), self.n_terms), copy=True)
            counts.sum_duplicates()
            np.log(counts.data, out=counts.data)
            counts.data += 1.0
            counts.data *= self.inverse_document_frequency[counts.indices]
            matrices.append(normalize(counts, copy=False))
        return sum(matrices[1:], matrices[0])


@dataclasses.dataclass(frozen=True)
class Layers:
    """Layers of a linear model of texts.

    Args:
        features: The `TfIdf`.
        table: Embedding of the n-grams: the coefficients, and the square of the inverse document frequency.
        calibration: Dense layer on the scores, which adds the intercepts and scales the sum.
    """

    features: TfIdf
    table: keras.layers.Embedding
    calibration: keras.layers.Dense

    def set(self, coefficients: np.ndarray, intercepts: np.ndarray, factors: np.ndarray) -> None:
        """Set the weights.

        Args:
            coefficients: Coefficients of the TF-IDF weights, `(outputs, n_terms)`.
            intercepts: Intercepts, `(outputs,)`.
            factors: Factors of the scores, `(outputs,)`.
        """
        frequency = self.features.inverse_document_frequency
        table = np.column_stack([coefficients.T * frequency[:, None], np.square(frequency)])
        table[0] = 0.0
        self.table.set_weights([table])
        self.calibration.set_weights([np.diag(factors), factors * intercepts])


@dataclasses.dataclass(frozen=True, eq=False)
class _Examples:
    """Texts and targets that a linear model is fitted to.

    Args:
        texts: Features, `(n, n_terms)`.
        targets: Targets, `(n, outputs)`.
        weights: Weights of the rows, `(n,)`, or `None`.
    """

    texts: sparse.csr_matrix
    targets: np.ndarray
    weights: np.ndarray | None

    def some(self, rows: np.ndarray) -> _Examples:
        """Return the examples of some rows."""
        return _Examples(self.texts[rows], self.targets[rows], None if self.weights is None else self.weights[rows])

    @functools.cached_property
    def log_count_ratios(self) -> np.ndarray:
        """How much more frequent each n-gram is in the texts of a class than in the others, logarithms.

        With the numbers of texts p_j of the class and q_j of the others that contain n-gram j, each plus 1, it is
        log((p_j / Σ p) / (q_j / Σ q)): the weight of n-gram j in naive Bayes. A logistic regression on the product of
        features and weights departs from naive Bayes as far as the penalty allows. Wang and Manning, "Baselines and
        bigrams: simple, good sentiment and topic classification", ACL 2012. The shape is `(outputs, n_terms)`.
        """
        present = _with_data(self.texts, np.ones_like(self.texts.data))
        weights = np.ones(len(self.targets)) if self.weights is None else self.weights
        own = (self.targets * weights[:, None]).T @ present
        counts = np.stack([own, weights @ present - own]) + 1.0
        shares = np.log(counts / counts.sum(axis=2, keepdims=True))
        return shares[0] - shares[1]


@dataclasses.dataclass(frozen=True, eq=False)
class _Problem:
    """Rows that linear models are fitted to, and rows that judge them.

    Args:
        examples: All training rows.
        validated: Features of the validation rows, `(n, n_terms)`.
        splits: List of pairs of examples, and of the features of the rows that judge a fit to them.
        judged: The rows that judge, of all splits.
    """

    examples: _Examples
    validated: sparse.csr_matrix
    splits: list[tuple[_Examples, sparse.csr_matrix]]
    judged: Rows


class _Attempt(NamedTuple):
    """Result of a strength of the penalty.

    Args:
        loss: Loss of the rows that judge.
        factors: Factors of the scores, `(outputs,)`.
        weights: Coefficients and intercepts of the fit to the examples of the last split.
        seconds: Seconds that the fits took.
    """

    loss: float
    factors: np.ndarray
    weights: tuple[np.ndarray, np.ndarray]
    seconds: float


class LinearModel(fitters.Fitter):
    """Logistic or ridge regression on the TF-IDF weights of texts, which sets the weights of `Layers`.

    With several classes there is a logistic regression for each class against all others. N-grams of characters are
    used unless the words alone have a smaller loss.

    Args:
        inputs: Symbolic tensor of the ids of the n-grams.
        head: Name of the head.
        layers: The `Layers`.
        target: The `Target` of the head.
        scales: Whether each logistic regression is on features multiplied by their log-count ratios.
    """

    def __init__(
        self, inputs: keras.KerasTensor, head: str, layers: Layers, target: Target, scales: bool = False
    ) -> None:
        super().__init__(inputs, head)
        self.layers = layers
        self.target = target
        self.scales = scales

    def fit(
        self, training: Rows, validation: Rows, generator: np.random.Generator, deadline: float | None = None
    ) -> dict[str, Any]:
        seed = int(generator.integers(2**31))
        order = None
        if len(validation.targets) < _FEW_ROWS and len(training.targets) >= _FOLDS:
            order = generator.permutation(len(training.targets))
        started, n_parts = time.monotonic(), len(self.layers.features.columns)
        problem = self._problem(training, validation, order, n_parts)
        # Weak penalties take longest. They are tried only where a stronger one is worse.
        results = strengths.tried(
            functools.partial(self._attempt, problem, seed), _STRENGTHS, _FIRST, _LEAST_GAIN, deadline
        )
        best = min(results, key=lambda position: results[position].loss)
        if n_parts > 1 and (deadline is None or time.monotonic() + results[best].seconds <= deadline):
            # Where the words alone are better, n-grams of characters are a burden that grows with their number.
            of_words = self._problem(training, validation, order, 1)
            attempt = functools.cache(functools.partial(self._attempt, of_words, seed))
            first = attempt(_STRENGTHS[best])
            if first.loss < results[best].loss * (1 - _LEAST_GAIN):
                problem, n_parts = of_words, 1
                until = None if deadline is None else deadline - first.seconds
                results = strengths.tried(attempt, _STRENGTHS, best, _LEAST_GAIN, until)
                best = min(results, key=lambda position: results[position].loss)
        _, factors, weights, seconds = results[best]
        if len(problem.splits) > 1:
            weights = self._fitted(problem.examples, _STRENGTHS[best], seed)
        self.layers.set(*weights, factors)
        self.validated = (factors * (problem.validated @ weights[0].T + weights[1])).astype("float32")
        spent = time.monotonic() - started
        share = min(1.0, seconds / len(problem.splits) / spent) if spent > 0 else 1.0
        return {"strength": _STRENGTHS[best], "factor": factors.tolist(), "n_parts": n_parts, "refit_share": share}

    def refit(
        self,
        training: Rows,
        choices: dict[str, Any],
        generator: np.random.Generator,
        deadline: float | None = None,
    ) -> None:
        # Choices of earlier versions have all parts.
        texts = self.layers.features.matrix(training.inputs, choices.get("n_parts"))
        examples = _Examples(texts, training.columns(self.target.n_outputs), training.weights)
        weights = self._fitted(examples, choices["strength"], int(generator.integers(2**31)))
        self.layers.set(*weights, np.full(self.target.n_outputs, choices["factor"]))
        self.validated = None

    def _problem(self, training: Rows, validation: Rows, order: np.ndarray | None, n_parts: int) -> _Problem:
        """Return the rows that are fitted and the rows that judge a fit.

        Args:
            training: Training rows.
            validation: Validation rows.
            order: Order of the training rows whose folds judge a fit, or `None` if the validation rows judge it.
            n_parts: Number of the first parts of the features that are used.
        """
        matrix = functools.partial(self.layers.features.matrix, n_parts=n_parts)
        texts, validated = matrix(training.inputs), matrix(validation.inputs)
        examples = _Examples(texts, training.columns(self.target.n_outputs), training.weights)
        if order is None:
            return _Problem(examples, validated, [(examples, validated)], validation)
        splits = [(examples.some(np.setdiff1d(order, rows)), texts[rows]) for rows in np.array_split(order, _FOLDS)]
        return _Problem(examples, validated, splits, training.where(order))

    def _attempt(self, problem: _Problem, seed: int, strength: float) -> _Attempt:
        """Return what comes of a strength of the penalty."""
        scores, began, judged = [], time.monotonic(), problem.judged
        for trained, others in problem.splits:
            weights = self._fitted(trained, strength, seed)
            scores.append(others @ weights[0].T + weights[1])
        predicted = np.concatenate(scores)
        factors = calibration.factors(predicted, judged.targets, self.target.task, judged.weights)
        loss = self._loss(factors * predicted, judged.columns(self.target.n_outputs), judged.weights)
        return _Attempt(loss, factors, weights, time.monotonic() - began)

    def _fitted(self, examples: _Examples, strength: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the coefficients and the intercepts."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression, Ridge

        texts, targets, row_weights = examples.texts, examples.targets, examples.weights
        if self.target.task == "regression":
            ridge = Ridge(alpha=1 / strength, solver="sparse_cg").fit(texts, targets, row_weights)
            return np.atleast_2d(ridge.coef_), np.ravel(ridge.intercept_)
        coefficients, intercepts = np.zeros((targets.shape[1], texts.shape[1])), np.zeros(targets.shape[1])
        for number, column in enumerate(targets.T):
            if column.min() == column.max():
                intercepts[number] = np.log(_UNSEEN / len(column)) * (1 - 2 * column[0])
                continue
            features = texts
            if self.scales:
                ratios = examples.log_count_ratios[number]
                features = _with_data(texts, texts.data * ratios[texts.indices])
            # The dual problem has a variable for each row, the primal problem one for each n-gram.
            model = LogisticRegression(C=strength, solver="liblinear", dual=True, tol=_TOLERANCE, random_state=seed)
            with warnings.catch_warnings():
                # A stronger penalty has a lower loss where so many iterations matter.
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(features, column, row_weights)
            coefficients[number], intercepts[number] = model.coef_[0], model.intercept_[0]
            if self.scales:
                coefficients[number] *= ratios
        return coefficients, intercepts

    def _loss(self, outputs: np.ndarray, targets: np.ndarray, weights: np.ndarray | None) -> float:
        """Return the mean loss of scores, or of predicted numbers."""
        if self.target.task == "regression":
            of_rows = np.square(outputs - targets).sum(axis=1)
        else:
            of_rows = calibration.cross_entropies(outputs, targets, self.target.task)
        return float(np.average(of_rows, weights=weights))


def _with_data(matrix: sparse.csr_matrix, data: np.ndarray) -> sparse.csr_matrix:
    """Return a matrix with other numbers at the same positions, which shares the positions with the first matrix."""
    from scipy import sparse

    return sparse.csr_matrix((data, matrix.indices, matrix.indptr), matrix.shape)
