"""Trained candidates in memory, with their models and compiled training loops."""

import dataclasses
import functools

import keras

from autonas.evaluation import loops

#: Number of the best candidates that stay in memory.
_MOST_KEPT = 4


@dataclasses.dataclass
class Weights:
    """The weights of a trained candidate.

    Args:
        scored: List of the weights with the scores.
        initial: List of the values of all variables before the training.
        final: List of the weights for training and validation rows together, if they are fitted beside the others,
            otherwise `None`. Defaults to `None`.
    """

    scored: list
    initial: list
    final: list | None = None


@dataclasses.dataclass
class Trained:
    """A trained model in memory, with its compiled training loop and the scores of its weights.

    Args:
        trial_id: Id of the trial.
        scores: Dict from metric to score.
        model: The model.
        loop: The training loop of the model.
        weights: The `Weights`.
        learning_rate: Learning rate before the training.
        costs: Dict from cost to number.
    """

    trial_id: str
    scores: dict
    model: keras.Model
    loop: loops.TrainingLoop
    weights: Weights
    learning_rate: float
    costs: dict


class TrainedCandidates:
    """The best trained candidates of a search, and the latest one.

    Args:
        goal: The `Goal` of the search.
    """

    def __init__(self, goal):
        self.goal = goal
        self._best = []
        #: The `Trained` of the latest candidate, or `None`.
        self.latest = None

    def __getstate__(self):
        """Return the state for other processes, without models."""
        return self.__dict__ | {"_best": [], "latest": None}

    def add(self, trained):
        """Add the latest `Trained`. The best candidates stay; of training loops that hold rows, only the best one."""
        self.latest = trained
        is_better = self.goal.is_better

        def order(one, other):
            return is_better(other.scores, one.scores) - is_better(one.scores, other.scores)

        ranked = sorted([*self._best, trained], key=functools.cmp_to_key(order))
        self._best = ranked[:1] + [other for other in ranked[1:_MOST_KEPT] if not other.loop.holds_rows]

    def get(self, trial_id):
        """Return the `Trained` of a trial, or `None` if the trial isn't in memory."""
        in_memory = [*self._best, self.latest]
        return next((trained for trained in in_memory if trained is not None and trained.trial_id == trial_id), None)

    def remove(self, trained):
        """Remove the latest candidate, and a `Trained` if there is one, whose model is about to change."""
        self.latest = None
        self._best = [other for other in self._best if other is not trained]

    def clear(self):
        """Remove all candidates, to free their memory."""
        self._best, self.latest = [], None
