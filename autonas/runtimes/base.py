"""Base classes of run times: exported models, and the sessions that run them."""

from __future__ import annotations

import abc
import typing
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from autonas.backends import silence


class InputSpec(typing.NamedTuple):
    """Shape, including the batch size, and dtype of an input of a model."""

    shape: tuple
    dtype: str


class ExportedModel(abc.ABC):
    """A model exported to a run time for a fixed number of rows.

    Inputs and outputs are lists in the order of `keras.tree.flatten`.

    Attributes:
        inputs: List of the `InputSpec`s of the model's inputs.
    """

    def __init__(self, inputs: Sequence[InputSpec]) -> None:
        self.inputs = inputs

    @classmethod
    @abc.abstractmethod
    def packages(cls) -> str:
        """Return the arguments of `pip install` that the run time needs under Keras's backend, a string."""

    @classmethod
    @abc.abstractmethod
    def version(cls) -> str:
        """Return the version of the run time, a string."""

    @classmethod
    @abc.abstractmethod
    def export(cls, model: keras.Model, batch_size: int) -> ExportedModel:
        """Export a model.

        Args:
            model: A functional `keras.Model`. All dimensions but the batch's are static.
            batch_size: Number of rows of a prediction.

        Raises:
            ValueError: If the run time lacks an operation of the model. The message names the operation.
        """

    @property
    @abc.abstractmethod
    def content(self) -> bytes:
        """Return the bytes of the exported file."""

    @abc.abstractmethod
    def session(self, n_threads: int = 1) -> Session:
        """Return a `Session` that runs the model, fed with `example_inputs`.

        Args:
            n_threads: Number of threads. `KerasFunction` ignores it, because Keras's backend has threads of its own.
                Defaults to 1.
        """


class ExportedFile(ExportedModel):
    """A model in the file format of a run time, held as bytes."""

    def __init__(self, inputs: Sequence[InputSpec], content: bytes) -> None:
        super().__init__(inputs)
        self._content = content

    @classmethod
    def export(cls, model: keras.Model, batch_size: int) -> ExportedFile:
        inputs = input_specs(model, batch_size)
        with silence.silent_stderr():
            return cls(inputs, cls.convert(model, inputs))

    @property
    def content(self) -> bytes:
        return self._content

    def session(self, n_threads: int = 1) -> Session:
        session = self.open(n_threads)
        session.feed(example_inputs(self.inputs))
        return session

    @staticmethod
    @abc.abstractmethod
    def convert(model: keras.Model, inputs: Sequence[InputSpec]) -> bytes:
        """Convert a model to the bytes of a file for inputs of these `InputSpec`s."""

    @abc.abstractmethod
    def open(self, n_threads: int) -> Session:
        """Return a `Session` without inputs."""


class Session(abc.ABC):
    """An exported model loaded into memory for repeated predictions.

    Attributes:
        runs_in_caller: Whether the thread that calls `run` does all the work.
    """

    runs_in_caller = False

    @abc.abstractmethod
    def feed(self, arrays: Sequence[np.ndarray]) -> None:
        """Set the inputs, a list of arrays."""

    @abc.abstractmethod
    def run(self) -> None:
        """Predict once. Return when the prediction is complete."""

    @abc.abstractmethod
    def outputs(self) -> list[np.ndarray]:
        """Return the predictions of the last run, a list of arrays."""


def input_specs(model: keras.Model, batch_size: int | None) -> list[InputSpec]:
    """Return the list of the `InputSpec`s of a model's inputs.

    Raises:
        ValueError: If a dimension other than the batch's is unknown.
    """
    specs = []
    for tensor in keras.tree.flatten(model.input):
        if None in tensor.shape[1:]:
            raise ValueError(
                "To export a model, all dimensions of its inputs but the batch's must be known. The input "
                f"{tensor.name!r} has the shape {tuple(tensor.shape)}."
            )
        specs.append(InputSpec((batch_size, *tensor.shape[1:]), tensor.dtype))
    return specs


def predict(model: keras.Model, tensors: Sequence[Any]) -> list[Any]:
    """Return the list of a model's outputs for a list of its inputs."""
    return keras.tree.flatten(model(keras.tree.pack_sequence_as(model.input, list(tensors)), training=False))


def example_inputs(specs: Sequence[InputSpec]) -> list[np.ndarray]:
    """Return input arrays for measurements, the same at every call.

    Float inputs are standard normal numbers. Integer inputs are 0, an index that is valid in any vocabulary.
    """
    generator = np.random.default_rng(0)
    return [
        generator.standard_normal(spec.shape).astype(spec.dtype)
        if "float" in spec.dtype
        else np.zeros(spec.shape, spec.dtype)
        for spec in specs
    ]
