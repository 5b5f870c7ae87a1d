"""Orientation: numbers of which smaller values are better, `"min"`, or larger values, `"max"`."""

from typing import TypeVar

import numpy as np

_Number = TypeVar("_Number", float, np.ndarray)


def oriented(value: _Number, direction: str) -> _Number:
    """Return a number, or an array of numbers, with the sign at which larger is better.

    The function is its own inverse: `oriented(oriented(value, direction), direction)` is `value`.

    Args:
        value: A number or a NumPy array.
        direction: `"min"` if smaller values are better, `"max"` if larger values are.
    """
    return value if direction == "max" else -value


def comparative(direction: str) -> str:
    """Return the word for the better one of two values: `"larger"` for `"max"`, `"smaller"` for `"min"`."""
    return "larger" if direction == "max" else "smaller"
