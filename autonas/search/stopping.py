"""Stopping rules of a search, and the time limits of its trials."""

import math
import statistics
from collections.abc import Mapping, Sequence

from autonas.evaluation import budget
from autonas.oracles import SupernetOracle
from autonas.oracles.fidelity.schedule import TrainingSchedule
from autonas.search.state import SearchState
from autonas.search_space.values import Scalar
from autonas.trials import order, reserved
from autonas.trials.records import TrialRecord

#: Minimum time, in seconds, for starting a trial other than the first.
_SHORTEST_TRIAL = 1.0
#: Share of the shortest trial so far below which no trial is begun, except the first.
_SHORTEST_SHARE = 1 / 3
#: Seconds in which a network of another kind is built, compiled and trained for an epoch on most data. With more time
#: left, it is begun, however long weights of other kinds were fitted.
_OTHER_KIND = 5.0
#: Number of failed trials without a completed trial after which a search without `max_trials` ends.
_HOPELESS = 20
#: Number of consecutive rejected candidates after which a search ends.
_MAX_REFUSED = 100
#: Share of the time limit after which a search without a feasible candidate ends.
_SHARE_FOR_FEASIBLE = 0.5
#: The same share for a search with shared weights, whose candidates come late and are few.
_SHARE_FOR_FEASIBLE_FINALISTS = 0.8
#: Share of the time limit after which a search with short trainings only continues the best of these trainings.
_SHARE_FOR_SHORT = 0.6
#: The same share for a search with shared weights, whose candidates come late.
_SHARE_FOR_SHORT_FINALISTS = 0.85
#: Largest share of the time left for a candidate after the initial ones, and multiple of the time of the best candidate
#: and of the median time that it may always take.
_SHARE_OF_CANDIDATE, _MULTIPLE_OF_CANDIDATE = 0.25, 2.0
#: Largest share of the time left for continuing a candidate, before the time for full trainings.
_SHARE_OF_CONTINUED = 0.5
#: Largest difference between the scores of the best trial and of a likely member of an ensemble, in standard errors.
_MEMBER_ERRORS = 3.0


class Stopping:
    """Stopping rules of a search: whether a trial begins, and how long it may take.

    Args:
        state: The `SearchState`.
        patience: Number of trials without improvement after which the search ends, or `None` for no such end.
    """

    def __init__(self, state: SearchState, patience: int | None) -> None:
        self.state = state
        self.patience = patience
        shares_weights = state.evaluator.supernet is not None
        self._share_for_feasible = _SHARE_FOR_FEASIBLE_FINALISTS if shares_weights else _SHARE_FOR_FEASIBLE
        self._share_for_short = _SHARE_FOR_SHORT_FINALISTS if shares_weights else _SHARE_FOR_SHORT
        self._n_rejected_in_a_row = 0
        #: Seconds until the end of the first epoch of the fastest trial of this process.
        self._first_epoch_seconds = math.inf

    def add(self, record: TrialRecord) -> None:
        """Add a trial that has ended."""
        if record.is_candidate:
            self._n_rejected_in_a_row = self._n_rejected_in_a_row + 1 if record.is_refused else 0

    def add_first_epoch(self, seconds: float) -> None:
        """Add the seconds of a candidate from its start to the end of its first epoch."""
        self._first_epoch_seconds = min(self._first_epoch_seconds, seconds)

    def trial_seconds(self) -> float | None:
        """Return the time limit of the next trial, in seconds; `None` without a limit."""
        standings, time_budget = self.state.standings, self.state.budget
        best, is_first = standings.best(), not standings.candidates()
        members = [] if best is None else self._likely_members(best)
        seconds = time_budget.trial_seconds(best, is_first, members)
        if seconds is None:
            return None
        if self._is_new:
            return max(seconds, budget.LEAST_SECONDS)  # There must be a model, however short the time.
        return seconds if self.state.oracle.schedule is not None else min(seconds, self._most_seconds(seconds))

    def candidate_seconds(self, record: TrialRecord, seconds: float | None) -> float | None:
        """Return the time limit of a candidate that begins, in seconds; `None` without a limit.

        A candidate of a `TrainingSchedule` is bounded only now that it is known whether it continues another one. A
        training that has less time than its epochs take has a shorter schedule of learning rates.

        Args:
            record: The record of the candidate.
            seconds: Time limit of the next trial, as of `trial_seconds`.
        """
        if seconds is None or self.state.oracle.schedule is None:
            return seconds
        if not reserved.is_continued(record.values):
            return min(seconds, self._most_seconds(seconds))
        return seconds if self.is_time_for_full_trainings() else _SHARE_OF_CONTINUED * seconds

    def reason(self, seconds: float | None) -> str | None:
        """Return the reason for which no further trial begins, or `None`.

        Args:
            seconds: Time limit of the next trial, as of `trial_seconds`.
        """
        state = self.state
        candidates, best = state.standings.candidates(), state.standings.best()
        if state.oracle.max_trials is None and len(candidates) >= _HOPELESS and best is None:
            return "failures"
        if self.patience is not None and state.standings.since_best() >= self.patience:
            return "patience"
        if self._n_rejected_in_a_row >= _MAX_REFUSED:
            return "constraints"
        if seconds is None or self._is_new:
            return None
        if not candidates and state.budget.share_spent() > self._share_for_feasible:
            return "time_limit"  # The rest is for a candidate that violates a constraint.
        return "time_limit" if seconds < self._shortest() else None

    def reason_without_trial(self) -> str:
        """Return the reason for which the oracle has no further trial."""
        oracle = self.state.oracle
        if oracle.is_full():
            return "max_trials"
        one_shot = oracle.one_shot
        is_infeasible = isinstance(one_shot, SupernetOracle) and one_shot.is_infeasible
        return "constraints" if is_infeasible else "space_exhausted"

    def is_time_for_full_trainings(self) -> bool:
        """Return whether the remaining time is for full trainings of the best candidates.

        It is once a share of the time limit is spent. It also is when the best of the candidates needs all of the
        remaining time, and each kind of initial point is tried: further points vary a kind.
        """
        time_budget, standings, points = self.state.budget, self.state.standings, self.state.initial_points
        if time_budget.share_spent() > self._share_for_short:
            return True
        best = standings.best()
        if best is None:
            return False
        candidates = standings.candidates()
        if not self.state.has_tried_initial_points and not _are_kinds_tried(points, candidates):
            return False
        return time_budget.is_too_short(best, self.state.evaluator.full_epochs(best.values))

    def too_long(self, schedule: TrainingSchedule, seconds: float | None) -> list[str]:
        """Return the ids of the trials whose next promotion would take a large share of the time that is left, a list.

        A promotion is worth its time if the training becomes twice as long, or as long as the promotion makes it.

        Args:
            schedule: The `TrainingSchedule` of the search.
            seconds: Time limit of the next trial, as of `trial_seconds`.
        """
        if seconds is None:
            return []

        def needed(record: TrialRecord) -> float:
            n_further = min(schedule.further_epochs(record.trial_id), record.epochs)
            return float(self.state.budget.full_seconds(record, record.epochs + n_further))

        records = [self.state.records[trial_id] for trial_id in schedule.promotable()]
        return [record.trial_id for record in records if needed(record) > _SHARE_OF_CONTINUED * seconds]

    @property
    def _is_new(self) -> bool:
        """Whether the search has no candidate yet: only baselines, and the training of shared weights."""
        return not any(record.is_candidate for record in self.state.records.values())

    def _shortest(self) -> float:
        """Return the minimum time, in seconds, for starting a trial.

        It is a third of the time of the fastest trial so far, and enough for its first epoch. If all weights so far
        were fitted, in one epoch, a kind that wasn't tried yet may be faster.
        """
        completed = self.state.standings.completed()
        if not completed:
            return 0.0
        seconds = max(_SHORTEST_TRIAL, _SHORTEST_SHARE * min(record.seconds for record in completed))
        is_other = not _are_kinds_tried(self.state.initial_points, completed)
        if is_other and all(record.is_fitted for record in completed):
            return min(seconds, _OTHER_KIND)
        return max(seconds, self._first_epoch_seconds if math.isfinite(self._first_epoch_seconds) else 0.0)

    def _most_seconds(self, seconds: float) -> float:
        """Return the most seconds that the next candidate may take.

        A single large network may otherwise take as long as ten small ones, though nothing is known in favour of it.
        The initial candidates aren't bounded.

        Args:
            seconds: Seconds that are left for the candidate.
        """
        standings = self.state.standings
        best = standings.best()
        if best is None or not self.state.has_tried_initial_points:
            return math.inf
        usual = max(best.seconds, statistics.median(record.seconds for record in standings.completed()))
        return max(_SHARE_OF_CANDIDATE * seconds, _MULTIPLE_OF_CANDIDATE * usual)

    def _likely_members(self, best: TrialRecord) -> list[TrialRecord]:
        """Return the records of the trials that an ensemble would consist of if the search ended now, a list."""
        size, error = self.state.ensemble.size, best.standard_error
        likely = self.state.standings.ranked()[:size] if size > 1 else []
        if error is None or best.score is None or not self.state.refits:
            return likely  # Without final fits a member takes the time of building its networks only.
        largest = _MEMBER_ERRORS * error
        return [record for record in likely if record.score is not None and abs(record.score - best.score) <= largest]


def _are_kinds_tried(points: Sequence[Mapping[str, Scalar]], candidates: Sequence[TrialRecord]) -> bool:
    """Return whether a candidate has blocks of the kinds of each initial point, such as a convolutional network."""
    kinds_of_points = map(order.kinds, points)
    return all(
        kinds and any(kinds <= candidate.values.items() for candidate in candidates) for kinds in kinds_of_points
    )
