"""Validation of the content of JSON files by the shape of its types and keys."""

from typing import Any

#: Python types of the values that a type in a shape accepts.
_EXACT: dict[type, set[type]] = {str: {str}, int: {int}, float: {int, float}, bool: {bool}}


def check_shape(content: Any, shape: Any, name: str) -> None:
    """Raise a `ValueError` unless JSON content has the expected types and keys.

    A shape is one of:

    - a type; `float` accepts integers too, `object` accepts anything
    - a value or `None`, for exactly this value
    - a tuple of alternative shapes
    - `[shape]` for a list of any length, `[shape, shape]` for a list of length 2, and so on
    - `{str: shape}` for a dict with any keys
    - a dict from keys to shapes, in which a key that ends in `"?"` is optional

    Args:
        content: JSON content, as returned by `json.load`.
        shape: Expected shape.
        name: Name of the content in error messages.

    Raises:
        ValueError: If a type or value is wrong, or a key is missing or unknown. The message contains the path of the
            wrong value, such as `files.network.size`.
    """
    mismatch = _mismatch(content, shape, name)
    if mismatch is not None:
        raise ValueError(mismatch)


def _mismatch(content: Any, shape: Any, name: str) -> str | None:
    """Return the message about the first mismatch, or `None`."""
    if isinstance(shape, tuple):
        mismatches = [_mismatch(content, alternative, name) for alternative in shape]
        return None if None in mismatches else mismatches[-1]
    if isinstance(shape, list):
        return _mismatch_of_list(content, shape, name)
    if isinstance(shape, dict):
        return _mismatch_of_dict(content, shape, name)
    if isinstance(shape, type):
        accepted = (int, float) if shape is float else shape
        # In Python, a boolean is an instance of `int`.
        fits = isinstance(content, accepted) and (shape in (bool, object) or not isinstance(content, bool))
        return None if fits else f"`{name}` must be of type {shape.__name__}. Received: {content!r:.60}"
    fits = type(content) is type(shape) and content == shape
    return None if fits else f"`{name}` must be {shape!r}. Received: {content!r:.60}"


def _mismatch_of_list(content: Any, shape: Any, name: str) -> str | None:
    if not isinstance(content, (list, tuple)):
        return f"`{name}` must be a list. Received: {content!r:.60}"
    if len(shape) > 1 and len(content) != len(shape):
        return f"`{name}` must have {len(shape)} values. Received: {len(content)}"
    if len(shape) == 1 and isinstance(shape[0], type) and set(map(type, content)) <= _EXACT.get(shape[0], set()):
        return None  # Check long lists of numbers and strings quickly, without the name of every item.
    shapes = shape if len(shape) > 1 else shape * len(content)
    mismatches = (_mismatch(value, shapes[index], f"{name}[{index}]") for index, value in enumerate(content))
    return next(filter(None, mismatches), None)


def _mismatch_of_dict(content: Any, shape: Any, name: str) -> str | None:
    if not isinstance(content, dict):
        return f"`{name}` must be a dict. Received: {content!r:.60}"
    if str in shape:
        shapes = dict.fromkeys(content, shape[str])
    else:
        shapes = {key.removesuffix("?"): value for key, value in shape.items()}
        unknown = [key for key in content if key not in shapes]
        missing = [key for key in shape if not key.endswith("?") and key not in content]
        if unknown or missing:
            return f"`{name}` has the unknown key {unknown[0]!r:.60}" if unknown else f"`{name}` lacks {missing[0]!r}"
    mismatches = (_mismatch(value, shapes[key], f"{name}.{key}") for key, value in content.items())
    return next(filter(None, mismatches), None)
