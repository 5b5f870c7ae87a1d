"""Residual multi-layer perceptrons for tables."""

from collections.abc import Callable

import keras
import keras_tuner

from autonas.search_space import block, decisions, ranges
from autonas.search_space.blocks import arguments, normalization

_NORMALIZATIONS = {
    "batch": normalization.batch_normalization,
    "layer": lambda: keras.layers.LayerNormalization(),
}


class ResidualMLPBlock(block.Block):
    """Residual multi-layer perceptron for tables (Gorishniy et al. 2021).

    The input is a vector `(n, width)`; a tensor of another rank is flattened. The output is a vector `(n, units)`. A
    dense layer projects the input to `units`. A residual layer computes

        x + dense(dropout(hidden(normalization(x))))

    The output of the last layer is normalised and activated.

    Args:
        units: Width of the residual stream, or a range. Defaults to a choice of 64, 128 and 256.
        depth: Number of residual layers, or an `Int` range. Defaults to a range from 1 to 4.
        kind: Kind of `hidden` in a layer: `"dense"` (dense layer and activation), `"gated"` (gated linear unit, Dauphin
            et al. 2017), `"identity"` (the whole residual layer is an identity), or a choice of these made for each
            layer. Defaults to a choice of all.
        multiple: Ratio of the width of `hidden` to `units`, or a range. The value is chosen for each layer. Defaults to
            a choice of 1, 2 and 4.
        dropout: Dropout rate after `hidden`, or a range. The value is chosen for each layer. Defaults to a choice of 0,
            0.1, 0.25 and 0.5.
        normalization: Kind of the normalisation, `"batch"`, `"layer"`, or a choice of these. Defaults to a choice of
            both.
        activation: Name of the activation, or a range. Defaults to `"relu"`.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.StructuredDataInput()
    features = autonas.ResidualMLPBlock(units=64, kind=autonas.Choice(["dense", "gated"]))(inputs)
    graph = autonas.Graph(inputs, autonas.RegressionHead()(features))
    ```
    """

    def __init__(
        self,
        units: int | ranges.Range = ranges.Choice([64, 128, 256], default=128),
        depth: int | ranges.Int = ranges.Int(1, 4, default=2),
        kind: str | ranges.Range = ranges.Choice(["dense", "gated", "identity"]),
        multiple: int | ranges.Range = ranges.Choice([1, 2, 4], default=2),
        dropout: float | ranges.Range = ranges.Choice([0.0, 0.1, 0.25, 0.5], default=0.1),
        normalization: str | ranges.Range = ranges.Choice(["batch", "layer"]),
        activation: str | ranges.Range = "relu",
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.units = units
        self.depth = depth
        self.kind = kind
        self.multiple = multiple
        self.dropout = dropout
        self.normalization = normalization
        self.activation = activation

    def build(self, hp: keras_tuner.HyperParameters, inputs: keras.KerasTensor) -> keras.KerasTensor:
        if len(arguments.one_tensor(self, inputs).shape) != 2:
            inputs = keras.layers.Flatten()(inputs)
        units = self.suggest(hp, "units")
        normalization = self.suggest(hp, "normalization")
        arguments.check_label(self, "normalization", normalization, _NORMALIZATIONS)
        activation = self.suggest(hp, "activation")

        def dense(inputs: keras.KerasTensor, units: int) -> keras.KerasTensor:
            return keras.layers.Dense(units, activation=activation)(inputs)

        def gated(inputs: keras.KerasTensor, units: int) -> keras.KerasTensor:
            gate = keras.layers.Dense(units, activation="sigmoid")(inputs)
            return keras.layers.Multiply()([keras.layers.Dense(units)(inputs), gate])

        def unit(hidden: Callable[[keras.KerasTensor, int], keras.KerasTensor]) -> Callable[[], decisions.Layer]:
            def layer(inputs: keras.KerasTensor) -> keras.KerasTensor:
                width = arguments.width(self, "multiple", hp, lambda multiple: round(multiple * units))
                dropout = self.suggest(hp, "dropout")
                outputs = width.narrow(hidden(_NORMALIZATIONS[normalization]()(inputs), width.units))
                if dropout:
                    outputs = keras.layers.Dropout(dropout)(outputs)
                return keras.layers.Add()([inputs, keras.layers.Dense(units)(outputs)])

            return lambda: layer

        # The candidates declare `multiple` and `dropout` themselves, so that both depend on the kind of the layer and
        # the identity has neither.
        candidates = {"dense": unit(dense), "gated": unit(gated), "identity": keras.layers.Identity}

        def make_layer(index: int) -> decisions.Layer:
            return lambda inputs: arguments.choose(self, "kind", candidates)(hp, inputs)

        outputs = arguments.repeat(self, "depth", make_layer)(hp, keras.layers.Dense(units)(inputs))
        return keras.layers.Activation(activation)(_NORMALIZATIONS[normalization]()(outputs))
