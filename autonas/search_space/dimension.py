"""One dimension of a space: the values that a hyperparameter can take, and the moves among them."""

import math

import keras_tuner
import numpy as np

_kinds = keras_tuner.engine.hyperparameters
#: Keras Tuner maps a probability of exactly 1 past the end of some ranges.
_LAST_PROBABILITY = 1 - 1e-9
#: Up to so many values are told apart one by one; more are a scale.
_MAX_LISTED = 20
#: So that two different values of a one-hot code are at distance 1.
_ONE_HOT = math.sqrt(0.5)


class Dimension:
    """A hyperparameter as strategies see it.

    Args:
        hyperparameter: A hyperparameter of Keras Tuner.

    Attributes:
        name: Its name.
        default: Its default value.
        options: Its values in order, `None` for a range of reals.
        size: Number of values, `math.inf` for a range of reals.
        is_ordered: Whether values have an order, so that some are near each other: numbers have, two values need none.
        is_listed: Whether the values are few enough to be gone through one by one.
        width: Number of columns of its numeric code: 1 if ordered, one for each value otherwise.
    """

    def __init__(self, hyperparameter):
        self.hyperparameter = hyperparameter
        self.name = hyperparameter.name
        self.default = hyperparameter.default
        self.options = _options(hyperparameter)
        self.size = math.inf if self.options is None else len(self.options)
        self.is_listed = self.size <= _MAX_LISTED
        is_number = isinstance(hyperparameter, (_kinds.Int, _kinds.Float))
        self.is_ordered = self.size > 2 and (is_number or getattr(hyperparameter, "ordered", False))
        self.width = 1 if self.is_ordered else self.size
        self._index = {}
        if isinstance(self.options, list):
            self._index = {option: index for index, option in enumerate(self.options)}
        self._activations = [condition.is_active for condition in hyperparameter.conditions]

    def is_active(self, values):
        """Whether the choices that this depends on were made in `values`."""
        return all(is_active(values) for is_active in self._activations)

    def is_legal(self, value):
        """Whether `value` lies in the domain."""
        if self.options is None:
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            return is_number and self.hyperparameter.min_value <= value <= self.hyperparameter.max_value
        # True equals 1, and "1" must not pass for 1.
        return value in (self._index or self.options) and isinstance(value, bool) == isinstance(self.options[0], bool)

    def sample(self, generator):
        """A value drawn uniformly, in the range's own scale."""
        if self.is_listed and not isinstance(self.options, range):
            return self.options[int(generator.integers(self.size))]
        return self.from_position(generator.random())

    def position(self, value):
        """Where a value lies on its scale, from 0 to 1."""
        if self.is_listed:
            return self.index(value) / max(1, self.size - 1)
        return self.hyperparameter.value_to_prob(value)

    def from_position(self, position):
        """The value at a position of the range's own scale, a number from 0 to 1."""
        value = self.hyperparameter.prob_to_value(min(max(position, 0.0), _LAST_PROBABILITY))
        return int(value) if isinstance(self.hyperparameter, _kinds.Int) else value

    def index(self, value):
        """The place of a value among `options`."""
        return self._index[value] if self._index else self.options.index(value)

    def neighbour(self, value, generator):
        """Another value; a number moves to a near one, by a normal step of a fifth of its range."""
        if self.is_listed and not self.is_ordered:
            return self._other(value, int(generator.integers(self.size - 1)))
        if self.is_listed:
            # A step of a fifth of the range would often end where it began.
            index = self.index(value)
            weights = np.exp(-0.5 * ((np.arange(self.size) - index) / max(1.0, 0.2 * self.size)) ** 2)
            weights[index] = 0.0
            cumulated = weights.cumsum()
            return self.options[int(np.searchsorted(cumulated, generator.random() * cumulated[-1], side="right"))]
        for _ in range(20):
            position = abs(self.position(value) + generator.normal(0, 0.2)) % 2
            moved = self.from_position(2 - position if position > 1 else position)
            if moved != value:
                return moved
        return self.sample(generator)

    def others(self, value, generator, n_steps):
        """All other values if they are listed, `n_steps` near ones, or fewer if some are the same, otherwise."""
        if self.is_listed:
            return [self._other(value, place) for place in range(self.size - 1)]
        return list(dict.fromkeys(self.neighbour(value, generator) for _ in range(n_steps)))

    def _other(self, value, place):
        return self.options[place if place < self.index(value) else place + 1]

    def code(self, value):
        """The numeric code of a value: the column that isn't 0, and what stands in it.

        A number's position, less 0.5; or one column of a one-hot code, such that different values are at distance 1.
        An inactive dimension is all zeros: for a number, the middle of its range.
        """
        return (0, self.position(value) - 0.5) if self.is_ordered else (self.index(value), _ONE_HOT)

    def distance(self, first, second):
        """How far apart two values are, from 0 to 1."""
        if self.is_ordered:
            return abs(self.position(first) - self.position(second))
        return float(first != second)


def _options(hyperparameter):
    if isinstance(hyperparameter, _kinds.Fixed):
        return [hyperparameter.value]
    if isinstance(hyperparameter, _kinds.Boolean):
        return [False, True]
    if isinstance(hyperparameter, _kinds.Choice):
        return list(hyperparameter.values)
    if isinstance(hyperparameter, _kinds.Int) and hyperparameter.step in (None, 1):
        return range(hyperparameter.min_value, hyperparameter.max_value + 1)
    if hyperparameter.min_value == hyperparameter.max_value:
        return [hyperparameter.min_value]
    if hyperparameter.step is None:
        return None
    # Keras Tuner gives floats for powers of an integer step.
    kind = int if isinstance(hyperparameter, _kinds.Int) else float
    return [kind(value) for value in hyperparameter.values]
