"""Scalars of NumPy as arguments."""

import numpy as np
import pytest

from autonas.arguments.scalars import plain


@pytest.mark.parametrize(
    ("value", "expected"),
    [(np.int64(3), 3), (np.float32(0.5), 0.5), (np.bool_(True), True), (np.str_("a"), "a"), (4, 4), (None, None)],
)
def test_a_scalar_of_numpy_becomes_one_of_python_and_other_values_stay(value, expected):
    assert plain(value) == expected and type(plain(value)) is type(expected)


def test_an_array_stays():
    array = np.arange(3)
    assert plain(array) is array
