"""Steps of series: the numbers and the columns that are read from arrays, Series and frames."""

import re

import numpy as np
import pandas as pd
import pytest

from autonas.data import steps


def test_a_series_is_one_channel_without_a_name():
    values, columns = steps.read(pd.Series([1, 2, 4]), "series")
    assert values.tolist() == [[1.0], [2.0], [4.0]] and columns is None


def test_a_frame_has_a_channel_for_each_column():
    values, columns = steps.read(pd.DataFrame({"sales": [1, 2], "price": [3.0, 4.0]}), "series")
    assert values.tolist() == [[1.0, 3.0], [2.0, 4.0]] and columns == ["sales", "price"]


def test_a_gap_in_the_dates_is_filled():
    dates = pd.date_range("2024-01-01", periods=20).delete(5)
    with pytest.warns(UserWarning):
        values, _ = steps.read(pd.Series(np.delete(np.arange(20.0), 5), dates), "series")
    assert values.ravel().tolist() == np.arange(20.0).tolist()


_DAYS = pd.date_range("2026-01-01", periods=2)


@pytest.mark.parametrize(
    ("columns", "advice"),
    [
        ({"day": _DAYS}, "may be the index: `series.set_index('day')`."),
        ({"day": _DAYS.astype(str)}, "may be the index: `series.set_index('day')`."),
        ({"shop": ["a", "b"]}, "column: `series.set_index('shop', append=True)['v'].unstack()`."),
        ({"day": _DAYS, "shop": ["a", "b"]}, "column: `series.pivot(index='day', columns='shop', values='v')`."),
    ],
)
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_the_advice_for_other_columns_suits_the_frame(columns, advice, library):
    frame = pd.DataFrame({**columns, "v": [1.0, 2.0]})
    if library == "polars":
        frame = pytest.importorskip("polars").DataFrame({name: list(column) for name, column in frame.items()})
        advice = advice.replace("`series.", "`series.to_pandas().")
    with pytest.raises(ValueError, match=re.escape(advice)):
        steps.check_columns(frame, "series")


@pytest.mark.parametrize(
    ("series", "reason"),
    [
        (["a", "b"], "must hold numbers only"),
        (np.zeros((2, 2, 2)), r"must have shape \(time,\) or \(time, channels\)"),
        (pd.Series([1, None, 2], dtype="Int64"), "1 NaN or infinite values, the first at index"),
        ([1.0, np.nan, 2.0], "1 NaN or infinite values, the first at index"),
        (pd.DataFrame({"day": ["Mon", "Tue"]}), "column 'day' of other values"),
        (pd.DataFrame(np.ones((2, 2)), columns=["a", "a"]), "columns of different names. Received: 'a' more than once"),
        *(
            (pd.DataFrame({name: [1.0, 2.0]}), "`series` must have columns named by strings or integers. Received:")
            for name in (("Close", "A"), 1.5, None, pd.Timestamp("2024-01-01"))
        ),
    ],
)
def test_other_values_are_refused(series, reason):
    with pytest.raises(ValueError, match=reason):
        steps.read(series, "series")


def test_targets_of_their_own_have_any_names():
    target = pd.DataFrame({("Close", "A"): [1, 2]})
    assert steps.read(target, "y", np.zeros((2, 1)))[0].tolist() == [[1.0], [2.0]]


def test_targets_are_named_or_counted():
    assert steps.target_columns(None, ["a", "b"], 2) == [0, 1]
    assert steps.target_columns("b", ["a", "b"], 2) == [1]
    assert steps.target_columns([-1, 0], None, 2) == [1, 0]
    with pytest.raises(ValueError, match="must name a column of `series`"):
        steps.target_columns("c", ["a", "b"], 2)
    with pytest.raises(ValueError, match=r"must name a column of `series` \('True', 'False'\).* Received: True"):
        steps.target_columns(True, ["True", "False"], 2)
