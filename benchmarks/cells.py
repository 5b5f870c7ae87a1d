"""Queries until the best cell of DARTS, with and without the graph of the cell in the kernel.

    python benchmarks/cells.py --objectives 3 --seeds 4 --queries 120

The space has the 73,728 cells of three nodes and four operations. Scores are made up, in three ways with random
numbers, so that the best cell is known:

- "sequences": every operation has a worth that depends on the operations before it;
- "depth": every operation has a worth that falls with its depth, and one depth is the best;
- "target": the score counts the edges that a cell shares with a random one.

For each way, the script prints the geometric mean of the queries to the best cell. A search that doesn't find it counts
1.4 times its queries.
"""

import argparse
import itertools
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1")

import keras_tuner  # noqa: E402
import numpy as np  # noqa: E402

import autonas  # noqa: E402
from autonas.search_space.drawn_graph import DrawnGraphs  # noqa: E402

N_NODES = 3
OPERATIONS = ["separable_3", "dilated_3", "max_pooling_3", "identity"]
#: Pairs of inputs by node.
PAIRS = [list(itertools.combinations(range(2 + node), 2)) for node in range(N_NODES)]
#: Queries of an unsuccessful search, as a multiple of its queries.
_PENALTY = 1.4


class Cells:
    """All cells, with the decisions that make them.

    Attributes:
        graphs: `DrawnGraphs` of the cell.
        options: Dict from decision to its options.
        sources: Nodes that the edges of each node come from, shape `(n, nodes, 2)`.
        operations: Indices of their operations, shape `(n, nodes, 2)`.
    """

    def __init__(self):
        self.graphs = DrawnGraphs(autonas.CellBlock(n_nodes=N_NODES).drawing("cell")[:1])
        self.options = {edge["decision"]: OPERATIONS for edge in self.graphs.drawings[0]["edges"]}
        for node in range(1, N_NODES):
            self.options[f"cell/normal/node_{node}/inputs"] = [f"{one}+{other}" for one, other in PAIRS[node]]
        sizes = [len(options) for options in self.options.values()]
        codes = np.stack(np.unravel_index(np.arange(np.prod(sizes)), sizes), axis=1)
        n_edges = 2 * N_NODES
        self.operations = codes[:, :n_edges].reshape(-1, N_NODES, 2)
        inputs = [np.zeros(len(codes), dtype=int), *codes[:, n_edges:].T]
        self.sources = np.stack([np.array(PAIRS[node])[inputs[node]] for node in range(N_NODES)], axis=1)
        self._sizes = sizes

    def space(self):
        space = keras_tuner.HyperParameters()
        for name, options in self.options.items():
            space.Choice(name, options)
        return space

    def row(self, values):
        """Return the index of a cell."""
        codes = [options.index(values[name]) for name, options in self.options.items()]
        return int(np.ravel_multi_index(codes, self._sizes))


def by_sequences(cells, generator):
    n_operations = len(OPERATIONS)
    worths = generator.normal(size=(n_operations, 2 + n_operations**2))
    worths[OPERATIONS.index("identity")] = 0
    rows = np.arange(len(cells.operations))
    # What comes out of a node: one of the two inputs, or an unordered pair of operations.
    before, scores = np.zeros((len(rows), 2 + N_NODES), dtype=int), np.zeros(len(rows))
    before[:, 1] = 1
    for node in range(N_NODES):
        pair = cells.operations[:, node]
        for edge in range(2):
            scores += worths[pair[:, edge], before[rows, cells.sources[:, node, edge]]]
        before[:, 2 + node] = 2 + pair.min(axis=1) * n_operations + pair.max(axis=1)
    return scores


def by_depth(cells, generator):
    worths = generator.normal(size=len(OPERATIONS)) + np.array([1, 0.6, -0.3, 0])
    rows = np.arange(len(cells.operations))
    depths, scores = np.zeros((len(rows), 2 + N_NODES)), np.zeros(len(rows))
    for node in range(N_NODES):
        after = []
        for edge in range(2):
            operation = cells.operations[:, node, edge]
            depth = depths[rows, cells.sources[:, node, edge]]
            scores += worths[operation] * (1 - 0.15 * depth)
            scores += 0.3 * generator.normal() * (cells.sources[:, node, edge] < 2)
            after.append(depth + (operation < 2))
        depths[:, 2 + node] = np.maximum(*after)
    return scores - 0.6 * (depths.max(axis=1) - 2) ** 2


def by_target(cells, generator):
    target, weights = generator.integers(len(cells.operations)), generator.uniform(0.5, 1.5, N_NODES)
    scores = 0.05 * generator.normal(size=len(OPERATIONS))[cells.operations].sum(axis=(1, 2))
    for node, edge in itertools.product(range(N_NODES), range(2)):
        is_source = cells.sources[:, node] == cells.sources[target, node, edge]
        is_same = is_source & (cells.operations[:, node] == cells.operations[target, node, edge])
        scores += weights[node] * (is_same.any(axis=1) + 0.4 * is_source.any(axis=1))
    return scores


OBJECTIVES = {"sequences": by_sequences, "depth": by_depth, "target": by_target}


def queries_to_best(cells, scores, structure, seed, queries):
    """Return the number of queries until the best score, or the penalty of an unsuccessful search."""
    oracle = autonas.oracles.BayesianOracle(
        objective=keras_tuner.Objective("score", "max"),
        hyperparameters=cells.space(),
        structure=structure,
        initial_points=[],
        seed=seed,
    )
    for number in range(queries):
        values = oracle.ask()
        score = float(scores[cells.row(values)])
        if score == scores.max():
            return number + 1
        oracle.tell(number, values, (score,))
    return _PENALTY * queries


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objectives", type=int, default=3, help="random objectives of each kind")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--queries", type=int, default=120)
    options = parser.parse_args()
    cells = Cells()
    print("objective    flat  graph", flush=True)
    for name, objective in OBJECTIVES.items():
        means = []
        for structure in (None, cells.graphs):
            counts = [
                queries_to_best(
                    cells, objective(cells, np.random.default_rng(number)), structure, seed, options.queries
                )
                for number in range(options.objectives)
                for seed in range(options.seeds)
            ]
            means.append(np.exp(np.log(counts).mean()))
        print(f"{name:<10} {means[0]:6.1f} {means[1]:6.1f}", flush=True)


if __name__ == "__main__":
    main()
