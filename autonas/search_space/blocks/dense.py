"""Multi-layer perceptrons."""

import keras
import keras_tuner

from autonas.search_space import block, ranges
from autonas.search_space.blocks import arguments, normalization


class DenseBlock(block.Block):
    """Multi-layer perceptron: a sequence of dense layers.

    The input is a vector `(n, width)`; a tensor of another rank is flattened. The output is a vector `(n, units)`.

    Args:
        units: Number of units of a layer, or a range. Defaults to a choice of 32, 64, 128, 256 and 512.
        depth: Number of layers, or an `Int` range. Defaults to a range from 1 to 3.
        activation: Name of the activation, or a range. Defaults to `"relu"`.
        batch_normalization: Whether to normalise before the activation, or a range. Defaults to `Boolean()`.
        dropout: Dropout rate after a layer, or a range. Defaults to a choice of 0, 0.1, 0.25 and 0.5.
        residual: Whether a layer whose input has `units` entries adds its output to its input, or a range. Defaults to
            `Boolean()`.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.StructuredDataInput()
    features = autonas.DenseBlock(units=autonas.Choice([64, 128]), depth=autonas.Int(1, 2), dropout=0.1)(inputs)
    graph = autonas.Graph(inputs, autonas.RegressionHead()(features))
    ```
    """

    def __init__(
        self,
        units: int | ranges.Range = ranges.Choice([32, 64, 128, 256, 512], default=128),
        depth: int | ranges.Int = ranges.Int(1, 3, default=2),
        activation: str | ranges.Range = "relu",
        batch_normalization: bool | ranges.Range = ranges.Boolean(),
        dropout: float | ranges.Range = ranges.Choice([0.0, 0.1, 0.25, 0.5], default=0.1),
        residual: bool | ranges.Range = ranges.Boolean(),
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.units = units
        self.depth = depth
        self.activation = activation
        self.batch_normalization = batch_normalization
        self.dropout = dropout
        self.residual = residual

    def build(self, hp: keras_tuner.HyperParameters, inputs: keras.KerasTensor) -> keras.KerasTensor:
        if len(arguments.one_tensor(self, inputs).shape) != 2:
            inputs = keras.layers.Flatten()(inputs)
        units = self.suggest(hp, "units")
        activation = self.suggest(hp, "activation")
        batch_normalization = self.suggest(hp, "batch_normalization")
        dropout = self.suggest(hp, "dropout")
        residual = self.suggest(hp, "residual")

        def layer(inputs: keras.KerasTensor) -> keras.KerasTensor:
            outputs = keras.layers.Dense(units, use_bias=not batch_normalization)(inputs)
            if batch_normalization:
                outputs = normalization.batch_normalization()(outputs)
            outputs = keras.layers.Activation(activation)(outputs)
            if dropout:
                outputs = keras.layers.Dropout(dropout)(outputs)
            if residual and inputs.shape[-1] == units:
                outputs = keras.layers.Add()([inputs, outputs])
            return outputs

        return arguments.repeat(self, "depth", lambda index: layer)(hp, inputs)
