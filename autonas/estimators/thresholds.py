"""The threshold of the probability from which the second of two classes is predicted."""

import numpy as np

from autonas.objectives import metrics

DEFAULT = 0.5
#: Largest number of thresholds that are tried.
_N_TRIED = 1000
#: Number of random predictions by which metrics of labels are recognised.
_N_DRAWS = 3


def best_threshold(truth: np.ndarray, probabilities: np.ndarray, metric: metrics.Metric) -> float:
    """Return the threshold with the best metric. Of equally good ones, the nearest to 0.5.

    A metric of probabilities, such as the AUC, has the same value for all thresholds: then the balanced accuracy
    decides.

    Args:
        truth: Indices of the classes, `(n,)`.
        probabilities: Probabilities of the two classes, `(n, 2)`.
        metric: The `Metric`.
    """
    if not _is_of_labels(metric, truth):
        metric = metrics.get_metric("balanced_accuracy", "binary")
    values = np.unique(probabilities[:, 1])
    between = (values[1:] + values[:-1]) / 2
    if len(between) > _N_TRIED:
        between = between[np.linspace(0, len(between) - 1, _N_TRIED).astype(int)]
    tried = sorted([DEFAULT, *between[(between > 0) & (between < 1)].tolist()], key=lambda value: abs(value - DEFAULT))
    sign = -1 if metric.direction == "min" else 1
    return float(max(tried, key=lambda threshold: sign * metric(truth, _decided(probabilities, threshold))))


def score(metric: metrics.Metric, truth: np.ndarray, predictions: np.ndarray, threshold: float) -> float:
    """Return a metric of predictions; a metric of labels for the labels of a threshold."""
    if threshold == DEFAULT or not _is_of_labels(metric, truth):
        return metric(truth, predictions)
    return metric(truth, _decided(predictions, threshold))


def _is_of_labels(metric: metrics.Metric, truth: np.ndarray) -> bool:
    """Return whether a metric depends on the predicted labels alone, as its values for random probabilities show.

    The AUC of the probabilities of a good network may be the AUC of its labels.
    """
    draws = np.random.default_rng(0).uniform(size=(_N_DRAWS, len(truth)))
    drawn = (np.stack([1 - second, second], axis=1) for second in draws)
    return all(metric(truth, random) == metric(truth, _decided(random, DEFAULT)) for random in drawn)


def _decided(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """Return probabilities of 0 and 1 for the labels of a threshold, `(n, 2)`."""
    second = (probabilities[:, 1] > threshold).astype("float64")
    return np.stack([1 - second, second], axis=1)
