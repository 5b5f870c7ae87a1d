"""Compiled functions and gradients of Keras code that assigns variables, with one interface for all backends."""

import importlib

import keras

from autonas.backends import scope

_backend = importlib.import_module(f"autonas.backends.{keras.backend.backend()}")


def compiled(function, variables, simplified=True):
    """Compile a function that calls models, assigns variables or applies optimizers.

    The function is traced once for every structure, shape and dtype of its arguments. On TensorFlow the result is a
    graph, on JAX a jitted function of the values of the variables, on PyTorch the function itself.

    Args:
        function: Function from tensors, or nested dicts and lists of tensors, to tensors or such structures.
        variables: All Keras variables that the function reads or assigns: the variables of its models, seed generators
            and optimizers, which must be built. On JAX, any other variable is a constant, and assignments to it are
            lost.
        simplified: Whether TensorFlow simplifies the graph before its first execution. For a large graph this takes
            longer than the trace, and saves little time of an execution. Defaults to `True`.

    Returns:
        The compiled function. It also accepts numpy arrays.
    """
    return _backend.compiled(function, variables, simplified)


def is_tracing():
    """Return whether a function of `compiled` is being traced, so that functions of `reusable` can be called."""
    return _backend.is_tracing()


def reusable(function, inlined=True):
    """Return a function that is traced once, and called at many places of compiled functions.

    Args:
        function: Function from two lists of tensors, values of variables and inputs, to nested lists of tensors. It
            assigns no variables outside of the context `substituted`.
        inlined: Whether TensorFlow copies the function to all of its places before the first execution. Defaults to
            `True`: it saves time in every execution if the graph is then simplified.

    Returns:
        The function, for lists of the same shapes and dtypes.
    """
    return _backend.reusable(function, inlined)


def rolled(function, branches, values, inputs, state):
    """Call a function of `reusable` several times, where the inputs depend on the results of earlier calls (JAX).

    The calls are a loop, of which XLA compiles a single call.

    Args:
        function: The function, whose first result is a tensor.
        branches: List with, for each call, a function of the first result of the call before and of the state. It
            returns the inputs of the call, the new state, and a number.
        values: List of the first arguments of the calls.
        inputs: Inputs with the shapes of the inputs of a call.
        state: Nested lists of tensors.

    Returns:
        The list of the results of the calls, the last state, and the sum of the numbers.
    """
    return _backend.rolled(function, branches, values, inputs, state)


def value_and_gradient(function, variables):
    """Compute a scalar and its gradients with respect to variables at their current values.

    Assignments inside the function, such as to the statistics of BatchNormalization, are kept.

    Args:
        function: Function without arguments that returns a scalar tensor.
        variables: List of Keras variables.

    Returns:
        The scalar, and the list of gradients. The gradient of a variable that isn't used is zero.
    """
    return _backend.value_and_gradient(function, variables)


def value_and_gradient_at(function, values):
    """Compute a scalar and its gradients with respect to the arguments of a function.

    Calls can be nested to compute derivatives of higher order. To differentiate with respect to the values of
    variables, `function` calls its models in the context `substituted`. Don't assign variables outside of this context,
    as JAX doesn't keep the assignments.

    Args:
        function: Function of a list of tensors that returns a scalar tensor.
        values: List of tensors.

    Returns:
        The scalar, and the list of gradients. The gradient of a value that isn't used is zero.
    """
    return _backend.value_and_gradient_at(function, values)


def substituted(variables, values):
    """Return a context in which `variables` have other values. All assignments inside are discarded at its end.

    Unlike in a `keras.StatelessScope`, variables that aren't listed keep the values of the enclosing scope, also in
    compiled functions.

    Args:
        variables: List of Keras variables.
        values: List of tensors with the shapes of the variables.
    """
    return scope.NestedScope(variables, values)
