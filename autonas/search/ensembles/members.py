"""Training of ensembles: from the candidates of a finished search to one averaging network."""

import functools
import itertools
import time
import warnings
from collections.abc import Collection, Mapping
from typing import Any

import keras
import numpy as np

from autonas import exceptions
from autonas.objectives.goal import Measurement
from autonas.search.ensembles import network, selection
from autonas.search.final_stage import FinalStage, Served
from autonas.search.state import SearchState
from autonas.trials.records import TrialRecord
from autonas.trials.states import Stage, Status

#: Maximum number of candidates for the selection: the best candidates by their own scores.
_MAX_CANDIDATES = 25


class EnsembleStage:
    """Select and train an ensemble.

    Candidates are the best trials among the trials with the longest trainings. Members are selected by the objective;
    with several objectives, by the first objective that depends on training. The constraints hold for the averaging
    network: a candidate with which the network would violate a constraint is not added.

    Args:
        state: The `SearchState` of a finished search.
        final_stage: The `FinalStage` of the search.
    """

    def __init__(self, state: SearchState, final_stage: FinalStage) -> None:
        self.state = state
        self.final_stage = final_stage
        self.evaluator = state.evaluator
        self.problem = state.evaluator.problem
        self.goal = self.problem.goal
        self._untrained: dict[str, keras.Model] = {}
        self._measurements: dict[frozenset[str], Measurement] = {}

    def serve(self, size: int) -> Served:
        """Select an ensemble and train its members.

        Without a final fit on all rows, members have the weights that were scored.

        Args:
            size: Number of networks at most.

        Returns:
            A `Served`, whose record has the stage `"ensemble"`, and a report with the weights of its `"members"`.

        Raises:
            ValueError: If no candidate has predictions, or the objective can't be computed from predictions.
        """
        started, began = time.time(), time.monotonic()
        chosen, mean = self.select(size)
        members = [self.state.records[trial_id] for trial_id in chosen.members]
        averaged = network.averaging_network(
            [self._trained(record) for record in members], list(chosen.members.values())
        )
        record = TrialRecord("ensemble", len(self.state.records), Stage.ENSEMBLE, status=Status.COMPLETED)
        measured = self.goal.measure_again(self.problem.served(averaged))
        if measured.violations:
            warnings.warn(
                f"The ensemble breaks a limit when it is measured again: {measured.violations}",
                exceptions.InfeasibleWarning,
                stacklevel=3,
            )
        # The costs of a single member are the costs of its trial.
        known = self.state.known_costs.get(measured.network, {})
        record.metrics = self.goal.combined(chosen.after | measured.costs | known)
        record.score = record.metrics[self.goal.main.name]
        record.parameters = averaged.count_params()
        record.started, record.seconds = started, time.monotonic() - began
        record.message = self._describe(chosen)
        record.report = {"refit": self.state.refits, "members": chosen.members}
        self.state.records["ensemble"] = record
        self.final_stage.predictions = self.final_stage.head_predictions(mean)
        return Served(averaged, record, record)

    def select(self, size: int) -> tuple[selection.Selection, dict[str, np.ndarray]]:
        """Return the `Selection` of at most `size` candidates, and their averaged predictions."""
        predictions = self._candidates()
        best = next(iter(predictions))
        is_limited = bool(self.goal.constraints)
        chosen = selection.select(
            predictions,
            best,
            self._score,
            self.goal.is_better_epoch,
            size,
            is_allowed=lambda members: not is_limited or not self._costs_of(members).violations,
        )
        if len(chosen.members) == 1:
            reason = f"{chosen.refused} would break a limit" if chosen.refused else "none makes it better"
            warnings.warn(
                f"The ensemble is trial {best} alone: of {len(predictions) - 1} other candidates {reason}.",
                stacklevel=4,
            )
        weighted = [(predictions[trial_id], weight) for trial_id, weight in chosen.members.items()]
        mean: dict[str, Any] = {
            name: sum(weight * outputs[name] for outputs, weight in weighted) for name in predictions[best]
        }
        return chosen, mean

    def _candidates(self) -> dict[str, dict[str, np.ndarray]]:
        """Return the predictions of each candidate by its trial, the best first."""
        if self.goal.scores:
            raise ValueError(
                "`ensemble` averages predictions, and can't compute the CustomScore "
                f"{self.goal.scores[0].name!r} from them."
            )
        is_better = self.goal.is_better_epoch

        def order(one: TrialRecord, other: TrialRecord) -> int:
            return is_better(other.metrics, one.metrics) - is_better(one.metrics, other.metrics)

        records = sorted(self.state.standings.farthest(), key=functools.cmp_to_key(order))
        read = self.final_stage.kept_predictions
        pairs = ((record.trial_id, kept) for record in records if (kept := read(record.trial_id)) is not None)
        candidates = dict(itertools.islice(pairs, _MAX_CANDIDATES))
        if not candidates:
            raise ValueError(
                "`ensemble` needs the predictions of completed candidates for the validation set, in the folder "
                "`predictions` of the search. The folder is empty: the predictions for a tf.data.Dataset aren't saved, "
                "or no candidate satisfies the constraints, or the files were deleted."
            )
        return candidates

    def _score(self, predictions: Mapping[str, np.ndarray], members: Collection[str]) -> dict[str, float]:
        """Return the scores of averaged predictions, with the costs if the objective combines both."""
        scores = self.problem.scorer(predictions, self.problem.dataset.validation_rows)
        if self.goal.combination is not None:
            scores |= self._costs_of(members).costs
        return self.goal.combined(scores)

    def _costs_of(self, members: Collection[str]) -> Measurement:
        """Return the `Measurement` of the network that averages some candidates, before they are trained."""
        key = frozenset(members)
        if key not in self._measurements:
            for trial_id in members:
                if trial_id not in self._untrained:
                    self._untrained[trial_id] = self.evaluator.build(self.state.records[trial_id].values)
            networks = [self._untrained[trial_id] for trial_id in sorted(members)]
            averaged = network.averaging_network(networks, [1 / len(networks)] * len(networks))
            self._measurements[key] = self.goal.measure_again(self.problem.served(averaged))
        return self._measurements[key]

    def _trained(self, record: TrialRecord) -> keras.Model:
        """Return the trained network of a candidate, a copy of its own for the ensemble."""
        job, refits = self.state.job(record), self.state.refits
        earlier = self.final_stage.earlier_final_fit(job, record) if refits else None
        if earlier is not None:
            model = earlier[1]  # `fit` has trained the best candidate on all rows already.
        elif refits:
            model, final = self.evaluator.final_fit(job, record)
            if final.interrupted:
                raise KeyboardInterrupt
        else:
            model = self.final_stage.searched(job, record)
        own = self.evaluator.build(record.values)
        own.set_weights(model.get_weights())
        return own

    def _describe(self, chosen: selection.Selection) -> str:
        name = self.goal.epoch_objective.name
        shares = ", ".join(f"{weight:.2g} of trial {trial_id}" for trial_id, weight in chosen.members.items())
        before, after = (scores.get(name, float("nan")) for scores in (chosen.before, chosen.after))
        return f"{shares}; {name} {before:.4g} by the best alone, {after:.4g} together"
