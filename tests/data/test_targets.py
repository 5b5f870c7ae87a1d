import json

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import DataConversionWarning

from autonas.data import TargetEncoder

RNG = np.random.default_rng(0)


def perfect_predictions(encoder, encoded):
    return np.eye(encoder.n_outputs_)[encoded] if encoder.task_ == "multiclass" else encoded


@pytest.mark.parametrize(
    ("y", "dtype"),
    [
        (["no", "yes"] * 5, "<U3"),
        (pd.Series(["a", "b", "c"] * 5), object),
        (pd.Series(["a", "b", "c"] * 5, dtype="category"), object),
        (pd.Series([7, 3] * 5, dtype="category"), "int64"),
        (pd.Series(np.arange(30), dtype="category"), "int64"),
        (pd.Categorical([1.5, 2.5, 4.0] * 5), "float64"),
        ([True, False] * 5, bool),
        (pd.array([True, False] * 5, dtype="boolean"), bool),
        (np.array([0, 1, 2] * 5, dtype="uint8"), "uint8"),
        (np.array([-1, 1] * 5), "int64"),
        (pd.array([1, 2, 3] * 5, dtype="Int64"), "int64"),
        ([1.0, 2.0] * 5, "float64"),
        (np.array([3, 1, 2] * 5, dtype=object), "int64"),
        (RNG.integers(0, 2, (10, 3)), "int64"),
        (RNG.integers(0, 2, (10, 3)).astype(bool), bool),
        (pd.DataFrame({"a": [True, False] * 5, "b": pd.array([1, 0] * 5, dtype="Int64")}), "int64"),
        (pd.DataFrame({"a": [True, False] * 5, "b": pd.array([True, False] * 5, dtype="boolean")}), bool),
        (RNG.normal(size=10), "float64"),
        (RNG.normal(size=10).astype("float32"), "float32"),
        (np.array([0, 1, 2] * 5, dtype="float16"), "float32"),
        (RNG.normal(50, 9, size=(10, 2)), "float64"),
    ],
)
def test_labels_come_back_as_they_were(y, dtype):
    encoder = TargetEncoder().fit(y)
    encoded = encoder.transform(y)
    assert encoded.shape[1:] == encoder.target_shape
    restored = TargetEncoder.from_config(json.loads(json.dumps(encoder.get_config())))
    np.testing.assert_array_equal(restored.transform(y), encoded)
    decoded = restored.decode(perfect_predictions(encoder, encoded))
    assert decoded.dtype == dtype
    assert decoded.shape == np.shape(y)
    if decoded.dtype.kind == "f":
        np.testing.assert_allclose(decoded, y, rtol=1e-5)
    else:
        np.testing.assert_array_equal(decoded, np.asarray(y))


def test_categories_of_fractional_numbers_are_labels_of_a_classifier():
    encoder = TargetEncoder("classification").fit(pd.Series([1.5, 2.5, 1.5]).astype("category"))
    assert encoder.task_ == "binary" and encoder.decode(np.array([[0.9]])).tolist() == [2.5]
    assert encoder.codes([2.5, 1.5, 9.5]).tolist() == [1, 0, -1]


@pytest.mark.parametrize(
    "y, others, message",
    [
        ([0, 1], [True, False], "must hold labels as in fit, numbers such as 0. Received: booleans such as True"),
        ([0, 1], ["0", "1"], "numbers such as 0. Received: strings such as '0'"),
        ([False, True], [0, 1], "booleans such as False. Received: numbers such as 0"),
        (["a", "b"], [0.0, 1.0], "strings such as 'a'. Received: numbers such as 0.0"),
        ([0, 1], [[0, 1], [1, 0]], "must have one column of labels as in fit. Received: 2 columns"),
        ([0.5, 1.7], ["a", "b"], "must hold numbers for a regression. Received: strings"),
        ([[0, 1, 0], [1, 1, 1]], [[0, 1], [1, 1]], "must have 3 columns as in fit. Received: 2"),
    ],
)
def test_targets_of_another_kind_are_refused_by_scores_and_metrics(y, others, message):
    encoder = TargetEncoder().fit(y)
    for convert in (encoder.transform, encoder.comparable):
        with pytest.raises(ValueError, match=f"`y` .*{message}"):
            convert(others)


def test_scores_compare_codes_indicators_or_numbers():
    assert TargetEncoder().fit(["b", "a"]).comparable(["a", "b", "new"]).tolist() == [0, 1, -1]
    assert TargetEncoder().fit([0, 1]).comparable([1.0, 0.0]).tolist() == [1, 0]
    assert TargetEncoder("regression").fit([10, 20]).comparable([10, 15]).tolist() == [[10.0], [15.0]]
    assert TargetEncoder().fit(np.eye(3, dtype=int)[[0, 1, 1]] + np.eye(3, dtype=int)[[1, 2, 2]]).comparable(
        [[True, False, True]]
    ).tolist() == [[True, False, True]]


def test_binary():
    encoder = TargetEncoder().fit(["yes", "no", "no"])
    assert (encoder.task_, encoder.classes_.tolist(), encoder.n_outputs_) == ("binary", ["no", "yes"], 1)
    encoded = encoder.transform(["yes", "no"])
    assert encoded.dtype == "float32" and encoded.tolist() == [[1.0], [0.0]]
    predictions = np.array([[0.9], [0.2]])
    assert encoder.decode(predictions).tolist() == ["yes", "no"]
    np.testing.assert_allclose(encoder.probabilities(predictions), [[0.1, 0.9], [0.8, 0.2]])


def test_multiclass():
    encoder = TargetEncoder().fit([5, 7, 9, 5, 7, 9])
    encoded = encoder.transform([9, 5])
    assert encoded.dtype == "int32" and encoded.tolist() == [2, 0]
    predictions = np.array([[0.2, 0.7, 0.1]])
    assert encoder.decode(predictions).tolist() == [7]
    np.testing.assert_array_equal(encoder.probabilities(predictions), predictions)


def test_two_classes_may_be_asked_as_multiclass():
    encoder = TargetEncoder("multiclass").fit(["a", "b"])
    assert encoder.n_outputs_ == 2 and encoder.transform(["b"]).tolist() == [1]


def test_regression_is_scaled_by_weighted_rows():
    y, weights = np.array([1.0, 2.0, -99999.0, 5.0, 7.0]), np.array([1, 3, 0, 2, 1], "float32")
    weighted = TargetEncoder("regression").fit(y, np.arange(4), weights)
    repeated = TargetEncoder("regression").fit(np.repeat(y[:4], weights[:4].astype(int)))
    np.testing.assert_allclose([weighted.mean_, weighted.deviation_], [repeated.mean_, repeated.deviation_], rtol=1e-12)
    unscaled = TargetEncoder("regression", scale=False).fit(y, np.arange(4), weights)
    np.testing.assert_allclose(unscaled.units_, [repeated.mean_, repeated.deviation_], rtol=1e-12)


def test_regression_is_scaled_by_training_rows():
    y = RNG.normal(1000, 20, size=50)
    encoder = TargetEncoder().fit(y, rows=np.arange(40))
    np.testing.assert_allclose(encoder.transform(y)[:, 0], (y - y[:40].mean()) / y[:40].std(), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(TargetEncoder(scale=False).fit(y).transform(y)[:, 0], y, rtol=1e-6)
    np.testing.assert_array_equal(TargetEncoder("regression").fit([3, 3]).transform([3, 4]), [[0], [1]])
    with pytest.raises(ValueError, match="only for classification"):
        encoder.probabilities(np.zeros((2, 1)))


def counts(n_zeros, n_rows=1000):
    return np.concatenate([np.zeros(n_zeros), 0.5 + np.arange(n_rows - n_zeros)])


@pytest.mark.parametrize(
    ("y", "bounded"),
    [
        (counts(10), True),
        (counts(9), False),  # Less than 1 %.
        (counts(5, 20), True),
        (counts(4, 20), False),
        (counts(0), False),
        (np.append(counts(500), -1.0), False),
    ],
)
def test_a_mass_of_zeros_is_a_lower_bound_unless_a_number_is_negative(y, bounded):
    encoder = TargetEncoder("regression").fit(y)
    config = encoder.get_config()
    restored = TargetEncoder.from_config(json.loads(json.dumps(config)))
    assert restored.decode(encoder.transform([-3.0, 2.5])) == pytest.approx([0.0 if bounded else -3.0, 2.5], abs=1e-3)
    del config["bounded"], config["fitted"]["nonnegative"]  # As an earlier version saved it.
    assert TargetEncoder.from_config(config).decode(encoder.transform([-3.0])) == pytest.approx([-3.0], abs=1e-3)
    unbounded = TargetEncoder("regression", bounded=False).fit(y)
    assert unbounded.decode(encoder.transform([-3.0])) == pytest.approx([-3.0], abs=1e-3)


def test_every_column_has_its_own_bound():
    encoder = TargetEncoder("regression").fit(np.stack([counts(200), counts(200) - 9], axis=1))
    np.testing.assert_allclose(encoder.decode(encoder.transform([[-3.0, -3.0]])), [[0.0, -3.0]], atol=1e-4)


def test_zeros_of_weight_zero_are_no_bound_and_negative_numbers_outside_of_the_training_set_count():
    weighted = TargetEncoder("regression").fit(counts(10), np.arange(1000), (counts(10) > 0).astype("float32"))
    assert not weighted.nonnegative_.any()
    assert not TargetEncoder("regression").fit(np.append(counts(500), -1.0), np.arange(1000)).nonnegative_.any()


def test_classes_are_found_over_all_rows():
    assert TargetEncoder().fit(["a", "b", "c"], rows=[0, 1]).classes_.tolist() == ["a", "b", "c"]


def test_number_of_classes_may_exceed_those_seen():
    encoder = TargetEncoder(num_classes=5).fit(np.array([0, 1, 3], dtype="int8"))
    assert encoder.classes_.tolist() == [0, 1, 2, 3, 4] and encoder.classes_.dtype == "int8"
    assert encoder.n_outputs_ == 5
    with pytest.raises(ValueError, match="`num_classes` must be at least the number of classes in `y`, 3"):
        TargetEncoder(num_classes=2).fit([0, 1, 2])
    with pytest.raises(ValueError, match="must hold the classes 0 to 4 .* Received: 1 to 5"):
        TargetEncoder(num_classes=5).fit([1, 5])
    with pytest.raises(ValueError, match="only for integer labels"):
        TargetEncoder(num_classes=3).fit(["a", "b"])


def test_a_column_is_squeezed_with_scikit_learns_warning():
    with pytest.warns(DataConversionWarning, match="A column-vector y was passed when a 1d array was expected"):
        encoder = TargetEncoder().fit(np.array([[0], [1]]))
    assert encoder.decode(np.array([[0.9]])).tolist() == [1]


@pytest.mark.parametrize(
    ("task", "y", "message"),
    [
        ("classification", [0.5, 1.5], "Unknown label type: continuous"),
        ("classification", RNG.normal(size=(5, 2)), "Unknown label type"),
        ("classification", np.ones(10), "at least two classes. Received: one class, 1.0"),
        ("binary", [0, 1, 2], "two classes for a binary task. Received: 3 classes"),
        ("multilabel", [[0, 2], [1, 0]], "only 0 and 1"),
        ("regression", ["a", "b"], "numbers for a regression"),
        ("regression", [1.0, np.inf, np.inf], "2 missing, NaN or infinite values, the first at index 1"),
        ("ranking", [1, 2], "`task` must be one of"),
        (None, [1.5, np.nan], "1 missing, NaN or infinite value, the first at index 1"),
        (None, ["a", None, "b"], "1 missing, NaN or infinite value, the first at index 1"),
        (None, pd.array([1, None], dtype="Int64"), "the first at index 1"),
        (None, [[0.5, 1], [np.nan, 2]], r"the first at index \(1, 0\)"),
        (None, [], "at least one row"),
        (None, [b"yes", b"no"], "Unknown label type: .S3. Decode them"),
        (None, np.array([b"yes", b"no"], dtype=object), "Unknown label type: bytes.* Decode them"),
        (None, pd.Series(pd.date_range("2020-01-01", periods=3)), "label type: datetime64.* Convert them to numbers"),
        (None, pd.Series(pd.to_timedelta([1, 2], unit="h")), "label type: timedelta64"),
        (None, np.zeros(3, dtype=[("a", "f4")]), "Pass one of its fields"),
        (None, np.empty((3, 0)), "at least one column"),
        (None, [pd.NA, 1, 2], "1 missing, NaN or infinite value, the first at index 0"),
        (None, [[1, 2], [3]], "a list of unequal items"),
        (None, [["a", "b"], ["b"], []], r"MultiLabelBinarizer\(\).fit_transform\(y\)"),
        (None, pd.Series([["a", "b"], ["b"], []]), r"MultiLabelBinarizer\(\).fit_transform\(y\)"),
        (None, [{"a", "b"}, {"b"}, set()], r"MultiLabelBinarizer\(\).fit_transform\(y\)"),
        ("classification", [["a", "b"], ["b", "c"]], r"MultiLabelBinarizer\(\).fit_transform\(y\)"),
    ],
)
def test_bad_targets_are_refused(task, y, message):
    with pytest.raises(ValueError, match=message) as error:
        TargetEncoder(task).fit(y)
    assert "\n" not in str(error.value)


def test_targets_may_be_sparse():
    encoder = TargetEncoder().fit(pd.Series(pd.arrays.SparseArray([0, 1, 0])))
    assert encoder.classes_.tolist() == [0, 1]


def test_integers_that_floats_confuse_are_warned_of():
    with pytest.warns(UserWarning, match="`y` holds integers beyond 2..53, .*: 30 different values become 1. Pass"):
        TargetEncoder("regression").fit(2**60 + np.arange(30))


def test_unseen_labels_are_named_up_to_five():
    encoder = TargetEncoder().fit(["a", "b"])
    with pytest.raises(ValueError, match="not seen in training: 'c', 'd', 'e', 'f', 'g' and 2 more"):
        encoder.transform(list("abcdefghi"))


def test_another_number_of_columns_is_refused():
    with pytest.raises(ValueError, match="2 columns as in fit. Received: 3"):
        TargetEncoder().fit(RNG.normal(size=(5, 2))).transform(RNG.normal(size=(5, 3)))
