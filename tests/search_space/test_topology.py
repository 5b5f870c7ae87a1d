"""Blocks connected to a graph have an order, ancestors and names, and graphs that can't be built are refused."""

import re

import numpy as np
import pytest

import autonas
from autonas.search_space import topology


def test_blocks_follow_the_blocks_that_they_are_connected_to_and_know_their_ancestors():
    table, image = autonas.StructuredDataInput(), autonas.ImageInput()
    dense, reduction, merge, head = autonas.DenseBlock(), autonas.Reduction(), autonas.Merge(), autonas.RegressionHead()
    outputs = head(merge([dense(table), reduction(image)]))
    assert topology.ordered_blocks([table, image], [outputs]) == [dense, reduction, merge, head]
    assert [node.block for node in topology.ancestors(head)] == [merge, dense, reduction, None, None]
    names = topology.names([image, dense, merge])
    assert list(names.values()) == ["image_input_1", "dense_block_1", "merge_1"]


def test_what_is_no_graph_is_refused():
    node, other = autonas.Input(), autonas.Input()
    with pytest.raises(ValueError, match="must be the output of a head.*Received: DenseBlock"):
        autonas.Graph(node, autonas.DenseBlock()(node))
    with pytest.raises(ValueError, match="not among the graph's `inputs`"):
        autonas.Graph(node, autonas.ClassificationHead()(other))
    with pytest.raises(ValueError, match="Input 1 of `inputs` doesn't reach"):
        autonas.Graph([node, other], autonas.ClassificationHead()(node))
    with pytest.raises(ValueError, match="Two inputs or blocks of the graph are named 'a'"):
        autonas.Graph(node, autonas.ClassificationHead(name="a")(autonas.DenseBlock(name="a")(node)))
    with pytest.raises(ValueError, match="Received: int"):
        autonas.DenseBlock()(3)


@pytest.mark.parametrize("name", ["x y", "größe", "a/b", "", ".a", 5, ["a"]])
def test_names_that_layers_cannot_have_are_refused_before_the_search(name, tmp_path):
    node = autonas.StructuredDataInput()
    outputs = autonas.RegressionHead()(autonas.DenseBlock(name=name)(node))
    model = autonas.AutoModel(node, outputs, max_trials=1, directory=tmp_path / "runs")
    with pytest.raises(
        ValueError, match=rf"`name` of DenseBlock must consist of letters .* Received: name={re.escape(repr(name))}"
    ):
        model.fit(np.zeros((20, 2)), np.arange(20.0))
    assert not (tmp_path / "runs").exists()


def test_a_head_is_an_end_of_the_graph():
    node = autonas.StructuredDataInput()
    inner = autonas.ClassificationHead()(autonas.DenseBlock()(node))
    with pytest.raises(ValueError, match="output of ClassificationHead must be one of `outputs`. .* input of DenseB"):
        autonas.Graph(node, autonas.RegressionHead()(autonas.DenseBlock()(inner)))


def test_a_block_whose_constructor_does_not_call_that_of_block_has_a_name():
    class Own(autonas.Block):
        def __init__(self):
            pass

        def build(self, hp, inputs):
            return inputs

    node = autonas.StructuredDataInput()
    graph = autonas.Graph(node, autonas.RegressionHead()(Own()(node)))
    assert list(graph.names.values()) == ["structured_data_input_1", "own_1", "regression_head_1"]
