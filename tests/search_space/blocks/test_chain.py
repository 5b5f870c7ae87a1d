"""ChainBlock: layers of any operation, one after the other, with skip connections."""

import keras
import pytest

from autonas.search_space import ranges
from autonas.search_space.blocks import chain
from tests.helpers import harness


def fixed(**arguments):
    return chain.ChainBlock(**{"filters": 8, "depth": 3, "name": "c", **arguments})


def names(space):
    return [each.name for each in space.space if each.name.startswith("c/")]


def convolutions(model):
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]


@pytest.mark.parametrize("data", [harness.digits, harness.digit_series])
def test_any_architecture_of_the_default_space_builds_trains_and_saves(data, tmp_path):
    harness.check(chain.ChainBlock, *data(), tmp_path)


def test_each_layer_decides_on_its_operation_and_on_what_it_adds():
    space = harness.make_graph(fixed(), harness.digits(8)[0]).declare()
    # The third layer halves the map: nothing before it has its shape.
    assert names(space) == [
        "c/depth_0/operation",
        "c/depth_0/skip",
        "c/depth_1/operation",
        "c/depth_1/skip",
        "c/depth_2/operation",
    ]
    skips = {each.name: each.values for each in space.space if each.name.endswith("skip")}
    assert skips == {"c/depth_0/skip": ["0", "1"], "c/depth_1/skip": ["0", "1", "2"]}


def test_a_layer_beyond_the_depth_decides_nothing():
    space = harness.make_graph(fixed(depth=ranges.Int(1, 2)), harness.digits(8)[0]).declare()
    assert space.values["c/depth"] == 1
    assert "c/depth_1/operation" in names(space) and "c/depth_1/operation" not in space.values


@pytest.mark.parametrize(("label", "source"), [("0", None), ("1", "second"), ("2", "first"), ("3", "stem")])
def test_a_skip_connection_adds_the_tensor_so_many_layers_back(label, source):
    hp = harness.empty_values()
    hp.values["depth_2/skip"] = label
    model = harness.build(fixed(depth=3, layers=3, operations=["convolution_3"]), (8, 8, 1), hp)
    normalizations = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    outputs = dict(zip(["stem", "first", "second", "third"], [each.output for each in normalizations], strict=False))
    additions = [layer for layer in model.layers if isinstance(layer, keras.layers.Add)]
    added = [[id(each) for each in addition.input] for addition in additions]
    assert added == ([] if source is None else [[id(outputs["third"]), id(outputs[source])]])


@pytest.mark.parametrize(("skip", "additions"), [("none", 0), ("residual", 2)])
def test_what_is_added_can_be_fixed(skip, additions):
    drawn = harness.make_graph(fixed(skip=skip), harness.digits(8)[0])
    space = drawn.declare()
    assert names(space) == [f"c/depth_{index}/operation" for index in range(3)]
    assert harness.count(drawn.build(space), keras.layers.Add) == additions


@pytest.mark.parametrize(("side", "last", "filters"), [(8, 2, 32), (3, 3, 8), (28, 4, 64), (64, 4, 128), (224, 4, 128)])
def test_maps_are_halved_at_intervals_while_two_pixels_are_left(side, last, filters):
    model = harness.build(fixed(depth=9, operations=["convolution_3"], max_filters=128), (side, side, 1))
    assert model.output_shape == (None, last, last, filters)


def test_series_are_halved_while_four_steps_are_left():
    assert harness.build(fixed(depth=9), (20, 3)).output_shape == (None, 5, 32)


def test_filters_double_up_to_the_bound():
    model = harness.build(fixed(depth=6, operations=["convolution_3"], max_filters=16), (32, 32, 3))
    assert [layer.filters for layer in convolutions(model)] == [8, 8, 8, 16, 16, 16, 16]


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("skip", "dense", r"`skip` of ChainBlock must be one of \['none', 'residual', 'any'\].*'dense'"),
        ("layers", 0, "`layers` of ChainBlock must be a whole number from 1. Received: layers=0"),
        ("operations", ["fft_3"], r"`operations` of ChainBlock must be a list of some of \['none'.*\['fft_3'\]"),
        ("operations", [], r"`operations` of ChainBlock must be a list of some of .*\[\]"),
        ("depth", -1, "`depth` of ChainBlock must be a whole number"),
    ],
)
def test_a_bad_argument_is_refused(argument, value, message):
    with pytest.raises(ValueError, match=message):
        harness.build(fixed(**{argument: value}), (8, 8, 1))


def test_a_vector_is_refused():
    with pytest.raises(ValueError, match=r"takes a series \(n, time, channels\) or images .* Received: .*\(None, 8\)"):
        harness.build(fixed(), (8,))
