"""Custom scores: functions of the user that score predictions or a trained model."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras


class CustomMetric:
    """A metric computed by a function of the truth and the predictions on the validation set.

    ```python
    import autonas

    def profit(truth, predictions):  # Two classes: indices (n,) and probabilities (n, 2).
        return ((truth == 1) & (predictions[:, 1] > 0.2)).mean()

    automl = autonas.AutoModel(objective=autonas.objectives.CustomMetric(profit))
    ```

    Args:
        function: Function `(truth, predictions) -> float`. For classification, `truth` holds class indices `(n,)` or
            an indicator matrix `(n, n_classes)`, and `predictions` holds probabilities `(n, n_classes)`. For
            regression, both have shape `(n, k)` and the target's own units.
        name: Name of the metric. Defaults to the function's name.
        direction: `"max"` or `"min"`. Defaults to `"max"`.
    """

    def __init__(self, function: Callable, name: str | None = None, direction: str = "max") -> None:
        self.function = function
        self.name = name or getattr(function, "__name__", None)
        self.direction = direction

    def check(self) -> None:
        """Raise a `ValueError` if an argument is invalid."""
        _check(self, "the truth and the predictions")


class CustomScore:
    """A score computed by a function of the model and the validation set after every epoch.

    ```python
    import autonas
    import keras

    def confidence(model, validation):
        x, y = validation
        return float(keras.ops.mean(keras.ops.max(next(iter(model(x).values())), axis=-1)))

    automl = autonas.AutoModel(objective=autonas.objectives.CustomScore(confidence))
    ```

    Args:
        function: Function `(model, (x, y)) -> float`. `model` is the `keras.Model` in training. `x` is a dict of the
            model's input arrays for the validation rows. `y` is the truth: class indices `(n,)`, an indicator matrix
            `(n, n_classes)`, or numbers `(n, k)` in the target's own units. With several heads, `y` is a dict by head.
        name: Name of the score. Defaults to the function's name.
        direction: `"max"` or `"min"`. Defaults to `"max"`.
    """

    def __init__(self, function: Callable, name: str | None = None, direction: str = "max") -> None:
        self.function = function
        self.name = name or getattr(function, "__name__", None)
        self.direction = direction

    def check(self) -> None:
        """Raise a `ValueError` if an argument is invalid."""
        _check(self, "a model and a tuple (x, y)")

    def __call__(self, model: keras.Model, inputs: Any, truth: Any) -> float:
        """Compute the score, a float.

        Args:
            model: The trained model.
            inputs: Dict from name to array.
            truth: Dict from head to array.
        """
        y = next(iter(truth.values())) if len(truth) == 1 else truth
        return float(np.asarray(self.function(model, (inputs, y))))


def _check(score: CustomMetric | CustomScore, arguments: str) -> None:
    """Raise a `ValueError` if an argument of a custom score or metric is invalid."""
    kind = type(score).__name__
    try:
        inspect.signature(score.function).bind(None, None)
    except TypeError as error:
        raise ValueError(
            f"`function` of a {kind} must be a function of {arguments}. Received: function={score.function!r:.100}"
        ) from error
    if not isinstance(score.name, str) or not score.name.isidentifier():
        raise ValueError(f"`name` of a {kind} must be an identifier such as 'profit'. Received: name={score.name!r}")
    if score.direction not in ("min", "max"):
        raise ValueError(f"`direction` must be 'min' or 'max'. Received: direction={score.direction!r}")
