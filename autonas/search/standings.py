"""Standings: the order of the candidates of a search so far."""

import itertools
from collections.abc import Callable, Mapping

from autonas.objectives import pareto
from autonas.objectives.goal import Goal
from autonas.search_space.values import Scalar
from autonas.trials import order
from autonas.trials.records import TrialRecord


class Standings:
    """The order of the candidates of a search.

    Args:
        records: Dict of all `TrialRecord`s by id, which may grow.
        goal: The `Goal`.
        counts: Function that takes the values of a trial and returns whether the trial counts towards `max_trials`.
    """

    def __init__(
        self, records: Mapping[str, TrialRecord], goal: Goal, counts: Callable[[Mapping[str, Scalar]], bool]
    ) -> None:
        self.records = records
        self.goal = goal
        self._counts = counts

    def candidates(self) -> list[TrialRecord]:
        """Return the records of the candidates that weren't rejected, a list."""
        return [record for record in self.records.values() if record.is_candidate and not record.is_refused]

    def completed(self) -> list[TrialRecord]:
        """Return the records of the completed candidates, a list."""
        return [record for record in self.candidates() if record.is_completed]

    def n_counted(self) -> int:
        """Return the number of candidates that count towards `max_trials`."""
        return sum(self._counts(record.values) for record in self.candidates())

    def best(self) -> TrialRecord | None:
        """Return the record of the best completed candidate, or `None`."""
        return next(iter(self.ranked()), None)

    def ranked(self) -> list[TrialRecord]:
        """Return the records of the completed candidates, the best first; see `trials.order.sort_key`."""
        completed = self.completed()
        objectives = [(objective.name, objective.direction) for objective in self.goal.objectives]
        return sorted(completed, key=order.sort_key(objectives))

    def best_of_kinds(self) -> list[TrialRecord]:
        """Return the best completed candidate of each kind, such as a convolutional network, the best first."""
        best: dict[frozenset[tuple[str, Scalar]], TrialRecord] = {}
        for record in self.ranked():
            best.setdefault(order.kinds(record.values), record)
        return list(best.values())

    def separate(self) -> list[TrialRecord]:
        """Return the records of the completed candidates that no completed trial continues, at the largest images."""
        completed = self.completed()
        ids, values = [record.trial_id for record in completed], [record.values for record in completed]
        return list(itertools.compress(completed, order.are_separate(ids, values)))

    def front(self) -> list[TrialRecord]:
        """Return the records of the Pareto front of the candidates that no trial continues; see `separate`."""
        candidates = self.separate()
        is_in_front = pareto.front([record.metrics for record in candidates], self.goal.objectives)
        return list(itertools.compress(candidates, is_in_front))

    def numbers(self, record: TrialRecord) -> dict[str, float]:
        """Return numbers to log about the Pareto front after a trial, a dict of floats.

        These are the trial's value of every objective, the hypervolume and the size of the front so far. The dict is
        empty unless the search has a front and the trial is a completed candidate.
        """
        if not self.goal.is_pareto or not record.is_completed or not record.is_candidate:
            return {}
        objectives = self.goal.objectives
        values = {f"objective/{objective.name}": record.metrics[objective.name] for objective in objectives}
        volume = pareto.relative_hypervolume([candidate.metrics for candidate in self.separate()], objectives)
        return values | {"hypervolume": volume, "front_size": len(self.front())}

    def since_best(self) -> int:
        """Return the number of candidates after the last candidate that is the best, or in the Pareto front."""
        best = self.front() if self.goal.is_pareto else self.ranked()[:1]
        last = max((record.number for record in best), default=None)
        since = (record for record in self.candidates() if last is not None and record.number > last)
        return sum(self._counts(record.values) for record in since)
