"""Reductions: from a feature map to a vector."""

import keras
from keras import ops

from autonas.search_space import block, decisions

_POOLING = {
    3: (keras.layers.GlobalAveragePooling1D, keras.layers.GlobalMaxPooling1D),
    4: (keras.layers.GlobalAveragePooling2D, keras.layers.GlobalMaxPooling2D),
}


class Reduction(block.Block):
    """Reduces a series `(n, time, channels)` or a feature map `(n, height, width, channels)` to a vector.

    Args:
        kind: `"average"`, `"max"`, `"both"` (average and maximum side by side) or `"flatten"`; `None` lets the search
            choose. Defaults to `None`.
        name: Name of the block.
    """

    def __init__(self, kind=None, name=None):
        super().__init__(name)
        self.kind = kind

    def build(self, hp, inputs):
        if len(inputs.shape) == 2:
            return inputs
        return decisions.LayerChoice("kind", candidates(len(inputs.shape), self.kind))(hp, inputs)


def candidates(rank, kind=None):
    """The reductions of tensors of `rank` dimensions, the batch's included, as candidates of a `LayerChoice`."""
    average, maximum = _POOLING[rank]
    known = {
        "average": lambda: average(),
        "max": lambda: maximum(),
        "both": lambda: lambda inputs: ops.concatenate([average()(inputs), maximum()(inputs)], axis=-1),
        "flatten": lambda: keras.layers.Flatten(),
    }
    if kind is not None and kind not in known:
        raise ValueError(f"`kind` must be one of {list(known)} or None. Received: kind={kind!r}")
    return known if kind is None else {kind: known[kind]}


def to_vector(inputs):
    """Average over space or time, if there is any."""
    rank = len(inputs.shape)
    return inputs if rank == 2 else candidates(rank, "average")["average"]()(inputs)
