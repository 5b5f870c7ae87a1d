"""AdamW on one flat vector of all weights."""

from typing import Any

import keras
from keras import ops

from autonas.optimizers import fused_optimizer


@keras.saving.register_keras_serializable(package="autonas")
class FusedAdamW(fused_optimizer.FusedOptimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019) that updates all variables at once.

    Let g be the concatenated gradients, clipped to a global norm, and t the number of the step. The update is

      m <- b1 m + (1 - b1) g,   v <- b2 v + (1 - b2) g^2,
      w <- w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps) - lr wd w.

    The weight decay is applied to kernels only, which are variables of two or more dimensions.

    Args:
        learning_rate: Learning rate. Defaults to 0.001.
        weight_decay: The factor wd. Defaults to 0.
        beta_1: Decay of the first moment. Defaults to 0.9.
        beta_2: Decay of the second moment. Defaults to 0.99, which suits a few thousand steps.
        epsilon: The term eps. Defaults to 1e-7.
        clip_norm: Upper bound of the global norm of the gradients. Defaults to `None`: no clipping.
        name: Name of the optimizer.
    """

    moments = ("first_moment", "second_moment")

    def __init__(
        self,
        learning_rate: float = 0.001,
        weight_decay: float = 0.0,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        epsilon: float = 1e-7,
        clip_norm: float | None = None,
        name: str = "fused_adamw",
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay, clip_norm, name)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def change(self, gradient: Any, decay: Any, learning_rate: Any) -> Any:
        step = ops.cast(self.iterations + 1, "float32")
        first = self.first_moment + (1 - self.beta_1) * (gradient - self.first_moment)
        second = self.second_moment + (1 - self.beta_2) * (ops.square(gradient) - self.second_moment)
        scale = learning_rate / (1 - ops.power(self.beta_1, step))
        correction = 1 / (1 - ops.power(self.beta_2, step))
        self.first_moment.assign(first)
        self.second_moment.assign(second)
        return scale * first / (ops.sqrt(second * correction) + self.epsilon) + learning_rate * decay

    def get_config(self) -> dict[str, Any]:
        own = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        return {**super().get_config(), **own}
