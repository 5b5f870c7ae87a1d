"""Learning curves: a training that can't win any more is stopped, with any strategy."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autonas.arguments import checks
from autonas.costs.orientation import oriented
from autonas.oracles import base
from autonas.oracles.base import Oracle
from autonas.oracles.fidelity import extrapolation, low_fidelity_oracle
from autonas.oracles.observation import Observation
from autonas.search_space.values import Scalar

#: Share of a full training before which no trial is stopped: the learning rate rises during half of it.
_FIRST_SHARE = 1 / 10
#: Number of trials that must have been trained in full before any is stopped.
_MIN_COMPLETED = 2


class LearningCurveOracle(low_fidelity_oracle.LowFidelityOracle):
    r"""Early stopping of trainings whose extrapolated learning curve can't win, around any strategy.

    After each epoch of a trial, its final score f, which is that of its best epoch, is extrapolated from its learning
    curve so far and from the curves of earlier trials (see `extrapolation.LearningCurves`). The trial is stopped if

        P(f > best final score so far) < 1 − confidence.

    So fewer than 1 − `confidence` of the stopped trials would have become the best. No trial is stopped before two were
    trained in full. Every trial is a new architecture, trained in full unless it is stopped, so that the best one is
    always fully trained.

    The strategy observes the extrapolated final score of a stopped trial, but never a score above the best one.

    A trial is judged by the scores that are known when it begins. So the order in which other trials end during the
    training doesn't matter, and a search on one worker is the same wherever it runs and after it was continued.

    There must be one objective, which may be a combination of several: no point of a Pareto front is the best one. The
    curves of trials that the time limit has cut short, whose learning rate was annealed sooner, aren't used.

    `benchmarks/strategies.md` has measurements: how many epochs are saved, and how many stopped trials would have won.

    Its `diagnostics` are the diagnostics of the strategy inside and, under `strategy/`, the number of trials that were
    `stopped` and `trained_in_full`.

    Args:
        strategy: A name such as `"evolution"`, or an oracle that trains all candidates in full, such as one that trains
            a supernet first. Defaults to `"bayesian"`.
        confidence: Probability, from 0.5 to 1, with which a stopped trial wouldn't have become the best. With 1, no
            trial is stopped. Defaults to 0.95.
        min_epochs: Epochs before which no trial is stopped; `None` is a tenth of `max_epochs`, and at least one.
            Defaults to `None`.
        max_epochs: Epochs of a full training; `None` in `AutoModel`, which sets them. Defaults to `None`.
        **kwargs: As in `Oracle`.

    Example:

    ```python
    import autonas

    model = autonas.AutoModel(strategy=autonas.oracles.LearningCurveOracle("evolution", confidence=0.99))
    ```
    """

    def __init__(
        self,
        strategy: str | Oracle = "bayesian",
        confidence: float = 0.95,
        min_epochs: int | None = None,
        max_epochs: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(strategy, min_epochs, max_epochs, **kwargs)
        self.confidence = confidence
        self._curves = extrapolation.LearningCurves()
        #: The best score of a feasible trial that wasn't stopped, or `None`.
        self._best: float | None = None
        self._n_completed, self._n_stopped = 0, 0

    def check(self) -> None:
        super().check()
        checks.check_number("confidence", self.confidence, 0.5, 1)
        if len(self._objectives) > 1:
            raise ValueError(
                "`objective` must be a single one where trials are stopped that can't become the best: no point of a "
                "Pareto front is. Give a combination of them, such as autonas.objectives.WeightedSum, or another "
                f"`fidelity`. Received: objective={[objective.name for objective in self._objectives]}"
            )

    # ------------------------------------------------------------------ ask

    def stopper_for(self, values: Mapping[str, Scalar]) -> Stopper | None:
        if not base.is_candidate(values):
            return None
        first = self.least_epochs(_FIRST_SHARE)
        best = None if self._n_completed < _MIN_COMPLETED else self._best
        objective = self.objective
        curves = self._curves.copy()
        return Stopper(objective.name, objective.direction, curves, best, self.confidence, min_epochs=first)

    # ------------------------------------------------------------------ tell

    def observe(self, observation: Observation) -> None:
        if observation.is_candidate:
            observation = self._with_final_scores(observation)
        self._strategy.tell_observation(observation)
        self._has_diagnostics = True

    def _with_final_scores(self, observation: Observation) -> Observation:
        """Learn from a candidate, and return its observation with the forecast score if the training was stopped."""
        scores, curve = observation.scores, observation.training.curve
        training = dataclasses.replace(observation.training, curve=None)
        if scores is None:
            return dataclasses.replace(observation, training=training)
        best = scores[0] if self._best is None else max(self._best, scores[0])
        is_stopped = curve is not None and curve.forecast is not None
        if not is_stopped and not observation.violation:
            self._best = best
        if curve is not None and len(curve.scores) and np.isfinite(curve.scores).all():
            if curve.forecast is not None:
                forecast = extrapolation.Forecast(*curve.forecast)
                self._curves.add_stopped(curve.scores, forecast)
                self._n_stopped += 1
                scores = (min(max(forecast.score, scores[0]), best),)
            elif curve.horizon == self.max_epochs:
                self._curves.add(curve.scores, curve.horizon)
                self._n_completed += 1
        return dataclasses.replace(observation, scores=scores, training=training)

    def diagnostics(self) -> dict[str, float]:
        numbers = {"stopped": self._n_stopped, "trained_in_full": self._n_completed}
        return super().diagnostics() | {f"strategy/{name}": float(number) for name, number in numbers.items()}


@dataclasses.dataclass(frozen=True)
class Stopper:
    """Rule that decides after each epoch of a trial whether it continues, from the scores known when it began.

    Args:
        objective: Name of the objective.
        direction: `"min"` or `"max"`.
        curves: The `LearningCurves` of earlier trials.
        best: The best final score so far, larger is better; `None` if no trial is stopped yet.
        confidence: As in `LearningCurveOracle`.
        min_epochs: Epochs before which the trial isn't stopped.
    """

    objective: str
    direction: str
    curves: extrapolation.LearningCurves
    best: float | None
    confidence: float
    min_epochs: int

    def scores(self, history: Sequence[Mapping[str, float]]) -> list[float]:
        """Return the objective after each epoch, larger is better.

        Args:
            history: One dict of numbers for each epoch.

        Returns:
            List of floats.
        """
        return [oriented(float(numbers[self.objective]), self.direction) for numbers in history]

    def __call__(self, history: Sequence[Mapping[str, float]]) -> Stop | None:
        """Decide whether the trial continues.

        Args:
            history: One dict of numbers for each epoch so far.

        Returns:
            A `Stop`, or `None` if the trial continues.
        """
        scores = self.scores(history)
        if self.best is None or len(scores) < self.min_epochs or not np.isfinite(scores).all():
            return None
        if max(scores) > self.best:
            return None
        forecast = self.curves.forecast(scores)
        if forecast is None:
            return None
        probability = forecast.probability_above(self.best)
        return Stop(forecast, probability) if probability < 1 - self.confidence else None


@dataclasses.dataclass(frozen=True)
class Stop:
    """The reason for which a trial is stopped.

    Args:
        forecast: The `Forecast` of its final score.
        probability: Probability that the trial would become the best.
    """

    forecast: extrapolation.Forecast
    probability: float

    def __str__(self) -> str:
        return f"can't win (P {'< 0.01' if self.probability < 0.005 else f'= {self.probability:.2f}'})"
