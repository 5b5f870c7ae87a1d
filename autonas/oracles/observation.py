"""Observations: the results of trials, as a strategy learns from them."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from autonas.oracles import feasibility
from autonas.search_space.values import Scalar
from autonas.trials import reserved
from autonas.trials.states import Stage


@dataclasses.dataclass(frozen=True)
class LearningCurve:
    """Scores of one training after each of its epochs.

    Args:
        scores: The objective after each epoch, a list of floats, larger is better.
        horizon: Number of epochs over which the learning rate was annealed.
        forecast: If the training was stopped early, the forecast of its final score as a list of floats, see
            `fidelity.extrapolation.Forecast`. Defaults to `None`.
    """

    scores: Sequence[float]
    horizon: int
    forecast: Sequence[float] | None = None


@dataclasses.dataclass(frozen=True)
class Training:
    """The training behind the scores of a candidate.

    Args:
        fidelity: Cost of the training as a share of that of a full training, more than 0 and at most 1. Defaults to 1.
        measured_scores: The scores as measured, where a `LowFidelityOracle` has mapped the scores of the observation to
            the scale of the lowest fidelity. Defaults to `None`: the scores of the observation are as measured.
        curve: The `LearningCurve` of a training that could have been stopped early. Defaults to `None`.
        is_fitted: Whether the weights are fitted instead of trained, as for trees, so that more epochs change
            nothing. Defaults to `False`.

    Example:

    ```python
    import autonas
    import keras_tuner

    space = keras_tuner.HyperParameters()
    space.Int("units", 8, 64)
    oracle = autonas.oracles.BayesianOracle(objective="val_accuracy", hyperparameters=space)
    oracle.learn({"units": 32}, (0.8,), training=autonas.oracles.Training(fidelity=0.1))
    ```
    """

    fidelity: float = 1.0
    measured_scores: tuple[float, ...] | None = None
    curve: LearningCurve | None = None
    is_fitted: bool = False


@dataclasses.dataclass(frozen=True)
class Observation:
    """The result of one trial.

    Args:
        number: The number of the trial, from 0 in the order of asking.
        values: The architecture; of another stage, its values with the stage's name.
        scores: Tuple of one float per objective, larger is better, on one scale for all fidelities. `None` if the trial
            failed or was refused. Defaults to `None`.
        margins: Tuple of one float per constraint: log(limit / cost) for an upper limit, so that a margin is at least 0
            within the limit and negative beyond; `None` for a cost that wasn't measured. Defaults to `None`: there are
            no constraints.
        training: The `Training`. Defaults to `Training()`, a full training.
        report: Result of a trial of another stage, a JSON-like dict; `None` if that trial failed. Defaults to `None`.
        is_update: Whether the strategy has observed this architecture before, and its training has been continued.
            Defaults to `False`.

    Example:

    ```python
    import autonas

    observation = autonas.oracles.Observation(0, {"units": 32}, (0.93,))
    assert observation.training.fidelity == 1.0 and observation.margins is None
    ```
    """

    number: int
    values: dict[str, Scalar]
    scores: tuple[float, ...] | None = None
    margins: tuple[float | None, ...] | None = None
    training: Training = dataclasses.field(default_factory=Training)
    report: dict[str, Any] | None = None
    is_update: bool = False

    @property
    def stage(self) -> Stage:
        """The `Stage` of the search that the trial belongs to."""
        return reserved.stage_of(self.values)

    @property
    def is_candidate(self) -> bool:
        """Whether the trial was an architecture trained by itself, and not another stage of the search."""
        return reserved.is_candidate(self.values)

    @property
    def violation(self) -> float:
        """By how much the architecture exceeds all limits together; see `feasibility.violation`."""
        return feasibility.violation(self.margins)
