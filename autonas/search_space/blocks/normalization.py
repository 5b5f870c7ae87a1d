"""Batch normalisation layer of all blocks."""

import keras

#: Momentum of the moving statistics. The default of Keras, 0.99, is too slow for the few training steps of a candidate.
MOMENTUM = 0.9


def batch_normalization() -> keras.layers.BatchNormalization:
    """Return a new `keras.layers.BatchNormalization` with the momentum `MOMENTUM`."""
    return keras.layers.BatchNormalization(momentum=MOMENTUM)
