"""Records of trials, and the results and predictions of their evaluation."""

from __future__ import annotations

import copy
import dataclasses
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from autonas.trials.states import Stage, Status

_KNOWN_TO_KERAS_TUNER = ("status", "metrics", "history", "message")


@dataclasses.dataclass(kw_only=True)
class Result:
    """The result of a trial, from its evaluation to its row in the leaderboard.

    The fields are the keys of a trial in the journal and in saved models, so the record is flat.

    Args:
        status: The `Status` of the trial. Defaults to `Status.RUNNING`.
        metrics: Metrics of the best epoch, and costs, by name.
        history: Metrics of each epoch, in order (`"loss"`, `"val_loss"`, `"learning_rate"`, ...).
        epochs: Number of epochs trained, including the epochs of an earlier trial that this trial continues.
        best_epoch: Epoch of the score, counted from 1; 0 before there is one.
        initial_epoch: Number of epochs of the earlier trial that this trial continues.
        horizon: Number of epochs of the schedule of the learning rate.
        batch_size: Rows per step, halved if memory ran out; `None` before the training.
        parameters: Number of weights of the model, or `None` if no model was built.
        precision: Name of the Keras dtype policy of the training, or `None` before the training.
        seconds: Wall-clock duration of the trial.
        message: One line: why the trial failed, was refused, was interrupted or ended early.
        costs: Costs of the built model by name.
        margins: Distance to the limit of each constraint, a list; see `objectives.goal.Measurement`.
        network: Key of the network on which costs were measured, or `None`; see `objectives.goal.Measurement`.
        forecast: Forecast of the final score, a list of floats, if the learning curve ended the training; else `None`.
        standard_error: Standard error of the score, by the rows of the validation set; `None` if unknown.
        report: Further results of a trial that isn't a candidate, a JSON-like dict. Of an epoch of a supernet:
            `"epoch"`, the `"distribution"` over architectures, the scores of some `"paths"`, and of gradient-based
            search `"numbers"`. Of one-shot scoring: the `"finalists"`, and `"n_scored"`, the number of scored
            architectures; of a selection by perturbation also the `"losses_without"` each option. Of a candidate whose
            network has fitters: `"fitted"`, the list of the choices of each fitter (see `search_space.fitted`), and
            `"is_trained"`, whether other weights are trained by gradient descent.
        phases: Seconds by phase: `"build"` the network, `"measure"` its costs, `"compile"` (see `TrainingLoop`),
            `"train"`, `"validate"`, `"report"` epochs, `"save"` checkpoints; with shared weights also `"supernet"`,
            their training, and `"one_shot"`, the scoring with them; `"lost"` with a worker process; and `"other"`.
    """

    status: Status = Status.RUNNING
    metrics: dict[str, float] = dataclasses.field(default_factory=dict)
    history: list[dict[str, float]] = dataclasses.field(default_factory=list)
    epochs: int = 0
    best_epoch: int = 0
    initial_epoch: int = 0
    horizon: int = 0
    batch_size: int | None = None
    parameters: int | None = None
    precision: str | None = None
    seconds: float = 0.0
    message: str = ""
    costs: dict[str, float] = dataclasses.field(default_factory=dict)
    margins: list[float | None] = dataclasses.field(default_factory=list)
    network: str | None = None
    forecast: list[float] | None = None
    standard_error: float | None = None
    report: dict[str, Any] = dataclasses.field(default_factory=dict)
    phases: dict[str, float] = dataclasses.field(default_factory=dict)

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any], **fields: Any) -> Result:
        """Return the result with facts that `TrialRecord.facts` returned, and with further fields."""
        names = {field.name for field in dataclasses.fields(Result)}
        return cls(**{name: value for name, value in facts.items() if name in names} | fields)

    @property
    def is_completed(self) -> bool:
        """Whether the trial was completed."""
        return self.status == Status.COMPLETED

    @property
    def is_refused(self) -> bool:
        """Whether the trial was refused before its training, since it violates a constraint."""
        return self.status == Status.REFUSED

    @property
    def is_fitted(self) -> bool:
        """Whether all weights were fitted, such as trees, and none is trained; see `search_space.fitted.fitters`."""
        return bool(self.report.get("fitted")) and not self.report.get("is_trained", False)

    @property
    def has_final_weights(self) -> bool:
        """Whether the weights for training and validation rows together were fitted beside the others."""
        return bool(self.report.get("has_final_weights"))

    @property
    def leaves_one_out(self) -> bool:
        """Whether one network was scored by leave-one-out cross-validation where other candidates have one per fold."""
        return bool(self.report.get("leaves_one_out"))

    @property
    def rows_share(self) -> float:
        """Smallest share of the rows that fitted weights are fitted to, less than 1 if the time was too short."""
        return self._smallest("rows_share")

    @property
    def rows_percentage(self) -> str:
        """A `rows_share` of less than 1 in percent, at most 99 %."""
        return f"{min(self.rows_share, 0.99):.0%}"

    @property
    def time_share(self) -> float:
        """Share that the fit of all weights had of the time with which they would be better; 1 with enough time."""
        return self._smallest("time_share")

    def _smallest(self, name: str) -> float:
        """Return the smallest share of a name among the choices of the fitters."""
        return min((chosen.get(name, 1.0) for chosen in self.report.get("fitted") or ()), default=1.0)

    @property
    def refit_share(self) -> float:
        """Share of the time of the fit of all weights that another fit with the same choices takes."""
        if self.has_final_weights:
            return 0.0
        return max(chosen.get("refit_share", 1.0) for chosen in self.report["fitted"])


@dataclasses.dataclass
class TrialRecord(Result):
    """The record of a trial: its identity, its configuration and its result.

    Args:
        trial_id: Unique name of the trial within its search.
        number: Number of the record in the order of the search, from 0. Baselines, which are scored before the search,
            have negative numbers.
        stage: The `Stage` of the search that the trial belongs to. Defaults to `Stage.SEARCH`, a candidate.
        values: Value of each active decision, plain Python scalars by name. An inactive decision is absent or `None`.
        score: Value of the objective, or `None` if the trial has none.
        started: `time.time()` when the trial began.
        **result: As in `Result`.

    Example:

    ```python
    import autonas

    record = autonas.reporting.TrialRecord("0000", 0, values={"units": 8})
    record.add_epoch(1, {"val_accuracy": 0.8})
    assert record.epochs == 1 and not record.is_completed
    ```
    """

    trial_id: str
    number: int
    stage: Stage = Stage.SEARCH
    values: dict[str, Any] = dataclasses.field(default_factory=dict)
    _: dataclasses.KW_ONLY
    score: float | None = None
    started: float = dataclasses.field(default_factory=time.time)

    def __post_init__(self) -> None:
        self.stage, self.status = Stage(self.stage), Status(self.status)

    @property
    def is_candidate(self) -> bool:
        """Whether the trial is a candidate: an architecture that is trained by itself."""
        return self.stage == Stage.SEARCH

    @property
    def is_baseline(self) -> bool:
        """Whether the record is of a baseline, which was scored before the search."""
        return self.stage == Stage.BASELINE

    def add_epoch(self, epoch: int, numbers: dict[str, float]) -> None:
        """Add the metrics of an epoch, counted from 1. Epochs of an earlier attempt from this one on are dropped."""
        del self.history[len(self.history) - max(0, self.epochs - epoch + 1) :]
        self.history.append(numbers)
        self.epochs = epoch

    def take(self, result: Result) -> None:
        """Take over a `Result`, as that of the trial's evaluation."""
        for field in dataclasses.fields(Result):
            setattr(self, field.name, getattr(result, field.name))

    def facts(self) -> dict[str, Any]:
        """Return the fields of the result that the journal keeps with the end of a trial, a JSON-like dict.

        The journal has the other fields elsewhere: the metrics of each epoch in events of their own; the status, the
        metrics and the message of a trial in the fields of the event that Keras Tuner knows.
        """
        names = [field.name for field in dataclasses.fields(Result) if field.name not in _KNOWN_TO_KERAS_TUNER]
        facts = {name: getattr(self, name) for name in names} | {"started": self.started}
        return {name: value for name, value in facts.items() if value != {}}

    def to_json(self) -> dict[str, Any]:
        """Return the record as a dict that JSON can hold.

        Reports are in the journal: the dict has only the short reports of one-shot scoring and of an ensemble.
        """
        names = [field.name for field in dataclasses.fields(self)]
        if self.stage not in (Stage.ONE_SHOT, Stage.ENSEMBLE):
            names.remove("report")
        config = {name: copy.deepcopy(getattr(self, name)) for name in names}
        return config | {"stage": str(self.stage), "status": str(self.status)}

    @classmethod
    def from_json(cls, config: dict[str, Any]) -> TrialRecord:
        """Return the record of a dict from `to_json`."""
        return cls(**config)


@dataclasses.dataclass(frozen=True, eq=False)
class HeadPredictions:
    """The predictions of one head of a candidate for the validation rows, and the true values.

    Args:
        name: The head's name.
        task: Its task: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`.
        truth: The true values, as metrics take them: indices of classes `(n,)`, an indicator matrix `(n, n_classes)`,
            or numbers in the target's own units `(n, n_targets)`.
        outputs: Probabilities of the classes `(n, n_classes)`, or numbers in the target's own units `(n, n_targets)`.
        classes: List of the classes, as text, or of the names of several targets; empty if there are none.

    Example:

    ```python
    import autonas
    import numpy as np

    truth, outputs = np.array([0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]])
    predictions = autonas.reporting.HeadPredictions("head", "binary", truth, outputs, ["no", "yes"])
    ```
    """

    name: str
    task: str
    truth: np.ndarray
    outputs: np.ndarray
    classes: list[str]
