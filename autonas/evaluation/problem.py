"""Problem of a search: the space, the encoded data and the goal of its candidates."""

import dataclasses
import functools
import typing

from autonas.objectives.goal import Goal
from autonas.objectives.scoring import Scorer
from autonas.search_space.graph import Graph


@dataclasses.dataclass(eq=False)
class Problem:
    """Problem of a search, for building, training and scoring candidates.

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

    def served(self, model):
        """Return the network that is served and measured for a network, such as a network with preprocessing."""
        return model if self.as_served is None else self.as_served(model)
