"""The three gradients of an architecture, on losses whose gradients and optima are known in closed form.

With a matrix A, vectors b and c, and numbers rho and mu,
  L_train(w, a) = |w - A a|^2 / 2 + rho |a - c|^2 / 2,   L_val(w, a) = |w - b|^2 / 2 + mu |a|^2 / 2,
so that the best weights are w*(a) = A a.
"""

import numpy as np
import pytest
from keras import ops

from autonas.backends import gradients
from autonas.evaluation.one_shot import architecture_gradient

A = np.array([[1.0, 0.5], [-0.3, 0.8], [0.2, -0.6]], "float32")
B = np.array([1.0, -1.0, 0.5], "float32")
C = np.array([0.4, -0.2], "float32")
RHO, MU = 0.5, 0.3
W = np.array([0.7, 0.1, -0.4], "float32")
ALPHA = np.array([0.3, -0.9], "float32")
STEP = 0.7


def half_square(values):
    return 0.5 * ops.sum(ops.square(values))


def training_loss(weights, architecture):
    (w,), (a,) = weights, architecture
    return half_square(w - ops.matmul(A, a)) + RHO * half_square(ops.subtract(a, C))


def validation_loss(weights, architecture):
    (w,), (a,) = weights, architecture
    return half_square(ops.subtract(w, B)) + MU * half_square(a)


def training_and_validation_loss(weights, architecture):
    return training_loss(weights, architecture) + 2.0 * validation_loss(weights, architecture)


def gradient(order, objective, w=W, a=ALPHA, step=STEP):
    function = architecture_gradient.ORDERS[order]
    compiled = gradients.compiled(lambda w, a: function(objective, training_loss, [w], [a], step), [])
    value, (slope,) = compiled(w, a)
    return float(ops.convert_to_numpy(value)), ops.convert_to_numpy(slope)


def train_slope(w, a):
    return -A.T @ (w - A @ a) + RHO * (a - C)


def stepped():
    return W - STEP * (W - A @ ALPHA)


def test_first_order_is_the_partial_gradient():
    np.testing.assert_allclose(gradient("first", validation_loss)[1], MU * ALPHA, rtol=1e-5)
    np.testing.assert_allclose(gradient("first", training_loss)[1], train_slope(W, ALPHA), rtol=1e-5)
    both = gradient("first", training_and_validation_loss)[1]
    np.testing.assert_allclose(both, train_slope(W, ALPHA) + 2 * MU * ALPHA, rtol=1e-5)


@pytest.mark.parametrize(("order", "tolerance"), [("second", 1e-5), ("finite_difference", 2e-3)])
def test_second_order_is_the_gradient_through_a_step_of_training(order, tolerance):
    value, slope = gradient(order, validation_loss)
    # dw'/da = xi A
    np.testing.assert_allclose(slope, MU * ALPHA + STEP * A.T @ (stepped() - B), rtol=tolerance)
    assert value == pytest.approx(np.sum((stepped() - B) ** 2) / 2 + MU * np.sum(ALPHA**2) / 2, rel=1e-5)
    _, slope = gradient(order, training_loss)
    expected = train_slope(stepped(), ALPHA) + STEP * A.T @ (stepped() - A @ ALPHA)
    np.testing.assert_allclose(slope, expected, rtol=tolerance)


def test_finite_difference_is_near_where_it_is_not_exact():
    def curved(weights, architecture):
        return ops.exp(ops.sum(weights[0] * ops.matmul(A, architecture[0])))

    def slope(order):
        function = architecture_gradient.ORDERS[order]
        return ops.convert_to_numpy(function(validation_loss, curved, [W], [ALPHA], STEP)[1][0])

    np.testing.assert_allclose(slope("finite_difference"), slope("second"), rtol=5e-3)
    assert np.abs(slope("second") - MU * ALPHA).max() > 0.1


def test_finite_difference_of_an_objective_without_weights_is_its_partial_gradient():
    _, slope = gradient("finite_difference", lambda weights, architecture: MU * half_square(architecture[0]))
    np.testing.assert_allclose(slope, MU * ALPHA, rtol=1e-5)


def optimum(order, objective, step=1.0):
    """Where alternating updates of w and a end: each a step of gradient descent."""
    function = architecture_gradient.ORDERS[order]

    def update(w, a):
        _, (slope,) = function(objective, training_loss, [w], [a], step)
        a = a - 0.5 * slope
        _, (slope,) = gradients.value_and_gradient_at(lambda values: training_loss(values, [a]), [w])
        return w - step * slope, a

    compiled, w, a = gradients.compiled(update, []), W, ALPHA
    for _ in range(150):
        w, a = compiled(w, a)
    return ops.convert_to_numpy(w), ops.convert_to_numpy(a)


@pytest.mark.parametrize("order", ["second", "finite_difference"])
def test_second_order_finds_the_architecture_whose_best_weights_are_best_on_the_held_half(order):
    # min over a of L_val(w*(a), a)
    best = np.linalg.solve(A.T @ A + MU * np.eye(2), A.T @ B)
    w, a = optimum(order, validation_loss)
    np.testing.assert_allclose(a, best, atol=2e-3)
    np.testing.assert_allclose(w, A @ best, atol=2e-3)


def test_first_order_is_blind_to_what_weights_make_of_the_architecture():
    w, a = optimum("first", validation_loss)
    np.testing.assert_allclose(a, [0, 0], atol=1e-4)
    np.testing.assert_allclose(w, [0, 0, 0], atol=1e-4)


def test_without_the_validation_term_the_training_loss_is_minimal():
    w, a = optimum("first", training_loss)
    np.testing.assert_allclose(a, C, atol=1e-4)
    np.testing.assert_allclose(w, A @ C, atol=1e-4)


def test_the_weight_of_the_validation_term_shifts_the_optimum():
    w, a = optimum("first", training_and_validation_loss)
    np.testing.assert_allclose(a, RHO * C / (RHO + 2 * MU), atol=1e-4)
