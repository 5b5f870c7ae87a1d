"""The inspection of a finished search: leaderboard, Pareto front, plots, report and notebook view."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from autonas.reporting import SearchInfo, TrialRecord, importance, leaderboard, plots
from autonas.reporting import report as reports
from autonas.reporting.leaderboard import pareto_front
from autonas.trials import reserved
from autonas.trials.order import winner
from autonas.trials.states import Stage

if TYPE_CHECKING:
    import pandas as pd


class InspectedModel(BaseEstimator):
    """Base class of the estimators: every method that explains a finished search.

    Plots draw into matplotlib `axes`, or into a new figure of pyplot without `axes`, and return the axes.
    """

    def leaderboard(self) -> pd.DataFrame:
        """Return all trials, the best first, and the baselines as a `pandas.DataFrame`.

        The baselines are the last rows, of stage `"baseline"`: a constant and, except for streams, a linear prediction,
        scored on the validation rows as the trials are.
        """
        check_is_fitted(self, "predictor_")
        (objective, direction), *further = self.objectives_
        return leaderboard(self._records(), objective, direction, further)

    @property
    def best_hyperparameters_(self) -> dict[str, Any]:
        """Hyperparameters of the trial that is served, of the best trial for an ensemble, a dict."""
        search, records = self._search()
        record = self._served(search, records)
        return {} if record is None else reserved.architecture(record.values)

    def pareto_front(self) -> pd.DataFrame:
        """Return the non-dominated trials: rows of `leaderboard`, sorted by the first objective.

        Raises:
            ValueError: If there was one objective.
        """
        check_is_fitted(self, "predictor_")
        if len(self.objectives_) == 1:
            raise ValueError(
                "`objective` must be a list of several for a Pareto front. "
                f"Received in fit: objective={self.objectives_[0][0]!r}"
            )
        return pareto_front(self.leaderboard(), self.objectives_)

    # ------------------------------------------------------------------ plots

    def plot_architecture(self, trial_id: str | None = None, axes: Any = None) -> Any:
        """Draw the blocks of an architecture, their decisions and their cells.

        Args:
            trial_id: `trial_id` of a row of the leaderboard. Defaults to `None`: the trial that is served.
            axes: A `matplotlib.axes.Axes`, or `None` for a new figure of the size that suits it.

        Returns:
            The axes.

        Raises:
            ValueError: If there is no such trial.
        """
        search, records = self._search()
        record = self._served(search, records)
        if trial_id is not None:
            records = [record for record in records if record.stage != Stage.BASELINE]
            record = next((record for record in records if record.trial_id == str(trial_id)), None)
        if record is None:
            known = ", ".join(record.trial_id for record in records[:5])
            raise ValueError(
                f"`trial_id` must be one of the leaderboard's, such as {known}. Received: trial_id={trial_id!r}"
            )
        return plots.plot_architecture(search, record, axes=axes)

    def plot_history(self, over: str = "trials", axes: Any = None) -> Any:
        """Draw the score of each trial and the best score so far; failed and refused trials are marked.

        Args:
            over: `"trials"` or `"seconds"`. Defaults to `"trials"`.
            axes: A `matplotlib.axes.Axes`, or `None` for a new one.

        Returns:
            The axes.
        """
        search, records = self._search()
        return plots.plot_history(search, records, over=over, axes=axes)

    def plot_curves(self, axes: Any = None) -> Any:
        """Draw the learning curve of each trial, with the best trials in colour.

        Args:
            axes: A `matplotlib.axes.Axes`, or `None` for a new one.

        Returns:
            The axes.
        """
        search, records = self._search()
        return plots.plot_curves(search, records, axes=axes)

    def plot_importance(self, axes: Any = None) -> Any:
        """Draw the importance of the decisions: the share of each decision in the variance of the score.

        See `autonas.reporting.importance.importances`. Few trials, or trials that are too similar, give no ranking.

        Args:
            axes: A `matplotlib.axes.Axes`, or `None` for a new one.

        Returns:
            The axes.
        """
        return plots.plot_importance(self._importances(), axes=axes)

    def plot_parallel(self, axes: Any = None) -> Any:
        """Draw each trial as a line through its decisions, the most important decision first, to its score.

        Args:
            axes: A `matplotlib.axes.Axes`, or `None` for a new one.

        Returns:
            The axes.
        """
        return plots.plot_parallel(*self._search(), self._importances(), axes=axes)

    def plot_pareto(self, axes: Any = None) -> Any:
        """Draw all trials by two objectives, their Pareto front, and the limits of the objectives.

        Args:
            axes: A `matplotlib.axes.Axes`, or `None` for a new one.

        Returns:
            The axes.
        """
        search, _ = self._search()
        return plots.plot_pareto(self.leaderboard(), self.pareto_front(), self.objectives_, search.limits, axes)

    # ------------------------------------------------------------------ pages

    @property
    def _repr_html_(self) -> Callable[[], str]:
        """The function that returns the HTML representation, if scikit-learn's setting `display` asks for one."""
        inner = super()._repr_html_  # Raises an error if the setting is "text".
        return inner if not hasattr(self, "search_") else self._representation

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        bundle = super()._repr_mimebundle_(**kwargs)
        if "text/html" in bundle and hasattr(self, "search_"):
            bundle["text/html"] = self._representation()
        return bundle

    def _representation(self) -> str:
        """Return the HTML representation of a fitted estimator."""
        search, records = self._search()
        arguments = f'<pre style="white-space: pre-wrap">{html.escape(repr(self))}</pre>'
        folded = f"<details><summary>arguments</summary>{arguments}</details>"
        name = type(self).__name__
        return reports.representation(name, search, records, self.stop_reason_, self.task_) + folded

    # ------------------------------------------------------------------ records

    def _records(self) -> list[TrialRecord]:
        return [TrialRecord.from_json(record) for record in self.records_]

    def _search(self) -> tuple[SearchInfo, list[TrialRecord]]:
        """Return the `SearchInfo` and the list of the records."""
        check_is_fitted(self, "predictor_")
        if not hasattr(self, "search_"):
            raise ValueError(
                f"This {type(self).__name__} was saved by a version without a description of the search, which plots "
                "and the report need. Call `fit` again; predictions, scores and the leaderboard need no description."
            )
        return SearchInfo.from_json(self.search_), self._records()

    def _served(self, search: SearchInfo, records: list[TrialRecord]) -> TrialRecord | None:
        return winner(search, records)

    def _importances(self) -> Any:
        search, records = self._search()
        return importance.importances(records, search.space, search.direction)
