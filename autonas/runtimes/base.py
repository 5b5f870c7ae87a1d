"""What all run times have in common: exported models, and sessions that run them."""

import abc
import typing

import keras
import numpy as np

from autonas.backends import silence


class InputSpec(typing.NamedTuple):
    """Shape, the batch's size first, and dtype of one of a model's inputs."""

    shape: tuple
    dtype: str


class ExportedModel(abc.ABC):
    """A model for a fixed number of rows, as a run time takes it.

    Inputs and outputs are lists, in the order of `keras.tree.flatten`.

    Attributes:
        inputs: List of an `InputSpec` for each input.
    """

    def __init__(self, inputs):
        self.inputs = inputs

    @classmethod
    @abc.abstractmethod
    def packages(cls):
        """What to `pip install` for the run time under Keras's backend, a string."""

    @classmethod
    @abc.abstractmethod
    def version(cls):
        """The version of the run time, a string."""

    @classmethod
    @abc.abstractmethod
    def export(cls, model, batch_size):
        """Exports a model.

        Args:
            model: A functional `keras.Model` of static shapes but for the batch's.
            batch_size: Number of rows of a prediction.

        Raises:
            ValueError: If the run time lacks an operation of the model's; the message names it.
        """

    @property
    @abc.abstractmethod
    def content(self):
        """The bytes of the exported file."""

    @abc.abstractmethod
    def session(self, n_threads=1):
        """A `Session` that runs the model on so many threads, fed with `example_inputs`."""


class ExportedFile(ExportedModel):
    """A model in a format of its own, as the bytes of a file."""

    def __init__(self, inputs, content):
        super().__init__(inputs)
        self._content = content

    @classmethod
    def export(cls, model, batch_size):
        inputs = input_specs(model, batch_size)
        with silence.silent_stderr():
            return cls(inputs, cls.convert(model, inputs))

    @property
    def content(self):
        return self._content

    def session(self, n_threads=1):
        session = self.open(n_threads)
        session.feed(example_inputs(self.inputs))
        return session

    @staticmethod
    @abc.abstractmethod
    def convert(model, inputs):
        """The bytes of a model for inputs of these `InputSpec`s."""

    @abc.abstractmethod
    def open(self, n_threads):
        """A `Session` that isn't fed yet."""


class Session(abc.ABC):
    """A model in memory that is run again and again.

    Attributes:
        runs_in_caller: Whether the thread that calls `run` does all the work.
    """

    runs_in_caller = False

    @abc.abstractmethod
    def feed(self, arrays):
        """Sets the inputs, a list of arrays."""

    @abc.abstractmethod
    def run(self):
        """Predicts once, and returns when that is done."""

    @abc.abstractmethod
    def outputs(self):
        """The predictions of the last run, a list of arrays."""


def input_specs(model, batch_size):
    """List of the `InputSpec`s of a model's inputs.

    Raises:
        ValueError: If a dimension other than the batch's isn't known.
    """
    specs = []
    for tensor in keras.tree.flatten(model.input):
        if None in tensor.shape[1:]:
            raise ValueError(
                f"To be exported, inputs need shapes that are known but for the batch's. The input {tensor.name!r} has "
                f"the shape {tuple(tensor.shape)}."
            )
        specs.append(InputSpec((batch_size, *tensor.shape[1:]), tensor.dtype))
    return specs


def predict(model, tensors):
    """The outputs of a model for a list of its inputs, a list of tensors."""
    return keras.tree.flatten(model(keras.tree.pack_sequence_as(model.input, list(tensors)), training=False))


def example_inputs(specs):
    """Arrays to measure with, always the same: standard normal numbers; integers are 0, which any vocabulary has."""
    generator = np.random.default_rng(0)
    return [
        generator.standard_normal(spec.shape).astype(spec.dtype)
        if "float" in spec.dtype
        else np.zeros(spec.shape, spec.dtype)
        for spec in specs
    ]
