"""RecurrentBlock: recurrent layers on series."""

import keras
import numpy as np
import pytest

from autonas.search_space.blocks import recurrent
from tests.helpers import harness


def fixed(**arguments):
    settings = {"kind": "gru", "units": 6, "depth": 2, "bidirectional": True, "dropout": 0.0}
    return recurrent.RecurrentBlock(**{**settings, **arguments})


def test_any_architecture_of_the_default_space_builds_trains_and_saves(tmp_path):
    harness.check(recurrent.RecurrentBlock, *harness.digit_series(), tmp_path)


@pytest.mark.parametrize(("bidirectional", "width"), [(False, 6), (True, 12)])
def test_returns_the_last_state_or_all_of_them(bidirectional, width):
    last = harness.build(fixed(bidirectional=bidirectional), (8, 3))
    every = harness.build(fixed(bidirectional=bidirectional, return_sequences=True), (8, 3))
    assert last.output_shape == (None, width)
    assert every.output_shape == (None, 8, width)


def test_the_last_state_is_that_of_keras_itself():
    model = harness.build(fixed(depth=1), (8, 3))
    layer = keras.layers.Bidirectional(keras.layers.GRU(6))
    layer.build((None, 8, 3))
    layer.set_weights(model.get_weights())
    series = np.random.default_rng(0).normal(size=(4, 8, 3)).astype("float32")
    np.testing.assert_allclose(model(series), layer(series), rtol=1e-5, atol=1e-6)


def test_anything_but_series_is_refused():
    for shape in [(8,), (8, 8, 1)]:
        with pytest.raises(ValueError, match=r"RecurrentBlock takes a series \(n, time, channels\). Received"):
            harness.build(fixed(), shape)
