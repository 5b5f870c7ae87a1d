"""LayeredBlock: stages of inverted residual layers that each choose for themselves."""

import keras
import numpy as np
import pytest

from autonas.search_space import ranges
from autonas.search_space.blocks import layered
from tests.helpers import harness


def fixed(**arguments):
    settings = {"filters": 8, "n_stages": 3, "layers": 2, "width": 1.0, "kernel_size": 3, "expansion": 3}
    return layered.LayeredBlock(**{**settings, "squeeze_excite": False, "dropout": 0.0, **arguments})


def layers(model, layer_class):
    return [layer for layer in model.layers if isinstance(layer, layer_class)]


def build_with(drawn, changes):
    """The model of a graph where some of the default values are changed."""
    hp = drawn.declare().copy()
    assert set(changes) <= set(hp.values), "all of the changed values are declared"
    hp.values.update(changes)
    return drawn.build(hp)


def test_any_architecture_of_the_default_space_builds_trains_and_saves_on_images(tmp_path):
    _, model = harness.check(layered.LayeredBlock, *harness.digits(), tmp_path, samples=2)
    assert model.count_params() < 50_000


def test_any_architecture_of_the_default_space_builds_trains_and_saves_on_series(tmp_path):
    _, model = harness.check(layered.LayeredBlock, *harness.digit_series(), tmp_path, samples=2)
    assert harness.count(model, keras.layers.DepthwiseConv1D) == 3


def test_each_stage_and_each_layer_decides_for_itself():
    images, _ = harness.digits(8)
    space = harness.make_graph(layered.LayeredBlock(name="b"), images).declare()
    expected = {"b/filters", "b/stages", "b/dropout"}
    for stage in range(4):
        expected |= {f"b/stages_{stage}/layers"} | ({f"b/stages_{stage}/width"} if stage else set())
        for layer in range(2):
            scope = f"b/stages_{stage}/layers_{layer}"
            expected |= {f"{scope}/{each}" for each in ("kernel_size", "expansion", "squeeze_excite")}
    assert {each.name for each in space.space if each.name.startswith("b/")} == expected


def test_a_value_decided_for_one_layer_changes_that_layer_alone():
    images, _ = harness.digits(8)
    block = fixed(
        kernel_size=ranges.Choice([3, 5]), expansion=ranges.Choice([1, 3]), squeeze_excite=ranges.Boolean(), name="b"
    )
    drawn = harness.make_graph(block, images)

    def model(**changes):
        scope = "b/stages_1/layers_1"
        return build_with(drawn, {f"{scope}/{name}": value for name, value in changes.items()})

    kernels = [layer.kernel_size for layer in layers(model(kernel_size=5), keras.layers.DepthwiseConv2D)]
    assert kernels == [(3, 3)] * 3 + [(5, 5)] + [(3, 3)] * 2
    inner = [layer.input.shape[-1] for layer in layers(model(expansion=3), keras.layers.DepthwiseConv2D)]
    assert inner == [8, 8, 8, 48, 16, 32]
    gates = layers(model(squeeze_excite="on"), keras.layers.Multiply)
    assert [gate.output.shape for gate in gates] == [(None, 4, 4, 16)]
    assert not layers(model(), keras.layers.Multiply)


def test_a_layer_has_the_parameters_that_its_expansion_says():
    def parameters(expansion):
        return harness.build(fixed(n_stages=1, layers=1, expansion=expansion), (8, 8, 8)).count_params()

    stem = 9 * 8 * 8 + 4 * 8
    assert parameters(1) == stem + (9 * 8 + 4 * 8) + (8 * 8 + 4 * 8)
    for expansion in (3, 6):
        inner = 8 * expansion
        assert parameters(expansion) == stem + (8 * inner + 4 * inner) + (9 * inner + 4 * inner) + (inner * 8 + 4 * 8)


def test_the_width_of_a_stage_is_a_share_of_the_doubled_filters():
    images, _ = harness.digits(8)
    block = fixed(width=ranges.Choice([0.75, 1.0, 1.5], default=1.0), layers=1, name="b")
    model = build_with(harness.make_graph(block, images), {"b/stages_1/width": 1.5, "b/stages_2/width": 0.75})
    widths = [layer.input.shape[-1] // 3 for layer in layers(model, keras.layers.DepthwiseConv2D)]
    assert widths == [8, 8, 24]
    assert harness.build(fixed(n_stages=4, max_filters=20), (8, 8, 1)).output_shape[-1] == 20
    assert harness.build(fixed(n_stages=2, width=0.1), (8, 8, 1)).output_shape[-1] == 4


def test_layers_add_to_their_input_where_shapes_match():
    assert harness.count(harness.build(fixed(), (8, 8, 1)), keras.layers.Add) == 4
    # Both layers of the first stage, and all layers of stages that neither halve nor widen.
    assert harness.count(harness.build(fixed(max_filters=8), (2, 2, 1)), keras.layers.Add) == 6


def test_dropout_stands_where_a_layer_adds_to_its_input():
    model = harness.build(fixed(dropout=0.2), (8, 8, 1))
    assert [layer.rate for layer in layers(model, keras.layers.SpatialDropout2D)] == [0.2] * 4


@pytest.mark.parametrize(
    ("shape", "last"),
    [((8, 8, 1), (2, 2)), ((28, 28, 3), (4, 4)), ((5, 9, 1), (3, 5)), ((1, 1, 1), (1, 1)), ((200, 224, 3), (7, 7))],
)
def test_each_stage_but_the_first_halves_maps_while_sides_are_four_or_more(shape, last):
    assert harness.build(fixed(n_stages=4, layers=1), shape).output_shape == (None, *last, 64)


@pytest.mark.parametrize(("steps", "last"), [(100, 13), (20, 5), (8, 4), (3, 3), (1, 1)])
def test_series_are_halved_down_to_four_steps(steps, last):
    assert harness.build(fixed(n_stages=4, layers=1), (steps, 3)).output_shape == (None, last, 64)


def test_normalizations_forget_fast_enough_for_short_trials():
    model = harness.build(fixed(), (8, 8, 1))
    assert {layer.momentum for layer in layers(model, keras.layers.BatchNormalization)} == {0.9}


def test_squeeze_and_excitation_scales_channels_by_gates_between_zero_and_one():
    tensor = keras.Input((6, 4))
    gated = keras.Model(tensor, layered._excite("relu", 2, tensor))
    x = np.random.default_rng(0).normal(size=(3, 6, 4)).astype("float32")
    gates = gated.predict_on_batch(x) / x
    np.testing.assert_allclose(gates, np.broadcast_to(gates[:, :1], x.shape), rtol=1e-4)
    assert (gates > 0).all() and (gates < 1).all()


@pytest.mark.parametrize("kernel_size", [0, 2.5, "3", True, ranges.Int(3, 5), ranges.Choice([3, -1])])
def test_a_kernel_size_that_is_no_number_of_pixels_is_refused(kernel_size):
    with pytest.raises(ValueError, match="`kernel_size` of LayeredBlock must be a positive whole number"):
        harness.build(fixed(kernel_size=kernel_size), (8, 8, 1))


@pytest.mark.parametrize("value", [1, "on", ranges.Choice([0, 1])])
def test_squeeze_excite_must_be_a_truth_value(value):
    with pytest.raises(ValueError, match="`squeeze_excite` of LayeredBlock must be True, False or an autonas.Boolean"):
        harness.build(fixed(squeeze_excite=value), (8, 8, 1))


def test_inputs_that_are_neither_images_nor_series_are_refused():
    with pytest.raises(ValueError, match=r"LayeredBlock takes .*Received: a tensor of shape \(None, 8\)"):
        harness.build(fixed(), (8,))
    with pytest.raises(ValueError, match="LayeredBlock takes one input, but is connected to 2"):
        harness.build(fixed(), [(8, 8, 1), (8, 8, 1)])
