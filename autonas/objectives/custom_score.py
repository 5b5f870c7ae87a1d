"""The user's own scores, of predictions or of a trained model."""

import inspect

import numpy as np


class CustomMetric:
    """A number that a function computes from the truth and the predictions for the validation rows.

    ```python
    def profit(truth, predictions):  # of two classes: indices (n,) and probabilities (n, 2)
        return ((truth == 1) & (predictions[:, 1] > 0.2)).mean()

    autonas.AutoModel(objective=autonas.objectives.CustomMetric(profit))
    ```

    Args:
        function: Function `(truth, predictions) -> float`. For classes, `truth` is class indices `(n,)`, or an
            indicator matrix `(n, n_classes)`, and `predictions` is probabilities `(n, n_classes)`; for numbers both are
            `(n, k)` in the target's own units.
        name: Name of the metric. Defaults to the function's.
        direction: `"max"` or `"min"`. Defaults to `"max"`.
    """

    def __init__(self, function, name=None, direction="max"):
        self.function = function
        self.name = name or getattr(function, "__name__", None)
        self.direction = direction

    def check(self):
        """Raise a `ValueError` if an argument is wrong."""
        _check(self, "the truth and the predictions")


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
        _check(self, "a model and a tuple (x, y)")

    def __call__(self, model, inputs, truth):
        """The score, a float.

        Args:
            model: The trained model.
            inputs: Dict from name to array.
            truth: Dict from head to array.
        """
        y = next(iter(truth.values())) if len(truth) == 1 else truth
        return float(np.asarray(self.function(model, (inputs, y))))


def _check(score, arguments):
    """Raise a `ValueError` if an argument of a custom score or metric is wrong."""
    kind = type(score).__name__
    try:
        inspect.signature(score.function).bind(None, None)
    except TypeError as error:
        raise ValueError(
            f"`function` of a {kind} must be a function of {arguments}. Received: function={score.function!r:.100}"
        ) from error
    if not isinstance(score.name, str) or not score.name.isidentifier():
        raise ValueError(f"`name` of a {kind} must be one such as 'profit'. Received: name={score.name!r}")
    if score.direction not in ("min", "max"):
        raise ValueError(f"`direction` must be 'min' or 'max'. Received: direction={score.direction!r}")
