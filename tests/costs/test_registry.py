"""Costs: exact numbers on networks counted by hand, costs by name, and the user's own."""

import keras
import pytest

from autonas.costs import registry
from tests.helpers.known_networks import KNOWN


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.build.__name__)
def test_parameters_and_flops_are_those_counted_by_hand(known):
    built = registry.BuiltModel(known.build())
    assert registry.Params().measure(built) == {"params": known.params}
    assert registry.Flops().measure(built) == {"flops": known.flops}


def test_every_cost_has_a_name_under_which_it_is_found_and_measured():
    built = registry.BuiltModel(KNOWN[0].build())
    assert list(registry.COSTS) == ["params", "flops", "memory_mb", "model_size_mb", "latency_ms"]
    for name in registry.COSTS:
        cost = registry.get_cost(name)
        cost.check()
        assert cost.name == name and cost.direction == "min"
        assert cost.measure(built)[name] > 0


def test_what_the_graph_tells_is_told_apart_from_what_is_exported_or_run():
    counted = [name for name in registry.COSTS if registry.get_cost(name).is_counted]
    assert counted == ["params", "flops", "memory_mb"]


def test_an_object_stands_for_itself():
    cost = registry.Latency(batch_size=8, name="latency_of_8")
    assert registry.get_cost(cost) is cost


@pytest.mark.parametrize("wrong", ["speed", 3, registry.Flops])
def test_what_is_no_cost_is_refused_with_the_names_that_there_are(wrong):
    with pytest.raises(ValueError, match="'params', 'flops', 'memory_mb', 'model_size_mb', 'latency_ms'.*Received"):
        registry.get_cost(wrong)


@pytest.mark.parametrize(
    "cost",
    [
        registry.Flops(),
        registry.PeakMemory(4),
        registry.ModelSize("onnx"),
        registry.Latency(2, "onnx", 2, {"a": 1}, "latency"),
    ],
    ids=lambda cost: type(cost).__name__,
)
def test_a_cost_survives_keras_serialisation(cost):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(cost))
    assert type(again) is type(cost) and again.get_config() == cost.get_config()


def test_the_users_own_function_gets_the_built_model():
    def depth(model):
        return len(model.layers)

    cost = registry.CustomCost(depth, direction="max")
    cost.check()
    assert cost.measure(registry.BuiltModel(KNOWN[1].build())) == {"depth": 3.0}
    assert cost.direction == "max"


@pytest.mark.parametrize(
    ("cost", "message"),
    [
        (registry.CustomCost(3, "three"), "`function` must be a function of a keras.Model. Received: function=3"),
        (
            registry.CustomCost(lambda model: 1.0),
            "`name` of a CustomCost must be an identifier such as 'energy'",
        ),
        (registry.CustomCost(len, direction="down"), "`direction` must be 'min' or 'max'. Received: direction='down'"),
    ],
)
def test_wrong_arguments_of_the_users_own_are_refused(cost, message):
    with pytest.raises(ValueError, match=message):
        cost.check()


@pytest.mark.parametrize("value", ["much", None, float("nan")])
def test_the_users_own_function_must_give_a_number(value):
    cost = registry.CustomCost(lambda model: value, name="energy")
    with pytest.raises(ValueError, match="The cost 'energy' must be a number. Received from its function"):
        cost.measure(registry.BuiltModel(KNOWN[0].build()))


def test_a_model_is_exported_once_for_each_run_time_and_batch_size():
    built = registry.BuiltModel(KNOWN[0].build())
    assert built.exported("litert") is built.exported("litert", 1)
    assert built.exported("litert", 2) is not built.exported("litert")
    assert built.exported("litert", 2).inputs[0].shape == (2, 64)
