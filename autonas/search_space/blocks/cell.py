"""Cell-based spaces, DARTS and NAS-Bench-201: stacks of a cell with searched operations."""

from collections.abc import Sequence
from typing import Any

import keras
import keras_tuner

from autonas.search_space import block, decisions, operation_graph, ranges
from autonas.search_space.blocks import arguments, operations

#: Default operations by kind of cell. The first operation is that of the default architecture.
_OPERATIONS = {
    "darts": [
        "separable_3",
        "separable_5",
        "dilated_3",
        "dilated_5",
        "max_pooling_3",
        "average_pooling_3",
        "identity",
    ],
    "nas_bench_201": ["convolution_3", "convolution_1", "average_pooling_3", "identity", "none"],
}


class CellBlock(block.Block):
    """Stages of cells that share one architecture but not their weights.

    The input is an image `(n, height, width, channels)` or a series `(n, time, channels)`, the output a feature map or
    a series. The first layer is a convolution; it reduces images of more than 64 x 64 pixels. Every stage but the first
    halves the map and doubles the filters. The number of stages is limited so that at least two pixels or four steps
    remain. The search chooses the operations of a cell once for the whole stack.

    - `"darts"` (Liu et al. 2019): A node adds the results of operations on `n_inputs` earlier nodes. The first two
      nodes are the outputs of the two preceding cells. The output of the cell is the concatenation of its other nodes.
      A stage begins with a reduction cell, whose architecture is searched separately: the names of its decisions begin
      with `reduction`, the names of the others with `normal`. A reduction cell halves its inputs before it applies
      operations of stride 1. In the paper the operations on the inputs have stride 2; here all nodes of a cell have the
      same shape, so that they are interchangeable in a supernet.
    - `"nas_bench_201"` (Dong and Yang 2020): A node adds the results of operations on all earlier nodes. The output of
      the cell is its last node. Stages are connected by residual units. The decision `edge_0_1` chooses the operation
      from the first node to the second.

    Args:
        cell: Kind of the cells, `"darts"` or `"nas_bench_201"`. Defaults to `"darts"`.
        filters: Number of filters of an operation in the first stage, or a range. Defaults to a choice of 8, 16 and 32.
        n_stages: Number of stages, or an `Int` range. For `"darts"` a range must begin with 2 or more. Defaults to 3.
        n_cells: Number of cells in a stage without the reduction cell, or an `Int` range. Defaults to 1.
        operations: List of names of operations (`"convolution_3"`, `"separable_5"`, ...), the operation of the default
            architecture first. Defaults to the operations of the paper, for `"darts"` without `"none"`, which the paper
            excludes from the final architecture.
        n_nodes: Number of nodes of a cell, without the two inputs for `"darts"`, with the input for `"nas_bench_201"`.
            Defaults to 4.
        n_inputs: Number of inputs of a node of a `"darts"` cell. Defaults to 2.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.ImageInput()
    features = autonas.CellBlock("nas_bench_201", filters=16, n_stages=2)(inputs)
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(features))
    ```
    """

    def __init__(
        self,
        cell: str = "darts",
        filters: int | ranges.Range = ranges.Choice([8, 16, 32], default=16),
        n_stages: int | ranges.Int = 3,
        n_cells: int | ranges.Int = 1,
        operations: list[str] | None = None,
        n_nodes: int = 4,
        n_inputs: int = 2,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.cell = cell
        self.filters = filters
        self.n_stages = n_stages
        self.n_cells = n_cells
        self.operations = operations
        self.n_nodes = n_nodes
        self.n_inputs = n_inputs

    def build(self, hp: keras_tuner.HyperParameters, inputs: keras.KerasTensor) -> keras.KerasTensor:
        inputs = arguments.tensor_of_rank(self, inputs, 3, 4)
        arguments.check_label(self, "cell", self.cell, _OPERATIONS)
        arguments.check_whole_number(self, "n_nodes", 1 if self.cell == "darts" else 2)
        arguments.check_whole_number(self, "n_inputs", 1)
        filters = self.suggest(hp, "filters")
        outputs = operations.stem(inputs, filters)
        n_stages = self._count(hp, "n_stages", operations.max_stages(outputs))
        widths = [filters * 2**stage for stage in range(n_stages)]
        n_cells = self._count(hp, "n_cells")
        stack = self._stack_darts if self.cell == "darts" else self._stack_nas_bench_201
        return operations.finish(stack(hp, outputs, widths, n_cells))

    def structure(self, prefix: str) -> operation_graph.OperationGraph | None:
        """Return the `OperationGraph` of a `"nas_bench_201"` cell, or `None` for other cells."""
        if self.cell != "nas_bench_201":
            return None
        return operation_graph.OperationGraph(
            {f"{prefix}/{operations.edge_name(edge)}": edge for edge in operations.edges(self.n_nodes)}
        )

    def drawing(self, prefix: str) -> list[dict[str, Any]]:
        if self.cell == "nas_bench_201":
            names = {edge: f"{prefix}/{operations.edge_name(edge)}" for edge in operations.edges(self.n_nodes)}
            return [{"name": "cell", "inputs": ["input"], "edges": operations.drawn_edges(names)}]
        return [
            {
                "name": f"{kind} cell",
                "inputs": ["2 cells back", "1 cell back"],
                "edges": self._drawn_nodes(f"{prefix}/{kind}"),
                "joins": True,
            }
            for kind in ("normal", "reduction")
        ]

    def _drawn_nodes(self, prefix: str) -> list[dict[str, Any]]:
        """Return the edges of a `"darts"` cell in the form of `Block.drawing`."""
        edges = []
        for index in range(self.n_nodes):
            target, node = 2 + index, f"{prefix}/node_{index}"
            for position in range(min(self.n_inputs, target)):
                source = {"decision": f"{node}/inputs", "place": position} if self.n_inputs < target else position
                edges.append({"source": source, "target": target, "decision": f"{node}/operation_{position}"})
        return edges

    def _count(self, hp: keras_tuner.HyperParameters, name: str, limit: int | None = None) -> int:
        """Return the number of stages or cells in the trial of `hp`, at most `limit`."""
        counts = arguments.repeat(self, name, None, limit)
        # All cells of a kind share their decisions. The decisions of reduction cells must not be conditional on the
        # number of stages, so every architecture needs a second stage.
        reduces = self.cell == "darts" and name == "n_stages" and counts.max_depth > 1
        if counts.min_depth < (2 if reduces else 1):
            raise ValueError(
                f"`{name}` of CellBlock must be at least 1, and a range of stages of a 'darts' cell begin with 2 or "
                f"more. Received: {name}={getattr(self, name)!r}"
            )
        return decisions.declare_depth(hp, counts)

    # ------------------------------------------------------------------ DARTS

    def _stack_darts(
        self, hp: keras_tuner.HyperParameters, outputs: keras.KerasTensor, widths: Sequence[int], n_cells: int
    ) -> keras.KerasTensor:
        previous = outputs
        for stage, width in enumerate(widths):
            for kind in ["reduction"] * (stage > 0) + ["normal"] * n_cells:
                with hp.name_scope(kind):
                    stride = 2 if kind == "reduction" else 1
                    previous, outputs = outputs, self._darts(hp, [previous, outputs], width, stride)
        return outputs

    def _darts(
        self, hp: keras_tuner.HyperParameters, cell_outputs: list[keras.KerasTensor], width: int, stride: int
    ) -> keras.KerasTensor:
        """Apply a cell to the outputs of the two preceding cells, the nearest last."""
        side = -(-cell_outputs[-1].shape[1] // stride)
        nodes = [operations.project(tensor, width, 2 if tensor.shape[1] > side else 1) for tensor in cell_outputs]
        for index in range(self.n_nodes):
            with hp.name_scope(f"node_{index}"):
                nodes.append(self._node(hp, nodes, width))
        return nodes[2] if self.n_nodes == 1 else keras.layers.Concatenate()(nodes[2:])

    def _node(self, hp: keras_tuner.HyperParameters, earlier: list[keras.KerasTensor], width: int) -> keras.KerasTensor:
        chosen = earlier
        if self.n_inputs < len(earlier):
            chosen = decisions.InputChoice("inputs", self.n_inputs)(hp, earlier)
            chosen = [chosen] if self.n_inputs == 1 else chosen
        return operations.add(
            [self._operation(hp, f"operation_{index}", tensor, width) for index, tensor in enumerate(chosen)]
        )

    # ------------------------------------------------------------------ NAS-Bench-201

    def _stack_nas_bench_201(
        self, hp: keras_tuner.HyperParameters, outputs: keras.KerasTensor, widths: Sequence[int], n_cells: int
    ) -> keras.KerasTensor:
        for stage, width in enumerate(widths):
            if stage:
                outputs = _residual(outputs, width)
            for _ in range(n_cells):
                outputs = self._nas_bench_201(hp, outputs, width)
        return outputs

    def _nas_bench_201(
        self, hp: keras_tuner.HyperParameters, inputs: keras.KerasTensor, width: int
    ) -> keras.KerasTensor:
        nodes = [inputs]
        for target in range(1, self.n_nodes):
            results = [
                self._operation(hp, operations.edge_name((source, target)), node, width)
                for source, node in enumerate(nodes)
            ]
            nodes.append(operations.add(results))
        return nodes[-1]

    # ------------------------------------------------------------------ both

    def _operation(
        self, hp: keras_tuner.HyperParameters, name: str, inputs: keras.KerasTensor, width: int
    ) -> keras.KerasTensor:
        names = operations.of_block(self, _OPERATIONS[self.cell])
        return decisions.LayerChoice(name, operations.candidates(names, len(inputs.shape), width))(hp, inputs)


def _residual(inputs: keras.KerasTensor, width: int) -> keras.KerasTensor:
    """Apply a residual unit (He et al. 2016) that halves the map."""
    rank = len(inputs.shape)
    outputs = operations.make("convolution_3", rank, width, 2)(inputs)
    outputs = operations.make("convolution_3", rank, width)(outputs)
    return keras.layers.Add()([operations.project(inputs, width, 2), outputs])
