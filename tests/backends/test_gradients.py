"""Compiled functions and gradients: the same numbers on every backend, and what is assigned stays."""

import keras
import numpy as np
import pytest
from keras import ops

from autonas.backends import gradients
from autonas.optimizers import fused_adam


def variable(value):
    return keras.Variable(np.asarray(value, "float32"))


def number(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_compiled_functions_assign_and_read_variables_anew():
    total = variable(0.0)

    def add(amount):
        total.assign(total + amount)
        return 2 * total

    compiled = gradients.compiled(add, [total])
    assert number(compiled(np.float32(3))) == 6
    total.assign(10.0)
    assert number(compiled(np.float32(1))) == 22
    assert number(total) == 11


def test_arguments_and_results_may_be_dicts_and_lists_of_any_shape():
    factor = variable(3.0)
    compiled = gradients.compiled(lambda parts: {"scaled": [factor * parts["x"], ops.sum(parts["y"][0])]}, [factor])
    for size in (2, 4):
        scaled, total = compiled({"x": np.ones(size, "float32"), "y": [np.arange(size)]})["scaled"]
        np.testing.assert_array_equal(number(scaled), np.full(size, 3.0))
        assert number(total) == size * (size - 1) / 2


def test_gradients_in_variables():
    weights, unused = variable([1.0, 2.0]), variable([5.0])

    def step():
        return gradients.value_and_gradient(lambda: ops.sum(weights**3), [weights, unused])

    for function in (step, gradients.compiled(step, [weights, unused])):
        value, (gradient, zero) = function()
        assert number(value) == 9
        np.testing.assert_allclose(number(gradient), [3, 12], rtol=1e-6)
        np.testing.assert_array_equal(number(zero), [0])


def test_gradients_of_embeddings_are_dense():
    embedding = keras.layers.Embedding(4, 2)
    embedding.build()
    rows = np.array([1, 1, 3])
    _, (gradient,) = gradients.value_and_gradient(lambda: ops.sum(embedding(rows)), embedding.trainable_variables)
    np.testing.assert_array_equal(number(gradient), [[0, 0], [2, 2], [0, 0], [1, 1]])


@pytest.mark.parametrize("compile_it", [False, True])
def test_batch_normalization_keeps_its_statistics(compile_it):
    layer = keras.layers.BatchNormalization(momentum=0.5)
    layer.build((None, 1))
    x = np.array([[0.0], [4.0]], "float32")

    def step(x):
        return gradients.value_and_gradient(lambda: ops.sum(layer(x, training=True)), layer.trainable_variables)[0]

    (gradients.compiled(step, layer.variables) if compile_it else step)(x)
    np.testing.assert_allclose(number(layer.moving_mean), [1.0])
    np.testing.assert_allclose(number(layer.moving_variance), [2.5])


def test_optimizers_apply_in_compiled_functions():
    weights = variable([4.0, -2.0])
    optimizer = keras.optimizers.SGD(0.25)
    optimizer.build([weights])

    def step():
        value, gradient = gradients.value_and_gradient(lambda: ops.sum(ops.square(weights)), [weights])
        optimizer.apply(gradient, [weights])
        return value

    compiled = gradients.compiled(step, [weights, *optimizer.variables])
    assert [float(number(compiled())) for _ in range(3)] == [20, 5, 1.25]
    assert number(optimizer.iterations) == 3
    optimizer.learning_rate = 0.0
    compiled()
    np.testing.assert_array_equal(number(weights), [0.5, -0.25])


def test_a_model_learns_and_dropout_differs_from_step_to_step():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dropout(0.5, seed=0), keras.layers.Dense(1)])
    optimizer = fused_adam.FusedAdamW(0.05)
    optimizer.build(model.trainable_variables)
    x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")

    def step(x):
        def loss():
            return ops.mean(ops.square(model(x, training=True) - ops.sum(x, axis=1, keepdims=True)))

        value, gradient = gradients.value_and_gradient(loss, model.trainable_variables)
        optimizer.apply(gradient, model.trainable_variables)
        return value

    compiled = gradients.compiled(step, [*model.variables, *optimizer.variables])
    losses = [float(number(compiled(x))) for _ in range(60)]
    assert np.mean(losses[-10:]) < 0.6 * np.mean(losses[:10])
    optimizer.learning_rate = 0.0
    assert number(compiled(x)) != number(compiled(x))


def test_second_derivatives_by_nesting():
    def gradient_norm(values):
        _, (gradient,) = gradients.value_and_gradient_at(lambda inner: ops.sum(inner[0] ** 3), values)
        return ops.sum(ops.square(gradient))

    value, (gradient,) = gradients.value_and_gradient_at(gradient_norm, [np.array([1.0, 2.0], "float32")])
    assert number(value) == pytest.approx(9 + 144)  # the sum of 9 x^4
    np.testing.assert_allclose(number(gradient), [36, 288], rtol=1e-6)


@pytest.mark.parametrize("compile_it", [False, True])
def test_a_gradient_through_a_step_of_other_variables(compile_it):
    """With l = (w a)^2 / 2 and w' = w - r w a^2, d/da (w')^2 / 2 = -2 r w a w'."""
    w, a, count = variable(3.0), variable(2.0), variable(0.0)

    def step(rate):
        def after():
            def training_loss(values):
                with gradients.substituted([w], values):
                    count.assign(count + 1)
                    return ops.square(w * a) / 2

            _, (gradient,) = gradients.value_and_gradient_at(training_loss, [w.value])
            with gradients.substituted([w], [w - rate * gradient]):
                return ops.square(w) / 2

        return gradients.value_and_gradient(after, [a])

    compiled = gradients.compiled(step, [w, a, count]) if compile_it else step
    for a_value in (2.0, -1.0):
        a.assign(a_value)
        value, (gradient,) = compiled(np.float32(0.1))
        updated = 3 - 0.1 * 3 * a_value**2
        assert number(value) == pytest.approx(updated**2 / 2, rel=1e-5)
        assert number(gradient) == pytest.approx(-2 * 0.1 * 3 * a_value * updated, rel=1e-5)
    assert number(w) == 3 and number(count) == 0
