"""The final stage of a search: measuring the best candidate again, and training it further on all rows."""

import dataclasses
import functools
import hashlib
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np

from autonas import exceptions, storage
from autonas.evaluation import budget, fitting
from autonas.objectives.goal import Goal
from autonas.search import calibration, views
from autonas.search.searched_networks import SearchedNetworks
from autonas.search.state import SearchState
from autonas.trials import events
from autonas.trials.job import Outcome
from autonas.trials.records import HeadPredictions, TrialRecord
from autonas.trials.states import Stage, Status

#: Number of refused candidates that are tried if no candidate satisfies the constraints.
_N_NEAREST = 3


@dataclasses.dataclass(frozen=True, eq=False)
class Served:
    """The model that a search serves.

    Args:
        network: The trained network.
        record: The record of the network's training.
        trial: The record of the trial that the network is from.
    """

    network: keras.Model
    record: TrialRecord
    trial: TrialRecord

    @property
    def trial_id(self) -> str:
        """The id of the trial of the network, or of the best member of an ensemble."""
        return next(iter(self.record.report["members"])) if self.is_ensemble else self.trial.trial_id

    @property
    def is_ensemble(self) -> bool:
        """Whether the network averages the predictions of several trials."""
        return self.record.stage == Stage.ENSEMBLE

    @property
    def is_refitted(self) -> bool:
        """Whether the network was trained further on all rows."""
        return self.record.stage == Stage.FINAL or bool(self.record.report.get("refit"))


class FinalStage:
    """Train the model to serve after the last trial of a search.

    Args:
        state: The `SearchState`.
    """

    def __init__(self, state: SearchState) -> None:
        self.state = state
        self.evaluator = state.evaluator
        self.problem = state.evaluator.problem
        self.goal = self.problem.goal
        self.searched = SearchedNetworks(state)
        #: Whether another model is served after `fit`, which may have been interrupted.
        self.is_reopened = False
        #: The `events.Final` of a final fit whose weights are in the folder of the run, or `None`.
        self.earlier: events.Final | None = None
        #: The `events.Ensemble` of an ensemble whose weights are in the folder of the run, or `None`.
        self.earlier_ensemble: events.Ensemble | None = None
        #: List of one `HeadPredictions` per head: predictions of the served candidate for the validation set.
        self.predictions: list[HeadPredictions] = []

    def serve(self, candidates: Sequence[TrialRecord]) -> Served:
        """Return the `Served` model of the first candidate that, measured again, still satisfies the constraints.

        Args:
            candidates: List of records, the best first.
        """
        for candidate in candidates:
            if candidate.stage == Stage.INFEASIBLE:
                return self._served(candidate)
            if self.goal.limits_are_counted or self._keeps_limits(
                self.evaluator.trained(self.state.job(candidate), candidate).model, candidate
            ):
                served = self._served(candidate)
                if self._keeps_limits(served.network, served.record):
                    return served
        best = candidates[0]
        warnings.warn(
            f"Trial {best.trial_id} is served though it breaks a limit when it is measured again: {best.message}",
            exceptions.InfeasibleWarning,
            stacklevel=4,
        )
        return self._served(best)

    def _keeps_limits(self, model: keras.Model, record: TrialRecord) -> bool:
        """Return whether a model satisfies the constraints on measured costs. If not, note it in the record."""
        if self.goal.limits_are_counted:
            return True
        violations = self.goal.measure_again(
            self.problem.served(self.evaluator.networks.plain(model, record.values))
        ).violations
        if violations:
            record.message = f"when measured again, {violations}"
        return not violations

    # ------------------------------------------------------------------ no candidate satisfies the constraints

    def least_infeasible(self) -> TrialRecord | None:
        """Train the refused candidate with the smallest violation, with a warning.

        Returns:
            The record of the training, or `None` if no training was completed.
        """
        state = self.state

        def violation(record: TrialRecord) -> float:
            return -sum(min(0.0, margin) for margin in record.margins if margin is not None)

        refused = sorted((record for record in state.records.values() if record.is_refused), key=violation)
        nearest = refused[:_N_NEAREST]
        for refused_record in nearest:
            trained = self._train_infeasible(refused_record)
            if trained.is_completed:
                misses = "; ".join(f"trial {record.trial_id}: {record.message}" for record in nearest)
                warnings.warn(
                    f"None of {len(refused)} architectures keeps to the limits ({state.stop_reason}). Nearest to the "
                    f"limits: {misses}. Trial {refused_record.trial_id} is served although it breaks them. Relax "
                    "`constraints`, or search smaller architectures.",
                    exceptions.InfeasibleWarning,
                    stacklevel=5,
                )
                return trained
        return None

    def _train_infeasible(self, refused: TrialRecord) -> TrialRecord:
        state = self.state
        record = state.add_record("infeasible", Stage.INFEASIBLE, refused.values)
        state.report("on_trial_begin", record)
        seconds = state.budget.trial_seconds(None, first=False)
        deadline = None if seconds is None else time.monotonic() + max(seconds, budget.LEAST_SECONDS)

        def on_epoch(epoch: int, numbers: dict[str, float] | None) -> None:
            if numbers is not None:
                record.add_epoch(epoch, numbers)
            state.report_epoch(record, epoch, numbers)

        outcome = self.evaluator.evaluate(state.job(record, deadline), on_epoch)
        record.take(outcome)
        if record.is_completed:
            record.score = record.metrics[self.goal.main.name]
            record.message = refused.message
            state.weights.save(outcome.weights, record.trial_id)
            if outcome.predictions is not None:
                state.predictions.write(outcome.predictions, record.trial_id)
        state.report("on_trial_end", record, record if record.is_completed else None)
        return record

    # ------------------------------------------------------------------ the final fit

    def _served(self, best: TrialRecord) -> Served:
        """Return the `Served` model of a candidate, in float32 whatever the precision of its training."""
        predictions = self.searched.predictions(best)
        self.predictions = [] if predictions is None else self.problem.predictions_of_heads(predictions)
        if self.predictions:
            self.state.report("on_predictions", best, self.predictions)
        model, record = self._final(best)
        return Served(self._with_views(self.evaluator.networks.plain(model, best.values)), record, best)

    def _with_views(self, network: keras.Model) -> keras.Model:
        """Return the network that averages over views, where averages are automatic and it keeps to the constraints."""
        viewing = self.with_views(network)
        goal = self.goal
        if viewing is not network and goal.constraints and goal.measure_again(self.problem.served(viewing)).violations:
            return network
        return viewing

    def with_views(self, network: keras.Model) -> keras.Model:
        """Return the network that averages over the views of its images, where averages are automatic."""
        if not self.state.ensemble.is_automatic:
            return network
        return views.with_mirror_images(network, self.problem.graph.image_inputs)

    def _final(self, best: TrialRecord) -> tuple[keras.Model, TrialRecord]:
        """Return the model of a candidate in the precision of its training, and the record of this training."""
        reason = self._refit_reason(best)
        if reason is None:
            record, model = self.earlier_final_fit(best) or self._final_fit(best)
            if record.is_completed:
                return model, record
            reason = record.message
        best.message = "; ".join(filter(None, [best.message, reason]))
        return self.searched.network(best), best

    def _refit_reason(self, candidate: TrialRecord) -> str | None:
        """Return the reason for which there is no final fit, or `None` if there is a final fit."""
        if not self.state.refits:
            return ""
        if self.state.stop_reason == "interrupted" and not self.is_reopened:
            return "served with the weights of the search: interrupted"
        if not self.state.budget.has_time_for(candidate):
            return "served with the weights of the search: no time for a final fit"
        return None

    def needing_all_time(self) -> TrialRecord | None:
        """Return the candidate whose final fit is the rest of a full training for which all time is needed, or `None`.

        It is the best candidate. If the time was too short for the initial candidates, the best of those that are
        trained counts, since a short training says little in comparison with weights that are fitted in full.
        """
        ranked = self.state.standings.ranked()
        if not self.state.has_tried_initial_points:
            ranked = [record for record in ranked if not record.is_fitted]
        if not ranked or not self.state.refits:
            return None
        best = ranked[0]
        if not self.evaluator.final_fit_is_in_full(best.values, best):
            return None
        is_too_short = self.state.budget.is_too_short(best, self.evaluator.full_epochs(best.values))
        return best if is_too_short else None

    def _final_fit(self, best: TrialRecord) -> tuple[TrialRecord, keras.Model]:
        state = self.state
        record = state.add_record("final", Stage.FINAL, best.values)
        state.report("on_trial_begin", record)
        model = None
        try:
            kept = self.searched.scored(best)
            model = kept.model
            final = self._fit_on_all_rows(
                kept, best, state.budget.final_length([best]), functools.partial(state.report_epoch, record)
            )
            record.take(final)
            rows = "all rows" if final.rows_share == 1.0 else f"{final.rows_percentage} of all rows: time"
            origin = f"trial {best.trial_id} ({_shown_score(best, self.goal)}), trained further on {rows}"
            record.message = "; ".join(filter(None, [origin, final.message]))
            record.status = Status.COMPLETED
            if final.interrupted:
                raise KeyboardInterrupt
            if not final.message:
                self._keep_final_fit(best, model, record)
        except KeyboardInterrupt:
            record.status = Status.INTERRUPTED
            record.message = "served with the weights of the search: the final fit was interrupted"
        except (Exception, SystemExit) as error:  # The model of the search is served if the final fit fails.
            record.status = Status.FAILED
            record.message = _describe_failed_fit(error)
        state.report("on_trial_end", record, best)
        state.report_numbers(record)
        return record, model

    def _keep_final_fit(self, best: TrialRecord, model: keras.Model, record: TrialRecord) -> None:
        """Save the weights of the final fit, so that a continued search doesn't train them again."""
        weights = self.keep_weights(model, "final")
        self.earlier = events.Final(best.trial_id, record.to_json(), weights)
        self.state.journal.append(self.earlier.to_json())

    def keep_weights(self, model: keras.Model, name: str) -> str:
        """Save the weights of a model that was trained after the search under a name; return their checksum."""
        weights = model.get_weights()
        self.state.weights.save(weights, name)
        return _checksum(weights)

    def earlier_final_fit(self, candidate: TrialRecord) -> tuple[TrialRecord, keras.Model] | None:
        """Return the record and the model of an earlier final fit of the same trial, or `None`."""
        if self.earlier is None or self.earlier.of != candidate.trial_id:
            return None
        if candidate.stage == Stage.INFEASIBLE and self.earlier.record["values"] != candidate.values:
            return None  # All candidates that violate a constraint have the same id.
        job = self.state.job(candidate)
        return self.restored(self.earlier, "final", lambda: self.evaluator.trained(job, candidate).model)

    def restored(
        self, event: events.Final | events.Ensemble, name: str, make_model: Callable[[], keras.Model]
    ) -> tuple[TrialRecord, keras.Model] | None:
        """Return the record and the model of an event after the search, `None` if its weights are gone.

        Args:
            event: The event in the journal.
            name: Name of the record and of the file of weights.
            make_model: Function without arguments that returns the model with any weights.
        """
        state = self.state
        kept = state.weights.weights(name)
        # The weights are of another training if a process ended between writing its weights and its event.
        if kept is None or event.weights not in (None, _checksum(kept)):
            return None
        model = make_model()
        if not state.weights.assign(model, name):
            return None
        with storage.describing_damage(state.journal.path):
            record = TrialRecord.from_json(event.record)
        record.number = len(state.records)
        state.records[name] = record
        return record, model

    def refitted(self, candidate: TrialRecord, length: budget.FinalLength) -> keras.Model:
        """Return the model of a candidate after a final fit of some length, without a record.

        If the final fit fails, the model has the weights of the search, and the message of the candidate says so.
        """
        try:
            kept = self.searched.scored(candidate)
            final = self._fit_on_all_rows(kept, candidate, length)
        except (Exception, SystemExit) as error:
            candidate.message = "; ".join(filter(None, [candidate.message, _describe_failed_fit(error)]))
            return self.searched.network(candidate)
        if final.interrupted:
            raise KeyboardInterrupt
        return kept.model

    def _fit_on_all_rows(
        self,
        kept: Any,
        candidate: TrialRecord,
        length: budget.FinalLength,
        on_epoch: Callable[..., None] | None = None,
    ) -> Outcome:
        """Train a candidate further on all rows, and calibrate its probabilities by its predictions in the search."""
        factors = calibration.factors(self.problem, lambda: self.searched.predictions(candidate))
        final = self.evaluator.final_fit(kept, self.state.job(candidate), candidate, length, on_epoch)
        calibration.scale(kept.model, factors)
        return final


def _shown_score(record: TrialRecord, goal: Goal) -> str:
    return f"{goal.main.name} {record.score:.4g}"


def _describe_failed_fit(error: BaseException) -> str:
    reason = str(error) if isinstance(error, fitting.TooSlow) else f"the final fit failed ({error})"
    return f"served with the weights of the search: {reason}".split("\n")[0]


def _checksum(weights: Iterable[np.ndarray]) -> str:
    """Return the SHA-256 checksum of a list of arrays."""
    computed = hashlib.sha256()
    for array in weights:
        computed.update(array.tobytes())
    return computed.hexdigest()
