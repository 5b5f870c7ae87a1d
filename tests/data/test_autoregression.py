"""Linear forecast by ridge regression."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from autonas.data.autoregression import Autoregression, windows_of


def test_a_linear_forecast_continues_a_series_that_repeats_itself_without_a_warning():
    """The last values of a period are differences of others: their variance is zero within rounding."""
    series = np.arange(100.0)[:, None] % 12
    windows, future = windows_of(series, series, 14, 3)
    forecast = Autoregression([0]).fit(series, series, 14, 3)
    np.testing.assert_allclose(forecast.predict(windows), future, atol=1e-3)


@pytest.mark.parametrize("lookback", [1, 2, 13])
def test_a_linear_forecast_is_the_ridge_regression_on_all_windows(lookback):
    """Computed without the windows: the same as scikit-learn's on them."""
    generator = np.random.default_rng(0)
    series = 500 + np.arange(400)[:, None] * [0.3, 0.0] + np.cumsum(generator.normal(size=(400, 2)), axis=0) * [1, 100]
    windows, future = windows_of(series, series[:, :1], lookback, 3)
    forecast = Autoregression([0]).fit(series, series[:, :1], lookback, 3)
    differences, last = (windows[:, :-1] - windows[:, -1:]).reshape(len(windows), -1), windows[:, -1]
    features = np.concatenate([differences, last - last.mean(axis=0)], axis=1)
    features /= np.sqrt(np.square(features).mean(axis=0))
    changes = future - last[:, :1]
    ridge = Ridge(forecast.alpha).fit(features, changes / changes.std(axis=0))
    expected = last[:, :1] + ridge.predict(features) * changes.std(axis=0)
    np.testing.assert_allclose(forecast.predict(windows), expected, atol=1e-8)
    again = Autoregression([0], forecast.alpha).fit(series, series[:, :1], lookback, 3)
    np.testing.assert_allclose(again.predict(windows), expected, atol=1e-8)


def test_wide_windows_are_forecast_from_their_most_recent_values():
    series = np.random.default_rng(0).normal(size=(1000, 64)).cumsum(axis=0)
    forecast = Autoregression([0]).fit(series, series[:, :1], 40, 1)
    assert forecast.kernel.shape == (39 * 64, 1)
    n_used = int(np.any(forecast.kernel.reshape(39, 64) != 0, axis=1).sum()) + 1
    assert 1 < n_used and n_used * 64 <= 960 // 2
    assert not forecast.kernel[: (40 - n_used) * 64].any()


def test_the_level_of_a_short_walk_with_drift_does_not_return_to_its_mean():
    """Six forecasts that overlap are no six observations: 20 years, of which the next 6 are forecast."""
    generator, errors = np.random.default_rng(0), []
    ahead = np.arange(1, 7)
    for _ in range(200):
        walk = (0.5 + generator.normal(size=(26, 1))).cumsum(axis=0)
        years, future = walk[:20], walk[20:, 0]
        forecast = Autoregression([0]).fit(years, years, 1, 6).predict(years[None, -1:])[0]
        drift = years[-1, 0] + (years[-1, 0] - years[0, 0]) / 19 * ahead
        errors.append([np.square(forecast - future).mean(), np.square(drift - future).mean()])
    autoregressed, drifted = np.sqrt(np.mean(errors, axis=0))
    assert autoregressed < 1.2 * drifted


def test_more_forecast_steps_than_a_few_windows_hold_have_the_largest_penalty():
    series = np.random.default_rng(0).normal(size=(60, 1)).cumsum(axis=0)
    assert Autoregression([0]).fit(series, series, 10, 40).alpha == 10_000
