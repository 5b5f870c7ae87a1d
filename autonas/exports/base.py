"""Base class of export formats, which write a model to a path and run the written model."""

import abc
import keyword
import re
from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np

from autonas.prediction.predictor import Predictor


class Format(abc.ABC):
    """Base class of export formats.

    Attributes:
        name: Name of the run time.
        coded: Kinds of string inputs, `"category"` and `"text"`, that the exported model takes as the numbers of a code
            book.
        float64: Whether numbers of a table are standardised in 64 bits.
    """

    name: str
    coded: tuple[str, ...] = ()
    float64 = True

    def rows(self, predictor: Predictor) -> dict[str, np.ndarray]:
        """Return the example rows of a predictor as inputs of the exported model, a dict from input to array."""
        raw = predictor.example_inputs()
        if not self.coded:
            return raw
        coded, codes = predictor.example_inputs(coded=True), self.code_book(predictor)
        return {name: coded[name] if name in codes else array for name, array in raw.items()}

    def code_book(self, predictor: Predictor) -> dict[str, Any]:
        """Return the code books of the inputs that the exported model takes as numbers; see `Encoder.code_book`."""
        return {name: book for name, book in predictor.code_book().items() if book["kind"] in self.coded}

    def names(self, inputs: Iterable[str]) -> dict[str, str]:
        """Return a dict from input to its name in the file."""
        return {name: name for name in inputs}

    def output_names(self, model: keras.Model) -> list[str]:
        """Return the names of the outputs of a written model, in the order of `run`."""
        return output_names(model)

    @abc.abstractmethod
    def packages(self) -> str:
        """Return the arguments of `pip install` that the format needs under Keras's backend, a string."""

    @abc.abstractmethod
    def write(
        self, model: keras.Model, path: str, rows: dict[str, np.ndarray], codes: Mapping[str, Any]
    ) -> dict[str, str]:
        """Write a model.

        Args:
            model: A functional `keras.Model` of raw rows, with numbers instead of strings if `coded` isn't empty.
            path: Path to write to. Doesn't exist yet.
            rows: Example rows, a dict from input to array.
            codes: Code books of all string inputs, see `Encoder.code_book`.

        Returns:
            Dict from input to its shape and dtype as text.

        Raises:
            ImportError: If a package is missing.
            ExportFailed: If the run time lacks an operation. The message names the operation.
        """

    @abc.abstractmethod
    def run(self, path: str, rows: dict[str, np.ndarray]) -> list[np.ndarray]:
        """Run a written model in its run time.

        Args:
            path: Path of the model.
            rows: Dict from input to array.

        Returns:
            List of the output arrays, in the order of `keras.tree.flatten` of the model's outputs.
        """


def input_names(model: keras.Model) -> list[str]:
    """Return the names of a model's inputs, in the order of `keras.tree.flatten`."""
    return sorted(model.input) if isinstance(model.input, dict) else [tensor.name for tensor in model.inputs]


def identifiers(names: Iterable[str]) -> dict[str, str]:
    """Return a dict from name to a name that TensorFlow accepts for an argument. Accepted names stay as they are."""
    chosen: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(names, key=lambda name: (_identifier(name) != name, name)):
        safe = _identifier(name)
        while safe.lower() in taken:  # TensorFlow doesn't tell capitals from small letters.
            safe += "_"
        taken.add(safe.lower())
        chosen[name] = safe
    return chosen


def _identifier(name: str) -> str:
    """Return a name of ASCII letters, digits and `_` that begins with a letter and isn't a word of Python's."""
    safe = re.sub(r"\W", "_", name, flags=re.ASCII)
    safe = safe if safe[:1].isalpha() else f"x{safe}"
    return f"{safe}_" if keyword.iskeyword(safe) or safe == "self" else safe


def shapes(model: keras.Model, n_rows: int | None = None) -> dict[str, str]:
    """Return a dict from input to its shape and dtype as text, such as `"(None, 4) float32"`."""
    tensors = keras.tree.flatten(model.input)
    return {
        name: f"{(n_rows, *tensor.shape[1:])} {tensor.dtype}"
        for name, tensor in zip(input_names(model), tensors, strict=True)
    }


def output_names(model: keras.Model) -> list[str]:
    """Return the names of a model's outputs, in the order of `keras.tree.flatten`. A single output is `"output"`."""
    return sorted(model.output) if isinstance(model.output, dict) else ["output"]
