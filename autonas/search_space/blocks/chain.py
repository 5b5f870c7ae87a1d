"""Chains of operations, the kind of each layer and its skip connection chosen by the search."""

import keras

from autonas.search_space import block, decisions, ranges
from autonas.search_space.blocks import arguments, operations

_OPERATIONS = [
    "convolution_3",
    "convolution_5",
    "separable_3",
    "separable_5",
    "max_pooling_3",
    "average_pooling_3",
    "identity",
]


class ChainBlock(block.Block):
    """Layers one after the other, each any operation, with skip connections: as ENAS's macro space (Pham et al. 2018).

    Takes images `(n, height, width, channels)` or series `(n, time, channels)`, returns a map or a series. A
    convolution comes first; images of more than 64 pixels are shrunk by it. Every `interval` layers, one works with
    stride 2 on doubled filters, as long as two pixels (four steps) are left; there is no skip connection across it.

    Where ENAS decides on each earlier layer by itself, a layer here adds one earlier tensor at most: so the number of
    decisions grows with the depth and not with its square.

    Args:
        filters: Filters of the first layers, or a range. Defaults to a choice of 16, 32 and 64.
        depth: Number of layers, or an `Int` range. Defaults to 2 to 6.
        operations: List of names of operations (`"convolution_3"`, `"separable_5"`, ...) that each layer chooses
            from, the one of the default architecture first. Defaults to convolutions and separable ones of sides 3
            and 5, poolings and the identity.
        skip: What a layer adds to its output: `"none"`, `"residual"` (its input) or `"any"`: the search decides for
            each layer on nothing (0) or the tensor 1, 2, ... layers back in the same stage. Defaults to `"any"`.
        interval: Number of layers of a stage. Defaults to 2.
        max_filters: Bound of the doubling. Defaults to 256.
        name: Name of the block.
    """

    def __init__(
        self,
        filters=ranges.Choice([16, 32, 64], default=32),
        depth=ranges.Int(2, 6, default=4),
        operations=None,
        skip="any",
        interval=2,
        max_filters=256,
        name=None,
    ):
        super().__init__(name)
        self.filters = filters
        self.depth = depth
        self.operations = operations
        self.skip = skip
        self.interval = interval
        self.max_filters = max_filters

    def build(self, hp, inputs):
        inputs = arguments.tensor_of_rank(self, inputs, 3, 4)
        arguments.check_label(self, "skip", self.skip, ["none", "residual", "any"])
        arguments.check_whole_number(self, "interval", 1)
        filters = self.suggest(hp, "filters")
        names = operations.of_block(self, _OPERATIONS)
        outputs = operations.stem(inputs, filters)
        n_stages = operations.max_stages(outputs)
        earlier = []

        def make_layer(index):
            stage = min(index // self.interval, n_stages - 1)
            reduces = stage > 0 and index == stage * self.interval
            width = min(filters * 2**stage, self.max_filters)
            candidates = operations.candidates(names, len(inputs.shape), width, 2 if reduces else 1)

            def layer(inputs):
                earlier[:] = [] if reduces else [inputs, *earlier]
                outputs = decisions.LayerChoice("operation", candidates)(hp, inputs)
                return self._add(hp, outputs, earlier)

            return layer

        return operations.finish(arguments.repeat(self, "depth", make_layer)(hp, outputs))

    def drawing(self, prefix):
        depth = self.depth.max_value if isinstance(self.depth, ranges.Int) else self.depth
        edges = []
        for index in range(depth):
            layer = {"source": index, "target": index + 1, "decision": f"{prefix}/depth_{index}/operation"}
            edges.append(layer)
            if self.skip == "any":
                skipped = {"decision": f"{prefix}/depth_{index}/skip", "back": index + 1}
                edges.append({"source": skipped, "target": index + 1})
        return [{"name": "layers", "inputs": ["input"], "edges": edges}]

    def _add(self, hp, outputs, earlier):
        """Adds one of the `earlier` tensors, nearest first, or none."""
        if self.skip == "none" or not earlier:
            return outputs
        if self.skip == "residual":
            return keras.layers.Add()([outputs, earlier[0]])
        sums = [keras.layers.Add()([outputs, each]) for each in earlier]
        return decisions.InputChoice("skip")(hp, [outputs, *sums])
