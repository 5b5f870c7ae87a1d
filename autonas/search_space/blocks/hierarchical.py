"""Networks of motifs of motifs: small graphs whose edges are small graphs of operations."""

import functools

import keras

from autonas.search_space import block, decisions, ranges
from autonas.search_space.blocks import arguments, operations

#: Operations of level 1: those of the paper, with a full in place of its depthwise convolution.
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
    """A stack of one motif made of motifs made of operations (hierarchical representations, Liu et al. 2018).

    Takes images `(n, height, width, channels)` or series `(n, time, channels)`, returns a map or a series.

    - Level 1 is operations, such as a convolution.
    - Level 2 is `n_motifs` motifs: graphs with a level-1 operation on each pair of nodes. `level_2/motif_0/edge_0_1`
      names the operation in the first motif from the first node, its input, to the second.
    - Level 3 is one motif, a graph with a level-2 motif, the identity or nothing on each pair of nodes.

    The search decides on each motif once; wherever it is placed it has that architecture and weights of its own. The
    level-3 motif is stacked `n_cells` times in each stage; each stage but the first halves the map and doubles the
    filters. The number of stages is limited so that two pixels (four steps) are left. A convolution comes first;
    images of more than 64 pixels are shrunk by it.

    A node adds up its incoming edges, where the paper joins them side by side with a pointwise convolution: fewer
    layers, and "none" and "identity" cost next to nothing. A level-3 motif adds what it
    computes to its input, unlike in the paper: so one whose output is disconnected passes its input on, and every
    architecture trains. Decisions of a motif that level 3 doesn't use stay active; they change nothing.

    Args:
        filters: Filters of the first stage, or a range. Defaults to a choice of 8, 16 and 32.
        n_stages: Number of stages, or an `Int` range. Defaults to 3.
        n_cells: Number of level-3 motifs in a stage, or an `Int` range. Defaults to 1.
        n_motifs: Number of different level-2 motifs. Defaults to 3; 6 in the paper.
        n_nodes_level_2: Number of nodes of a level-2 motif, its input and output included. Defaults to 4.
        n_nodes_level_3: Number of nodes of the level-3 motif, its input and output included. Defaults to 3; 5 in the
            paper.
        operations: List of names of level-1 operations (`"convolution_3"`, `"separable_5"`, ...), the one that the
            default architecture uses first. Defaults to convolutions, poolings, `"identity"` and `"none"`.
        reduction: How maps are halved: `"pooling"` (average, and a pointwise convolution), `"stride"` (a convolution)
            or a choice of them. Defaults to both.
        name: Name of the block.
    """

    def __init__(
        self,
        filters=ranges.Choice([8, 16, 32], default=16),
        n_stages=3,
        n_cells=1,
        n_motifs=3,
        n_nodes_level_2=4,
        n_nodes_level_3=3,
        operations=None,
        reduction=ranges.Choice(["pooling", "stride"]),
        name=None,
    ):
        super().__init__(name)
        self.filters = filters
        self.n_stages = n_stages
        self.n_cells = n_cells
        self.n_motifs = n_motifs
        self.n_nodes_level_2 = n_nodes_level_2
        self.n_nodes_level_3 = n_nodes_level_3
        self.operations = operations
        self.reduction = reduction

    def build(self, hp, inputs):
        inputs = arguments.tensor_of_rank(self, inputs, 3, 4)
        arguments.check_whole_number(self, "n_motifs", 1)
        arguments.check_whole_number(self, "n_nodes_level_2", 2)
        arguments.check_whole_number(self, "n_nodes_level_3", 2)
        names = operations.of_block(self, _OPERATIONS)
        filters = self.suggest(hp, "filters")
        # Numbers, not decisions that apply layers: those would give the decisions inside them, which all places of a
        # motif share, other names and conditions at each place.
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

    def drawing(self, prefix):
        def graph(name, scope, n_nodes, **others):
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

    def _declare_shared(self, hp, names):
        """Declares what later decisions share, whether or not an architecture comes to place them."""
        self.suggest(hp, "reduction")
        for index in range(self.n_motifs):
            with hp.name_scope("level_2"), hp.name_scope(f"motif_{index}"):
                for edge in operations.edges(self.n_nodes_level_2):
                    hp.Choice(operations.edge_name(edge), list(names), default=_default_operation(edge, names))

    def _cell(self, hp, inputs, names):
        """The level-3 motif."""
        motifs = {
            f"motif_{index}": lambda index=index: functools.partial(self._motif, hp, f"motif_{index}", names)
            for index in range(self.n_motifs)
        }
        simple = operations.candidates(["identity", "none"], len(inputs.shape), inputs.shape[-1])

        def part(source, target, tensor):
            default = f"motif_{source % self.n_motifs}" if target == source + 1 else "none"
            name = f"level_3/{operations.edge_name((source, target))}"
            return decisions.LayerChoice(name, {**motifs, **simple}, default=default, scoped=False)(hp, tensor)

        nodes = [inputs]
        for target in range(1, self.n_nodes_level_3):
            nodes.append(operations.add([part(source, target, node) for source, node in enumerate(nodes)]))
        return nodes[-1]

    def _motif(self, hp, label, names, inputs):
        """The level-2 motif `label`."""
        candidates = operations.candidates(names, len(inputs.shape), inputs.shape[-1])
        nodes = [inputs]
        with hp.name_scope("level_2"), hp.name_scope(label):
            for target in range(1, self.n_nodes_level_2):
                parts = []
                for source, node in enumerate(nodes):
                    name, default = operations.edge_name((source, target)), _default_operation((source, target), names)
                    parts.append(decisions.LayerChoice(name, candidates, default=default)(hp, node))
                nodes.append(operations.add(parts))
        return nodes[-1]

    def _halve(self, hp, inputs, width):
        candidates = {
            "pooling": lambda: lambda inputs: operations.project(inputs, width, 2),
            "stride": lambda: operations.make("convolution_3", len(inputs.shape), width, 2),
        }
        return arguments.choose(self, "reduction", candidates)(hp, inputs)


def _default_operation(edge, names):
    """The first operation from each node to the next, and ways past it where there is such an operation."""
    source, target = edge
    return "identity" if target > source + 1 and "identity" in names else names[0]
