"""Problem of a search: the space, the encoded data and the goal of its candidates."""

from __future__ import annotations

import dataclasses
import functools
import typing

import keras
import keras_tuner
import numpy as np

from autonas.data.dataset import ArrayDataset
from autonas.objectives.goal import Goal
from autonas.objectives.scoring import Scorer
from autonas.search_space.graph import Graph
from autonas.trials.records import HeadPredictions

if typing.TYPE_CHECKING:
    from autonas.evaluation.loops import TrainingLoop
    from autonas.evaluation.stream_loop import StreamDataset
    from autonas.objectives.custom_score import CustomScore


@dataclasses.dataclass(eq=False)
class Problem:
    """Problem of a search, for building, training and scoring candidates.

    Args:
        graph: A graph of blocks, bound to the data.
        dataset: The encoded rows, an `ArrayDataset` or a `StreamDataset`.
        scorer: The `Scorer` of the graph's heads.
        goal: The `Goal`.
        as_served: Function from a trained network to the network that is served and measured. Defaults to `None`: both
            are the same.
        has_groups: Whether rows of the same group are in the same fold. Defaults to `False`.
    """

    graph: Graph
    dataset: ArrayDataset | StreamDataset
    scorer: Scorer
    goal: Goal
    as_served: typing.Callable[..., keras.Model] | None = None
    has_groups: bool = False

    @property
    def serves_folds(self) -> bool:
        """Whether the networks of all folds are served, averaged, instead of one network that is trained on all rows.

        A search with costs measures one network, and serves one.
        """
        return self.dataset.folds is not None and not self.goal.costs

    @functools.cached_property
    def space(self) -> keras_tuner.HyperParameters:
        """The whole space, a `keras_tuner.HyperParameters`."""
        return self.graph.declare()

    def served(self, model: keras.Model) -> keras.Model:
        """Return the network that is served and measured for a network, such as a network with preprocessing."""
        return model if self.as_served is None else self.as_served(model)

    def predict(self, loop: TrainingLoop) -> dict[str, np.ndarray]:
        """Predict the validation rows; return a dict from head name to a float32 array."""
        predictions = loop.predict(self.dataset.validation_rows)
        return {name: np.asarray(output, "float32") for name, output in predictions.items()}

    def score(
        self, predictions: dict[str, np.ndarray], loop: TrainingLoop, costs: dict[str, float] | None = None
    ) -> dict[str, float]:
        """Return a dict of metrics, costs and combined objectives.

        Args:
            predictions: Predictions of the validation rows, as of `predict`.
            loop: Training loop of the model, for scores that call the model.
            costs: Costs of the model. Defaults to none.
        """
        numbers = self.scorer(predictions, self.dataset.validation_rows) | (costs or {})
        for score in self.goal.scores:
            numbers[score.name] = float(np.mean([self._own_score(score, loop, *pair) for pair in loop.networks()]))
        return self.goal.combined(numbers)

    def _own_score(self, score: CustomScore, loop: TrainingLoop, model: keras.Model, rows: np.ndarray) -> float:
        """Return the `CustomScore` of a model on some rows."""
        inputs = {name: array[rows] for name, array in loop.dataset.inputs.items()}
        return score(model, inputs, self.scorer.truth(rows))

    def epoch_numbers(self) -> set[str]:
        """Return the names of the numbers of a training's epoch: losses, metrics, costs and combined objectives."""
        losses = {f"val_{self.scorer.prefix(head)}loss" for head in self.scorer.heads}
        own = {score.name for score in self.goal.scores}
        return {"loss", "learning_rate", *losses, *own, *self.scorer.directions(), *self.goal.directions()}

    def predictions_of_heads(self, predictions: dict[str, np.ndarray]) -> list[HeadPredictions]:
        """Return predictions of the validation rows with the truth, a list of one `HeadPredictions` per head.

        Args:
            predictions: Predictions of the validation rows, as of `predict`.
        """
        rows = self.dataset.validation_rows
        return [
            HeadPredictions(
                head.name, head.task, head.truth[rows], head.to_metric(predictions[head.name], rows), head.classes
            )
            for head in self.scorer.heads
        ]

    def standard_error(self, predictions: dict[str, np.ndarray] | None) -> float | None:
        """Return the standard error of the first objective for predictions of the validation rows, or `None`."""
        if predictions is None:
            return None
        rows, overlap = self.dataset.validation_rows, self.dataset.overlap or 1
        return self.scorer.standard_error(predictions, rows, self.goal.main.name, overlap)
