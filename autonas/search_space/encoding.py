"""Encoding of a conditional search space: sampling, neighbours, mutation, crossover, features and distances."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import keras_tuner
import numpy as np

from autonas.search_space.dimension import Dimension
from autonas.search_space.reserved import is_reserved
from autonas.search_space.values import Key, Scalar


class Encoding:
    """Conditional search space on which the strategies operate.

    An architecture is a dict from the name of every *active* hyperparameter to a plain Python value. A hyperparameter
    whose conditions aren't met is absent. Names that begin with `tuner/` are reserved for Keras Tuner: they don't
    belong to the space and are ignored.

    Args:
        hyperparameters: The whole space, a `keras_tuner.HyperParameters` with parents before children.

    Attributes:
        dimensions: List of `Dimension`, one for each hyperparameter.
        width: Number of columns of `features`.
        columns: Integer array of shape `(width,)`: for a column of `features`, the index of its dimension.
        is_ordered: Boolean array of shape `(width,)`: whether the dimension of a column is ordered.
    """

    def __init__(self, hyperparameters: keras_tuner.HyperParameters) -> None:
        self.dimensions = [Dimension(hyperparameter) for hyperparameter in hyperparameters.space]
        widths = [dimension.width for dimension in self.dimensions]
        self.width = sum(widths)
        self.columns = np.repeat(np.arange(len(widths)), widths)
        self.is_ordered = np.repeat([dimension.is_ordered for dimension in self.dimensions], widths).astype(bool)
        self._first_columns = np.cumsum([0, *widths[:-1]]).tolist() if widths else []

    # ------------------------------------------------------------------ architectures

    def walk(self, pick: Callable[[Dimension], Scalar]) -> dict[str, Scalar]:
        """Build an architecture by calling `pick(dimension)` for every active dimension, parents first."""
        values: dict[str, Scalar] = {}
        for dimension in self.dimensions:
            if dimension.is_active(values):
                values[dimension.name] = pick(dimension)
        return values

    def default(self) -> dict[str, Scalar]:
        """Return the default architecture."""
        return self.walk(lambda dimension: dimension.default)

    def sample(self, generator: np.random.Generator) -> dict[str, Scalar]:
        """Draw a random architecture, every active dimension uniformly.

        Args:
            generator: A `numpy.random.Generator`.
        """
        return self.walk(lambda dimension: dimension.sample(generator))

    def is_valid(self, values: Mapping[str, Scalar]) -> bool:
        """Return whether `values` has a legal value for every active dimension and no other unreserved names."""
        return self.key(self.complete(values)) == self.key(values)

    def complete(self, values: Mapping[str, Scalar], generator: np.random.Generator | None = None) -> dict[str, Scalar]:
        """Complete partial values to a valid architecture.

        Legal values of active dimensions are kept. Illegal values and values of inactive dimensions are dropped.
        Missing values are drawn at random or set to the defaults.

        Args:
            values: Dict from names to values.
            generator: A `numpy.random.Generator` for the missing values, or `None` for the defaults.
        """

        def pick(dimension: Dimension) -> Scalar:
            value = values.get(dimension.name)
            if value is not None and dimension.is_legal(value):
                return value
            return dimension.default if generator is None else dimension.sample(generator)

        return self.walk(pick)

    def nearest(self, values: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """Complete values of another space like `complete`; numbers outside of a range become its nearest value."""

        def pick(dimension: Dimension) -> Scalar:
            value = values.get(dimension.name)
            return dimension.default if value is None else dimension.nearest(value)

        return self.walk(pick)

    def architectures(self) -> Iterator[dict[str, Scalar]]:
        """Yield all architectures. A continuous dimension takes only its default value."""
        stack: list[tuple[int, dict[str, Scalar]]] = [(0, {})]
        while stack:
            position, values = stack.pop()
            while position < len(self.dimensions):
                dimension = self.dimensions[position]
                position += 1
                if dimension.is_active(values):
                    options = dimension.options or [dimension.default]
                    others = [{**values, dimension.name: option} for option in options[1:]]
                    stack.extend((position, other) for other in reversed(others))
                    values = {**values, dimension.name: options[0]}
            yield values

    def key(self, values: Mapping[str, Scalar]) -> Key:
        """Return a hashable key of an architecture, without the names that begin with `tuner/`."""
        return tuple(sorted([item for item in values.items() if not is_reserved(item[0])]))

    # ------------------------------------------------------------------ moves

    def mutate(self, values: Mapping[str, Scalar], generator: np.random.Generator) -> dict[str, Scalar]:
        """Return a copy of `values` with one random active dimension moved to a neighbouring value.

        Dimensions that become active by the change are drawn at random. Dimensions with a single value are never
        picked. See `Dimension.neighbour` for the distribution of the move.
        """
        free = self._free(values)
        if not free:
            return dict(values)
        return self._changed(values, free[generator.integers(len(free))], generator)

    def neighbours(
        self, values: Mapping[str, Scalar], generator: np.random.Generator, n_steps: int = 4
    ) -> Iterator[dict[str, Scalar]]:
        """Yield the architectures that differ from `values` in one active dimension, in the order of the dimensions.

        Args:
            values: An architecture.
            generator: A `numpy.random.Generator`. Dimensions that become active by the change are drawn at random.
            n_steps: Number of neighbouring values of a continuous dimension or one of more than 20 values. Defaults
                to 4.
        """
        for dimension in self._free(values):
            for value in dimension.others(values[dimension.name], generator, n_steps):
                yield self.complete({**values, dimension.name: value}, generator)

    def crossover(
        self, first: Mapping[str, Scalar], second: Mapping[str, Scalar], generator: np.random.Generator
    ) -> dict[str, Scalar]:
        """Return a child of two architectures (uniform crossover).

        A dimension that is active in both parents is inherited from either with equal probability. A dimension that is
        active in one parent is inherited from that parent. A dimension that is active in neither is drawn at random.
        """

        def pick(dimension: Dimension) -> Scalar:
            parents = [parent for parent in (first, second) if dimension.name in parent]
            if not parents:
                return dimension.sample(generator)
            parent = parents[0] if len(parents) == 1 or generator.random() < 0.5 else parents[1]
            return parent[dimension.name]

        return self.walk(pick)

    def _free(self, values: Mapping[str, Scalar]) -> list[Dimension]:
        """Return the active dimensions with more than one value."""
        return [dimension for dimension in self.dimensions if dimension.size > 1 and dimension.name in values]

    def _changed(
        self, values: Mapping[str, Scalar], dimension: Dimension, generator: np.random.Generator
    ) -> dict[str, Scalar]:
        value = dimension.neighbour(values[dimension.name], generator)
        return self.complete({**values, dimension.name: value}, generator)

    # ------------------------------------------------------------------ numbers

    def features(self, architectures: Sequence[Mapping[str, Scalar]]) -> np.ndarray:
        """Encode architectures as numeric features.

        Args:
            architectures: List of n architectures.

        Returns:
            Float array of shape `(n, width)`. An ordered dimension has one column, the position on its scale from -0.5
            to 0.5. An unordered dimension is one-hot, scaled so that the distance of two different values is 1. The
            columns of an inactive dimension are 0.
        """
        features = np.zeros((len(architectures), self.width))
        for column, dimension in zip(self._first_columns, self.dimensions, strict=True):
            codes = dimension.codes([values.get(dimension.name) for values in architectures])
            features[:, column : column + dimension.width] = codes
        return features

    def distance(self, first: Mapping[str, Scalar], second: Mapping[str, Scalar]) -> float:
        """Return the distance of two architectures, the sum of the distances in all dimensions.

        An ordered dimension contributes the difference of the positions on its scale, from 0 to 1. An unordered one
        contributes 1 for different values. A dimension that is active in only one architecture contributes 1.
        """
        total = 0.0
        for dimension in self.dimensions:
            name = dimension.name
            if name in first and name in second:
                total += dimension.distance(first[name], second[name])
            else:
                total += (name in first) != (name in second)
        return total
