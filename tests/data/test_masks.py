"""Masked values are missing values where values may be missing."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

from autonas.data import SeriesEncoder, TableEncoder, fingerprint, masks
from autonas.data.encoders import text

IRIS = load_iris().data
MASK = np.zeros(IRIS.shape, dtype=bool)
MASK[[3, 5, 149], [0, 2, 3]] = True


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
def test_masked_numbers_of_a_table_are_nan(dtype):
    values = IRIS.astype(dtype)
    values[MASK] = 99
    table = np.ma.masked_array(values, MASK)
    missing = np.where(MASK, np.nan, values)
    encoder, expected = TableEncoder().fit(table), TableEncoder().fit(missing)
    assert encoder.get_config() == expected.get_config()
    np.testing.assert_array_equal(encoder.transform(table)["numbers"], expected.transform(missing)["numbers"])
    np.testing.assert_array_equal(encoder.examples_, expected.examples_)
    assert (table.data[MASK] == 99).all()


def test_rows_may_be_masked_arrays():
    rows = [np.ma.masked_array(row, mask) for row, mask in zip(IRIS, MASK, strict=True)]
    np.testing.assert_array_equal(
        TableEncoder().fit(rows).transform(rows)["numbers"],
        TableEncoder().fit(np.where(MASK, np.nan, IRIS)).transform(rows)["numbers"],
    )


def test_masked_strings_are_missing_strings():
    words = np.ma.masked_array(["a b", "c", "d"], [False, True, False])
    assert text.as_strings(words).tolist() == ["a b", "", "d"]
    table = np.ma.masked_array([["a", "x"], ["b", "x"], ["a", "y"]], [[False, True], [False, False], [True, False]])
    codes = TableEncoder().fit(table).transform(pd.DataFrame([["a", None], ["b", "x"]]))["categories"]
    assert codes.tolist() == TableEncoder().fit(table).transform(table)["categories"][:2].tolist()


def test_masked_steps_of_a_series_are_nan():
    values = np.ma.masked_array(IRIS.reshape(75, 8, 1), MASK.reshape(75, 8, 1))
    series = SeriesEncoder().fit(values).transform(values)["series"]
    np.testing.assert_array_equal(np.isnan(series), values.mask)
    unequal = [np.ma.masked_array([[1.0], [2.0]], [[True], [False]]), np.ones((3, 1))]
    series = SeriesEncoder().fit(unequal).transform(unequal)["series"]
    assert np.isnan(series[..., 0]).tolist() == [[True, False, True], [False, False, False]]


def test_a_mask_of_nothing_changes_nothing():
    table = np.ma.masked_array(IRIS)
    assert masks.with_missing(table) is not table and not masks.has_masked(table)
    masks.refuse_masked(table, "x")
    assert not masks.has_masked(pd.array([1, None], dtype="Int64"))


def test_another_mask_is_other_data():
    table = np.ma.masked_array(IRIS, MASK)
    assert fingerprint(table) != fingerprint(IRIS)
    assert fingerprint(table) == fingerprint(np.where(MASK, np.nan, IRIS))
