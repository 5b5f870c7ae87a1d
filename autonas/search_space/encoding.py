"""Encoding: a conditional space as data, and the moves in it that strategies are made of."""

import math

import keras_tuner
import numpy as np

_kinds = keras_tuner.engine.hyperparameters
#: Keras Tuner maps a probability of exactly 1 past the end of some ranges.
_LAST_PROBABILITY = 1 - 1e-9


class Encoding:
    """A space of conditional hyperparameters.

    An architecture is a dict from the name of each *active* hyperparameter to a plain Python value; whatever depends
    on a choice that wasn't made is absent. Names under `tuner/` don't belong to the space and pass through unchanged.

    Args:
        hyperparameters: The whole space, a `keras_tuner.HyperParameters`, parents before children.
    """

    def __init__(self, hyperparameters):
        self.space = list(hyperparameters.space)

    def walk(self, pick):
        """Values of the active hyperparameters, each by `pick(hyperparameter)`, parents first."""
        values = {}
        for hyperparameter in self.space:
            if all(condition.is_active(values) for condition in hyperparameter.conditions):
                values[hyperparameter.name] = pick(hyperparameter)
        return values

    def default(self):
        """The default architecture."""
        return self.walk(lambda hyperparameter: hyperparameter.default)

    def sample(self, generator):
        """An architecture drawn at random: at each choice met, every option is equally likely.

        Args:
            generator: A `numpy.random.Generator`.
        """
        return self.walk(lambda hyperparameter: sample_value(hyperparameter, generator))

    def complete(self, values, generator=None):
        """The architecture nearest to some values: legal ones are kept, illegal ones and those that depend on a
        choice not made are dropped, missing ones drawn at random, or the default without a generator.

        Args:
            values: Dict from names to values, of any completeness.
            generator: A `numpy.random.Generator` or `None`.
        """

        def pick(hyperparameter):
            value = values.get(hyperparameter.name)
            if value is not None and is_legal(hyperparameter, value):
                return value
            return hyperparameter.default if generator is None else sample_value(hyperparameter, generator)

        return self.walk(pick)

    def architectures(self):
        """All architectures, one after the other; of a range of reals only those with the default."""
        waiting = [(0, {})]
        while waiting:
            position, values = waiting.pop()
            while position < len(self.space):
                hyperparameter = self.space[position]
                position += 1
                if all(condition.is_active(values) for condition in hyperparameter.conditions):
                    options = values_of(hyperparameter) or [hyperparameter.default]
                    others = [{**values, hyperparameter.name: option} for option in options[1:]]
                    waiting.extend((position, other) for other in reversed(others))
                    values = {**values, hyperparameter.name: options[0]}
            yield values

    def mutate(self, values, generator):
        """An architecture that differs in one active decision; what newly depends on it is drawn at random.

        Numbers move to a near value: a normal step of a fifth of their range. A decision with one option is never
        picked.
        """
        free = [
            hyperparameter
            for hyperparameter in self.space
            if hyperparameter.name in values and n_values(hyperparameter) > 1
        ]
        if not free:
            return dict(values)
        changed = free[generator.integers(len(free))]
        return self.complete({**values, changed.name: _neighbour(changed, values[changed.name], generator)}, generator)

    def key(self, values):
        """A hashable identity of an architecture, without what is under `tuner/`."""
        return tuple(sorted((name, value) for name, value in values.items() if not name.startswith("tuner/")))


def values_of(hyperparameter):
    """The values of a hyperparameter in order, `None` for a range of reals."""
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


def n_values(hyperparameter):
    """Number of values, `math.inf` for a range of reals."""
    values = values_of(hyperparameter)
    return math.inf if values is None else len(values)


def is_legal(hyperparameter, value):
    """Whether `value` lies in the hyperparameter's domain."""
    values = values_of(hyperparameter)
    if values is None:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return is_number and hyperparameter.min_value <= value <= hyperparameter.max_value
    # True equals 1, and "1" must not pass for 1.
    return value in values and isinstance(value, bool) == isinstance(values[0], bool)


def sample_value(hyperparameter, generator):
    """A value drawn uniformly, in the range's own scale."""
    if isinstance(hyperparameter, _kinds.Fixed):
        return hyperparameter.value
    if isinstance(hyperparameter, _kinds.Boolean):
        return bool(generator.integers(2))
    if isinstance(hyperparameter, _kinds.Choice):
        return hyperparameter.values[int(generator.integers(len(hyperparameter.values)))]
    return _from_probability(hyperparameter, generator.random())


def _from_probability(hyperparameter, probability):
    value = hyperparameter.prob_to_value(min(max(probability, 0.0), _LAST_PROBABILITY))
    return int(value) if isinstance(hyperparameter, _kinds.Int) else float(value)


def _neighbour(hyperparameter, value, generator):
    if isinstance(hyperparameter, _kinds.Boolean):
        return not value
    if isinstance(hyperparameter, _kinds.Choice):
        others = [other for other in hyperparameter.values if other != value]
        return others[int(generator.integers(len(others)))]
    values = values_of(hyperparameter)
    if values is not None and len(values) <= 20:
        # A step of a fifth of the range would often end where it began.
        index = values.index(value)
        weights = np.exp(-0.5 * ((np.arange(len(values)) - index) / max(1.0, 0.2 * len(values))) ** 2)
        weights[index] = 0.0
        return values[int(generator.choice(len(values), p=weights / weights.sum()))]
    for _ in range(20):
        probability = abs(hyperparameter.value_to_prob(value) + generator.normal(0, 0.2)) % 2
        moved = _from_probability(hyperparameter, 2 - probability if probability > 1 else probability)
        if moved != value:
            return moved
    return sample_value(hyperparameter, generator)
