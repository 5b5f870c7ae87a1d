"""ConvolutionBlock: stages of convolutions on images."""

import keras
import pytest

from autonas.search_space import ranges
from autonas.search_space.blocks import convolution
from tests.helpers import harness


def fixed(**arguments):
    settings = {"filters": 8, "kernel_size": 3, "n_stages": 3, "layers": 1, "kind": "plain", "downsampling": "max"}
    return convolution.ConvolutionBlock(**{**settings, "batch_normalization": True, "dropout": 0.0, **arguments})


def convolutions(model):
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]


def test_any_architecture_of_the_default_space_builds_trains_and_saves(tmp_path):
    _, model = harness.check(convolution.ConvolutionBlock, *harness.digits(), tmp_path)
    assert model.count_params() < 200_000


def test_filters_double_from_stage_to_stage_up_to_the_bound():
    model = harness.build(fixed(n_stages=4, layers=2, max_filters=32), (32, 32, 3))
    assert [layer.filters for layer in convolutions(model)] == [8, 8, 16, 16, 32, 32, 32, 32]
    assert model.output_shape == (None, 4, 4, 32)


@pytest.mark.parametrize(
    ("side", "stages", "last"), [(1, 1, 1), (2, 1, 2), (3, 1, 3), (8, 3, 2), (28, 4, 4), (64, 5, 4)]
)
def test_stages_are_limited_by_the_size_of_the_image(side, stages, last):
    model = harness.build(fixed(n_stages=5), (side, side, 1))
    assert len(convolutions(model)) == stages
    assert model.output_shape[1:3] == (last, last)


def test_the_space_has_no_more_stages_than_the_image_allows():
    images, _ = harness.digits(8)
    space = harness.make_graph(convolution.ConvolutionBlock(n_stages=ranges.Int(1, 9)), images).declare()
    depth = next(each for each in space.space if each.name == "convolution_block_1/depth")
    assert (depth.min_value, depth.max_value) == (1, 3)


def test_large_images_pass_a_strided_convolution_first():
    model = harness.build(fixed(n_stages=1), (224, 200, 3))
    assert [layer.strides for layer in convolutions(model)] == [(4, 4), (1, 1)]
    assert model.output_shape == (None, 56, 50, 8)


@pytest.mark.parametrize("downsampling", ["max", "average", "stride"])
def test_each_way_of_halving_gives_the_same_shape(downsampling):
    assert harness.build(fixed(downsampling=downsampling), (9, 7, 1)).output_shape == (None, 5, 4, 16)


def test_the_kind_is_chosen_anew_for_each_convolution():
    images, _ = harness.digits(8)
    block = fixed(n_stages=ranges.Int(1, 3, default=2), layers=2, kind=ranges.Choice(["plain", "separable"]), name="c")
    drawn = harness.make_graph(block, images)
    space = drawn.declare()
    kinds = [each.name for each in space.space if each.name.endswith("kind")]
    assert kinds == [f"c/depth_{stage}/layers_{layer}/kind" for stage in range(3) for layer in range(2)]
    hp = space.copy()
    hp.values["c/depth_1/layers_0/kind"] = "separable"
    model = drawn.build(hp)
    assert harness.count(model, keras.layers.SeparableConv2D) == 1
    assert len(convolutions(model)) == 3


def test_batch_normalization_forgets_fast_enough_for_short_trials():
    normalizations = [
        layer
        for layer in harness.build(fixed(), (8, 8, 1)).layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert [layer.momentum for layer in normalizations] == [0.9] * 3


@pytest.mark.parametrize(("argument", "value"), [("kind", "dilated"), ("downsampling", "none")])
def test_an_unknown_label_is_refused(argument, value):
    with pytest.raises(ValueError, match=rf"`{argument}` of ConvolutionBlock must be one of \['\w+', .*'{value}'"):
        harness.build(fixed(**{argument: value}), (8, 8, 1))


def test_anything_but_images_is_refused():
    with pytest.raises(ValueError, match=r"takes images \(n, height, width, channels\). Received: .*\(None, 8, 3\)"):
        harness.build(fixed(), (8, 3))
