"""Graphs that blocks draw of their decisions: the edges that an architecture has, and features to compare them."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from autonas.search_space.operation_graph import count_matrix
from autonas.search_space.values import Scalar

#: Operations that return their input unchanged, and the operation that means "no connection".
_UNCHANGED, _ABSENT = ("", "identity"), "none"
#: Largest number of words of a walk: operations, and the input and the output of the graph.
_LONGEST = 4
_OUTPUT = "output of the graph"

_Word = tuple[str, int]
_Steps = dict[int, list[tuple[_Word, int | None]]]


@dataclasses.dataclass(frozen=True)
class ChosenEdges:
    """The edges of a drawn graph in one architecture.

    Args:
        edges: List of `(source, target, operation)`, numbers of nodes and a name. The name is empty for an edge without
            an operation.
        n_nodes: Number of nodes, the inputs included.
        decisions: List of the names of the decisions that chose the edges.
    """

    edges: list[tuple[int, int, str]]
    n_nodes: int
    decisions: list[str]

    @classmethod
    def of(cls, drawing: Mapping[str, Any], values: Mapping[str, Scalar]) -> ChosenEdges:
        """Return the edges of a graph in an architecture.

        Args:
            drawing: Dict of the graph, as `Block.drawing` returns.
            values: Dict from active decisions to their values.
        """
        decisions, edges, skips = [], [], []
        for edge in drawing["edges"]:
            source, decision = edge["source"], edge.get("decision")
            if decision is not None and decision not in values:
                continue
            if isinstance(source, dict):
                if source["decision"] not in values:
                    continue
                decisions.append(source["decision"])
                chosen = str(values[source["decision"]])
                if "back" in source:
                    source = None if chosen == "0" else source["back"] - int(chosen)
                else:
                    source = int(chosen.split("+")[source["place"]])
            if decision is None:
                skips.append((source, edge["target"], ""))
            else:
                decisions.append(decision)
                edges.append((source, edge["target"], str(values[decision])))
        reached = {target for _, target, _ in edges}
        skips = [edge for edge in skips if edge[0] is not None and edge[1] in reached]
        n_nodes = max([len(drawing["inputs"]), *(target + 1 for target in reached)])
        return cls([edge for edge in [*edges, *skips] if edge[2] != _ABSENT], n_nodes, decisions)


def is_used(drawing: Mapping[str, Any], values: Mapping[str, Scalar]) -> bool:
    """Return whether a graph is a part of an architecture; see `Block.drawing`."""
    used_by = drawing.get("used_by")
    return used_by is None or any(values.get(name) == used_by[0] for name in used_by[1])


class DrawnGraphs:
    """The graphs of a block's decisions, such as the normal and the reduction cell of a `CellBlock`.

    The features of an architecture are the square roots of counts of walks: one or more operations that follow one
    another, with the input before the first one or the output after the last one, if the walk begins or ends there;
    four words at most. Identities, missing connections and operations without a way to the output don't count. Walks
    don't depend on the numbers of the nodes, like the labels of Weisfeiler and Lehman (Ru et al., "Interpretable neural
    architecture search via Bayesian optimisation with Weisfeiler-Lehman kernels", 2021). Two deep graphs hardly ever
    share a complete path (White et al. 2021), but they share walks.

    Args:
        drawings: List of dicts, as `Block.drawing` returns.
    """

    def __init__(self, drawings: Sequence[Mapping[str, Any]]) -> None:
        self.drawings = list(drawings)

    def features(self, architectures: Sequence[Mapping[str, Scalar]]) -> tuple[np.ndarray, np.ndarray]:
        """Return the square roots of the counts of every walk in every architecture, and groups of walks.

        Args:
            architectures: List of n architectures, dicts of values.

        Returns:
            Float array of shape `(n, number of columns)`, and an integer array with the group of each column: walks of
            the same length are in one group. Every group has a first column of zeros, so that the number of groups is
            the same for all lists of architectures.
        """
        first = [(-1, (("", 0),) * length) for length in range(1, _LONGEST + 1)]
        counts, columns = count_matrix([Counter(self.walks(values)) for values in architectures], first)
        return np.sqrt(counts), np.array([len(words) - 1 for _, words in columns], dtype=int)

    def walks(self, values: Mapping[str, Scalar]) -> Iterator[tuple[int, tuple[_Word, ...]]]:
        """Yield the walks of an architecture, pairs of the number of the graph and a tuple of words."""
        for number, drawing in enumerate(self.drawings):
            if not is_used(drawing, values):
                continue
            chosen = ChosenEdges.of(drawing, values)
            steps, reached = _steps(drawing, chosen), _reached(drawing, chosen)
            stack: list[tuple[tuple[_Word, ...], int | None]] = [
                (((name, -1),), node) for node, name in enumerate(drawing["inputs"])
            ]
            stack += [
                (((label, 0),), target)
                for source, target, label in chosen.edges
                if label not in _UNCHANGED and source in reached and steps[target]
            ]
            while stack:
                walk, node = stack.pop()
                yield number, walk
                if node is not None and len(walk) < _LONGEST:
                    stack.extend(((*walk, word), target) for word, target in steps[node])


def _steps(drawing: Mapping[str, Any], chosen: ChosenEdges) -> _Steps:
    """Return the words that can follow at each node, and the nodes that they lead to; `None` after the output."""
    outgoing: dict[int, list[tuple[int, str]]] = {node: [] for node in range(chosen.n_nodes)}
    for source, target, label in chosen.edges:
        outgoing[source].append((target, label))
    n_inputs = len(drawing["inputs"])
    outputs = range(n_inputs, chosen.n_nodes) if drawing.get("joins") else [chosen.n_nodes - 1]
    steps: _Steps = {}
    for node in reversed(range(chosen.n_nodes)):  # Edges lead to later nodes.
        steps[node] = [((_OUTPUT, 1), None)] if node in outputs else []
        for target, label in outgoing[node]:
            # No step follows a node that doesn't lead to the output.
            if steps[target]:
                steps[node] += steps[target] if label in _UNCHANGED else [((label, 0), target)]
    return steps


def _reached(drawing: Mapping[str, Any], chosen: ChosenEdges) -> set[int]:
    """Return the nodes that lie behind an input."""
    reached = set(range(len(drawing["inputs"])))
    for source, target, _ in sorted(chosen.edges):
        if source in reached:
            reached.add(target)
    return reached
