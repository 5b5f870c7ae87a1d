"""The problem that the candidates of a search are to solve: a space, encoded data and a goal."""

import dataclasses
import functools
import typing

from autonas.objectives.goal import Goal
from autonas.objectives.scoring import Scorer
from autonas.search_space.graph import Graph


@dataclasses.dataclass(eq=False)
class Problem:
    """Everything that is needed to build, train and score a candidate.

    Args:
        graph: A graph of blocks, bound to the data.
        dataset: The encoded rows, an `ArrayDataset` or a `StreamDataset`.
        scorer: The `Scorer` of the graph's heads.
        goal: The `Goal`.
        as_served: Function from a trained network to the network that is served and measured. Defaults to `None`: both
            are the same.
    """

    graph: Graph
    dataset: object
    scorer: Scorer
    goal: Goal
    as_served: typing.Callable | None = None

    @functools.cached_property
    def space(self):
        """The whole space, a `keras_tuner.HyperParameters`."""
        return self.graph.declare()
