import numpy as np
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


def test_shorter_rows_later_are_padded_where_padding_was_learned():
    short = SeriesEncoder().fit(UNEQUAL).transform(SERIES[:, :4])["series"]
    assert np.isnan(short[:, 4:]).all()
    with pytest.raises(ValueError, match="no NaN and the full length of 12 steps"):
        SeriesEncoder().fit(SERIES).transform(SERIES[:, :4])


def test_longer_rows_are_refused():
    with pytest.raises(ValueError, match=r"of shape \(11, 2\), or shorter, as in fit. Received: shape \(12, 2\)"):
        SeriesEncoder().fit(SERIES[:, :11]).transform(SERIES)


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
