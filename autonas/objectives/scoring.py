"""Scoring: from the predictions of all heads to the named numbers of a trial, and which of them is the objective."""

import dataclasses
import warnings

import keras
import keras_tuner
import numpy as np

from autonas.costs import registry
from autonas.costs.orientation import comparative


@dataclasses.dataclass(frozen=True, eq=False)
class HeadScoring:
    """What scoring needs of one head.

    Args:
        name: The head's name.
        task: Its task.
        encoded: The network's targets for all rows, `(n, ...)`.
        truth: The same in the form that metrics take: class indices, an indicator matrix, or numbers in the target's
            own units `(n, k)`.
        to_metric: Function from the network's predictions to those that metrics take.
        loss: A Keras loss on the network's targets and predictions.
        loss_weight: Its weight.
        metrics: List of `Metric`.
        classes: List of the classes as text, in the order of their indices; empty for numbers.
    """

    name: str
    task: str
    encoded: np.ndarray
    truth: np.ndarray
    to_metric: callable
    loss: callable
    loss_weight: float
    metrics: list
    classes: list = dataclasses.field(default_factory=list)


class Scorer:
    """Computes `val_loss` and the metrics on rows of the data set.

    With one head a metric is named `val_<metric>`, with several `val_<head>_<metric>`.

    Args:
        heads: List of `HeadScoring`.
        weights: Weight of each row in the losses, `(n,)`, or `None`. Metrics don't count it.
    """

    def __init__(self, heads, weights=None):
        self.heads = heads
        self.weights = weights

    def prefix(self, head):
        return f"{head.name}_" if len(self.heads) > 1 else ""

    def directions(self):
        """Dict from the name of each number to `"min"`, `"max"`, or `None` if it can't be known."""
        named = {
            f"val_{self.prefix(head)}{metric.name}": metric.direction for head in self.heads for metric in head.metrics
        }
        return {"val_loss": "min", **named}

    def truth(self, rows):
        """Dict from head to what is true of rows, as metrics take it."""
        return {head.name: head.truth[rows] for head in self.heads}

    def __call__(self, predictions, rows):
        """Scores predictions.

        Args:
            predictions: Dict from head to the network's predictions `(len(rows), n_outputs)`.
            rows: Indices of the rows predicted.

        Returns:
            Dict from name to float.
        """
        scores = {"val_loss": 0.0}
        for head in self.heads:
            outputs = predictions[head.name]
            loss = self._loss(head, rows, outputs)
            scores["val_loss"] += head.loss_weight * loss
            if len(self.heads) > 1:
                scores[f"val_{head.name}_loss"] = loss
            if not np.isfinite(outputs).all():
                scores["val_loss"] = float("nan")
                continue
            converted = head.to_metric(outputs)
            for metric in head.metrics:
                scores[f"val_{self.prefix(head)}{metric.name}"] = metric(head.truth[rows], converted)
        return scores

    def _loss(self, head, rows, outputs):
        weights = None if self.weights is None else self.weights[rows]
        if isinstance(head.loss, keras.losses.Loss):
            return float(head.loss(head.encoded[rows], outputs, sample_weight=weights))
        losses = keras.ops.convert_to_numpy(head.loss(head.encoded[rows], outputs))
        return float(np.mean(losses if weights is None or losses.ndim == 0 else losses * weights))


def resolve_objective(objective, directions, default):
    """The objective as a `keras_tuner.Objective`.

    Args:
        objective: `None`, a name with or without `val_`, or a `keras_tuner.Objective`.
        directions: `Scorer.directions()`.
        default: Name of the default objective.

    Raises:
        ValueError: If the networks don't produce it, or its direction is unknown.
    """
    if objective is None:
        objective = default
    direction = None
    if isinstance(objective, keras_tuner.Objective):
        objective, direction = objective.name, objective.direction
    if not isinstance(objective, str):
        raise ValueError(
            "`objective` must be a metric's name or a keras_tuner.Objective. "
            f"Received: objective of type {type(objective).__name__}"
        )
    name = objective if objective.startswith("val_") else f"val_{objective}"
    if name not in directions:
        raise ValueError(
            f"`objective` must be one of {', '.join([*directions, *registry.COSTS])} (`metrics` adds others)."
            f" Received: objective={objective!r}"
        )
    if None not in (direction, directions[name]) and direction != directions[name]:
        better = comparative(directions[name])
        warnings.warn(
            f"`objective` asks for the worst {name}, whose {better} values are better: its direction is {direction!r}. "
            f"Pass keras_tuner.Objective({name!r}, {directions[name]!r}).",
            UserWarning,
            stacklevel=2,
        )
    direction = direction or directions[name]
    if direction is None:
        raise ValueError(
            f"The direction of `objective` {name!r} is unknown. Pass keras_tuner.Objective({name!r}, 'min' or 'max'), "
            "or autonas.objectives.CustomMetric(function, direction='min' or 'max')."
        )
    return keras_tuner.Objective(name, direction)
