"""Structure: which graph of operations the values of a space stand for; what computes the same is close."""

import numpy as np


class OperationGraph:
    """Says which decisions label the edges of a directed acyclic graph of operations.

    Args:
        edges: Dict from the name of a decision to the pair of nodes `(source, target)` that its operation connects.
            The node that is nowhere a target is the input, the one that is nowhere a source the output.
        identity: Operations that pass their input on unchanged. Defaults to `("identity",)`.
        absent: Operations that stand for no connection. Defaults to `("none",)`.

    Example:

    ```python
    # A chain of two layers, with a way past both.
    OperationGraph({"first": (0, 1), "second": (1, 2), "shortcut": (0, 2)})
    ```
    """

    def __init__(self, edges, identity=("identity",), absent=("none",)):
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

    def paths(self, values):
        """The operations met on each way from the input to the output.

        Args:
            values: An architecture. An edge whose decision is inactive is absent.

        Returns:
            Dict from each path, a tuple of operations without identities, to how often it occurs.
        """
        following = {}
        for name, (source, target) in self.edges.items():
            if name in values and values[name] not in self.absent:
                following.setdefault(source, []).append((target, values[name]))
        found = {}
        waiting = [(self._input, ())]
        while waiting:
            node, path = waiting.pop()
            if node == self._output:
                found[path] = found.get(path, 0) + 1
            for target, operation in following.get(node, ()):
                waiting.append((target, path if operation in self.identity else (*path, operation)))
        return found

    def features(self, architectures):
        """How often each path occurs in each architecture.

        Args:
            architectures: List of n architectures.

        Returns:
            Float array of shape `(n, number of different paths)`, the paths in the order in which they first occur.
        """
        columns, cells = {}, []
        for row, values in enumerate(architectures):
            for path, count in self.paths(values).items():
                cells.append((row, columns.setdefault(path, len(columns)), count))
        features = np.zeros((len(architectures), len(columns)))
        if cells:
            rows, places, counts = zip(*cells, strict=True)
            features[rows, places] = counts
        return features
