"""What all formats have in common: a model is written to a path, and run from there."""

import abc
import re

import keras


class Format(abc.ABC):
    """A format of exported models.

    Attributes:
        name: What its run time is called.
        coded: The kinds of strings, `"category"` and `"text"`, that it takes as the numbers of a code book.
        float64: Whether numbers of a table are standardised in 64 bits.
    """

    name = None
    coded = ()
    float64 = True

    def rows(self, predictor):
        """The rows that a predictor keeps, as the exported model takes them: a dict from input to array."""
        raw = predictor.example_inputs()
        if not self.coded:
            return raw
        coded, codes = predictor.example_inputs(coded=True), self.code_book(predictor)
        return {name: coded[name] if name in codes else array for name, array in raw.items()}

    def code_book(self, predictor):
        """How strings become the numbers that the exported model takes, a dict by input; see `Encoder.code_book`."""
        return {name: each for name, each in predictor.code_book().items() if each["kind"] in self.coded}

    @abc.abstractmethod
    def packages(self):
        """What to `pip install` for it under Keras's backend, a string."""

    @abc.abstractmethod
    def write(self, model, path, rows, codes):
        """Writes a model.

        Args:
            model: A functional `keras.Model` of raw rows, but of numbers for strings if some are `coded`.
            path: Where to; nothing is there.
            rows: Rows to try it on, a dict from input to array.
            codes: How strings become numbers, all kinds of them; see `Encoder.code_book`.

        Returns:
            Dict from input to its shape and dtype, as a text.

        Raises:
            ImportError: If a package is missing.
            ExportFailed: If the run time lacks an operation; the message names it.
        """

    @abc.abstractmethod
    def run(self, path, rows):
        """The outputs of a model that was written, run by its run time on a dict from input to array.

        Returns:
            List of arrays, in the order of `keras.tree.flatten` of the model's outputs.
        """


def input_names(model):
    """The names of a model's inputs, in the order of `keras.tree.flatten`."""
    return sorted(model.input) if isinstance(model.input, dict) else [each.name for each in model.inputs]


def identifier(name):
    """A name in the letters that TensorFlow takes for arguments."""
    return re.sub(r"\W", "_", name)


def shapes(model, n_rows=None):
    """Dict from input to its shape and dtype as a text, such as `"(None, 4) float32"`."""
    tensors = keras.tree.flatten(model.input)
    return {
        name: f"{(n_rows, *tensor.shape[1:])} {tensor.dtype}"
        for name, tensor in zip(input_names(model), tensors, strict=True)
    }


def output_names(model):
    """The names of a model's outputs, in the order of `keras.tree.flatten`; of a single one `"output"`."""
    return sorted(model.output) if isinstance(model.output, dict) else ["output"]
