"""Entries of the portfolio for images.

The list begins with ridge regressions on the features of random patches, a fast linear one and one with a kernel, of
more patches, and, of few images, on the pixels: a sum of pixels, such as the brightness of the image, is lost among
many features. There are as many patches as the time limit allows. On images of at most 16 pixels, networks are fast,
and precede the larger regression, which is linear. A frozen backbone, whose output is computed once for each row, is an
early entry of few images if its weights are on disk. Mirror images are used in the training on images that can't be
distinguished from their mirror images.
"""

from autonas.data import resolution
from autonas.search_space.blocks import image, kernel_ridge, random_patches
from autonas.search_space.portfolio.conditions import Conditions
from autonas.search_space.values import Scalar

_SMALL_IMAGES: list[dict[str, Scalar]] = [
    {"kind": "dense"},
    {"kind": "convolution", "translation": 0.1, "kind_convolution/depth": 2, "kind_convolution/depth_0/layers": 2,
     "kind_convolution/depth_1/layers": 2},
    {"kind": "residual", "translation": 0.1},
    {"kind": "convolution", "kind_convolution/depth": 2},
]  # fmt: skip

_SPEEDRUN: dict[str, Scalar] = {
    "kind": "speedrun",
    "kind_speedrun/width": 1,
    "translation": 0.1,
    "head/label_smoothing": 0.2,
    "optimization/optimizer": "convolution_muon",
    "optimization/batch_size": 64,
    "optimization/learning_rate": 5e-3,
    "optimization/epochs_share": 0.5,
}

#: The largest shares of the time limit for the features by random patches of the first candidate and of a later one.
_FIRST_PATCHES_SHARE, _PATCHES_SHARE = 0.05, 0.2
#: Largest number of features of random patches, of which a regression takes some seconds.
_MOST_PATCH_FEATURES = 4000

#: Number of rows by whose features the number of random patches is chosen. Fewer patches for all of more rows are less
#: accurate than as many patches for a sample.
_PATCHES_ROWS = 10_000
#: Largest number of training and validation rows together, relative to the training rows.
_ALL_ROWS = 1.3

_DENSE: dict[str, Scalar] = {"kind": "dense", "optimization/epochs_share": 0.25, "optimization/batch_size": 256}
_PRETRAINED: dict[str, Scalar] = {"kind": "pretrained"}
_PIXELS: dict[str, Scalar] = {"kind": "ridge"}

#: Accuracy of distinguishing images from mirror images, up to which mirror images are further examples, and from which
#: on they are no examples. Between the two, candidates with and without mirror images are compared, if there is time.
_SAME_AS_MIRRORED, _UNLIKE_MIRRORED = 0.6, 0.85

#: Number of rows up to which a regression on the pixels and a pretrained backbone come early. More rows are enough for
#: networks to learn the former. The output of the latter takes 6 to 13 ms a row on one core.
_FEW_ROWS = 2000


def entries(shape: tuple[int, ...], conditions: Conditions) -> list[dict[str, Scalar]]:
    """Return the entries for images of some height, width and channels."""
    accuracy = conditions.mirror_accuracy
    flips = [False, True]
    if accuracy is not None and accuracy <= _SAME_AS_MIRRORED:
        flips = [True]
    elif accuracy is not None and accuracy >= _UNLIKE_MIRRORED:
        flips = [False]
    first, *more = _patches(shape, conditions, mirrored=flips[-1])
    has_few_rows = conditions.n_rows <= _FEW_ROWS
    linear = [_PIXELS] if has_few_rows else []
    if max(shape[:2]) <= image.SMALL_IMAGE:
        return [first, *linear, *_SMALL_IMAGES, *more]
    fast = [_SPEEDRUN | {"horizontal_flip": flip} for flip in flips]
    if min(shape[:2]) > resolution.SMALL_SIDE:
        # A quarter of the pixels takes a quarter of the time. The whole images come last, if there is time.
        fast = [point | {"kind_speedrun/largest_side": resolution.SMALL_SIDE} for point in fast] + fast[-1:]
    if has_few_rows:
        return [first, *linear, _PRETRAINED, *more, *fast, _DENSE]
    return [first, *more, *fast, _DENSE, _PRETRAINED]


def _patches(shape: tuple[int, ...], conditions: Conditions, mirrored: bool) -> list[dict[str, Scalar]]:
    """Return the entries of random patches: a fast linear regression, and one of more patches, mostly with a kernel."""
    stride = resolution.stride(shape[:2])
    size = tuple(-(-side // stride) for side in shape[:2])
    n_rows = min(conditions.n_rows, _PATCHES_ROWS)
    numbers = [int(number) for number in random_patches.FILTERS.values]
    kernels = [random_patches.Kernels((*size, shape[2]), filters, mirrored) for filters in numbers]

    def most(share: float) -> int:
        """Return the largest number of kernels whose features take at most a share of the time, or the smallest one."""
        fast = [
            one.filters
            for one in kernels
            if one.work * n_rows <= share * conditions.most_flops and one.n_features <= _MOST_PATCH_FEATURES
        ]
        return max(fast, default=numbers[0])

    # The features of small images are many more than their pixels, and a linear regression on them is as accurate.
    larger = "kernel" if max(shape[:2]) > image.SMALL_IMAGE else "linear"
    entries = [("linear", most(_FIRST_PATCHES_SHARE)), (larger, most(_PATCHES_SHARE))]
    sizes = [int(size) for size in kernel_ridge.ROWS.values]
    # The weights of rows that there aren't would take memory.
    n_weights = min((size for size in sizes if size >= _ALL_ROWS * conditions.n_rows), default=sizes[-1])
    # The entry of a linear regression has no number of rows, which isn't active.
    point: dict[str, Scalar] = {"kind": "patches", "horizontal_flip": mirrored}
    return [
        point
        | {"kind_patches/filters": n, "kind_patches/regression": name}
        | ({"kind_patches/regression_kernel/rows": n_weights} if name == "kernel" else {})
        for name, n in dict.fromkeys(entries)
    ]
