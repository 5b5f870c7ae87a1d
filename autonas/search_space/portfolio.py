"""The portfolio: architectures to begin a search with, by kind of data, the cheapest first.

Each is a dict of the values that differ from the default architecture, as measured to be good beginnings on digits,
MNIST, Fashion-MNIST, Adult, California housing, TREC, rt-polarity, ECG5000 and Japanese vowels
(`benchmarks/time_to_quality.py`). A linear model is among the first wherever one is hard to beat.
"""

from autonas.search_space.blocks import image, structured_data, text, time_series

_SMALL_IMAGE = 16

_TABLE = [
    {"kind": "linear"},
    {"kind": "dense", "numbers": "piecewise_linear"},
    {"kind": "linear", "numbers": "piecewise_linear"},
    {"kind": "dense", "numbers": "piecewise_linear", "categories": "embedding", "kind_dense/dropout": 0.25,
     "optimization/epochs_share": 0.5},
    {"kind": "dense", "kind_dense/depth": 3, "optimization/learning_rate": 1e-3},
    {"kind": "dense", "numbers": "periodic", "kind_dense/dropout": 0.1},
]  # fmt: skip

_TEXT = [
    {"kind": "bag", "dropout": 0.5, "optimization/epochs_share": 0.5, "optimization/learning_rate": 1e-3},
    {"kind": "bag_and_convolution", "dropout": 0.25, "optimization/epochs_share": 0.5},
    {"kind": "bag", "dimension": 32, "dropout": 0.5},
    {"kind": "convolution", "dimension": 128, "dropout": 0.5, "kind_convolution/filters": 128,
     "optimization/learning_rate": 1e-3},
]  # fmt: skip

_SERIES = [
    {"kind": "linear"},
    {"kind": "dense"},
    {"kind": "convolution", "kind_convolution/filters": 128, "kind_convolution/depth": 2,
     "optimization/learning_rate": 1e-3},
    {"kind": "convolution"},
    {"kind": "recurrent"},
]  # fmt: skip

_FLAT_CONVOLUTION = {
    "kind": "convolution",
    "kind_convolution/depth": 2,
    "kind_convolution/reduction/kind": "flatten",
    "head/dropout": 0.5,
}

_SMALL_IMAGES = [
    {"kind": "dense"},
    {"kind": "convolution", "translation": 0.1, "kind_convolution/depth": 2, "kind_convolution/depth_0/layers": 2,
     "kind_convolution/depth_1/layers": 2},
    {"kind": "residual", "translation": 0.1},
    {"kind": "convolution", "kind_convolution/depth": 2},
]  # fmt: skip

_IMAGES = [
    {"kind": "dense", "optimization/epochs_share": 0.25},
    _FLAT_CONVOLUTION | {"optimization/epochs_share": 0.25},
    _FLAT_CONVOLUTION | {"optimization/epochs_share": 0.5, "horizontal_flip": True},
    _FLAT_CONVOLUTION | {"optimization/epochs_share": 0.5, "translation": 0.1, "kind_convolution/depth": 3},
    {"kind": "residual", "optimization/epochs_share": 0.5, "horizontal_flip": True, "kind_residual/dropout": 0.1},
]  # fmt: skip


def initial_points(graph, space):
    """Architectures to begin with.

    Args:
        graph: A bound `Graph`. Blocks that aren't default blocks, or of a family without a point, keep their default
            values.
        space: Its space.

    Returns:
        A list of dicts of values by name; names that the graph doesn't have are left out.
    """
    names = {hyperparameter.name for hyperparameter in space.space}
    by_block = {graph.names[id(block)]: _points(block) for block in graph.blocks if _points(block)}
    points = []
    for position in range(max(map(len, by_block.values()), default=1)):
        point = {}
        for name, of_block in by_block.items():
            for key, value in of_block[position % len(of_block)].items():
                if key.startswith("optimization/"):
                    full_names = [key]
                elif key.startswith("head/"):
                    full_names = [f"{head}/{key.removeprefix('head/')}" for head in graph.head_names]
                else:
                    full_names = [f"{name}/{key}"]
                point.update((full_name, value) for full_name in full_names if full_name in names)
        points.append(point)
    return points


def _points(block):
    """The architectures of the portfolio that a block can be; none if it is no default block."""
    points = []
    if isinstance(block, structured_data.StructuredDataBlock):
        points = _TABLE
    elif isinstance(block, text.TextBlock):
        points = _TEXT
    elif isinstance(block, time_series.TimeSeriesBlock):
        points = _SERIES
    elif isinstance(block, image.ImageBlock):
        height, width = block.features[0].tensors["image"].shape[:2]
        points = _SMALL_IMAGES if max(height, width) <= _SMALL_IMAGE else _IMAGES
    # A block of another family, such as a named space, would keep the settings of the training alone.
    return [point for point in points if block.kind in (None, point["kind"])]
