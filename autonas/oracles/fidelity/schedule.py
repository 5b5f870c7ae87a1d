"""Training schedules: the questions of the search loop to an oracle that doesn't train all candidates in full."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from autonas.search_space.values import Scalar
from autonas.trials.stopping import Stopper


class TrainingSchedule:
    """Base class of schedules that shorten trainings.

    The search loop asks `Oracle.schedule` for one. By default no training is continued or stopped.

    Example:

    ```python
    import autonas

    class TwoEpochs(autonas.oracles.TrainingSchedule):
        continues_trainings = True

        def promotable(self):
            return ["0000"]

    assert TwoEpochs().stopper_for({}) is None
    ```
    """

    #: Whether a trial may continue the training of an earlier one, which its values name under `tuner/trial_id`.
    continues_trainings = False

    def promotable(self) -> list[str]:
        """Return the ids of the trials that a later trial may continue, the likeliest first."""
        return []

    def further_epochs(self, trial_id: str) -> int:
        """Return the number of epochs for which the next promotion of a trial would train; 0 if there is none."""
        return 0

    def set_aside(self, trial_ids: Collection[str]) -> None:
        """Exclude trials from promotions as the best of their kind, which would take too long, until the next call."""

    def finish(self) -> None:
        """Prepare for the end of the search: the remaining time is for full trainings of the best candidates."""

    def stopper_for(self, values: Mapping[str, Scalar]) -> Stopper | None:
        """Return a function that decides after each epoch of a trial whether the training continues.

        Args:
            values: Values of the trial.

        Returns:
            `None` if the trial won't be stopped. Otherwise a picklable function of the history, a list of one dict of
            numbers for each epoch. It returns `None` to continue. To stop the trial, it returns an object with a
            `forecast` of the final score, a dataclass of floats, whose text states the reason. Its method
            `scores(history)` returns the objective after each epoch, larger is better.
        """
        return None
