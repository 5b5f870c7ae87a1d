"""Optimizers over one flat vector of all weights: Keras's own trace many operations for each variable, these a few."""

import math

import keras
from keras import ops


class FusedOptimizer(keras.optimizers.Optimizer):
    """Base class: gradients and weights are concatenated, clipped to a global norm, and updated at once.

    A subclass names the vectors it keeps in `moments`, each of them then an attribute, a variable as long as all
    weights, and overrides `change`. The tracing of Keras's Adam is more than half of the time that a short trial takes
    before its first step; the arithmetic is the same.

    Args:
        learning_rate: Learning rate.
        weight_decay: Weight decay of kernels, which are variables of two or more dimensions.
        clip_norm: Bound of the global norm of the gradients, or `None`.
        name: Name of the optimizer.
    """

    #: Names of the vectors that are kept.
    moments = ()

    def __init__(self, learning_rate, weight_decay, clip_norm, name):
        super().__init__(learning_rate=learning_rate, name=name)
        self.decay = weight_decay
        self.clip_norm = clip_norm

    def change(self, gradient, decay, learning_rate):
        """What is subtracted from the weights; updates the moments.

        Args:
            gradient: Clipped gradients, `(n_weights,)`.
            decay: The weights times the weight decay, `(n_weights,)`, zero where there is none; or 0.
            learning_rate: Learning rate, a scalar tensor.
        """
        raise NotImplementedError

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        size = sum(math.prod(variable.shape) for variable in variables)
        for name in self.moments:
            setattr(self, name, self.add_variable((size,), name=name))

    def apply(self, grads, trainable_variables=None):
        if not self.built:
            self.build(trainable_variables)
        # Kernels come first: what decays is then one slice.
        pairs = sorted(zip(grads, self._trainable_variables, strict=True), key=lambda pair: len(pair[1].shape) < 2)
        gradient, weights = (_concatenate(each) for each in zip(*pairs, strict=True))
        variables = [variable for _, variable in pairs]
        if self.clip_norm is not None:
            norm = ops.sqrt(ops.dot(gradient, gradient))
            gradient = gradient * (self.clip_norm / ops.maximum(norm, self.clip_norm))
        learning_rate = ops.cast(self.learning_rate, "float32")
        weights = weights - self.change(gradient, self._decay_of(weights, variables), learning_rate)
        self.iterations.assign(self.iterations + 1)
        ends = [0]
        for variable in variables:
            ends.append(ends[-1] + math.prod(variable.shape))
        # TensorFlow can't split a vector into one part.
        parts = ops.split(weights, ends[1:-1]) if len(variables) > 1 else [weights]
        for variable, values in zip(variables, parts, strict=True):
            variable.assign(ops.cast(_reshaped(values, variable.shape), variable.dtype))

    def _decay_of(self, weights, variables):
        if not self.decay:
            return 0
        n_kernels = sum(math.prod(variable.shape) for variable in variables if len(variable.shape) > 1)
        return ops.concatenate([self.decay * weights[:n_kernels], ops.zeros_like(weights[n_kernels:])])

    def get_config(self):
        return {
            "name": self.name,
            "learning_rate": float(ops.convert_to_numpy(self.learning_rate)),
            "weight_decay": self.decay,
            "clip_norm": self.clip_norm,
        }


def _concatenate(tensors):
    return ops.concatenate([_reshaped(ops.cast(each, "float32"), (-1,)) for each in tensors])


def _reshaped(tensor, shape):
    """Most weights are vectors already, and each operation left out makes the trace and the step shorter."""
    return tensor if len(tensor.shape) == len(shape) == 1 else ops.reshape(tensor, shape)
