"""Jumps: rare changes of a series that are far larger than usual."""

import numpy as np
import pytest

from autonas.data import jumps


def season(length=400):
    generator = np.random.default_rng(0)
    return 50 + 10 * np.sin(np.arange(length) * np.pi / 12)[:, None] + generator.normal(size=(length, 1))


def with_outliers(series, rows):
    series = series.copy()
    series[rows] += 1000
    return series


def test_outliers_disappear_and_nothing_else_changes():
    series = season()
    spoiled = with_outliers(series, [30, 31, 200])
    steady = jumps.without_jumps(spoiled, jumps.largest_changes(spoiled))
    np.testing.assert_allclose(steady, series, atol=10)
    np.testing.assert_array_equal(steady[201:], series[201:])


def test_steps_before_a_shift_of_the_level_move_to_the_last_level():
    series = season()
    shifted = series.copy()
    shifted[:300] -= 80
    steady = jumps.without_jumps(shifted, jumps.largest_changes(shifted))
    np.testing.assert_array_equal(steady[300:], series[300:])
    np.testing.assert_allclose(steady[:300], series[:300], atol=5)


def test_an_outlier_at_the_end_is_the_new_level_after_three_steps():
    series = season()
    limits = jumps.largest_changes(with_outliers(series, [20]))
    for n_last in (1, 2):
        last = jumps.without_jumps(with_outliers(series, range(400 - n_last, 400)), limits)[-1]
        assert abs(last - series[-1]) < 15
    assert jumps.without_jumps(with_outliers(series, range(397, 400)), limits)[-1] == series[-1] + 1000


@pytest.mark.parametrize("kind", ["none", "usual", "intermittent"])
def test_changes_that_are_usual_are_no_jumps(kind):
    series = season()
    if kind == "usual":
        series[::14] += 1000
    if kind == "intermittent":
        series = np.where(np.arange(400)[:, None] % 29 == 0, 7.0, 0.0)
    assert jumps.largest_changes(series) is None


def test_channels_without_jumps_have_no_limit():
    series = np.concatenate([season(), with_outliers(season(), [30, 200])], axis=1)
    limits = jumps.largest_changes(series)
    np.testing.assert_array_equal(jumps.without_jumps(1000 * series, limits)[:, 0], 1000 * series[:, 0])
