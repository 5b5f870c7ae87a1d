import datetime
import warnings

import numpy as np
import pandas as pd
import pytest

from autonas.data import time_index


def open_days(start, end, zone=None):
    """Return the days of a shop that is closed on Sundays."""
    days = pd.date_range(start, end, tz=zone)
    return days[days.day_of_week < 6]


def dates(start, n_dates, frequency):
    return pd.date_range(start, periods=n_dates, freq=frequency)


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (dates("2026-02-26", 4, "D"), ["2026-03-02", "2026-03-03"]),
        (dates("2026-02-26", 4, "B"), ["2026-03-04", "2026-03-05"]),
        (dates("2026-01-31", 4, "ME"), ["2026-05-31", "2026-06-30"]),
        (dates("2026-01-04", 4, "W"), ["2026-02-01", "2026-02-08"]),
        (pd.DatetimeIndex(["2026-01-01", "2026-01-04", "2026-01-05"]), ["2026-01-07", "2026-01-09"]),
        (pd.DatetimeIndex(["2026-01-01"]), [0, 1]),
        (pd.period_range("2026-11", periods=3, freq="M"), ["2027-02", "2027-03"]),
        (dates("2026-02-26", 4, "D").astype(str), ["2026-03-02", "2026-03-03"]),
        (pd.Index(dates("2026-01-04", 4, "W").date), ["2026-02-01", "2026-02-08"]),
        (pd.Index(["2026-01-01", "2026-01-02", "later"]), [0, 1]),
        (pd.RangeIndex(5), [5, 6]),
        (pd.Index([10, 20, 30]), [40, 50]),
        (pd.Index([10, 20, 25]), [32, 39]),
        (dates("2026-01-01", 60, "C").insert(0, pd.Timestamp("2025-12-27")), ["2026-03-26", "2026-03-27"]),
        (open_days("2026-01-01", "2026-03-07"), ["2026-03-09", "2026-03-10"]),
        (pd.Index(dates("2026-02-26", 4, "D").strftime("%d/%m/%Y")), ["2026-03-02", "2026-03-03"]),
        (pd.Index(["05/01/2026", "04/02/2026", "06/03/2026"]), ["2026-04-05", "2026-05-05"]),
        (pd.Index([datetime.datetime(2026, 1, 1), datetime.datetime(2026, 1, 2)]), ["2026-01-03", "2026-01-04"]),
        (pd.timedelta_range("0s", periods=4, freq="1h"), ["0 days 04:", "0 days 05:"]),
        (pd.Index(["a", "b"]), [0, 1]),
        (pd.Index(["2000Q2", "2000Q3"]), ["2000Q4", "2001Q1"]),
        (pd.Index(["2000-Q2", "2000-Q3"]), ["2000-Q4", "2001-Q1"]),
        (pd.Index(["1960", "1961"]), ["1962", "1963"]),
        (pd.Index(["2004-W51", "2004-W52"]), ["2004-W53", "2005-W01"]),
        (pd.Index(["2001-W53", "2002-W01"]), [0, 1]),
    ],
)
def test_the_index_of_the_steps_after_a_series(index, expected):
    following = time_index.following(index.rename("when"), 2)
    assert [str(value)[:10] for value in following] == list(map(str, expected))


def test_the_frequency_and_the_name_survive_a_lost_frequency_a_time_zone_and_a_gap():
    index = dates("2026-01-01", 30, "MS").tz_localize("Europe/Berlin").rename("month").delete([4, 9])
    following = time_index.following(index, 2)
    assert following.name == "month"
    assert following.equals(pd.DatetimeIndex(["2028-07-01", "2028-08-01"]).tz_localize("Europe/Berlin"))


@pytest.mark.parametrize("index", [dates("2026-01-01", 30, "D"), pd.period_range("2026-01", periods=30, freq="M")])
def test_missing_steps_are_interpolated_and_named_in_a_warning(index):
    values = np.column_stack([np.arange(30.0), np.arange(30.0) ** 2])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert time_index.filled(values, index, "series") is values
        assert time_index.filled(values, pd.RangeIndex(30), "series") is values
    kept = np.delete(np.arange(30), [3, 7])
    with pytest.warns(
        UserWarning, match=rf"`x` lacks 2 steps of frequency '{index.freq.freqstr}', the first at {index[3]}"
    ):
        filled = time_index.filled(values[kept], index[kept], "x")
    np.testing.assert_allclose(filled[:, 0], values[:, 0])
    assert filled[3, 1] == (4 + 16) / 2 and filled[4, 1] == 16


@pytest.mark.parametrize(
    ("index", "frequency", "first"),
    [
        (pd.RangeIndex(2000, 2030), "at a distance of 1", "2003"),
        (pd.RangeIndex(0, 300, 10), "at a distance of 10", "30"),
        (pd.Index([str(year) for year in range(1960, 1990)]), "of frequency 'YE?-DEC'", "1963"),
        (pd.period_range("2000Q1", periods=30, freq="Q").strftime("%YQ%q"), "of frequency 'QE?-DEC'", "2000Q4"),
        (pd.Index([f"2001-W{week:02}" for week in range(1, 31)]), "of frequency 'W-SUN'", "2001-01-22/"),
    ],
)
def test_missing_integers_and_periods_are_interpolated(index, frequency, first):
    values = np.arange(30.0)[:, None]
    kept = np.delete(np.arange(30), [3, 7])
    with pytest.warns(UserWarning, match=f"`x` lacks 2 steps {frequency}, the first at {first}"):
        np.testing.assert_allclose(time_index.filled(values[kept], index[kept], "x"), values)


@pytest.mark.parametrize(
    "strings, expected",
    [
        ([str(year) for year in range(1900, 1948, 2)], ["1948", "1950"]),
        ([str(year) for year in range(1990, 2020, 5)], ["2020", "2025"]),
        (["2000Q1", "2000Q3", "2001Q1", "2001Q3"], ["2002Q1", "2002Q3"]),
        (["2020-W51", "2020-W53", "2021-W02"], ["2021-W04", "2021-W06"]),
    ],
)
def test_every_second_year_is_no_series_with_gaps(strings, expected):
    index, values = pd.Index(strings), np.zeros((len(strings), 1))
    np.testing.assert_array_equal(time_index.filled(values, index, "x"), values)
    assert list(time_index.following(index, 2)) == expected


def test_integers_at_unequal_distances_are_named_in_a_warning():
    with pytest.warns(UserWarning, match="`x` has 1 integers that aren't steps at a distance of 10, the first at 25"):
        assert len(time_index.filled(np.zeros((4, 1)), pd.Index([0, 10, 20, 25]), "x")) == 4


def test_distant_integers_are_refused_without_a_grid_in_memory():
    with pytest.raises(ValueError, match=r"999999999997 missing steps .* first at 3. .* `x.reset_index\(drop=True\)`"):
        time_index.filled(np.zeros((4, 1)), pd.Index([0, 1, 2, 10**12]), "x")


@pytest.mark.parametrize("index", [pd.Index(["a", "b"]), pd.Index([0.5, 0.75])])
def test_an_index_of_neither_dates_nor_integers_is_named_in_a_warning(index):
    with pytest.warns(UserWarning, match="neither dates nor integers, such as .*. Its order and gaps aren't checked"):
        assert len(time_index.filled(np.zeros((2, 1)), index, "x")) == 2


def test_quarters_out_of_order_are_refused():
    with pytest.raises(ValueError, match="`x` must have dates in ascending order"):
        time_index.filled(np.zeros((2, 1)), pd.Index(["2000Q2", "2000Q1"]), "x")


def test_a_series_of_mostly_missing_steps_is_refused():
    index = dates("2026-01-01", 40, "D")
    index = index[:5].append(index[30:])
    with pytest.raises(
        ValueError, match="Received: 15 steps, and 25 missing steps of frequency 'D', the first at 2026"
    ):
        time_index.filled(np.zeros((15, 1)), index, "series")


def test_dates_between_the_steps_are_named_in_a_warning():
    index = dates("2026-01-01", 30, "D").delete(3).insert(3, pd.Timestamp("2026-01-04 12:00"))
    values = np.zeros((30, 1))
    with pytest.warns(UserWarning, match="has 1 dates that aren't steps of frequency 'D', the first at 2026-01-04 12"):
        assert time_index.filled(values, index, "series") is values


def test_days_on_which_a_shop_is_always_closed_are_no_missing_steps():
    index = open_days("2026-01-02", "2026-05-30", "Europe/Berlin")
    values = np.arange(float(len(index)))[:, None]
    assert time_index.filled(values, index, "series") is values
    kept = np.delete(np.arange(len(index)), 30)
    with pytest.warns(UserWarning, match="lacks 1 step of frequency 'Mon Tue Wed Thu Fri Sat', the first at 2026-02-0"):
        np.testing.assert_allclose(time_index.filled(values[kept], index[kept], "series"), values)


FEW_DAYS = open_days("2026-01-01", "2026-01-20")
ALL_WEEKDAYS = dates("2026-01-01", 90, "D")[::3].delete(range(2, 28, 3))


@pytest.mark.parametrize("index", [FEW_DAYS, ALL_WEEKDAYS])
def test_dates_without_a_frequency_are_named_in_a_warning(index):
    with pytest.warns(UserWarning, match="`x` has dates without a frequency.* follow by the median distance"):
        time_index.filled(np.zeros((len(index), 1)), index, "x")


def test_an_ambiguous_order_of_day_and_month_is_named_in_a_warning():
    index = pd.Index(["01/02/2026", "02/03/2026", "03/04/2026"])
    with pytest.warns(UserWarning, match="ambiguous in dates such as '01/02/2026'. Assumed: '%m/%d/%Y'"):
        assert str(time_index.following(index, 1)[0])[:10] == "2026-04-03"


def test_an_index_of_several_levels_is_refused():
    index = pd.MultiIndex.from_product([["a", "b"], dates("2026-01-01", 5, "D")])
    with pytest.raises(ValueError, match=r"Received: 2 levels. Pass one column per series, .* `series.unstack\(0\)`"):
        time_index.filled(np.zeros((10, 1)), index, "series")


@pytest.mark.parametrize("index", [pd.Index([None, "2026-01-01"]), pd.DatetimeIndex([pd.NaT, "2026-01-01"])])
def test_missing_dates_are_refused(index):
    with pytest.raises(ValueError, match="index without missing dates. Received: 1 missing, the first at position 0"):
        time_index.filled(np.zeros((2, 1)), index, "series")


def test_dates_of_arrow_continue():
    pytest.importorskip("pyarrow")
    for kind in ("timestamp[ns][pyarrow]", "date32[pyarrow]"):
        index = pd.Index(pd.Series(dates("2026-01-01", 4, "D")).astype("timestamp[ns][pyarrow]").astype(kind))
        assert time_index.following(index, 1).equals(pd.DatetimeIndex(["2026-01-05"]))


def test_integers_out_of_order_are_refused():
    with pytest.raises(ValueError, match="`series` must have integers in ascending order, each of them once"):
        time_index.filled(np.zeros((3, 1)), pd.Index([1, 3, 2]), "series")


def test_dates_out_of_order_or_twice_are_refused():
    index = dates("2026-01-01", 9, "D")
    for wrong in (index[::-1], index.append(index[-1:])):
        with pytest.raises(ValueError, match="`series` must have dates in ascending order, each of them once"):
            time_index.filled(np.zeros((len(wrong), 1)), wrong, "series")


def test_dates_without_a_frequency_are_accepted_in_bounded_time():
    index = pd.DatetimeIndex(np.cumsum(np.random.default_rng(0).integers(1, 10**9, size=10**5)) * 1000)
    values = np.zeros((10**5, 1))
    with pytest.warns(UserWarning, match="without a frequency"):
        assert time_index.filled(values, index, "series") is values
    assert len(time_index.following(index, 3)) == 3


@pytest.mark.parametrize(
    ("fitted", "later", "is_refused"),
    [
        (dates("2026-01-01", 60, "D"), dates("2026-03-02", 9, "h"), True),
        (dates("2026-01-01", 60, "D"), dates("2026-03-02", 9, "W").astype(str), True),
        (dates("2026-01-01", 60, "D"), dates("2026-03-02", 9, "2D"), True),
        (pd.period_range("2026-01", periods=60, freq="M"), pd.period_range("2026Q1", periods=9, freq="Q"), True),
        (pd.timedelta_range("0s", periods=60, freq="1h"), pd.timedelta_range("0s", periods=9, freq="1min"), True),
        (dates("2026-01-01", 60, "ME"), pd.period_range("2026-01", periods=9, freq="M"), False),
        (dates("2026-01-01", 60, "MS"), dates("2026-02-01", 3, "MS"), False),
        (dates("2026-01-01", 60, "W-SUN"), dates("2026-02-02", 9, "7D"), False),
        (dates("2026-01-01", 60, "B"), dates("2026-03-02", 5, "D"), False),
        (open_days("2026-01-01", "2026-03-07"), dates("2026-03-09", 3, "2D"), False),
        (dates("2026-01-01", 60, "D"), pd.DatetimeIndex(["2026-03-02 01:00", "2026-03-02 02:00"]), False),
        (dates("2026-01-01", 60, "D"), pd.DatetimeIndex(["2026-01-01", "2026-01-02", "2026-01-09"]), False),
        (dates("2026-01-01", 60, "D"), pd.RangeIndex(9), False),
        (pd.RangeIndex(60), dates("2026-03-02", 9, "h"), False),
    ],
)
def test_another_frequency_than_in_fit_is_refused(fitted, later, is_refused):
    expected = time_index.step_of(pd.Series(0.0, fitted))
    step = time_index.step_of(pd.Series(0.0, later).to_frame())
    if is_refused:
        names = f"{expected['name']!r}. Received: dates of frequency {step['name']!r}. Resample"
        with pytest.raises(ValueError, match=f"`x` must have dates of the frequency of fit, {names}"):
            time_index.check_step(step, expected)
    else:
        time_index.check_step(step, expected)
