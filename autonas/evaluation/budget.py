"""Time budget of a search: the maximum time of each trial, so that time is left for the final fit."""

import dataclasses
import math
import time

import numpy as np

from autonas.trials.states import Stage

#: Seconds reserved at the end: for writing a model, for building and writing the network of an ensemble, and for
#: selecting an ensemble before; and the share of the limit that is reserved at most.
WRITING, WRITING_ENSEMBLE, SELECTING_ENSEMBLE, _MAX_CLOSING_SHARE = 1.0, 1.5, 2.5, 1 / 12
#: Training time, in seconds, of a model that is required even though the time limit is exceeded.
LEAST_SECONDS = 0.1
#: Share of the limit for the first trial, so that a usable model exists early.
_FIRST_SHARE = 0.15
#: Least and largest length of a final fit, relative to the best epoch of the candidate.
_LEAST_FINAL, _MOST_FINAL = 0.25, 0.75
#: Share of the expected time of a final fit below which the final fit isn't begun, unless weights are only fitted.
_LEAST_SHARE_OF_TIME = 0.5
#: Time that is reserved for fitting the weights of the best trial again, relative to the estimate of this time. Weights
#: aren't fitted again in less time than the estimate, and a trial may take somewhat longer than its limit.
_FITTED_SHARE_OF_TIME = 1.15
#: Largest share of the limit that is reserved for fitting the best weights again with the time that they didn't have.
_BETTER_FIT_SHARE = 0.4
#: Phases of a trial that a final fit doesn't have, and phases that take as long in a short training as in a long one.
_NOT_REPEATED, _FIXED = ("compile", "measure", "validate", "save"), ("build",)
#: Phases of a trial whose time is proportional to the number of epochs.
_OF_EPOCHS = ("train", "validate")
#: Maximum share of the limit that is reserved for training the members of an ensemble again.
_MEMBERS_SHARE = 0.3
#: Shares of the limit at which the stages of a one-shot search end. The rest is for the candidates trained alone.
STAGE_SHARES = {Stage.SUPERNET: 0.5, Stage.ONE_SHOT: 0.6}
#: Smallest number of seconds that is divided by.
_LEAST = 1e-6


@dataclasses.dataclass(frozen=True)
class FinalLength:
    """The length of a final fit, which continues the training of a candidate on all rows.

    Args:
        share: Number of epochs, relative to the best epoch of the candidate.
        deadline: Value of `time.monotonic()` at which to stop, or `None` without a limit.
    """

    share: float = _MOST_FINAL
    deadline: float | None = None

    def possible_epochs(self, outcome):
        """Return the number of epochs of a candidate's training for which there is time, infinity without a deadline.

        Args:
            outcome: The `Outcome` of the candidate.
        """
        seconds = outcome.phases.get("train", 0.0)
        if self.deadline is None or not seconds:
            return math.inf
        return max(0.0, self.deadline - time.monotonic()) * (outcome.epochs - outcome.initial_epoch) / seconds


@dataclasses.dataclass
class TimeBudget:
    """Time budget of a search: the wall-clock time from the call of `fit` to its return.

    Args:
        limit: Time limit in seconds, or `None` for no limit.
        final_ratio: Time of an epoch of the final fit, relative to an epoch of the search; 0 without a final fit.
        started: Value of `time.monotonic()` when `fit` was called.
        closing: Seconds reserved at the end. Defaults to the time to write a model.
        n_networks: Number of networks that are served for a trained candidate: one for each fold. Defaults to 1.
    """

    limit: float | None
    final_ratio: float
    started: float
    closing: float = WRITING
    n_networks: int = 1

    def elapsed(self):
        """Return the seconds since the start."""
        return time.monotonic() - self.started

    def remaining(self):
        """Return the seconds left for training, or `None` without a limit."""
        if self.limit is None:
            return None
        return self.limit - min(self.closing, _MAX_CLOSING_SHARE * self.limit) - self.elapsed()

    def share_spent(self):
        """Return the elapsed share of the limit, or 0 without a limit."""
        return 0.0 if self.limit is None else self.elapsed() / self.limit

    def final_length(self, outcomes):
        """Return the `FinalLength` of the next of some final fits, which share the time that is left.

        Weights that are only fitted, such as trees, get all of the time: a part of a fit is worse than the earlier fit.
        If they didn't have the time of a full fit, they get the time that the others don't need.

        Args:
            outcomes: List of the `Outcome`s of the candidates.
        """
        remaining = self.remaining()
        if remaining is None:
            return FinalLength()
        if outcomes[0].is_fitted:
            of_others = sum(map(self.final_seconds, outcomes[1:])) if outcomes[0].time_share < 1.0 else 0.0
            return FinalLength(deadline=time.monotonic() + max(remaining - of_others, self.final_seconds(outcomes[0])))
        fixed, longest = np.transpose([self._final_seconds(outcome) for outcome in outcomes])
        share = np.clip((remaining - fixed.sum()) / max(longest.sum(), _LEAST), _LEAST_FINAL, _MOST_FINAL)
        seconds = fixed + share * longest
        return FinalLength(float(share), time.monotonic() + remaining * seconds[0] / max(seconds.sum(), _LEAST))

    def final_seconds(self, outcome):
        """Estimate the seconds of the shortest final fit of a candidate from the training of the candidate.

        Args:
            outcome: The `Outcome` of the candidate.
        """
        if not self.final_ratio or outcome.epochs == outcome.initial_epoch:
            return 0.0
        fixed, longest = self._final_seconds(outcome)
        return fixed + _LEAST_FINAL * longest

    def better_fit_seconds(self, outcome):
        """Estimate the seconds of fitting weights again with the time that they didn't have; 0 if they had all of it.

        Args:
            outcome: The `Outcome` of a candidate whose weights are only fitted.
        """
        if outcome.time_share == 1.0:
            return 0.0
        seconds = _FITTED_SHARE_OF_TIME * self.final_seconds(outcome) / outcome.time_share
        return seconds if self.limit is None else min(seconds, _BETTER_FIT_SHARE * self.limit)

    def has_time_for(self, outcome):
        """Return whether there is time for a final fit of a candidate.

        Args:
            outcome: The `Outcome` of the candidate.
        """
        return bool(self.with_time([outcome]))

    def with_time(self, outcomes):
        """Return the candidates for whose final fits there is time, a list. Earlier candidates have priority.

        Args:
            outcomes: List of the `Outcome`s of the candidates.
        """
        remaining = self.remaining()
        if remaining is None:
            return list(outcomes)
        chosen = []
        for outcome in outcomes:
            seconds = (1.0 if outcome.is_fitted else _LEAST_SHARE_OF_TIME) * self.final_seconds(outcome)
            if seconds <= remaining:
                chosen.append(outcome)
                remaining -= seconds
        return chosen

    def building_seconds(self, outcome):
        """Estimate the seconds of building the networks of a member of an ensemble, and of writing those of folds.

        Args:
            outcome: The `Outcome` of the candidate.
        """
        seconds = outcome.phases.get("build", 0.0)
        # A trial also prepares its training in this phase, which takes as long as connecting and writing a network.
        return seconds if outcome.leaves_one_out else self.n_networks * seconds

    def _final_seconds(self, outcome):
        """Return the seconds of a final fit that don't depend on its length, and of as many epochs as the best epoch.

        Weights that are only fitted are fitted again.
        """
        fixed = sum(outcome.phases.get(phase, 0.0) for phase in _FIXED)
        seconds = outcome.seconds - fixed - sum(outcome.phases.get(phase, 0.0) for phase in _NOT_REPEATED)
        if outcome.is_fitted:
            return fixed + self.final_ratio * seconds * outcome.refit_share, 0.0
        n_epochs = max(1, outcome.epochs - outcome.initial_epoch)
        return fixed, self.final_ratio * seconds * outcome.best_epoch / n_epochs

    def full_seconds(self, outcome, epochs):
        """Estimate the seconds of the rest of a full training of a candidate; 0 if its weights are fitted.

        Args:
            outcome: The `Outcome` of the candidate.
            epochs: Number of epochs of a full training.
        """
        n_epochs = outcome.epochs - outcome.initial_epoch
        if outcome.is_fitted or not n_epochs:
            return 0.0
        seconds = sum(outcome.phases.get(phase, 0.0) for phase in _OF_EPOCHS)
        return max(0, epochs - outcome.epochs) * seconds / n_epochs

    def is_too_short(self, outcome, epochs):
        """Return whether the rest of a full training of a candidate takes longer than the time that is left.

        Args:
            outcome: As in `full_seconds`.
            epochs: As in `full_seconds`.
        """
        remaining = self.remaining()
        return remaining is not None and self.full_seconds(outcome, epochs) > remaining

    def trial_seconds(self, best, first, members=()):
        """Return the maximum training time of the next trial in seconds, or `None` without a limit.

        Time is reserved for the final fit of the best trial so far, if there is time for one, and for a final fit of
        the next trial.

        Args:
            best: The `Outcome` of the best trial so far, or `None`.
            first: Whether the next trial is the first one.
            members: `Outcome`s of the trials that an ensemble would average now. At most three tenths of the limit are
                reserved for building their networks and for their final fits. Defaults to no ensemble.
        """
        remaining = self.remaining()
        if remaining is None:
            return None
        of_best = self.final_seconds(best) if best is not None and self.has_time_for(best) else 0.0
        if best is not None and best.is_fitted:
            of_best = max(_FITTED_SHARE_OF_TIME * of_best, self.better_fit_seconds(best) if of_best else 0.0)
        of_members = sum(map(self.final_seconds, filter(self.has_time_for, members)))
        if len(members) > 1 or self.n_networks > 1:
            of_members += sum(map(self.building_seconds, members))
        of_members = min(of_members, _MEMBERS_SHARE * self.limit)
        reserved = max(of_best, of_members)
        allowed = min(remaining - reserved, remaining / (1 + _LEAST_FINAL * self.final_ratio))
        return min(allowed, _FIRST_SHARE * self.limit) if first else allowed

    def stage_seconds(self, stage):
        """Return the seconds until the end of a stage of a one-shot search, or `None` without a limit.

        The number is negative if the stage is overdue.

        Args:
            stage: `"supernet"`, the training of shared weights, or `"one_shot"`, the scoring with shared weights.
        """
        return None if self.limit is None else STAGE_SHARES[stage] * self.limit - self.elapsed()
