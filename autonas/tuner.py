"""The loop of a search: ask the oracle, evaluate, tell; one thread makes every call to the oracle."""

import dataclasses
import gc
import os
import time

import keras_tuner

from autonas import interrupts, predictor
from autonas.evaluation import evaluator as evaluator_module
from autonas.oracles import base
from autonas.reporting import records as records_module

TrialStatus = keras_tuner.engine.trial.TrialStatus

#: Seconds below which no trial is begun, except the first.
_SHORTEST_TRIAL = 1.0
#: Failures from the first trial on after which a search without `max_trials` is given up.
_HOPELESS = 20
#: What the journal holds of an outcome besides its scores.
_FACTS = ("best_epoch", "epochs", "horizon", "batch_size", "parameters", "seconds", "message")


class SearchFailed(RuntimeError):
    """No trial of a search could be completed."""


class Tuner(keras_tuner.Tuner):
    """Drives a search.

    Args:
        oracle: An `autonas.oracles.Oracle`.
        graph: The bound `Graph`; its space becomes the oracle's.
        evaluator: An `evaluation.evaluator.Evaluator`.
        executor: Where jobs run, such as `execution.serial.SerialExecutor`.
        reporter: A `Reporter`.
        budget: A `TimeBudget`.
        directory: Folder of the run; a search that is in it continues.
        patience: Trials without improvement after which the search ends, or `None`.
    """

    def __init__(self, oracle, graph, evaluator, executor, reporter, budget, directory, patience=None):
        self.evaluator = evaluator
        self.executor = executor
        self.reporter = reporter
        self.budget = budget
        self.patience = patience
        self.records = {}
        self.outcomes = {}
        self.stop_reason = None
        self._first_epoch_seconds = 0.0
        self._final_event = None
        directory = os.path.abspath(directory)
        super().__init__(oracle, graph, directory=os.path.dirname(directory), project_name=os.path.basename(directory))

    def _populate_initial_space(self):
        """The graph is declared before the search: Keras Tuner would build it once for each condition, and more."""

    # ------------------------------------------------------------------ the loop

    def run(self, info, refit):
        """Searches, then makes the model to serve.

        Args:
            info: A `SearchInfo` for the reporter.
            refit: Whether the best candidate is trained again on all rows.

        Returns:
            The model, the record of what it is, and the record of the best trial.

        Raises:
            SearchFailed: If no candidate was completed, or the training of shared weights fails.
            KeyboardInterrupt: If the user interrupts before any candidate was completed.
        """
        self.oracle.open()
        self._restore()
        self.reporter.on_search_begin(dataclasses.replace(info, n_before=len(self._candidates())))
        # What was there before the search is left out of the collection after each trial, which would take 0.2 s.
        gc.collect()
        gc.freeze()
        try:
            best = self.search()
            return *self.finish(best, refit), best
        finally:
            gc.unfreeze()
            self.reporter.on_search_end(list(self.records.values()), self.stop_reason or "error")

    def search(self):
        """Runs trials until the budget, the space or the user ends it, and returns the record of the best one."""
        in_flight = 0
        try:
            while self.stop_reason is None or in_flight:
                while self.stop_reason is None and in_flight < self.executor.slots:
                    if not self._submit(in_flight):
                        break
                    in_flight += 1
                for job, outcome in self.executor.wait() if in_flight else []:
                    in_flight -= 1
                    with interrupts.deferred():
                        self._end(job, outcome)
        except KeyboardInterrupt:
            self.stop_reason = "interrupted"
            for record in self.records.values():
                if record.status == "running":
                    record.status = "interrupted"
                    record.message = "interrupted; it begins again when the search is continued"
            if self.best() is None:
                raise
        best = self.best()
        if best is None:
            reasons = sorted({record.message for record in self.records.values() if record.message})
            raise SearchFailed(
                f"None of {len(self.records)} trials could be completed ({self.stop_reason}). "
                f"Reasons: {'; '.join(reasons[:5]) or 'none given'}"
            )
        return best

    def best(self):
        """The record of the best completed trial, or `None`."""
        best = None
        for record in self._candidates():
            if record.status == "completed":
                if best is None or self.evaluator.is_better(record.metrics, best.metrics):
                    best = record
        return best

    def job(self, record):
        """The job of a record."""
        return evaluator_module.Job(record.trial_id, record.number, record.values)

    def _submit(self, in_flight):
        """Begins the next trial; says why the search ends if there is none."""
        seconds = self.budget.trial_seconds(self._best_outcome(), first=not self.records)
        if seconds is not None and not self.records:
            seconds = max(seconds, 0.1)  # However little time there is, there must be a model.
        elif seconds is not None and seconds < self._shortest():
            self.stop_reason = "time_limit"
        if self.patience is not None and self._trials_since_best() >= self.patience:
            self.stop_reason = "patience"
        if self.oracle.max_trials is None and len(self._candidates()) >= _HOPELESS and self.best() is None:
            self.stop_reason = "failures"
        if self.stop_reason is not None:
            return False
        with interrupts.deferred():
            trial = self.oracle.create_trial(f"slot_{len(self.oracle.trials)}")
            if trial.status == TrialStatus.IDLE and in_flight:
                return False
            if trial.status != TrialStatus.RUNNING:
                # Waiting with nothing under way would last for ever.
                self.stop_reason = "max_trials" if self.oracle.is_full() else "space_exhausted"
                return False
            record = self._new_record(trial.trial_id, dict(trial.hyperparameters.values))
            self.reporter.on_trial_begin(record)
        if record.stage != "search":
            seconds = self.budget.stage_seconds(record.stage)
        deadline = None if seconds is None else time.monotonic() + seconds
        strategy = self.oracle.strategy_for(record.values)
        self.executor.submit(evaluator_module.Job(record.trial_id, record.number, record.values, deadline, strategy))
        return True

    def _new_record(self, trial_id, values):
        stage = "search" if base.is_candidate(values) else values["tuner/stage"]
        self.records[trial_id] = records_module.TrialRecord(trial_id, int(trial_id), stage, values)
        return self.records[trial_id]

    def _candidates(self):
        return [record for record in self.records.values() if record.stage == "search"]

    def _shortest(self):
        """Seconds without which a trial isn't begun: it must get to its first epoch, which can't be cut short since
        tracing can't, in a third of the time of the fastest so far."""
        times = [record.seconds for record in self._candidates() if record.status == "completed"]
        return max(_SHORTEST_TRIAL, min(times) / 3, self._first_epoch_seconds) if times else 0.0

    def _trials_since_best(self):
        best = self.best()
        return 0 if best is None else sum(record.number > best.number for record in self._candidates())

    def _best_outcome(self):
        best = self.best()
        return None if best is None else self.outcomes[best.trial_id]

    def on_epoch(self, trial_id, epoch, numbers):
        """Journals and shows an epoch of a trial that is under way."""
        record = self.records[trial_id]
        if epoch == 1 and record.stage == "search":
            self._first_epoch_seconds = max(self._first_epoch_seconds, time.time() - record.started)
        record.history.append(numbers)
        record.epochs = epoch
        self.oracle.journal.append({"event": "epoch", "trial_id": trial_id, "epoch": epoch, "numbers": numbers})
        self.reporter.on_epoch_end(record, epoch, numbers)

    def _end(self, job, outcome):
        trial = self.oracle.trials[job.trial_id]
        record = self.records[job.trial_id]
        trial.message = outcome.message
        if outcome.status == "completed":
            self.oracle.update_trial(trial.trial_id, outcome.metrics, step=outcome.best_epoch)
            trial.status = TrialStatus.COMPLETED
        else:
            trial.status = TrialStatus.FAILED
        trial.facts = {name: getattr(outcome, name) for name in _FACTS} | {"started": record.started}
        if outcome.report:
            trial.facts["report"] = outcome.report
        record.status = outcome.status
        self._fill(record, outcome)
        is_best = self.best() is record
        if is_best:
            # Before the journal says that the trial has ended: it is run again if the process is killed here.
            self._save_best()
        self.oracle.end_trial(trial)
        record.status = "completed" if trial.status == TrialStatus.COMPLETED else "failed"
        record.score, record.message = trial.score, trial.message or ""
        if is_best:
            self._drop_weights(record.trial_id)
        self.reporter.on_trial_end(record, self.best())
        numbers = self.oracle.numbers()
        if numbers:
            self.reporter.on_strategy_told(record, numbers)
        if outcome.interrupted:
            self.stop_reason = "interrupted"
        elif record.stage != "search" and record.status == "failed":
            raise SearchFailed(
                f"The search needs shared weights, and trial {record.trial_id} (stage {record.stage!r}) failed: "
                f"{record.message}. Fitting again with the same `directory` goes on from there."
            )

    def _fill(self, record, outcome):
        self.outcomes[record.trial_id] = outcome
        record.report = outcome.report
        record.metrics, record.history = outcome.metrics, outcome.history
        record.epochs, record.best_epoch = outcome.epochs, outcome.best_epoch
        record.parameters, record.seconds, record.message = outcome.parameters, outcome.seconds, outcome.message

    # ------------------------------------------------------------------ what is kept

    def weights_path(self, trial_id):
        """File of a trial's weights."""
        return os.path.join(self.project_dir, "weights", f"{trial_id}.weights.h5")

    def save_weights(self, model, trial_id):
        """Writes a model's weights, under their name only once they are whole."""
        path = self.weights_path(trial_id)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        unfinished = path.replace(".weights.h5", ".unfinished.weights.h5")
        predictor.without_training_parts(model).save_weights(unfinished)
        os.replace(unfinished, path)

    def load_weights(self, model, trial_id):
        """Reads the weights of a trial into its model."""
        predictor.without_training_parts(model).load_weights(self.weights_path(trial_id))

    def _save_best(self):
        kept = self.evaluator.best
        kept.model.set_weights(kept.weights)
        self.save_weights(kept.model, kept.trial_id)

    def _drop_weights(self, trial_id):
        """Deletes all weights but those of a trial."""
        folder, kept = os.path.split(self.weights_path(trial_id))
        for name in os.listdir(folder):
            if name != kept:
                os.remove(os.path.join(folder, name))

    def _restore(self):
        """Rebuilds the records of an earlier process from the journal."""
        for event in self.oracle.journal.read():
            kind = event["event"]
            if kind == "created":
                self._new_record(event["trial_id"], event["values"])
            elif kind == "epoch":
                self.records[event["trial_id"]].history.append(event["numbers"])
            elif kind == "ended":
                record = self.records[event["trial_id"]]
                # Epochs of a first attempt that was cut off come before those of the one that ended.
                history = record.history[len(record.history) - event["epochs"] :]
                outcome = evaluator_module.Outcome(
                    "completed" if event["status"] == TrialStatus.COMPLETED else "failed",
                    event["metrics"],
                    history,
                    report=event.get("report", {}),
                    **{name: event[name] for name in _FACTS},
                )
                record.status, record.score, record.started = outcome.status, event["score"], event["started"]
                self._fill(record, outcome)
                if outcome.status == "completed" and record.stage == "search":
                    self.evaluator.remember(outcome.metrics)
            elif kind == "final":
                self._final_event = event
        for trial_id in [trial_id for trial_id, record in self.records.items() if record.status == "running"]:
            del self.records[trial_id]

    # ------------------------------------------------------------------ the final fit

    def finish(self, best, refit):
        """The model to serve.

        Args:
            best: Record of the best trial.
            refit: Whether to train it again on all rows.

        Returns:
            The model, and the record of what it is.
        """
        job, outcome = self.job(best), self.outcomes[best.trial_id]
        reason = self._refit_reason(refit, outcome)
        if reason is None:
            record, model = self._earlier_final_fit(job) or self._final_fit(job, outcome, best)
            if record.status == "completed":
                return model, record
            reason = record.message
        best.message = "; ".join(filter(None, [best.message, reason]))
        return self._searched(job), best

    def _refit_reason(self, refit, outcome):
        """Why there is no final fit, or `None` if there is one."""
        if not refit or self.evaluator.dataset.final_rows is None:
            return ""
        if self.stop_reason == "interrupted":
            return "served with the weights of the search: interrupted"
        remaining = self.budget.remaining()
        if remaining is not None and remaining < 0.5 * self.budget.final_seconds(outcome):
            return "served with the weights of the search: no time for a final fit"
        return None

    def _final_fit(self, job, outcome, best):
        record = records_module.TrialRecord("final", len(self.records), "final", best.values)
        self.records["final"] = record
        self.reporter.on_trial_begin(record)
        model = None
        try:
            model, final = self.evaluator.final_fit(
                job, outcome, self.budget.final_deadline(),
                lambda epoch, numbers: self.reporter.on_epoch_end(record, epoch, numbers),
            )  # fmt: skip
            self._fill(record, final)
            record.score = final.metrics[self.oracle.objective.name]
            record.status = "completed"
            if final.interrupted:
                raise KeyboardInterrupt
            if final.epochs < 0.6 * outcome.best_epoch:
                record.status = "interrupted"
                record.message = "served with the weights of the search: no time for a final fit"
            elif final.epochs == outcome.best_epoch:
                self._keep_final_fit(job, model, record)
        except KeyboardInterrupt:
            record.status = "interrupted"
            record.message = "served with the weights of the search: the final fit was interrupted"
        except Exception as error:  # The searched model stands, whatever happens to the final fit.
            record.status = "failed"
            record.message = f"served with the weights of the search: the final fit failed ({error})".split("\n")[0]
        self.reporter.on_trial_end(record, best)
        return record, model

    def _keep_final_fit(self, job, model, record):
        """So that it isn't trained again when the finished search is called again."""
        self.save_weights(model, "final")
        self.oracle.journal.append({"event": "final", "of": job.trial_id, "record": record.to_json()})

    def _earlier_final_fit(self, job):
        """Record and model of a final fit that an earlier process made of the same trial, or `None`."""
        event = self._final_event
        if event is None or event["of"] != job.trial_id or not os.path.exists(self.weights_path("final")):
            return None
        record = records_module.TrialRecord.from_json(event["record"])
        record.number = len(self.records)
        self.records["final"] = record
        model = self.evaluator.trained(job).model
        self.load_weights(model, "final")
        return record, model

    def _searched(self, job):
        """The best trial's model with the weights that were scored."""
        kept = self.evaluator.trained(job)
        if self.evaluator.best is kept:
            kept.model.set_weights(kept.weights)
        elif os.path.exists(self.weights_path(job.trial_id)):
            self.load_weights(kept.model, job.trial_id)
        else:  # The file was deleted: the same seed trains the same model.
            kept = self.evaluator.retrain(job)
            if kept is None:
                raise SearchFailed(f"The weights of trial {job.trial_id} are gone, and it can't be trained again.")
            kept.model.set_weights(kept.weights)
        return kept.model
