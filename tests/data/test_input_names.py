"""Several inputs or targets in one argument are distinguished from the rows of one."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from autonas import data

IMAGES, ROWS, TEXTS = np.zeros((6, 4, 4)), np.zeros((6, 2)), list("abcdef")
LABELS, NUMBERS = np.arange(6), np.linspace(0, 1, 6)


@pytest.mark.parametrize("x", [IMAGES, ROWS, TEXTS, ROWS.tolist(), list(IMAGES), tuple(ROWS), pd.DataFrame(ROWS)])
@pytest.mark.parametrize("y", [LABELS, LABELS.tolist(), pd.Series(LABELS), ROWS, list(ROWS), ROWS.tolist()])
def test_rows_of_one_input_and_of_one_head_are_one_part(x, y):
    assert data.part_names(x, y) == ([None], [None])


@pytest.mark.parametrize("x", [[IMAGES, ROWS], (TEXTS, ROWS.tolist()), [pd.DataFrame(ROWS), TEXTS]])
def test_a_list_of_items_with_as_many_rows_as_y_holds_several_inputs(x):
    assert data.part_names(x, LABELS) == ([None, None], [None])


def test_a_list_of_arrays_with_as_many_rows_as_x_holds_several_targets():
    assert data.part_names(IMAGES, [LABELS, NUMBERS]) == ([None], [None, None])
    assert data.part_names([IMAGES, ROWS], [LABELS, NUMBERS, ROWS]) == ([None, None], [None, None, None])


def test_lists_hold_several_targets_unless_they_may_be_the_rows_of_many_inputs():
    lists = [LABELS.tolist(), NUMBERS.tolist()]
    assert data.part_names(IMAGES, lists) == ([None], [None, None])
    assert data.part_names([TEXTS, ROWS], lists) == ([None, None], [None, None])
    assert data.part_names([IMAGES, ROWS], [LABELS, NUMBERS.tolist()]) == ([None, None], [None, None])
    # 12 series of 20 steps, each with as many targets.
    assert data.part_names(list(np.zeros((12, 20, 1))), np.zeros((12, 20)).tolist()) == ([None], [None])


def test_two_rows_of_two_items_are_rows():
    assert data.part_names([np.zeros(2), np.zeros(2)], [0, 1]) == ([None], [None])


def test_a_dict_holds_its_parts_by_name():
    assert data.part_names({"image": IMAGES, "row": ROWS}, {"kind": LABELS}) == (["image", "row"], ["kind"])


@pytest.mark.parametrize("wrong", [{"an image": IMAGES}, {"größe": IMAGES}, {0: IMAGES}, {}])
def test_names_that_a_network_cannot_have_are_refused(wrong):
    with pytest.raises(ValueError, match="`x`.*Received"):
        data.part_names(wrong, LABELS)


def test_a_sparse_matrix_is_one_input_though_scipys_matrix_of_keys_is_a_dict():
    matrix = sparse.dok_matrix(np.eye(3))
    assert isinstance(matrix, dict)
    assert data.part_names(matrix, [0, 1, 0]) == ([None], [None])


def test_a_key_names_an_input_or_a_head_but_not_both():
    with pytest.raises(ValueError, match="The keys of `x` and of `y` must be different.*Received: 'kind' in both"):
        data.part_names({"kind": IMAGES, "row": ROWS}, {"kind": LABELS})
