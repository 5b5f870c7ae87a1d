"""Standings: how the candidates of a search compare so far."""

from autonas.objectives import front
from autonas.trials import order
from autonas.trials.states import Status


class Standings:
    """The order of a search's candidates, those that were trained farther before the others.

    Args:
        records: Dict of all `TrialRecord`s by trial; it may grow.
        goal: The `Goal`.
        counts: Function from a trial's values to whether it is one of `max_trials`.
    """

    def __init__(self, records, goal, counts):
        self.records = records
        self.goal = goal
        self._counts = counts

    def candidates(self):
        """The records of candidates that weren't refused."""
        return [record for record in self.records.values() if record.is_candidate and record.status != Status.REFUSED]

    def completed(self):
        """The records of candidates whose trials were completed."""
        return [record for record in self.candidates() if record.is_completed]

    def n_counted(self):
        """How many of `max_trials` there were."""
        return sum(self._counts(record.values) for record in self.candidates())

    def best(self):
        """The record of the best completed trial, or `None`."""
        return next(iter(self.ranked()), None)

    def ranked(self):
        """Return the records of completed trials, the best first; see `trials.order.sort_key`."""
        completed = self.completed()
        objectives = [(objective.name, objective.direction) for objective in self.goal.objectives]
        return sorted(completed, key=order.sort_key(objectives, completed))

    def farthest(self):
        """The records of completed trials that were to be trained for as many epochs as any."""
        return order.longest(self.completed())

    def front(self):
        """The records of completed trials that no other beats in all objectives, of those that were trained farthest.

        Scores of others are lower for having been trained less, while their costs are the same.
        """
        farthest = self.farthest()
        kept = front.front([record.metrics for record in farthest], self.goal.objectives)
        return [record for record, is_kept in zip(farthest, kept, strict=True) if is_kept]

    def numbers(self, record):
        """What is worth logging of the front after a trial, a dict of floats: the trial's value of each objective, the
        hypervolume and the size of the front so far. Empty unless there is a front that it may be on."""
        if not self.goal.is_pareto or not record.is_completed or not record.is_candidate:
            return {}
        objectives = self.goal.objectives
        values = {f"objective/{each.name}": record.metrics[each.name] for each in objectives}
        volume = front.relative_hypervolume([each.metrics for each in self.farthest()], objectives)
        return values | {"hypervolume": volume, "front_size": len(self.front())}

    def since_best(self):
        """Candidates since the last one that was the best so far, or not beaten in all objectives."""
        found = self.front() if self.goal.is_pareto else self.ranked()[:1]
        last = max((record.number for record in found), default=None)
        since = (record for record in self.candidates() if last is not None and record.number > last)
        return sum(self._counts(record.values) for record in since)
