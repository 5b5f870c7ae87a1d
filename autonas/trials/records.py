"""The record of one trial: all that the rest of the library keeps and shows of it."""

import copy
import dataclasses
import time

import numpy as np


@dataclasses.dataclass
class TrialRecord:
    """What was tried in one trial and what came of it.

    Args:
        trial_id: Unique name of the trial within its search.
        number: Position of the trial in the search, counted from 0.
        stage: `"search"` for a candidate, trained by itself, `"final"` for the fit on all data after the search;
            `"baseline"` for a constant or a linear prediction, see `evaluation.baselines`;
            `"supernet"` for an epoch of shared weights, `"one_shot"` for the scoring of architectures with them.
        values: Value of each active decision, plain Python scalars by name. An inactive decision is
            absent or None.
        status: `"running"`, `"completed"`, `"failed"`, `"refused"` (broke a constraint before training)
            or `"interrupted"`.
        score: Value of the objective, or None if the trial has none.
        metrics: Metrics of the best epoch by name.
        history: Metrics of each epoch, in order (`"loss"`, `"val_loss"`, `"learning_rate"`, ...).
        epochs: Number of epochs trained.
        best_epoch: Epoch of the score, counted from 1; 0 before there is one.
        parameters: Number of weights of the model, or None if no model was built.
        seconds: Wall-clock duration of the trial.
        message: One line: why the trial failed, was refused or was interrupted.
        started: `time.time()` when the trial began.
        report: What else came of it, a JSON-like dict: of `"supernet"` the `"epoch"`, the `"distribution"` over
            architectures, the scores of some `"paths"`, and of gradient search `"numbers"`; of `"one_shot"` the
            `"finalists"` and how many were scored, `"n_scored"`.
        phases: What its seconds went to: seconds by name of a phase, such as `"build"` and `"train"`.
    """

    trial_id: str
    number: int
    stage: str = "search"
    values: dict = dataclasses.field(default_factory=dict)
    status: str = "running"
    score: float | None = None
    metrics: dict[str, float] = dataclasses.field(default_factory=dict)
    history: list[dict[str, float]] = dataclasses.field(default_factory=list)
    epochs: int = 0
    best_epoch: int = 0
    parameters: int | None = None
    seconds: float = 0.0
    message: str = ""
    started: float = dataclasses.field(default_factory=time.time)
    report: dict = dataclasses.field(default_factory=dict)
    phases: dict[str, float] = dataclasses.field(default_factory=dict)

    def to_json(self):
        """Returns the record as a dict that JSON can hold.

        Of reports, which the journal has, only the short one of the one-shot scoring is in it.
        """
        names = [field.name for field in dataclasses.fields(self)]
        if self.stage != "one_shot":
            names.remove("report")
        return {name: copy.deepcopy(getattr(self, name)) for name in names}

    @classmethod
    def from_json(cls, config):
        """Returns the record that `to_json` described."""
        return cls(**config)


@dataclasses.dataclass(frozen=True, eq=False)
class HeadPredictions:
    """What one head of a candidate says of the validation rows, beside what is true.

    Args:
        name: The head's name.
        task: Its task: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`.
        truth: What is true, as metrics take it: indices of classes `(n,)`, an indicator matrix `(n, n_classes)`, or
            numbers in the target's own units `(n, n_targets)`.
        outputs: Probabilities of the classes `(n, n_classes)`, or numbers in the target's own units `(n, n_targets)`.
        classes: List of the classes, as text, or of the names of several targets; empty if there are none.
    """

    name: str
    task: str
    truth: np.ndarray
    outputs: np.ndarray
    classes: list
