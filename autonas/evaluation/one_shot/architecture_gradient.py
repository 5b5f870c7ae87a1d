"""Architecture gradients of DARTS: first order, second order, and finite differences."""

from keras import ops

from autonas.backends import gradients

#: Norm of the finite difference of the weights (Liu et al. 2019).
_DIFFERENCE = 0.01
#: Smallest norm of a gradient by which the finite difference is divided.
_SMALLEST_NORM = 1e-12


def first_order(objective, training_loss, weights, architecture, step_size):
    """Compute the gradient of J(w, a) with respect to a, with w as a constant.

    Args:
        objective: J, a function from two lists of tensors, w and a, to a scalar tensor.
        training_loss: L_train, a function with the same arguments. Not used.
        weights: w, a list of tensors.
        architecture: a, a list of tensors.
        step_size: Not used.

    Returns:
        J(w, a), and the gradient as a list of tensors with the shapes of a.
    """
    return gradients.value_and_gradient_at(lambda values: objective(weights, values), architecture)


def second_order(objective, training_loss, weights, architecture, step_size):
    """Compute the gradient of J(w'(a), a) with respect to a, where w'(a) = w - xi grad_w L_train(w, a).

    The gradient is that of equation 7 of DARTS (Liu et al. 2019), computed exactly. The step to w' is plain gradient
    descent, with any optimizer of the weights.

    Args:
        objective: J, a function from two lists of tensors, w and a, to a scalar tensor.
        training_loss: L_train, a function with the same arguments.
        weights: w, a list of tensors.
        architecture: a, a list of tensors.
        step_size: xi, a number or a scalar tensor.

    Returns:
        J(w', a), and the gradient as a list of tensors with the shapes of a.
    """

    def unrolled(values):
        return objective(_stepped(training_loss, weights, values, step_size), values)

    return gradients.value_and_gradient_at(unrolled, architecture)


def finite_difference(objective, training_loss, weights, architecture, step_size):
    """Approximate `second_order` without second derivatives, by equation 8 of DARTS (Liu et al. 2019).

      grad_a J(w', a) - xi (grad_a L_train(w+, a) - grad_a L_train(w-, a)) / (2 eps),
      w+ = w + eps v,   w- = w - eps v,   v = grad_w' J(w', a),   eps = 0.01 / |v|

    The arguments and the returned values are the same as of `second_order`.
    """
    stepped = _stepped(training_loss, weights, architecture, step_size)
    n_weights = len(weights)
    value, both = gradients.value_and_gradient_at(
        lambda values: objective(values[:n_weights], values[n_weights:]), [*stepped, *architecture]
    )
    direction, direct = both[:n_weights], both[n_weights:]
    norm = ops.sqrt(sum(ops.sum(ops.square(slope)) for slope in direction))
    # If J doesn't depend on the weights, the finite difference is 0.
    epsilon = _DIFFERENCE / ops.maximum(norm, _SMALLEST_NORM)

    def at(sign):
        moved = [weight + sign * epsilon * slope for weight, slope in zip(weights, direction, strict=True)]
        return gradients.value_and_gradient_at(lambda values: training_loss(moved, values), architecture)[1]

    return value, [
        slope - step_size * (plus - minus) / (2 * epsilon)
        for slope, plus, minus in zip(direct, at(1.0), at(-1.0), strict=True)
    ]


def _stepped(training_loss, weights, architecture, step_size):
    _, slopes = gradients.value_and_gradient_at(lambda values: training_loss(values, architecture), weights)
    return [weight - step_size * slope for weight, slope in zip(weights, slopes, strict=True)]


#: Functions that compute an architecture gradient, by the name of their order.
ORDERS = {"first": first_order, "second": second_order, "finite_difference": finite_difference}
