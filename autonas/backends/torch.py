"""PyTorch implementation of `gradients`, of `precision` and of `memory`.

Functions run eagerly, and gradients come from autograd.
"""

import keras
import torch


def compiled(function, variables, simplified=True):
    return lambda *arguments: function(*keras.tree.map_structure(keras.ops.convert_to_tensor, arguments))


def is_tracing():
    return False


def reusable(function, inlined=True):
    return function


def value_and_gradient(function, variables):
    value = function()
    return value.detach(), _gradients(value, [variable.value for variable in variables])


def value_and_gradient_at(function, values):
    values = [keras.ops.convert_to_tensor(value) for value in values]
    values = [value if value.requires_grad else value.detach().requires_grad_() for value in values]
    value = function(values)
    return value, _gradients(value, values, create_graph=True)


def _gradients(value, sources, **arguments):
    gradients = torch.autograd.grad(value, sources, allow_unused=True, **arguments)
    pairs = zip(sources, gradients, strict=True)
    return [torch.zeros_like(source) if gradient is None else gradient for source, gradient in pairs]


def accelerators():
    """Return the kinds of the GPUs; see `precision.suited_to`."""
    return [torch.cuda.get_device_capability(index) for index in range(torch.cuda.device_count())]


def grow_memory(added):
    """Do nothing, as PyTorch allocates memory on demand."""
