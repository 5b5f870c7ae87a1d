"""Markov decision process of a search space: each decision of an architecture is an action."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from autonas.search_space.dimension import Dimension
from autonas.search_space.encoding import Encoding
from autonas.search_space.values import Scalar

#: An architecture as pairs of the index of a decision and an action, in order.
Episode: TypeAlias = Sequence[tuple[int, int]]


class DecisionProcess:
    """Markov decision process whose episodes build architectures.

    The state is a partial architecture, and an action fixes the next active decision. A decision with listed or
    unordered values has one action for each value. A range of reals, or of more than 20 integers, has `n_bins` actions,
    which divide the range into equal bins on its own scale. The value is drawn uniformly within the bin.

    An episode is the list of pairs `(decision, action)` of an architecture. It excludes inactive decisions, and
    decisions with a single value.

    Args:
        encoding: The `Encoding` of the space.
        n_bins: Number of actions for a range.

    Attributes:
        sizes: List of the number of actions of each dimension of the encoding.
    """

    def __init__(self, encoding: Encoding, n_bins: int) -> None:
        self.encoding = encoding
        self.n_bins = n_bins
        self._is_binned = [dimension.is_ordered and not dimension.is_listed for dimension in encoding.dimensions]
        self.sizes = [
            n_bins if is_binned else len(dimension.options)
            for dimension, is_binned in zip(encoding.dimensions, self._is_binned, strict=True)
        ]
        self._index = {dimension: index for index, dimension in enumerate(encoding.dimensions)}

    def walk(self, choose: Callable[[int], int], generator: np.random.Generator) -> dict[str, Scalar]:
        """Build an architecture decision by decision.

        Args:
            choose: Function from the index of a decision to an action, called for each active decision in order.
            generator: A `numpy.random.Generator` that draws values within bins.

        Returns:
            Dict of the values of the architecture.
        """

        def pick(dimension: Dimension) -> Scalar:
            index = self._index[dimension]
            if self.sizes[index] == 1:
                return dimension.default
            action = int(choose(index))
            if self._is_binned[index]:
                return dimension.from_position((action + generator.random()) / self.n_bins)
            return dimension.options[action]

        return self.encoding.walk(pick)

    def episode(self, values: Mapping[str, Scalar]) -> Episode:
        """Return the episode of an architecture."""
        return [
            (index, self._action(index, dimension, values[dimension.name]))
            for index, dimension in enumerate(self.encoding.dimensions)
            if self.sizes[index] > 1 and dimension.name in values and dimension.is_active(values)
        ]

    def _action(self, index: int, dimension: Dimension, value: Scalar) -> int:
        if self._is_binned[index]:
            return min(int(dimension.position(value) * self.n_bins), self.n_bins - 1)
        return dimension.index(value)
