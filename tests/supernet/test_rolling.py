"""Loops over the mixing layers of a supernet on JAX: the numbers of the layers one by one, from one compilation."""

import keras
import numpy as np
import pytest

if keras.backend.backend() != "jax":
    pytest.skip("They are loops of JAX; see test_on_jax.py.", allow_module_level=True)

import jax

from autonas.backends import gradients, node_graph, seeding
from autonas.search_space.blocks import cell
from autonas.supernet import rolling, segments, supernet
from tests.helpers import harness

IMAGES = np.random.default_rng(0).normal(size=(6, 4, 4, 1)).astype("float32")
OPERATIONS = ["convolution_1", "identity"]


@pytest.fixture(scope="module")
def net():
    """The supernet of a normal cell, a reduction cell, and a normal cell, each of two nodes."""
    block = cell.CellBlock(filters=4, n_stages=2, operations=OPERATIONS, n_nodes=2)
    with seeding.seeded(0, 0):
        net = supernet.Supernet.from_graph(harness.make_graph(block, IMAGES))
    net.mode = "blend"
    return net


def steps(net):
    nodes = [node for level in node_graph.levels(net) for node in level if not node.is_input]
    known = dict.fromkeys(map(id, net.inputs))
    return rolling.steps_of(nodes, known, lambda node: str(node.output_tensors[0].shape)), nodes


def trained(net):
    """The loss, its gradients, and the statistics after a step, for compiled code."""

    def step(x):
        def loss():
            (outputs,) = net(dict.fromkeys(net.input, x), training=True).values()
            return keras.ops.mean(outputs**2)

        return gradients.value_and_gradient(loss, net.trainable_variables)

    states = [variable.value for variable in net.non_trainable_variables]
    results = gradients.compiled(step, net.variables)(IMAGES)
    changed = [np.array(variable.value) for variable in net.non_trainable_variables]
    for variable, value in zip(net.non_trainable_variables, states, strict=True):
        variable.assign(value)
    return jax.tree.leaves([results, changed])


def test_steps_have_all_nodes_in_topological_order(net):
    known = set(map(id, net.inputs))
    in_order, nodes = steps(net)
    for node in (node for step in in_order for node in step.all_nodes):
        assert {id(tensor) for tensor in node.input_tensors} <= known
        known.update(map(id, node.output_tensors))
    assert sum(len(step.all_nodes) for step in in_order) == len(nodes)


def test_cells_of_the_same_size_are_one_loop(net):
    in_order, _ = steps(net)
    # 4 operations of the first cell, 8 of the two cells of half the size, and what follows.
    assert [len(run) for run in rolling.runs_of(in_order)][:2] == [4, 8]


def test_numbers_are_those_of_layers_one_by_one(net, monkeypatch):
    rolled = trained(net)
    monkeypatch.setattr(rolling, "runs_of", lambda steps: [[step] for step in steps])
    one_by_one = trained(net)
    for value, expected in zip(rolled, one_by_one, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-3, atol=1e-5)


def test_a_large_supernet_is_one_segment_with_the_same_predictions(net, monkeypatch):
    inputs = dict.fromkeys(net.input, IMAGES)

    def predicted():
        (outputs,) = segments.SegmentedPrediction(net)(net.indices({}), inputs, segments.Memory(0)).values()
        return np.array(outputs)

    several, expected = segments.segments_of(net), predicted()
    monkeypatch.setattr(net, "is_large", True)
    assert len(several) > len(segments.segments_of(net)) == 1
    np.testing.assert_allclose(predicted(), expected, rtol=1e-4, atol=1e-6)
