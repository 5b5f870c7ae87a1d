"""Jobs and outcomes: the input and the result of an evaluation, plain data that travels between processes."""

import dataclasses
from typing import Any

import numpy as np

from autonas.search_space.values import Scalar
from autonas.trials import checkpoint as checkpoints
from autonas.trials import records
from autonas.trials.stopping import Stopper


@dataclasses.dataclass
class CostCheck:
    """The check of a candidate's costs before its training.

    Args:
        known: Dict from the key of a network to a dict of the costs that were measured on it; see `Goal.measure`.
        measured: Costs that an earlier trial of the same training measured, a dict of floats; empty without such a
            trial.
        keeps_limits: Whether the candidate is refused if it violates a constraint.
    """

    known: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)
    measured: dict[str, float] = dataclasses.field(default_factory=dict)
    keeps_limits: bool = True


@dataclasses.dataclass
class ScheduledTraining:
    """A training within a `TrainingSchedule`.

    Args:
        earlier: Values of the trials whose training the trial continues, the first trial first. They are trained again
            if there is no checkpoint.
        stopper: Function of the history that decides after each epoch whether to end the training, or `None`; see
            `TrainingSchedule.stopper_for`.
        may_go_on: Whether a later trial may continue the training, so that the evaluation returns a checkpoint.
        is_required: Whether a score is needed even if it comes after the deadline, since no trial has one. Defaults to
            `True`.
    """

    earlier: list[dict[str, Scalar]] = dataclasses.field(default_factory=list)
    stopper: Stopper | None = None
    may_go_on: bool = False
    is_required: bool = True


@dataclasses.dataclass
class Job:
    """A trial to evaluate: plain data that can travel to another process.

    Args:
        trial_id: Id of the trial.
        number: Number of the trial, from 0. Where the trial continues the training of earlier trials, the number of the
            first of these.
        values: Values of the active hyperparameters, with the reserved names of `trials.reserved`.
        deadline: `time.monotonic()` at which the training must stop, or `None`.
        strategy: An `autonas.oracles.Oracle` that the evaluation asks for architectures and tells their scores, or
            `None`: for one-shot scores, or for the paths of a supernet.
        checkpoint: A `Checkpoint` to continue from, or `None`.
        costs: The `CostCheck`.
        training: The `ScheduledTraining`.
    """

    trial_id: str
    number: int
    values: dict[str, Scalar]
    deadline: float | None = None
    strategy: Any = None
    checkpoint: checkpoints.Checkpoint | None = None
    costs: CostCheck = dataclasses.field(default_factory=CostCheck)
    training: ScheduledTraining = dataclasses.field(default_factory=ScheduledTraining)

    @property
    def is_required(self) -> bool:
        """Whether executors let the job go on after its deadline."""
        return self.training.is_required


@dataclasses.dataclass(kw_only=True)
class Outcome(records.Result):
    """The result of an evaluation, with the arrays that are kept in files.

    Args:
        interrupted: Whether the user interrupted the training.
        weights: Averaged weights of the best epoch, a list of arrays; `None` without a training.
        final_weights: Weights for training and validation rows together, a list of arrays, if they were fitted beside
            the others, otherwise `None`.
        checkpoint: The `Checkpoint` after the last epoch, if a later trial may continue the training; else `None`.
        predictions: Outputs of the network for the validation rows at the best epoch, a dict from head to a float32
            array of shape `(n_validation, n_outputs)`; `None` without a training, and for streams, whose rows have no
            fixed order.
    """

    interrupted: bool = False
    weights: list[np.ndarray] | None = None
    final_weights: list[np.ndarray] | None = None
    checkpoint: checkpoints.Checkpoint | None = None
    predictions: dict[str, np.ndarray] | None = None
