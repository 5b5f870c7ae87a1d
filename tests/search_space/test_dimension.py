"""One dimension of a space: its values, its scale and the moves on it."""

import math

import keras_tuner
import numpy as np
import pytest

from autonas.search_space import dimension


def dimension_of(declare):
    hp = keras_tuner.HyperParameters()
    declare(hp)
    return dimension.Dimension(hp.space[0])


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
def test_values(declare, values):
    x = dimension_of(declare)
    assert list(x.options) == values and x.size == len(values)
    assert all(x.is_legal(value) for value in values)
    generator = np.random.default_rng(0)
    assert {x.sample(generator) for _ in range(200)} == set(values)
    for value in values[:1]:
        assert sorted(x.others(value, generator, 4)) == sorted(values[1:])
        if x.size > 1:
            assert {x.neighbour(value, generator) for _ in range(300)} == set(values[1:])


@pytest.mark.parametrize(
    "declare, default",
    [
        (lambda hp: hp.Float("x", 0.0, 0.5, step=0.1, default=0.3), 0.1 + 0.1 + 0.1),
        (lambda hp: hp.Int("x", 8, 64, step=8, default=21), 24),
        (lambda hp: hp.Int("x", 8, 64, step=2, sampling="log", default=40), 32),
        (lambda hp: hp.Float("x", 0.0, 0.5, default=0.3), 0.3),
    ],
)
def test_a_default_beside_the_steps_is_the_nearest_value(declare, default):
    x = dimension_of(declare)
    assert x.default == default and x.is_legal(x.default)
    assert x.neighbour(x.default, np.random.default_rng(0)) != default


def test_what_is_not_legal():
    hp = keras_tuner.HyperParameters()
    hp.Int("depth", 2, 6, step=2)
    hp.Float("rate", 0.0, 1.0)
    hp.Boolean("wide")
    depth, rate, wide = map(dimension.Dimension, hp.space)
    assert not any(depth.is_legal(value) for value in (3, 8, "2", True))
    assert not any(rate.is_legal(value) for value in (-0.1, 1.1, "a", True))
    assert not any(wide.is_legal(value) for value in (0, 1, "x"))
    assert rate.size == math.inf


def test_numbers_have_an_order_and_names_have_none():
    assert dimension_of(lambda hp: hp.Int("x", 1, 4)).is_ordered
    assert dimension_of(lambda hp: hp.Float("x", 0.0, 1.0)).is_ordered
    assert dimension_of(lambda hp: hp.Choice("x", [3, 5, 7])).is_ordered
    assert not dimension_of(lambda hp: hp.Choice("x", [3, 5, 7], ordered=False)).is_ordered
    assert not dimension_of(lambda hp: hp.Choice("x", ["a", "b", "c"])).is_ordered
    # Of two values neither lies between others.
    assert not dimension_of(lambda hp: hp.Int("x", 1, 2)).is_ordered


@pytest.mark.parametrize(
    "declare, positions",
    [
        (lambda hp: hp.Choice("x", [3, 5, 7]), {3: 0.0, 5: 0.5, 7: 1.0}),
        (lambda hp: hp.Int("x", 8, 64, step=2, sampling="log"), {8: 0.0, 16: 1 / 3, 64: 1.0}),
        (lambda hp: hp.Float("x", 1e-4, 1e-2, sampling="log"), {1e-4: 0.0, 1e-3: 0.5, 1e-2: 1.0}),
        (lambda hp: hp.Int("x", 1, 1024, sampling="log"), {32: 0.5}),
    ],
)
def test_a_position_is_on_the_ranges_own_scale(declare, positions):
    x = dimension_of(declare)
    for value, position in positions.items():
        assert x.position(value) == pytest.approx(position, abs=0.02)
        assert x.codes([value, None]) == pytest.approx(np.array([[position - 0.5], [0.0]]), abs=0.02)
