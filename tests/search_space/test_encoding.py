"""A conditional space as data: walks, samples, moves, and all of it."""

import keras_tuner
import numpy as np
import pytest

from autonas.search_space import encoding
from autonas.testing import oracles as contracts


@pytest.fixture
def space():
    return encoding.Encoding(contracts.conditional_space())


def test_the_default_holds_active_decisions_only(space):
    assert space.default() == {"family": "dense", "units": 32, "normalise": False, "rate": 1e-4}


def test_complete_keeps_what_is_legal_and_fills_the_rest(space):
    assert space.complete({"family": "convolution", "filters": 16, "units": 8, "kernel": 4}) == {
        "family": "convolution", "filters": 16, "kernel": 3, "rate": 1e-4
    }  # fmt: skip


def test_numbers_of_another_space_move_to_the_nearest_value_of_a_range():
    narrow = keras_tuner.HyperParameters()
    narrow.Int("units", 2, 4)
    narrow.Int("filters", 8, 32, step=8)
    narrow.Float("rate", 0.1, 0.5)
    narrow.Choice("kernel", [3, 5])
    nearest = encoding.Encoding(narrow).nearest
    values = {"units": 10, "filters": 21, "rate": 0.7, "kernel": 7}
    assert nearest(values) == {"units": 4, "filters": 24, "rate": 0.5, "kernel": 3}
    assert nearest({"units": 2.6, "filters": "many"}) == {"units": 3, "filters": 8, "rate": 0.1, "kernel": 3}


def test_complete_draws_what_is_missing_by_a_generator(space):
    drawn = {space.complete({"family": "dense"}, np.random.default_rng(seed))["units"] for seed in range(20)}
    assert len(drawn) > 10


def test_a_mutation_changes_one_decision_and_what_depends_on_it(space):
    generator = np.random.default_rng(0)
    values, changed = space.default(), set()
    for _ in range(300):
        mutant = space.mutate(values, generator)
        differing = {name for name in {*values, *mutant} if values.get(name) != mutant.get(name)}
        assert differing
        assert len(differing) == 1 or "family" in differing
        changed |= differing
        values = mutant
    assert changed == {"family", "units", "normalise", "filters", "kernel", "rate"}


def test_numbers_move_to_near_values():
    hp = keras_tuner.HyperParameters()
    hp.Float("rate", 0.0, 1.0, default=0.5)
    hp.Int("depth", 1, 100, default=50)
    space, generator = encoding.Encoding(hp), np.random.default_rng(0)
    moved = [space.mutate(space.default(), generator) for _ in range(400)]
    rates = [values["rate"] for values in moved if values["rate"] != 0.5]
    depths = [values["depth"] for values in moved if values["depth"] != 50]
    assert 0.12 < np.mean(np.abs(np.array(rates) - 0.5)) < 0.2
    assert 12 < np.mean(np.abs(np.array(depths) - 50)) < 20
    # At the edge a step is turned back, not cut off.
    edge = [space.mutate({"rate": 1.0, "depth": 50}, generator)["rate"] for _ in range(400)]
    assert sum(0.999 < rate < 1.0 for rate in edge) < 10


def test_all_architectures_of_a_small_space():
    space = encoding.Encoding(contracts.small_space())
    found = list(space.architectures())
    assert len(found) == 9 == len({space.key(values) for values in found})
    assert found[0] == {"kind": "none"}
    assert {"kind": "some", "depth": 4, "wide": True} in found


def test_the_identity_of_an_architecture_leaves_out_reserved_names(space):
    values = space.default()
    assert space.key(values) == space.key({**values, "tuner/epochs": 3}) != space.key({**values, "units": 33})


def test_validity_is_exact(space):
    valid = {"family": "dense", "units": 32, "normalise": False, "rate": 1e-4}
    assert space.is_valid(valid) and space.is_valid({**valid, "tuner/epochs": 3})
    assert not space.is_valid({**valid, "kernel": 3})
    assert not space.is_valid({**valid, "units": 3})
    assert not space.is_valid({"family": "dense", "units": 32, "rate": 1e-4})


def test_neighbours_differ_in_one_decision_and_are_all_of_them():
    space = encoding.Encoding(contracts.small_space())
    found = list(space.neighbours({"kind": "some", "depth": 2, "wide": True}, np.random.default_rng(0)))
    assert found == [
        {"kind": "none"},
        {"kind": "some", "depth": 1, "wide": True},
        {"kind": "some", "depth": 3, "wide": True},
        {"kind": "some", "depth": 4, "wide": True},
        {"kind": "some", "depth": 2, "wide": False},
    ]


def test_neighbours_of_a_real_are_some_near_steps(space):
    found = list(space.neighbours(space.default(), np.random.default_rng(0), n_steps=3))
    assert sum(values["rate"] != 1e-4 for values in found) == 3
    assert all(space.is_valid(values) for values in found)
    assert any(values["family"] == "convolution" for values in found)


def test_a_child_takes_each_decision_from_one_of_its_parents(space):
    generator = np.random.default_rng(0)
    first = {"family": "dense", "units": 8, "normalise": True, "rate": 0.001}
    second = {"family": "convolution", "filters": 16, "kernel": 5, "rate": 0.01}
    children = [space.crossover(first, second, generator) for _ in range(100)]
    assert all(space.is_valid(child) for child in children)
    for child in children:
        parent = first if child["family"] == "dense" else second
        assert {name: child[name] for name in child if name != "rate"} == {
            name: parent[name] for name in parent if name != "rate"
        }
    assert {(child["family"], child["rate"]) for child in children} == {
        (family, rate) for family in ("dense", "convolution") for rate in (0.001, 0.01)
    }


def test_features_tell_active_decisions_and_leave_the_others_at_0(space):
    dense = {"family": "dense", "units": 256, "normalise": True, "rate": 1e-4}
    convolution = {"family": "convolution", "filters": 8, "kernel": 7, "rate": 1e-1}
    features = space.features([dense, convolution])
    assert features.shape == (2, space.width) == (2, 8)
    one = np.sqrt(0.5)
    names = [space.dimensions[place].name for place in space.columns]
    assert names == ["family", "family", "units", "normalise", "normalise", "filters", "kernel", "rate"]
    np.testing.assert_allclose(features[0], [one, 0, 0.5, 0, one, 0, 0, -0.5], atol=0.01)
    np.testing.assert_allclose(features[1], [0, one, 0, 0, 0, -0.5, 0.5, 0.5], atol=0.01)


def test_distance_counts_decisions_and_the_share_of_ranges(space):
    dense = {"family": "dense", "units": 4, "normalise": True, "rate": 1e-4}
    assert space.distance(dense, dense) == 0
    assert space.distance(dense, {**dense, "normalise": False}) == 1
    assert space.distance(dense, {**dense, "units": 32}) == pytest.approx(0.5, abs=0.03)
    convolution = {"family": "convolution", "filters": 8, "kernel": 7, "rate": 1e-4}
    assert space.distance(dense, convolution) == space.distance(convolution, dense) == 5
