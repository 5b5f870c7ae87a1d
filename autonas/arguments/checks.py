"""Checks of arguments: each error names the argument, the expected values and the received value."""

import math
import numbers
from collections.abc import Sequence
from typing import TypeGuard


def is_integer(value: object, minimum: float = -math.inf) -> TypeGuard[int]:
    """Return whether `value` is an integer of Python or NumPy, no boolean, and at least `minimum`."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool) and int(value) >= minimum


def is_number(value: object) -> TypeGuard[float]:
    """Return whether `value` is a real number of Python or NumPy, and no boolean."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def check_integer(name: str, value: object, minimum: int, expected: str | None = None) -> None:
    """Check that an argument is an integer of at least `minimum`.

    Args:
        name: Name of the argument, for the message.
        value: Value of the argument.
        minimum: Smallest value that is accepted.
        expected: Description of the accepted values for the message. Defaults to "an integer of at least" `minimum`.

    Raises:
        ValueError: If `value` is no integer, a boolean, or less than `minimum`.
    """
    if not is_integer(value, minimum):
        expected = expected or f"an integer of at least {minimum}"
        raise ValueError(f"`{name}` must be {expected}. Received: {name}={value!r:.100}")


def check_number(name: str, value: object, minimum: float, maximum: float = math.inf) -> None:
    """Check that an argument is a finite number from `minimum` to `maximum`.

    Args:
        name: Name of the argument, for the message.
        value: Value of the argument.
        minimum: Smallest value that is accepted.
        maximum: Largest value that is accepted. Defaults to no limit.

    Raises:
        ValueError: If `value` is no real number, a boolean, infinite, or out of range.
    """
    if not is_number(value) or not minimum <= value <= maximum or value == math.inf:
        expected = (
            f"finite number of at least {minimum}" if maximum == math.inf else f"number from {minimum} to {maximum}"
        )
        raise ValueError(f"`{name}` must be a {expected}. Received: {name}={value!r:.100}")


def check_option(name: str, value: object, options: Sequence[object]) -> None:
    """Check that an argument is one of `options`.

    Args:
        name: Name of the argument, for the message.
        value: Value of the argument.
        options: Sequence of the accepted values.

    Raises:
        ValueError: If `value` isn't among `options`.
    """
    if value not in options:
        raise ValueError(f"`{name}` must be one of {', '.join(map(repr, options))}. Received: {name}={value!r:.100}")
