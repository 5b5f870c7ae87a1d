"""Records of the baselines of a search: scored, journalled, and compared with the best candidate."""

import math
import warnings

import keras_tuner

from autonas import exceptions
from autonas.costs.orientation import oriented
from autonas.search.state import SearchState
from autonas.trials import events
from autonas.trials.records import TrialRecord
from autonas.trials.states import Stage, Status


class BaselineRecords:
    """Records of the baselines of a search.

    Args:
        state: The `SearchState`.
    """

    def __init__(self, state: SearchState) -> None:
        self.state = state
        self.goal = state.evaluator.problem.goal

    def all(self) -> list[TrialRecord]:
        """Return the records of the baselines, a list."""
        return [record for record in self.state.records.values() if record.is_baseline]

    def score(self, time_limit: float | None = None) -> None:
        """Score the baselines, unless an earlier process has scored them, and report them.

        Args:
            time_limit: Time limit of the search in seconds, or `None`. Defaults to `None`.
        """
        state = self.state
        if not self.all():
            with state.phases("baselines"):
                scored = state.evaluator.baselines(time_limit)
            for number, baseline in enumerate(scored, -len(scored)):
                record = TrialRecord(
                    baseline.name, number, Stage.BASELINE, status=Status.COMPLETED, metrics=baseline.scores,
                    seconds=baseline.seconds, message=baseline.message,
                )  # fmt: skip
                score = self.goal.combined(baseline.scores).get(self.goal.main.name, math.nan)
                record.score = score if math.isfinite(score) else None
                state.records[record.trial_id] = record
                state.journal.append(events.Baseline(record.to_json()).to_json())
        for record in self.all():
            state.report("on_trial_end", record, state.standings.best())

    def warn_if_better(self, served: TrialRecord, best: TrialRecord | None) -> None:
        """Warn if a linear baseline is better than all candidates, or a constant as good as the served model.

        A constant that is as good is no reason to warn if both scores are perfect.

        Args:
            served: Record of the served model. An ensemble on few rows may have a worse score than a candidate.
            best: Record of the best candidate, or `None` if no candidate satisfies the constraints.
        """
        if served.score is None:
            return
        scores = [served.score]
        if best is not None and best.score is not None:
            scores.append(best.score)
        ahead = []
        for number, record in enumerate(self.all()):
            if record.score is None:
                continue
            # The constant comes first; a linear prediction that is exactly as good is no reason to warn.
            compared = scores[:1] if number == 0 else scores
            lead = min(oriented(record.score - score, self.goal.main.direction) for score in compared)
            if lead > 0 or (lead == 0 and number == 0 and not _is_perfect(record.score, self.goal.main)):
                ahead.append((lead, record))
        if ahead:
            _, baseline = max(ahead, key=lambda pair: pair[0])
            kind = "the ensemble" if served.stage == Stage.ENSEMBLE else f"trial {served.trial_id}"
            warnings.warn(
                f"The model that is served, {kind} with {self.goal.main.name} {served.score:.4g}, is "
                f"not better than the {baseline.trial_id.replace('_', ' ')} prediction with {baseline.score:.4g} "
                f"({baseline.message}). Give the search more time or more trials.",
                exceptions.BaselineWarning,
                stacklevel=4,
            )


def _is_perfect(score: float, objective: keras_tuner.Objective) -> bool:
    """Return whether a score can't be better: 0 for losses and errors, also if negated, and 1 for other metrics."""
    is_error = objective.direction == "min" or objective.name.removeprefix("val_").startswith("neg_")
    return score == (0.0 if is_error else 1.0)
