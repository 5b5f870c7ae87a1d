"""The user's own score of a trained model."""

import inspect

import numpy as np


class CustomScore:
    """A number that a function computes from the model as trained so far and the validation rows.

    Args:
        function: Function `(model, (x, y)) -> float`, called after each epoch: `model` is the `keras.Model`, `x` its
            inputs for the validation rows, a dict of arrays, and `y` the truth: class indices `(n,)`, an indicator
            matrix, or numbers in their own units `(n, k)`; a dict of these by head if there are several.
        name: Name of the score. Defaults to the function's.
        direction: `"max"` or `"min"`. Defaults to `"max"`.
    """

    def __init__(self, function, name=None, direction="max"):
        self.function = function
        self.name = name or getattr(function, "__name__", None)
        self.direction = direction

    def check(self):
        """Raises a `ValueError` if an argument is wrong."""
        if not callable(self.function) or len(inspect.signature(self.function).parameters) != 2:
            raise ValueError(
                "`function` of a CustomScore must be a function of a model and a tuple (x, y). "
                f"Received: function={self.function!r:.100}"
            )
        if not isinstance(self.name, str) or not self.name.isidentifier():
            raise ValueError(f"`name` of a CustomScore must be one such as 'profit'. Received: name={self.name!r}")
        if self.direction not in ("min", "max"):
            raise ValueError(f"`direction` must be 'min' or 'max'. Received: direction={self.direction!r}")

    def __call__(self, model, inputs, truth):
        """The score, a float.

        Args:
            model: The trained model.
            inputs: Dict from name to array.
            truth: Dict from head to array.
        """
        y = next(iter(truth.values())) if len(truth) == 1 else truth
        return float(np.asarray(self.function(model, (inputs, y))))
