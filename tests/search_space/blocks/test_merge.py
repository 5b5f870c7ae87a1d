"""Merge: several tensors into one."""

import numpy as np
import pytest

from autonas.search_space import ranges
from autonas.search_space.blocks import merge
from tests.helpers import harness

SHAPES = [(4, 4, 3), (5, 2), (7,)]


def test_inputs_of_any_rank_are_averaged_to_vectors_and_concatenated():
    model = harness.build(merge.Merge("concatenate"), SHAPES)
    assert model.output_shape == (None, 3 + 2 + 7)
    image, series, vector = (np.random.default_rng(0).normal(size=(2, *shape)).astype("float32") for shape in SHAPES)
    expected = np.concatenate([image.mean((1, 2)), series.mean(1), vector], axis=1)
    np.testing.assert_allclose(model([image, series, vector]), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["add", "multiply", "maximum"])
def test_narrower_inputs_are_projected_to_the_widest(kind):
    model = harness.build(merge.Merge(kind), SHAPES)
    assert model.output_shape == (None, 7)
    assert model.count_params() == (3 * 7 + 7) + (2 * 7 + 7)


def test_maps_of_the_same_extent_are_merged_as_they_are():
    assert harness.build(merge.Merge("concatenate"), [(4, 4, 3), (4, 4, 5)]).output_shape == (None, 4, 4, 8)
    assert harness.build(merge.Merge("add"), [(4, 4, 3), (4, 4, 5)]).output_shape == (None, 4, 4, 5)


def test_one_input_passes_through():
    hp = harness.empty_values()
    assert harness.build(merge.Merge(), (4, 3), hp).count_params() == 0
    assert hp.space == []


def test_a_graph_of_two_inputs_searches_over_the_kinds():
    images, labels = harness.digits()
    drawn = harness.make_graph(merge.Merge(ranges.Choice(["concatenate", "add", "multiply"])), images, node_count=2)
    space = drawn.declare()
    assert space.values["merge_1/kind"] == "concatenate"
    for kind in ("concatenate", "add", "multiply"):
        hp = space.copy()
        hp.values["merge_1/kind"] = kind
        harness.check_model(drawn.build(hp), images, labels)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="`kind` of Merge must be one of .* Received: kind='subtract'"):
        harness.build(merge.Merge("subtract"), SHAPES)


def test_configuration_round_trip():
    harness.check_configuration(merge.Merge("add", name="both"))
    harness.check_configuration(merge.Merge())
