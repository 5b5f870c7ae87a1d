import dataclasses
import datetime
import json
import warnings

import dateutil.tz
import keras
import numpy as np
import pandas as pd
import pytest

import autonas
from autonas.data import TableEncoder, interchange
from autonas.data.encoders import columns, dates

DAYS = pd.Series(pd.date_range("1986-09-22 13:45:10", periods=60, freq="100D 7h"))

FORMATS = [
    "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y.%m.%d", "%d %b %Y", "%b %d, %Y", "%d %B %Y",
    "%B %d, %Y", "%b %d %Y", "%d-%b-%Y", "%d%b%Y", "%d-%b-%y", "%m/%d/%y", "%d.%m.%y", "%Y%m%d", "%m/%d/%Y %H:%M",
    "%d.%m.%Y %H:%M:%S", "%m/%d/%Y %I:%M %p", "%m/%d/%Y, %I:%M:%S %p", "%d %b %Y %H:%M:%S.%f",
]  # fmt: skip


def seconds_of(series):
    return dates.as_unix_seconds(series, columns.find_notation(series))


def test_date_parts_are_those_of_pandas():
    days = pd.Series(pd.date_range("1700-01-01", "2250-01-01", freq="29D") + pd.Timedelta("13:47:00"))
    parts = dict(zip(dates.DATE_PARTS, dates.column_date_parts(days), strict=True))
    for name in ("year", "month", "day", "hour", "minute"):
        np.testing.assert_array_equal(parts[name], getattr(days.dt, name))
    np.testing.assert_array_equal(parts["weekday"], days.dt.day_of_week)


def test_a_time_zone_is_read_as_utc():
    zoned = pd.Series(pd.to_datetime(["2020-06-01 01:00"]).tz_localize("Europe/Paris"))
    assert dates.as_unix_seconds(zoned)[0] == pd.Timestamp("2020-05-31 23:00").timestamp()


#: Times in New York, whose clocks are set back in November 2024, so that an hour occurs twice.
ZONED = pd.Series(pd.date_range("2024-10-30 22:30", periods=200, freq="1h", tz="America/New_York"), name="t")
ZONED[5] = pd.NaT
LOCAL = ZONED.dt.tz_localize(None)


def polars_column(column):
    utc = pytest.importorskip("polars").from_pandas(column.dt.tz_convert(None))
    return utc.dt.replace_time_zone("UTC").dt.convert_time_zone(str(column.dt.tz))


def numbers_of(encoder, column):
    return encoder.transform(column.rename("t").to_frame())["numbers"]


@pytest.mark.parametrize(
    "convert",
    [
        lambda column: column,
        lambda column: column.astype(object),
        lambda column: column.astype(object).map(lambda date: date.to_pydatetime(), na_action="ignore"),
        lambda column: interchange.converted(polars_column(column)),
        lambda column: column.astype(pd.ArrowDtype(pytest.importorskip("pyarrow").timestamp("us", "America/New_York"))),
    ],
    ids=["pandas", "objects", "python", "polars", "arrow"],
)
def test_parts_of_dates_with_a_time_zone_are_those_of_local_times(convert, check_encoder):
    table = convert(ZONED).to_frame()
    encoder = TableEncoder().fit(table)
    tensors = check_encoder(encoder, table)
    np.testing.assert_array_equal(tensors["numbers"], numbers_of(TableEncoder().fit(LOCAL.to_frame()), LOCAL))
    rows = encoder.rows_of(encoder.raw_arrays(table))
    np.testing.assert_array_equal(encoder.transform(rows)["numbers"], tensors["numbers"])


def test_later_rows_of_other_time_zones_are_converted():
    encoder = TableEncoder().fit(ZONED.to_frame())
    expected = numbers_of(encoder, ZONED)
    iso = ZONED.map(lambda date: date.isoformat(), na_action="ignore")
    for column in (ZONED.dt.tz_convert("Asia/Kolkata"), iso, ZONED.dt.tz_convert("UTC").dt.strftime("%Y%m%dT%H%M%SZ")):
        np.testing.assert_array_equal(numbers_of(encoder, column), expected)
    assert np.isnan(numbers_of(encoder, pd.Series([pd.NaT, None]))).all()


@pytest.mark.parametrize(
    ("column", "zone"),
    [
        (ZONED, "America/New_York"),
        (LOCAL, ""),
        (LOCAL.dt.date, ""),
        (LOCAL.astype(str), ""),
        (ZONED.astype(str), "UTC"),  # Two offsets.
        (pd.Series(["2024-01-01T10:00:00+05:30", "2024-02-01 11:00:00.5+0530"]), "UTC+05:30"),
        (pd.Series(["2024-01-01T10:00Z", "2024-02-01T11:00+0000"]), "UTC"),
        (LOCAL.dt.tz_localize(datetime.timezone(datetime.timedelta(hours=-3), "summer")), "UTC-03:00"),
        (ZONED.dt.tz_convert(dateutil.tz.gettz("Europe/Paris")), "UTC"),  # It has no name.
        (pd.Series([ZONED[0], ZONED[1].tz_convert("Europe/Paris")], dtype=object), "UTC"),
        (pd.Series(["22-September-1986", "23-September-1986"]), ""),
    ],
)
def test_the_time_zone_of_a_column(column, zone):
    encoder = TableEncoder().fit(column.rename("t").to_frame())
    config = json.loads(json.dumps(encoder.get_config()))
    assert TableEncoder.from_config(config).numbers_["t"].notation.zone == zone
    numbers_of(encoder, column)


@pytest.mark.parametrize("convert", [lambda column: column, lambda column: column.astype(object)])
def test_dates_without_a_time_zone_are_refused_where_fit_had_one_and_the_reverse(convert):
    encoder = TableEncoder().fit(ZONED.to_frame())
    for column in (convert(LOCAL), LOCAL.dropna().astype(str), LOCAL.dt.date, LOCAL.dt.to_period("D")):
        with pytest.raises(ValueError, match="Column 't' .* with a time zone .*tz_localize\\('America/New_York'\\)"):
            numbers_of(encoder, column)
    encoder = TableEncoder().fit(LOCAL.to_frame())
    for column in (convert(ZONED), ZONED.dropna().astype(str)):
        with pytest.raises(ValueError, match="Column 't' .* without a time zone .* Received: dates in .*tz_convert"):
            numbers_of(encoder, column)


def test_dates_without_a_time_zone_among_dates_with_one_are_read_as_utc():
    column = pd.Series([f"2020-03-{day:02d}T10:00:00+01:00" for day in range(1, 29)], name="t")
    column[::10] = "2020-03-01T09:00:00"
    with pytest.warns(
        UserWarning, match="Column 't' .* with a time zone and dates without. The latter are read as UTC"
    ):
        encoder = TableEncoder().fit(column.to_frame())
    with_zones = column.where(column.str.endswith("+01:00"), column + "+00:00")
    np.testing.assert_array_equal(numbers_of(encoder, column), numbers_of(encoder, with_zones))


def test_a_config_from_before_time_zones_reads_utc():
    config = TableEncoder().fit(ZONED.dt.tz_convert("UTC").to_frame()).get_config()
    for _, notation in config["state"]["notations"]:
        del notation["zone"]
    again = TableEncoder.from_config(config)
    utc = ZONED.dt.tz_convert("UTC").dt.tz_localize(None)
    np.testing.assert_array_equal(numbers_of(again, ZONED), numbers_of(again, utc))


def test_a_config_opens_no_file_by_the_name_of_a_time_zone():
    config = TableEncoder().fit(ZONED.to_frame()).get_config()
    for _, notation in config["state"]["notations"]:
        notation["zone"] = "dateutil//any/file"
    with pytest.raises(ValueError, match="`zone` must be the name of a time zone"):
        TableEncoder.from_config(config)


@pytest.mark.parametrize("date_format", FORMATS)
def test_dates_of_usual_formats_are_read(date_format):
    strings = DAYS.dt.strftime(date_format)
    assert columns.infer_column(strings) == "date"
    assert columns.find_notation(strings) == dates.Notation(date_format)
    np.testing.assert_array_equal(
        seconds_of(strings), dates.as_unix_seconds(pd.to_datetime(strings, format=date_format))
    )


@pytest.mark.parametrize(
    ("strings", "expected"),
    [
        (["2/8/1991", "02/15/1991", "12/1/1991"], ["1991-02-08", "1991-02-15", "1991-12-01"]),
        (["2015-1-5", "2015-10-12", "2016-12-1"], ["2015-01-05", "2015-10-12", "2016-12-01"]),
        ([" 13/02/2015", "01/02/2015 "], ["2015-02-13", "2015-02-01"]),
        (["3 may 2001", "14 June 2001", "1 SEPTEMBER 2001"], ["2001-05-03", "2001-06-14", "2001-09-01"]),
        (["12/31/9998", "01/13/1203"], ["9998-12-31", "1203-01-13"]),
    ],
)
def test_days_may_have_one_digit_and_months_any_case(strings, expected):
    np.testing.assert_array_equal(seconds_of(pd.Series(strings)), dates.as_unix_seconds(pd.Series(expected)))


@pytest.mark.parametrize(
    "strings",
    [
        ["1-2-3", "4-5-6", "10-11-12"],  # codes
        ["10-19", "20-29", "30-39"],  # ages
        ["5.1.2", "5.10.20", "12.1.0"],  # versions
        ["01.11.10", "10.51.30", "26.20.11"],  # classes of products
        ["$1,000", "$24,999", "$0"],
        ["555-123-4567", "212-555-0199"],
        ["192.168.1.1", "10.10.10.10"],
        ["10/20/30", "20/55/16", "5/10/15"],  # sizes
        ["20151301", "20150101", "20150230"],
        ["12 maple 2001", "3 mare 1999"],
        ["1/2", "3/4"],
        ["2015/16", "2016/17"],
        ["13/13/2015", "12/12/2015", "11/11/2015"],
    ],
)
def test_codes_are_no_dates(strings):
    assert columns.infer_column(pd.Series(strings * 5)) in ("category", "number")


def test_columns_of_numbers_stay_numbers():
    assert columns.infer_column(pd.Series([20150101, 20150102])) == "number"
    assert columns.infer_column(pd.Series(["2015", "2016"])) == "number"


@pytest.mark.parametrize(
    ("strings", "date_format", "warning"),
    [
        (["01/02/2015", "03/04/2015"], "%m/%d/%Y", "such as '01/02/2015'.* Assumed: the month first, '%m/%d/%Y'"),
        (["01.02.2015", "03.04.2015"], "%d.%m.%Y", "Assumed: the day first, '%d.%m.%Y'. Convert .* pandas.to_datetime"),
        (["01/02/2015", "13/04/2015"], "%d/%m/%Y", None),
        (["01/02/2015", "03/14/2015"], "%m/%d/%Y", None),
        (["05/05/2015 01:02", "06/06/2015 01:02"], "%m/%d/%Y %H:%M", "Assumed: the month first"),
    ],
)
def test_a_value_above_12_tells_the_day_from_the_month(strings, date_format, warning):
    series = pd.Series(strings, name="day")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert columns.find_notation(series).format == date_format
    assert [str(each.message).count("Column 'day' of `x`") for each in caught] == ([] if warning is None else [1])
    if warning is not None:
        with pytest.warns(UserWarning, match=warning):
            columns.find_notation(series)


def test_one_string_of_twenty_may_be_no_date():
    strings = DAYS.dt.strftime("%m/%d/%Y").replace({DAYS.dt.strftime("%m/%d/%Y")[7]: "unknown"})
    with pytest.warns(
        UserWarning, match="Column 'day' .* '%m/%d/%Y', and 1 other string, such as 'unknown', .*missing"
    ):
        encoder = TableEncoder().fit(pd.DataFrame({"day": strings}))
    assert np.isnan(encoder.transform(pd.DataFrame({"day": ["n/a", None]}))["numbers"]).all()
    with pytest.raises(ValueError, match="must hold dates as in fit, spelled as '%m/%d/%Y'. Received: '1986-09-22'"):
        encoder.transform(pd.DataFrame({"day": DAYS.dt.strftime("%Y-%m-%d")}))
    few = pd.Series([*strings[:8], "unknown", "never"])
    assert columns.infer_column(few) == "category"


def test_without_such_strings_in_fit_they_are_refused():
    encoder = TableEncoder().fit(pd.DataFrame({"day": DAYS.dt.strftime("%d.%m.%Y")}))
    with pytest.raises(ValueError, match="Column 'day' .* as in fit, spelled as '%d.%m.%Y'. Received: '09/22/1986'"):
        encoder.transform(pd.DataFrame({"day": ["22.09.1986", "09/22/1986"]}))


def test_the_notation_of_fit_is_that_of_transform(check_encoder):
    table = pd.DataFrame({"day": DAYS.dt.strftime("%d/%m/%Y"), 3: DAYS.dt.strftime("%d %b %Y %H:%M")})
    table.loc[5, "day"] = None
    encoder = TableEncoder().fit(table)
    tensors = check_encoder(encoder, table)
    first = encoder.transform(table[:1].assign(day="01/02/1986"))["numbers"]
    days = encoder.transform(table[:1].assign(day=pd.Timestamp("1986-02-01")))["numbers"]
    np.testing.assert_array_equal(first, days)
    converted = table.apply(lambda column: pd.to_datetime(column, dayfirst=True, format="mixed"))
    np.testing.assert_array_equal(tensors["numbers"], TableEncoder().fit(converted).transform(converted)["numbers"])
    raw = encoder.raw_arrays(table)
    assert raw["day"].dtype == "int64" and raw["day"][5] == dates.MISSING_DATE


def test_rows_outside_of_the_training_rows_tell_the_day_from_the_month():
    strings = pd.DataFrame({"day": ["01/02/2015", "03/04/2015", "25/12/2015"]})
    encoder = TableEncoder().fit(strings, rows=np.array([0, 1]))
    assert encoder.raw_arrays(strings)["day"][0] == pd.Timestamp("2015-02-01").timestamp()


def test_a_config_from_before_notations_reads_iso_dates():
    table = pd.DataFrame({"day": DAYS.dt.strftime("%Y-%m-%d")})
    encoder = TableEncoder().fit(table)
    config = encoder.get_config()
    del config["state"]["notations"]
    again = TableEncoder.from_config(config)
    np.testing.assert_array_equal(again.transform(table)["numbers"], encoder.transform(table)["numbers"])


def test_a_hundred_thousand_dates_are_parsed_a_few_times_only(monkeypatch):
    strings = pd.Series(pd.date_range("1990-01-01", periods=100_000, freq="1h")).dt.strftime("%m/%d/%Y %H:%M")
    parsed = []
    parse = pd.to_datetime

    def counted(values, **options):
        parsed.append(len(values))
        return parse(values, **options)

    monkeypatch.setattr(pd, "to_datetime", counted)
    assert columns.infer_column(strings) == "date"
    assert sum(parsed) <= 2 * len(strings)
    del parsed[:]
    assert columns.infer_column("code " + strings) != "date"
    assert not parsed


def test_a_saved_or_exported_model_reads_the_same_dates(tmp_path, run_elsewhere):
    table = pd.DataFrame({"week": DAYS.dt.strftime("%m/%d/%Y"), "pump": ["a", "b", "c"] * 20})
    days = (DAYS - DAYS[0]).dt.days
    model = autonas.AutoModel(
        max_trials=1, epochs=2, tensorboard=False, verbose=0, seed=0, directory=tmp_path / "run"
    ).fit(table, days + 0.5)
    expected = model.predict(table)
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(autonas.AutoModel.load(tmp_path / "model").predict(table), expected)
    seconds = dates.as_unix_seconds(DAYS.dt.floor("D"))
    exported = model.export_model().predict(
        {"week": seconds, "pump": keras.ops.convert_to_tensor(table["pump"].tolist())}, verbose=0
    )
    np.testing.assert_allclose(exported[:, 0], expected, atol=0.1)
    assert model.export(tmp_path / "model.keras").inputs["week"] == "(None,) int64"


def test_a_saved_or_exported_model_reads_local_times(tmp_path):
    table = ZONED.to_frame().assign(pump=["a", "b"] * 100)
    trees = {"structured_data_block_1/kind": "trees"}
    model = autonas.AutoModel(
        max_trials=1, hyperparameters=trees, tensorboard=False, verbose=0, seed=0, directory=tmp_path / "run"
    ).fit(table.drop(5), LOCAL.drop(5).dt.hour >= 12)
    assert model.score(table.drop(5), LOCAL.drop(5).dt.hour >= 12) == 1
    model.save(tmp_path / "model")
    loaded = autonas.AutoModel.load(tmp_path / "model")
    expected = model.predict_proba(table)
    np.testing.assert_array_equal(loaded.predict_proba(table.assign(t=ZONED.dt.tz_convert("UTC"))), expected)
    with pytest.raises(ValueError, match="Column 't' .* with a time zone"):
        loaded.predict(table.assign(t=LOCAL))
    seconds = dates.as_unix_seconds(LOCAL)
    exported = model.export_model().predict(
        {"t": seconds, "pump": keras.ops.convert_to_tensor(table["pump"].tolist())}, verbose=0
    )
    np.testing.assert_allclose(exported[:, 0], expected[:, 1], atol=1e-5)
    assert loaded.export(tmp_path / "model.keras").inputs["t"] == "(None,) int64"


@pytest.mark.parametrize("strings", [["01.02.2015", "03.04.2015"], ["01/02/1986", "03/04/1990"], ["1/2/86", "13/4/90"]])
def test_a_notation_is_saved_with_a_model(strings):
    """A comparison of numbers of numpy was a boolean of numpy, which JSON refuses, if the order was ambiguous."""
    notation = dates.find_notation(np.array(strings, dtype=object), np.ones(len(strings)))
    assert json.loads(json.dumps(dataclasses.asdict(notation)))["is_ambiguous"] == (len(strings[0]) > 6)
