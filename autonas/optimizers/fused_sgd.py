"""SGD on one flat vector of all weights, which doesn't change unused weights."""

from typing import Any

import keras
from keras import ops

from autonas.optimizers import fused_optimizer


@keras.saving.register_keras_serializable(package="autonas")
class FusedSGD(fused_optimizer.FusedOptimizer):
    """SGD with momentum and weight decay that updates all variables at once.

    Let g be the concatenated gradients, clipped to a global norm. The update of weights with nonzero gradient is

      v <- mu v + g + wd w,   w <- w - lr v.

    The weight decay is applied to kernels only, which are variables of two or more dimensions. A weight whose gradient
    is exactly zero keeps its value and its velocity v. In a supernet these are the weights of branches outside the
    sampled architecture, which momentum and weight decay would otherwise change in every step.

    Args:
        learning_rate: Learning rate. Defaults to 0.01.
        momentum: The factor mu. Defaults to 0.9.
        weight_decay: The factor wd. Defaults to 0.
        clip_norm: Upper bound of the global norm of the gradients. Defaults to `None`: no clipping.
        name: Name of the optimizer.
    """

    moments = ("velocity",)

    def __init__(
        self,
        learning_rate: float = 0.01,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        name: str = "fused_sgd",
    ) -> None:
        super().__init__(learning_rate, weight_decay, clip_norm, name)
        self.momentum = momentum

    def change(self, gradient: Any, decay: Any, learning_rate: Any) -> Any:
        in_use = ops.not_equal(gradient, 0.0)
        velocity = ops.where(in_use, self.momentum * self.velocity + gradient + decay, self.velocity.value)
        self.velocity.assign(velocity)
        return ops.where(in_use, learning_rate * velocity, 0.0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum}
