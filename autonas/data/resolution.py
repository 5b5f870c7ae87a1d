"""Resolution of images: the size of images that networks read whole, and of the squares that average larger ones."""

#: Maximum of the shorter side, in pixels, of an image that is read whole.
SMALL_SIDE = 32


def stride(size, largest_side=SMALL_SIDE):
    """Return the side of the squares of pixels whose averages are an image with a small shorter side.

    Args:
        size: Height and width of an image.
        largest_side: Maximum of the shorter side after the average. Defaults to `SMALL_SIDE`.

    Returns:
        An integer, 1 for images that are small enough.
    """
    return -(-min(size) // largest_side)
