"""Checkpoints: a training after one of its epochs, so that it goes on as if it had never been interrupted."""

import dataclasses
import json
import time

import keras
import numpy as np

#: Seconds between checkpoints that are sent while a candidate is trained.
_SECONDS = 5.0


@dataclasses.dataclass
class Checkpoint:
    """All that the rest of a training depends on.

    Args:
        variables: What the optimizer works on: weights, and the states of the random generators of dropout and
            augmentation, a list of arrays.
        optimizer: The optimizer's variables, a list of arrays.
        average: The average of the weights over epochs, a list of arrays.
        best_weights: Averaged weights of the best epoch, a list of arrays.
        progress: The rest, as JSON has it: `"epoch"`, the number of epochs that are done, `"begin"` and `"horizon"`,
            the epochs from which to which the learning rate is annealed, `"history"`, `"best"`, `"best_epoch"`,
            `"generator"`, `"batch_size"`, and `"precision"`, the Keras dtype policy.
    """

    variables: list
    optimizer: list
    average: list
    best_weights: list
    progress: dict

    @property
    def epoch(self):
        """Number of epochs that are done."""
        return self.progress["epoch"]

    def without_best(self):
        """The same when scores from now on can't be compared to those so far: there is no best epoch yet."""
        return dataclasses.replace(
            self, best_weights=[], progress=self.progress | {"best": None, "best_epoch": self.epoch}
        )

    def to_arrays(self):
        """As a dict from names to arrays."""
        arrays = {
            f"{field.name}/{place}": array
            for field in dataclasses.fields(self)
            if field.name != "progress"
            for place, array in enumerate(getattr(self, field.name))
        }
        return arrays | {"progress": np.frombuffer(json.dumps(self.progress, default=float).encode(), "uint8")}

    @classmethod
    def from_arrays(cls, arrays):
        """The checkpoint of `to_arrays`."""
        lists = {field.name: [] for field in dataclasses.fields(cls)}
        for name, array in arrays.items():
            lists[name.split("/")[0]].append(array)
        return cls(**{**lists, "progress": json.loads(lists["progress"][0].tobytes())})


class LatestCheckpoint:
    """Makes a training's latest checkpoint when it is wanted, and sends one every few seconds.

    Args:
        send: Function of a `Checkpoint`, or `None`.
    """

    def __init__(self, send):
        self.make = lambda: None
        self._send = send
        self._sent = time.monotonic()

    def __call__(self, make):
        self.make = make
        if self._send is not None and time.monotonic() - self._sent > _SECONDS:
            self._send(make())
            self._sent = time.monotonic()


def variables_of(model):
    """Weights, and the states of the random generators of dropout and augmentation."""
    return [*model.weights, *(each for each in model.variables if each.name == "seed_generator_state")]


def values_of(variables):
    """The values of variables, a list of arrays."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def assign(variables, values):
    """Gives variables their values."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def optimizer_variables(model):
    """The variables of a model's optimizer, which makes them only when it is needed."""
    # One that scales the loss, for float16, would make them again.
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    return model.optimizer.variables


def restart(optimizer, learning_rate):
    """Makes an optimizer what it was before its first step, with a learning rate."""
    for variable in optimizer.variables:
        variable.assign(keras.ops.zeros(variable.shape, variable.dtype))
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer) and optimizer.built:
        optimizer.dynamic_scale.assign(optimizer.initial_scale)
    optimizer.learning_rate = learning_rate
