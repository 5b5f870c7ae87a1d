"""The state of a search: its trials, how they compare, and the files of the run."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autonas.evaluation.budget import TimeBudget
from autonas.evaluation.evaluator import Evaluator
from autonas.evaluation.phases import Phases
from autonas.oracles import Oracle
from autonas.reporting import SearchCallback
from autonas.search.standings import Standings
from autonas.search_space.values import Scalar
from autonas.trials import reserved
from autonas.trials import weights as files
from autonas.trials.job import CostCheck, Job, ScheduledTraining
from autonas.trials.journal import Journal
from autonas.trials.records import TrialRecord
from autonas.trials.states import Stage


@dataclasses.dataclass(frozen=True)
class Ensembling:
    """How many candidates a search averages at its end.

    Args:
        size: Number of candidates at most. Defaults to 1, the best candidate alone.
        is_automatic: Whether there is an ensemble only as far as the time limit allows. Defaults to `False`.
    """

    size: int = 1
    is_automatic: bool = False


class SearchState:
    """Everything that the loop of a search, its final stage and its ensembles share.

    Args:
        oracle: An `autonas.oracles.Oracle`, whose space is declared.
        evaluator: An `evaluation.evaluator.Evaluator`.
        reporter: A `SearchCallback`.
        budget: A `TimeBudget`.
        directory: Folder of the run. A search in this folder is continued.
        refits: Whether the model that is served is trained further on all rows. Defaults to `True`.
        ensemble: The `Ensembling`. Defaults to the best candidate alone.

    Attributes:
        records: Dict of all `TrialRecord`s by id.
        standings: The `Standings` of the records.
        known_costs: Dict from the key of a network to its measured costs.
        stop_reason: Reason for the end of the search, or `None` while it goes on.
        phases: Seconds of the search by phase, a `Phases`.
    """

    def __init__(
        self,
        oracle: Oracle,
        evaluator: Evaluator,
        reporter: SearchCallback,
        budget: TimeBudget,
        directory: str,
        *,
        refits: bool = True,
        ensemble: Ensembling | None = None,
    ) -> None:
        self.oracle = oracle
        self.evaluator = evaluator
        self.reporter = reporter
        self.budget = budget
        self.directory = directory
        self.refits = refits
        self.ensemble = ensemble or Ensembling()
        self.records: dict[str, TrialRecord] = {}
        self.standings = Standings(self.records, evaluator.problem.goal, oracle.counts)
        self.known_costs: dict[str, dict[str, float]] = {}
        self.stop_reason: str | None = None
        self.phases = Phases()
        folder = os.path.abspath(directory)
        self.weights = files.TrialWeights(folder)
        self.checkpoints = files.TrialCheckpoints(folder)
        self.predictions = files.TrialPredictions(folder)

    @property
    def journal(self) -> Journal:
        """The `Journal` of the run."""
        if self.oracle.journal is None:
            raise RuntimeError("The oracle has no journal before `open` was called.")
        return self.oracle.journal

    @property
    def has_tried_initial_points(self) -> bool:
        """Whether there are as many candidates as architectures that the strategy tries first."""
        return len(self.standings.candidates()) >= len(self.initial_points)

    @property
    def initial_points(self) -> Sequence[Mapping[str, Scalar]]:
        """The architectures that the strategy tries first."""
        return getattr(self.oracle, "initial_points", None) or ()

    def add_record(self, trial_id: str, stage: Stage, values: dict[str, Any] | None = None) -> TrialRecord:
        """Return a new record after the last trial of the search, a `TrialRecord`."""
        self.records[trial_id] = TrialRecord(trial_id, len(self.records), stage, values or {})
        return self.records[trial_id]

    def report(self, hook: str, *arguments: Any) -> None:
        """Call a hook of the reporter."""
        with self.phases("report"):
            getattr(self.reporter, hook)(*arguments)

    def report_epoch(self, record: TrialRecord, epoch: int, numbers: dict[str, float] | None = None) -> None:
        """Report the start of an epoch, or with `numbers` its end."""
        if numbers is None:
            self.report("on_epoch_begin", record, epoch)
        else:
            self.report("on_epoch_end", record, epoch, numbers)

    def report_numbers(self, record: TrialRecord) -> None:
        """Report numbers about the search after a trial or the final fit.

        After a trial, these are the numbers of the strategy and of the Pareto front. The seconds of the search so far
        are always reported, by phase: `"seconds/strategy"`, calls to the oracle; `"seconds/report"`;
        `"seconds/weights"`, files; `"seconds/wait"`, waiting for the executor, or running trials in this process;
        `"seconds/final"`, the time after the last trial; and `"seconds/other"`.
        """
        numbers = {}
        if record.stage != Stage.FINAL:
            with self.phases("strategy"):
                numbers = self.oracle.diagnostics() | self.standings.numbers(record)
        seconds = {f"seconds/{phase}": spent for phase, spent in self.phases.seconds.items()}
        self.report("on_search_numbers", record, numbers | seconds)

    def job(self, record: TrialRecord, deadline: float | None = None, strategy: Oracle | None = None) -> Job:
        """Return the job of a trial."""
        first = record
        earlier: list[dict[str, Any]] = []
        while (before := self.earlier(first)) is not None:
            first = before
            earlier.insert(0, first.values)
        return Job(
            record.trial_id,
            first.number,
            record.values,
            deadline,
            strategy,
            costs=CostCheck(self.known_costs, keeps_limits=record.stage != Stage.INFEASIBLE),
            training=ScheduledTraining(earlier),
        )

    def earlier(self, record: TrialRecord) -> TrialRecord | None:
        """Return the record of the earlier trial whose training a trial continues, or `None`."""
        if not record.is_candidate:
            return None
        return self.records.get(record.values.get(reserved.TRIAL_ID, ""))

    def kept_predictions(self, trial_id: str) -> dict[str, np.ndarray] | None:
        """Return a trial's predictions for the validation set from their file; `None` if it is missing or damaged."""
        problem = self.evaluator.problem
        shapes = {head.name: len(problem.dataset.validation_rows) for head in problem.scorer.heads}

        def checked(predictions: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            if {name: len(array) for name, array in predictions.items()} != shapes:
                raise ValueError("it holds the predictions of another network")
            return predictions

        return self.predictions.read(trial_id, checked)
