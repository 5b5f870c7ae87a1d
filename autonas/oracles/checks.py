"""Checks of the arguments of strategies: each names the argument, what is expected and what was received."""

import math
import numbers


def is_integer(value):
    """Whether `value` is an integer, of numpy too, and no boolean."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def is_number(value):
    """Whether `value` is a real number, of numpy too, and no boolean."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def check_integer(name, value, minimum):
    """Raises a `ValueError` if `value`, the argument `name`, isn't an integer of at least `minimum`."""
    if not is_integer(value) or value < minimum:
        raise ValueError(f"`{name}` must be an integer of at least {minimum}. Received: {name}={value!r}")


def check_number(name, value, minimum, maximum=math.inf):
    """Raises a `ValueError` if `value`, the argument `name`, isn't a number from `minimum` to `maximum`."""
    if not is_number(value) or not minimum <= value <= maximum:
        limits = f"of at least {minimum}" if maximum == math.inf else f"from {minimum} to {maximum}"
        raise ValueError(f"`{name}` must be a number {limits}. Received: {name}={value!r}")


def check_option(name, value, options):
    """Raises a `ValueError` if `value`, the argument `name`, isn't one of `options`."""
    if value not in options:
        raise ValueError(f"`{name}` must be one of {', '.join(map(repr, options))}. Received: {name}={value!r}")
