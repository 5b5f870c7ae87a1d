"""Portfolio of initial architectures by kind of data, the cheapest first.

An entry is a dict of the hyperparameters that differ from the default architecture. The entries were selected by their
scores on digits, MNIST, Fashion-MNIST, Adult, California housing, TREC, rt-polarity, ECG5000 and Japanese vowels
(`benchmarks/time_to_quality.py`). The list for tables begins with boosted trees, which take a second or two. A linear
model, which is hard to beat on many small data sets, comes next. With many classes, linear models and networks come
first, and of more columns than rows, linear models and Gaussian processes. The list for series begins with ridge
regressions on the series and on the features of frozen kernels, which are fitted in closed form. Trees on intervals
follow, for levels, deviations and single steps, to which the kernels are mostly blind. The list for images begins with
ridge regressions on the features of random patches, a fast linear one and one with a kernel, of more patches, and, of
few images, on the pixels: a sum of pixels, such as the brightness of the image, is lost among many features. There are
as many patches as the time limit allows. On images of at most 16 pixels, networks are fast, and precede the larger
regression, which is linear. A frozen backbone, whose output is computed once for each row, is an early entry of few
images if its weights are on disk. Mirror images are used in the training on images that can't be distinguished from
their mirror images.
"""

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Any

import keras_tuner

from autonas.data import resolution
from autonas.search_space import dimension
from autonas.search_space.blocks import (
    forecast,
    hydra,
    image,
    kernel_ridge,
    random_patches,
    series_kernels,
    structured_data,
    text,
    time_series,
)
from autonas.search_space.graph import Graph
from autonas.search_space.values import Scalar


def _trees(rate: float, leaves: int, leaf_rows: int, l2: float, feature_share: float) -> dict[str, Scalar]:
    """Return the entry of boosted trees with some settings."""
    settings = {"learning_rate": rate, "leaves": leaves, "leaf_rows": leaf_rows, "l2": l2}
    settings["feature_share"] = feature_share
    return {"kind": "trees", **{f"kind_trees/{name}": value for name, value in settings.items()}}


#: The settings of trees are the sequence of `benchmarks/boosted_trees.py`, whose ensemble is the best of 32 random ones
#: over many tables: few leaves are better for few rows, many leaves for many rows. Which number of features of a split
#: is better for extremely randomised trees depends on the table.
_TABLE: list[dict[str, Scalar]] = [
    _trees(0.15, 4, 2, 1.0, 0.5),
    _trees(0.17, 63, 5, 1.0, 0.5),
    {"kind": "linear"},
    {"kind": "extra_trees"},
    {"kind": "tabm", "optimization/batch_size": 256, "optimization/learning_rate": 8e-3,
     "optimization/epochs_share": 2.0},
    {"kind": "lasso"},
    _trees(0.25, 4, 20, 30.0, 0.2),
    {"kind": "extra_trees", "kind_extra_trees/split_features": "all"},
    _trees(0.1, 63, 5, 1.0, 1.0),
    {"kind": "linear", "kind_linear/numbers": "piecewise_linear", "kind_linear/numbers_piecewise_linear/bins": 32},
    {"kind": "dense", "kind_dense/numbers": "periodic", "kind_dense/dropout": 0.1, "optimization/epochs_share": 0.5},
]  # fmt: skip

#: Number of outputs from which on linear models and networks come first. An iteration of boosted trees has a tree for
#: each output, so that there are few iterations, and samples and leaves have few rows of each of so many classes.
_MANY_OUTPUTS = 50
_ON_FEW_OUTPUTS = ("trees", "extra_trees", "gaussian_process")

#: Order of the kinds if a table has more columns than rows, of which a split of trees finds some that distinguish the
#: training rows by chance, and takes long.
_ON_MANY_COLUMNS = ("lasso", "linear", "gaussian_process", "extra_trees", "tabm", "dense", "trees")

#: Number of rows up to which a Gaussian process is one of the first candidates. It takes a sample of 1,500 rows, which
#: is enough where the target is smooth or rare.
_PROCESS_ROWS = 10_000

_TEXT: list[dict[str, Scalar]] = [
    {"kind": "linear", "kind_linear/ratios": True},
    {"kind": "linear"},
    {"kind": "bag", "kind_bag/dropout": 0.5, "optimization/epochs_share": 0.5},
    {"kind": "bag_and_convolution", "kind_bag_and_convolution/dropout": 0.0, "kind_bag_and_convolution/filters": 32,
     "optimization/epochs_share": 0.5, "optimization/learning_rate": 5e-3},
    {"kind": "convolution", "kind_convolution/dropout": 0.25, "optimization/epochs_share": 0.5,
     "optimization/learning_rate": 5e-3},
    {"kind": "bag", "kind_bag/dimension": 32, "kind_bag/dropout": 0.0, "optimization/epochs_share": 0.5,
     "optimization/learning_rate": 5e-3},
]  # fmt: skip


def _kernels(transform: str, groups: int = 0, size: int = 0, **further: Scalar) -> dict[str, Scalar]:
    """Return the entry of frozen kernels with some settings."""
    settings = {name: value for name, value in {"groups": groups, "size": size, **further}.items() if value}
    prefix = f"kind_kernels/transform_{transform}"
    return {"kind": "kernels", "kind_kernels/transform": transform} | {
        f"{prefix}/{name}": value for name, value in settings.items()
    }


#: The first kernels of a search on series, the fastest first. The largest that are fast enough follow the first entry,
#: and after them the largest for which there is time, if there is none for all kernels. Few kernels are hardly faster
#: than some thousands: most of the time is that of building and compiling.
_FIRST_KERNELS = [
    _kernels("both", groups, size) for groups, size in ((4, 500), (4, 1_000), (8, 1_000), (8, 2_500), (16, 5_000))
]
_ALL_KERNELS = _kernels("both", 64, 10_000)
#: Trees on intervals. Of few series they consider half of the features for a split, since few of them may matter.
_INTERVALS: dict[str, Scalar] = {"kind": "intervals", "kind_intervals/split_features": "half"}
_INTERVALS_OF_MANY: dict[str, Scalar] = {"kind": "intervals", "kind_intervals/split_features": "sqrt"}
_SERIES: list[dict[str, Scalar]] = [
    {"kind": "ridge"},
    {"kind": "ridge", "kind_ridge/difference": True},
    _ALL_KERNELS,
    _kernels("hydra", 64),
    _kernels("both", 64, 10_000, poolings="all"),
    _kernels("minirocket", size=10_000),
    _INTERVALS,
    {"kind": "lite"},
    {"kind": "convolution", "kind_convolution/filters": 128, "kind_convolution/depth": 2,
     "optimization/learning_rate": 1e-3},
    {"kind": "dense"},
    {"kind": "inception", "kind_inception/filters": 64},
    {"kind": "recurrent"},
]  # fmt: skip

#: The linear forecast without a correction comes first.
_FORECAST: list[dict[str, Scalar]] = [{"kind": "linear"}, *_SERIES]

#: Largest shares of the time limit of the first kernels, of more of them and of other kernels. The shares are without
#: compilation, and kernels for which the time is too short are fitted to a sample of the rows.
_FIRST_SHARE, _SECOND_SHARE, _LARGEST_SHARE = 0.15, 0.25, 0.3
#: Times of a kernel of Hydra and of a feature of MiniRocket, whose kernels have several, with one pooling and with all,
#: relative to the measured time of a response.
_HYDRA_RESPONSES, _MINIROCKET_RESPONSES, _MULTIROCKET_RESPONSES = 1.2, 0.35, 0.8
#: Number of rows from which on a fit takes a random sample of the rows if there is no time for all.
_SAMPLED_ROWS = 1500
#: Number of series up to which trees consider half of the features of a split, in some seconds.
_FEW_SERIES = 2000

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


@dataclasses.dataclass(frozen=True)
class Conditions:
    """Conditions of a search on which its first architectures depend.

    Args:
        n_rows: Number of training rows. With few rows, a pretrained backbone comes early, otherwise last, and tables
            have a Gaussian process. Defaults to 0.
        mirror_accuracy: How often an image is distinguished from its mirror image, see `data.mirror.accuracy`.
            Defaults to `None`: unknown.
        most_responses: Number of responses of kernels to steps of series that can be computed within the time limit of
            the search. The sizes of frozen kernels depend on it. Defaults to infinity.
        most_flops: FLOPs of matrix products that can be computed within the time limit, on which the numbers of random
            patches of images depend. Defaults to infinity.
    """

    n_rows: int = 0
    mirror_accuracy: float | None = None
    most_responses: float = math.inf
    most_flops: float = math.inf


def initial_points(
    graph: Graph, space: keras_tuner.HyperParameters, conditions: Conditions = Conditions()
) -> list[dict[str, Scalar]]:
    """Return the architectures with which a search of `graph` begins.

    Args:
        graph: A bound `Graph`. A block that has no entry in the portfolio keeps its default values.
        space: The space that `graph.declare` returned, a `keras_tuner.HyperParameters`.
        conditions: The `Conditions` of the search.

    Returns:
        A list of dicts from the name of a hyperparameter to its value. Only names and values in `space` occur.
    """
    dimensions = {declared.name: dimension.Dimension(declared) for declared in space.space}

    def is_legal(name: str, value: Scalar) -> bool:
        return name in dimensions and dimensions[name].is_legal(value)

    points_by_block, fitted_kinds = {}, {}
    for block in graph.blocks:
        name = graph.names[id(block)]
        # Skip entries of other families: only their training hyperparameters would apply to the block.
        all_points = _points(block, conditions)
        block_points = [point for point in all_points if is_legal(f"{name}/kind", point["kind"])]
        if block_points:
            points_by_block[name] = block_points
            fitted_kinds[name] = block.fitted_kinds
    if len(points_by_block) > 1:
        points_by_block = {
            name: _alternating(block_points, fitted_kinds[name]) for name, block_points in points_by_block.items()
        }
    points = []
    for position in range(max(map(len, points_by_block.values()), default=1)):
        point: dict[str, Scalar] = {}
        for name, block_points in points_by_block.items():
            for key, value in block_points[position % len(block_points)].items():
                if key.startswith("optimization/"):
                    full_names = [key]
                elif key.startswith("head/"):
                    full_names = [f"{head}/{key.removeprefix('head/')}" for head in graph.head_names]
                else:
                    full_names = [f"{name}/{key}"]
                for full_name in full_names:
                    if is_legal(full_name, value):
                        point[full_name] = value
        points.append(point)
    return points


def _alternating(points: list[dict[str, Scalar]], fitted_kinds: Sequence[str]) -> list[dict[str, Scalar]]:
    """Return the entries of a block beside other blocks, those of fitted models and of networks by turns.

    A fitted model predicts the target by its own input alone. What depends on several inputs together, only networks
    learn that are trained together, so that the networks of several blocks are in the same places.
    """
    fitted = [point for point in points if point["kind"] in fitted_kinds]
    networks = [point for point in points if point["kind"] not in fitted_kinds]
    if not fitted or not networks:
        return points
    pairs = zip(itertools.cycle(fitted), itertools.cycle(networks), strict=False)
    return list(itertools.chain.from_iterable(itertools.islice(pairs, max(len(fitted), len(networks)))))


def _points(block: Any, conditions: Conditions) -> list[dict[str, Scalar]]:
    """Return the entries of the portfolio for `block`: an empty list unless it is a default block."""
    points: list[dict[str, Scalar]] = []
    if isinstance(block, structured_data.StructuredDataBlock):
        points = _table(block, conditions)
    elif isinstance(block, text.TextBlock):
        points = _TEXT
    elif isinstance(block, forecast.ForecastBlock):
        points = _FORECAST
    elif isinstance(block, time_series.TimeSeriesBlock):
        points = _series(block.features[0].tensors["series"].shape[0], conditions)
    elif isinstance(block, image.ImageBlock):
        points = _images(block.features[0].tensors["image"].shape, conditions)
    return points


def _table(block: structured_data.StructuredDataBlock, conditions: Conditions) -> list[dict[str, Scalar]]:
    """Return the entries of the portfolio for a block of tables."""
    process: list[dict[str, Scalar]] = [{"kind": "gaussian_process"}] if conditions.n_rows <= _PROCESS_ROWS else []
    points = [_TABLE[0], *process, *_TABLE[1:]]
    numbers = block.features[0].tensors.get("numbers")
    if numbers is not None and numbers.shape[0] > conditions.n_rows > 0:
        return sorted(points, key=lambda point: _ON_MANY_COLUMNS.index(str(point["kind"])))
    if max(head.target.n_outputs for head in block.heads.values()) >= _MANY_OUTPUTS:
        return sorted([*_TABLE, *process], key=lambda point: point["kind"] in _ON_FEW_OUTPUTS)
    return points


def _series(length: int, conditions: Conditions) -> list[dict[str, Scalar]]:
    """Return the entries of the portfolio for series, without the kernels for which there is no time."""

    def share(point: dict[str, Scalar]) -> float:
        """Return the responses of an entry as a share of those possible."""
        prefix = f"kind_kernels/transform_{point.get('kind_kernels/transform')}"
        groups, size = (int(point.get(f"{prefix}/{name}", 0)) for name in ("groups", "size"))
        n_kernels = hydra.GROUP * groups * len(series_kernels.powers_of_two(length))
        of_feature = _MULTIROCKET_RESPONSES if point.get(f"{prefix}/poolings") == "all" else _MINIROCKET_RESPONSES
        n_responses = _HYDRA_RESPONSES * n_kernels + of_feature * size
        return min(conditions.n_rows, _SAMPLED_ROWS) * length * n_responses / conditions.most_responses

    first = [point for point in _FIRST_KERNELS if share(point) <= _FIRST_SHARE] or _FIRST_KERNELS[:1]
    ridge, *others = _SERIES
    if conditions.n_rows > _FEW_SERIES:
        others = [_INTERVALS_OF_MANY if point is _INTERVALS else point for point in others]
    others = [point for point in others if share(point) <= _LARGEST_SHARE]
    if _ALL_KERNELS not in others:
        affordable = [point for point in _FIRST_KERNELS if share(point) <= _SECOND_SHARE]
        others = [point for point in affordable[-1:] if point is not first[-1]] + others
    return [ridge, first[-1], *others]


def _images(shape: tuple[int, ...], conditions: Conditions) -> list[dict[str, Scalar]]:
    """Return the entries of the portfolio for images of some height, width and channels."""
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
