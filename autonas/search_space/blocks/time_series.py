"""Default block for time series."""

import functools
from typing import Any

import keras
import keras_tuner
from keras import ops

from autonas.search_space import block, ranges
from autonas.search_space.blocks import (
    convolution_1d,
    dense,
    hydra,
    minirocket,
    preprocessing,
    recurrent,
    ridge,
    spaces,
)


class TimeSeriesBlock(block.Block):
    """Normalisation of time series, followed by a network that returns a vector.

    Args:
        kind: Family of the network, `"linear"` (the flattened series), `"dense"`, `"convolution"` or `"recurrent"`, or
            `"kernels"` (a `RidgeBlock` on the features of a `HydraBlock`, a `MiniRocketBlock` or both), or the name of
            a space of architectures, `"chain"`, `"cell"`, `"hierarchical"` or `"layered"`. Defaults to `None`: the
            search chooses the family.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.TimeSeriesInput()
    features = autonas.TimeSeriesBlock(kind="recurrent")(inputs)
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(features))
    ```
    """

    takes_raw_inputs = True
    fitted_kinds = ("kernels",)

    def __init__(
        self,
        kind: str | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.kind = kind

    def drawing(self, prefix: str) -> list[dict[str, Any]]:
        return spaces.drawing(self.kind, prefix)

    def build(self, hp: keras_tuner.HyperParameters, inputs: Any) -> keras.KerasTensor:
        normalization = preprocessing.Normalization()
        normalization.features = self.features
        series = normalization.build(hp, inputs)
        families = {
            "linear": lambda: keras.layers.Flatten(),
            "dense": lambda: functools.partial(dense.DenseBlock().build, hp),
            "convolution": lambda: functools.partial(self._convolution, hp, inputs),
            "recurrent": lambda: functools.partial(recurrent.RecurrentBlock(depth=ranges.Int(1, 2)).build, hp),
        }
        if self.kind == "kernels" or ridge.unsuitable(self) is None:
            families["kernels"] = lambda: lambda _: self._kernels(hp, inputs)
        return spaces.family(self.kind, families, spaces.of_maps_and_series(hp))(hp, series)

    def _kernels(self, hp: keras_tuner.HyperParameters, raw: Any) -> keras.KerasTensor:
        """Apply a ridge regression or classification to the features of frozen kernels."""
        transform = hp.Choice("transform", ["hydra", "minirocket", "both"])
        competing, fixed, head = hydra.HydraBlock(), minirocket.MiniRocketBlock(), ridge.RidgeBlock()
        for member in (competing, fixed, head):
            member.features, member.heads, member.in_memory = self.features, self.heads, self.in_memory
        features = []
        if transform != "minirocket":
            with hp.conditional_scope("transform", ["hydra", "both"]):
                features.append(competing.build(hp, raw))
        if transform != "hydra":
            features.append(fixed.build(hp, raw))
        return head.build(hp, ops.concatenate(features, axis=-1) if len(features) > 1 else features[0])

    def _convolution(self, hp: keras_tuner.HyperParameters, raw: Any, series: keras.KerasTensor) -> keras.KerasTensor:
        """Apply a convolutional network and concatenate the mean over the observed steps with the maximum over all."""
        network = convolution_1d.Convolution1DBlock(downsampling=False)
        outputs = network.build(hp, series)
        if not self.features[0].statistics.get("has_missing", False):
            pooled = ops.mean(outputs, axis=1)
        else:
            observed = ops.cast(ops.any(ops.logical_not(ops.isnan(raw)), axis=-1, keepdims=True), "float32")
            pooled = ops.sum(outputs * observed, axis=1) / ops.maximum(ops.sum(observed, axis=1), 1.0)
        return ops.concatenate([pooled, ops.max(outputs, axis=1)], axis=-1)
