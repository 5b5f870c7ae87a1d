"""Checkpoints: the state of a training after an epoch, from which the training continues exactly."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

#: Seconds between two checkpoints that are sent during a training.
_SECONDS = 5.0


@dataclasses.dataclass
class Checkpoint:
    """The state of a training after an epoch.

    Args:
        variables: Weights, and the states of the random generators of dropout and augmentation, a list of arrays.
        optimizer: The optimizer's variables, a list of arrays.
        average: The average of the weights over epochs, a list of arrays.
        best_weights: Averaged weights of the best epoch, a list of arrays.
        progress: A JSON-like dict of `"epoch"`, the number of completed epochs; `"begin"` and `"horizon"`, the first
            and the last epoch of the schedule of the learning rate; `"history"`, `"best"`, `"best_epoch"`,
            `"generator"`, `"batch_size"`; and `"precision"`, the name of the Keras dtype policy.
    """

    variables: list[np.ndarray]
    optimizer: list[np.ndarray]
    average: list[np.ndarray]
    best_weights: list[np.ndarray]
    progress: dict[str, Any]

    @property
    def epoch(self) -> int:
        """Number of completed epochs."""
        return self.progress["epoch"]

    def without_best(self) -> Checkpoint:
        """Return the checkpoint without a best epoch, for when later scores can't be compared to earlier scores."""
        return dataclasses.replace(
            self, best_weights=[], progress=self.progress | {"best": None, "best_epoch": self.epoch}
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the checkpoint as a dict from names to arrays."""
        arrays = {
            f"{field.name}/{index}": array
            for field in dataclasses.fields(self)
            if field.name != "progress"
            for index, array in enumerate(getattr(self, field.name))
        }
        return arrays | {"progress": np.frombuffer(json.dumps(self.progress, default=float).encode(), "uint8")}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Checkpoint:
        """Return the checkpoint of a dict from `to_arrays`."""
        lists: dict[str, list[np.ndarray]] = {field.name: [] for field in dataclasses.fields(cls)}
        for name, array in arrays.items():
            lists[name.split("/")[0]].append(array)
        return cls(**{**lists, "progress": json.loads(lists["progress"][0].tobytes())})


class LatestCheckpoint:
    """The latest checkpoint of a training, which is made on demand and sent every few seconds.

    Args:
        send: Function that takes a `Checkpoint`, or `None`.
    """

    def __init__(self, send: Callable[[Checkpoint], object] | None) -> None:
        self.make: Callable[[], Checkpoint | None] = lambda: None
        self._send = send
        self._sent = time.monotonic()

    def __call__(self, make: Callable[[], Checkpoint]) -> None:
        self.make = make
        if self._send is not None and time.monotonic() - self._sent > _SECONDS:
            self._send(make())
            self._sent = time.monotonic()


def variables_of(model: keras.Model) -> list[keras.Variable]:
    """Return a model's weights and the states of its random generators, for dropout and augmentation."""
    states = [variable for variable in model.variables if variable.name == "seed_generator_state"]
    return [*model.weights, *states]


def values_of(variables: Iterable[keras.Variable]) -> list[np.ndarray]:
    """Return the values of variables, a list of arrays."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def assign(variables: Sequence[keras.Variable], values: Sequence[np.ndarray]) -> None:
    """Assign values to variables."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def optimizer_variables(model: keras.Model) -> list[keras.Variable]:
    """Return the variables of a model's optimizer, and build the optimizer if needed."""
    # An optimizer with loss scaling, for float16, would replace its variables if it were built again.
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    return model.optimizer.variables


def restart(model: keras.Model, learning_rate: float) -> None:
    """Reset the optimizer of a model to its state before the first step, with a learning rate."""
    optimizer = model.optimizer
    if optimizer.built:
        # The state before the first step isn't zero for every optimizer.
        fresh = type(optimizer).from_config(optimizer.get_config())
        fresh.build(model.trainable_variables)
        assign(optimizer.variables, values_of(fresh.variables))
    optimizer.learning_rate = learning_rate
