"""The docstring of every public class and function has an example, and the examples run."""

import inspect
import re

import pytest

from tests.helpers.public_names import public_names

EXAMPLE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
CALLABLES = {name: value for name, value in public_names().items() if callable(value)}
#: Names that have no example yet. Remove a name when its docstring gets one.
WITHOUT_EXAMPLE = {
    "autonas.oracles.BayesianOracle",
    "autonas.oracles.GradientOracle",
    "autonas.oracles.HyperbandOracle",
    "autonas.oracles.KerasTunerOracle",
    "autonas.oracles.LearningCurveOracle",
    "autonas.oracles.LocalSearchOracle",
    "autonas.oracles.RandomOracle",
    "autonas.oracles.ReinforcementOracle",
    "autonas.oracles.SuccessiveHalvingOracle",
    "autonas.oracles.SupernetOracle",
    "autonas.oracles.WeightSharingOracle",
    "autonas.oracles.controllers.FactorisedController",
    "autonas.oracles.controllers.ProximalPolicyOptimization",
    "autonas.oracles.controllers.QLearning",
    "autonas.oracles.controllers.RecurrentController",
    "autonas.oracles.controllers.Reinforce",
    "autonas.testing.oracles.OracleContract",
    "autonas.testing.oracles.conditional_space",
    "autonas.testing.oracles.score",
    "autonas.testing.oracles.small_space",
    "autonas.testing.simulation.SimulatedTrial",
    "autonas.testing.simulation.simulate",
}


def examples_of(name):
    return EXAMPLE.findall(inspect.cleandoc(CALLABLES[name].__doc__ or ""))


@pytest.mark.parametrize("name", sorted(CALLABLES.keys() - WITHOUT_EXAMPLE))
def test_the_docstring_has_an_example_that_runs(name, folder):
    examples = examples_of(name)
    assert examples, f"The docstring of {name} needs an example: a block that begins with ```python."
    names = {"__name__": "example"}
    for example in examples:
        exec(compile(example, f"<example of {name}>", "exec"), names)


@pytest.mark.parametrize("name", sorted(WITHOUT_EXAMPLE))
def test_a_name_without_example_has_none(name):
    assert not examples_of(name), f"{name} has an example: remove it from `WITHOUT_EXAMPLE`."
