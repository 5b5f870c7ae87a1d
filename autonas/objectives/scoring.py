"""Scoring of predictions: the loss and metrics of all heads by name, and the choice of the objective among them."""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import keras
import keras_tuner
import numpy as np

from autonas.costs import registry
from autonas.costs.orientation import comparative
from autonas.objectives.metrics import Metric

#: Number of groups of rows of the jackknife.
_N_GROUPS = 20


@dataclasses.dataclass(frozen=True)
class HeadLoss:
    """The loss of one head.

    Args:
        function: A Keras loss of the network's targets and predictions.
        weight: Weight of the loss in the sum over heads. Defaults to 1.
    """

    function: Callable[..., Any]
    weight: float = 1.0

    def __call__(self, targets: np.ndarray, outputs: np.ndarray, weights: np.ndarray | None = None) -> float:
        """Return the mean loss of rows, a float.

        Args:
            targets: Targets of the network, `(n, ...)`.
            outputs: Predictions of the network, `(n, n_outputs)`.
            weights: Weights of the rows, `(n,)`, or `None`. Defaults to `None`.
        """
        if isinstance(self.function, keras.losses.Loss):
            return float(self.function(targets, outputs, sample_weight=weights))
        losses = keras.ops.convert_to_numpy(self.function(targets, outputs))
        return float(np.mean(losses if weights is None or losses.ndim == 0 else losses * weights))


@dataclasses.dataclass(frozen=True, eq=False)
class HeadScoring:
    """Targets, loss and metrics of one head.

    Args:
        name: Name of the head.
        task: Task of the head.
        encoded: Targets of the network for all rows, `(n, ...)`.
        truth: Targets as metrics expect them: class indices `(n,)`, an indicator matrix `(n, n_classes)`, or numbers
            `(n, k)` in the target's own units.
        to_metric: Function `(predictions of the network, indices of their rows)` that returns predictions as metrics
            expect them.
        loss: The `HeadLoss`.
        metrics: List of `Metric`.
        classes: List of the classes as text, in the order of their indices. Empty for regression.
    """

    name: str
    task: str
    encoded: np.ndarray
    truth: np.ndarray
    to_metric: Callable[[np.ndarray, np.ndarray], np.ndarray]
    loss: HeadLoss
    metrics: list[Metric]
    classes: list[str] = dataclasses.field(default_factory=list)

    def score(self, metric: Metric, rows: np.ndarray, converted: np.ndarray) -> float:
        """Return a metric of the predictions of some rows, in the form that metrics expect."""
        try:
            return metric(self.truth[rows], converted)
        except Exception:  # Whatever the user's function raises.
            if not metric.is_optional:
                raise
            return float("nan")


class Scorer:
    """Computation of `val_loss` and the metrics on rows of the data set.

    A metric is named `val_<metric>` with one head, and `val_<head>_<metric>` with several heads.

    Args:
        heads: List of `HeadScoring`.
        weights: Sample weights in the losses, `(n,)`, or `None`. Metrics are unweighted.
        names: Names of the scores to compute. Defaults to `None`: all.
    """

    def __init__(
        self, heads: Sequence[HeadScoring], weights: np.ndarray | None = None, names: Collection[str] | None = None
    ) -> None:
        self.heads = heads
        self.weights = weights
        self.names = names

    def only(self, names: Collection[str]) -> Scorer:
        """Return a scorer that computes the scores of some names only, which is faster."""
        return Scorer(self.heads, self.weights, names)

    def with_optional_metrics(self) -> Scorer:
        """Return a scorer whose metrics are NaN for predictions for which they raise an error."""
        heads = []
        for head in self.heads:
            metrics = [dataclasses.replace(metric, is_optional=True) for metric in head.metrics]
            heads.append(dataclasses.replace(head, metrics=metrics))
        return Scorer(heads, self.weights, self.names)

    def _computes(self, name: str) -> bool:
        return self.names is None or name in self.names

    def prefix(self, head: HeadScoring) -> str:
        return f"{head.name}_" if len(self.heads) > 1 else ""

    def directions(self) -> dict[str, str | None]:
        """Return a dict from the name of every score to `"min"`, `"max"`, or `None` if unknown."""
        directions = {
            f"val_{self.prefix(head)}{metric.name}": metric.direction for head in self.heads for metric in head.metrics
        }
        return {"val_loss": "min", **directions}

    def truth(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Return a dict from head to the targets of rows, as metrics expect them."""
        return {head.name: head.truth[rows] for head in self.heads}

    def __call__(self, predictions: Mapping[str, np.ndarray], rows: np.ndarray) -> dict[str, float]:
        """Score predictions.

        Args:
            predictions: Dict from head to the network's predictions `(len(rows), n_outputs)`.
            rows: Indices of the predicted rows.

        Returns:
            Dict from name to float.
        """
        scores: dict[str, float] = {}
        for head in self.heads:
            outputs, loss_name = predictions[head.name], f"val_{self.prefix(head)}loss"
            if self._computes("val_loss") or self._computes(loss_name):
                loss = head.loss(head.encoded[rows], outputs, None if self.weights is None else self.weights[rows])
                scores["val_loss"] = scores.get("val_loss", 0.0) + head.loss.weight * loss
                if len(self.heads) > 1:
                    scores[loss_name] = loss
            if not np.isfinite(outputs).all():
                scores["val_loss"] = float("nan")
                continue
            names = [f"val_{self.prefix(head)}{metric.name}" for metric in head.metrics]
            converted = head.to_metric(outputs, rows) if any(map(self._computes, names)) else None
            for name, metric in zip(names, head.metrics, strict=True):
                if converted is not None and self._computes(name):
                    scores[name] = head.score(metric, rows, converted)
        return scores

    def standard_error(
        self, predictions: Mapping[str, np.ndarray], rows: np.ndarray, name: str, overlap: int = 1
    ) -> float | None:
        """Estimate the standard error of a score: how much the score would differ for other rows of the same kind.

        The jackknife leaves out one of g groups of rows after the other. For the scores s_i without group i and their
        mean s,

            SE² = (g - 1) / g · Σ_i (s_i - s)²,

        with at most 20 groups of random rows (Tukey 1958; Efron and Tibshirani, "An introduction to the bootstrap",
        1993, chapter 11). For a mean over rows this is the usual standard error. The errors of rows whose targets
        overlap aren't independent: such rows are left out together, in blocks (Künsch 1989).

        Args:
            predictions: As in a call.
            rows: As in a call.
            name: Name of the score.
            overlap: Number of rows in a row whose targets overlap, the length of a block. Defaults to 1.

        Returns:
            The standard error. `None` if it can't be estimated: for a score that isn't computed from predictions, that
            isn't finite or is undefined for some of the rows, or with a single row.
        """
        # A row may have several predictions, which are left out together.
        distinct, row_of = np.unique(rows, return_inverse=True)
        if len(distinct) == len(rows):
            row_of = np.arange(len(rows))
        n_blocks = max(min(2, len(distinct)), len(distinct) // overlap)
        n_groups = min(_N_GROUPS, n_blocks)
        if n_groups < 2 or not all(np.isfinite(outputs).all() for outputs in predictions.values()):
            return None
        if name not in self.directions():
            return None
        scorer = self.only([name])

        def score(kept: np.ndarray) -> float:
            return scorer({head: outputs[kept] for head, outputs in predictions.items()}, rows[kept])[name]

        block_of = row_of * n_blocks // len(distinct)
        group = np.random.default_rng(0).permutation(np.arange(n_blocks) % n_groups)[block_of]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                scores = [score(group != left_out) for left_out in range(n_groups)]
        except Exception:  # A metric of the user, or one that is undefined for rows of a single class.
            return None
        error = math.sqrt((n_groups - 1) * float(np.var(scores)))
        return error if math.isfinite(error) else None


def resolve_objective(objective: Any, directions: Mapping[str, str | None], default: str) -> keras_tuner.Objective:
    """Return an objective as a `keras_tuner.Objective`.

    Args:
        objective: `None`, a name with or without `val_`, or a `keras_tuner.Objective`.
        directions: Dict of `Scorer.directions()`.
        default: Name of the default objective.

    Raises:
        ValueError: If no score has the objective's name, or the objective's direction is unknown.
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
    known = directions[name]
    if direction is not None and known is not None and direction != known:
        better = comparative(known)
        warnings.warn(
            f"`objective` asks for the worst {name}: {better} values are better, but the direction is {direction!r}. "
            f"Pass keras_tuner.Objective({name!r}, {known!r}).",
            UserWarning,
            stacklevel=2,
        )
    direction = direction or known
    if direction is None:
        raise ValueError(
            f"The direction of `objective` {name!r} is unknown. Pass keras_tuner.Objective({name!r}, 'min' or 'max'), "
            "or autonas.objectives.CustomMetric(function, direction='min' or 'max')."
        )
    return keras_tuner.Objective(name, direction)
