"""AdamW over one flat vector of all weights: Keras's own traces ten operations for each variable, this ten in all."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="autonas")
class FusedAdamW(keras.optimizers.Optimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019), updating all variables at once.

    With g the concatenated gradients, clipped to a global norm,
      m <- b1 m + (1 - b1) g,   v <- b2 v + (1 - b2) g^2,
      w <- w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps) - lr wd w,
    the last term for kernels only (variables of two or more dimensions), as is usual. The tracing of Keras's Adam is
    more than half of the time that a short trial takes before its first step; the arithmetic is the same.

    Args:
        learning_rate: Learning rate. Defaults to 0.001.
        weight_decay: The factor wd. Defaults to 0.
        beta_1: Decay of the first moment. Defaults to 0.9.
        beta_2: Decay of the second moment. Defaults to 0.99, which suits a few thousand steps.
        epsilon: The term eps. Defaults to 1e-7.
        clip_norm: Bound of the global norm of the gradients, or `None`. Defaults to `None`.
        name: Name of the optimizer.
    """

    def __init__(
        self,
        learning_rate=0.001,
        weight_decay=0.0,
        beta_1=0.9,
        beta_2=0.99,
        epsilon=1e-7,
        clip_norm=None,
        name="fused_adamw",
        **kwargs,
    ):
        super().__init__(learning_rate=learning_rate, name=name)
        self.decay = weight_decay
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.clip_norm = clip_norm

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        size = sum(math.prod(variable.shape) for variable in variables)
        self.first_moment = self.add_variable((size,), name="first_moment")
        self.second_moment = self.add_variable((size,), name="second_moment")

    def apply(self, grads, trainable_variables=None):
        if not self.built:
            self.build(trainable_variables)
        gradient = ops.concatenate([ops.reshape(ops.cast(each, "float32"), (-1,)) for each in grads])
        if self.clip_norm is not None:
            norm = ops.sqrt(ops.sum(ops.square(gradient)))
            gradient = gradient * (self.clip_norm / ops.maximum(norm, self.clip_norm))
        step = ops.cast(self.iterations + 1, "float32")
        learning_rate = ops.cast(self.learning_rate, "float32")
        first = self.first_moment + (1 - self.beta_1) * (gradient - self.first_moment)
        second = self.second_moment + (1 - self.beta_2) * (ops.square(gradient) - self.second_moment)
        scale = learning_rate / (1 - ops.power(self.beta_1, step))
        correction = 1 / (1 - ops.power(self.beta_2, step))
        update = scale * first / (ops.sqrt(second * correction) + self.epsilon)
        self.first_moment.assign(first)
        self.second_moment.assign(second)
        self.iterations.assign(self.iterations + 1)
        start = 0
        for variable in self._trainable_variables:
            size = math.prod(variable.shape)
            change = ops.reshape(update[start : start + size], variable.shape)
            if self.decay and len(variable.shape) > 1:
                change = change + learning_rate * self.decay * ops.cast(variable, "float32")
            variable.assign(variable - ops.cast(change, variable.dtype))
            start += size

    def get_config(self):
        return {
            "name": self.name,
            "learning_rate": float(keras.ops.convert_to_numpy(self.learning_rate)),
            "weight_decay": self.decay,
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "clip_norm": self.clip_norm,
        }
