"""What a fitted estimator shows of its search: what was tried, the front, plots."""

import keras_tuner
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from autonas.objectives import front
from autonas.reporting import TrialRecord, leaderboard, plots


class InspectedModel(BaseEstimator):
    """Base class of the estimators: all that explains a search that has ended."""

    def leaderboard(self):
        """All trials, best first, as a `pandas.DataFrame`."""
        check_is_fitted(self, "predictor_")
        return leaderboard([TrialRecord.from_json(record) for record in self.records_], *self.objectives_[0])

    def pareto_front(self):
        """The trials that no other beats in all objectives: rows of `leaderboard`, the best by the first one first.

        Raises:
            ValueError: If there was one objective.
        """
        check_is_fitted(self, "predictor_")
        if len(self.objectives_) == 1:
            raise ValueError(
                "`objective` must be a list of several for a Pareto front. "
                f"Received in fit: objective={self.objectives_[0][0]!r}"
            )
        board = self.leaderboard()
        board = board[(board.stage == "search") & (board.status == "completed")]
        if "tuner/epochs" in board:  # Of low fidelity: what was trained less isn't comparable.
            board = board[board["tuner/epochs"] == board["tuner/epochs"].max()]
        objectives = [keras_tuner.Objective(*each) for each in self.objectives_]
        return board[front.front(board.to_dict("records"), objectives)].reset_index(drop=True)

    def plot_pareto(self, axes=None):
        """Draws all trials by two objectives, and their Pareto front; needs matplotlib.

        Args:
            axes: A `matplotlib.axes.Axes`, or `None` for a new one.

        Returns:
            The axes.
        """
        return plots.plot_pareto(self.leaderboard(), self.pareto_front(), self.objectives_, self.constraints, axes)
