"""Calibration: scaling the scores behind probabilities by predictions for rows that weren't trained on."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import keras
import numpy as np

from autonas.backends import node_graph
from autonas.evaluation.problem import Problem
from autonas.search_space import calibration, heads

#: Smallest probability whose logarithm is taken.
_LEAST_PROBABILITY = 1e-7
#: Smallest gain of the log-likelihood of the validation set that is beyond chance: a quantile of the chi-squared
#: distribution, halved (Wilks 1938).
_LEAST_GAIN = 2.0


def factors(problem: Problem, predict: Callable[[], Mapping[str, np.ndarray] | None]) -> dict[str, float]:
    """Return the factor of the scores of every head of classes that increases the likelihood of the validation set.

    This is temperature scaling (Guo et al., "On calibration of modern neural networks", 2017). A head is left out if
    the gain isn't beyond chance, or if its loss isn't the cross-entropy.

    Args:
        problem: The `Problem`.
        predict: Function that returns a dict from head to the predictions of the validation rows, `(n, n_outputs)`, or
            `None` if they are lost.

    Returns:
        Dict from head to factor.
    """
    dataset = problem.dataset
    by_head: dict[str, float] = {}
    if dataset.is_stream:
        return {}  # The order of the rows of a stream may change.
    rows, predictions = dataset.validation_rows, None
    weights = None if dataset.sample_weight is None else dataset.sample_weight[rows]
    for name, head in zip(problem.graph.head_names, problem.graph.heads, strict=True):
        task = head.target.task
        if task in ("binary", "multiclass") and head.loss_name() == heads.LOSSES[task]:
            predictions = predictions or predict()
            if predictions is None:
                return {}
            factor = _factor(predictions[name], dataset.targets[name][rows].ravel().astype(int), weights)
            if factor is not None:
                by_head[name] = factor
    return by_head


def _factor(probabilities: np.ndarray, targets: np.ndarray, weights: np.ndarray | None) -> float | None:
    """Return the factor of the scores of one head, or `None`."""
    from scipy import special

    scores = scores_of(probabilities)
    factor = calibration.factor(scores, targets, weights)
    own = np.arange(len(targets)), targets
    gains = special.log_softmax(factor * scores, axis=1)[own] - special.log_softmax(scores, axis=1)[own]
    return factor if np.sum(gains if weights is None else weights * gains) >= _LEAST_GAIN else None


def scores_of(probabilities: np.ndarray) -> np.ndarray:
    """Return the logarithms of probabilities, `(n, classes)`; of two classes the second alone may be given."""
    if probabilities.shape[1] == 1:
        probabilities = np.concatenate([1 - probabilities, probabilities], axis=1)
    return np.log(np.maximum(probabilities.astype("float64"), _LEAST_PROBABILITY))


def scaled(predictions: Mapping[str, np.ndarray], by_head: Mapping[str, float]) -> dict[str, np.ndarray]:
    """Return predicted probabilities after the scores behind them are multiplied by factors.

    Args:
        predictions: Dict from head to predictions, `(n, n_outputs)`.
        by_head: Dict from head to factor.
    """
    from scipy import special

    result = dict(predictions)
    for name, factor in by_head.items():
        shares = special.softmax(factor * scores_of(predictions[name]), axis=1).astype(predictions[name].dtype)
        result[name] = shares[:, -predictions[name].shape[1] :]
    return result


def scale(network: keras.Model, by_head: Mapping[str, float]) -> None:
    """Multiply the scores behind the probabilities of a network by factors.

    The factor is written into the weights of the dense layer that computes the scores. A head without such a layer
    stays as it is.

    Args:
        network: A `keras.Model` whose outputs are a dict by head.
        by_head: Dict from head to factor.
    """
    for name, factor in by_head.items():
        layer = node_graph.producer(network.output[name])[0].operation
        if isinstance(layer, keras.layers.Dense):
            layer.set_weights([factor * array for array in layer.get_weights()])
