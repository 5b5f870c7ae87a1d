"""Mirrored images: how well held-out images of a class can be distinguished from their mirror images."""

import numpy as np

#: Number of images at most that are compared, and largest side: of larger images, every second pixel or fewer.
_ROWS, _SIDE = 5000, 32


def accuracy(images, labels, rows, generator):
    """Return how often an image is distinguished from its mirror image, between about 0.5 and 1.

    Let a be the difference of an image and its mirror image, and m the mean of a over the images of a class in one half
    of the rows. An image of that class in the other half is distinguished from its mirror image if m . a > 0. The
    halves are used in both ways. The result is near 0.5 for photographs of objects (0.51 for CIFAR-10), whose mirror
    images are further examples, and near 1 for characters (0.91 for MNIST).

    Args:
        images: Array `(n, height, width, channels)`.
        labels: Class numbers, `(n,)`.
        rows: Indices of the images to compare, of which a random sample is used.
        generator: A `numpy.random.Generator` for the halves.

    Returns:
        A float; `None` if no class has two images in each half.
    """
    rows = generator.permutation(rows)[:_ROWS]
    step = -(-max(images.shape[1:3]) // _SIDE)
    # The columns are at equal distances from both borders.
    margin = (images.shape[2] - 1) % step // 2
    images, labels = images[rows, ::step, margin::step].astype("float32"), labels[rows]
    differences = (images - images[:, :, ::-1])[:, :, : images.shape[2] // 2].reshape(len(rows), -1)
    is_first = np.arange(len(rows)) % 2 == 0
    is_distinguished = []
    for label in np.unique(labels):
        halves = [differences[(labels == label) & half] for half in (is_first, ~is_first)]
        if min(map(len, halves)) >= 2:
            is_distinguished += [other @ one.mean(axis=0) > 0 for one, other in (halves, halves[::-1])]
    return float(np.concatenate(is_distinguished).mean()) if is_distinguished else None
