"""Calls of layers that are replaced while a model is traced."""

import keras
import numpy as np
import pytest

from autonas.backends import replaced_calls


def is_dense(layer):
    return isinstance(layer, keras.layers.Dense)


def test_the_inner_replacement_gets_the_outer_one_which_returns_afterwards(network):
    x = np.random.default_rng(0).normal(size=(6, 4, 4, 3)).astype("float32")
    expected = keras.ops.convert_to_numpy(network(x))
    kinds = []

    def doubled(layer, call, inputs):
        kinds.append(type(layer).__name__)
        return 2 * call(inputs)

    with replaced_calls.replaced(network, is_dense, doubled):
        with replaced_calls.replaced(network, is_dense, doubled):
            np.testing.assert_allclose(network(x), 4 * expected, rtol=1e-5)
        np.testing.assert_allclose(network(x), 2 * expected, rtol=1e-5)
    np.testing.assert_allclose(network(x), expected, rtol=1e-5)
    assert kinds == ["Dense"] * 3


def test_a_call_returns_after_an_error(network):
    with (
        pytest.raises(ValueError, match="inside"),
        replaced_calls.replaced(network, is_dense, lambda layer, call, inputs: call(inputs)),
    ):
        raise ValueError("inside")
    assert not any("call" in vars(layer) for layer in network.layers)


def test_calls_as_they_were_return_after_the_context(network):
    x = np.random.default_rng(0).normal(size=(6, 4, 4, 3)).astype("float32")
    expected = keras.ops.convert_to_numpy(network(x))
    with replaced_calls.replaced(network, is_dense, lambda layer, call, inputs: 2 * call(inputs)):
        as_now = replaced_calls.as_now(network)
    with as_now():
        np.testing.assert_allclose(network(x), 2 * expected, rtol=1e-5)
    np.testing.assert_allclose(network(x), expected, rtol=1e-5)
