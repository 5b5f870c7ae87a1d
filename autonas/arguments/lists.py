"""Lists from arguments that take one value or several."""

from typing import Any


def as_list(value: Any, length: int = 1) -> list[Any]:
    """Return the items of a list or tuple as a new list, or any other value `length` times."""
    return list(value) if isinstance(value, (list, tuple)) else [value] * length
