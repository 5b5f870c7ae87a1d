"""Short texts for people."""

import pytest

from autonas.reporting.text import architecture, duration, number, phrase, short_names


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, ""),
        ({"units": 64, "block": "dense", "merge": "add"}, "dense, add"),
        ({"a": "p", "b": "q", "c": "r", "d": "s"}, "p, q, r"),
        ({"block/layers_0/kind": "max_pooling_3", "block/kind": "residual"}, "residual, max pooling 3"),
        ({"optimization/batch_size": 32, "block/depth": 2}, "depth 2, batch size 32"),
        ({"block/kind": "layered", "block/layers_0/squeeze_excite": "off"}, "layered"),
        ({"block/squeeze_excite": "on", "block/depth": 2}, "squeeze excite on, depth 2"),
        ({"tuner/stage": "supernet", "block": None, "stem/rate": 0.123456, "flip": True}, "flip on, rate 0.123"),
    ],
)
def test_an_architecture_is_named_by_its_main_decisions(values, expected):
    assert architecture(values) == expected


def test_an_architecture_is_told_apart_from_another():
    first = {"kind": "dense", "kind_dense/units": 64, "rate": 0.5}
    assert architecture({**first, "kind_dense/units": 32}, than=first) == "dense, units 32"
    assert architecture({"kind": "residual", "rate": 0.5}, than=first) == "residual"
    assert architecture(first, than=first) == ""


def test_a_number_of_a_head_is_told_apart_from_that_of_a_block():
    first = {"text_block_1/kind": "linear"}
    bag = {
        "text_block_1/kind": "bag",
        "text_block_1/kind_bag/dimension": 64,
        "text_block_1/kind_bag/dropout": 0.5,
        "classification_head_1/dropout": 0.0,
    }
    assert architecture(bag, than=first) == "bag, dimension 64, dropout 0.5"
    assert architecture(bag, 4, than=first) == "bag, dimension 64, dropout 0.5, classification head dropout 0"
    own = {**bag, "classification_head_1/dropout": 0.25}
    assert architecture(own, than=bag) == "bag, classification head dropout 0.25"
    convolution = {"image_block_1/kind": "lite", "image_block_1/kind_lite/width": 2, "head/dropout": 0.25}
    assert architecture(convolution, than=first) == "lite, width 2, dropout 0.25"
    blocks = {"dense_block_1/units": 64, "dense_block_2/units": 32}
    assert architecture(blocks, than={}) == "dense block units 64, dense block 2 units 32"


def test_names_are_as_short_as_tells_them_apart():
    names = ["block_1/kind", "block_1/kind_dense/units", "block_2/kind", "optimization/learning_rate"]
    assert list(short_names(names).values()) == ["block 1 / kind", "units", "block 2 / kind", "learning rate"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [("a/b/kind", "max_pooling_3", "kind max pooling 3"), ("flip", False, "flip off"), ("n_cells", 3, "cells 3"),
     ("rate", 0.00123456, "rate 0.00123")],
)  # fmt: skip
def test_a_decision_in_words(name, value, expected):
    assert phrase(name, value) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (60, "1:00"), (3599.6, "1:00:00"), (3725, "1:02:05")],
)
def test_duration(seconds, expected):
    assert duration(seconds) == expected


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.973123, "0.9731"), (4200.0, "4200"), (43727.2, "43,727"), (7.5e5, "750,000"), (1e12, "1e+12")],
)
def test_large_numbers_have_no_power_of_ten(value, shown):
    assert number(value) == shown
