"""FusedSGD is SGD with momentum, and leaves weights alone that get no gradient."""

import keras
import numpy as np
import pytest

from autonas.optimizers import fused_sgd


def apply(optimizer, variables, steps):
    for gradients in steps:
        optimizer.apply([keras.ops.convert_to_tensor(each, "float32") for each in gradients], variables)
    return [keras.ops.convert_to_numpy(each) for each in variables]


def kernel_and_bias():
    return [keras.Variable(np.array([[1.0, -2.0]], "float32")), keras.Variable(np.array([3.0], "float32"))]


STEPS = [([[0.5, 1.0]], [2.0]), ([[-0.25, 1.0]], [1.0]), ([[0.125, -2.0]], [4.0])]


@pytest.mark.parametrize("clip_norm", [None, 1.5])
def test_steps_equal_those_of_keras(clip_norm):
    ours = apply(fused_sgd.FusedSGD(0.1, clip_norm=clip_norm), kernel_and_bias(), STEPS)
    other = apply(keras.optimizers.SGD(0.1, momentum=0.9, global_clipnorm=clip_norm), kernel_and_bias(), STEPS)
    for one, two in zip(ours, other, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-6)


def test_weight_decay_is_part_of_the_velocity_of_kernels():
    kernel, bias = apply(fused_sgd.FusedSGD(0.1, weight_decay=0.5), kernel_and_bias(), STEPS[:2])
    weights, velocity = np.array([[1.0, -2.0]]), 0.0
    for gradient, _ in STEPS[:2]:
        velocity = 0.9 * velocity + np.array(gradient) + 0.5 * weights
        weights = weights - 0.1 * velocity
    np.testing.assert_allclose(kernel, weights, rtol=1e-6)
    np.testing.assert_allclose(bias, [3 - 0.1 * 2 - 0.1 * (0.9 * 2 + 1)], rtol=1e-6)


def test_a_weight_without_gradient_keeps_its_value_and_its_velocity():
    optimizer = fused_sgd.FusedSGD(0.1, weight_decay=0.5)
    variables = kernel_and_bias()
    kernel, bias = apply(optimizer, variables, STEPS[:1])
    rested, _ = apply(optimizer, variables, [([[0.0, 0.0]], [1.0])] * 3)
    np.testing.assert_array_equal(rested, kernel)
    again = apply(fused_sgd.FusedSGD(0.1, weight_decay=0.5), kernel_and_bias(), STEPS[:2])
    resumed = apply(optimizer, variables, [(STEPS[1][0], [0.0])])
    np.testing.assert_allclose(resumed[0], again[0], rtol=1e-6)


def test_one_variable_is_enough():
    (kernel,) = apply(fused_sgd.FusedSGD(0.1), kernel_and_bias()[:1], [(STEPS[0][0],)])
    np.testing.assert_allclose(kernel, [[0.95, -2.1]], rtol=1e-6)


def test_config_round_trip():
    optimizer = fused_sgd.FusedSGD(0.02, momentum=0.8, weight_decay=0.1, clip_norm=2.0)
    assert fused_sgd.FusedSGD.from_config(optimizer.get_config()).get_config() == optimizer.get_config()
