"""Training of the members of an ensemble: which of them have a final fit, and in which order."""

from collections.abc import Sequence

import keras

from autonas.search.ensembles import selection
from autonas.search.final_stage import FinalStage
from autonas.search.state import SearchState
from autonas.trials.records import TrialRecord


class MemberTraining:
    """Train the members of an ensemble in the time that is left.

    Members that have no final fit keep the weights that were scored.

    Args:
        state: The `SearchState` of a finished search.
        final_stage: The `FinalStage` of the search.
        longest: The member that needs all of the time for its final fit: fitted weights of the others stay as they are.
            Defaults to no such member.
    """

    def __init__(self, state: SearchState, final_stage: FinalStage, longest: TrialRecord | None = None) -> None:
        self.state = state
        self.final_stage = final_stage
        self.longest = longest

    def networks(self, chosen: selection.Selection) -> list[keras.Model]:
        """Return the trained networks of the members, in the order of the selection, each with weights of its own.

        The members with the largest weights are trained further, as far as there is time.

        Args:
            chosen: The `Selection`.
        """
        members = [self.state.records[trial_id] for trial_id in chosen.members]
        by_weight = sorted(members, key=lambda record: -chosen.members[record.trial_id])
        evaluator = self.state.evaluator
        networks = {}
        if not evaluator.problem.serves_folds:
            # Built before the final fits, which share the time that is left then.
            networks = {record.trial_id: evaluator.networks.build(record.values) for record in members}

        def keep(record: TrialRecord, trained: keras.Model) -> None:
            if record.trial_id in networks:
                networks[record.trial_id].set_weights(trained.get_weights())
            else:
                networks[record.trial_id] = trained

        refits, rest = self.state.refits, []
        for record in by_weight:
            earlier = self.final_stage.earlier_final_fit(record) if refits else None
            if earlier is not None:
                keep(record, earlier[1])  # `fit` has trained the best candidate on all rows already.
            else:
                rest.append(record)
        waiting = self._further(rest) if refits else []
        for record in rest:
            if record not in waiting:
                keep(record, self.final_stage.searched.network(record))
        while waiting:
            trained = self._trained_first(waiting)
            keep(waiting.pop(0), trained)
        return [networks[record.trial_id] for record in members]

    def _further(self, records: Sequence[TrialRecord]) -> list[TrialRecord]:
        """Return the candidates that have a final fit, in the order of these fits, a list.

        Fitted weights take as long as they take, or longer if they didn't have the time of a full fit. The final fits
        of the other members share the rest.

        Args:
            records: Records of members without an earlier final fit. Earlier ones have priority.
        """
        time_budget, longest = self.state.budget, self.longest
        if longest is not None:
            records = [record for record in records if not record.is_fitted or record.has_final_weights]
        return sorted(
            time_budget.with_time(records),
            key=lambda record: (
                record is longest,
                not record.is_fitted,
                record.time_share < 1.0,
                time_budget.final_seconds(record),
            ),
        )

    def _trained_first(self, waiting: Sequence[TrialRecord]) -> keras.Model:
        """Return the network of the first of some candidates after its final fit. They share the time that is left."""
        record = waiting[0]
        if not self.state.budget.has_time_for(record):
            return self.final_stage.searched.network(record)  # Earlier final fits took longer than expected.
        return self.final_stage.refitted(record, self.state.budget.final_length(waiting))
