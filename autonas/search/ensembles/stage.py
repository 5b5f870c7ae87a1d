"""Training of ensembles: from the candidates of a finished search to one averaging network."""

import dataclasses
import functools
import math
import time
import warnings
from collections.abc import Callable, Collection, Mapping
from typing import Any

import keras
import numpy as np

from autonas import exceptions
from autonas.evaluation import budget
from autonas.objectives.goal import Measurement
from autonas.search.averaging import averaging_network
from autonas.search.ensembles import candidates, selection
from autonas.search.ensembles.members import MemberTraining
from autonas.search.final_stage import FinalStage, Served
from autonas.search.state import SearchState
from autonas.trials import events
from autonas.trials.records import TrialRecord
from autonas.trials.states import Stage, Status

#: Number of samples of the validation rows for the selection, and their largest numbers of rows and of predictions.
_N_BAGS, _SAMPLED_ROWS, _SAMPLED_VALUES = 6, 2000, 20_000
#: Number of samples by which the standard errors of differences are estimated.
_N_SAMPLES = 20


class EnsembleStage:
    """Select and train an ensemble.

    Candidates are the best trials that no later trial continues. Members are selected by `Goal.member_objective`. The
    constraints hold for the averaging network: a candidate with which the network would violate a constraint is not
    added.

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
        self.candidates = candidates.Candidates(state, final_stage.searched)
        self._objective = self.goal.member_objective([head.task for head in self.problem.scorer.heads])
        self._untrained: dict[str, keras.Model] = {}
        self._measurements: dict[frozenset[str], Measurement] = {}

    def serve(self, size: int) -> Served:
        """Select an ensemble and train its members.

        Without a final fit on all rows, or without time for it, members have the weights that were scored.

        Args:
            size: Number of networks at most.

        Returns:
            A `Served`, whose record has the stage `"ensemble"`, and a report with the weights of its `"members"`.

        Raises:
            ValueError: If no candidate has predictions, or the objective can't be computed from predictions.
        """
        predictions = self.candidates.predictions()
        chosen = self._select(predictions, size)
        if len(chosen.members) == 1:
            best = next(iter(chosen.members))
            reason = f"{chosen.refused} would break a limit" if chosen.refused else "none makes it better"
            warnings.warn(
                f"The ensemble is trial {best} alone: of {len(predictions) - 1} other candidates {reason}.",
                stacklevel=4,
            )
        return self._served(chosen, selection.weighted_mean(predictions, chosen.members))

    def serve_if_better(self) -> Served | None:
        """Select an ensemble among the candidates whose weights are kept, and train its members in the time left.

        An automatic ensemble has only members whose networks can be built in the time left.

        Returns:
            A `Served` as from `serve`. `None` if the best candidate is to be served alone.
        """
        self.state.budget.closing = budget.WRITING_ENSEMBLE  # The selection now takes the time reserved for it.
        longest = self.final_stage.needing_all_time() if self.state.ensemble.is_automatic else None
        selected = self._selected(longest)
        if selected is None:
            return None
        chosen, predictions = selected
        if longest is not None and longest.trial_id not in chosen.members:
            longest = None
        return self._served(chosen, selection.weighted_mean(predictions, chosen.members), longest)

    def would_take(self, candidate: TrialRecord) -> bool:
        """Return whether a candidate for a final fit in full would be a member if the search ended now."""
        selected = self._selected(candidate if self.state.ensemble.is_automatic else None)
        return selected is not None and candidate.trial_id in selected[0].members

    def _selected(
        self, longest: TrialRecord | None
    ) -> tuple[selection.Selection, dict[str, dict[str, np.ndarray]]] | None:
        """Return the `Selection` of at least two of the candidates whose weights are kept, and their predictions.

        Args:
            longest: The candidate that needs all of the time for its final fit, or `None`.

        Returns:
            `None` if the best candidate is to be served alone.
        """
        wanted = self.state.ensemble
        predictions = self.candidates.predictions(lambda trial_id: self.state.weights.exists(trial_id), required=False)
        if longest is not None:
            # The average of candidates that are trained for a part of the time each is worse than one of them in full.
            predictions = {
                name: kept
                for name, kept in predictions.items()
                if name == longest.trial_id or self.state.records[name].is_fitted
            }
        if len(predictions) < 2:
            return None
        is_possible = functools.partial(self._is_time_for, next(iter(predictions))) if wanted.is_automatic else None
        chosen = self._select(predictions, wanted.size, is_possible)
        if len(chosen.members) == 1 and self.goal.combination is None and self.problem.dataset.folds is not None:
            chosen = self._select_equals(predictions, wanted.size, is_possible)
        if wanted.is_automatic and self.problem.dataset.overlap is not None:
            chosen = self._with_linear_forecast(chosen, predictions, is_possible)
        return None if len(chosen.members) == 1 else (chosen, predictions)

    def _is_time_for(self, best: str, members: Collection[str]) -> bool:
        """Return whether the networks of some candidates can be built in the time left, beside that of the best one.

        The network of the best candidate is built in any case. If its weights didn't have the time of a full fit, they
        have it before the other candidates are fitted again: they gain more by it than by an average.
        """
        time_budget, records = self.state.budget, self.state.records
        remaining = time_budget.remaining()
        if remaining is None:
            return True
        others = [records[name] for name in members if name != best]
        needed = sum(map(time_budget.building_seconds, others))
        if self.state.refits and records[best].is_fitted and (better := time_budget.better_fit_seconds(records[best])):
            again = (other for other in others if not other.has_final_weights)
            needed += better + sum(map(time_budget.final_seconds, again))
        return needed <= remaining

    def _are_within_limits(self, members: Collection[str]) -> bool:
        """Return whether the network that averages some candidates keeps to the constraints."""
        return not self.goal.constraints or not self._costs_of(members).violations

    def _served(self, chosen: selection.Selection, mean: dict[str, Any], longest: TrialRecord | None = None) -> Served:
        """Train the members of a `Selection`, unless an earlier process has trained them, and return the `Served`.

        Args:
            chosen: The `Selection`.
            mean: Dict from head to the weighted mean of the members' predictions.
            longest: The member that needs all of the time for its final fit. Defaults to no such member.
        """
        self.final_stage.predictions = self.problem.predictions_of_heads(mean)
        earlier = self._earlier(chosen)
        if earlier is not None:
            return earlier
        started, began = time.time(), time.monotonic()
        training = MemberTraining(self.state, self.final_stage, longest)
        averaged = self._average(chosen, training.networks(chosen))
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
        record.standard_error = self.evaluator.problem.standard_error(mean)
        record.parameters = averaged.count_params()
        record.started, record.seconds = started, time.monotonic() - began
        record.message = self._describe(chosen)
        record.report = {"refit": self.state.refits, "members": chosen.members}
        self._keep(averaged, record)
        return Served(averaged, record, record)

    def _average(self, chosen: selection.Selection, networks: list[keras.Model]) -> keras.Model:
        """Return the network that averages the networks of the members, in the order of the selection."""
        # The costs of an ensemble with constraints are the costs of its candidates.
        if not self.goal.constraints:
            networks = list(map(self.final_stage.with_views, networks))
        return averaging_network(networks, list(chosen.members.values()))

    def _keep(self, averaged: keras.Model, record: TrialRecord) -> None:
        """Save the weights of the ensemble, so that a continued search doesn't train its members again."""
        self.state.records["ensemble"] = record
        event = events.Ensemble(record.to_json(), self.final_stage.keep_weights(averaged, "ensemble"))
        self.final_stage.earlier_ensemble = event
        self.state.journal.append(event.to_json())

    def _earlier(self, chosen: selection.Selection) -> Served | None:
        """Return the `Served` of an earlier process with the same members, or `None`."""
        event = self.final_stage.earlier_ensemble
        if event is None or event.record["report"]["members"] != chosen.members:
            return None

        def untrained() -> keras.Model:
            members = [self._untrained_network(self.state.records[trial_id]) for trial_id in chosen.members]
            return self._average(chosen, members)

        restored = self.final_stage.restored(event, "ensemble", untrained)
        return None if restored is None else Served(restored[1], restored[0], restored[0])

    def _select(
        self,
        predictions: dict[str, dict[str, np.ndarray]],
        size: int,
        is_possible: Callable[[Collection[str]], bool] | None = None,
    ) -> selection.Selection:
        """Return the `Selection` of at most `size` candidates.

        Args:
            predictions: Dict from candidate to its predictions.
            size: Number of candidates at most.
            is_possible: Function from candidates to whether they may be averaged, apart from the constraints. Defaults
                to no further condition.
        """
        return selection.select(
            predictions,
            next(iter(predictions)),
            self._score,
            functools.partial(self.goal.is_better_by, self._objective),
            size,
            samples=self._samples(predictions, _N_BAGS),
            is_allowed=lambda members: self._is_allowed(members, is_possible),
            # Costs are exact with few rows, too. In folds, all rows together choose the length of a training, which
            # leaves less to luck.
            loss=None if self.goal.combination is not None or self.problem.dataset.folds is not None else self._loss,
            compared=self._capped(predictions),
        )

    def _select_equals(
        self,
        predictions: dict[str, dict[str, np.ndarray]],
        size: int,
        is_possible: Callable[[Collection[str]], bool] | None = None,
    ) -> selection.Selection:
        """Return the `Selection` of the candidates that aren't significantly worse than the best; see `_select`."""
        return selection.select_equals(
            predictions,
            next(iter(predictions)),
            self._score,
            self._loss,
            size,
            samples=self._samples(predictions, _N_SAMPLES),
            is_allowed=lambda members: self._is_allowed(members, is_possible),
            compared=self._capped(predictions),
        )

    def _with_linear_forecast(
        self,
        chosen: selection.Selection,
        predictions: dict[str, dict[str, np.ndarray]],
        is_possible: Callable[[Collection[str]], bool] | None = None,
    ) -> selection.Selection:
        """Return a `Selection` with the linear forecast of a series; see `selection.with_simplest` and `_select`."""
        # A network without weights doesn't correct the linear forecast.
        linear = next((name for name in predictions if self.state.records[name].parameters == 0), None)
        if linear is None or not self._is_allowed({*chosen.members, linear}, is_possible):
            return chosen
        n_independent = len(self.problem.dataset.validation_rows) / self.problem.dataset.overlap
        weights = selection.with_simplest(chosen.members, linear, n_independent)
        after = self._score(selection.weighted_mean(predictions, weights), set(weights), None)
        return dataclasses.replace(chosen, members=weights, after=after)

    def _loss(self, scores: dict[str, float]) -> float:
        """Return the score of the objective, negative if a larger one is better."""
        return scores[self._objective.name] * (-1 if self._objective.direction == "max" else 1)

    def _capped(self, predictions: dict[str, dict[str, np.ndarray]]) -> dict[str, dict[str, np.ndarray]]:
        """Return the predictions by which candidates are compared, whose probabilities are at most 1 - 1 / n.

        A validation set of n rows says nothing about error rates below 1 / n: a candidate that is surer of its classes
        is as good as another one there.
        """
        largest = 1 - 1 / len(self.problem.dataset.validation_rows)
        tasks = {head.name: head.task for head in self.problem.scorer.heads}
        return {
            candidate: {head: selection.capped(array, tasks[head], largest) for head, array in of_heads.items()}
            for candidate, of_heads in predictions.items()
        }

    def _samples(self, predictions: dict[str, dict[str, np.ndarray]], number: int) -> list[np.ndarray]:
        """Return random samples of the positions of the validation rows, drawn with replacement.

        Rows whose targets overlap are drawn in blocks, as the errors of a block aren't independent (Künsch 1989).
        """
        n_rows = len(self.problem.dataset.validation_rows)
        generator = np.random.default_rng([self.evaluator.seed, 7])
        n_outputs = sum(array[0].size for array in next(iter(predictions.values())).values())
        size_of_sample = min(n_rows, _SAMPLED_ROWS, max(1, _SAMPLED_VALUES // n_outputs))
        length = min(self.problem.dataset.overlap or 1, n_rows)
        n_blocks = -(-size_of_sample // length)
        starts = [generator.integers(n_rows - length + 1, size=n_blocks) for _ in range(number)]
        return [(first[:, None] + np.arange(length)).ravel()[:size_of_sample] for first in starts]

    def _is_allowed(
        self, members: Collection[str], is_possible: Callable[[Collection[str]], bool] | None = None
    ) -> bool:
        """Return whether some candidates may be averaged; see `_select`."""
        return self._are_within_limits(members) and (is_possible is None or is_possible(members))

    def _score(
        self, predictions: Mapping[str, np.ndarray], members: Collection[str], rows: np.ndarray | None
    ) -> dict[str, float]:
        """Return the scores of averaged predictions, with the costs if the objective combines both.

        Args:
            predictions: Dict from head to predictions.
            members: The candidates whose predictions are averaged.
            rows: Positions of the predicted validation rows, of which only the objective is computed, or `None` for all
                scores of all rows.
        """
        scorer, validation_rows = self.problem.scorer, self.problem.dataset.validation_rows
        if rows is None:
            scores = scorer(predictions, validation_rows)
        else:
            needed = {self._objective.name, *(part.name for part in self.goal.parts)}
            scores = scorer.only(needed)(predictions, validation_rows[rows])
        if self.goal.combination is not None:
            scores |= self._costs_of(members).costs
        return self.goal.combined(scores)

    def _costs_of(self, members: Collection[str]) -> Measurement:
        """Return the `Measurement` of the network that averages some candidates, before they are trained."""
        key = frozenset(members)
        if key not in self._measurements:
            for trial_id in members:
                if trial_id not in self._untrained:
                    self._untrained[trial_id] = self.evaluator.networks.build(self.state.records[trial_id].values)
            networks = [self._untrained[trial_id] for trial_id in sorted(members)]
            averaged = averaging_network(networks, [1 / len(networks)] * len(networks))
            self._measurements[key] = self.goal.measure_again(self.problem.served(averaged))
        return self._measurements[key]

    def _untrained_network(self, record: TrialRecord) -> keras.Model:
        """Return the network of a candidate that is served, with random weights."""
        if self.problem.serves_folds:
            return self.final_stage.searched.averaged(record)
        return self.evaluator.networks.build(record.values)

    def _describe(self, chosen: selection.Selection) -> str:
        shares = ", ".join(f"{weight:.2g} of trial {trial_id}" for trial_id, weight in chosen.members.items())
        gains = []
        for name in dict.fromkeys([self.goal.epoch_objective.name, self._objective.name]):
            before, after = (scores.get(name, math.nan) for scores in (chosen.before, chosen.after))
            gains.append(f"{name} {before:.4g} by the best alone, {after:.4g} together")
        is_worse = self.goal.is_better_by(self._objective, chosen.before, chosen.after)
        return "; ".join([shares, *gains, *(["the best of many on few rows is partly luck"] if is_worse else [])])
