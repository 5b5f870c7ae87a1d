"""The loop of a search: ask the oracle for a trial, evaluate the trial, and tell the oracle its result."""

import contextlib
import dataclasses
import gc
import itertools
import os
import time
from collections.abc import Callable

import keras_tuner

from autonas import exceptions, execution
from autonas.evaluation import phases
from autonas.oracles import SupernetOracle
from autonas.reporting import SearchInfo
from autonas.search import baseline_records, interrupts, serving, stopping
from autonas.search.final_stage import Served
from autonas.search.one_shot import warn_if_none_is_chosen
from autonas.search.state import SearchState
from autonas.search_space.values import Scalar
from autonas.trials import events, reserved
from autonas.trials import job as jobs
from autonas.trials import records as records_module
from autonas.trials.job import Job, Outcome
from autonas.trials.records import Result, TrialRecord
from autonas.trials.states import Status

TrialStatus = keras_tuner.engine.trial.TrialStatus

#: Number of the best trials whose weights are kept for an ensemble, and maximum number of the best trials of a kind.
_MAX_MEMBERS = 10
#: Maximum number of checkpoints that are kept of trials whose training later trials may continue.
_MAX_CHECKPOINTS = 50


class Tuner(keras_tuner.Tuner):
    """Runs a search.

    One thread makes all calls to the oracle.

    Args:
        state: The `SearchState`.
        executor: An `execution.Executor`, which runs the evaluations.
        patience: Number of trials without improvement after which the search ends. Defaults to `None`: no such end.
    """

    def __init__(self, state: SearchState, executor: execution.Executor, patience: int | None = None) -> None:
        self.state = state
        self.executor = executor
        self.evaluator = state.evaluator
        self.goal = state.evaluator.problem.goal
        self.records = state.records
        self.standings = state.standings
        self.serving = serving.Serving(state)
        self.stopping = stopping.Stopping(state, patience)
        self.baselines = baseline_records.BaselineRecords(state)
        self._slots = itertools.count()
        #: By trial: `time.monotonic()` at its beginning in this process, and the jobs that the executor runs.
        self._began: dict[str, float] = {}
        self._in_flight: dict[str, Job] = {}
        directory = os.path.abspath(state.directory)
        graph = state.evaluator.problem.graph
        super().__init__(
            state.oracle, graph, directory=os.path.dirname(directory), project_name=os.path.basename(directory)
        )

    def _populate_initial_space(self) -> None:
        """Do nothing: the graph is declared before the search, without a build for every condition of the space."""

    # ------------------------------------------------------------------ the loop

    def run(self, info: SearchInfo) -> Served:
        """Search, then return the model of the best candidate.

        Args:
            info: A `SearchInfo` for the reporter.

        Returns:
            A `Served`.

        Raises:
            SearchFailed: If no candidate was completed, or the training of shared weights fails.
            KeyboardInterrupt: If the user interrupts before any candidate was completed.
        """
        with contextlib.ExitStack() as ending, contextlib.ExitStack() as workers:
            workers.enter_context(self.executor)
            self.executor.start(self.evaluator.run, self._on_report)
            self.oracle.open()
            self._restore()
            info = dataclasses.replace(info, n_before=self.standings.n_counted())
            self.state.report("on_search_begin", info)
            ending.callback(self._report_end)
            self.baselines.score(info.time_limit)
            gc.collect()
            # Objects from before the search are excluded from the collection after every trial, which would take 0.2 s.
            # A program that has frozen its objects itself keeps them frozen.
            if gc.get_freeze_count() == 0:
                gc.freeze()
                ending.callback(gc.unfreeze)
            best = self.search()
            if self.oracle.one_shot is not None and self.state.stop_reason == "time_limit":
                warn_if_none_is_chosen(self.records.values())
            workers.close()
            served = self.serving.after_search(best)
            info.served = served.trial_id
            self.baselines.warn_if_better(served.trial, self.standings.best())
            return served

    def reopen(self, stop_reason: str | None) -> None:
        """Read the trials of a finished search from the journal. Nothing is run, reported or written.

        Args:
            stop_reason: Reason for the end of the search.
        """
        self.oracle.open()
        self._restore()
        self.state.stop_reason = stop_reason

    def _report_end(self) -> None:
        with interrupts.ignored():
            self.state.report("on_search_end", list(self.records.values()), self.state.stop_reason or "error")

    def search(self) -> TrialRecord:
        """Run trials until the budget, the space or the user ends the search. Return the record of the best trial."""
        try:
            with interrupts.remembered() as check:
                self._run_trials(check)
        except KeyboardInterrupt:
            self.state.stop_reason = "interrupted"
            for record in self.records.values():
                if record.status == Status.RUNNING:
                    record.status = Status.INTERRUPTED
                    record.message = "interrupted; it begins again when the search is continued"
            if self.standings.best() is None:
                raise
        with self.state.phases("final"):
            best = self.standings.best() or self.serving.final_stage.least_infeasible()
        if best is None:
            trials = [record for record in self.records.values() if not record.is_baseline]
            reasons = sorted({record.message for record in trials if record.message})
            raise exceptions.SearchFailed(
                f"None of {len(trials)} trials could be completed ({self.state.stop_reason}). "
                f"Reasons: {'; '.join(reasons[:5]) or 'none given'}"
            )
        return best

    def _run_trials(self, check: Callable[[], None]) -> None:
        """Run trials until the budget or the space ends the search, or until `check` raises `KeyboardInterrupt`."""
        while self.state.stop_reason is None or self._in_flight:
            check()
            while self.state.stop_reason is None and len(self._in_flight) < self.executor.slots:
                if not self._submit():
                    break
            with self.state.phases("wait"):
                reports = self.executor.wait() if self._in_flight else []
            with interrupts.deferred():
                for event in reports:
                    self._take(event)

    def _submit(self) -> bool:
        """Start the next trial and return whether there is one; if not, set the reason for which the search ends."""
        seconds = self.stopping.trial_seconds()
        self.state.stop_reason = self.stopping.reason(seconds)
        if self.state.stop_reason is not None:
            return False
        schedule, one_shot = self.oracle.schedule, self.oracle.one_shot
        if schedule is not None and self.stopping.is_time_for_full_trainings():
            longest = self.serving.final_stage.needing_all_time()
            if longest is not None and self.serving.would_serve(longest):
                self.state.stop_reason = "time_limit"
                return False
            schedule.finish()
        if schedule is not None:
            schedule.set_aside(self.stopping.too_long(schedule, seconds))
        with interrupts.deferred():
            with self.state.phases("strategy"):
                # Keras Tuner returns the unfinished trial of a name that asks again.
                trial = self.oracle.create_trial(f"slot_{next(self._slots)}")
            if trial.status == TrialStatus.IDLE and self._in_flight:
                return False
            if trial.status != TrialStatus.RUNNING:
                # Without a running trial, waiting would never end.
                self.state.stop_reason = self.stopping.reason_without_trial()
                return False
            record = self._new_record(trial.trial_id, dict(trial.hyperparameters.values))
            self._began[record.trial_id] = time.monotonic()
            self.state.report("on_trial_begin", record)
        if record.is_candidate:
            seconds = self.stopping.candidate_seconds(record, seconds)
        else:
            seconds = self.state.budget.stage_seconds(record.stage)
        deadline = None if seconds is None else time.monotonic() + seconds
        strategy = one_shot.strategy_for(record.values) if isinstance(one_shot, SupernetOracle) else None
        job = self.state.job(record, deadline, strategy)
        job.training.is_required = not self.standings.completed()
        if schedule is not None:
            job.training.stopper = schedule.stopper_for(record.values)
            job.training.may_go_on = schedule.continues_trainings
        earlier = self.state.earlier(record)
        if earlier is not None:
            with self.state.phases("weights"):
                job.checkpoint = self.state.checkpoints.load(earlier.trial_id)
            job.costs.measured = earlier.costs
        self._in_flight[job.trial_id] = job
        self.executor.submit(job)
        return True

    def _new_record(self, trial_id: str, values: dict[str, Scalar]) -> TrialRecord:
        stage = reserved.stage_of(values)
        self.records[trial_id] = records_module.TrialRecord(trial_id, int(trial_id), stage, values)
        return self.records[trial_id]

    def _on_report(self, job: Job, report: tuple[int, dict[str, float] | None]) -> None:
        self.on_epoch(self.records[job.trial_id], *report)

    def on_epoch(self, record: TrialRecord, epoch: int, numbers: dict[str, float] | None) -> None:
        """Report the start of an epoch of a running trial, or with `numbers` journal and report its end.

        Epoch 0 without numbers is the beginning of the trial, which may have waited for a worker to start.
        """
        if epoch == 0:
            self._began[record.trial_id] = time.monotonic()
            return
        if numbers is None:
            self.state.report_epoch(record, epoch)
            return
        if epoch == 1 and record.is_candidate:
            self.stopping.add_first_epoch(time.monotonic() - self._began[record.trial_id])
        record.add_epoch(epoch, numbers)
        self.state.journal.append(events.Epoch(record.trial_id, epoch, numbers).to_json())
        self.state.report_epoch(record, epoch, numbers)

    def _take(self, event: execution.Ended | execution.Lost | execution.Retried) -> None:
        """Handle a report of the executor about a job."""
        record = self.records[event.job.trial_id]
        if isinstance(event, execution.Retried):
            record.message = f"begun again: {event.reason}"
            return
        if isinstance(event, execution.Ended):
            outcome = event.outcome
        else:
            seconds = time.monotonic() - self._began[record.trial_id]
            outcome = jobs.Outcome(
                status=Status.FAILED, message=event.reason, seconds=seconds, phases={"lost": seconds}
            )
        outcome.message = "; ".join(filter(None, [record.message, outcome.message]))
        del self._in_flight[record.trial_id]
        self._end(event.job, outcome)
        for job in self._in_flight.values():
            job.training.is_required = not self.standings.completed()

    def _end(self, job: Job, outcome: Outcome) -> None:
        trial = self.oracle.trials[job.trial_id]
        record = self.records[job.trial_id]
        self._share_costs(outcome)
        trial.message = outcome.message
        if outcome.is_completed:
            self.oracle.update_trial(trial.trial_id, outcome.metrics, step=outcome.best_epoch)
            trial.status = TrialStatus.COMPLETED
        else:
            trial.status = TrialStatus.FAILED
        record.take(outcome)
        trial.facts = record.facts() | {"search_phases": self.state.phases.seconds}
        if job.training.stopper is not None and not outcome.interrupted:
            trial.facts["curve"] = job.training.stopper.scores(outcome.history)
        kept = self._may_be_served()
        # The files are written before the journal: if the process is killed between the two, the trial runs again.
        with self.state.phases("weights"):
            if record.trial_id in kept and outcome.weights is not None:
                self.state.weights.save(outcome.weights, record.trial_id, outcome.final_weights)
            if outcome.checkpoint is not None:
                self.state.checkpoints.save(outcome.checkpoint, record.trial_id)
            if outcome.predictions is not None:
                self.state.predictions.write(outcome.predictions, record.trial_id)
        outcome.weights = outcome.final_weights = outcome.checkpoint = outcome.predictions = None
        with self.state.phases("strategy"):
            self.oracle.end_trial(trial)
        if record.is_completed and trial.status != TrialStatus.COMPLETED:
            record.status = Status.FAILED
        record.score, record.message = trial.score, trial.message or ""
        self.stopping.add(record)
        with self.state.phases("weights"):
            if record.trial_id in kept:
                self.state.weights.keep(kept)
            if record.is_completed and record.is_candidate:
                self.state.predictions.keep_best([record.trial_id for record in self.standings.ranked()])
            schedule = self.oracle.schedule
            if schedule is not None and schedule.continues_trainings:
                running = [record for record in self.records.values() if record.status == Status.RUNNING]
                continued = {
                    record.values[reserved.TRIAL_ID] for record in running if reserved.TRIAL_ID in record.values
                }
                self.state.checkpoints.keep({*schedule.promotable()[:_MAX_CHECKPOINTS], *continued})
        self.state.report("on_trial_end", record, self.standings.best())
        self.state.report_numbers(record)
        if outcome.is_completed and not self.baselines.all():
            self.baselines.score()  # The validation targets of a stream are known now.
        if outcome.interrupted:
            self.state.stop_reason = "interrupted"
        elif not record.is_candidate and record.status == Status.FAILED:
            raise exceptions.SearchFailed(
                f"The search needs shared weights, and trial {record.trial_id} (stage '{record.stage}') failed: "
                f"{record.message.rstrip('.')}. Once the cause is removed, fitting again with the same `directory` "
                "goes on from there."
            )

    def _share_costs(self, outcome: Result) -> None:
        """Replace the measured costs of a result by earlier costs of the same network, which other workers measured."""
        if outcome.network is None:
            return
        known = self.state.known_costs.setdefault(outcome.network, self.goal.measured_costs(outcome.costs))
        if self.goal.measured_costs(outcome.costs) == known:
            return
        shared = self.goal.measured(outcome.costs | known)
        if bool(shared.violations) != bool(self.goal.measured(outcome.costs).violations):
            return  # The worker has refused or trained the network by its own costs.
        outcome.costs, outcome.margins = outcome.costs | known, shared.margins
        outcome.metrics = self.goal.combined(outcome.metrics | known)
        outcome.history = [self.goal.combined(numbers | known) for numbers in outcome.history]

    # ------------------------------------------------------------------ files and the journal

    def _may_be_served(self) -> set[str]:
        """Return the ids of the trials whose weights are kept.

        These are the best trial; two more, if measuring again may show that the best trial violates a constraint; and
        the trials of the Pareto front. For ensembles, whose members may not be trained again, these are the ten best
        trials, and the best trial of each kind: different networks make different errors.
        """
        n_kept = 1 if self.goal.limits_are_counted else 3
        kept = self.standings.front() if self.goal.is_pareto else []
        if not self.state.refits or self.state.ensemble.size > 1:
            n_kept = _MAX_MEMBERS
            kept += self.standings.best_of_kinds()[:_MAX_MEMBERS]
        return {record.trial_id for record in self.standings.ranked()[:n_kept] + kept}

    def _restore(self) -> None:
        """Restore the records of an earlier process from the journal."""
        for event in events.read(self.state.journal):
            match event:
                case events.Created():
                    self._new_record(event.trial_id, event.values)
                case events.Epoch():
                    self.records[event.trial_id].add_epoch(event.epoch, event.numbers)
                case events.Ended():
                    self._restore_end(event)
                case events.Baseline():
                    record = records_module.TrialRecord.from_json(event.record)
                    self.records[record.trial_id] = record
                case events.Final():
                    self.serving.final_stage.earlier = event
                case events.Ensemble():
                    self.serving.final_stage.earlier_ensemble = event
        for trial_id in [trial_id for trial_id, record in self.records.items() if record.status == Status.RUNNING]:
            del self.records[trial_id]

    def _restore_end(self, event: events.Ended) -> None:
        record = self.records[event.trial_id]
        n_epochs = event.further["epochs"]
        history, earlier = record.history, self.state.earlier(record)
        if earlier is not None:
            # The epochs of the trial that this trial continues come first.
            history = earlier.history[: max(0, n_epochs - len(history))] + history
        record.take(event.result(history[:n_epochs]))
        record.score, record.started = event.score, event.further["started"]
        self._share_costs(record)
        self.state.phases = phases.Phases(event.further.get("search_phases"))
        self.stopping.add(record)
