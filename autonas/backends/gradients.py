"""Compiled functions and gradients of Keras code that assigns variables, the same on every backend."""

import importlib

import keras

from autonas.backends import scope

_backend = importlib.import_module(f"autonas.backends.{keras.backend.backend()}")


def compiled(function, variables):
    """A compiled version of a function that calls models, assigns variables and applies optimizers.

    It is traced once for each structure, shape and dtype of its arguments. On TensorFlow it is a graph, on JAX a
    function of the variables' values; on PyTorch, `function` itself.

    Args:
        function: Function of tensors, or of dicts and lists of them, that returns such.
        variables: All Keras variables that it reads or assigns: those of its models, seed generators and optimizers
            (built before). JAX takes the values of others for constants and forgets what is assigned to them.

    Returns:
        The compiled function; it also takes numpy arrays.
    """
    return _backend.compiled(function, variables)


def value_and_gradient(function, variables):
    """A scalar and its gradients in the current values of variables.

    What is assigned inside, such as statistics of BatchNormalization, is kept.

    Args:
        function: Function without arguments that returns a scalar tensor.
        variables: List of Keras variables.

    Returns:
        The scalar, and a list of gradients; zeros where it doesn't depend on a variable.
    """
    return _backend.value_and_gradient(function, variables)


def value_and_gradient_at(function, values):
    """A scalar and its gradients as a function of values; it can be nested, for derivatives of a higher order.

    Variables are given the values by `substituted`. Assign none outside of that: only TensorFlow and PyTorch keep it.

    Args:
        function: Function of a list of tensors that returns a scalar tensor.
        values: List of tensors.

    Returns:
        The scalar, and a list of gradients; zeros where it doesn't depend on a value.
    """
    return _backend.value_and_gradient_at(function, values)


def substituted(variables, values):
    """A context in which variables have other values. What is assigned in it, to any variable, is forgotten after it.

    As `keras.StatelessScope`, but the variables that aren't listed keep the values they have around it, in compiled
    functions too.

    Args:
        variables: List of Keras variables.
        values: List of tensors of their shapes.
    """
    return scope.NestedScope(variables, values)
