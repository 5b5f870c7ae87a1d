"""Baselines: predictions of a constant and of a linear model, as a reference for the scores of networks."""

import dataclasses
import math
import time
import warnings

import numpy as np

from autonas.backends import linear_algebra
from autonas.costs.orientation import oriented

#: Maximum seconds for the linear model, and their maximum share of a time limit.
_SECONDS, _SHARE = 1.0, 0.03
#: Multiplications per second while a linear model is fitted, to a dense and to a sparse matrix.
_DENSE_SPEED, _SPARSE_SPEED = 5e9, 8e8
#: Input values per second that are read and averaged.
_READING_SPEED = 1.5e8
#: Maximum number of L-BFGS steps. Further steps overfit images.
_N_ITERATIONS = 30
#: Maximum number of coefficients of a linear model. Beyond it, only the most frequent words are used.
_MAX_COEFFICIENTS = 100_000
#: Minimum number of training rows of a linear model.
_FEWEST_ROWS = 100
#: Number of values of an image or a series beyond which neighbouring values are averaged.
_MAX_VALUES = 1024
#: Number of rows that are averaged at a time.
_BATCH = 256
#: Standard deviations from the mean at which numbers are clipped.
_FARTHEST = 5.0
#: Standard deviation at or below which a column counts as constant.
_SMALLEST_DEVIATION = 1e-12


@dataclasses.dataclass(frozen=True)
class Baseline:
    """A simple prediction and its scores on the validation rows.

    Args:
        name: `"constant"`, `"linear"`, or `"last_value"` for a forecast.
        scores: Dict from metric name to float, as returned by `objectives.scoring.Scorer`.
        seconds: Time to fit, predict and score, in seconds.
        message: Short description of the prediction, such as `"ridge regression"`.
    """

    name: str
    scores: dict
    seconds: float
    message: str


def baselines(graph, dataset, scorer, objective, time_limit=None):
    """Score a constant and a linear prediction on the validation rows.

    The constant prediction of a classification is the vector of class frequencies in the training rows. The constant
    prediction of a regression is the mean or the median. With sample weights, weighted and unweighted statistics are
    compared, and the better score is reported.

    The linear model is a logistic or a ridge regression. Its features are standardised numbers, one-hot categories,
    pixels, and TF-IDF weights of words. It is fitted on a random sample of the training rows. The size of the sample
    is limited so that fitting takes at most 3 % of the time limit, and about 1 second.

    Args:
        graph: The bound `search_space.graph.Graph`.
        dataset: The data set. For a stream, the targets of the validation rows must have been read.
        scorer: An `objectives.scoring.Scorer`.
        objective: The `keras_tuner.Objective` by which constants are compared.
        time_limit: Time limit of the search in seconds, or `None`. Defaults to `None`.

    Returns:
        List of `Baseline`s. The linear model is missing for a stream, and if it can't be fitted.
    """
    # A linear prediction may be one that a metric refuses, such as a negative number.
    scorer = scorer.with_optional_metrics()
    if dataset.baselines is not None:
        predicted = [(name, [predictions], message) for name, (predictions, message) in dataset.baselines.items()]
    else:
        constant = _of_heads(scorer, "mean or median", "class frequencies")
        by_split = zip(*(_constants(split, scorer) for split in dataset.splits), strict=True)
        predicted = [("constant", list(map(_joined, by_split)), f"{constant} of the training rows")]
    scored = []
    for name, options, message in predicted:
        started = time.monotonic()
        scores = _best([scorer(predictions, dataset.validation_rows) for predictions in options], objective)
        scored.append(Baseline(name, scores, time.monotonic() - started, message))
    if dataset.baselines is not None or dataset.is_stream:
        return scored
    started = time.monotonic()
    seconds = _SECONDS if time_limit is None else min(_SECONDS, _SHARE * time_limit)
    with linear_algebra.one_thread():
        linear = [_linear(graph, split, scorer, seconds / len(dataset.splits)) for split in dataset.splits]
    if None not in linear:
        scores = scorer(_joined([predictions for predictions, _ in linear]), dataset.validation_rows)
        scored.append(Baseline("linear", scores, time.monotonic() - started, linear[0][1]))
    return scored


def _of_heads(scorer, of_numbers, of_classes):
    """Return the text for the kind of all heads, or the texts for both kinds in the order of the heads."""
    return " and ".join(dict.fromkeys(of_numbers if head.task == "regression" else of_classes for head in scorer.heads))


def _joined(predictions):
    """Return the predictions for the validation sets of all folds, a dict from head name to array."""
    return {name: np.concatenate([outputs[name] for outputs in predictions]) for name in predictions[0]}


def _best(options, objective):
    """Return the best of several dicts of scores by an objective; the first one if no dict has the objective."""

    def key(scores):
        value = oriented(scores.get(objective.name, math.nan), objective.direction)
        return -math.inf if math.isnan(value) else value

    return max(options, key=key)


# ---------------------------------------------------------------------- the constant


def _constants(dataset, scorer):
    """Return candidates for the constant prediction, a list of dicts from head name to array `(n, n_outputs)`."""
    by_head = {head.name: _constant_outputs(head, *dataset.train_targets(head.name)) for head in scorer.heads}
    n_rows = {head.name: len(head.truth[dataset.validation_rows]) for head in scorer.heads}
    return [
        {name: np.tile(outputs[index % len(outputs)], (n_rows[name], 1)) for name, outputs in by_head.items()}
        for index in range(max(map(len, by_head.values())))
    ]


def _constant_outputs(head, targets, weights):
    """Return candidates for the constant output of one head, a list of float32 arrays `(n_outputs,)`."""
    if head.task == "multiclass":
        counts = [np.bincount(targets, row_weights, len(head.classes)) for row_weights in (None, weights)]
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
    """Fit a linear model for each head.

    Returns:
        Dict from head name to predictions, and a short description of the models. `None` if a fit fails.
    """
    generator = np.random.default_rng(0)
    train_rows, validation_rows = generator.permutation(dataset.train_rows), dataset.validation_rows
    try:
        n_outputs = sum(1 if head.task == "binary" else max(1, len(head.classes)) for head in scorer.heads)
        sample, _ = _design(graph, dataset, train_rows[:_BATCH], train_rows[:_BATCH])
        features = graph.features.values()
        n_values = sum(math.prod(tensor.shape) for feature in features for tensor in feature.network_tensors.values())
        # L-BFGS multiplies by the design matrix in each step; ridge regression computes the Gram matrix.
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
    except (ValueError, np.linalg.LinAlgError) as error:  # A search goes on without a baseline.
        warnings.warn(f"The linear baseline can't be fitted: {error}", RuntimeWarning, stacklevel=2)
        return None
    n_train = len(dataset.train_rows)
    sample = "" if len(train_rows) == n_train else f" on {len(train_rows):,} of {n_train:,} rows"
    return predictions, f"{_of_heads(scorer, 'ridge', 'logistic')} regression{sample}"


def _seconds_per_row(sample, n_products):
    """Estimate the seconds that one more row adds to the fit of a linear model.

    Args:
        sample: Some rows of the design matrix.
        n_products: Number of multiplications for one value of the design matrix.
    """
    if isinstance(sample, np.ndarray):
        return n_products * sample.shape[1] / _DENSE_SPEED
    return n_products * max(1.0, sample.nnz / sample.shape[0]) / _SPARSE_SPEED


def _fit_predict(head, features, validation, targets, weights):
    """Fit the linear model of one head; return its predictions, float32 `(n, n_outputs)`."""
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
    """Fit a logistic regression; return its probabilities for all classes, `(n, n_classes)`."""
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
    """Return the design matrices of training and validation rows: dense float32, or sparse if there are words."""
    from scipy import sparse

    blocks = []
    for name, feature in graph.features.items():
        for tensor in feature.network_tensors:
            values = dataset.inputs[f"{name}_{tensor}"]
            blocks.append([_columns(feature, tensor, values, rows) for rows in (train_rows, validation_rows)])
    matrices = []
    for columns in zip(*[_standardised(*block) for block in blocks], strict=True):
        is_sparse = any(map(sparse.issparse, columns))
        matrices.append(sparse.hstack(columns, format="csr") if is_sparse else np.concatenate(columns, axis=1))
    return matrices


def _standardised(train, validation):
    """Standardise dense columns by the training rows.

    Missing values become the mean. An indicator column is appended for each column with missing training values.
    """
    if not isinstance(train, np.ndarray):
        return train, validation
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # Columns of missing values only.
        mean, deviation = np.nanmean(train, axis=0), np.nanstd(train, axis=0)
    mean, deviation = np.nan_to_num(mean), np.where(deviation > _SMALLEST_DEVIATION, deviation, 1.0)
    missing = np.isnan(train).any(axis=0)
    return [
        np.concatenate(
            [np.nan_to_num(np.clip((rows - mean) / deviation, -_FARTHEST, _FARTHEST)), np.isnan(rows[:, missing])],
            axis=1,
            dtype="float32",
        )
        for rows in (train, validation)
    ]


def _columns(feature, tensor, values, rows):
    """Return some rows of an input tensor as columns of the design matrix, `(n, columns)`."""
    statistics = feature.statistics
    if tensor == "categories":
        return _one_hot(values[rows], statistics["cardinalities"])
    if tensor == "tokens":
        return _tf_idf(values[rows], statistics["inverse_document_frequency"])
    if tensor.startswith("tokens_"):
        return _tf_idf(values[rows], statistics["inverse_document_frequencies"][int(tensor.removeprefix("tokens_"))])
    return _pooled(values, rows)


def _one_hot(codes, cardinalities):
    """Return the one-hot encoding of integer codes `(n, columns)` as a sparse matrix."""
    from scipy import sparse

    first = np.cumsum([0, *cardinalities[:-1]])
    n_rows, n_columns = codes.shape
    indices = (codes + first).reshape(-1)
    starts = np.arange(0, n_rows * n_columns + 1, n_columns)
    return sparse.csr_matrix((np.ones(len(indices), "float32"), indices, starts), (n_rows, sum(cardinalities)))


def _tf_idf(tokens, inverse_document_frequency):
    """Return the TF-IDF weights of token ids `(n, length)` as a sparse matrix whose rows have norm 1."""
    from scipy import sparse
    from sklearn.preprocessing import normalize

    row, position = np.nonzero(tokens)
    counts = sparse.csr_matrix(
        (np.ones(len(row), "float32"), (row, tokens[row, position])), (len(tokens), len(inverse_document_frequency))
    )
    counts.sum_duplicates()
    counts.data = 1 + np.log(counts.data)
    return normalize(counts.multiply(np.asarray(inverse_document_frequency, "float32")[None]).tocsr())


def _pooled(values, rows):
    """Return numbers `(n, ..., channels)` as columns. Neighbouring values of large images and series are averaged."""
    shape = values.shape[1:]
    n_axes = len(shape) - 1
    factor = 1 if not n_axes else max(1, math.ceil((math.prod(shape) / _MAX_VALUES) ** (1 / n_axes)))
    factors = [min(factor, length) for length in shape[:-1]]
    kept = tuple(slice(0, length // step * step) for length, step in zip(shape, factors, strict=False))
    split = [size for length, step in zip(shape, factors, strict=False) for size in (length // step, step)]
    batches = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # Batches of missing values only.
        for start in range(0, len(rows), _BATCH):
            batch = values[rows[start : start + _BATCH]]
            if factor > 1:
                batch = batch[:, *kept].reshape(len(batch), *split, shape[-1])
                mean = np.nanmean if batch.dtype.kind == "f" and np.isnan(batch).any() else np.mean
                batch = mean(batch, axis=tuple(range(2, 2 * n_axes + 1, 2)), dtype="float32")
            batches.append(batch.reshape(len(batch), -1).astype("float32"))
    return np.concatenate(batches)
