"""Hyperparameters of the training: optimizer, learning rate, weight decay, batch size and number of epochs."""

from __future__ import annotations

from typing import Any

import keras
import keras_tuner

from autonas.optimizers import fused_adam
from autonas.search_space import block, ranges


class Optimization(block.Configurable):
    """Hyperparameters of the training with AdamW. Each argument but `clip_norm` takes a value or a range.

    Args:
        learning_rate: Peak learning rate. Defaults to a logarithmic range from 1e-4 to 2e-2.
        weight_decay: Decoupled weight decay per step, relative to the learning rate. Defaults to a choice of 0, 1e-4,
            1e-3, 1e-2 and 1e-1.
        batch_size: Number of rows per training step. Defaults to a choice of 32, 64, 128 and 256.
        epochs_share: Number of epochs of a candidate, relative to the epochs of a full training. The learning rate is
            annealed over this number of epochs. Defaults to a choice of 0.25, 0.5 and 1.
        clip_norm: Upper bound of the global norm of the gradients. Defaults to 1.

    Example:

    ```python
    import autonas

    optimization = autonas.Optimization(learning_rate=1e-3, batch_size=autonas.Choice([32, 64]))
    inputs = autonas.StructuredDataInput()
    outputs = autonas.RegressionHead()(autonas.DenseBlock()(inputs))
    graph = autonas.Graph(inputs, outputs, optimization=optimization)
    ```
    """

    #: Name scope of these hyperparameters.
    scope = "optimization"

    def __init__(
        self,
        learning_rate: float | ranges.Range = ranges.Float(1e-4, 2e-2, sampling="log", default=2e-3),
        weight_decay: float | ranges.Range = ranges.Choice([0.0, 1e-4, 1e-3, 1e-2, 1e-1], default=1e-2),
        batch_size: int | ranges.Range = ranges.Choice([32, 64, 128, 256], default=64),
        epochs_share: float | ranges.Range = ranges.Choice([0.25, 0.5, 1.0], default=1.0),
        clip_norm: float = 1.0,
    ) -> None:
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.epochs_share = epochs_share
        self.clip_norm = clip_norm

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Optimizer:
        """Declare the hyperparameters in `hp` and return a new optimizer."""
        with hp.name_scope(self.scope):
            ranges.suggest(hp, "batch_size", self.batch_size)
            ranges.suggest(hp, "epochs_share", self.epochs_share)
            return fused_adam.FusedAdamW(
                learning_rate=ranges.suggest(hp, "learning_rate", self.learning_rate),
                weight_decay=ranges.suggest(hp, "weight_decay", self.weight_decay),
                clip_norm=self.clip_norm,
            )

    def batch_size_of(self, values: dict[str, Any]) -> int:
        """Return the batch size of a trial with the hyperparameters `values`."""
        return self._value_of("batch_size", values)

    def epochs_of(self, values: dict[str, Any], epochs: int) -> int:
        """Return the number of epochs of a trial, at least 1.

        Args:
            values: Hyperparameters of the trial.
            epochs: Number of epochs of a full training.
        """
        return max(1, round(epochs * self._value_of("epochs_share", values)))

    def _value_of(self, argument: str, values: dict[str, Any]) -> Any:
        argument_value = getattr(self, argument)
        name = f"{self.scope}/{argument}"
        if isinstance(argument_value, ranges.Range) and name in values:
            return values[name]
        # The value is fixed, or the decision is inactive because gradient descent trains no weights.
        return ranges.suggest(keras_tuner.HyperParameters(), argument, argument_value)


keras.saving.register_keras_serializable(package="autonas")(Optimization)
