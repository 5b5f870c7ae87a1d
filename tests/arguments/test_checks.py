import numpy as np
import pytest

from autonas.arguments import checks


@pytest.mark.parametrize("value", [3, 10**30, np.int64(3), np.uint8(3)])
def test_integers_of_python_and_numpy_are_accepted_from_the_minimum_on(value):
    assert checks.is_integer(value, 3) and not checks.is_integer(value, value + 1)
    checks.check_integer("depth", value, 3)


@pytest.mark.parametrize("value", [True, np.bool_(True), 3.0, np.float64(3), "3", None, float("nan"), 0, -3])
def test_an_error_names_the_argument_the_minimum_and_the_value(value):
    with pytest.raises(ValueError) as raised:
        checks.check_integer("depth", value, 1)
    assert str(raised.value) == f"`depth` must be an integer of at least 1. Received: depth={value!r}"


def test_an_error_says_what_is_expected_in_words_of_the_caller():
    with pytest.raises(ValueError, match="`seed` must be a non-negative integer or None. Received: seed=-1"):
        checks.check_integer("seed", -1, 0, "a non-negative integer or None")


@pytest.mark.parametrize("value", [0, 0.5, 10**400, np.float32(3)])
def test_finite_numbers_are_accepted_from_the_minimum_on(value):
    checks.check_number("rate", value, 0)


@pytest.mark.parametrize("value", [float("inf"), float("nan"), np.float32("inf"), -0.1, True, "1", None])
def test_other_numbers_are_refused(value):
    with pytest.raises(ValueError, match="`rate` must be a finite number of at least 0. Received: rate="):
        checks.check_number("rate", value, 0)
    with pytest.raises(ValueError, match="`rate` must be a number from 0 to 1. Received: rate="):
        checks.check_number("rate", value, 0, 1)


def test_an_error_shows_the_first_100_characters_of_a_value():
    with pytest.raises(ValueError) as raised:
        checks.check_integer("depth", "x" * 1000, 1)
    assert len(str(raised.value)) < 200
