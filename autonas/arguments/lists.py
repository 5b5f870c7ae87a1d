"""Lists from arguments that take one value or several."""


def as_list(value, length=1):
    """Return the items of a list or tuple as a new list, or any other value `length` times."""
    return list(value) if isinstance(value, (list, tuple)) else [value] * length
