"""A graph of operations: its paths, and that what computes the same has the same ones."""

import numpy as np
import pytest

from autonas.search_space.operation_graph import OperationGraph

CELL = OperationGraph(
    {"a": (0, 1), "b": (0, 2), "c": (1, 2), "d": (0, 3), "e": (1, 3), "f": (2, 3)}, identity=["skip"], absent=["none"]
)


def cell(*operations):
    return dict(zip("abcdef", operations, strict=True))


def test_paths_leave_out_identities_and_end_at_absent_edges():
    values = cell("conv", "none", "pool", "skip", "none", "conv")
    assert CELL.paths(values) == {("conv", "pool", "conv"): 1, (): 1}


def test_a_path_is_counted_as_often_as_it_occurs():
    assert CELL.paths(cell("conv", "conv", "none", "none", "skip", "skip")) == {("conv",): 2}


def test_architectures_that_compute_the_same_have_the_same_paths():
    # A convolution before a skip, or after it.
    first = cell("conv", "none", "skip", "none", "none", "skip")
    second = cell("skip", "none", "conv", "none", "none", "skip")
    assert CELL.paths(first) == CELL.paths(second) != CELL.paths(cell("skip", "none", "pool", "none", "none", "skip"))


def test_an_edge_of_an_inactive_decision_is_absent():
    values = cell("conv", "none", "none", "skip", "conv", "none")
    del values["d"]
    assert CELL.paths(values) == {("conv", "conv"): 1}


def test_features_count_paths():
    first = cell("conv", "none", "pool", "skip", "none", "conv")
    second = cell("none", "none", "none", "skip", "none", "none")
    nothing = cell(*["none"] * 6)
    features, groups = CELL.features([first, second, nothing])
    np.testing.assert_array_equal(features, [[1, 1], [1, 0], [0, 0]])
    np.testing.assert_array_equal(groups, [0, 0])
    assert CELL.features([nothing])[0].shape == (1, 0)


def test_a_graph_has_one_input_and_one_output():
    with pytest.raises(ValueError, match="one input and one output.*Received: edges=.*outputs {1, 2}"):
        OperationGraph({"a": (0, 1), "b": (0, 2)})
    with pytest.raises(ValueError, match="one input and one output"):
        OperationGraph({"a": (0, 1), "b": (1, 0)})
