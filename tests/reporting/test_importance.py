"""Importance of decisions, on tables of trials whose importance is known."""

import math

import numpy as np
import pytest

import autonas
from autonas.reporting import SearchInfo, TrialRecord
from autonas.reporting.importance import importances

SPACE = [
    {"name": "kind", "type": "Choice", "values": ["dense", "convolution", "residual"]},
    {"name": "kind_dense/units", "type": "Choice", "values": [16, 32, 64, 128]},
    {"name": "learning_rate", "type": "Float", "min": 1e-4, "max": 1e-2},
    {"name": "flip", "type": "Boolean", "values": [True, False]},
    {"name": "seed", "type": "Fixed", "values": [7]},
]


def table(n, score, reserved=None):
    """`n` trials drawn at random, with `score(values)` as their scores."""
    records = []
    for number in range(n):
        generator = np.random.default_rng([5, number])
        values = {
            "kind": generator.choice(["dense", "convolution", "residual"]).item(),
            "learning_rate": float(10 ** generator.uniform(-4, -2)),
            "flip": bool(generator.integers(2)),
            "seed": 7,
            **(reserved or {}),
        }
        if values["kind"] == "dense":
            values["kind_dense/units"] = int(generator.choice([16, 32, 64, 128]))
        records.append(TrialRecord(str(number), number, values=values, status="completed", score=score(values)))
    return records


def test_one_decision_explains_everything_and_the_others_nothing():
    found = importances(table(60, lambda values: float(values["kind"] == "convolution")), SPACE, "max")
    assert found["kind"] > 0.98 and max(found["flip"], found["learning_rate"], found["kind_dense/units"]) < 0.01


def test_shares_sum_to_one_and_the_largest_comes_first():
    found = importances(table(80, lambda values: math.log10(values["learning_rate"]) + values["flip"]), SPACE, "min")
    assert sum(found.values()) == pytest.approx(1)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    # Variances of the two parts: 2^2 / 12 of a uniform exponent, 1 / 4 of a coin.
    assert found["learning_rate"] == pytest.approx(4 / 7, abs=0.1) and found["flip"] == pytest.approx(3 / 7, abs=0.1)


def test_a_conditional_decision_matters_as_often_as_it_is_active_and_does_not_stand_for_its_parent():
    inside = importances(table(150, lambda values: math.log2(values.get("kind_dense/units", 43))), SPACE, "max")
    # Total indices: units vary the score by 1.25 in a third of the trials; the kind swaps that for a constant.
    assert inside["kind_dense/units"] == pytest.approx(0.6, abs=0.1) and inside["kind"] == pytest.approx(0.4, abs=0.1)
    outside = importances(table(60, lambda values: float(values["kind"] == "dense")), SPACE, "max")
    assert outside["kind"] > 0.97 and outside["kind_dense/units"] < 0.02


def test_what_never_varied_is_left_out():
    assert "seed" not in importances(table(40, lambda values: float(values["flip"])), SPACE, "max")


@pytest.mark.parametrize("n", [0, 1, 7])
def test_of_few_trials_nothing_is_said(n):
    assert importances(table(n, lambda values: float(values["flip"])), SPACE, "max") == {}


def test_of_equal_scores_and_of_noise_nothing_is_said():
    assert importances(table(30, lambda values: 0.5), SPACE, "max") == {}
    noise = np.random.default_rng(0)
    assert importances(table(30, lambda values: noise.normal()), SPACE, "max") == {}


def test_failed_and_refused_trials_and_the_final_fit_do_not_count():
    records = table(40, lambda values: float(values["flip"]))
    expected = importances(records, SPACE, "max")
    others = table(30, lambda values: 50.0 * (values["kind"] == "dense"))
    for number, record in enumerate(others):
        record.status, record.stage = [("failed", "search"), ("refused", "search"), ("completed", "final")][number % 3]
    others[0].score = None
    diverged = TrialRecord("diverged", 99, values=others[0].values, status="completed", score=math.nan)
    assert importances([*records, *others, diverged], SPACE, "max") == expected


def test_trials_compare_with_those_that_were_trained_as_long():
    short = table(40, lambda values: float(values["flip"]), {"tuner/epochs": 2})
    few = table(9, lambda values: 3.0 + (values["kind"] == "dense"), {"tuner/epochs": 20})
    assert next(iter(importances(short + few, SPACE, "max"))) == "flip"
    assert importances(short + few, SPACE, "max") == importances(short, SPACE, "max")
    enough = table(20, lambda values: 3.0 + (values["kind"] == "dense"), {"tuner/epochs": 20})
    assert importances(short + enough, SPACE, "max") == importances(enough, SPACE, "max")


def test_a_disaster_does_not_explain_all():
    def loss(values):
        return 1000.0 if values["learning_rate"] > 9e-3 else 0.1 + 0.2 * values["flip"]

    records = table(80, loss)
    assert 1 <= sum(record.score == 1000 for record in records) < 8
    assert next(iter(importances(records, SPACE, "min"))) == "flip"


class Blind(autonas.Block):
    """A block that passes its input on, or zeros, and takes a decision that changes nothing."""

    def build(self, hp, inputs):
        hp.Choice("nothing", [1, 2, 3])
        return inputs if hp.Boolean("sees", default=True) else inputs * 0.0


def test_of_a_real_search_it_names_what_matters(iris, tmp_path):
    node = autonas.StructuredDataInput()
    head = autonas.ClassificationHead()(autonas.RidgeBlock()(Blind()(autonas.Normalization()(node))))
    model = autonas.AutoModel(
        node, head, strategy="random", max_trials=24, objective="val_accuracy", refit=False, seed=0,
        directory=tmp_path, tensorboard=False, verbose=0,
    ).fit(*iris)  # fmt: skip
    records = [TrialRecord.from_json(record) for record in model.records_]
    found = importances(records, SearchInfo.from_json(model.search_).space, "max")
    assert next(iter(found)) == "blind_1/sees" and found["blind_1/nothing"] < 0.1
