"""Segments of a supernet, which depend on the same decisions, and their results for several architectures."""

import keras
import numpy as np
import pytest

from autonas import Int
from autonas.backends import gradients
from autonas.evaluation.one_shot import scoring
from autonas.search_space import block, decisions
from autonas.search_space.blocks import cell, chain
from autonas.search_space.encoding import Encoding
from autonas.supernet import segments
from tests.helpers import supernets


class MaskedRows(block.Block):
    """A recurrent layer that skips the empty rows of an image."""

    def build(self, hp, inputs):
        first = {"dense": lambda: keras.layers.Dense(1), "identity": keras.layers.Identity}
        x = decisions.LayerChoice("first", first)(hp, inputs)
        x = keras.layers.Masking()(keras.layers.Reshape((8, 8))(x))
        last = {"dense": lambda: keras.layers.Dense(4), "identity": keras.layers.Identity}
        return decisions.LayerChoice("last", last)(hp, keras.layers.SimpleRNN(4)(x))


def build(drawn_block):
    drawn, data = supernets.make_graph(drawn_block)
    return supernets.build(drawn), {name: array[data.validation_rows] for name, array in data.inputs.items()}


def test_the_layers_of_a_chain_are_segments_that_depend_on_all_earlier_decisions():
    block = chain.ChainBlock(
        filters=4, depth=3, skip="residual", operations=["convolution_3", "max_pooling_3", "identity"]
    )
    segments_of_chain = segments.segments_of(build(block)[0])
    assert [segment.positions for segment in segments_of_chain] == [(), (0,), (0, 1), (0, 1, 2)]
    assert [segment.n_results for segment in segments_of_chain] == [1, 3, 9, 27]
    # The outputs of a segment are the inputs of the next one.
    for segment, following in zip(segments_of_chain, segments_of_chain[1:], strict=False):
        assert [id(tensor) for tensor in segment.outputs] == [id(tensor) for tensor in following.inputs]


def test_a_segment_depends_on_the_decisions_inside_its_branches():
    block = chain.ChainBlock(filters=4, depth=Int(1, 3), skip="residual", operations=["convolution_3", "identity"])
    supernet, _ = build(block)
    names = ["depth", "depth_0/operation", "depth_1/operation"]
    assert list(supernet.decisions) == [f"chain_block_1/{name}" for name in names]
    # The first layer doesn't depend on the depth; the other layers are branches of the mixing layer of the depth.
    assert [segment.positions for segment in segments.segments_of(supernet)] == [(), (1,), (0, 1, 2)]


def test_edges_of_a_cell_are_computed_once_for_all_architectures():
    supernet, inputs = build(None)
    predict, memory = segments.SegmentedPrediction(supernet), segments.Memory(2**30)
    encoding, generator = Encoding(supernet.space), np.random.default_rng(0)
    for _ in range(20):
        predict(supernet.indices(encoding.sample(generator)), inputs, memory)
    # The cell has three edges with three operations each. The edges 0 and 1 begin at its input, edge 2 at edge 0.
    counts = {segment.positions: len(results) for segment, results in memory.results.items() if results}
    assert counts == {(): 1, (0,): 3, (1,): 3, (0, 2): 9}


@pytest.mark.parametrize("max_bytes", [0, 300_000, 2**30])
def test_a_memory_of_any_size_changes_no_prediction(max_bytes):
    supernet, inputs = build(cell.CellBlock("nas_bench_201", operations=supernets.OPERATIONS, filters=4, n_stages=1))
    predict, memory = segments.SegmentedPrediction(supernet), segments.Memory(max_bytes)
    encoding, generator = Encoding(supernet.space), np.random.default_rng(0)
    for _ in range(10):
        indices = supernet.indices(encoding.sample(generator))
        found = predict(indices, inputs, memory)["head"]
        assert memory.n_bytes <= max_bytes
        np.testing.assert_array_equal(found, predict(indices, inputs, segments.Memory(0))["head"])


def test_a_supernet_with_masks_is_one_segment_that_passes_them_on():
    supernet, inputs = build(MaskedRows())
    (segment,) = segments.segments_of(supernet)
    assert segment.positions == tuple(range(len(supernet.decisions)))

    def call(indices, tensors):
        with scoring.selecting(supernet):
            supernet.choose(indices)
            return supernet(tensors, training=False)

    predict, whole = segments.SegmentedPrediction(supernet), gradients.compiled(call, supernet.variables)
    is_empty = np.arange(8)[:, None, None] % 3 == 0
    inputs = {name: np.where(is_empty, 0.0, array).astype("float32") for name, array in inputs.items()}
    for first in range(2):
        indices = np.array([first, 1], "int32")
        expected = whole(indices, inputs)["head"]
        np.testing.assert_allclose(predict(indices, inputs, segments.Memory(0))["head"], expected, atol=1e-6)
