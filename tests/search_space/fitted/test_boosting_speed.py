"""Gradient boosting in a limited time: iterations, rows and seconds of fits."""

import time

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.ensemble import HistGradientBoostingRegressor

from autonas.search_space.fitted import boosting_speed, fitters


class Estimator:
    """Takes 1 s for the bins of 10 rows, and 0.1 s for an iteration, of which 0.04 s don't depend on the rows."""

    def __init__(self):
        self.now = 0.0
        self.n_iter_ = 0
        self.fitted = []

    def set_params(self, max_iter, early_stopping=False, warm_start=False):
        self.max_iter = max_iter
        self.n_iter_ = self.n_iter_ if warm_start else 0

    def fit(self, inputs, targets, **others):
        n_new = self.max_iter - self.n_iter_
        self.now += len(inputs) / 10 * (1.0 + 0.06 * n_new) + 0.04 * n_new
        self.n_iter_ = self.max_iter
        self.fitted.append(n_new)


@pytest.fixture
def estimator(monkeypatch):
    estimator = Estimator()
    monkeypatch.setattr(boosting_speed.time, "monotonic", lambda: estimator.now)
    return estimator


def rows(number):
    return fitters.Rows(np.zeros((number, 1)), np.zeros(number))


@pytest.mark.parametrize(("seconds", "n_iterations"), [(11.0, 71), (4.4, 5), (3.0, 1), (0.1, 1)])
def test_there_is_time_for_as_many_iterations_as_fit_beside_the_bins_of_the_rows(estimator, seconds, n_iterations):
    speed = boosting_speed.Speed.of(estimator, rows(10), 5, seconds)
    assert speed.iterations(10, seconds - estimator.now) == pytest.approx(n_iterations, abs=1)


def test_a_fit_takes_longer_in_proportion_to_the_rows(estimator):
    speed = boosting_speed.Speed.of(estimator, rows(10), 5)
    assert speed.rows(20, 3.1) == pytest.approx(10, abs=1) and speed.rows(20, 9.3) == pytest.approx(30, abs=1)
    assert speed.iterations(30, 9.3) == pytest.approx(20, abs=1)
    assert speed.rows(20, 0.0) == 0


def test_a_part_of_an_iteration_is_the_same_for_any_number_of_rows(estimator):
    smaller, speed = (boosting_speed.Speed.of(estimator, rows(number), 5) for number in (20, 80))
    speed = speed.beside(smaller)
    assert speed.of_one == pytest.approx(0.04 + 8 * 0.06) and speed.fixed == pytest.approx(0.04)
    # 800 rows take 80 s for the bins, and 4.84 s for an iteration.
    assert speed.iterations(800, 80 + 100 * 4.84) == pytest.approx(100, abs=3)
    assert speed.rows(100, 80 + 100 * 4.84) == pytest.approx(800, abs=10)
    twice = speed.of_several(2, seconds=16.0)
    assert twice.rows(100, 4 * 160 + 200 * 9.64) == pytest.approx(1600, abs=20)


def test_of_an_iteration_measured_too_short_on_fewer_rows_at_least_half_is_in_proportion_to_the_rows():
    smaller, speed = boosting_speed.Speed(20, 1.0, 0.9), boosting_speed.Speed(80, 1.0, 1.0)
    assert speed.beside(smaller).fixed == 0.5
    assert speed.beside(boosting_speed.Speed(20, 1.0, 0.1)).fixed == 0.0


def test_the_time_that_a_fit_left_is_for_further_iterations(estimator):
    # By the estimate, there is time for 10 iterations. There is time for about 80.
    speed = boosting_speed.Speed(10, of_first=1.0, of_one=0.9)
    limit = boosting_speed.TimeLimit(10.0, speed)
    limit.fit(estimator, rows(10), None, 500)
    assert estimator.fitted[0] == 10 and len(estimator.fitted) > 2
    assert 8.5 < estimator.now < 10.0 and estimator.n_iter_ == sum(estimator.fitted)


@pytest.mark.parametrize("wanted", [0, 1, 30])
def test_there_are_no_more_iterations_than_wanted(estimator, wanted):
    boosting_speed.TimeLimit(1000.0, boosting_speed.Speed(10, 1.0, 1.0)).fit(estimator, rows(10), None, wanted)
    assert estimator.fitted == [max(1, wanted)]
    boosting_speed.TimeLimit(None, None).fit(estimator, rows(10), None, wanted)
    assert estimator.fitted[1:] == [max(1, wanted)]


def test_further_iterations_go_on_from_those_before_and_stop_early():
    x, y = load_diabetes(return_X_y=True)
    training, validation = fitters.Rows(x[:300], y[:300]), fitters.Rows(x[300:], y[300:])
    arguments = {"learning_rate": 0.1, "n_iter_no_change": 20, "tol": 0.0, "random_state": 0, "early_stopping": True}
    continued, at_once = (HistGradientBoostingRegressor(max_iter=300, **arguments) for _ in range(2))
    limit = boosting_speed.TimeLimit(time.monotonic() + 60, boosting_speed.Speed(300, 1.0, 8.0))
    limit.fit(continued, training, validation, 300)
    boosting_speed.TimeLimit(None, None).fit(at_once, training, validation, 300)
    assert 20 < continued.n_iter_ == at_once.n_iter_ < 300
    np.testing.assert_allclose(continued.predict(x), at_once.predict(x))
    np.testing.assert_allclose(continued.validation_score_, at_once.validation_score_)
