"""Costs of architectures in a one-shot search: exact, estimated, or measured, and how they keep to limits."""

import math

import keras
import keras_tuner
import numpy as np
import pytest

from autonas.costs import registry
from autonas.evaluation import problem
from autonas.evaluation.one_shot import costs as one_shot_costs
from autonas.objectives import constraints, goal
from autonas.search_space import encoding
from autonas.search_space.blocks import chain
from tests.helpers import supernets

ACCURACY = keras_tuner.Objective("val_accuracy", "max")


class Built:
    """Builds the models of architectures, and counts them."""

    def __init__(self, drawn):
        self.drawn = drawn
        self.n = 0

    def __call__(self, values):
        self.n += 1
        self.latest = values
        return supernets.stand_alone(self.drawn, values)


def make(*measured, limits=(), as_served=None):
    """Costs of chains of three layers, what builds their models, and six architectures."""
    block = chain.ChainBlock(filters=4, depth=3, operations=["convolution_3", "convolution_1", "identity"])
    drawn, _ = supernets.make_graph(block)
    supernet = supernets.build(drawn)
    within = tuple(constraints.Constraint(cost, limit) for cost, limit in limits)
    build = Built(drawn)
    wanted = goal.Goal((ACCURACY,), tuple(measured), within)
    searched = problem.Problem(drawn, None, None, wanted, as_served)
    found = one_shot_costs.OneShotCosts(supernet, build, searched, np.random.default_rng(0))
    space = encoding.Encoding(supernet.space)
    return found, build, [space.sample(np.random.default_rng(seed)) for seed in range(6)]


class LinearSize(registry.ModelSize):
    """A size that is a line over the number of parameters."""

    def __init__(self, slope=4e-6):
        super().__init__()
        self.slope = slope

    def measure(self, built):
        return {"model_size_mb": 0.01 + self.slope * built.model.count_params()}


def n_layers(model):
    return len(model.layers)


def test_parameters_and_flops_are_those_of_the_architectures_own_model_which_is_not_built():
    found, build, architectures = make(registry.Params(), registry.Flops())
    for values in architectures:
        built = registry.BuiltModel(supernets.stand_alone(build.drawn, values))
        assert found.measure(values).costs == registry.Params().measure(built) | registry.Flops().measure(built)
    assert build.n == 0


def test_the_costs_are_those_of_what_is_served():
    def as_served(model):
        (output,) = model.output.values()
        return keras.Model(model.input, {"head": keras.layers.Dense(7, name="head")(output)})

    all_costs = (registry.Params(), LinearSize(), registry.CustomCost(n_layers))
    found, build, architectures = make(*all_costs, as_served=as_served)
    for values in architectures[:3]:
        built = registry.BuiltModel(as_served(supernets.stand_alone(build.drawn, values)))
        expected = {name: value for cost in all_costs for name, value in cost.measure(built).items()}
        assert found.measure(values).costs == pytest.approx(expected)


def test_what_follows_parameters_by_a_line_is_estimated_from_six_models():
    cost = LinearSize()
    found, build, architectures = make(cost)
    for values in architectures:
        built = registry.BuiltModel(supernets.stand_alone(build.drawn, values))
        assert found.measure(values).costs["model_size_mb"] == pytest.approx(cost.measure(built)["model_size_mb"])
    assert build.n == 6


def test_an_estimate_never_falls_with_what_it_is_estimated_from():
    found, _, architectures = make(LinearSize(slope=-1e-6))
    estimates = {found.measure(values).costs["model_size_mb"] for values in architectures}
    assert np.ptp(list(estimates)) == pytest.approx(0.0, abs=1e-9)


def test_latency_is_estimated_from_that_of_single_operations(monkeypatch):
    def milliseconds(node):
        """Latencies that a busy machine doesn't change."""
        return 0.1 + 1e-3 * node.operation.count_params() if isinstance(node.operation, keras.layers.Layer) else 0.1

    class LinearLatency(registry.Latency):
        """3 ms and twice the sum of the operations' own."""

        def measure(self, built):
            return {"slow_ms": 3 + 2 * found._sum("latency_ms", build.latest)}

    monkeypatch.setattr(one_shot_costs.latency_table, "OperationLatency", lambda: milliseconds)
    found, build, architectures = make(LinearLatency(name="slow_ms"))
    estimates = [found.measure(values).costs["slow_ms"] for values in architectures]
    assert estimates == pytest.approx([3 + 2 * found._sum("latency_ms", values) for values in architectures])
    assert max(estimates) > min(estimates) > 3 and build.n == 6


def test_estimates_are_near_to_what_is_measured():
    pytest.importorskip("ai_edge_litert")
    size = registry.ModelSize()
    found, build, architectures = make(size)
    measured = [size.measure(registry.BuiltModel(build(values)))["model_size_mb"] for values in architectures]
    estimated = [found.measure(values).costs["model_size_mb"] for values in architectures]
    errors = np.abs(np.divide(estimated, measured) - 1)
    assert np.median(errors) < 0.05 and max(errors) < 0.2


def test_other_costs_are_measured_on_the_architectures_own_model():
    found, build, architectures = make(registry.CustomCost(n_layers))
    values = architectures[0]
    assert found.measure(values).costs == {"n_layers": len(supernets.stand_alone(build.drawn, values).layers)}
    assert build.n == 1


def test_no_model_is_built_for_what_is_beyond_a_limit_already():
    params, layers = registry.Params(), registry.CustomCost(n_layers)
    found, build, architectures = make(params, layers, limits=[(params, 1), (layers, 1000)])
    measured = found.measure(architectures[0])
    assert build.n == 0
    n = measured.costs["params"]
    assert measured.margins == [pytest.approx(math.log(1 / n)), None]
    assert measured.violations.startswith("params is")


def test_without_costs_there_is_nothing_to_measure():
    found, build, architectures = make()
    assert found.measure(architectures[0]) == goal.Measurement({}, [], "") and build.n == 0
