"""Several perceptrons in one network, for rows of a table."""

from typing import Any

import keras
import keras_tuner
import numpy as np
from keras import ops

from autonas.search_space import block, concatenation, members, ranges
from autonas.search_space.blocks import arguments, numbers, preprocessing


class TabMBlock(block.Block):
    """Several multi-layer perceptrons in one network: TabM-mini (Gorishniy et al. 2025).

    The members of the network share all dense layers. A member has its own scale of each column, drawn from N(0, 1),
    and its own output layer in the head. The loss is the mean of the losses of the members, and the prediction is the
    mean of their predictions. So the network is about as good as an average of networks that are trained one by one.

    Connected to a `StructuredDataInput`, the block embeds each numerical column, of at most 1,000, by a linear layer on
    its piecewise-linear encoding. Categories are one-hot, or embedded if a column has more than 32 of them. Words are
    embedded. Connected to another block, it takes the vector that the block returns. The output of the block has the
    shape `(n, members, units)` and belongs to a head.

    Args:
        members: Number of perceptrons, or a range. Defaults to a choice of 4, 8, 16 and 32.
        units: Number of units of a layer, or a range. Defaults to a choice of 64, 128, 256 and 512.
        depth: Number of layers, or an `Int` range. Defaults to a range from 1 to 4.
        bins: Largest number of bins of a numerical column, or a range. Defaults to a choice of 8, 16, 32, 64 and 128.
        dimension: Length of the embedding of a numerical column, or a range. Defaults to a choice of 8, 12, 16 and 24.
        activation: Name of the activation, or a range. Defaults to `"relu"`.
        dropout: Dropout rate after a layer, or a range. Defaults to a choice of 0, 0.1 and 0.25.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.StructuredDataInput()
    features = autonas.TabMBlock(members=8, units=128)(inputs)
    graph = autonas.Graph(inputs, autonas.RegressionHead()(features))
    ```
    """

    takes_raw_inputs = True

    def __init__(
        self,
        members: int | ranges.Range = ranges.Choice([4, 8, 16, 32], default=8),
        units: int | ranges.Range = ranges.Choice([64, 128, 256, 512], default=128),
        depth: int | ranges.Int = ranges.Int(1, 4, default=2),
        bins: int | ranges.Range = ranges.Choice([8, 16, 32, 64, 128], default=32),
        dimension: int | ranges.Range = ranges.Choice([8, 12, 16, 24], default=12),
        activation: str | ranges.Range = "relu",
        dropout: float | ranges.Range = ranges.Choice([0.0, 0.1, 0.25], default=0.0),
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.members = members
        self.units = units
        self.depth = depth
        self.bins = bins
        self.dimension = dimension
        self.activation = activation
        self.dropout = dropout

    def build(self, hp: keras_tuner.HyperParameters, inputs: Any) -> keras.KerasTensor:
        parts = self._columns(hp, inputs) if isinstance(inputs, dict) else _entries(self, inputs)
        encoded = concatenation.joined([part for part, _ in parts])
        columns = np.concatenate([column for _, column in parts])
        units, rate = self.suggest(hp, "units"), self.suggest(hp, "dropout")
        activation = self.suggest(hp, "activation")

        def layer(outputs: keras.KerasTensor) -> keras.KerasTensor:
            limit = outputs.shape[-1] ** -0.5
            uniform = keras.initializers.RandomUniform(-limit, limit)
            dense = keras.layers.Dense(units, activation, kernel_initializer=uniform, bias_initializer=uniform)
            outputs = dense(outputs)
            return keras.layers.Dropout(rate)(outputs) if rate else outputs

        outputs = _scaled(encoded, columns, self.suggest(hp, "members"))
        return members.mark(arguments.repeat(self, "depth", lambda index: layer)(hp, outputs))

    def _columns(
        self, hp: keras_tuner.HyperParameters, inputs: dict[str, keras.KerasTensor]
    ) -> list[tuple[keras.KerasTensor, np.ndarray]]:
        """Return the encodings of the columns of a table, each with the number of the column of each entry."""
        feature, parts, count = self.features[0], [], 0
        if "numbers" in inputs:
            count = inputs["numbers"].shape[-1]
            missing = np.flatnonzero(feature.statistics["missing"])
            imputed = numbers.impute(inputs["numbers"], feature)
            parts.append((imputed, np.concatenate([np.arange(count), missing])))
            if count <= numbers.MOST_COLUMNS:
                bins, dimension = self.suggest(hp, "bins"), self.suggest(hp, "dimension")
                embedded = numbers.embed(inputs["numbers"], feature, bins, dimension)
                parts.append((embedded, np.arange(count).repeat(dimension)))
        others = preprocessing.encode_categories(inputs, feature, "one_hot") if "categories" in inputs else []
        others += preprocessing.encode_words(inputs, feature)
        parts += [(part, np.full(part.shape[-1], column)) for column, part in enumerate(others, count)]
        return parts


def _entries(member: block.Block, inputs: Any) -> list[tuple[keras.KerasTensor, np.ndarray]]:
    """Return a vector whose entries are columns of their own."""
    if len(arguments.one_tensor(member, inputs).shape) != 2:
        inputs = keras.layers.Flatten()(inputs)
    return [(inputs, np.arange(inputs.shape[-1]))]


def _scaled(inputs: keras.KerasTensor, columns: np.ndarray, count: int) -> keras.KerasTensor:
    """Return vectors `(n, width)` times trainable scales of each member, `(n, count, width)`.

    At first, all entries of a column have the same scale.
    """
    layer = keras.layers.EinsumDense("bw,mw->bmw", output_shape=(count, len(columns)), kernel_initializer="ones")
    outputs = layer(inputs)
    scales = keras.initializers.RandomNormal(stddev=1.0)((count, int(columns.max()) + 1))
    layer.kernel.assign(ops.take(scales, columns, axis=1))
    return outputs
