"""Base class of optimizers on one flat vector of all weights, whose step needs few operations to trace."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops


class FusedOptimizer(keras.optimizers.Optimizer):
    """Base class of optimizers that concatenate all gradients and weights and update them at once.

    The optimizers of Keras trace several operations for every variable, which takes more than half of the time before
    the first step of a short trial. A fused optimizer traces a few operations for all variables.

    A subclass lists the names of its state vectors in `moments` and overrides `change`. A state vector is a variable
    with an entry for every weight, and is an attribute of the optimizer. Variables for which `is_fused` returns `False`
    are no part of the vectors; the subclass overrides `update` for them.

    Args:
        learning_rate: Learning rate.
        weight_decay: Weight decay of kernels, which are variables of two or more dimensions.
        clip_norm: Upper bound of the global norm of the gradients, or `None`.
        name: Name of the optimizer.
    """

    #: Names of the state vectors.
    moments: tuple[str, ...] = ()

    def __init__(self, learning_rate: float, weight_decay: float, clip_norm: float | None, name: str) -> None:
        super().__init__(learning_rate=learning_rate, name=name)
        self.decay = weight_decay
        self.clip_norm = clip_norm

    def change(self, gradient: Any, decay: Any, learning_rate: Any) -> Any:
        """Update the state vectors and return the vector to subtract from the weights.

        Args:
            gradient: Clipped gradients, `(n_weights,)`.
            decay: Kernels times the weight decay and zeros for other weights, `(n_weights,)`; the integer 0 without
                weight decay.
            learning_rate: Learning rate, a scalar tensor.

        Returns:
            Tensor of shape `(n_weights,)`.
        """
        raise NotImplementedError

    def is_fused(self, variable: keras.Variable) -> bool:
        """Return whether a variable is updated as a slice of the vector of weights."""
        return True

    def update(self, variable: keras.Variable, gradient: Any, learning_rate: Any) -> None:
        """Update a variable that isn't fused.

        Args:
            variable: The variable.
            gradient: Its gradient, which isn't clipped.
            learning_rate: Learning rate, a scalar tensor.
        """
        raise NotImplementedError

    def build(self, variables: Sequence[keras.Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        size = sum(math.prod(variable.shape) for variable in variables if self.is_fused(variable))
        for name in self.moments:
            setattr(self, name, self.add_variable((size,), name=name))

    def apply(self, grads: Sequence[Any], trainable_variables: Any = None) -> None:
        if not self.built:
            self.build(trainable_variables)
        learning_rate = ops.cast(self.learning_rate, "float32")
        fused = []
        for gradient, variable in zip(grads, self._trainable_variables, strict=True):
            if self.is_fused(variable):
                fused.append((gradient, variable))
            else:
                self.update(variable, gradient, learning_rate)
        if fused:
            self._apply_fused(fused, learning_rate)
        for variable in self._trainable_variables:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable))
        self.iterations.assign(self.iterations + 1)

    def _apply_fused(self, pairs: list[tuple[Any, keras.Variable]], learning_rate: Any) -> None:
        """Update the fused variables, pairs of a gradient and a variable."""
        # With the kernels first, weight decay applies to a single slice.
        pairs = sorted(pairs, key=lambda pair: len(pair[1].shape) < 2)
        reshape = _reshaping()
        gradient, weights = (
            ops.concatenate([reshape(ops.cast(tensor, "float32"), (-1,)) for tensor in tensors])
            for tensors in zip(*pairs, strict=True)
        )
        variables = [variable for _, variable in pairs]
        if self.clip_norm is not None:
            norm = ops.sqrt(ops.dot(gradient, gradient))
            gradient = gradient * (self.clip_norm / ops.maximum(norm, self.clip_norm))
        weights = weights - self.change(gradient, self._decay_of(weights, variables), learning_rate)
        ends = [0]
        for variable in variables:
            ends.append(ends[-1] + math.prod(variable.shape))
        # TensorFlow can't split a vector into a single slice.
        slices = ops.split(weights, ends[1:-1]) if len(variables) > 1 else [weights]
        for variable, values in zip(variables, slices, strict=True):
            variable.assign(ops.cast(reshape(values, tuple(variable.shape)), variable.dtype))

    def _decay_of(self, weights: Any, variables: Sequence[keras.Variable]) -> Any:
        """Return the argument `decay` of `change`."""
        if not self.decay:
            return 0
        n_kernels = sum(math.prod(variable.shape) for variable in variables if len(variable.shape) > 1)
        return ops.concatenate([self.decay * weights[:n_kernels], ops.zeros_like(weights[n_kernels:])])

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "learning_rate": float(ops.convert_to_numpy(self.learning_rate)),
            "weight_decay": self.decay,
            "clip_norm": self.clip_norm,
        }


def _reshaping() -> Callable[[Any, tuple[int, ...]], Any]:
    """Return a function that reshapes a tensor, with few operations to keep the trace short.

    It skips vectors, as most weights are, and has one constant for all tensors of a shape on TensorFlow.
    """
    constants: dict[tuple[int, ...], Any] = {}

    def reshape(tensor: Any, shape: tuple[int, ...]) -> Any:
        if len(tensor.shape) == len(shape) == 1:
            return tensor
        if keras.backend.backend() != "tensorflow":
            return ops.reshape(tensor, shape)
        if shape not in constants:
            constants[shape] = ops.convert_to_tensor(shape, "int32")
        return ops.reshape(tensor, constants[shape])

    return reshape
