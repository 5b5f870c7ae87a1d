"""Decisions are narrowed by name, to values that they have."""

import keras
import keras_tuner
import pytest

import autonas
from autonas.search_space import decisions, declaration, narrowing


def space(hyperparameters):
    """The space of a small network, narrowed, as a dict from names to hyperparameters."""

    def layer(_):
        candidates = {
            "dense": lambda: keras.layers.Dense(hp.Int("units", 2, 64, default=4)),
            "drop": lambda: keras.layers.Dropout(hp.Float("rate", 0.1, 0.9, default=0.5)),
        }
        return lambda tensor: decisions.LayerChoice("kind", candidates)(hp, tensor)

    hp = declaration.DeclaringHyperParameters(narrowed=narrowing.decisions_of(hyperparameters))
    with hp.name_scope("block"):
        hp.Boolean("wide")
        decisions.Repeat("depth", 1, 3, layer)(hp, keras.Input((4,)))
    return {declared.name: declared for declared in hp.declared().space}


def test_a_value_leaves_one_value():
    narrowed = space({"block/wide": True, "block/depth": 2, "block/depth_0/kind_drop/rate": 0.25})
    assert narrowed["block/wide"].value is True
    for name, value in [("block/depth", 2), ("block/depth_0/kind_drop/rate", 0.25)]:
        assert narrowed[name].values == [value] and narrowed[name].default == value


def test_a_range_replaces_a_range_and_keeps_the_default_that_it_holds():
    units = space({"block/depth_0/kind_dense/units": autonas.Int(3, 8)})["block/depth_0/kind_dense/units"]
    assert (units.min_value, units.max_value, units.default) == (3, 8, 4)
    units = space({"block/depth_0/kind_dense/units": autonas.Choice([8, 16])})["block/depth_0/kind_dense/units"]
    assert (units.values, units.default) == ([8, 16], 8)
    units = space({"block/depth_0/kind_dense/units": autonas.Int(3, 8, default=5)})["block/depth_0/kind_dense/units"]
    assert units.default == 5


def test_a_branch_that_is_never_chosen_is_not_declared():
    narrowed = space({"block/depth_0/kind": "drop"})
    assert narrowed["block/depth_0/kind"].values == ["drop"]
    assert "block/depth_0/kind_dense/units" not in narrowed
    assert "block/depth_1/kind_dense/units" in narrowed


def test_hyperparameters_of_keras_tuner_narrow_as_a_dict_does():
    wanted = keras_tuner.HyperParameters()
    wanted.Fixed("block/depth", 2)
    wanted.Int("block/depth_0/kind_dense/units", 3, 8)
    wanted.Boolean("block/wide", default=True)
    narrowed = space(wanted)
    assert narrowed["block/depth"].values == [2]
    assert narrowed["block/depth_0/kind_dense/units"].max_value == 8
    assert narrowed["block/wide"].default is True


@pytest.mark.parametrize(
    "name, value, known",
    [
        ("block/depth", 9, r"\[1, 2, 3\]"),
        ("block/depth_0/kind", "convolution", r"\['dense', 'drop'\]"),
        ("block/depth_0/kind_dense/units", autonas.Int(2, 100), "2 to 64"),
        ("block/wide", 1, r"\[False, True\]"),
        # Between bounds that the decision has are many values that it doesn't have.
        ("block/depth", autonas.Int(1, 30), r"\[1, 2, 3\]"),
        ("block/depth", autonas.Float(1, 3), r"\[1, 2, 3\]"),
        ("block/depth_0/kind_dense/units", autonas.Float(2, 64), "2 to 64"),
    ],
)
def test_other_values_are_refused(name, value, known):
    with pytest.raises(narrowing.NarrowingError, match=f"must narrow '{name}' to values that .* has, {known}"):
        space({name: value})


def test_an_unknown_name_is_refused_with_the_names_that_are_near():
    with pytest.raises(ValueError, match="Received: 'block/dept'. Perhaps you mean 'block/depth'"):
        narrowing.check_names(["block/dept"], list(space({})))


@pytest.mark.parametrize("argument", [["depth"], {"depth": None}, {3: 4}])
def test_anything_but_a_dict_of_values_and_ranges_is_refused(argument):
    with pytest.raises(ValueError, match="`hyperparameters` must"):
        narrowing.check(argument)
