"""SGD over one flat vector of all weights, which leaves alone the weights that are not in use."""

import keras
from keras import ops

from autonas.optimizers import fused_optimizer


@keras.saving.register_keras_serializable(package="autonas")
class FusedSGD(fused_optimizer.FusedOptimizer):
    """SGD with momentum and weight decay, updating all variables at once.

    With g the concatenated gradients, clipped to a global norm, where g is not zero
      v <- mu v + g + wd w,   w <- w - lr v,
    the weight decay for kernels only (variables of two or more dimensions). A weight whose gradient is exactly zero
    keeps its value and its v: in a supernet the branches that are not on the sampled path get zeros, and would
    otherwise drift by the momentum and shrink by the decay of the steps of others.

    Args:
        learning_rate: Learning rate. Defaults to 0.01.
        momentum: The factor mu. Defaults to 0.9.
        weight_decay: The factor wd. Defaults to 0.
        clip_norm: Bound of the global norm of the gradients, or `None`. Defaults to `None`.
        name: Name of the optimizer.
    """

    moments = ("velocity",)

    def __init__(self, learning_rate=0.01, momentum=0.9, weight_decay=0.0, clip_norm=None, name="fused_sgd", **kwargs):
        super().__init__(learning_rate, weight_decay, clip_norm, name)
        self.momentum = momentum

    def change(self, gradient, decay, learning_rate):
        in_use = ops.not_equal(gradient, 0.0)
        velocity = ops.where(in_use, self.momentum * self.velocity + gradient + decay, self.velocity.value)
        self.velocity.assign(velocity)
        return ops.where(in_use, learning_rate * velocity, 0.0)

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum}
