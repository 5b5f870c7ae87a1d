"""Checks of the arguments of reinforcement learning."""

import math
import numbers


def check_integer(name, value, smallest=1):
    """Raises a `ValueError` unless `value` is an integer of at least `smallest`."""
    is_integer = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not is_integer or value < smallest:
        raise ValueError(f"`{name}` must be an integer of at least {smallest}. Received: {name}={value!r:.60}")


def check_number(name, value, smallest=0.0, largest=math.inf):
    """Raises a `ValueError` unless `value` is a finite number from `smallest` to `largest`."""
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not smallest <= value <= largest:
        limit = f"of at least {smallest}" if largest == math.inf else f"from {smallest} to {largest}"
        raise ValueError(f"`{name}` must be a number {limit}. Received: {name}={value!r:.60}")


def check_learning_rate(value):
    """Raises a `ValueError` unless `value` is a positive number."""
    check_number("learning_rate", value)
    if value == 0:
        raise ValueError(f"`learning_rate` must be positive. Received: learning_rate={value!r}")
