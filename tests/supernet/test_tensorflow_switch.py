"""The switch whose branches are computed again has the gradients, and the statistics, of the branch alone."""

import contextlib

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("TensorFlow only.", allow_module_level=True)

import tensorflow as tf

from autonas.backends import faster_layers
from autonas.supernet import tensorflow_switch


def branch(*layers):
    tensor = output = keras.Input((3,))
    for layer in layers:
        output = layer(output)
    return keras.Model([tensor], output)


def make():
    keras.utils.set_random_seed(0)
    normalized = branch(keras.layers.Dense(3), keras.layers.BatchNormalization(momentum=0.5))
    branches = [normalized, branch(keras.layers.Dense(3, "tanh")), None]
    return branches, [[0], [1], [0]], [tf.random.normal((8, 3), seed=seed) for seed in range(2)]


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_and_statistics_are_those_of_the_branch_alone(place, compiled):
    branches, positions, inputs = make()
    weights = [[variable.value for variable in each.trainable_variables] for each in branches[:2]]
    variables = [variable for each in weights for variable in each]
    statistics = branches[0].non_trainable_variables
    before = [keras.ops.convert_to_numpy(each) for each in statistics]

    def run(option, inputs, weights):
        arguments, state = [inputs[position] for position in positions[option]], [each.value for each in statistics]
        if option == 2:
            return arguments[0], state
        own = state if option == 0 else []
        output, new_state = branches[option].stateless_call(weights[option], own, arguments, training=True)
        return output, new_state or state

    def step(chosen):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            output, new_state = tensorflow_switch.switch(chosen, run, range(3), inputs, weights)
            loss = tf.reduce_sum(output**3)
        for each, value in zip(statistics, new_state, strict=True):
            each.assign(value)
        return output, tape.gradient(loss, [*inputs, *variables], unconnected_gradients="zero")

    output, found = (tf.function(step, autograph=False) if compiled else step)(tf.constant(place))
    after = [keras.ops.convert_to_numpy(each) for each in statistics]
    for each, value in zip(statistics, before, strict=True):
        each.assign(value)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        arguments = [inputs[position] for position in positions[place]]
        alone = arguments[0] if branches[place] is None else branches[place].call(arguments, training=True)
        loss = tf.reduce_sum(alone**3)
    np.testing.assert_allclose(output, alone, rtol=1e-5)
    expected = tape.gradient(loss, [*inputs, *variables], unconnected_gradients="zero")
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
    for one, other in zip(after, statistics, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_it_is_not_for_branches_that_draw_random_numbers():
    assert tensorflow_switch.applies(make()[0][:2])
    assert not tensorflow_switch.applies([branch(keras.layers.Dropout(0.5))])


def make_maps():
    """Return two branches with convolutions, and a feature map."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    inputs = keras.Input((6, 6, 2))
    twice = layers.BatchNormalization()(layers.Conv2D(3, 3, padding="same")(inputs))
    twice = layers.BatchNormalization()(layers.Conv2D(2, 1)(layers.Activation("relu")(twice)))
    separable = layers.SeparableConv2D(2, 3, padding="same", dilation_rate=2, use_bias=False)(inputs)
    branches = [keras.Model([inputs], twice), keras.Model([inputs], layers.BatchNormalization()(separable))]
    return branches, tf.random.normal((8, 6, 6, 2), seed=0)


@pytest.fixture
def gradients_of_maps():
    """Return a function from an index to the gradients of a switch, and to those of the branch alone."""
    with contextlib.ExitStack() as contexts:
        branches, inputs = make_maps()
        for branch in branches:
            contexts.enter_context(faster_layers.faster(branch))
        weights = [[variable.value for variable in branch.trainable_variables] for branch in branches]

        def run(option, inputs, weights):
            states = [variable.value for variable in branches[option].non_trainable_variables]
            return branches[option].stateless_call(weights[option], states, inputs, training=True)[0], []

        def slopes(outputs_of, inputs):
            variables = [variable for of_branch in weights for variable in of_branch]
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                loss = tf.reduce_sum(outputs_of(inputs) ** 3)
            return tape.gradient(loss, [inputs, *variables], unconnected_gradients="zero")

        def switched(chosen, inputs):
            return slopes(lambda x: tensorflow_switch.switch(chosen, run, range(2), [x], weights)[0], inputs)

        def alone(option):
            return slopes(lambda x: run(option, [x], weights)[0], inputs)

        yield tf.function(switched, autograph=False).get_concrete_function(tf.constant(0), inputs), inputs, alone


@pytest.mark.parametrize("option", [0, 1])
def test_gradients_from_kept_results_of_convolutions_are_those_of_the_branch_alone(gradients_of_maps, option):
    switched, inputs, alone = gradients_of_maps
    for one, other in zip(switched(tf.constant(option), inputs), alone(option), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-3)


def test_no_convolution_is_computed_again_for_a_gradient(gradients_of_maps):
    switched, *_ = gradients_of_maps
    functions = [
        function
        for function in switched.graph.as_graph_def().library.function
        if any("Backprop" in node.op for node in function.node_def)
    ]
    assert len(functions) == 2
    for function in functions:
        nodes = {node.name: node for node in function.node_def}
        needed, waiting = set(), [name.split(":")[0] for name in function.ret.values()]
        while waiting:
            name = waiting.pop()
            if name in nodes and name not in needed:
                needed.add(name)
                waiting += [source.lstrip("^").split(":")[0] for source in nodes[name].input]
        kinds = {nodes[name].op for name in needed}
        assert "Conv2DBackpropFilter" in kinds
        assert not kinds & {"Conv2D", "DepthwiseConv2dNative"}
