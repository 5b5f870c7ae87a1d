"""Hyperparameters of the training: optimizer, learning rate, weight decay, batch size and number of epochs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import keras_tuner

from autonas.arguments import checks
from autonas.optimizers import fused_adam, fused_muon
from autonas.search_space import block, ranges, schedules

#: Ranges of the arguments that are `None`.
_DEFAULTS: dict[str, ranges.Range] = {
    "learning_rate": ranges.Float(1e-4, 2e-2, sampling="log", default=2e-3),
    "weight_decay": ranges.Choice([0.0, 1e-4, 1e-3, 1e-2, 1e-1], default=1e-2),
    "batch_size": ranges.Choice([32, 64, 128, 256], default=64),
    "epochs_share": ranges.Choice([0.25, 0.5, 1.0], default=1.0),
}
#: Names of the optimizers of autonas. The default one, an AdamW, needs less time to compile than Keras's.
_ADAMW, _MUON = "adamw", "convolution_muon"
#: Range of the optimizer of networks on images.
OPTIMIZERS_OF_IMAGES = ranges.Choice([_ADAMW, _MUON])


class Optimization(block.Configurable):
    """Hyperparameters of the training. Each argument but `clip_norm` takes a value or a range.

    Args:
        optimizer: `"adamw"`, `"convolution_muon"` (Muon for the kernels of 2D convolutions, which learn images in fewer
            steps, and AdamW for the other weights), the name of another optimizer of Keras such as `"sgd"`, an
            `autonas.Choice` of names, or a `keras.optimizers.Optimizer`, of which every training has a copy. Defaults
            to `"adamw"`; in an `AutoModel` for images without an `Optimization` to a choice of the first two.
        learning_rate: Peak learning rate. Defaults to `None`: a logarithmic range from 1e-4 to 2e-2, or the learning
            rate of the optimizer if it is an object.
        weight_decay: Decoupled weight decay per step, relative to the learning rate. Defaults to `None`: a choice of 0,
            1e-4, 1e-3, 1e-2 and 1e-1, or the weight decay of the optimizer if it is an object.
        batch_size: Number of rows per training step. Defaults to `None`: a choice of 32, 64, 128 and 256; in an
            `AutoModel` a choice around the square root of the number of rows.
        epochs_share: Number of epochs of a candidate, relative to the epochs of a full training. The learning rate is
            annealed over this number of epochs. Defaults to `None`: a choice of 0.25, 0.5 and 1; in an `AutoModel` a
            choice that depends on the kind of data and on `fidelity`.
        clip_norm: Upper bound of the global norm of the gradients, or `None`. Not used for an optimizer that is an
            object, which has its own. Defaults to 1.
        schedule: Course of the learning rate: `"cosine"` (a linear warm-up over a twentieth of the training, then half
            a cosine to 0), `"linear"` (the same warm-up, then a line to 0), `"constant"`, or an `autonas.Choice` of
            them. Defaults to `"cosine"`.

    Raises:
        ValueError: If an argument is neither a valid value nor a range of valid values.

    Example:

    ```python
    import autonas
    import keras

    optimization = autonas.Optimization(learning_rate=1e-3, batch_size=autonas.Choice([32, 64]))
    model = autonas.AutoModel(optimization=optimization, max_trials=10)
    optimization = autonas.Optimization(keras.optimizers.SGD(0.1, momentum=0.9), schedule="linear")
    ```
    """

    #: Name scope of these hyperparameters.
    scope = "optimization"

    def __init__(
        self,
        optimizer: str | keras.optimizers.Optimizer | ranges.Choice = _ADAMW,
        learning_rate: float | ranges.Range | None = None,
        weight_decay: float | ranges.Range | None = None,
        batch_size: int | ranges.Range | None = None,
        epochs_share: float | ranges.Range | None = None,
        clip_norm: float | None = 1.0,
        schedule: str | ranges.Choice = "cosine",
    ) -> None:
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.epochs_share = epochs_share
        self.clip_norm = clip_norm
        self.schedule = schedule
        self._check()

    def _check(self) -> None:
        if self.batch_size is not None and not isinstance(self.batch_size, ranges.Range):
            checks.check_integer("batch_size", self.batch_size, 1, "a positive number of rows, a range or None")
        for name in ("learning_rate", "weight_decay", "epochs_share"):
            value = getattr(self, name)
            is_range = value is None or isinstance(value, ranges.Range)
            if not is_range and not (checks.is_number(value) and 0 <= value < float("inf")):
                raise ValueError(f"`{name}` must be a number, a range or None. Received: {name}={value!r:.100}")
        names = self.optimizer.values if isinstance(self.optimizer, ranges.Choice) else [self.optimizer]
        for optimizer in names:
            if not isinstance(optimizer, keras.optimizers.Optimizer):
                _optimizer_class(optimizer)
        chosen = self.schedule.values if isinstance(self.schedule, ranges.Choice) else [self.schedule]
        for schedule in chosen:
            if schedule not in schedules.SCHEDULES:
                known = ", ".join(map(repr, schedules.SCHEDULES))
                raise ValueError(f"`schedule` must be one of {known}, or a Choice of them. Received: {schedule!r:.100}")
        own = getattr(self.optimizer, "_learning_rate", None)
        if isinstance(own, keras.optimizers.schedules.LearningRateSchedule):
            raise ValueError(
                "`optimizer` must have a number as its learning rate. Received: a "
                f"{type(self.optimizer).__name__} with a {type(own).__name__}. Use `schedule`, or a "
                "keras.callbacks.LearningRateScheduler in `callbacks`."
            )

    def replaced(self, **arguments: Any) -> Optimization:
        """Return an `Optimization` with some other arguments."""
        return Optimization(**{name: getattr(self, name) for name in self.argument_names()} | arguments)

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Optimizer:
        """Declare the hyperparameters in `hp` and return a new optimizer."""
        with hp.name_scope(self.scope):
            for name in ("batch_size", "epochs_share", "schedule"):
                ranges.suggest(hp, name, self._argument(name))
            optimizer = ranges.suggest(hp, "optimizer", self.optimizer)
            numbers = {
                name: ranges.suggest(hp, name, self._argument(name)) for name in ("learning_rate", "weight_decay")
            }
        if isinstance(optimizer, keras.optimizers.Optimizer):
            own = {name: value for name, value in numbers.items() if value is not None}
            return type(optimizer).from_config(optimizer.get_config() | own)
        if optimizer == _ADAMW:
            return fused_adam.FusedAdamW(**numbers, clip_norm=self.clip_norm)
        if optimizer == _MUON:
            policy = keras.config.dtype_policy().compute_dtype
            dtype = policy if policy == "bfloat16" else "float32"
            return fused_muon.FusedMuon(**numbers, clip_norm=self.clip_norm, compute_dtype=dtype)
        return _optimizer_class(optimizer)(**numbers, global_clipnorm=self.clip_norm)

    def batch_size_of(self, values: dict[str, Any]) -> int:
        """Return the batch size of a trial with the hyperparameters `values`."""
        return self._value_of("batch_size", values)

    def schedule_of(self, values: dict[str, Any]) -> Callable[[float], float]:
        """Return the schedule of a trial, a function from the completed share to a factor of the learning rate."""
        return schedules.SCHEDULES[self._value_of("schedule", values)]

    def epochs_of(self, values: dict[str, Any], epochs: int) -> int:
        """Return the number of epochs of a trial, at least 1.

        Args:
            values: Hyperparameters of the trial.
            epochs: Number of epochs of a full training.
        """
        return max(1, round(epochs * self._value_of("epochs_share", values)))

    def _argument(self, name: str) -> Any:
        """Return an argument, or its default range."""
        value = getattr(self, name)
        of_object = name in ("learning_rate", "weight_decay") and not isinstance(self.optimizer, (str, ranges.Range))
        return _DEFAULTS[name] if value is None and not of_object else value

    def _value_of(self, argument: str, values: dict[str, Any]) -> Any:
        argument_value = self._argument(argument)
        name = f"{self.scope}/{argument}"
        if isinstance(argument_value, ranges.Range) and name in values:
            return values[name]
        # The value is fixed, or the decision is inactive because gradient descent trains no weights.
        return ranges.suggest(keras_tuner.HyperParameters(), argument, argument_value)


def _optimizer_class(name: Any) -> type[keras.optimizers.Optimizer]:
    """Return the class of an optimizer by its name."""
    if name == _MUON:
        return fused_muon.FusedMuon
    try:
        return type(keras.optimizers.get(str(name)))
    except (ValueError, TypeError):
        raise ValueError(
            "`optimizer` must be the name of an optimizer of Keras such as 'adamw' or 'sgd', 'convolution_muon', a "
            f"Choice of names, or a keras.optimizers.Optimizer. Received: optimizer={name!r:.100}"
        ) from None


keras.saving.register_keras_serializable(package="autonas")(Optimization)
