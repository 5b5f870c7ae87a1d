"""JAX implementation of `gradients`, of `precision` and of `memory`.

A compiled function returns the new values of variables, which are assigned outside of it.
"""

import collections
import math
import warnings

import jax
import keras
import numpy as np
from jax._src import core, xla_bridge

from autonas.backends import scope


def optimized(function):
    """Return a function compiled by XLA, on a CPU with the first of its three levels of optimisation of machine code.

    The higher levels take a quarter longer to compile a supernet, and the steps after that take as long.
    """
    options = {"xla_backend_optimization_level": 1} if jax.default_backend() == "cpu" else None
    return jax.jit(function, compiler_options=options)


def compiled(function, variables, simplified=True):
    variables = list({id(variable): variable for variable in variables}.values())
    position = {id(variable): index for index, variable in enumerate(variables)}

    @optimized
    def stateless(values, arguments):
        with scope.NestedScope(variables, values) as state:
            results = function(*arguments)
            changed = {position[key]: variable.value for key, variable in state.assigned.items() if key in position}
        return results, _packed(changed)

    def call(*arguments):
        arguments = keras.tree.map_structure(keras.ops.convert_to_tensor, arguments)
        results, changed = stateless([variable.value for variable in variables], arguments)
        for variable, value in _unpacked(changed, variables):
            variable.assign(value)
        return results

    return call


def _packed(values):
    """Return tensors, a dict, as one vector for each dtype, with a dict that has the keys of its tensors.

    On a CPU, XLA would compile a kernel for each tensor that is a slice of a vector, such as a weight after an update.
    """
    if jax.default_backend() != "cpu":
        return [({key: None}, value) for key, value in values.items()]
    groups = collections.defaultdict(dict)
    for key, value in values.items():
        groups[str(value.dtype)][key] = value
    return [
        (dict.fromkeys(group), jax.numpy.concatenate([group[key].ravel() for key in sorted(group)]))
        for group in groups.values()
    ]


def _unpacked(groups, variables):
    """Iterate over pairs of a variable and its value, for vectors of `_packed` whose keys are indices of variables."""
    for keys, vector in groups:
        if len(keys) == 1:
            (key,) = keys
            yield variables[key], vector.reshape(variables[key].shape)
            continue
        # Slices of an array of numpy need no compiled function.
        vector, start = np.asarray(vector), 0
        for key in sorted(keys):
            shape = variables[key].shape
            end = start + math.prod(shape)
            yield variables[key], vector[start:end].reshape(shape)
            start = end


def is_tracing():
    return not core.trace_state_clean()


def reusable(function, inlined=True):
    # XLA copies the function to all of its places.
    return jax.jit(function)


def rolled(function, branches, values, inputs, state):
    output = jax.eval_shape(function, values[0], inputs)[0]
    stacked = jax.tree.map(lambda *leaves: jax.numpy.stack(leaves), *values)

    def call(carry, step):
        output, state, total = carry
        index, values = step
        inputs, state, number = jax.lax.switch(index, branches, output, state)
        results = function(values, inputs)
        return (results[0], state, total + number), results

    carry = jax.numpy.zeros(output.shape, output.dtype), state, jax.numpy.zeros(())
    (_, state, total), results = jax.lax.scan(call, carry, (jax.numpy.arange(len(branches)), stacked))
    results = [jax.tree.map(lambda leaf, index=index: leaf[index], results) for index in range(len(branches))]
    return results, state, total


def value_and_gradient(function, variables):
    assigned = []

    def stateless(values):
        with scope.NestedScope(variables, values) as state:
            value = function()
            assigned[:] = state.assigned.values()
            return value, [variable.value for variable in assigned]

    differentiated = jax.value_and_grad(stateless, has_aux=True)
    (value, updates), gradients = differentiated([variable.value for variable in variables])
    for variable, update in zip(assigned, updates, strict=True):
        variable.assign(update)
    return value, gradients


def value_and_gradient_at(function, values):
    return jax.value_and_grad(function)([keras.ops.convert_to_tensor(value) for value in values])


def accelerators():
    """Return the kinds of the GPUs and TPUs; see `precision.suited_to`."""
    return [_kind(device) for device in jax.local_devices() if device.platform != "cpu"]


def _kind(device):
    if device.platform == "tpu":
        return "tpu"
    major, _, minor = str(getattr(device, "compute_capability", "")).partition(".")
    # GPUs of AMD have names such as gfx90a instead of a compute capability.
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else None


def grow_memory(added):
    """Warn if JAX has allocated the memory of a GPU before the variables `added` were set; see `memory.grow`."""
    # A query of the devices would initialise JAX. There is no public function that reports the state.
    is_late = "XLA_PYTHON_CLIENT_PREALLOCATE" in added and xla_bridge.backends_are_initialized()
    if is_late and jax.default_backend() == "gpu":
        warnings.warn(
            "JAX was initialised on a GPU before `fit` and has allocated most of its memory, which leaves little for "
            "worker processes and other processes. Set the environment variable XLA_PYTHON_CLIENT_PREALLOCATE=false "
            "before JAX is first used.",
            stacklevel=4,
        )
