"""Encoding: a conditional space as data, and the moves in it that strategies are made of."""

import numpy as np

from autonas.search_space.dimension import Dimension


class Encoding:
    """A space of conditional hyperparameters.

    An architecture is a dict from the name of each *active* hyperparameter to a plain Python value; whatever depends
    on a choice that wasn't made is absent. Names under `tuner/` don't belong to the space and pass through unchanged.

    Args:
        hyperparameters: The whole space, a `keras_tuner.HyperParameters`, parents before children.

    Attributes:
        dimensions: List of a `Dimension` for each hyperparameter.
        width: Number of columns of `features`.
        columns: Integer array of shape `(width,)`: the place in `dimensions` of what each column belongs to.
        is_ordered: Boolean array of shape `(width,)`: whether a column is a position on a scale.
    """

    def __init__(self, hyperparameters):
        self.dimensions = [Dimension(hyperparameter) for hyperparameter in hyperparameters.space]
        widths = [dimension.width for dimension in self.dimensions]
        self.width = sum(widths)
        self.columns = np.repeat(np.arange(len(widths)), widths)
        self.is_ordered = np.repeat([dimension.is_ordered for dimension in self.dimensions], widths).astype(bool)
        self._first_columns = np.cumsum([0, *widths[:-1]]).tolist() if widths else []

    # ------------------------------------------------------------------ architectures

    def walk(self, pick):
        """Values of the active dimensions, each by `pick(dimension)`, parents first."""
        values = {}
        for dimension in self.dimensions:
            if dimension.is_active(values):
                values[dimension.name] = pick(dimension)
        return values

    def default(self):
        """The default architecture."""
        return self.walk(lambda dimension: dimension.default)

    def sample(self, generator):
        """An architecture drawn at random: at each choice met, every option is equally likely.

        Args:
            generator: A `numpy.random.Generator`.
        """
        return self.walk(lambda dimension: dimension.sample(generator))

    def is_valid(self, values):
        """Whether `values` holds a legal value for each active dimension and nothing else but reserved names."""
        return self.key(self.complete(values)) == self.key(values)

    def complete(self, values, generator=None):
        """The architecture nearest to some values: legal ones are kept, illegal ones and those that depend on a
        choice not made are dropped, missing ones drawn at random, or the default without a generator.

        Args:
            values: Dict from names to values, of any completeness.
            generator: A `numpy.random.Generator` or `None`.
        """

        def pick(dimension):
            value = values.get(dimension.name)
            if value is not None and dimension.is_legal(value):
                return value
            return dimension.default if generator is None else dimension.sample(generator)

        return self.walk(pick)

    def architectures(self):
        """All architectures, one after the other; of a range of reals only those with the default."""
        waiting = [(0, {})]
        while waiting:
            position, values = waiting.pop()
            while position < len(self.dimensions):
                dimension = self.dimensions[position]
                position += 1
                if dimension.is_active(values):
                    options = dimension.options or [dimension.default]
                    others = [{**values, dimension.name: option} for option in options[1:]]
                    waiting.extend((position, other) for other in reversed(others))
                    values = {**values, dimension.name: options[0]}
            yield values

    def key(self, values):
        """A hashable identity of an architecture, without what is under `tuner/`."""
        return tuple(sorted((name, value) for name, value in values.items() if not name.startswith("tuner/")))

    # ------------------------------------------------------------------ moves

    def mutate(self, values, generator):
        """An architecture that differs in one active decision; what newly depends on it is drawn at random.

        Numbers move to a near value: a normal step of a fifth of their range. A decision with one option is never
        picked.
        """
        free = self._free(values)
        if not free:
            return dict(values)
        return self._changed(values, free[generator.integers(len(free))], generator)

    def neighbours(self, values, generator, n_steps=4):
        """All architectures that differ in one active decision, one after the other in the order of decisions.

        Args:
            values: An architecture.
            generator: A `numpy.random.Generator`: what newly depends on the decision is drawn at random.
            n_steps: How many near values of a real or of a range of more than 20 integers. Defaults to 4.
        """
        for dimension in self._free(values):
            for value in dimension.others(values[dimension.name], generator, n_steps):
                yield self.complete({**values, dimension.name: value}, generator)

    def crossover(self, first, second, generator):
        """A child of two architectures: each decision is that of one of the parents, by the toss of a coin.

        Where only one parent has made the decision, as below a choice in which they differ, it is that one's.
        """

        def pick(dimension):
            parents = [parent for parent in (first, second) if dimension.name in parent]
            if not parents:
                return dimension.sample(generator)
            parent = parents[0] if len(parents) == 1 or generator.random() < 0.5 else parents[1]
            return parent[dimension.name]

        return self.walk(pick)

    def _free(self, values):
        return [dimension for dimension in self.dimensions if dimension.size > 1 and dimension.name in values]

    def _changed(self, values, dimension, generator):
        value = dimension.neighbour(values[dimension.name], generator)
        return self.complete({**values, dimension.name: value}, generator)

    # ------------------------------------------------------------------ numbers

    def features(self, architectures):
        """Architectures as numbers.

        Args:
            architectures: List of n architectures.

        Returns:
            Float array of shape `(n, width)`. A number is its position in its range, from -0.5 to 0.5, in its own
            scale; other choices are one-hot, scaled so that the squared distance of two different values is 1. The
            columns of an inactive dimension are 0.
        """
        features = np.zeros((len(architectures), self.width))
        for column, dimension in zip(self._first_columns, self.dimensions, strict=True):
            name, code = dimension.name, dimension.code
            for row, values in enumerate(architectures):
                if name in values:
                    offset, number = code(values[name])
                    features[row, column + offset] = number
        return features

    def activity(self, architectures):
        """Which dimensions are active: boolean array of shape `(n, len(dimensions))`."""
        return np.array([[dimension.name in values for dimension in self.dimensions] for values in architectures])

    def distance(self, first, second):
        """How many decisions two architectures differ in; numbers count by the share of their range between them, and
        a decision that only one of them has made counts 1."""
        total = 0.0
        for dimension in self.dimensions:
            name = dimension.name
            if name in first and name in second:
                total += dimension.distance(first[name], second[name])
            else:
                total += (name in first) != (name in second)
        return total
