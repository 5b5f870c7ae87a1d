"""A space with a decision that depends on the one before it."""

import keras_tuner


def conditional_space():
    space = keras_tuner.HyperParameters()
    space.Choice("family", ["none", "some"])
    with space.conditional_scope("family", ["some"]):
        space.Choice("depth", [1, 2, 3])
    space.Choice("last", list("abcd"))
    return space
