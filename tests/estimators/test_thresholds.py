"""The threshold of two classes."""

import numpy as np
import pytest

from autonas.estimators import thresholds
from autonas.objectives import metrics

TRUTH = np.array([0, 0, 0, 0, 0, 0, 1, 1])
SECOND = np.array([0.05, 0.1, 0.15, 0.2, 0.25, 0.45, 0.3, 0.4])
PROBABILITIES = np.stack([1 - SECOND, SECOND], axis=1)


def test_the_threshold_has_the_best_metric_of_labels():
    threshold = thresholds.best_threshold(TRUTH, PROBABILITIES, metrics.get_metric("f1", "binary"))
    assert threshold == pytest.approx((0.25 + 0.3) / 2)
    assert thresholds.score(metrics.get_metric("f1", "binary"), TRUTH, PROBABILITIES, threshold) == pytest.approx(0.8)


def test_the_balanced_accuracy_decides_where_the_metric_is_of_probabilities():
    assert thresholds.best_threshold(TRUTH, PROBABILITIES, metrics.get_metric("auc", "binary")) == pytest.approx(0.275)


def test_a_half_stays_if_no_threshold_is_better():
    second = np.array([0.1, 0.2, 0.8, 0.9])
    probabilities = np.stack([1 - second, second], axis=1)
    metric = metrics.get_metric("accuracy", "binary")
    assert thresholds.best_threshold(np.array([0, 0, 1, 1]), probabilities, metric) == 0.5


def test_metrics_of_probabilities_do_not_depend_on_the_threshold():
    auc = metrics.get_metric("auc", "binary")
    assert thresholds.score(auc, TRUTH, PROBABILITIES, 0.275) == auc(TRUTH, PROBABILITIES)
    # Labels at a threshold of 0.5 have the same AUC as these probabilities.
    second = np.where(TRUTH == 1, 0.9, SECOND)
    assert thresholds.score(auc, TRUTH, np.stack([1 - second, second], axis=1), 0.95) == 1.0
