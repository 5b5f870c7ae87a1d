"""Reductions of feature maps and series to vectors."""

import keras
import keras_tuner
from keras import ops

from autonas.search_space import block, decisions

_POOLING = {
    3: (keras.layers.GlobalAveragePooling1D, keras.layers.GlobalMaxPooling1D),
    4: (keras.layers.GlobalAveragePooling2D, keras.layers.GlobalMaxPooling2D),
}


class Reduction(block.Block):
    """Reduction of a series `(n, time, channels)` or a feature map `(n, height, width, channels)` to a vector.

    Args:
        kind: `"average"`, `"max"`, `"both"` (concatenation of average and maximum) or `"flatten"`. Defaults to `None`:
            the search chooses.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.ImageInput()
    features = autonas.Reduction(kind="both")(autonas.ConvolutionBlock()(inputs))
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(features))
    ```
    """

    def __init__(
        self,
        kind: str | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.kind = kind

    def build(self, hp: keras_tuner.HyperParameters, inputs: keras.KerasTensor) -> keras.KerasTensor:
        if len(inputs.shape) == 2:
            return inputs
        return decisions.LayerChoice("kind", candidates(len(inputs.shape), self.kind))(hp, inputs)


def candidates(rank: int, kind: str | None = None) -> decisions.Candidates:
    """Return the reductions as candidates of a `LayerChoice`.

    Args:
        rank: Number of dimensions of the tensor, batch included: 3 or 4.
        kind: Label of the only candidate, or `None` for all reductions.
    """
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


def to_vector(inputs: keras.KerasTensor) -> keras.KerasTensor:
    """Return the average of `inputs` over space or time, or `inputs` if it is a vector already."""
    rank = len(inputs.shape)
    return inputs if rank == 2 else candidates(rank, "average")["average"]()(inputs)


def to_float32_vector(inputs: keras.KerasTensor) -> keras.KerasTensor:
    """Return `to_vector` of `inputs` in float32, the precision of fitted weights under any precision policy."""
    return keras.layers.Identity(dtype="float32")(to_vector(inputs))
