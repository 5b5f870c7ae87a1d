"""The switch whose branches are computed again has the gradients, and the statistics, of the branch alone."""

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("TensorFlow only.", allow_module_level=True)

import tensorflow as tf

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
