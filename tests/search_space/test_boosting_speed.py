"""Speed of gradient boosting: iterations and seconds of fits."""

import numpy as np
import pytest

from autonas.search_space import boosting_speed, fitters


class Estimator:
    """Takes 1 s for the bins, and 0.1 s for an iteration."""

    now = 0.0

    def set_params(self, max_iter):
        self.max_iter = max_iter

    def fit(self, inputs, targets, sample_weight):
        self.now += 1.0 + 0.1 * self.max_iter


@pytest.fixture
def estimator(monkeypatch):
    estimator = Estimator()
    monkeypatch.setattr(boosting_speed.time, "monotonic", lambda: estimator.now)
    return estimator


@pytest.mark.parametrize(("seconds", "n_iterations"), [(11.0, 71), (4.4, 5), (3.0, 1), (0.1, 1)])
def test_there_is_time_for_as_many_iterations_as_fit_beside_the_bins_of_the_rows(estimator, seconds, n_iterations):
    rows = fitters.Rows(np.zeros((2, 1)), np.zeros(2))
    speed = boosting_speed.Speed.of(estimator, rows, 5, seconds)
    assert speed.iterations(2, seconds - estimator.now) == pytest.approx(n_iterations, abs=1)


def test_a_fit_takes_longer_in_proportion_to_the_rows(estimator):
    speed = boosting_speed.Speed.of(estimator, fitters.Rows(np.zeros((10, 1)), np.zeros(10)), 5)
    assert speed.seconds(10, 20) == pytest.approx(3.1) and speed.seconds(30, 20) == pytest.approx(9.3)
    assert speed.iterations(30, 9.3) == pytest.approx(20, abs=1)
