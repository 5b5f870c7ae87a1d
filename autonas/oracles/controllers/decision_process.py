"""A space as a Markov decision process: each decision on the way to an architecture is one of few actions."""


class DecisionProcess:
    """The decisions of a space, and the finite actions of each.

    The state is the partial architecture, an action takes the next decision that is active in it. A decision among
    listed or unordered values has an action for each value. A range of reals or of more than 20 integers has `n_bins`
    actions: equal parts of its own scale, within which the value is drawn uniformly.

    An episode is the list of pairs `(decision, action)` of an architecture, in order; decisions that aren't active, or
    have one value only, are no part of it.

    Args:
        encoding: An `Encoding`.
        n_bins: Number of actions of a range.

    Attributes:
        sizes: List of the number of actions of each dimension of the encoding.
    """

    def __init__(self, encoding, n_bins):
        self.encoding = encoding
        self.n_bins = n_bins
        self._is_binned = [dimension.is_ordered and not dimension.is_listed for dimension in encoding.dimensions]
        self.sizes = [
            n_bins if is_binned else dimension.size
            for dimension, is_binned in zip(encoding.dimensions, self._is_binned, strict=True)
        ]
        self._index = {dimension: index for index, dimension in enumerate(encoding.dimensions)}

    def walk(self, choose, generator):
        """An architecture, decision by decision.

        Args:
            choose: Function from the index of a decision to an action; called for those that are active, in order.
            generator: A `numpy.random.Generator`, which draws within the bins.
        """

        def pick(dimension):
            index = self._index[dimension]
            if self.sizes[index] == 1:
                return dimension.default
            action = int(choose(index))
            if self._is_binned[index]:
                return dimension.from_position((action + generator.random()) / self.n_bins)
            return dimension.options[action]

        return self.encoding.walk(pick)

    def episode(self, values):
        """The decisions and actions that make an architecture."""
        return [
            (index, self._action(index, dimension, values[dimension.name]))
            for index, dimension in enumerate(self.encoding.dimensions)
            if self.sizes[index] > 1 and dimension.name in values and dimension.is_active(values)
        ]

    def _action(self, index, dimension, value):
        if self._is_binned[index]:
            return min(int(dimension.position(value) * self.n_bins), self.n_bins - 1)
        return dimension.index(value)
