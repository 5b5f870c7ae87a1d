"""Chain-structured space: a sequence of layers with searched operations and skip connections."""

from typing import Any

import keras
import keras_tuner

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
    """Sequence of layers with searched operations and skip connections, as the macro space of ENAS (Pham et al. 2018).

    The input is an image `(n, height, width, channels)` or a series `(n, time, channels)`, the output a feature map or
    a series. The first layer is a convolution; it reduces images of more than 64 x 64 pixels. A stage has `layers`
    layers. The first layer of every later stage has stride 2 and doubles the filters. No stage begins that would leave
    fewer than two pixels or four steps. Skip connections stay within a stage.

    In ENAS a layer decides on every earlier layer separately. Here a layer adds at most one earlier tensor, so that the
    number of decisions grows linearly with the depth instead of quadratically.

    Args:
        filters: Number of filters of the first stage, or a range. Defaults to a choice of 16, 32 and 64.
        depth: Number of layers, or an `Int` range. Defaults to a range from 2 to 6.
        operations: List of names of operations (`"convolution_3"`, `"separable_5"`, ...), the operation of the default
            architecture first, or a dict from label to name or layer, as in `CellBlock`. Defaults to
            convolutions and separable convolutions of sides 3 and 5, max and average pooling, and the identity.
        skip: Skip connections of a layer: `"none"`, `"residual"` (the layer adds its input) or `"any"` (for each layer
            the search chooses 0 for none, or k = 1, 2, ... for the tensor k layers back in the same stage). Defaults to
            `"any"`.
        layers: Number of layers in a stage. Defaults to 2.
        max_filters: Upper bound of the doubled filters. Defaults to 256.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.ImageInput()
    chain = autonas.ChainBlock(operations=["convolution_3", "identity"], depth=autonas.Int(2, 4))
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(chain(inputs)))
    ```
    """

    former_names = {"layers": "interval"}

    def __init__(
        self,
        filters: int | ranges.Range = ranges.Choice([16, 32, 64], default=32),
        depth: int | ranges.Int = ranges.Int(2, 6, default=4),
        operations: list[str] | dict[str, str | keras.Layer] | None = None,
        skip: str = "any",
        layers: int = 2,
        max_filters: int = 256,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.filters = filters
        self.depth = depth
        self.operations = operations
        self.skip = skip
        self.layers = layers
        self.max_filters = max_filters

    def build(self, hp: keras_tuner.HyperParameters, inputs: keras.KerasTensor) -> keras.KerasTensor:
        inputs = arguments.tensor_of_rank(self, inputs, 3, 4)
        arguments.check_label(self, "skip", self.skip, ["none", "residual", "any"])
        arguments.check_whole_number(self, "layers", 1)
        filters = self.suggest(hp, "filters")
        names = operations.of_block(self, _OPERATIONS)
        outputs = operations.stem(inputs, filters)
        n_stages = operations.max_stages(outputs)
        earlier: list[keras.KerasTensor] = []

        def make_layer(index: int) -> decisions.Layer:
            stage = min(index // self.layers, n_stages - 1)
            reduces = stage > 0 and index == stage * self.layers
            width = min(filters * 2**stage, self.max_filters)
            candidates = operations.candidates(names, len(inputs.shape), width, 2 if reduces else 1)

            def layer(inputs: keras.KerasTensor) -> keras.KerasTensor:
                earlier[:] = [] if reduces else [inputs, *earlier]
                outputs = decisions.LayerChoice("operation", candidates)(hp, inputs)
                return self._add(hp, outputs, earlier)

            return layer

        return operations.finish(arguments.repeat(self, "depth", make_layer)(hp, outputs))

    def drawing(self, prefix: str) -> list[dict[str, Any]]:
        depth = self.depth.max_value if isinstance(self.depth, ranges.Int) else self.depth
        edges = []
        for index in range(depth):
            layer = {"source": index, "target": index + 1, "decision": f"{prefix}/depth_{index}/operation"}
            edges.append(layer)
            if self.skip == "any":
                skipped = {"decision": f"{prefix}/depth_{index}/skip", "back": index + 1}
                edges.append({"source": skipped, "target": index + 1})
        return [{"name": "layers", "inputs": ["input"], "edges": edges}]

    def _add(
        self, hp: keras_tuner.HyperParameters, outputs: keras.KerasTensor, earlier: list[keras.KerasTensor]
    ) -> keras.KerasTensor:
        """Return `outputs`, or its sum with one tensor of `earlier`, which begins with the nearest layer."""
        if self.skip == "none" or not earlier:
            return outputs
        if self.skip == "residual":
            return keras.layers.Add()([outputs, earlier[0]])
        sums = [keras.layers.Add()([outputs, tensor]) for tensor in earlier]
        return decisions.InputChoice("skip")(hp, [outputs, *sums])
