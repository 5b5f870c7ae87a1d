"""Optimization: the part of the space that says how a network is trained."""

import keras

from autonas.optimizers import fused_adam
from autonas.search_space import block, ranges


class Optimization(block.Configurable):
    """Optimizer, learning rate, weight decay and batch size, each a value or a range.

    Args:
        learning_rate: Peak learning rate. Defaults to a log range of 1e-4 to 2e-2.
        weight_decay: Decoupled weight decay per step, relative to the learning rate. Defaults to a choice.
        batch_size: Rows per step. Defaults to a choice of 32, 64, 128 and 256.
        epochs_share: Share of the epochs of a full training, over which the learning rate is annealed. Defaults to a
            choice of 0.25, 0.5 and 1.
        clip_norm: Bound of the gradient's global norm. Defaults to 1.
    """

    #: Name scope of these hyperparameters.
    scope = "optimization"

    def __init__(
        self,
        learning_rate=ranges.Float(1e-4, 2e-2, sampling="log", default=2e-3),
        weight_decay=ranges.Choice([0.0, 1e-4, 1e-3, 1e-2, 1e-1], default=1e-2),
        batch_size=ranges.Choice([32, 64, 128, 256], default=64),
        epochs_share=ranges.Choice([0.25, 0.5, 1.0], default=1.0),
        clip_norm=1.0,
    ):
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.epochs_share = epochs_share
        self.clip_norm = clip_norm

    def build(self, hp):
        """Declares the hyperparameters and returns a new optimizer."""
        with hp.name_scope(self.scope):
            ranges.suggest(hp, "batch_size", self.batch_size)
            ranges.suggest(hp, "epochs_share", self.epochs_share)
            return fused_adam.FusedAdamW(
                learning_rate=ranges.suggest(hp, "learning_rate", self.learning_rate),
                weight_decay=ranges.suggest(hp, "weight_decay", self.weight_decay),
                clip_norm=self.clip_norm,
            )

    def batch_size_of(self, values):
        """The batch size in the values of a trial."""
        return self._value_of("batch_size", values)

    def epochs_of(self, values, epochs):
        """The epochs of a trial, of `epochs` of a full training; at least one."""
        return max(1, round(epochs * self._value_of("epochs_share", values)))

    def _value_of(self, argument, values):
        argument_value = getattr(self, argument)
        if isinstance(argument_value, ranges.Range):
            return values[f"{self.scope}/{argument}"]
        return argument_value


keras.saving.register_keras_serializable(package="autonas")(Optimization)
