"""CellBlock: stacks of one cell, whose operations the search chooses."""

import collections
import itertools

import keras
import numpy as np
import pytest

from autonas.search_space import encoding, ranges
from autonas.search_space.blocks import cell
from tests.helpers import harness


def bench(**arguments):
    return cell.CellBlock(**{"cell": "nas_bench_201", "filters": 4, "n_stages": 2, "name": "c", **arguments})


def darts(**arguments):
    return cell.CellBlock(**{"filters": 4, "n_stages": 2, "name": "c", **arguments})


def declare(block, x=None):
    return harness.make_graph(block, harness.digits(8)[0] if x is None else x).declare()


def names(space):
    return [each.name for each in space.space if each.name.startswith("c/")]


def unconnected(**connected):
    """Values of a NAS-Bench-201 cell with no operations but the given ones."""
    hp = harness.empty_values()
    edges = [f"edge_{source}_{target}" for target in range(1, 4) for source in range(target)]
    hp.values.update({**dict.fromkeys(edges, "none"), **connected})
    return hp


def kinds(model):
    """How many layers of a model are of each class."""
    return collections.Counter(type(layer).__name__ for layer in model.layers)


@pytest.mark.parametrize("data", [harness.digits, harness.digit_series])
@pytest.mark.parametrize("kind", ["darts", "nas_bench_201"])
def test_any_architecture_of_a_default_space_builds_trains_and_saves(kind, data, tmp_path):
    # Two nodes have decisions of all kinds.
    nodes = {"n_nodes": 2} if kind == "darts" else {}
    harness.check(cell.CellBlock, *data(), tmp_path, samples=2, cell=kind, n_stages=2, **nodes)


# ---------------------------------------------------------------------- DARTS


def test_darts_decides_on_a_normal_and_a_reduction_cell_however_many_there_are():
    expected = []
    for kind, node in itertools.product(["normal", "reduction"], range(4)):
        # The first node has no inputs to choose from: there are two.
        expected += [f"c/{kind}/node_{node}/{name}" for name in ["inputs", "operation_0", "operation_1"]][node == 0 :]
    operations = ["max_pooling_3", "identity"]
    assert names(declare(darts(operations=operations))) == expected
    assert names(declare(darts(operations=operations, n_stages=3, n_cells=2))) == expected


def test_darts_has_as_many_cells_as_in_the_paper():
    space = {each.name: each for each in declare(darts()).space}
    sizes = [len(space[f"c/normal/node_{node}/inputs"].values) for node in range(1, 4)]
    assert sizes == [3, 6, 10]
    assert len(space["c/normal/node_0/operation_0"].values) == 7


def test_a_decision_holds_in_every_normal_cell_and_in_no_reduction_cell():
    hp = harness.empty_values()
    block = darts(n_stages=3, n_cells=2, operations=["identity", "separable_5"])
    hp.values["normal/node_3/operation_1"] = "separable_5"
    assert harness.count(harness.build(block, (16, 16, 1), hp), keras.layers.SeparableConv2D) == 6
    hp.values["reduction/node_3/operation_1"] = "separable_5"
    assert harness.count(harness.build(block, (16, 16, 1), hp), keras.layers.SeparableConv2D) == 8


@pytest.mark.parametrize(("n_nodes", "n_inputs"), [(1, 2), (2, 2), (3, 3)])
def test_nodes_stand_side_by_side_and_add_up_their_inputs(n_nodes, n_inputs):
    block = darts(n_nodes=n_nodes, n_inputs=n_inputs, operations=["convolution_3"])
    model = harness.build(block, (8, 8, 1))
    assert model.output_shape == (None, 4, 4, 8 * n_nodes)
    # Three cells, and the convolution before the first.
    convolutions = [layer for layer in model.layers if getattr(layer, "kernel_size", None) == (3, 3)]
    assert len(convolutions) == 1 + 3 * sum(min(n_inputs, 2 + node) for node in range(n_nodes))


def test_a_node_with_one_input_is_an_operation_on_it():
    hp = harness.empty_values()
    hp.values.update({"normal/node_0/inputs": "1", "normal/node_1/inputs": "2"})
    model = harness.build(darts(n_stages=1, n_nodes=2, n_inputs=1, operations=["convolution_3"]), (8, 8, 1), hp)
    assert kinds(model)["Add"] == 0
    assert model.output_shape == (None, 8, 8, 8)


@pytest.mark.parametrize(
    ("shape", "last"), [((8, 8, 1), (2, 2)), ((5, 9, 1), (3, 5)), ((3, 3, 1), (3, 3)), ((200, 150, 3), (13, 10))]
)
def test_stages_are_limited_by_the_size_of_the_image(shape, last):
    assert harness.build(darts(n_stages=3, n_nodes=1), shape).output_shape[1:3] == last


def test_the_number_of_stages_and_cells_can_be_searched():
    block = darts(n_stages=ranges.Int(2, 9), n_cells=ranges.Int(1, 2), n_nodes=2)
    drawn = harness.make_graph(block, harness.digits(8)[0])
    space = drawn.declare()
    assert [(each.name, each.max_value) for each in space.space[:2]] == [("c/n_stages", 3), ("c/n_cells", 2)]
    hp = space.copy()
    hp.values.update({"c/n_stages": 3, "c/n_cells": 2})
    assert harness.count(drawn.build(hp), keras.layers.Concatenate) == 3 * 2 + 2
    assert len(hp.space) == len(space.space)


# ---------------------------------------------------------------------- NAS-Bench-201


def test_nas_bench_201_has_six_edges_of_five_operations():
    edges = ["c/edge_0_1", "c/edge_0_2", "c/edge_1_2", "c/edge_0_3", "c/edge_1_3", "c/edge_2_3"]
    space = declare(bench(n_cells=2))
    assert names(space) == edges
    space.space[:] = [each for each in space.space if each.name in edges]
    assert sum(1 for _ in encoding.Encoding(space).architectures()) == 15_625


def test_all_cells_have_one_architecture_and_weights_of_their_own():
    hp = unconnected(edge_0_3="convolution_3", edge_1_2="convolution_1")
    few, many = (harness.build(bench(n_stages=1, n_cells=n), (8, 8, 1), hp) for n in (1, 3))
    difference = kinds(many) - kinds(few)
    assert difference["Conv2D"] == 2 * 2 and difference["Rescaling"] == 2 * 4
    cells = [layer for layer in many.layers if getattr(layer, "kernel_size", None) == (3, 3)][1:]
    assert len(cells) == 3
    first, second, _ = (layer.kernel for layer in cells)
    assert not np.allclose(first, second)


def test_a_cell_adds_up_what_its_edges_give():
    hp = unconnected(edge_0_1="identity", edge_1_3="identity", edge_0_3="identity")
    model = harness.build(bench(n_stages=1), (8, 8, 1), hp)
    stem = next(layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization))
    last = [layer for layer in model.layers if isinstance(layer, keras.layers.Add)][-1]
    images = harness.digits(4)[0]
    before, after = keras.Model(model.input, [stem.output, last.output])(images)
    np.testing.assert_allclose(after, 2 * np.array(before), rtol=1e-6)


def test_a_cell_without_any_connection_trains():
    images, labels = harness.digits(16)
    drawn = harness.make_graph(bench(), images)
    hp = drawn.declare()
    hp.values.update(dict.fromkeys(names(hp), "none"))
    harness.check_model(drawn.build(hp), images, labels)


def test_the_structure_names_the_decisions_of_the_space():
    block = bench()
    graph = block.structure("c")
    assert sorted(graph.edges) == sorted(names(declare(block)))
    values = dict.fromkeys(graph.edges, "none")
    values.update({"c/edge_0_1": "convolution_3", "c/edge_1_3": "identity", "c/edge_0_3": "convolution_1"})
    assert graph.paths(values) == {("convolution_3",): 1, ("convolution_1",): 1}
    assert darts().structure("c") is None


# ---------------------------------------------------------------------- both


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (darts(cell="enas"), r"`cell` of CellBlock must be one of \['darts', 'nas_bench_201'\].*'enas'"),
        (darts(n_nodes=0), "`n_nodes` of CellBlock must be a whole number from 1. Received: n_nodes=0"),
        (bench(n_nodes=1), "`n_nodes` of CellBlock must be a whole number from 2. Received: n_nodes=1"),
        (darts(n_inputs=0), "`n_inputs` of CellBlock must be a whole number from 1. Received: n_inputs=0"),
        (darts(n_cells=0), "`n_cells` of CellBlock must be at least 1.*Received: n_cells=0"),
        (darts(n_stages=ranges.Int(1, 2)), r"`n_stages` .* begin with 2 or more\. Received: n_stages=Int\("),
        (bench(operations=["fft_3"]), r"`operations` of CellBlock must be a list of some of .*'fft_3'"),
    ],
)
def test_a_bad_argument_is_refused(block, message):
    with pytest.raises(ValueError, match=message):
        harness.build(block, (8, 8, 1))


def test_a_vector_is_refused():
    with pytest.raises(ValueError, match=r"takes a series .* or images .* Received: .*\(None, 8\)"):
        harness.build(darts(), (8,))
