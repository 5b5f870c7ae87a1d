"""Mixing layers with the same options are traced once, and other mixing layers by themselves."""

import keras
import numpy as np
import pytest
from keras import ops

from autonas.backends import gradients
from autonas.search_space import decisions
from autonas.supernet import reading as supernet_reading
from autonas.supernet import sharing, supernet

if keras.backend.backend() == "torch":
    pytest.skip("PyTorch traces nothing.", allow_module_level=True)


class Scaled(keras.layers.Layer):
    """Multiplies by a weight, and counts the calls on tensors of a traced function."""

    n_traces = 0

    def build(self, shape):
        self.scale = self.add_weight(name="scale", shape=(), initializer="ones")
        self.n_calls = self.add_weight(name="n_calls", shape=(), initializer="zeros", trainable=False)

    def call(self, inputs):
        Scaled.n_traces += gradients.is_tracing()
        self.n_calls.assign_add(1.0)
        return inputs * self.scale


class Bare(keras.layers.Layer):
    """A layer with an argument that can't be saved."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def call(self, inputs):
        return self.function(inputs)


def build(*choices):
    """The supernet of a chain of decisions, for dicts from label to a function that returns a layer."""
    reading = supernet_reading.SupernetReading()
    inputs = outputs = keras.Input((2,))
    for index, candidates in enumerate(choices):
        outputs = decisions.LayerChoice(f"choice_{index}", candidates)(reading, outputs)
    return supernet.Supernet(inputs, outputs, reading)


SCALED = {"scaled": Scaled, "identity": keras.layers.Identity}
DENSE = {"scaled": lambda: keras.layers.Dense(2), "identity": keras.layers.Identity}


def descriptions(net):
    return [sharing.describe(layer) for layer in supernet.mixing_layers(net)]


def test_layers_with_the_same_options_have_the_same_description():
    first, second, other = descriptions(build(SCALED, SCALED, DENSE))
    assert first == second != other


def test_sequential_models_with_the_same_layers_have_the_same_description():
    two = {"two": lambda: keras.Sequential([keras.layers.Dense(4), keras.layers.Dense(2)]), **SCALED}
    three = {"two": lambda: keras.Sequential([keras.layers.Dense(3), keras.layers.Dense(2)]), **SCALED}
    first, second, other = descriptions(build(two, two, three))
    assert first == second != other


def test_a_layer_that_cannot_be_saved_has_no_description():
    (description,) = descriptions(build({"bare": lambda: Bare(lambda x: x), "identity": keras.layers.Identity}))
    assert description is None


@pytest.mark.parametrize("mode", ["select", "blend"])
def test_one_trace_serves_layers_with_different_weights(mode):
    net = build(*[SCALED] * 6)
    net.mode = mode
    for selector in net.decisions.values():
        selector.logits.assign([50.0, 0.0])
    scales = [variable for variable in net.operation_variables if variable.path.endswith("scale")]
    for scale, value in zip(scales, range(1, 7), strict=True):
        scale.assign(value)

    def step(x):
        return gradients.value_and_gradient(lambda: ops.sum(net(x, training=True)), scales)

    Scaled.n_traces = 0
    value, slopes = gradients.compiled(step, net.variables)(np.ones((1, 2), "float32"))
    # The input of the first layer has no gradient, and the gradient of a selected layer computes the layer again.
    assert Scaled.n_traces <= 4
    assert float(value) == pytest.approx(2 * 720)
    np.testing.assert_allclose(slopes, 2 * 720 / np.arange(1, 7), rtol=1e-5)
    counts = [variable for variable in net.non_trainable_variables if variable.path.endswith("n_calls")]
    assert [float(ops.convert_to_numpy(count)) for count in counts] == [1.0] * 6, "every layer has its own state"


@pytest.mark.parametrize("mode", ["select", "blend"])
def test_layers_beside_each_other_keep_their_weights_and_states(mode):
    reading = supernet_reading.SupernetReading()
    inputs = keras.Input((2,))
    outputs = [decisions.LayerChoice(f"choice_{index}", SCALED)(reading, inputs) for index in range(4)]
    net = supernet.Supernet(inputs, keras.layers.Concatenate()(outputs), reading)
    net.mode = mode
    for selector in net.decisions.values():
        selector.logits.assign([50.0, 0.0])
    scales = [variable for variable in net.operation_variables if variable.path.endswith("scale")]
    for scale, value in zip(scales, (2.0, 3.0, 5.0, 7.0), strict=True):
        scale.assign(value)

    def step(x):
        return gradients.value_and_gradient(lambda: ops.sum(net(x, training=True) ** 2), scales)

    Scaled.n_traces = 0
    value, slopes = gradients.compiled(step, net.variables)(np.ones((1, 2), "float32"))
    assert Scaled.n_traces <= 4
    assert float(value) == pytest.approx(2 * (4 + 9 + 25 + 49))
    np.testing.assert_allclose(slopes, [8.0, 12.0, 20.0, 28.0], rtol=1e-5)
    counts = [variable for variable in net.non_trainable_variables if variable.path.endswith("n_calls")]
    assert [float(ops.convert_to_numpy(count)) for count in counts] == [1.0] * 4
