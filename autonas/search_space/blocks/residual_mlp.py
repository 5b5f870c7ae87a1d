"""Residual networks of dense layers on a vector, such as an encoded row of a table."""

import keras

from autonas.search_space import block, ranges
from autonas.search_space.blocks import arguments

_NORMALIZATIONS = {
    "batch": lambda: keras.layers.BatchNormalization(momentum=0.9),
    "layer": lambda: keras.layers.LayerNormalization(),
}


class ResidualMLPBlock(block.Block):
    """A residual multi-layer perceptron for tables (Gorishniy et al. 2021), whose layers each choose their own kind.

    Takes `(n, width)`; anything else is flattened first. Returns `(n, units)`. The input is projected to `units`; then
    each layer adds to its input what a hidden layer makes of it:

        x + dense(dropout(hidden(normalization(x))))

    and the last sum is normalised and activated.

    Args:
        units: Width of the vector that passes through all layers, or a range. Defaults to a choice of 64, 128 and 256.
        depth: Number of layers, or an `Int` range. Defaults to 1 to 4.
        kind: How a layer makes its hidden vector, one label or a choice of them, taken anew for each layer: `"dense"`
            (a dense layer and the activation), `"gated"` (the product of a dense layer and a sigmoid one, a gated
            linear unit, Dauphin et al. 2017) or `"identity"` (the layer does nothing). Defaults to all.
        multiple: Width of a layer's hidden vector, as a multiple of `units`, or a range; of each layer its own.
            Defaults to a choice of 1, 2 and 4.
        dropout: Rate of the dropout on a layer's hidden vector, or a range; of each layer its own. Defaults to a choice
            of 0, 0.1, 0.25 and 0.5.
        normalization: `"batch"`, `"layer"` or a choice of them. Defaults to both.
        activation: Name of the activation, or a range. Defaults to `"relu"`.
        name: Name of the block.
    """

    def __init__(
        self,
        units=ranges.Choice([64, 128, 256], default=128),
        depth=ranges.Int(1, 4, default=2),
        kind=ranges.Choice(["dense", "gated", "identity"]),
        multiple=ranges.Choice([1, 2, 4], default=2),
        dropout=ranges.Choice([0.0, 0.1, 0.25, 0.5], default=0.1),
        normalization=ranges.Choice(["batch", "layer"]),
        activation="relu",
        name=None,
    ):
        super().__init__(name)
        self.units = units
        self.depth = depth
        self.kind = kind
        self.multiple = multiple
        self.dropout = dropout
        self.normalization = normalization
        self.activation = activation

    def build(self, hp, inputs):
        if len(arguments.one_tensor(self, inputs).shape) != 2:
            inputs = keras.layers.Flatten()(inputs)
        units = self.suggest(hp, "units")
        normalization = self.suggest(hp, "normalization")
        arguments.check_label(self, "normalization", normalization, _NORMALIZATIONS)
        activation = self.suggest(hp, "activation")

        def dense(inputs, units):
            return keras.layers.Dense(units, activation=activation)(inputs)

        def gated(inputs, units):
            gate = keras.layers.Dense(units, activation="sigmoid")(inputs)
            return keras.layers.Multiply()([keras.layers.Dense(units)(inputs), gate])

        def unit(hidden):
            def layer(inputs):
                width = arguments.width(self, "multiple", hp, lambda multiple: round(multiple * units))
                dropout = self.suggest(hp, "dropout")
                outputs = width.narrow(hidden(_NORMALIZATIONS[normalization]()(inputs), width.units))
                if dropout:
                    outputs = keras.layers.Dropout(dropout)(outputs)
                return keras.layers.Add()([inputs, keras.layers.Dense(units)(outputs)])

            return lambda: layer

        # Candidates are whole layers, so that each has the width and dropout that suit its kind, and identity none.
        candidates = {"dense": unit(dense), "gated": unit(gated), "identity": keras.layers.Identity}

        def make_layer(index):
            return lambda inputs: arguments.choose(self, "kind", candidates)(hp, inputs)

        outputs = arguments.repeat(self, "depth", make_layer)(hp, keras.layers.Dense(units)(inputs))
        return keras.layers.Activation(activation)(_NORMALIZATIONS[normalization]()(outputs))
