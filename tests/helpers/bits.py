"""A space of bits, for tests of moves."""

import keras_tuner


def binary_space(n_decisions=6):
    space = keras_tuner.HyperParameters()
    for place in range(n_decisions):
        space.Boolean(f"bit_{place}")
    return space


def n_differing(first, second):
    return sum(first.get(name) != second.get(name) for name in {*first, *second})
