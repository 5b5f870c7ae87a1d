"""Encoding: a conditional space as data, and the moves in it that strategies are made of."""

import math

import keras_tuner

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


def n_values(hyperparameter):
    """Number of values, `math.inf` for a range of reals."""
    if isinstance(hyperparameter, _kinds.Fixed):
        return 1
    if isinstance(hyperparameter, _kinds.Boolean):
        return 2
    if isinstance(hyperparameter, _kinds.Choice):
        return len(hyperparameter.values)
    if hyperparameter.min_value == hyperparameter.max_value:
        return 1
    return math.inf if isinstance(hyperparameter, _kinds.Float) else hyperparameter.max_value - hyperparameter.min_value + 1


def is_legal(hyperparameter, value):
    """Whether `value` lies in the hyperparameter's domain."""
    if isinstance(hyperparameter, _kinds.Fixed):
        return value == hyperparameter.value
    if isinstance(hyperparameter, _kinds.Boolean):
        return isinstance(value, bool)
    if isinstance(hyperparameter, _kinds.Choice):
        return value in hyperparameter.values
    if isinstance(value, (bool, str)):
        return False
    return hyperparameter.min_value <= value <= hyperparameter.max_value


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
    for _ in range(20):
        step = generator.normal(0, 0.2)
        moved = _from_probability(hyperparameter, abs(hyperparameter.value_to_prob(value) + step) % 2)
        if moved != value:
            return moved
    return sample_value(hyperparameter, generator)
