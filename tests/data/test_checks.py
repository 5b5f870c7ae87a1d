import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from scipy import sparse

from autonas.data import checks


@pytest.mark.parametrize("x", [np.ones((3, 2)), pd.DataFrame({"a": [1, 2, 3]}), sparse.eye(3), ["a", "b", "c"]])
def test_rows_are_counted(x):
    assert checks.number_of_rows(x) == 3


def test_a_single_text_is_refused_with_the_remedy():
    with pytest.raises(ValueError, match=r"a list of rows. Received: str of length 8. Pass a single text as `\[x\]`."):
        checks.number_of_rows("one text")


def test_lengths_must_agree():
    x = np.ones((3, 2))
    checks.check_same_rows(x, [1, 2, 3], [1, 1, 1], ["a", "a", "b"])
    with pytest.raises(ValueError, match="`y` must have as many rows as `x`. Received: 3 rows in x and 2 in y"):
        checks.check_same_rows(x, [1, 2])
    with pytest.raises(ValueError, match="`sample_weight` must have as many rows"):
        checks.check_same_rows(x, [1, 2, 3], np.ones(4))
    with pytest.raises(ValueError, match="at least one row"):
        checks.check_same_rows(np.empty((0, 3)), [])


def test_inputs_must_agree_and_the_odd_one_is_named():
    with pytest.raises(ValueError, match="Received: 3 rows of input 'photo', 2 rows of input 'facts'"):
        checks.check_parts([np.ones((3, 2)), np.ones((2, 2))], ["photo", "facts"], "x", "input")
    with pytest.raises(ValueError, match="`y` must hold as many rows of every head. Received: 3 rows of head 0, 1 row"):
        checks.check_parts([np.ones(3), np.ones(1)], [None, None], "y", "head")


def test_a_list_of_one_array_is_not_the_array():
    with pytest.raises(ValueError, match=r"`y` must be an array itself if there is one head.*of one ndarray.*y\[0\]"):
        checks.check_parts([[np.ones(3)]], [None], "y", "head")
    checks.check_parts([[[1.0, 2.0]]], [None], "x", "input")


def test_messages_stay_short():
    with pytest.raises(ValueError, match="1000000 rows in x and 1 in y") as error:
        checks.check_same_rows([1] * 1_000_000, [1])
    assert len(str(error.value)) < 200
    assert checks.describe([0] * 1_000_000) == "list of length 1000000"
    assert checks.describe(np.zeros((10, 2))) == "ndarray of shape (10, 2)"


def test_sample_weights():
    assert checks.check_sample_weight([1, 0, 2]).dtype == "float32"
    for weights, message in [
        ([0, 0], "only zero weights"),
        ([1, -1], "-1.0 at index 1"),
        ([1, np.nan], "nan at index 1"),
        (["a"], "one number per row"),
        (np.ones((3, 2)), "one number per row"),
    ]:
        with pytest.raises(ValueError, match=message):
            checks.check_sample_weight(weights)


def test_validation_labels_must_be_in_training():
    checks.check_labels_in_training(["a", "b"], ["b"])
    with pytest.raises(ValueError, match="must occur in training. Received labels that don't: 3, 4. Shuffle"):
        checks.check_labels_in_training(np.array([1, 2]), np.array([2, 3, 4]))


def test_streams_are_recognised():
    assert checks.is_stream(tf.data.Dataset.range(3))
    assert not checks.is_stream([1, 2])


@pytest.mark.parametrize("groups", [[3, 5], np.array([[3], [5]]), pd.DataFrame({"g": [3, 5]}), pd.Series([3, 5])])
def test_groups_are_one_label_per_row(groups):
    assert checks.check_groups(groups).tolist() == [3, 5]


@pytest.mark.parametrize(
    ("groups", "advice"),
    [([("a", 1), ("b", 2)], "Join several"), (np.zeros((3, 2)), "Join several"), ([[1], [1, 2]], "Pass an array"),
     ("patient", "Pass an array"), (5, "Pass an array"), (iter([1, 2]), "Pass an array or a list of labels.")],
)  # fmt: skip
def test_other_groups_are_refused(groups, advice):
    with pytest.raises(ValueError, match=rf"`groups` must be one label per row, \(rows,\). Received: .*{advice}"):
        checks.check_groups(groups)
