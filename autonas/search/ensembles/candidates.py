"""Candidates for the selection of an ensemble: the best trials and their predictions for the validation set."""

import functools
import itertools
from collections.abc import Callable

import numpy as np

from autonas.data import dataset
from autonas.search import calibration
from autonas.search.searched_networks import SearchedNetworks
from autonas.search.state import SearchState
from autonas.trials.records import TrialRecord

#: Maximum number of candidates: the best ones by their own scores.
_MAX_CANDIDATES = 25


class Candidates:
    """Candidates for an ensemble: the best trials that no later trial continues.

    Args:
        state: The `SearchState` of a finished search.
        searched: The `SearchedNetworks` of the search.
    """

    def __init__(self, state: SearchState, searched: SearchedNetworks) -> None:
        self.state = state
        self.searched = searched
        self.problem = state.evaluator.problem

    def predictions(
        self, is_allowed: Callable[[str], bool] = lambda trial_id: True, required: bool = True
    ) -> dict[str, dict[str, np.ndarray]]:
        """Return the predictions of each candidate by its trial, the best first.

        Args:
            is_allowed: Function from the id of a trial to whether the trial is a candidate. Defaults to all trials.
            required: Whether an error is raised if there are no predictions. Defaults to `True`.
        """
        if self.problem.goal.scores:
            raise ValueError(
                "`serve_ensemble` averages predictions, and can't compute the CustomScore "
                f"{self.problem.goal.scores[0].name!r} from them."
            )
        is_better = self.problem.goal.is_better_epoch

        def order(one: TrialRecord, other: TrialRecord) -> int:
            return is_better(other.metrics, one.metrics) - is_better(one.metrics, other.metrics)

        records = sorted(self.state.standings.separate(), key=functools.cmp_to_key(order))
        pairs = (
            (record.trial_id, self._calibrated(record, kept))
            for record in records
            if is_allowed(record.trial_id) and (kept := self._predictions_of(record)) is not None
        )
        kept_predictions = dict(itertools.islice(pairs, _MAX_CANDIDATES))
        if required and not kept_predictions:
            raise ValueError(
                "`serve_ensemble` needs the predictions of completed candidates for the validation set, in the folder "
                "`predictions` of the search. There are none: the predictions for a tf.data.Dataset aren't saved, or "
                "no candidate satisfies the constraints, or the files were deleted or damaged."
            )
        return kept_predictions

    def _predictions_of(self, record: TrialRecord) -> dict[str, np.ndarray] | None:
        """Return the predictions of a candidate from their file, or by its weights; `None` without either."""
        in_memory = isinstance(self.problem.dataset, dataset.ArrayDataset)
        if in_memory and self.state.weights.exists(record.trial_id):
            return self.searched.predictions(record)
        return self.state.kept_predictions(record.trial_id)

    def _calibrated(self, record: TrialRecord, predictions: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the predictions of a candidate as sure as those of the network that would be served.

        The weight of a member depends on its log loss.
        """
        if self.problem.serves_folds or not self.searched.has_smoothed_labels(record):
            return predictions
        return calibration.scaled(predictions, calibration.factors(self.problem, lambda: predictions))
