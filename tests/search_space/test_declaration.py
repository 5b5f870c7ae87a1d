"""The declaring reading: one pass learns the whole space, conditions included."""

import keras
import keras_tuner
import pytest

from autonas.search_space import decisions, declaration


def declare(build):
    """The space of `build(hp, tensor)`, and the number of times that it was called."""
    calls = []
    hp = declaration.DeclaringHyperParameters()
    tensor = keras.Input((4,))
    with hp.name_scope("block"):
        calls.append(build(hp, tensor))
    return hp.declared(), calls


def nested(hp, inputs):
    """A space of two or three layers, each of one of three kinds, two of which have an argument."""

    def layer(_):
        candidates = {
            "dense": lambda: keras.layers.Dense(hp.Int("units", 2, 8, default=4)),
            "drop": lambda: keras.layers.Dropout(hp.Float("rate", 0.1, 0.9, default=0.5)),
            "skip": lambda: keras.layers.Identity(),
        }
        return lambda tensor: decisions.LayerChoice("kind", candidates)(hp, tensor)

    return decisions.Repeat("depth", 2, 3, layer)(hp, inputs)


def test_every_branch_is_declared_in_one_pass_with_unique_names():
    space, calls = declare(nested)
    assert len(calls) == 1
    names = [each.name for each in space.space]
    assert len(names) == len(set(names)) == 1 + 3 * 3
    assert names[0] == "block/depth"
    assert {"block/depth_2/kind_drop/rate", "block/depth_0/kind_dense/units"} <= set(names)


def test_the_result_is_a_plain_space_holding_the_values_of_the_default_architecture():
    space, _ = declare(nested)
    assert type(space) is keras_tuner.HyperParameters
    assert space.values == {
        "block/depth": 2,
        "block/depth_0/kind": "dense",
        "block/depth_0/kind_dense/units": 4,
        "block/depth_1/kind": "dense",
        "block/depth_1/kind_dense/units": 4,
    }


def test_hyperparameters_are_active_only_where_their_branch_is_chosen():
    space, _ = declare(nested)
    assert not space.is_active("block/depth_2/kind")
    assert not space.is_active("block/depth_0/kind_drop/rate")
    space.values.update({"block/depth": 3, "block/depth_2/kind": "drop"})
    assert space.is_active("block/depth_2/kind_drop/rate")
    assert not space.is_active("block/depth_2/kind_dense/units")


def test_parents_come_before_their_children():
    space, _ = declare(nested)
    seen = set()
    for each in space.space:
        assert {condition.name for condition in each.conditions} <= seen
        seen.add(each.name)


def test_any_architecture_of_the_space_builds_without_further_hyperparameters():
    space, _ = declare(nested)
    for kind in ("dense", "drop", "skip"):
        hp = space.copy()
        hp.values.update({"block/depth": 3, "block/depth_2/kind": kind})
        hp.values.update(
            {each.name: each.default for each in hp.space if hp.is_active(each) and each.name not in hp.values}
        )
        with hp.name_scope("block"):
            nested(hp, keras.Input((4,)))
        assert len(hp.space) == len(space.space)


def test_inactive_hyperparameters_return_their_default_where_keras_tuner_returns_none():
    returned = []

    def build(hp, inputs):
        with hp.conditional_scope("flag", [True]):
            returned.append(hp.Choice("inside", [1, 2], default=2))
        return inputs

    for hp in (keras_tuner.HyperParameters(), declaration.DeclaringHyperParameters()):
        hp.Boolean("flag")
        build(hp, keras.Input((4,)))
    assert returned == [None, 2]


def test_the_output_is_that_of_the_default_branch():
    _, calls = declare(
        lambda hp, inputs: decisions.LayerChoice(
            "kind",
            {"narrow": lambda: keras.layers.Dense(2), "wide": lambda: keras.layers.Dense(9)},
            default="wide",
        )(hp, inputs)
    )
    assert calls[0].shape == (None, 9)


def test_input_choice_is_declared():
    def build(hp, inputs):
        return decisions.InputChoice("from", 2)(hp, [inputs, keras.layers.ReLU()(inputs), keras.layers.ReLU()(inputs)])[
            0
        ]

    space, _ = declare(build)
    assert space.space[0].values == ["0+1", "0+2", "1+2"]


def test_two_hyperparameters_of_one_name_are_refused():
    def build(hp, inputs):
        hp.Boolean("flag")
        with hp.conditional_scope("flag", [True]):
            hp.Int("units", 1, 2)
        with hp.conditional_scope("flag", [False]):
            hp.Int("units", 3, 4)

    with pytest.raises(ValueError, match="Two hyperparameters are named 'block/units', under different conditions"):
        declare(build)
