"""Graph of operations that the hyperparameters of a cell describe, with features that compare its architectures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from autonas.search_space.values import Scalar


class OperationGraph:
    """A directed acyclic graph whose edges are operations, one decision of the search space for each edge.

    Different architectures can have the same paths of operations from input to output, as identities and missing
    connections don't count. Strategies use the paths as features, so that a surrogate treats such architectures alike.

    Args:
        edges: Dict from the name of a decision to the pair of nodes `(source, target)` that its operation connects.
            The node that is never a target is the input of the graph. The node that is never a source is its output.
        identity: Names of the operations that return their input unchanged. Defaults to `("identity",)`.
        absent: Names of the operations that mean "no connection". Defaults to `("none",)`.

    Raises:
        ValueError: If `edges` doesn't have exactly one input node and one output node.

    Example:

    ```python
    import autonas

    # Two layers in sequence, and a shortcut past both.
    graph = autonas.OperationGraph({"first": (0, 1), "second": (1, 2), "shortcut": (0, 2)})
    paths = graph.paths({"first": "dense", "second": "dense", "shortcut": "identity"})
    assert paths == {("dense", "dense"): 1, (): 1}
    ```
    """

    def __init__(
        self,
        edges: dict[str, tuple[int, int]],
        identity: Sequence[str] = ("identity",),
        absent: Sequence[str] = ("none",),
    ) -> None:
        sources = {source for source, _ in edges.values()}
        targets = {target for _, target in edges.values()}
        if len(sources - targets) != 1 or len(targets - sources) != 1:
            raise ValueError(
                "`edges` must form a graph with one input and one output. "
                f"Received: edges={edges}, with inputs {sources - targets} and outputs {targets - sources}"
            )
        self.edges = dict(edges)
        self.identity = tuple(identity)
        self.absent = tuple(absent)
        (self._input,), (self._output,) = sources - targets, targets - sources

    def paths(self, values: Mapping[str, Scalar]) -> dict[tuple[Scalar, ...], int]:
        """Return the sequences of operations on all paths from the input to the output.

        Args:
            values: An architecture: dict from the names of decisions to operations. An edge whose decision is missing
                is absent from the graph.

        Returns:
            Dict from a path, a tuple of operations without identities, to the number of its occurrences.
        """
        outgoing: dict[int, list[tuple[int, Scalar]]] = {}
        for name, (source, target) in self.edges.items():
            if name in values and values[name] not in self.absent:
                outgoing.setdefault(source, []).append((target, values[name]))
        counts: dict[tuple[Scalar, ...], int] = {}
        stack: list[tuple[int, tuple[Scalar, ...]]] = [(self._input, ())]
        while stack:
            node, path = stack.pop()
            if node == self._output:
                counts[path] = counts.get(path, 0) + 1
            for target, operation in outgoing.get(node, ()):
                stack.append((target, path if operation in self.identity else (*path, operation)))
        return counts

    def features(self, architectures: Sequence[Mapping[str, Scalar]]) -> tuple[np.ndarray, np.ndarray]:
        """Count the occurrences of every path in every architecture.

        Args:
            architectures: List of n architectures.

        Returns:
            Float array of shape `(n, number of distinct paths)`, whose columns are in the order of first occurrence,
            and an integer array with the group of each column: all paths are in one group.
        """
        features, columns = count_matrix([self.paths(values) for values in architectures])
        return features, np.zeros(len(columns), dtype=int)


def count_matrix(
    counts: Sequence[Mapping[tuple, int]], columns: Sequence[tuple] = ()
) -> tuple[np.ndarray, list[tuple]]:
    """Return counts by key as a matrix.

    Args:
        counts: List of n dicts from key to count.
        columns: Keys of the first columns. Defaults to none.

    Returns:
        Float array of shape `(n, number of columns)`, and the key of each column: `columns`, then the other keys in the
        order of first occurrence.
    """
    positions: dict[tuple, int] = {key: position for position, key in enumerate(columns)}
    entries = [
        (row, positions.setdefault(key, len(positions)), count)
        for row, of_row in enumerate(counts)
        for key, count in of_row.items()
    ]
    matrix = np.zeros((len(counts), len(positions)))
    if entries:
        rows, places, values = zip(*entries, strict=True)
        matrix[rows, places] = values
    return matrix, list(positions)
