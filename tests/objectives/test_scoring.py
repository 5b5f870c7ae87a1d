"""Scoring: losses with weights, metrics without, names by head."""

import keras
import numpy as np
import pytest

from autonas.objectives import metrics, scoring

TRUTH = np.array([0, 1, 1, 0])
OUTPUTS = np.array([[0.2], [0.9], [0.4], [0.1]], "float32")


def head(loss, name="head", weight=1.0):
    return scoring.HeadScoring(
        name, "binary", TRUTH[:, None].astype("float32"), TRUTH,
        lambda outputs: np.concatenate([1 - outputs, outputs], axis=1), scoring.HeadLoss(loss, weight),
        [metrics.get_metric("accuracy", "binary")],
    )  # fmt: skip


@pytest.mark.parametrize("loss", [keras.losses.binary_crossentropy, keras.losses.BinaryCrossentropy()])
def test_weights_count_in_the_loss_and_not_in_metrics(loss):
    rows = np.arange(4)
    each = -np.log(np.where(TRUTH[:, None] == 1, OUTPUTS, 1 - OUTPUTS))[:, 0]
    assert scoring.Scorer([head(loss)])({"head": OUTPUTS}, rows)["val_loss"] == pytest.approx(each.mean(), rel=1e-5)
    weights = np.array([2.0, 0.0, 2.0, 0.0], "float32")
    weighted = scoring.Scorer([head(loss)], weights)({"head": OUTPUTS}, rows)
    assert weighted["val_loss"] == pytest.approx((each * weights).mean(), rel=1e-5)
    assert weighted["val_accuracy"] == 0.75


def test_several_heads_are_named_and_summed():
    heads = [head(keras.losses.binary_crossentropy, "a"), head(keras.losses.mean_squared_error, "b", 0.5)]
    scores = scoring.Scorer(heads)({"a": OUTPUTS, "b": OUTPUTS}, np.arange(4))
    assert set(scores) == {"val_loss", "val_a_loss", "val_b_loss", "val_a_accuracy", "val_b_accuracy"}
    assert scores["val_loss"] == pytest.approx(scores["val_a_loss"] + 0.5 * scores["val_b_loss"])


def test_outputs_that_are_not_finite_have_no_metrics():
    scores = scoring.Scorer([head(keras.losses.binary_crossentropy)])({"head": OUTPUTS * np.nan}, np.arange(4))
    assert set(scores) == {"val_loss"} and np.isnan(scores["val_loss"])
