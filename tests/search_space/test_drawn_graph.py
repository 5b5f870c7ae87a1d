"""Drawn graphs tell which architectures are alike."""

import numpy as np
import pytest

import autonas
from autonas.search_space.drawn_graph import ChosenEdges, DrawnGraphs, is_used
from autonas.search_space.operation_graph import OperationGraph

CELL = DrawnGraphs(autonas.CellBlock(n_nodes=2).drawing("cell")[:1])


def cell(inputs, *operations):
    """Values of a cell of two nodes: the inputs of the second node, and two operations for each node."""
    names = [f"cell/normal/node_{node}/operation_{place}" for node in range(2) for place in range(2)]
    return {"cell/normal/node_1/inputs": inputs} | dict(zip(names, operations, strict=True))


def words(values, graphs=CELL):
    return sorted([word for word, _ in words] for _, words in graphs.walks(values))


def test_walks_are_operations_that_follow_one_another():
    found = words(cell("1+2", "separable_3", "dilated_3", "max_pooling_3", "separable_5"))
    assert ["separable_3", "separable_5"] in found and ["separable_3", "max_pooling_3"] not in found
    assert ["2 cells back", "separable_3", "separable_5", "output of the graph"] in found
    assert ["1 cell back", "max_pooling_3", "output of the graph"] in found


def test_identities_and_missing_connections_do_not_count():
    with_identity = words(cell("0+2", "separable_3", "none", "dilated_3", "identity"))
    assert not any("identity" in walk or "none" in walk for walk in with_identity)
    # The first node reaches the output by itself and through the identity.
    assert with_identity.count(["separable_3", "output of the graph"]) == 2


def test_operations_without_a_way_to_the_output_do_not_count():
    motif = DrawnGraphs(
        [{"name": "motif", "inputs": ["input"], "edges": [
            {"source": 0, "target": 1, "decision": "a"}, {"source": 1, "target": 2, "decision": "b"},
            {"source": 0, "target": 2, "decision": "c"},
        ]}]
    )  # fmt: skip
    assert words({"a": "convolution_3", "b": "none", "c": "identity"}, motif) == [
        ["input"],
        ["input", "output of the graph"],
    ]
    assert ["convolution_3", "output of the graph"] in words(
        {"a": "convolution_3", "b": "identity", "c": "none"}, motif
    )


def test_nodes_can_change_places():
    one = cell("0+1", "separable_3", "dilated_3", "max_pooling_3", "separable_5")
    other = cell("0+1", "max_pooling_3", "separable_5", "separable_3", "dilated_3")
    (first, second), _ = CELL.features([one, other])
    np.testing.assert_array_equal(first, second)


def test_the_number_of_groups_is_that_of_all_lengths():
    for inputs in ("0+1", "1+2"):
        _, groups = CELL.features([cell(inputs, *["identity"] * 4)])
        assert set(groups) == {0, 1, 2, 3}


def test_a_skip_of_a_chain_is_an_edge():
    (drawing,) = autonas.ChainBlock(depth=3, skip="any").drawing("chain")
    values = {f"chain/depth_{index}/operation": "convolution_3" for index in range(3)}
    skips = {f"chain/depth_{index}/skip": skip for index, skip in enumerate((0, 0, 2))}
    assert (1, 3, "") in ChosenEdges.of(drawing, values | skips).edges
    assert words(values | skips, DrawnGraphs([drawing])) != words(values, DrawnGraphs([drawing]))


def test_motifs_that_are_not_used_do_not_count():
    graphs = DrawnGraphs(autonas.HierarchicalBlock(n_motifs=2).drawing("block"))
    used = [drawing for drawing in graphs.drawings if "used_by" in drawing]
    name, users = used[0]["used_by"]
    assert is_used(used[0], {users[0]: name}) and not is_used(used[0], {users[0]: "identity"})


@pytest.mark.parametrize(
    "block, kind",
    [
        (autonas.CellBlock(), DrawnGraphs),
        (autonas.CellBlock("nas_bench_201"), OperationGraph),
        (autonas.ChainBlock(), DrawnGraphs),
        (autonas.HierarchicalBlock(), DrawnGraphs),
        (autonas.ConvolutionBlock(), type(None)),
    ],
)
def test_a_graph_has_the_structure_of_its_blocks(block, kind):
    inputs = autonas.ImageInput()
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(block(inputs)))
    assert isinstance(graph.structure(), kind)
