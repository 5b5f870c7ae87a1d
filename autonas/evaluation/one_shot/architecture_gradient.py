"""The gradient by which an architecture learns: first order, second order and finite differences."""

from keras import ops

from autonas.backends import gradients

#: Length of the finite difference in the space of weights (Liu et al. 2019).
_DIFFERENCE = 0.01


def first_order(objective, training_loss, weights, architecture, step_size):
    """The gradient of J(w, a) in a; the weights w are taken to be what they should be.

    Args:
        objective: J, a function of a list of tensors w and a list of tensors a that returns a scalar tensor.
        training_loss: L_train, a function of the same. Not used.
        weights: w, a list of tensors.
        architecture: a, a list of tensors.
        step_size: Not used.

    Returns:
        J(w, a), and the gradient, a list of tensors like a.
    """
    return gradients.value_and_gradient_at(lambda values: objective(weights, values), architecture)


def second_order(objective, training_loss, weights, architecture, step_size):
    """The gradient in a of J(w'(a), a), through one step of training w'(a) = w - xi grad_w L_train(w, a).

    Equation 7 of DARTS (Liu et al. 2019), exact. The step is one of plain gradient descent, whatever optimizer trains
    the weights.

    Args:
        objective: J, a function of a list of tensors w and a list of tensors a that returns a scalar tensor.
        training_loss: L_train, a function of the same.
        weights: w, a list of tensors.
        architecture: a, a list of tensors.
        step_size: xi, a number or a scalar tensor.

    Returns:
        J(w', a), and the gradient, a list of tensors like a.
    """

    def unrolled(values):
        return objective(_stepped(training_loss, weights, values, step_size), values)

    return gradients.value_and_gradient_at(unrolled, architecture)


def finite_difference(objective, training_loss, weights, architecture, step_size):
    """`second_order` without second derivatives, by equation 8 of DARTS (Liu et al. 2019).

      grad_a J(w', a) - xi (grad_a L_train(w+, a) - grad_a L_train(w-, a)) / (2 eps),
      w+ = w + eps v,   w- = w - eps v,   v = grad_w' J(w', a),   eps = 0.01 / |v|

    Arguments and results are those of `second_order`.
    """
    stepped = _stepped(training_loss, weights, architecture, step_size)
    n_weights = len(weights)
    value, both = gradients.value_and_gradient_at(
        lambda values: objective(values[:n_weights], values[n_weights:]), [*stepped, *architecture]
    )
    direction, direct = both[:n_weights], both[n_weights:]
    norm = ops.sqrt(sum(ops.sum(ops.square(each)) for each in direction))
    # Where J doesn't depend on the weights, neither does the architecture's gradient.
    epsilon = _DIFFERENCE / ops.maximum(norm, 1e-12)

    def at(sign):
        moved = [weight + sign * epsilon * each for weight, each in zip(weights, direction, strict=True)]
        return gradients.value_and_gradient_at(lambda values: training_loss(moved, values), architecture)[1]

    return value, [
        each - step_size * (plus - minus) / (2 * epsilon)
        for each, plus, minus in zip(direct, at(1.0), at(-1.0), strict=True)
    ]


def _stepped(training_loss, weights, architecture, step_size):
    _, slopes = gradients.value_and_gradient_at(lambda values: training_loss(values, architecture), weights)
    return [weight - step_size * slope for weight, slope in zip(weights, slopes, strict=True)]


#: The gradients by name.
ORDERS = {"first": first_order, "second": second_order, "finite_difference": finite_difference}
