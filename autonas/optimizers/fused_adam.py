"""AdamW on one flat vector of all weights without large embeddings."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from autonas.backends import tables
from autonas.optimizers import fused_optimizer

#: Number of rows from which on only the rows of an embedding that occur in a batch are updated.
_MANY_ROWS = 1000


@keras.saving.register_keras_serializable(package="autonas")
class FusedAdamW(fused_optimizer.FusedOptimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019) that updates all variables at once.

    Let g be the concatenated gradients, clipped to a global norm, and t the number of the step. The update is

      m <- b1 m + (1 - b1) g,   v <- b2 v + (1 - b2) g^2,
      w <- w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps) - lr wd w.

    The weight decay is applied to kernels only, which are variables of two or more dimensions.

    An embedding of 1,000 or more rows isn't part of the vector. A step updates only the rows that occur in the batch
    and their v, with b1 = 0 and without weight decay. A rare row moves as far as in AdamW, in a single step instead of
    by the fading momentum of many steps. The update of all rows would take most of the time of a training on texts.

    Args:
        learning_rate: Learning rate. Defaults to 0.001.
        weight_decay: The factor wd. Defaults to 0.
        beta_1: Decay of the first moment. Defaults to 0.9.
        beta_2: Decay of the second moment. Defaults to 0.99, which suits a few thousand steps.
        epsilon: The term eps. Defaults to 1e-7.
        clip_norm: Upper bound of the global norm of the gradients, apart from large embeddings. Defaults to `None`: no
            clipping.
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

    def is_fused(self, variable: keras.Variable) -> bool:
        return not _is_large_embedding(variable)

    def build(self, variables: Sequence[keras.Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._of_tables = {
            id(variable): self.add_variable(tuple(variable.shape), name="table_second_moment")
            for variable in variables
            if _is_large_embedding(variable)
        }

    def update(self, variable: keras.Variable, gradient: Any, learning_rate: Any) -> None:
        correction = 1 / (1 - ops.power(self.beta_2, ops.cast(self.iterations + 1, "float32")))

        def change(gradient: Any, second: Any) -> tuple[Any, Any]:
            second = second + (1 - self.beta_2) * (ops.square(gradient) - second)
            return learning_rate * gradient / (ops.sqrt(second * correction) + self.epsilon), second

        tables.update(variable, self._of_tables[id(variable)], gradient, change)

    def get_config(self) -> dict[str, Any]:
        own = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        return {**super().get_config(), **own}


def _is_large_embedding(variable: keras.Variable) -> bool:
    """Return whether a variable is an embedding of which a training step updates only the rows in the batch."""
    return variable.name == "embeddings" and variable.shape[0] >= _MANY_ROWS
