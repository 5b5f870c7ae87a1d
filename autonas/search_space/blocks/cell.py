"""Cell-based spaces, DARTS and NAS-Bench-201: stacks of a cell with searched operations."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import keras
import keras_tuner

from autonas.search_space import block, decisions, operation_graph, ranges
from autonas.search_space.blocks import arguments, genotypes, operations

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
    - A genotype, such as `"|nor_conv_3x3~0|+|none~0|skip_connect~1|"` of NAS-Bench-201 or `str(genotype)` of a
      `Genotype` of DARTS: the cells are fixed. Its operations are `none`, `skip_connect`, `avg_pool_3x3`,
      `max_pool_3x3`, `nor_conv_1x1`, `sep_conv_5x5`, `dil_conv_3x3` and so on, and the labels in `operations`.

    Args:
        cell: Kind of the cells, `"darts"` or `"nas_bench_201"`, or a genotype. Defaults to `"darts"`.
        filters: Number of filters of an operation in the first stage, or a range. Defaults to a choice of 8, 16 and 32.
        n_stages: Number of stages, or an `Int` range. For `"darts"` a range must begin with 2 or more. Defaults to 3.
        n_cells: Number of cells in a stage without the reduction cell, or an `Int` range. Defaults to 1.
        operations: List of names of operations (`"convolution_3"`, `"separable_5"`, ...), the operation of the default
            architecture first, or a dict from label to such a name or a `keras.Layer` that keeps the sides of a feature
            map. Every edge has a copy of the layer with weights of its own. Defaults to the operations of the paper,
            for `"darts"` without `"none"`, which the paper excludes from the final architecture.
        n_nodes: Number of nodes of a searched cell, without the two inputs for `"darts"`, with the input for
            `"nas_bench_201"`. Defaults to 4.
        n_inputs: Number of inputs of a node of a `"darts"` cell. Defaults to 2.
        name: Name of the block.

    Example:

    ```python
    import autonas
    import keras

    inputs = autonas.ImageInput()
    features = autonas.CellBlock("nas_bench_201", filters=16, n_stages=2)(inputs)
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(features))

    own = {"convolution": "convolution_3", "noise": keras.layers.GaussianNoise(0.1), "skip": "identity"}
    block = autonas.CellBlock("nas_bench_201", operations=own)

    genotype = autonas.CellBlock.genotype_of({"cell/edge_0_1": "separable_3"})  # the hyperparameters of a trial
    assert genotype == "|sep_conv_3x3~0|"
    block = autonas.CellBlock(genotype, filters=32, n_cells=5)
    ```
    """

    def __init__(
        self,
        cell: str = "darts",
        filters: int | ranges.Range = ranges.Choice([8, 16, 32], default=16),
        n_stages: int | ranges.Int = 3,
        n_cells: int | ranges.Int = 1,
        operations: list[str] | dict[str, str | keras.Layer] | None = None,
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
        fixed = genotypes.parse(self.cell) if genotypes.is_genotype(self.cell) else None
        if fixed is None:
            arguments.check_label(self, "cell", self.cell, _OPERATIONS)
        has_two_inputs = self.cell == "darts" or (fixed is not None and "normal" in fixed)
        arguments.check_whole_number(self, "n_nodes", 1 if has_two_inputs else 2)
        arguments.check_whole_number(self, "n_inputs", 1)
        filters = self.suggest(hp, "filters")
        outputs = operations.stem(inputs, filters)
        n_stages = self._count(hp, "n_stages", operations.max_stages(outputs))
        widths = [filters * 2**stage for stage in range(n_stages)]
        n_cells = self._count(hp, "n_cells")
        apply = functools.partial(self._searched, hp) if fixed is None else functools.partial(self._fixed, fixed)
        stack = _stack_darts if has_two_inputs else _stack_nas_bench_201
        return operations.finish(stack(apply, outputs, widths, n_cells))

    @staticmethod
    def genotype_of(hyperparameters: Mapping[str, Any]) -> str:
        """Return the genotype of a cell: a string of NAS-Bench-201, or the string of a `Genotype` of DARTS.

        Operations of your own keep their labels. The number of filters, stages and cells isn't part of a genotype.

        Args:
            hyperparameters: Hyperparameters that include the decisions of one `CellBlock`, a dict such as
                `model.best_hyperparameters_`.

        Raises:
            ValueError: If the hyperparameters describe no cell or several, or a `"darts"` cell whose nodes don't have
                two inputs each.
        """
        return genotypes.write(hyperparameters)

    def structure(self, prefix: str) -> operation_graph.OperationGraph | None:
        """Return the `OperationGraph` of a `"nas_bench_201"` cell, or `None` for other cells."""
        if self.cell != "nas_bench_201":
            return None
        named = operations.of_block(self, _OPERATIONS[self.cell])
        identity, absent = (
            [label for label, operation in named.items() if isinstance(operation, str) and operation == name]
            for name in ("identity", "none")
        )
        names = {f"{prefix}/{operations.edge_name(edge)}": edge for edge in operations.edges(self.n_nodes)}
        return operation_graph.OperationGraph(names, identity, absent)

    def drawing(self, prefix: str) -> list[dict[str, Any]]:
        if genotypes.is_genotype(self.cell):
            return []
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

    def _fixed(
        self, cells: Mapping[str, genotypes.Cell], kind: str, nodes: list[keras.KerasTensor], width: int
    ) -> keras.KerasTensor:
        """Apply the cell of a genotype to its input nodes."""
        known = {name: name for name in operations.OPERATIONS} | operations.of_block(self, list(operations.OPERATIONS))
        cell = cells[kind]
        unknown = {name for edges in cell.nodes for name, _ in edges} - known.keys()
        if unknown or not cell.outputs:
            raise ValueError(
                f"`cell` must be a genotype ({kind}) of known operations, {', '.join(genotypes.OPERATIONS)} "
                f"or a label in `operations`. Received: {', '.join(sorted(unknown)) or 'no nodes'}"
            )
        candidates = operations.candidates(known, len(nodes[0].shape), width)
        for edges in cell.nodes:
            nodes = [*nodes, operations.add([candidates[name]()(nodes[source]) for name, source in edges])]
        return _concatenated([nodes[output] for output in cell.outputs])

    def _searched(
        self, hp: keras_tuner.HyperParameters, kind: str, nodes: list[keras.KerasTensor], width: int
    ) -> keras.KerasTensor:
        """Apply the cell of a trial to its input nodes."""
        if kind == "cell":
            return self._nas_bench_201(hp, nodes, width)
        with hp.name_scope(kind):
            return self._darts(hp, nodes, width)

    def _darts(self, hp: keras_tuner.HyperParameters, nodes: list[keras.KerasTensor], width: int) -> keras.KerasTensor:
        for index in range(self.n_nodes):
            with hp.name_scope(f"node_{index}"):
                nodes = [*nodes, self._node(hp, nodes, width)]
        return _concatenated(nodes[2:])

    def _node(self, hp: keras_tuner.HyperParameters, earlier: list[keras.KerasTensor], width: int) -> keras.KerasTensor:
        chosen = earlier
        if self.n_inputs < len(earlier):
            chosen = decisions.InputChoice("inputs", self.n_inputs)(hp, earlier)
            chosen = [chosen] if self.n_inputs == 1 else chosen
        return operations.add(
            [self._operation(hp, f"operation_{index}", tensor, width) for index, tensor in enumerate(chosen)]
        )

    def _nas_bench_201(
        self, hp: keras_tuner.HyperParameters, nodes: list[keras.KerasTensor], width: int
    ) -> keras.KerasTensor:
        for target in range(1, self.n_nodes):
            results = [
                self._operation(hp, operations.edge_name((source, target)), node, width)
                for source, node in enumerate(nodes)
            ]
            nodes = [*nodes, operations.add(results)]
        return nodes[-1]

    def _operation(
        self, hp: keras_tuner.HyperParameters, name: str, inputs: keras.KerasTensor, width: int
    ) -> keras.KerasTensor:
        named = operations.of_block(self, _OPERATIONS[self.cell])
        return decisions.LayerChoice(name, operations.candidates(named, len(inputs.shape), width))(hp, inputs)


#: A function of the kind of a cell, its input nodes and the number of filters.
_ApplyCell: TypeAlias = Callable[[str, list[keras.KerasTensor], int], keras.KerasTensor]


def _stack_darts(
    apply: _ApplyCell, outputs: keras.KerasTensor, widths: Sequence[int], n_cells: int
) -> keras.KerasTensor:
    """Apply stages of cells to a feature map. The inputs of a cell are the outputs of the two cells before."""
    previous = outputs
    for stage, width in enumerate(widths):
        for kind in ["reduction"] * (stage > 0) + ["normal"] * n_cells:
            side = -(-outputs.shape[1] // (2 if kind == "reduction" else 1))
            nodes = [
                operations.project(tensor, width, 2 if tensor.shape[1] > side else 1) for tensor in (previous, outputs)
            ]
            previous, outputs = outputs, apply(kind, nodes, width)
    return outputs


def _stack_nas_bench_201(
    apply: _ApplyCell, outputs: keras.KerasTensor, widths: Sequence[int], n_cells: int
) -> keras.KerasTensor:
    """Apply stages of cells to a feature map, with residual units between the stages."""
    for stage, width in enumerate(widths):
        if stage:
            outputs = _residual(outputs, width)
        for _ in range(n_cells):
            outputs = apply("cell", [outputs], width)
    return outputs


def _concatenated(nodes: list[keras.KerasTensor]) -> keras.KerasTensor:
    return nodes[0] if len(nodes) == 1 else keras.layers.Concatenate()(nodes)


def _residual(inputs: keras.KerasTensor, width: int) -> keras.KerasTensor:
    """Apply a residual unit (He et al. 2016) that halves the map."""
    rank = len(inputs.shape)
    outputs = operations.make("convolution_3", rank, width, 2)(inputs)
    outputs = operations.make("convolution_3", rank, width)(outputs)
    return keras.layers.Add()([operations.project(inputs, width, 2), outputs])
