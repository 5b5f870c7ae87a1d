"""HierarchicalBlock: motifs of motifs of operations, each decided on once."""

import keras
import numpy as np
import pytest

from autonas.search_space import ranges
from autonas.search_space.blocks import hierarchical
from tests.helpers import harness

CHAIN = {"level_3/edge_0_1": "motif_0", "level_3/edge_0_2": "none", "level_3/edge_1_2": "motif_0"}


def small(**arguments):
    settings = {
        "filters": 8,
        "n_stages": 2,
        "n_motifs": 2,
        "n_nodes_level_2": 2,
        "operations": ["separable_3", "convolution_1", "max_pooling_3", "identity", "none"],
        "downsampling": "pooling",
    }
    return hierarchical.HierarchicalBlock(**{**settings, **arguments})


def build(block, shape, values=()):
    """The model of a block for `values`, the others being those of the default architecture."""
    hp = harness.empty_values()
    hp.values.update(values)
    return harness.build(block, shape, hp)


def count(block, layer_class, values=()):
    return harness.count(build(block, (8, 8, 1), values), layer_class)


@pytest.mark.parametrize(
    ("data", "layer_class"),
    [(harness.digits, keras.layers.SeparableConv2D), (harness.digit_series, keras.layers.SeparableConv1D)],
)
def test_any_architecture_builds_trains_and_saves(data, layer_class, tmp_path):
    numbers = {"n_motifs": 2, "n_nodes_level_2": 3, "n_stages": 2}
    _, model = harness.check(hierarchical.HierarchicalBlock, *data(), tmp_path, samples=1, **numbers)
    assert harness.count(model, layer_class) == 2 * 2 * 2


def test_the_default_space_decides_on_each_edge_of_each_motif_once():
    images, _ = harness.digits(8)
    drawn = harness.make_graph(hierarchical.HierarchicalBlock(name="b"), images)
    space = drawn.declare()
    expected = {"b/filters", "b/reduction"}
    expected |= {f"b/level_3/edge_{edge}" for edge in ("0_1", "0_2", "1_2")}
    for motif in range(3):
        expected |= {f"b/level_2/motif_{motif}/edge_{edge}" for edge in ("0_1", "0_2", "1_2", "0_3", "1_3", "2_3")}
    assert {each.name for each in space.space if each.name.startswith("b/")} == expected
    assert not any(each.conditions for each in space.space if each.name.startswith("b/"))
    assert space.values["b/level_2/motif_2/edge_1_2"] == "separable_3"
    assert space.values["b/level_2/motif_2/edge_0_3"] == "identity"
    assert [space.values[f"b/level_3/edge_{edge}"] for edge in ("0_1", "0_2", "1_2")] == ["motif_0", "none", "motif_1"]
    assert drawn.build(space).count_params() < 100_000


def test_a_motif_that_changes_changes_wherever_it_is_used():
    pooled = {"level_2/motif_0/edge_0_1": "max_pooling_3"}
    for n_cells, n_stages, edges in [(1, 1, 1), (1, 2, 1), (2, 2, 1), (2, 2, 2)]:
        block = small(n_cells=n_cells, n_stages=n_stages)
        values = {**CHAIN, "level_3/edge_1_2": f"motif_{2 - edges}"}
        before, after = (count(block, keras.layers.SeparableConv2D, {**values, **more}) for more in ({}, pooled))
        assert (before, after) == (2 * n_cells * n_stages, (2 - edges) * n_cells * n_stages)
        assert count(block, keras.layers.MaxPooling2D, {**values, **pooled}) == edges * n_cells * n_stages


def test_a_motif_that_level_3_does_not_use_changes_nothing():
    unused = {"level_2/motif_1/edge_0_1": "max_pooling_3"}
    assert count(small(), keras.layers.MaxPooling2D, {**CHAIN, **unused}) == 0


def test_each_place_of_a_motif_has_weights_of_its_own():
    separable = [
        layer
        for layer in build(small(n_stages=1), (8, 8, 1), CHAIN).layers
        if isinstance(layer, keras.layers.SeparableConv2D)
    ]
    assert len({id(layer) for layer in separable}) == 2


def cell_factor(block, values=()):
    """By what the level-3 motif multiplies its input where all operations are identities."""
    model = build(block, (8, 8, 1), values)
    stem = keras.Model(model.input, model.layers[2].output)
    assert isinstance(model.layers[2], keras.layers.BatchNormalization)
    x = harness.digits(4)[0]
    expected = np.maximum(stem.predict_on_batch(x), 0) / np.sqrt(1 + 1e-3)
    outputs = model.predict_on_batch(x)
    factor = outputs.sum() / expected.sum()
    np.testing.assert_allclose(outputs, factor * expected, rtol=1e-4, atol=1e-4)
    return factor


def test_nodes_add_up_their_edges_on_both_levels():
    block = small(n_stages=1, n_nodes_level_2=3, operations=["identity", "none"])
    level_3 = {**CHAIN, "level_3/edge_0_2": "identity"}
    # A motif doubles; the level-3 motif gives 2 * 2 + 1 times its input, and adds it.
    assert cell_factor(block, level_3) == pytest.approx(6, rel=1e-4)
    # The motif without its way past the middle node passes its input on: 1 * 1 + 1 times, and once more.
    values = {**level_3, "level_2/motif_0/edge_0_2": "none"}
    assert cell_factor(block, values) == pytest.approx(3, rel=1e-4)


@pytest.mark.parametrize(
    "values",
    [
        dict.fromkeys(CHAIN, "none"),
        {**CHAIN, "level_3/edge_1_2": "none"},
        {**CHAIN, "level_3/edge_0_1": "none"},
        {**CHAIN, "level_2/motif_0/edge_0_1": "none"},
    ],
)
def test_a_disconnected_motif_passes_its_input_on(values):
    block = small(n_stages=1, operations=["identity", "none"])
    assert cell_factor(block, values) == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize("level_3", ["none", "motif_0"])
def test_a_network_of_disconnected_motifs_trains(level_3):
    images, labels = harness.digits()
    drawn = harness.make_graph(small(name="b"), images)
    hp = drawn.declare().copy()
    hp.values.update({f"b/{name}": level_3 for name in CHAIN})
    hp.values["b/level_2/motif_0/edge_0_1"] = "none"
    model = drawn.build(hp)
    before = harness.check_model(model, images, labels)
    after = [model.train_on_batch(harness.model_inputs(model, images), {"head": labels}) for _ in range(8)][-1]
    assert after < before


@pytest.mark.parametrize("downsampling", ["pooling", "stride"])
@pytest.mark.parametrize(
    ("shape", "output"),
    [((8, 8, 1), (2, 2, 32)), ((5, 9, 3), (3, 5, 16)), ((1, 1, 1), (1, 1, 8)), ((20, 2), (5, 32)), ((3, 2), (3, 8))],
)
def test_each_stage_halves_and_doubles_as_far_as_the_input_allows(downsampling, shape, output):
    assert build(small(n_stages=3, downsampling=downsampling), shape).output_shape == (None, *output)


def test_the_way_of_halving_is_decided_once_for_all_stages():
    block = small(n_stages=3, downsampling=ranges.Choice(["pooling", "stride"]))
    values = dict.fromkeys(CHAIN, "none")
    assert count(block, keras.layers.AveragePooling2D, values) == 2
    assert count(block, keras.layers.AveragePooling2D, {**values, "reduction": "stride"}) == 0


def test_numbers_of_stages_and_motifs_can_be_searched(tmp_path):
    arguments = {"n_stages": ranges.Int(1, 3), "n_cells": ranges.Int(1, 2), "n_nodes_level_2": 2, "n_motifs": 1}
    space, _ = harness.check(hierarchical.HierarchicalBlock, *harness.digits(), tmp_path, samples=2, **arguments)
    assert {"hierarchical_block_1/n_stages", "hierarchical_block_1/n_cells"} <= set(space.values)


@pytest.mark.parametrize(
    ("argument", "value", "minimum"),
    [("n_motifs", 0, 1), ("n_nodes_level_2", 1, 2), ("n_nodes_level_3", 2.0, 2), ("n_motifs", ranges.Int(1, 3), 1)],
)
def test_numbers_that_make_no_motif_are_refused(argument, value, minimum):
    with pytest.raises(ValueError, match=f"`{argument}` of HierarchicalBlock must be a whole number from {minimum}"):
        build(small(**{argument: value}), (8, 8, 1))


@pytest.mark.parametrize("names", [["convolution_7"], [], "none"])
def test_unknown_operations_are_refused(names):
    with pytest.raises(ValueError, match="`operations` of HierarchicalBlock must be a list of some of"):
        build(small(operations=names), (8, 8, 1))


def test_an_unknown_downsampling_is_refused():
    with pytest.raises(ValueError, match=r"`downsampling` of HierarchicalBlock must be one of \['pooling', 'stride'\]"):
        build(small(downsampling="max"), (8, 8, 1))


def test_inputs_that_are_neither_images_nor_series_are_refused():
    with pytest.raises(ValueError, match=r"HierarchicalBlock takes .*Received: a tensor of shape \(None, 8\)"):
        build(small(), (8,))
