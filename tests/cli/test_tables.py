"""Tables are read from files of several formats, with words, dates and targets as a person means them."""

import numpy as np
import pandas
import pytest

from autonas.cli import tables


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.TSV", "a.jsonl", "a.jsonl.gz"])
def test_formats(tmp_path, name):
    frame = pandas.DataFrame({"x": [1.5, None], "y": ["a", "b,\tc"]})
    path = tmp_path / name
    if "jsonl" in name:
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_csv(path, index=False, sep="\t" if "TSV" in name else ",")
    pandas.testing.assert_frame_equal(tables.read_table(path), frame)


def test_na_is_a_word_beside_words_and_missing_beside_numbers_and_dates(tmp_path):
    path = tmp_path / "a.csv"
    rows = ["1.5,NA,2020-01-01,True,None", "null,DE,NA,NA,mild", "NaN,,null,False,null", "2,nan,2020-01-02,True,"]
    path.write_text("\n".join(["number,country,day,flag,y", *rows]))
    frame, words = tables.read_training_table(path)
    assert words == ["country", "y"]
    assert frame["country"].fillna("-").tolist() == ["NA", "DE", "-", "-"]
    assert frame["y"].fillna("-").tolist() == ["None", "mild", "null", "-"]
    assert frame["number"].dtype == "float64" and frame["number"].isna().tolist() == [False, True, True, False]
    assert frame["day"].isna().tolist() == [False, True, True, False]
    assert frame["flag"].isna().tolist() == [False, True, False, False]
    path.write_text("country,number\nNA,NA\n")
    assert tables.read_table(path, words)["country"].item() == "NA"
    assert tables.read_table(path, words)["number"].isna().item()
    assert tables.read_table(path)["country"].isna().item()


def test_integers_with_leading_zeros_are_words(tmp_path):
    path = tmp_path / "a.csv"
    rows = ["007,0,0.5,1,,000", "008,10,00.5,2,010,", "10,-1,2,03,7,000"]
    path.write_text("\n".join(["code,count,share,number,gap,zeros", *rows]))
    frame, words = tables.read_training_table(path)
    assert words == ["code", "gap", "zeros"]
    assert frame["code"].tolist() == ["007", "008", "10"] and frame["zeros"].fillna("-").tolist() == ["000", "-", "000"]
    assert frame["gap"].isna().tolist() == [True, False, False] and frame["gap"].tolist()[1:] == ["010", "7"]
    assert frame[["count", "share", "number"]].to_numpy().tolist() == [[0, 0.5, 1], [10, 0.5, 2], [-1, 2, 3]]
    path.write_text("code,count\n1,1\n")
    assert tables.read_table(path, words).iloc[0].tolist() == ["1", 1]


def test_two_columns_of_one_name_are_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b,a,a.1,y\n1,2,3,4,5\n")
    with pytest.raises(ValueError, match="a.csv can't be read as CSV: 2 columns have the name 'a'. Rename or remove"):
        tables.read_table(path)
    path.write_text(",b,,NA,y\n1,2,3,4,5\n")  # Columns without a name have different ones.
    assert tables.read_table(path).shape == (1, 5)


def test_rows_that_end_with_a_separator_keep_their_columns(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("y,a,code,word\n0,1,007,NA,\n1,3,08,DE,\n1,3,08,FR,\n")
    frame, words = tables.read_training_table(path)
    assert words == ["word", "code"]
    assert frame.to_numpy().tolist() == [[0, 1, "007", "NA"], [1, 3, "08", "DE"], [1, 3, "08", "FR"]]
    assert tables.read_table(path, words).to_numpy().tolist() == frame.to_numpy().tolist()
    path.write_text("y,a\nfirst,0,1\nsecond,1,3\n")  # As `write.table` of R names the rows.
    assert tables.read_table(path).to_numpy().tolist() == [[0, 1], [1, 3]]


def test_spaces_after_separators_belong_to_no_name_and_no_value(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a, b, y\n1, 2.5, no\n3, 4.5, yes\n")
    frame, words = tables.read_training_table(path)
    assert words == ["y"] and list(frame) == ["a", "b", "y"]
    assert frame.to_numpy().tolist() == [[1, 2.5, "no"], [3, 4.5, "yes"]]
    with pytest.raises(ValueError, match=r"there is no target column 'z'. Columns: 'a', 'b', 'y'"):
        tables.split_targets(frame, ["z"])
    with pytest.raises(ValueError, match="the target column 'y' must be named once. Received: y y"):
        tables.split_targets(frame, ["y", "y"])
    path.write_text("a|y\n1|no\n")
    with pytest.raises(
        ValueError, match="separated by vertical bars instead of commas, as in 'a.y'. Save it with commas"
    ):
        tables.read_table(path)


def test_an_empty_line_of_a_single_column_is_a_row_without_a_text(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text\ngood\n\nbad\n\n\n")
    assert tables.read_table(path)["text"].fillna("-").tolist() == ["good", "-", "bad"]
    path.write_text("text,y\ngood,1\n\nbad,0\n\n")
    assert tables.read_table(path)["text"].tolist() == ["good", "bad"]


@pytest.mark.parametrize("first", [0, 1])
def test_row_numbers_without_a_name_are_left_out(tmp_path, first):
    path = tmp_path / "a.csv"
    frame = pandas.DataFrame({"a": [1.5, 2.5, 3.5], "y": ["no", "yes", "no"]}, index=np.arange(first, first + 3))
    frame.to_csv(path)
    with pytest.warns(
        UserWarning, match="the first column of .*a.csv has no name and counts the rows, and is left out"
    ):
        read, _ = tables.read_training_table(path)
    assert list(read) == ["a", "y"]
    frame.set_axis([5, 3, 4]).to_csv(path)
    assert len(tables.read_training_table(path)[0].columns) == 3
    frame.to_csv(path, index_label="id")
    assert len(tables.read_training_table(path)[0].columns) == 3


def test_strings_of_json_stay_strings(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [
        '{"code": "007", "day": "2020-01-01", "2020": 1, "y": "001"}',
        '{"code": "7", "day": null, "2020": 2.5, "y": "002"}',
    ]
    path.write_text("\n\n".join(rows))
    frame, _ = tables.read_training_table(path)
    assert frame["code"].tolist() == ["007", "7"] and frame["y"].tolist() == ["001", "002"]
    assert list(frame) == ["code", "day", "2020", "y"] and frame["2020"].tolist() == [1, 2.5]
    for line in ("[1, 2]", '{"a": 1'):
        path.write_text(line)
        with pytest.raises(ValueError, match="a.jsonl can't be read as JSON, one object a line: "):
            tables.read_table(path)


@pytest.mark.parametrize("dates", ["%Y-%m-%d", "%d.%m.%Y", "%Y-%m"])
def test_a_column_of_dates_is_the_index_of_series(tmp_path, dates):
    days = pandas.date_range("2026-01-15", periods=20, freq="31D")
    frame = pandas.DataFrame({"sales": np.arange(20), "day": days.strftime(dates), "shop": "Berlin"})
    frame.to_csv(tmp_path / "a.csv", index=False)
    series = tables.read_series(tmp_path / "a.csv")
    assert list(series.columns) == ["sales", "shop"] and series.index.name == "day"
    assert (series.index == pandas.to_datetime(frame["day"], format=dates)).all()
    frame.assign(other=frame["day"]).to_csv(tmp_path / "a.csv", index=False)
    assert isinstance(tables.read_series(tmp_path / "a.csv").index, pandas.RangeIndex)


def test_targets_that_are_not_all_numbers_are_heads_by_the_names_of_their_columns():
    frame = pandas.DataFrame({"x": [1], "a b": ["word"], "a-b": [2.0], "2": [True]})
    assert list(tables.split_targets(frame, ["2", "x"])[1].columns) == ["2", "x"]
    assert list(tables.split_targets(frame, ["2", "a b"])[1]) == ["target_1", "target_2"]
    assert list(tables.split_targets(frame, ["a b", "x"])[1]) == ["a_b", "x"]
    assert list(tables.split_targets(frame, ["a b", "a-b"])[1]) == ["target_1", "target_2"]
