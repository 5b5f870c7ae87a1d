"""Hierarchical space: a motif whose edges are motifs whose edges are operations."""

import functools
from collections.abc import Collection
from typing import Any

import keras
import keras_tuner

from autonas.search_space import block, decisions, ranges
from autonas.search_space.blocks import arguments, operations

#: Operations of level 1 as in the paper, but for a convolution instead of a depthwise convolution.
_OPERATIONS = [
    "separable_3",
    "convolution_3",
    "convolution_1",
    "max_pooling_3",
    "average_pooling_3",
    "identity",
    "none",
]


class HierarchicalBlock(block.Block):
    """Hierarchical representation of architectures (Liu et al. 2018): motifs of motifs of operations.

    The input is an image `(n, height, width, channels)` or a series `(n, time, channels)`, the output a feature map or
    a series. A motif is a small graph of nodes with an edge for each pair of nodes.

    - Level 1 has operations, such as a convolution.
    - Level 2 has `n_motifs` motifs whose edges are level-1 operations. The decision `level_2/motif_0/edge_0_1` chooses
      the operation of the first motif from its first node (the input) to its second node.
    - Level 3 has one motif. Its edges are level-2 motifs, the identity or "none".

    The architecture of a motif is the same wherever it occurs; the weights differ. The first layer of the network is a
    convolution; it reduces images of more than 64 x 64 pixels. A stage stacks the level-3 motif `n_cells` times. Every
    stage but the first halves the map and doubles the filters. The number of stages is limited so that at least two
    pixels or four steps remain.

    Deviations from the paper: A node adds its incoming edges instead of concatenating them before a pointwise
    convolution, which saves layers and makes "none" and "identity" nearly free. The level-3 motif has a residual
    connection, so that a motif with a disconnected output passes its input on and every architecture can be trained.
    Decisions of a level-2 motif that level 3 doesn't use stay active without an effect.

    Args:
        filters: Number of filters of the first stage, or a range. Defaults to a choice of 8, 16 and 32.
        n_stages: Number of stages, or an `Int` range. Defaults to 3.
        n_cells: Number of level-3 motifs in a stage, or an `Int` range. Defaults to 1.
        n_motifs: Number of level-2 motifs. Defaults to 3 (6 in the paper).
        n_nodes_level_2: Number of nodes of a level-2 motif, input and output included. Defaults to 4.
        n_nodes_level_3: Number of nodes of the level-3 motif, input and output included. Defaults to 3 (5 in the
            paper).
        operations: List of names of level-1 operations (`"convolution_3"`, `"separable_5"`, ...), the operation of the
            default architecture first, or a dict from label to name or layer, as in `CellBlock`. Defaults to
            convolutions, poolings, `"identity"` and `"none"`.
        downsampling: Halving of maps between stages: `"pooling"` (average pooling and a pointwise convolution),
            `"stride"` (a strided convolution) or a choice of these. Defaults to a choice of both.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.ImageInput()
    features = autonas.HierarchicalBlock(filters=8, n_stages=2, n_motifs=2)(inputs)
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(features))
    ```
    """

    former_names = {"downsampling": "reduction"}

    def __init__(
        self,
        filters: int | ranges.Range = ranges.Choice([8, 16, 32], default=16),
        n_stages: int | ranges.Int = 3,
        n_cells: int | ranges.Int = 1,
        n_motifs: int = 3,
        n_nodes_level_2: int = 4,
        n_nodes_level_3: int = 3,
        operations: list[str] | dict[str, str | keras.Layer] | None = None,
        downsampling: str | ranges.Range = ranges.Choice(["pooling", "stride"]),
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.filters = filters
        self.n_stages = n_stages
        self.n_cells = n_cells
        self.n_motifs = n_motifs
        self.n_nodes_level_2 = n_nodes_level_2
        self.n_nodes_level_3 = n_nodes_level_3
        self.operations = operations
        self.downsampling = downsampling

    def build(self, hp: keras_tuner.HyperParameters, inputs: keras.KerasTensor) -> keras.KerasTensor:
        inputs = arguments.tensor_of_rank(self, inputs, 3, 4)
        arguments.check_whole_number(self, "n_motifs", 1)
        arguments.check_whole_number(self, "n_nodes_level_2", 2)
        arguments.check_whole_number(self, "n_nodes_level_3", 2)
        names = operations.of_block(self, _OPERATIONS)
        filters = self.suggest(hp, "filters")
        # Declare the depths as plain hyperparameters. Applied as decisions, they would give the decisions inside, which
        # all copies of a motif share, a different name and condition in every layer.
        n_cells = decisions.declare_depth(hp, arguments.repeat(self, "n_cells", None))
        self._declare_shared(hp, names)

        outputs = operations.stem(inputs, filters)
        limit = operations.max_stages(outputs)
        n_stages = decisions.declare_depth(hp, arguments.repeat(self, "n_stages", None, limit))
        for stage in range(n_stages):
            width = filters * 2**stage
            if stage:
                outputs = self._halve(hp, outputs, width)
            for _ in range(n_cells):
                outputs = keras.layers.Add()([outputs, self._cell(hp, outputs, names)])
        return operations.finish(outputs)

    def drawing(self, prefix: str) -> list[dict[str, Any]]:
        def graph(name: str, scope: str, n_nodes: int, **others: Any) -> dict[str, Any]:
            names = {edge: f"{scope}/{operations.edge_name(edge)}" for edge in operations.edges(n_nodes)}
            return {"name": name, "inputs": ["input"], "edges": operations.drawn_edges(names), **others}

        stacked = graph("level 3", f"{prefix}/level_3", self.n_nodes_level_3)
        users = [edge["decision"] for edge in stacked["edges"]]
        motifs = [
            graph(f"motif {index}", f"{prefix}/level_2/motif_{index}", self.n_nodes_level_2,
                  used_by=[f"motif_{index}", users])
            for index in range(self.n_motifs)
        ]  # fmt: skip
        return [stacked, *motifs]

    def _declare_shared(self, hp: keras_tuner.HyperParameters, names: Any) -> None:
        """Declare the decisions that all copies of a motif share, also for motifs that an architecture doesn't use."""
        self.suggest(hp, "downsampling")
        for index in range(self.n_motifs):
            with hp.name_scope("level_2"), hp.name_scope(f"motif_{index}"):
                for edge in operations.edges(self.n_nodes_level_2):
                    hp.Choice(operations.edge_name(edge), list(names), default=_default_operation(edge, names))

    def _cell(self, hp: keras_tuner.HyperParameters, inputs: keras.KerasTensor, names: Any) -> keras.KerasTensor:
        """Apply the level-3 motif."""
        motifs = {
            f"motif_{index}": lambda index=index: functools.partial(self._motif, hp, f"motif_{index}", names)
            for index in range(self.n_motifs)
        }
        simple = operations.candidates(["identity", "none"], len(inputs.shape), inputs.shape[-1])

        def apply_edge(source: int, target: int, tensor: keras.KerasTensor) -> keras.KerasTensor:
            default = f"motif_{source % self.n_motifs}" if target == source + 1 else "none"
            name = f"level_3/{operations.edge_name((source, target))}"
            return decisions.LayerChoice(name, {**motifs, **simple}, default=default, scoped=False)(hp, tensor)

        nodes = [inputs]
        for target in range(1, self.n_nodes_level_3):
            nodes.append(operations.add([apply_edge(source, target, node) for source, node in enumerate(nodes)]))
        return nodes[-1]

    def _motif(
        self, hp: keras_tuner.HyperParameters, label: str, names: Any, inputs: keras.KerasTensor
    ) -> keras.KerasTensor:
        """Apply the level-2 motif `label`."""
        candidates = operations.candidates(names, len(inputs.shape), inputs.shape[-1])
        nodes = [inputs]
        with hp.name_scope("level_2"), hp.name_scope(label):
            for target in range(1, self.n_nodes_level_2):
                incoming = []
                for source, node in enumerate(nodes):
                    name, default = operations.edge_name((source, target)), _default_operation((source, target), names)
                    incoming.append(decisions.LayerChoice(name, candidates, default=default)(hp, node))
                nodes.append(operations.add(incoming))
        return nodes[-1]

    def _halve(self, hp: keras_tuner.HyperParameters, inputs: keras.KerasTensor, width: int) -> keras.KerasTensor:
        candidates: decisions.Candidates = {
            "pooling": lambda: lambda inputs: operations.project(inputs, width, 2),
            "stride": lambda: operations.make("convolution_3", len(inputs.shape), width, 2),
        }
        return arguments.choose(self, "downsampling", candidates)(hp, inputs)


def _default_operation(edge: tuple[int, int], names: Collection[str]) -> str:
    """Return the default operation of an edge.

    The default is the first operation between successive nodes, and the identity, if available, for longer edges.
    """
    source, target = edge
    return "identity" if target > source + 1 and "identity" in names else next(iter(names))
