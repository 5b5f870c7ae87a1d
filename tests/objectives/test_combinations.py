"""Combinations: what several objectives come to in one number."""

import math

import keras
import numpy as np
import pytest

from autonas.objectives import Combination, Lexicographic, ProductOfPowers, WeightedSum, goal


def test_a_weighted_sum_counts_what_is_to_be_small_as_a_loss():
    blend = WeightedSum({"val_accuracy": 1, "latency_ms": 0.02})
    assert blend.parts == ["val_accuracy", "latency_ms"]
    assert blend.combine([0.9, 5.0], ["max", "min"]) == pytest.approx(0.9 - 0.1)


@pytest.mark.parametrize(
    ("exponents", "latency", "factor"),
    [
        ("soft", 4.0, 1.0),
        ("soft", 8.0, 2**-0.07),
        ("soft", 2.0, 2**0.07),
        ("hard", 2.0, 1.0),
        ("hard", 8.0, 0.5),
        ((-0.1, -0.5), 2.0, 2**0.1),
        ((-0.1, -0.5), 16.0, 0.5),
    ],
)
def test_a_product_of_powers_is_that_of_mnasnet(exponents, latency, factor):
    blend = ProductOfPowers("val_accuracy", {"latency_ms": 4.0}, exponents)
    assert blend.combine([0.8, latency], ["max", "min"]) == pytest.approx(0.8 * factor)


def test_several_costs_are_factors():
    blend = ProductOfPowers("val_accuracy", {"latency_ms": 4.0, "params": 100}, "hard")
    assert blend.combine([0.8, 8.0, 400.0], ["max", "min", "min"]) == pytest.approx(0.8 / 2 / 4)


def test_a_product_of_powers_needs_an_objective_that_is_to_be_large():
    blend = ProductOfPowers("val_loss", {"latency_ms": 4.0})
    with pytest.raises(ValueError, match="`objective` of ProductOfPowers must be maximised"):
        blend.check(["min", "min"])
    blend.check(["max", "min"])
    with pytest.raises(ValueError, match="`targets`"):
        blend.check(["max", "max"])


def test_a_product_of_powers_needs_an_objective_that_is_never_negative():
    with pytest.raises(ValueError, match="must never be negative.*'neg_mean_absolute_error'. Use a WeightedSum"):
        ProductOfPowers("neg_mean_absolute_error", {"params": 1000}).check(["max", "min"])


def test_lexicographic_order_is_that_of_steps_then_of_the_next_objective():
    order = Lexicographic(["val_accuracy", "latency_ms", "params"], [0.01, 1.0])
    rows = [(0.951, 9.0, 5), (0.958, 3.0, 9), (0.955, 3.5, 7), (0.97, 50.0, 9), (0.94, 0.1, 1)]
    found = sorted(rows, key=lambda row: -order.combine(list(row), ["max", "min", "min"]))
    # .951, .955 and .958 are the same step; 3 and 3.5 ms aren't: -3 begins a step, -3.5 is in the one below.
    assert found == [rows[3], rows[1], rows[2], rows[0], rows[4]]


def test_a_multiple_of_the_tolerance_begins_a_step_whatever_its_rounding():
    order = Lexicographic(["val_accuracy", "params"], 0.1)
    high, low = (order.combine([accuracy, 1e6], ["max", "min"]) for accuracy in (0.3, 0.29))
    assert math.floor(high) == 3 and math.floor(low) == 2
    assert order.combine([0.1 + 0.2, 0.0], ["max", "min"]) == order.combine([0.3, 0.0], ["max", "min"])


@pytest.mark.parametrize(
    "blend",
    [
        WeightedSum({"val_accuracy": 1, "params": 1e-6}),
        ProductOfPowers("val_accuracy", {"latency_ms": 4.0}, "hard"),
        Lexicographic(["val_accuracy", "params"], 0.01),
    ],
    ids=lambda blend: blend.name,
)
def test_configurations_make_the_round_trip(blend):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(blend))
    assert type(again) is type(blend) and again.get_config() == blend.get_config()


def test_a_combination_of_the_user_is_described_by_its_class_and_its_arguments():
    class Worst(Combination):
        name = "worst"
        parts = ["val_accuracy", "val_auc"]

        def __init__(self, floor=0.0):
            self.floor = floor

        def combine(self, values, directions):
            return max(self.floor, *values)

    directions = {"val_accuracy": "max", "val_auc": "max"}
    described = goal.get_goal(Worst(0.5), None, directions, "val_accuracy").describe()
    assert described["combination"] == ["Worst", {"floor": 0.5}]


def combination(**attributes):
    return type("Mine", (Combination,), {"name": "mine", "parts": ["val_accuracy", "val_profit"]} | attributes)()


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"name": None}, "`name` of Mine must be an identifier such as 'balance'. Received: name=None"),
        ({"name": "my score"}, "`name` of Mine must be an identifier"),
        ({"parts": "val_accuracy"}, "`parts` of Mine must be a list of one or more objectives. Received: parts='val_a"),
        ({"parts": []}, "`parts` of Mine must be a list"),
    ],
)
def test_a_combination_of_the_user_is_checked_without_data(attributes, message):
    with pytest.raises(ValueError, match=message):
        goal.check(combination(**attributes), None)


@pytest.mark.parametrize("name", ["val_loss", "val_accuracy", "val_profit", "params"])
def test_a_combination_has_a_name_of_its_own(name):
    directions = {"val_loss": "min", "val_accuracy": "max", "val_profit": "max"}
    with pytest.raises(ValueError, match=f"`name` of Mine must differ .* Received: name='{name}'"):
        goal.get_goal(combination(name=name), None, directions, "val_loss")
    assert goal.get_goal(combination(), None, directions, "val_loss").main.name == "mine"


@pytest.mark.parametrize(
    ("value", "number"), [("high", None), (None, None), (np.float32(0.5), 0.5), (3, 3.0), (np.array(2.0), 2.0)]
)
def test_a_combination_is_a_number(value, number):
    mine = combination(combine=lambda self, values, directions: value)
    found = goal.get_goal(mine, None, {"val_accuracy": "max", "val_profit": "max"}, "val_accuracy")
    known = {"val_accuracy": 0.9, "val_profit": 2.0}
    if number is None:
        with pytest.raises(ValueError, match=f"`combine` of Mine must return a number. Received from it: {value!r}"):
            found.combined(known)
    else:
        combined = found.combined(known)
        assert combined == known | {"mine": number} and type(combined["mine"]) is float


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WeightedSum({}), "`weights` must be a dict"),
        (lambda: WeightedSum({"params": 0}), "`weights` must hold positive numbers. Received: 'params': 0"),
        (lambda: ProductOfPowers("val_accuracy", {"params": -1}), "`targets` must hold positive numbers"),
        (lambda: ProductOfPowers("val_accuracy", {"params": 1}, "medium"), "`exponents` must be 'soft', 'hard'"),
        (lambda: ProductOfPowers("val_accuracy", {"params": 1}, (1, 2)), "`exponents`.*at most 0"),
        (lambda: Lexicographic(["val_accuracy"], 0.1), "`objectives` must be a list of two or more"),
        (lambda: Lexicographic(["val_accuracy", "params"], 0), "`tolerances` must be a positive number"),
        (lambda: Lexicographic(["val_accuracy", "params", "flops"], [0.1]), "`tolerances`.*each objective but"),
    ],
)
def test_what_cannot_be_combined_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
