import warnings

import numpy as np
import pandas as pd
import pytest

from autonas.data import SeriesEncoder

SERIES = np.random.default_rng(0).normal(3, 2, (40, 12, 2))
UNEQUAL = [row[: 5 + index % 8] for index, row in enumerate(SERIES)]


def test_series_pass_as_float32(check_encoder):
    encoder = SeriesEncoder().fit(SERIES, rows=np.arange(30))
    np.testing.assert_allclose(check_encoder(encoder, SERIES)["series"], SERIES, rtol=1e-6)
    statistics = encoder.feature.statistics
    np.testing.assert_allclose(statistics["mean"], SERIES[:30].mean(axis=(0, 1)), rtol=1e-6)
    np.testing.assert_allclose(statistics["variance"], SERIES[:30].var(axis=(0, 1)), rtol=1e-6)
    assert statistics["has_missing"] is False


def test_two_dimensions_are_one_channel(check_encoder):
    encoder = SeriesEncoder().fit(SERIES[..., 0])
    assert check_encoder(encoder, SERIES[..., 0])["series"].shape == (40, 12, 1)


def test_unequal_lengths_are_padded_with_nan(check_encoder):
    encoder = SeriesEncoder().fit(UNEQUAL)
    padded = check_encoder(encoder, UNEQUAL)["series"]
    assert padded.shape == (40, 12, 2)
    assert [int((~np.isnan(row[:, 0])).sum()) for row in padded] == list(map(len, UNEQUAL))
    values = np.concatenate(UNEQUAL)
    np.testing.assert_allclose(encoder.feature.statistics["mean"], values.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(encoder.feature.statistics["variance"], values.var(axis=0), rtol=1e-5)
    assert encoder.feature.statistics["has_missing"] is True


def test_an_array_of_arrays_is_a_list():
    array = np.empty(len(UNEQUAL), dtype=object)
    array[:] = UNEQUAL
    encoder = SeriesEncoder().fit(array)
    of_list = SeriesEncoder().fit(UNEQUAL).transform(UNEQUAL)["series"]
    np.testing.assert_array_equal(encoder.transform(array)["series"], of_list)


def test_a_single_series_is_refused_with_the_remedy():
    encoder = SeriesEncoder().fit(SERIES[..., 0])
    with pytest.raises(ValueError, match=r"Received: shape \(12,\). Pass a single series as `x\[None\]`"):
        encoder.transform(SERIES[0, :, 0])


def test_a_tuple_is_a_list():
    encoder = SeriesEncoder().fit(tuple(UNEQUAL), rows=np.arange(30))
    expected = SeriesEncoder().fit(UNEQUAL, rows=np.arange(30))
    np.testing.assert_array_equal(encoder.examples_, expected.examples_)
    np.testing.assert_array_equal(encoder.transform(tuple(UNEQUAL))["series"], expected.transform(UNEQUAL)["series"])


def test_shorter_rows_later_are_padded_where_padding_was_learned():
    short = SeriesEncoder().fit(UNEQUAL).transform(SERIES[:, :4])["series"]
    assert np.isnan(short[:, 4:]).all()
    with pytest.raises(ValueError, match="no NaN and the full length of 12 steps"):
        SeriesEncoder().fit(SERIES).transform(SERIES[:, :4])


def test_longer_rows_later_are_cut_where_lengths_differ():
    encoder = SeriesEncoder().fit(UNEQUAL)
    long = np.concatenate([SERIES, SERIES], axis=1)
    np.testing.assert_allclose(encoder.transform(long)["series"], SERIES, rtol=1e-6)
    one = encoder.transform([long[0], SERIES[1, :3]])["series"]
    np.testing.assert_allclose(one[0], SERIES[0], rtol=1e-6)
    assert np.isnan(one[1, 3:]).all()


def test_a_few_series_much_longer_than_the_others_are_cut_with_a_warning(check_encoder):
    generator = np.random.default_rng(0)
    rows = [generator.normal(size=(20 + index % 7, 1)) for index in range(199)] + [generator.normal(size=(50_000, 1))]
    with pytest.warns(UserWarning, match=r"1 series is longer than 26 steps, the longest has 50000. .* `length` of"):
        encoder = SeriesEncoder().fit(rows)
    assert check_encoder(encoder, rows)["series"].shape == (200, 26, 1)
    padded = np.full((200, 60), np.nan)
    for target, row in zip(padded, rows, strict=True):
        target[: len(row)] = row[:60, 0]
    with pytest.warns(UserWarning, match="1 series is longer than 26 steps, the longest has 60"):
        encoded = SeriesEncoder().fit(padded).transform(padded)["series"][..., 0]
    np.testing.assert_allclose(encoded, padded[:, :26], rtol=1e-6)
    # Nothing is cut where the longest series is one of many, or not much longer.
    assert SeriesEncoder().fit(rows[:-1]).feature.tensors["series"].shape == (26, 1)
    assert SeriesEncoder().fit(rows[140:]).feature.tensors["series"].shape == (50_000, 1)


def test_series_that_are_equally_long_once_the_longest_is_cut(check_encoder):
    rows = [np.full((10, 1), index / 7) for index in range(199)] + [np.zeros((30, 1))]
    padded = np.full((200, 30, 1), np.nan)
    for target, row in zip(padded, rows, strict=True):
        target[: len(row)] = row
    for series in (rows, padded):
        with pytest.warns(UserWarning, match="1 series is longer than 10 steps"):
            encoder = SeriesEncoder().fit(series)
        assert encoder.feature.statistics["has_missing"] is False
        np.testing.assert_allclose(check_encoder(encoder, series)["series"], padded[:, :10], rtol=1e-6)


def test_the_length_can_be_chosen(check_encoder):
    encoder = SeriesEncoder(length=6).fit(SERIES)
    np.testing.assert_allclose(check_encoder(encoder, SERIES)["series"], SERIES[:, :6], rtol=1e-6)
    assert SeriesEncoder(length=50).fit(UNEQUAL).feature.tensors["series"].shape == (12, 2)
    with pytest.raises(ValueError, match="`length` must be a positive integer or None. Received: length=0"):
        SeriesEncoder(length=0).fit(SERIES)


def test_longer_rows_are_refused():
    with pytest.raises(ValueError, match=r"of shape \(11, 2\), as in fit. Received: shape \(12, 2\)"):
        SeriesEncoder().fit(SERIES[:, :11]).transform(SERIES)


def test_missing_values_of_pandas_are_missing():
    frame = pd.DataFrame(SERIES[..., 0]).astype("Float64")
    frame.iloc[2, 3] = pd.NA
    encoder = SeriesEncoder().fit(frame)
    encoded = encoder.transform(frame)["series"]
    assert np.argwhere(np.isnan(encoded)).tolist() == [[2, 3, 0]]
    np.testing.assert_array_equal(encoder.transform(frame.to_numpy(object))["series"], encoded)
    with pytest.raises(ValueError, match="must hold numeric series. Received: dtype object"):
        SeriesEncoder().fit(frame.astype(object).replace(frame.iloc[0, 0], "high"))


def test_rows_without_a_value_are_refused():
    series = SERIES.copy()
    series[[4, 9]] = np.nan
    with pytest.raises(ValueError, match="2 rows with no value at all .* the first at index 4"):
        SeriesEncoder().fit(series)


def test_infinity_is_refused():
    series = SERIES.copy()
    series[4, 5, 1] = -np.inf
    with pytest.raises(ValueError, match=r"1 infinite value, the first at index \(4, 5, 1\)"):
        SeriesEncoder().fit(series)


# ---------------------------------------------------------------------- frames, and high levels


def steps_frame(n=6, names=("a", "b", "c", "d")):
    return pd.DataFrame(np.arange(n * len(names), dtype="float32").reshape(n, -1), columns=list(names))


def test_the_columns_of_a_frame_are_read_in_the_order_of_fit():
    frame = steps_frame()
    encoder = SeriesEncoder().fit(frame)
    again = SeriesEncoder.from_config(encoder.get_config())
    for one in (encoder, again):
        shuffled = one.transform(frame[["c", "a", "d", "b"]])["series"]
        np.testing.assert_array_equal(shuffled, encoder.transform(frame.to_numpy())["series"])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("abcx", "must have the columns of fit. Received columns missing: 'd'; unseen in fit: 'x'"),
        ("bcd", "must have the columns of fit. Received columns missing: 'a'"),
    ],
)
def test_a_frame_of_other_columns_is_refused(names, message):
    encoder = SeriesEncoder().fit(steps_frame())
    with pytest.raises(ValueError, match=message):
        encoder.transform(steps_frame(names=tuple(names)))


def test_a_column_of_arrays_is_a_list_of_series():
    series = [np.arange(4.0), np.arange(3.0)]
    encoder = SeriesEncoder().fit(pd.Series(series))
    np.testing.assert_array_equal(
        encoder.transform(pd.Series(series))["series"], SeriesEncoder().fit(series).transform(series)["series"]
    )
    with pytest.raises(ValueError, match=r"of a frame with a series in each cell of a column, pass `list\(frame"):
        SeriesEncoder().fit(pd.DataFrame({"s": [np.arange(4.0), np.arange(4.0)]}))


def test_a_level_at_which_float32_loses_the_deviations_is_warned_of():
    values = np.random.default_rng(0).normal(size=(20, 5, 2))
    with pytest.warns(UserWarning, match="Channel 1 has a mean of 1e.08 and a standard deviation of 0.*steps of 8"):
        SeriesEncoder().fit(values + [0.0, 1e8])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SeriesEncoder().fit(values + [0.0, 1e5])
        SeriesEncoder().fit((values + [0.0, 1e8]).astype("float32"))


def test_shorter_series_are_offered_only_where_they_are_read():
    encoder = SeriesEncoder().fit(np.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"of shape \(4,\), as in fit"):
        encoder.transform(np.zeros((3, 5)))
