"""Constraints: how far a cost is within its limit, and which limits there can be."""

import math

import pytest

from autonas.costs import registry
from autonas.objectives import constraints


def test_a_margin_is_the_logarithm_of_how_many_times_a_cost_fits_into_its_limit():
    limit = constraints.Constraint(registry.Params(), 1000.0)
    assert limit.name == "params"
    assert limit.margin(500) == pytest.approx(math.log(2))
    assert limit.margin(2000) == pytest.approx(-math.log(2))
    assert limit.margin(1000) == 0.0
    assert limit.margin(0) == 10.0 and limit.margin(1e30) == -10.0


def test_of_a_cost_that_is_to_be_large_the_limit_is_the_smallest_value():
    limit = constraints.Constraint(registry.CustomCost(lambda model: 1.0, "battery_hours", "max"), 8.0)
    assert limit.margin(16) == pytest.approx(math.log(2)) and limit.margin(0) == -10.0
    assert limit.violation(6) == "battery_hours is 6, under the limit of 8"


def test_a_violation_says_by_how_much():
    limit = constraints.Constraint(registry.Params(), 2000.0)
    assert limit.violation(2000) == ""
    assert limit.violation(26122) == "params is 26,122, over the limit of 2,000"


def test_constraints_are_given_by_name_or_by_object():
    energy = registry.CustomCost(lambda model: 1.0, "energy")
    found = constraints.get_constraints({"params": 10, energy: 0.5})
    assert [(each.name, each.limit) for each in found] == [("params", 10.0), ("energy", 0.5)]
    assert constraints.get_constraints(None) == ()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["params"], "must be a dict.*Received: constraints=.'params'."),
        ({"val_accuracy": 0.9}, "known before training.*'val_accuracy'.*objective"),
        ({"params": -1}, "positive numbers as limits. Received: 'params': -1"),
        ({"params": True}, "positive numbers as limits"),
        ({"params": math.inf}, "positive numbers as limits"),
        ({3: 1.0}, "A cost must be one of"),
        ({"params": 1.0, registry.Params(): 2.0}, "costs of different names. Received: two costs named 'params'"),
    ],
)
def test_what_is_no_constraint_is_named(given, message):
    with pytest.raises(ValueError, match=message):
        constraints.get_constraints(given)
