import datetime

import numpy as np
import pandas as pd
import pytest

from autonas.data.encoders import columns
from autonas.data.encoders.strings import Strings


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2, None], "number"),
        ([True, False, None], "number"),
        (["1", "2.5", None], "number"),
        (pd.array([1, None], dtype="Int64"), "number"),
        (pd.array([True, None], dtype="boolean"), "number"),
        (pd.to_timedelta([1, 2], unit="h"), "number"),
        ([datetime.time(9, 30), None], "number"),
        ([datetime.time(9, 30), pd.NaT], "number"),
        (["01234", "22345"], "category"),  # a code, not a number
        (["a", "b", None], "category"),
        (["1", "2", "?"], "number"),
        (["1", "2", "?", "some"], "category"),
        (["?", "-", None], "category"),
        (["1,5", "2,25"], "number"),
        (["1,2,3", "2,3"], "category"),
        ([1, "a", 2.5], "category"),
        (pd.Categorical([1, 2, 1]), "category"),
        (pd.to_datetime(["2020-01-01", None]), "date"),
        (["2020-01-01", "2021-12-31T23:59"], "date"),
        ([datetime.date(2020, 1, 1), None], "date"),
        (pd.period_range("2020-01", periods=3, freq="M"), "date"),
        ([f"some free text number {i}" for i in range(20)], "text"),
        (["married with children", "never been married"] * 10, "category"),
        ([f"word{i} or so" for i in range(150)] + ["x"] * 350, "text"),
        ([None, np.nan], None),
        (["", "", None], None),
    ],
)
def test_kinds(values, kind):
    assert columns.infer_column(pd.Series(values)) == kind


def test_whole_floats_read_as_integers():
    assert Strings.of(pd.Series([1.0, np.nan, 2.5])).array.tolist() == ["1", "", "2.5"]


def test_times_of_day_are_seconds_since_midnight():
    times = [datetime.time(1, 0, 2, 500_000), None, datetime.time(0, 1, tzinfo=datetime.UTC)]
    np.testing.assert_array_equal(columns.as_numbers(pd.Series(times)), [3602.5, np.nan, 60.0])
