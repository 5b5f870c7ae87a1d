"""Schedules of the learning rate."""

import numpy as np
import pytest

from autonas.search_space import schedules

SHARES = np.linspace(0, 1, 101)


@pytest.mark.parametrize("schedule", [schedules.cosine, schedules.linear])
def test_the_learning_rate_rises_then_falls_to_zero(schedule):
    factors = [schedule(share) for share in SHARES]
    assert factors[0] == pytest.approx(0.1)
    assert max(factors) == pytest.approx(1.0, abs=0.01)
    assert factors[-1] == pytest.approx(0.0, abs=1e-12)
    assert np.argmax(factors) == 5


def test_a_line_falls_by_the_same_amount_in_each_step():
    factors = np.array([schedules.linear(share) for share in SHARES[5:]])
    assert np.diff(factors) == pytest.approx(-1 / 95)


def test_a_constant_is_one_from_the_first_step_on():
    assert {schedules.constant(share) for share in SHARES} == {1.0}
