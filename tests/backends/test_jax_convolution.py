"""Convolutions of JAX on a CPU: the numbers of Keras, in the forms that XLA computes fast in a loop."""

import re

import keras
import numpy as np
import pytest
from keras import layers, ops

if keras.backend.backend() != "jax":
    pytest.skip("They are convolutions of JAX; see test_on_jax.py.", allow_module_level=True)

import jax

from autonas.backends import gradients, jax_convolution

CASES = {
    "same": (layers.Conv2D(6, 3, padding="same", activation="relu"), (9, 8, 4)),
    "valid": (layers.Conv2D(6, (3, 2), use_bias=False), (9, 8, 4)),
    "strides": (layers.Conv2D(6, 3, strides=2, padding="same"), (9, 8, 4)),
    "strides that skip inputs": (layers.Conv2D(6, 1, strides=3), (9, 8, 4)),
    "dilation": (layers.Conv2D(6, 3, dilation_rate=2, padding="same"), (9, 8, 4)),
    "depthwise": (layers.DepthwiseConv2D(3, strides=2, padding="same"), (9, 8, 4)),
    "depthwise with strides that skip inputs": (layers.DepthwiseConv2D(2, strides=3), (9, 8, 4)),
    "depthwise with more padding than inputs": (layers.DepthwiseConv2D(5, dilation_rate=2, padding="same"), (2, 3, 4)),
    "separable": (layers.SeparableConv2D(6, 5, padding="same"), (9, 8, 4)),
    "series": (layers.Conv1D(6, 5, strides=2), (20, 4)),
    "causal": (layers.Conv1D(6, 3, dilation_rate=2, padding="causal"), (20, 4)),
    "depthwise series": (layers.DepthwiseConv1D(3, dilation_rate=2, padding="same", use_bias=False), (20, 4)),
    "separable series": (layers.SeparableConv1D(6, 3, padding="same"), (20, 4)),
}


def make(case):
    """The model of a layer, and its inputs."""
    keras.utils.set_random_seed(0)
    layer, shape = CASES[case]
    inputs = keras.Input(shape)
    config = layer.get_config()
    model = keras.Model(inputs, type(layer).from_config(config)(inputs))
    return model, np.random.default_rng(0).normal(size=(5, *shape)).astype("float32")


def loss_and_slopes(model, x):
    """The loss, and its gradients in the inputs and the weights."""
    variables = model.trainable_variables

    def loss(values):
        with gradients.substituted(variables, values[1:]):
            return ops.mean(model(values[0]) ** 3)

    return gradients.value_and_gradient_at(loss, [x, *[variable.value for variable in variables]])


@pytest.mark.parametrize("case", CASES)
def test_outputs_and_gradients_are_those_of_keras(case):
    model, x = make(case)
    expected = loss_and_slopes(model, x)
    before = [layer.call for layer in model.layers]
    with jax_convolution.by_products(model):
        assert [layer.call for layer in model.layers] != before, "the layer is replaced"
        computed = loss_and_slopes(model, x)
    assert [layer.call for layer in model.layers] == before
    for value, number in zip(jax.tree.leaves(computed), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(value, number, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("case", ["same", "separable"])
def test_a_loop_has_no_convolutions_but_those_in_the_usual_order(case):
    model, x = make(case)

    @jax.jit
    def trained(x):
        with jax_convolution.by_products(model):
            # Each step depends on the one before.
            return jax.lax.fori_loop(0, 3, lambda _, x: x - sum(map(ops.mean, loss_and_slopes(model, x)[1])), x)

    orders = re.findall(r"dim_labels=(\S+?)[,\s]", trained.lower(x).compile().as_text())
    # A depthwise convolution is a sum of products.
    assert set(orders) == ({"b01f_01io->b01f"} if case == "same" else set())


def test_other_convolutions_are_slow_in_loops():
    def is_slow(*chain):
        return jax_convolution.is_slow_in_loops(keras.Sequential([keras.Input((8, 8, 4)), *chain]))

    assert not is_slow(layers.Conv2D(4, 3), layers.SeparableConv2D(4, 3), layers.Dense(2))
    for layer in (
        layers.Conv2D(4, 3, groups=2),
        layers.Conv2DTranspose(4, 3),
        layers.DepthwiseConv2D(3, depth_multiplier=2),
    ):
        assert is_slow(layer)
