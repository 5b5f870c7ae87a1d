"""The model that a search serves: the best candidate, another candidate, or an ensemble of several."""

import dataclasses
from collections.abc import Sequence

import keras

from autonas.evaluation import budget as budget_module
from autonas.reporting import SearchCallback
from autonas.search import ensembles, final_stage, interrupts
from autonas.search.final_stage import Served
from autonas.search.state import SearchState
from autonas.trials.records import TrialRecord


class Serving:
    """Chooses the model that a search serves, and trains it.

    Args:
        state: The `SearchState`.
    """

    def __init__(self, state: SearchState) -> None:
        self.state = state
        self.final_stage = final_stage.FinalStage(state)

    def after_search(self, best: TrialRecord) -> Served:
        """Return the `Served` model of a search whose last trial has ended.

        Args:
            best: The candidate to serve if none was completed.
        """
        return self._ensemble_if_better() or self._best_alone(best)

    def would_serve(self, record: TrialRecord) -> bool:
        """Return whether a candidate would be served if the search ended now, alone or as a member of an ensemble."""
        if record is self.state.standings.best():
            return True
        if self.state.ensemble.size == 1:
            return False
        with self.state.phases("final"):
            return self._ensemble_stage().would_take(record)

    def another(self, trial_id: str) -> Served:
        """Return the `Served` model of a trial of a finished search, without a time limit."""
        self._reopen()
        return self._serve([self.state.records[trial_id]])

    def ensemble(self, size: int) -> Served:
        """Return the `Served` ensemble of at most `size` trials of a finished search, without a time limit."""
        self._reopen()
        with self.state.phases("final"):
            return self._ensemble_stage().serve(size)

    def network_of(self, record: TrialRecord) -> keras.Model:
        """Return a new network of a completed trial with the weights of its score, in float32."""
        return self.final_stage.searched.new_network(record)

    def _serve(self, records: Sequence[TrialRecord]) -> Served:
        """Return the `Served` model of the first of some trials that still satisfies the constraints."""
        with self.state.phases("final"):
            return self.final_stage.serve(records)

    def _best_alone(self, best: TrialRecord) -> Served:
        """Return the `Served` best candidate, without a final fit if the user interrupts; see `after_search`."""
        candidates = self.state.standings.ranked() or [best]
        try:
            return self._serve(candidates)
        except KeyboardInterrupt:
            self.state.stop_reason = "interrupted"
            with interrupts.ignored():
                return self._serve(candidates)

    def _ensemble_if_better(self) -> Served | None:
        """Return the `Served` ensemble, or `None` if the best candidate is to be served alone."""
        state = self.state
        if state.ensemble.size == 1 or state.stop_reason == "interrupted" or state.standings.best() is None:
            return None
        try:
            with state.phases("final"):
                served = self._ensemble_stage().serve_if_better()
        except KeyboardInterrupt:
            state.stop_reason = "interrupted"
            return None
        state.budget.closing = budget_module.WRITING  # The selection has ended.
        if served is not None:
            state.report("on_predictions", served.record, self.final_stage.predictions)
            state.report("on_trial_end", served.record, state.standings.best())
        return served

    def _ensemble_stage(self) -> ensembles.EnsembleStage:
        return ensembles.EnsembleStage(self.state, self.final_stage)

    def _reopen(self) -> None:
        """Prepare a finished search for serving another model: quietly, without a time limit."""
        self.state.budget = dataclasses.replace(self.state.budget, limit=None)
        self.final_stage.is_reopened = True
        self.state.reporter = SearchCallback()
        self.state.records.pop("ensemble", None)
