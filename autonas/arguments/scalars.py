"""Scalars of NumPy as arguments, such as the members of a `numpy.arange` or of a grid of scikit-learn."""

from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """Return a scalar of NumPy as a number, truth value or string of Python, which JSON has, and others unchanged."""
    return value.item() if isinstance(value, np.generic) else value
