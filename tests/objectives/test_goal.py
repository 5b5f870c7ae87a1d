"""The goal: what arguments stand for, what is measured before training, and what is refused."""

import json

import keras
import keras_tuner
import pytest

from autonas.objectives import CustomCost, CustomScore, Lexicographic, Params, WeightedSum, constraints, goal

DIRECTIONS = {"val_loss": "min", "val_accuracy": "max", "val_auc": "max", "val_mystery": None}


def get(objective, limits=None):
    return goal.get_goal(objective, limits, DIRECTIONS, "val_loss")


def model(units):
    inputs = keras.Input((4,), name="x")
    return keras.Model({"x": inputs}, {"y": keras.layers.Dense(units)(inputs)})


def names(found):
    return [(each.name, each.direction) for each in found.objectives]


@pytest.mark.parametrize(
    ("objective", "expected"),
    [
        (None, [("val_loss", "min")]),
        ("accuracy", [("val_accuracy", "max")]),
        ("params", [("params", "min")]),
        (keras_tuner.Objective("params", "max"), [("params", "max")]),
        (keras_tuner.Objective("val_mystery", "min"), [("val_mystery", "min")]),
        (["val_accuracy", "flops"], [("val_accuracy", "max"), ("flops", "min")]),
        (["val_accuracy"], [("val_accuracy", "max")]),
        (WeightedSum({"val_accuracy": 1, "params": 1e-6}), [("weighted_sum", "max")]),
        (CustomScore(lambda model, data: 1.0, "profit"), [("profit", "max")]),
        (CustomCost(lambda model: 1.0, "energy"), [("energy", "min")]),
    ],
)
def test_an_objective_is_a_name_an_object_or_a_list(objective, expected):
    found = get(objective)
    assert names(found) == expected and found.main is found.objectives[0]
    assert found.is_pareto == (len(expected) > 1)


def test_costs_are_measured_once_and_those_that_are_counted_first():
    energy = CustomCost(lambda model: float(model.count_params()), "energy")
    found = get(["val_accuracy", energy, "params"], {"params": 100, "flops": 1000})
    assert [cost.name for cost in found.costs] == ["params", "flops", "energy"]
    measured = found.measure(model(3))
    assert measured.costs == {"params": 15.0, "flops": 2 * 4 * 3 + 3, "energy": 15.0}
    assert measured.margins == [constraints.Constraint(Params(), 100.0).margin(15), pytest.approx(3.6119, abs=1e-4)]
    assert measured.violations == ""


def test_once_a_counted_cost_is_beyond_its_limit_nothing_is_run():
    def run(model):
        raise AssertionError("It must not be run.")

    found = get("val_accuracy", {CustomCost(run, "energy"): 1.0, "params": 10})
    measured = found.measure(model(3))
    assert measured.costs == {"params": 15.0}
    assert measured.margins == [None, pytest.approx(-0.405, abs=1e-3)]
    assert measured.violations == "params is 15, over the limit of 10"


def test_a_cost_that_is_no_finite_number_cannot_be_compared():
    with pytest.raises(ValueError, match="'energy' must be a number. Received from its function: nan"):
        get(CustomCost(lambda model: float("nan"), "energy")).measure(model(3))


def test_a_combination_is_computed_from_scores_and_costs():
    found = get(WeightedSum({"val_accuracy": 1, "params": 0.01}))
    assert found.combined({"val_accuracy": 0.9, "params": 15.0})["weighted_sum"] == pytest.approx(0.75)
    assert found.directions() == {"params": "min", "val_accuracy": "max", "weighted_sum": "max"}
    # A network whose outputs aren't finite has no accuracy.
    assert str(found.combined({"params": 15.0})["weighted_sum"]) == "nan"


def test_the_best_epoch_is_chosen_by_what_training_changes():
    assert get(["params", "val_accuracy"]).epoch_objective.name == "val_accuracy"
    assert get("params").epoch_objective.name == "val_loss"
    assert get(Lexicographic(["val_auc", "params"], 0.01)).epoch_objective.name == "lexicographic"


def test_metrics_that_the_networks_must_produce_are_those_of_all_parts():
    assert goal.metric_names(["val_accuracy", "params", keras_tuner.Objective("val_auc", "max")]) == ["accuracy", "auc"]
    assert goal.metric_names(WeightedSum({"f1_macro": 1, "latency_ms": 0.1})) == ["f1_macro"]
    assert goal.metric_names(None) == []


def test_the_description_is_json_and_tells_goals_apart():
    goals = [
        get("val_accuracy"),
        get(["val_accuracy", "params"]),
        get("val_accuracy", {"params": 10}),
        get("val_accuracy", {"params": 11}),
        get(WeightedSum({"val_accuracy": 1, "params": 1.0})),
        get(WeightedSum({"val_accuracy": 1, Params(): 2.0})),
        get(CustomCost(model, "energy")),
    ]
    described = [json.dumps(each.describe()) for each in goals]
    assert len(set(described)) == len(goals)
    assert goals[3].summary() == "val_accuracy (max), within params 11"


@pytest.mark.parametrize(
    ("objective", "limits", "message"),
    [
        (["val_accuracy", "accuracy"], None, "must not repeat an objective. Received: 'val_accuracy' twice"),
        ("val_beauty", None, "must be one of val_loss, val_accuracy.*params, flops"),
        ("val_mystery", None, "direction of `objective` 'val_mystery' is unknown"),
        (["energy_of_mine"], None, "must be one of"),
        (
            CustomCost(lambda model: 1.0, "energy"),
            {CustomCost(lambda model: 2.0, "energy", "max"): 3},
            "must measure 'energy' with the same settings. Measure it once: pass the same object",
        ),
    ],
)
def test_what_cannot_be_resolved_is_named(objective, limits, message):
    with pytest.raises(ValueError, match=message):
        get(objective, limits)


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        ([], "at least one"),
        (3, "Received: objective of type int"),
        (
            [WeightedSum({"val_accuracy": 1}), "params"],
            "A combination must be the only `objective`, .* Received: a WeightedSum inside of a list. Combine all",
        ),
        (WeightedSum({WeightedSum({"val_accuracy": 1}): 1}), "Received: a WeightedSum inside of a WeightedSum"),
        (CustomScore(lambda model: 1.0, "profit"), "function of a model and a tuple"),
        (CustomScore(lambda model, data: 1.0), "`name` of a CustomScore"),
        (CustomScore(lambda model, data: 1.0, "profit", "up"), "`direction` must be"),
        (CustomCost(3, "energy"), "`function` must be a function"),
    ],
)
def test_what_cannot_be_an_objective_is_refused_without_data(objective, message):
    with pytest.raises(ValueError, match=message):
        goal.check(objective, None)
