"""Orientation: numbers of which smaller values are better, `"min"`, or larger values, `"max"`."""


def oriented(value, direction):
    """Return a number, or an array of numbers, with the sign at which larger is better.

    The function is its own inverse: `oriented(oriented(value, direction), direction)` is `value`.

    Args:
        value: A number or a NumPy array.
        direction: `"min"` if smaller values are better, `"max"` if larger values are.
    """
    return value if direction == "max" else -value


def comparative(direction):
    """Return the word for the better one of two values: `"larger"` for `"max"`, `"smaller"` for `"min"`."""
    return "larger" if direction == "max" else "smaller"
