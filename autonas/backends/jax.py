"""JAX: what a function assigns becomes one of its results, and is assigned outside of the compiled part."""

import jax
import keras

from autonas.backends import scope


def compiled(function, variables):
    variables = list({id(variable): variable for variable in variables}.values())
    position = {id(variable): index for index, variable in enumerate(variables)}

    @jax.jit
    def stateless(values, arguments):
        with scope.NestedScope(variables, values) as state:
            results = function(*arguments)
            changed = {position[key]: variable.value for key, variable in state.assigned.items() if key in position}
        return results, changed

    def call(*arguments):
        arguments = keras.tree.map_structure(keras.ops.convert_to_tensor, arguments)
        results, changed = stateless([variable.value for variable in variables], arguments)
        for index, value in changed.items():
            variables[index].assign(value)
        return results

    return call


def value_and_gradient(function, variables):
    assigned = []

    def stateless(values):
        with scope.NestedScope(variables, values) as state:
            value = function()
            assigned[:] = state.assigned.values()
            return value, [variable.value for variable in assigned]

    (value, updates), gradients = jax.value_and_grad(stateless, has_aux=True)([each.value for each in variables])
    for variable, update in zip(assigned, updates, strict=True):
        variable.assign(update)
    return value, gradients


def value_and_gradient_at(function, values):
    return jax.value_and_grad(function)([keras.ops.convert_to_tensor(value) for value in values])
