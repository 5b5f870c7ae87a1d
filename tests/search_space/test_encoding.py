"""A conditional space as data: walks, samples, moves, and all of it."""

import math

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


@pytest.mark.parametrize(
    "declare, values",
    [
        (lambda hp: hp.Int("x", 2, 6, step=2), [2, 4, 6]),
        (lambda hp: hp.Int("x", 8, 64, step=2, sampling="log"), [8, 16, 32, 64]),
        (lambda hp: hp.Int("x", 1, 4, sampling="log"), [1, 2, 3, 4]),
        (lambda hp: hp.Boolean("x"), [False, True]),
        (lambda hp: hp.Choice("x", ["a", "b"]), ["a", "b"]),
        (lambda hp: hp.Fixed("x", 3), [3]),
        (lambda hp: hp.Float("x", 0.5, 0.5), [0.5]),
    ],
)
def test_values_of_a_hyperparameter(declare, values):
    hp = keras_tuner.HyperParameters()
    declare(hp)
    (hyperparameter,) = hp.space
    assert list(encoding.values_of(hyperparameter)) == values
    assert all(encoding.is_legal(hyperparameter, value) for value in values)
    generator = np.random.default_rng(0)
    assert {encoding.sample_value(hyperparameter, generator) for _ in range(200)} == set(values)


def test_what_is_not_legal():
    hp = keras_tuner.HyperParameters()
    hp.Int("depth", 2, 6, step=2)
    hp.Float("rate", 0.0, 1.0)
    hp.Boolean("wide")
    depth, rate, wide = hp.space
    assert not any(encoding.is_legal(depth, value) for value in (3, 8, "2", True))
    assert not any(encoding.is_legal(rate, value) for value in (-0.1, 1.1, "a", True))
    assert not any(encoding.is_legal(wide, value) for value in (0, 1, "x"))
    assert encoding.n_values(rate) == math.inf


def test_all_architectures_of_a_small_space():
    space = encoding.Encoding(contracts.small_space())
    found = list(space.architectures())
    assert len(found) == 9 == len({space.key(values) for values in found})
    assert found[0] == {"kind": "none"}
    assert {"kind": "some", "depth": 4, "wide": True} in found


def test_the_identity_of_an_architecture_leaves_out_reserved_names(space):
    values = space.default()
    assert space.key(values) == space.key({**values, "tuner/epochs": 3}) != space.key({**values, "units": 33})
