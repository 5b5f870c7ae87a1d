"""Scoring: losses with weights, metrics without, names by head."""

import dataclasses

import keras
import numpy as np
import pytest

from autonas.objectives import metrics, scoring

TRUTH = np.array([0, 1, 1, 0])
OUTPUTS = np.array([[0.2], [0.9], [0.4], [0.1]], "float32")


def head(loss, name="head", weight=1.0):
    return scoring.HeadScoring(
        name, "binary", TRUTH[:, None].astype("float32"), TRUTH,
        lambda outputs, rows: np.concatenate([1 - outputs, outputs], axis=1), scoring.HeadLoss(loss, weight),
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


def test_the_standard_error_of_an_accuracy_is_that_of_a_mean():
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 2, 400)
    outputs = np.where(generator.random(400) < 0.8, truth, 1 - truth)[:, None].astype("float32")
    scored = dataclasses.replace(head(keras.losses.mean_squared_error), encoded=truth[:, None], truth=truth)
    scorer = scoring.Scorer([scored])
    usual = np.std(outputs[:, 0] == truth) / np.sqrt(400)
    found = scorer.standard_error({"head": outputs}, np.arange(400), "val_accuracy")
    assert found == pytest.approx(usual, rel=0.35)  # The error of an estimate from 20 groups is 16 %.
    assert scorer.standard_error({"head": outputs}, np.arange(400), "latency_ms") is None
    assert scorer.standard_error({"head": outputs[:1]}, np.arange(1), "val_accuracy") is None


def test_the_standard_error_of_a_few_rows_leaves_out_one_row_at_a_time():
    scorer = scoring.Scorer([head(keras.losses.binary_crossentropy)])
    losses = -np.log(np.where(TRUTH[:, None] == 1, OUTPUTS, 1 - OUTPUTS))[:, 0]
    found = scorer.standard_error({"head": OUTPUTS}, np.arange(4), "val_loss")
    assert found == pytest.approx(np.std(losses, ddof=1) / 2, rel=1e-4)


def test_several_predictions_of_a_row_are_no_further_evidence():
    scorer = scoring.Scorer([head(keras.losses.binary_crossentropy)])
    once = scorer.standard_error({"head": OUTPUTS}, np.arange(4), "val_loss")
    thrice = scorer.standard_error({"head": np.tile(OUTPUTS, (3, 1))}, np.tile(np.arange(4), 3), "val_loss")
    assert thrice == pytest.approx(once, rel=1e-5)


def test_the_standard_error_of_overlapping_rows_leaves_out_blocks():
    """Errors of windows, which are sums of twelve errors of steps."""
    steps = np.random.default_rng(0).normal(size=2411)
    errors = np.convolve(steps, np.ones(12), "valid")[:, None].astype("float32")
    scored = dataclasses.replace(head(keras.losses.mean_absolute_error), encoded=np.zeros_like(errors), truth=None)
    scorer = scoring.Scorer([dataclasses.replace(scored, metrics=[])])
    independent, overlapping = (
        scorer.standard_error({"head": errors}, np.arange(2400), "val_loss", overlap) for overlap in (1, 12)
    )
    in_blocks = np.abs(errors).reshape(-1, 12).mean(axis=1)
    assert overlapping == pytest.approx(in_blocks.std() / np.sqrt(200), rel=0.35) and overlapping > 2 * independent
    assert scorer.standard_error({"head": errors}, np.arange(2400), "val_loss", 5000) > 0


def test_there_is_no_standard_error_where_a_metric_is_undefined_for_some_rows():
    def of_two_classes(truth, predictions):
        if len(np.unique(truth)) < 2:
            raise ValueError("Only one class is present.")
        return 1.0

    truth, metric = np.array([1, 0, 0, 0]), metrics.get_metric(of_two_classes, "binary")
    scored = dataclasses.replace(
        head(keras.losses.binary_crossentropy), encoded=truth[:, None], truth=truth, metrics=[metric]
    )
    assert scoring.Scorer([scored]).standard_error({"head": OUTPUTS}, np.arange(4), "val_of_two_classes") is None


def test_predictions_are_converted_by_their_rows():
    offset = np.arange(8.0)[:, None]
    regression = scoring.HeadScoring(
        "head", "regression", np.zeros((8, 1)), offset + 1.0, lambda outputs, rows: 10 * outputs + offset[rows],
        scoring.HeadLoss(keras.losses.mean_squared_error), [metrics.get_metric("mae", "regression")],
    )  # fmt: skip
    scorer = scoring.Scorer([regression])
    for rows in (np.arange(8), np.array([6, 1, 1])):
        assert scorer({"head": np.full((len(rows), 1), 0.3)}, rows)["val_mae"] == pytest.approx(2.0)
