"""What several tests of backends use."""

import keras
import pytest


@pytest.fixture
def network():
    """A network of images with layers that backends have faster forms of."""
    inputs = keras.Input((4, 4, 3))
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(5, 3, padding="same")(inputs))
    return keras.Model(inputs, keras.layers.Dense(2)(x))
