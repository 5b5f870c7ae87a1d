"""Problem of a search: the space, the encoded data and the goal of its candidates."""

from __future__ import annotations

import dataclasses
import functools
import typing

import keras
import keras_tuner

from autonas.data.dataset import ArrayDataset
from autonas.objectives.goal import Goal
from autonas.objectives.scoring import Scorer
from autonas.search_space.graph import Graph

if typing.TYPE_CHECKING:
    from autonas.evaluation.stream_loop import StreamDataset


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
        has_groups: Whether rows of the same group are in the same fold. Defaults to `False`.
    """

    graph: Graph
    dataset: ArrayDataset | StreamDataset
    scorer: Scorer
    goal: Goal
    as_served: typing.Callable[..., keras.Model] | None = None
    has_groups: bool = False

    @property
    def serves_folds(self) -> bool:
        """Whether the networks of all folds are served, averaged, instead of one network that is trained on all rows.

        A search with costs measures one network, and serves one.
        """
        return self.dataset.folds is not None and not self.goal.costs

    @functools.cached_property
    def space(self) -> keras_tuner.HyperParameters:
        """The whole space, a `keras_tuner.HyperParameters`."""
        return self.graph.declare()

    def served(self, model: keras.Model) -> keras.Model:
        """Return the network that is served and measured for a network, such as a network with preprocessing."""
        return model if self.as_served is None else self.as_served(model)
