"""The time budget: what a trial may take, so that the final fit still fits in."""

import dataclasses
import time

from autonas.trials.states import Stage

#: Seconds reserved for writing the model at the end, and the share of the limit that is reserved at most.
_CLOSING, _MAX_CLOSING_SHARE = 1.0, 0.1
#: Seconds of a training that is needed to serve a model although the time limit is used up.
LEAST_SECONDS = 0.1
#: The first trial must leave a usable model early, however long the limit.
_FIRST_SHARE = 0.15
#: Share of the limit that is kept back at most for a final fit that is longer than the candidate's own training.
_FINAL_SHARE = 0.4
#: Shares of the limit at which stages of a one-shot search must have ended; the rest is for its finalists.
STAGE_SHARES = {Stage.SUPERNET: 0.5, Stage.ONE_SHOT: 0.6}


@dataclasses.dataclass
class TimeBudget:
    """Wall-clock time from `fit` to its return.

    Args:
        limit: Seconds in all, or `None` for no limit.
        final_ratio: Cost of an epoch of the final fit over one of the search; 0 without a final fit.
        started: `time.monotonic()` when `fit` was called.
    """

    limit: float | None
    final_ratio: float
    started: float

    def elapsed(self):
        """Seconds since the start."""
        return time.monotonic() - self.started

    def remaining(self):
        """Seconds left for training, `None` without a limit."""
        if self.limit is None:
            return None
        closing = min(_CLOSING, _MAX_CLOSING_SHARE * self.limit)
        return self.limit - closing - self.elapsed()

    def share_spent(self):
        """Share of the limit that is spent, 0 without one."""
        return 0.0 if self.limit is None else self.elapsed() / self.limit

    def final_deadline(self):
        """`time.monotonic()` at which the final fit must stop, or `None`."""
        remaining = self.remaining()
        return None if remaining is None else time.monotonic() + remaining

    def final_seconds(self, outcome, epochs=None):
        """Seconds that the final fit of a candidate takes, from its own training.

        Args:
            outcome: Its `Outcome`, or `None`.
            epochs: Epochs of the final fit. Defaults to its best epoch.
        """
        if outcome is None or outcome.epochs == outcome.initial_epoch:
            return 0.0
        epochs = outcome.best_epoch if epochs is None else epochs
        return self.final_ratio * outcome.seconds * epochs / (outcome.epochs - outcome.initial_epoch)

    def trial_seconds(self, best, first, final_epochs=None):
        """Seconds that the next trial may train, `None` without a limit.

        It must leave room both for the final fit of the best so far, if it loses, and for its own, if it wins.

        Args:
            best: The `Outcome` of the best trial so far, or `None`.
            first: Whether it is the first trial.
            final_epochs: Epochs of the final fit of the best so far. Defaults to its best epoch. For more than that,
                two fifths of the limit are kept back at most.
        """
        remaining = self.remaining()
        if remaining is None:
            return None
        longer = min(self.final_seconds(best, final_epochs), _FINAL_SHARE * self.limit)
        allowed = min(remaining - max(self.final_seconds(best), longer), remaining / (1 + self.final_ratio))
        return min(allowed, _FIRST_SHARE * self.limit) if first else allowed

    def stage_seconds(self, stage):
        """Seconds until a stage of a one-shot search must have ended, less than 0 if it should have by now; `None`
        without a limit.

        Args:
            stage: `"supernet"`, the training of shared weights, or `"one_shot"`, the scoring with them.
        """
        return None if self.limit is None else STAGE_SHARES[stage] * self.limit - self.elapsed()
