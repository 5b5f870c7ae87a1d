"""Time budget of a search: the maximum time of each trial, so that time is left for the final fit."""

import dataclasses
import time

from autonas.trials.states import Stage

#: Seconds reserved for writing the model at the end, the same for an ensemble, whose network must be built before, and
#: the share of the limit that is reserved at most.
_CLOSING, _CLOSING_OF_ENSEMBLE, _MAX_CLOSING_SHARE = 1.0, 4.5, 0.1
#: Training time, in seconds, of a model that is required even though the time limit is exceeded.
LEAST_SECONDS = 0.1
#: Share of the limit for the first trial, so that a usable model exists early.
_FIRST_SHARE = 0.15
#: Maximum share of the limit that is reserved for a final fit that is longer than the training of the trial.
_FINAL_SHARE = 0.4
#: Phases of a trial that the final fit doesn't have.
_NOT_REPEATED = "measure", "validate", "save"
#: Maximum share of the limit that is reserved for training the members of an ensemble again.
_MEMBERS_SHARE = 0.3
#: Shares of the limit at which the stages of a one-shot search end. The rest is for the candidates trained alone.
STAGE_SHARES = {Stage.SUPERNET: 0.5, Stage.ONE_SHOT: 0.6}


@dataclasses.dataclass
class TimeBudget:
    """Time budget of a search: the wall-clock time from the call of `fit` to its return.

    Args:
        limit: Time limit in seconds, or `None` for no limit.
        final_ratio: Time of an epoch of the final fit, relative to an epoch of the search; 0 without a final fit.
        started: Value of `time.monotonic()` when `fit` was called.
        ends_with_ensemble: Whether the search ends with the selection of an ensemble. Defaults to `False`.
    """

    limit: float | None
    final_ratio: float
    started: float
    ends_with_ensemble: bool = False

    def elapsed(self):
        """Return the seconds since the start."""
        return time.monotonic() - self.started

    def remaining(self):
        """Return the seconds left for training, or `None` without a limit."""
        if self.limit is None:
            return None
        closing = _CLOSING_OF_ENSEMBLE if self.ends_with_ensemble else _CLOSING
        closing = min(closing, _MAX_CLOSING_SHARE * self.limit)
        return self.limit - closing - self.elapsed()

    def share_spent(self):
        """Return the elapsed share of the limit, or 0 without a limit."""
        return 0.0 if self.limit is None else self.elapsed() / self.limit

    def final_deadline(self):
        """Return the value of `time.monotonic()` at which the final fit stops, or `None` without a limit."""
        remaining = self.remaining()
        return None if remaining is None else time.monotonic() + remaining

    def final_seconds(self, outcome, epochs=None):
        """Estimate the seconds of the final fit of a candidate from the training of the candidate.

        Args:
            outcome: The `Outcome` of the candidate, or `None` for 0 seconds.
            epochs: Number of epochs of the final fit. Defaults to the best epoch of the candidate.
        """
        if outcome is None or outcome.epochs == outcome.initial_epoch:
            return 0.0
        epochs = outcome.best_epoch if epochs is None else epochs
        seconds = outcome.seconds - sum(outcome.phases.get(phase, 0.0) for phase in _NOT_REPEATED)
        return self.final_ratio * seconds * epochs / (outcome.epochs - outcome.initial_epoch)

    def trial_seconds(self, best, first, final_epochs=None, members=()):
        """Return the maximum training time of the next trial in seconds, or `None` without a limit.

        Time is reserved for the final fit of the best trial so far, and for a final fit of the next trial.

        Args:
            best: The `Outcome` of the best trial so far, or `None`.
            first: Whether the next trial is the first one.
            final_epochs: Number of epochs of the final fit of the best trial so far. Defaults to its best epoch. At
                most two fifths of the limit are reserved for a longer final fit.
            members: `Outcome`s of the trials that an ensemble would average now. At most three tenths of the limit are
                reserved for their final fits. Defaults to no ensemble.
        """
        remaining = self.remaining()
        if remaining is None:
            return None
        longer = min(self.final_seconds(best, final_epochs), _FINAL_SHARE * self.limit)
        of_members = min(sum(map(self.final_seconds, members)), _MEMBERS_SHARE * self.limit)
        reserved = max(self.final_seconds(best), longer, of_members)
        allowed = min(remaining - reserved, remaining / (1 + self.final_ratio))
        return min(allowed, _FIRST_SHARE * self.limit) if first else allowed

    def stage_seconds(self, stage):
        """Return the seconds until the end of a stage of a one-shot search, or `None` without a limit.

        The number is negative if the stage is overdue.

        Args:
            stage: `"supernet"`, the training of shared weights, or `"one_shot"`, the scoring with shared weights.
        """
        return None if self.limit is None else STAGE_SHARES[stage] * self.limit - self.elapsed()
