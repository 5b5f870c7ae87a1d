"""Importance of features by permutation."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from autonas import data
from autonas.estimators import permutation

X = np.random.default_rng(0).normal(size=(400, 3))


def r2(rows):
    """The score of the model 3 a + b by the columns of an array or a DataFrame."""
    rows = np.asarray(rows, float)
    truth = 3 * X[:, 0] + X[:, 1]
    return 1 - np.mean((truth - 3 * rows[:, 0] - rows[:, 1]) ** 2) / np.var(truth)


def importance(rows, **options):
    frame = permutation.importances(permutation.parts_of(rows, **options), r2, rows, n_repeats=10, seed=0)
    return dict(zip(frame.feature, frame.importance, strict=True)), frame


def test_the_decrease_is_twice_the_share_of_the_variance():
    values, frame = importance(X)
    assert values[0] == pytest.approx(2 * 9 / 10, abs=0.15)
    assert values[1] == pytest.approx(2 * 1 / 10, abs=0.05)
    assert values[2] == 0.0
    assert frame.feature.tolist() == [0, 1, 2]
    assert frame.standard_deviation[0] > 0


def test_columns_of_a_frame_keep_their_types_and_the_frame_stays_as_it_was():
    rows = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": pd.Categorical(["x", "y"] * 200)})
    before = rows.copy()
    parts = permutation.parts_of(rows)
    permuted = parts["c"](np.arange(400)[::-1])
    assert permuted.dtypes.equals(rows.dtypes)
    assert permuted["c"].tolist() == rows["c"].tolist()[::-1] and permuted["a"].equals(rows["a"])
    pd.testing.assert_frame_equal(rows, before)


def test_columns_of_a_group_are_permuted_together():
    values, _ = importance(X, groups={"both": [0, 1], "noise": [2]})
    assert values["both"] == pytest.approx(2.0, abs=0.2) and values["noise"] == 0.0


def test_channels_of_series_are_permuted_with_all_their_steps():
    series = np.arange(12.0).reshape(2, 3, 2)
    parts = permutation.parts_of(series, names=["price", "volume"])
    permuted = parts["volume"](np.array([1, 0]))
    assert (permuted[..., 0] == series[..., 0]).all() and (permuted[..., 1] == series[::-1, :, 1]).all()


def test_one_of_several_inputs_is_permuted_as_a_whole():
    images, facts = np.arange(4.0).reshape(2, 2), pd.DataFrame({"a": [1, 2]})
    parts = permutation.parts_of_several([images, facts], ["images", "facts"])
    one, other = parts["facts"](np.array([1, 0]))
    assert one is images and other["a"].tolist() == [2, 1]


@pytest.mark.parametrize("convert", [np.ndarray.tolist, sparse.csr_matrix, sparse.coo_array])
def test_columns_of_lists_and_of_sparse_matrices_are_permuted(convert):
    rows = permutation.permutable(convert(X), data.get_encoder("table").fit(X))
    assert (rows == X).all()


def test_mixed_rows_keep_the_types_of_their_values():
    mixed = [[1.5, "a"], [2.5, "b"], [3.5, "a"], [4.5, "b"]]
    rows = permutation.permutable(mixed, data.get_encoder("table").fit(mixed))
    permuted = permutation.parts_of(rows)[1](np.array([1, 0, 3, 2]))
    assert permuted.tolist() == [[1.5, "b"], [2.5, "a"], [3.5, "b"], [4.5, "a"]]


def test_channels_of_series_of_different_lengths_are_permuted_with_their_lengths():
    ragged = [np.array([[1.0, 10.0], [2.0, 20.0]]), np.array([[3.0, 30.0]])]
    encoder = data.get_encoder("series").fit(ragged)
    parts = permutation.parts_of(permutation.permutable(ragged, encoder))
    assert list(parts) == [0, 1]
    expected = [[[1.0, 30.0], [2.0, np.nan]], [[3.0, 10.0], [np.nan, 20.0]]]
    np.testing.assert_equal(parts[1](np.array([1, 0])), np.array(expected, "float32"))


def test_series_of_one_channel_have_one_feature():
    series = np.arange(6.0).reshape(2, 3)
    rows = permutation.permutable(series.tolist(), data.get_encoder("series").fit(series))
    assert list(permutation.parts_of(rows)) == [0]


def test_inputs_without_columns_are_refused():
    images = np.zeros((3, 8, 8))
    with pytest.raises(ValueError, match="`x` must have columns or channels to permute.*ndarray.*'image'"):
        permutation.permutable(images, data.get_encoder("image").fit(images))


def test_an_input_of_any_type_is_permuted_as_a_whole():
    ragged, words = [np.zeros((2, 1)), np.ones((1, 1))], ["a", "b"]
    masked = np.ma.masked_array([[1.0], [2.0]], mask=[[True], [False]])
    inputs = [sparse.coo_matrix([[1.0], [2.0]]), ragged, words, masked]
    parts = permutation.parts_of_several(inputs, ["sparse", "series", "words", "masked"])
    order = np.array([1, 0])
    assert parts["sparse"](order)[0].toarray().tolist() == [[2.0], [1.0]]
    assert [len(series) for series in parts["series"](order)[1]] == [1, 2]
    assert parts["words"](order)[2] == ["b", "a"]
    np.testing.assert_equal(parts["masked"](order)[3], [[2.0], [np.nan]])


@pytest.mark.parametrize(
    "rows, groups, message",
    [
        (X, {"all": [7]}, "`groups` must map a name to columns of `x`, 0, 1, 2"),
        (X, {"none": []}, "Received: 'none'"),
    ],
)
def test_groups_without_columns_are_refused(rows, groups, message):
    with pytest.raises(ValueError, match=message):
        permutation.parts_of(rows, groups)
