"""Shapes: the types that content read from a JSON file must have."""

#: The types of Python that a type of a shape accepts.
_EXACT = {str: {str}, int: {int}, float: {int, float}, bool: {bool}}


def check_shape(content, shape, name):
    """Raise an error unless JSON content has the types and keys that it must have.

    A shape is a type (`float` accepts integers too, `object` anything), a value, `None`, a tuple of alternative
    shapes, `[shape]` for a list of any length, `[shape, shape]` for a list of that length, `{str: shape}` for a dict
    of any keys, or a dict from keys to shapes. A key that ends in `"?"` may be absent.

    Args:
        content: What `json.load` returned.
        shape: The shape.
        name: Name of the content in the error.

    Raises:
        ValueError: If a type or value is wrong, or a key is missing or unknown. The message names the place.
    """
    mismatch = _mismatch(content, shape, name)
    if mismatch is not None:
        raise ValueError(mismatch)


def _mismatch(content, shape, name):
    if isinstance(shape, tuple):
        mismatches = [_mismatch(content, alternative, name) for alternative in shape]
        return None if None in mismatches else mismatches[-1]
    if isinstance(shape, list):
        return _mismatch_of_list(content, shape, name)
    if isinstance(shape, dict):
        return _mismatch_of_dict(content, shape, name)
    if isinstance(shape, type):
        accepted = (int, float) if shape is float else shape
        # A boolean is an integer of Python.
        fits = isinstance(content, accepted) and (shape in (bool, object) or not isinstance(content, bool))
        return None if fits else f"`{name}` must be of type {shape.__name__}. Received: {content!r:.60}"
    fits = type(content) is type(shape) and content == shape
    return None if fits else f"`{name}` must be {shape!r}. Received: {content!r:.60}"


def _mismatch_of_list(content, shape, name):
    if not isinstance(content, (list, tuple)):
        return f"`{name}` must be a list. Received: {content!r:.60}"
    if len(shape) > 1 and len(content) != len(shape):
        return f"`{name}` must have {len(shape)} values. Received: {len(content)}"
    if len(shape) == 1 and isinstance(shape[0], type) and set(map(type, content)) <= _EXACT.get(shape[0], set()):
        return None  # Long lists of numbers and words are checked without a name for each.
    shapes = shape if len(shape) > 1 else shape * len(content)
    mismatches = (_mismatch(value, shapes[place], f"{name}[{place}]") for place, value in enumerate(content))
    return next(filter(None, mismatches), None)


def _mismatch_of_dict(content, shape, name):
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
