"""Baselines: what a constant and a linear model predict for the validation rows, to compare networks with."""

import dataclasses
import math
import time
import warnings

import numpy as np

from autonas.costs.orientation import oriented

#: Seconds that the linear model may take at most, and its share of a time limit.
_SECONDS, _SHARE = 1.0, 0.03
#: Products per second that a linear model is fitted with, dense and sparse.
_DENSE_SPEED, _SPARSE_SPEED = 5e9, 8e8
#: Values per second that are read and averaged.
_READING_SPEED = 1.5e8
#: Steps of L-BFGS at most: further ones fit the noise of many pixels.
_N_ITERATIONS = 30
#: Coefficients of a linear model at most; of more words, the most frequent ones are taken.
_MAX_COEFFICIENTS = 100_000
#: Fewest rows that say anything of a linear model.
_FEWEST_ROWS = 100
#: Values of an image or a series beyond which neighbours are averaged.
_MAX_VALUES = 1024
#: Rows that are averaged at a time.
_BATCH = 256
#: Standard deviations from the mean beyond which numbers are cut off.
_FARTHEST = 5.0


@dataclasses.dataclass(frozen=True)
class Baseline:
    """A simple prediction, scored as networks are.

    Args:
        name: `"constant"`, `"linear"`, or `"last_value"` of a forecast.
        scores: Dict from name to float, see `objectives.scoring.Scorer`.
        seconds: Seconds that the baseline took.
        message: How the prediction was made, in a few words.
    """

    name: str
    scores: dict
    seconds: float
    message: str


def baselines(graph, dataset, scorer, objective, time_limit=None):
    """Score a constant and a linear prediction on the validation rows.

    The constant is the class frequencies of the training rows; of numbers their mean or their median, and with weights
    of the rows the weighted or the plain frequencies, whichever has the better score. The linear model is a logistic or
    a ridge regression on the standardised numbers, one-hot categories, pixels and TF-IDF weights of words. As many
    training rows are drawn for it as can be read and fitted in 3 % of the time limit, about 1 second at most.

    Args:
        graph: The bound `search_space.graph.Graph`.
        dataset: The data set. The targets of a stream's validation part must have been read.
        scorer: An `objectives.scoring.Scorer`.
        objective: The `keras_tuner.Objective` of the score.
        time_limit: Time limit of the search in seconds, or `None`. Defaults to `None`.

    Returns:
        List of `Baseline`s. A linear model that can't be fitted, and of a stream, is left out.
    """
    if dataset.baselines is not None:
        found = [(name, [predictions], message) for name, (predictions, message) in dataset.baselines.items()]
    else:
        of_numbers = all(head.task == "regression" for head in scorer.heads)
        constant = "mean or median" if of_numbers else "class frequencies"
        found = [("constant", _constants(dataset, scorer), f"{constant} of the training rows")]
    scored = []
    for name, options, message in found:
        started = time.monotonic()
        scores = _best([scorer(predictions, dataset.validation_rows) for predictions in options], objective)
        scored.append(Baseline(name, scores, time.monotonic() - started, message))
    if dataset.baselines is not None or not hasattr(dataset, "inputs"):
        return scored
    started = time.monotonic()
    seconds = _SECONDS if time_limit is None else min(_SECONDS, _SHARE * time_limit)
    predicted = _linear(graph, dataset, scorer, seconds)
    if predicted is not None:
        predictions, message = predicted
        scores = scorer(predictions, dataset.validation_rows)
        scored.append(Baseline("linear", scores, time.monotonic() - started, message))
    return scored


def _best(options, objective):
    """Return the scores that are the best by an objective, the first ones if all lack it."""

    def key(scores):
        value = oriented(scores.get(objective.name, math.nan), objective.direction)
        return -math.inf if math.isnan(value) else value

    return max(options, key=key)


# ---------------------------------------------------------------------- the constant


def _constants(dataset, scorer):
    """Return the constant predictions that come into question, a list of dicts from head to `(n, n_outputs)`."""
    by_head = {head.name: _constant_outputs(head, *dataset.train_targets(head.name)) for head in scorer.heads}
    n_rows = {head.name: len(head.truth[dataset.validation_rows]) for head in scorer.heads}
    return [
        {name: np.tile(outputs[place % len(outputs)], (n_rows[name], 1)) for name, outputs in by_head.items()}
        for place in range(max(map(len, by_head.values())))
    ]


def _constant_outputs(head, targets, weights):
    """Return the constant outputs of a head that come into question, a list of float32 arrays `(n_outputs,)`."""
    if head.task == "multiclass":
        counts = [np.bincount(targets, each, len(head.classes)) for each in (None, weights)]
        return [(count / count.sum()).astype("float32") for count in counts[: 1 if weights is None else 2]]
    targets = targets.reshape(len(targets), -1)
    outputs = [targets.mean(axis=0)]
    if head.task == "regression":
        outputs.append(np.median(targets, axis=0))
    if weights is not None:
        outputs.append(np.average(targets, axis=0, weights=weights))
    return [output.astype("float32") for output in outputs]


# ---------------------------------------------------------------------- the linear model


def _linear(graph, dataset, scorer, seconds):
    """Return the predictions of linear models, a dict from head to array, and how they were made; or `None`."""
    generator = np.random.default_rng(0)
    train_rows, validation_rows = generator.permutation(dataset.train_rows), dataset.validation_rows
    try:
        n_outputs = sum(1 if head.task == "binary" else max(1, len(head.classes)) for head in scorer.heads)
        sample, _ = _design(graph, dataset, train_rows[:_BATCH], train_rows[:_BATCH])
        n_values = sum(math.prod(array.shape[1:]) for array in dataset.inputs.values())
        # A logistic regression is fitted in steps, a ridge regression by the products of all pairs of columns.
        n_products = 4 * _N_ITERATIONS * n_outputs
        if scorer.heads[0].task == "regression":
            n_products = 2 * sample.shape[1]
        per_row = n_values / _READING_SPEED + _seconds_per_row(sample, n_products)
        train_rows = train_rows[: max(_FEWEST_ROWS, int(seconds / per_row))]
        features, validation = _design(graph, dataset, train_rows, validation_rows)
        n_columns = _MAX_COEFFICIENTS // n_outputs
        if features.shape[1] > n_columns and not isinstance(features, np.ndarray):
            frequent = np.argsort(-features.getnnz(axis=0), kind="stable")[:n_columns]
            features, validation = features[:, frequent], validation[:, frequent]
        weights = None if dataset.sample_weight is None else dataset.sample_weight[train_rows]
        predictions = {
            head.name: _fit_predict(head, features, validation, head.encoded[train_rows], weights)
            for head in scorer.heads
        }
    except (ValueError, np.linalg.LinAlgError) as error:  # A search doesn't end for want of a comparison.
        warnings.warn(f"The linear baseline can't be fitted: {error}", RuntimeWarning, stacklevel=2)
        return None
    n_train = len(dataset.train_rows)
    part = "" if len(train_rows) == n_train else f" on {len(train_rows):,} of {n_train:,} rows"
    kind = "ridge" if all(head.task == "regression" for head in scorer.heads) else "logistic"
    return predictions, f"{kind} regression{part}"


def _seconds_per_row(sample, n_products):
    """Return the seconds that a row adds to the fit of a linear model.

    Args:
        sample: Some rows of the design matrix.
        n_products: Number of products that a value of the matrix is in.
    """
    if isinstance(sample, np.ndarray):
        return n_products * sample.shape[1] / _DENSE_SPEED
    return n_products * max(1.0, sample.nnz / sample.shape[0]) / _SPARSE_SPEED


def _fit_predict(head, features, validation, targets, weights):
    """Return the predictions of a head's linear model, float32 `(n, n_outputs)`."""
    from sklearn.linear_model import Ridge

    if head.task == "regression":
        targets = targets.reshape(len(targets), -1)
        outputs = Ridge().fit(features, targets, sample_weight=weights).predict(validation)
    elif head.task == "multiclass":
        outputs = _probabilities(features, validation, targets, weights, len(head.classes))
    else:
        columns = targets.reshape(len(targets), -1).astype(int).T
        outputs = np.stack(
            [_probabilities(features, validation, column, weights, 2)[:, 1] for column in columns], axis=1
        )
    return outputs.reshape(validation.shape[0], -1).astype("float32")


def _probabilities(features, validation, classes, weights, n_classes):
    """Return the probabilities of a logistic regression for all classes, `(n, n_classes)`."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    probabilities = np.zeros((validation.shape[0], n_classes))
    present = np.unique(classes)
    if len(present) == 1:
        probabilities[:, present] = 1.0
        return probabilities
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = LogisticRegression(max_iter=_N_ITERATIONS).fit(features, classes, sample_weight=weights)
    probabilities[:, present] = fitted.predict_proba(validation)
    return probabilities


def _design(graph, dataset, train_rows, validation_rows):
    """Return the design matrices of training and validation rows, dense float32 or, with words, sparse."""
    from scipy import sparse

    parts = []
    for name, feature in graph.features.items():
        for tensor in feature.tensors:
            values = dataset.inputs[f"{name}_{tensor}"]
            parts.append([_columns(feature, tensor, values, rows) for rows in (train_rows, validation_rows)])
    matrices = []
    for columns in zip(*[_standardised(*part) for part in parts], strict=True):
        is_sparse = any(map(sparse.issparse, columns))
        matrices.append(sparse.hstack(columns, format="csr") if is_sparse else np.concatenate(columns, axis=1))
    return matrices


def _standardised(train, validation):
    """Return dense columns standardised by the training rows, missing values at the mean and marked in further ones."""
    if not isinstance(train, np.ndarray):
        return train, validation
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # Columns without any value.
        mean, deviation = np.nanmean(train, axis=0), np.nanstd(train, axis=0)
    mean, deviation = np.nan_to_num(mean), np.where(deviation > 1e-12, deviation, 1.0)
    missing = np.isnan(train).any(axis=0)
    return [
        np.concatenate(
            [np.nan_to_num(np.clip((part - mean) / deviation, -_FARTHEST, _FARTHEST)), np.isnan(part[:, missing])],
            axis=1,
            dtype="float32",
        )
        for part in (train, validation)
    ]


def _columns(feature, tensor, values, rows):
    """Return what a linear model takes of some rows of a tensor, `(n, columns)`."""
    statistics = feature.statistics
    if tensor == "categories":
        return _one_hot(values[rows], statistics["cardinalities"])
    if tensor == "tokens":
        return _tf_idf(values[rows], statistics["inverse_document_frequency"])
    if tensor.startswith("tokens_"):
        return _tf_idf(values[rows], statistics["inverse_document_frequencies"][int(tensor.removeprefix("tokens_"))])
    return _pooled(values, rows)


def _one_hot(codes, cardinalities):
    """Return the indicators of codes `(n, columns)`, a sparse matrix."""
    from scipy import sparse

    first = np.cumsum([0, *cardinalities[:-1]])
    n_rows, n_columns = codes.shape
    indices = (codes + first).reshape(-1)
    starts = np.arange(0, n_rows * n_columns + 1, n_columns)
    return sparse.csr_matrix((np.ones(len(indices), "float32"), indices, starts), (n_rows, sum(cardinalities)))


def _tf_idf(tokens, inverse_document_frequency):
    """Return the TF-IDF weights of token ids `(n, length)`, rows of norm 1, a sparse matrix."""
    from scipy import sparse
    from sklearn.preprocessing import normalize

    row, place = np.nonzero(tokens)
    counts = sparse.csr_matrix(
        (np.ones(len(row), "float32"), (row, tokens[row, place])), (len(tokens), len(inverse_document_frequency))
    )
    counts.sum_duplicates()
    counts.data = 1 + np.log(counts.data)
    return normalize(counts.multiply(np.asarray(inverse_document_frequency, "float32")[None]).tocsr())


def _pooled(values, rows):
    """Return numbers `(n, ..., channels)` as columns; the neighbours of large images and series are averaged."""
    shape = values.shape[1:]
    n_axes = len(shape) - 1
    factor = 1 if not n_axes else max(1, math.ceil((math.prod(shape) / _MAX_VALUES) ** (1 / n_axes)))
    factors = [min(factor, length) for length in shape[:-1]]
    kept = tuple(slice(0, length // each * each) for length, each in zip(shape, factors, strict=False))
    split = [size for length, each in zip(shape, factors, strict=False) for size in (length // each, each)]
    parts = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # Nothing but missing values.
        for start in range(0, len(rows), _BATCH):
            part = values[rows[start : start + _BATCH]]
            if factor > 1:
                part = part[:, *kept].reshape(len(part), *split, shape[-1])
                mean = np.nanmean if part.dtype.kind == "f" and np.isnan(part).any() else np.mean
                part = mean(part, axis=tuple(range(2, 2 * n_axes + 1, 2)), dtype="float32")
            parts.append(part.reshape(len(part), -1).astype("float32"))
    return np.concatenate(parts)
