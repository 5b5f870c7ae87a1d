"""One function decides which of two numbers is the better."""

import numpy as np
import pytest

from autonas.costs.orientation import comparative, oriented


@pytest.mark.parametrize(("direction", "better", "worse"), [("max", 3.0, 2.0), ("min", 2.0, 3.0)])
def test_the_better_of_two_numbers_is_the_larger_one_once_oriented(direction, better, worse):
    assert oriented(better, direction) > oriented(worse, direction)
    assert oriented(oriented(better, direction), direction) == better


def test_arrays_are_oriented_as_a_whole():
    np.testing.assert_array_equal(oriented(np.array([1.0, -2.0]), "min"), [-1.0, 2.0])


def test_the_better_of_two_numbers_has_a_word():
    assert (comparative("max"), comparative("min")) == ("larger", "smaller")
