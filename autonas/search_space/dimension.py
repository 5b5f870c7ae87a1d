"""Dimension of a search space: the legal values of one hyperparameter, with sampling, neighbours and distances."""

import math
from collections.abc import Mapping, Sequence

import keras_tuner
import numpy as np

from autonas.search_space.values import Scalar

_kinds = keras_tuner.engine.hyperparameters
#: Largest probability passed to Keras Tuner, which maps a probability of exactly 1 past the end of some ranges.
_LAST_PROBABILITY = 1 - 1e-9
#: Largest number of values that are enumerated one by one. A larger range is treated as a continuous scale.
_MAX_LISTED = 20
#: Standard deviation of the step to a neighbouring value, as a fraction of the range.
_STEP = 0.2
#: Maximum number of steps drawn to reach another value. After it, a value is sampled from the whole range.
_MAX_STEPS = 20
#: Entry of a one-hot code. Two different values are then at Euclidean distance 1.
_ONE_HOT = math.sqrt(0.5)


class Dimension:
    """Hyperparameter of a search space, with its moves and its numeric code.

    Args:
        hyperparameter: A hyperparameter of Keras Tuner.

    Attributes:
        name: Name of the hyperparameter.
        default: Default value, or the nearest legal value if it isn't one.
        options: Sequence of the legal values in order, empty for a continuous range.
        size: Number of legal values, `math.inf` for a continuous range.
        is_ordered: Whether the values have an order and thus a distance: `True` for numeric ranges and ordered choices
            of more than two values.
        is_listed: Whether there are at most 20 legal values, few enough to be enumerated.
        width: Number of columns of the numeric code: 1 for an ordered dimension, one per value for an unordered one.
    """

    def __init__(self, hyperparameter: keras_tuner.engine.hyperparameters.HyperParameter) -> None:
        self.hyperparameter = hyperparameter
        self.name = hyperparameter.name
        self.options = _options(hyperparameter)
        self.size = len(self.options) or math.inf
        self.is_listed = self.size <= _MAX_LISTED
        is_number = isinstance(hyperparameter, (_kinds.Int, _kinds.Float))
        self.default = hyperparameter.default
        if is_number and self.options and self.default not in self.options:
            # The default is beside the steps of the range, if only by rounding: 3 steps of 0.1 are 0.30000000000000004.
            self.default = min(self.options, key=lambda option: abs(option - hyperparameter.default))
        self.is_ordered = self.size > 2 and (is_number or getattr(hyperparameter, "ordered", False))
        self.width = 1 if self.is_ordered else len(self.options)
        self._index: dict[Scalar, int] = {}
        if isinstance(self.options, list):
            self._index = {option: index for index, option in enumerate(self.options)}
        self._activations = [condition.is_active for condition in hyperparameter.conditions]

    def is_active(self, values: Mapping[str, Scalar]) -> bool:
        """Return whether `values` satisfies the conditions of the hyperparameter."""
        # A loop takes half the time of `all`, and strategies ask millions of times.
        for is_active in self._activations:
            if not is_active(values):
                return False
        return True

    @property
    def in_words(self) -> str:
        """The legal values for the text of an error: a list, or the smallest and the largest value."""
        if self.is_listed or isinstance(self.hyperparameter, _kinds.Choice):
            return str(list(self.options))
        return f"{self.hyperparameter.min_value} to {self.hyperparameter.max_value}"

    def is_legal(self, value: Scalar) -> bool:
        """Return whether `value` is a legal value of the hyperparameter."""
        if not self.options:
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            return is_number and self.hyperparameter.min_value <= value <= self.hyperparameter.max_value
        # In Python `True == 1`, but a truth value isn't a legal integer, nor an integer a legal truth value.
        return value in (self._index or self.options) and isinstance(value, bool) == isinstance(self.options[0], bool)

    def has_near(self, value: Scalar) -> bool:
        """Return whether a value is legal, or is a number and the decision has a range of numbers."""
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return self.is_legal(value) or is_number and isinstance(self.hyperparameter, (_kinds.Int, _kinds.Float))

    def nearest(self, value: Scalar) -> Scalar:
        """Return the legal value nearest to a number; the default value for other illegal values, and for choices."""
        if self.is_legal(value):
            return value
        if not self.has_near(value):
            return self.default
        if isinstance(self.options, list):
            return min(self.options, key=lambda option: abs(option - value))
        within = min(max(value, self.hyperparameter.min_value), self.hyperparameter.max_value)
        return round(within) if isinstance(self.hyperparameter, _kinds.Int) else within

    def sample(self, generator: np.random.Generator) -> Scalar:
        """Draw a value from the uniform distribution on the scale of the range, linear or logarithmic."""
        if self.is_listed and not isinstance(self.options, range):
            return self.options[int(generator.integers(len(self.options)))]
        return self.from_position(generator.random())

    def position(self, value: Scalar) -> float:
        """Return the position of `value` on the scale of the range, from 0 (smallest value) to 1 (largest)."""
        if self.is_listed:
            return self.index(value) / max(1, self.size - 1)
        return self.hyperparameter.value_to_prob(value)

    def from_position(self, position: float) -> Scalar:
        """Return the value at `position`, a number from 0 to 1 on the scale of the range."""
        value = self.hyperparameter.prob_to_value(min(max(position, 0.0), _LAST_PROBABILITY))
        return int(value) if isinstance(self.hyperparameter, _kinds.Int) else value

    def index(self, value: Scalar) -> int:
        """Return the index of `value` in `options`."""
        return self._index[value] if self._index else self.options.index(value)

    def neighbour(self, value: Scalar, generator: np.random.Generator) -> Scalar:
        """Draw a value that differs from `value`.

        An unordered dimension draws uniformly among all other values. An ordered one takes a normally distributed step
        whose standard deviation is a fifth of the range.
        """
        if self.is_listed and not self.is_ordered:
            return self._other(value, int(generator.integers(len(self.options) - 1)))
        if self.is_listed:
            # With few values, a normal step would often round to the same value: draw from the others by their density.
            index = self.index(value)
            weights = np.exp(-0.5 * ((np.arange(self.size) - index) / max(1.0, _STEP * self.size)) ** 2)
            weights[index] = 0.0
            cumulated = weights.cumsum()
            return self.options[int(np.searchsorted(cumulated, generator.random() * cumulated[-1], side="right"))]
        for _ in range(_MAX_STEPS):
            position = abs(self.position(value) + generator.normal(0, _STEP)) % 2
            moved = self.from_position(2 - position if position > 1 else position)
            if moved != value:
                return moved
        return self.sample(generator)

    def others(self, value: Scalar, generator: np.random.Generator, n_steps: int) -> list[Scalar]:
        """Return values that differ from `value`.

        Args:
            value: A legal value.
            generator: A `numpy.random.Generator`.
            n_steps: Number of draws of `neighbour` for a dimension that isn't listed.

        Returns:
            List of all other values of a listed dimension; otherwise of up to `n_steps` distinct neighbours.
        """
        if self.is_listed:
            return [self._other(value, rank) for rank in range(len(self.options) - 1)]
        return list(dict.fromkeys(self.neighbour(value, generator) for _ in range(n_steps)))

    def _other(self, value: Scalar, rank: int) -> Scalar:
        """Return the value of index `rank` among the options without `value`."""
        return self.options[rank if rank < self.index(value) else rank + 1]

    def codes(self, values: Sequence[Scalar | None]) -> np.ndarray:
        """Return the numeric codes of a list of values, an array of shape `(n, width)`.

        The code of an ordered dimension is one column with the position minus 0.5. The code of an unordered dimension
        is one-hot, scaled so that two different values are at distance 1. `None`, for an inactive dimension, is encoded
        as zeros, which for an ordered one is the middle of its range.
        """
        codes = np.zeros((len(values), self.width))
        rows = [row for row, value in enumerate(values) if value is not None]
        known = [value for value in values if value is not None]
        if self.is_ordered:
            codes[rows, 0] = [self.position(value) - 0.5 for value in known]
        else:
            codes[rows, [self.index(value) for value in known]] = _ONE_HOT
        return codes

    def distance(self, first: Scalar, second: Scalar) -> float:
        """Return the distance of two values, from 0 to 1."""
        if self.is_ordered:
            return abs(self.position(first) - self.position(second))
        return float(first != second)


def _options(hyperparameter: keras_tuner.engine.hyperparameters.HyperParameter) -> Sequence[Scalar]:
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
        return ()
    # Keras Tuner returns floats for the powers of an integer step.
    kind = int if isinstance(hyperparameter, _kinds.Int) else float
    return [kind(value) for value in hyperparameter.values]
