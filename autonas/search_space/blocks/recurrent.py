"""Recurrent networks on time series."""

import keras
import keras_tuner
from keras import ops

from autonas.search_space import block, decisions, ranges
from autonas.search_space.blocks import arguments


class RecurrentBlock(block.Block):
    """Sequence of recurrent layers on a series.

    The input is a series `(n, time, channels)`. The output is the final state `(n, units)`, or with
    `return_sequences=True` the states of all steps `(n, time, units)`. A bidirectional network returns twice as many
    units; the final state of its backward direction is the state at the first step.

    Args:
        kind: Kind of the layers, `"lstm"`, `"gru"`, or a choice of these made for each layer. Defaults to a choice of
            both.
        units: Number of units of a layer in each direction, or a range. Defaults to a choice of 32, 64 and 128.
        depth: Number of layers, or an `Int` range. Defaults to a range from 1 to 2.
        bidirectional: Whether the layers are bidirectional, or a range. Defaults to `Boolean(default=True)`.
        dropout: Dropout rate on the input of a layer, or a range. Defaults to a choice of 0 and 0.25.
        return_sequences: Whether to return the states of all steps. Defaults to `False`.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.TimeSeriesInput()
    features = autonas.RecurrentBlock(kind="gru", units=autonas.Choice([32, 64]))(inputs)
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(features))
    ```
    """

    def __init__(
        self,
        kind: str | ranges.Range = ranges.Choice(["lstm", "gru"]),
        units: int | ranges.Range = ranges.Choice([32, 64, 128], default=64),
        depth: int | ranges.Int = ranges.Int(1, 2),
        bidirectional: bool | ranges.Range = ranges.Boolean(default=True),
        dropout: float | ranges.Range = ranges.Choice([0.0, 0.25]),
        return_sequences: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.kind = kind
        self.units = units
        self.depth = depth
        self.bidirectional = bidirectional
        self.dropout = dropout
        self.return_sequences = return_sequences

    def build(self, hp: keras_tuner.HyperParameters, inputs: keras.KerasTensor) -> keras.KerasTensor:
        inputs = arguments.tensor_of_rank(self, inputs, 3)
        units = self.suggest(hp, "units")
        bidirectional = self.suggest(hp, "bidirectional")
        dropout = self.suggest(hp, "dropout")

        def recurrent(layer_class: type[keras.Layer]) -> decisions.Layer:
            layer = layer_class(units, return_sequences=True)
            return keras.layers.Bidirectional(layer) if bidirectional else layer

        candidates = {
            "lstm": lambda: recurrent(keras.layers.LSTM),
            "gru": lambda: recurrent(keras.layers.GRU),
        }

        def layer(inputs: keras.KerasTensor) -> keras.KerasTensor:
            # A separate layer, as the `dropout` argument of a recurrent layer rules out the fused kernel on a GPU.
            if dropout:
                inputs = keras.layers.Dropout(dropout)(inputs)
            return arguments.choose(self, "kind", candidates)(hp, inputs)

        outputs = arguments.repeat(self, "depth", lambda index: layer)(hp, inputs)
        if self.suggest(hp, "return_sequences"):
            return outputs
        if bidirectional:
            return ops.concatenate([outputs[:, -1, :units], outputs[:, 0, units:]], axis=-1)
        return outputs[:, -1]
