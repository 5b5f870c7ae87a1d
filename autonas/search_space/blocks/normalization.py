"""Batch normalisation, with one momentum for all blocks."""

import keras

#: Momentum of the moving statistics. Trainings of a search have few steps, for which Keras's 0.99 is too slow.
MOMENTUM = 0.9


def batch_normalization():
    """Return a new `BatchNormalization` layer."""
    return keras.layers.BatchNormalization(momentum=MOMENTUM)
