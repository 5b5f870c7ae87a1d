"""What a fitted estimator shows of its search: what was tried, the front, plots, a report, a notebook's view of it."""

import html
import pathlib

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from autonas.reporting import SearchInfo, TrialRecord, importance, leaderboard, plots
from autonas.reporting import report as reports
from autonas.reporting.leaderboard import pareto_front
from autonas.trials.order import winner
from autonas.trials.states import Stage


class InspectedModel(BaseEstimator):
    """Base class of the estimators: all that explains a search that has ended.

    The plots draw into matplotlib `axes`, or open a figure of pyplot if there are none, and return the axes.
    """

    def leaderboard(self):
        """Return all trials, the best first, and the baselines as a `pandas.DataFrame`.

        The baselines are the last rows, of stage `"baseline"`: a constant and a linear prediction, scored on the
        validation rows as the trials are.
        """
        check_is_fitted(self, "predictor_")
        return leaderboard(self._records(), *self.objectives_[0], self.objectives_[1:])

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
        return pareto_front(self.leaderboard(), self.objectives_)

    # ------------------------------------------------------------------ plots

    def plot_architecture(self, trial_id=None, axes=None):
        """Draws the blocks of an architecture, what was decided in each, and the cells inside of them.

        Args:
            trial_id: `trial_id` of a row of the leaderboard. Defaults to `None`: what is served.
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

    def plot_history(self, over="trials", axes=None):
        """Draws the score of each trial, and the best so far; failed and refused trials are marked.

        Args:
            over: `"trials"` or `"seconds"`. Defaults to `"trials"`.
            axes: A `matplotlib.axes.Axes`, or `None` for a new one.

        Returns:
            The axes.
        """
        return plots.plot_history(*self._search(), over=over, axes=axes)

    def plot_curves(self, axes=None):
        """Draws the learning curve of each trial, those of the best in colour.

        Args:
            axes: A `matplotlib.axes.Axes`, or `None` for a new one.

        Returns:
            The axes.
        """
        return plots.plot_curves(*self._search(), axes=axes)

    def plot_importance(self, axes=None):
        """Draws which decisions matter: the share of each in what varies in the score.

        See `autonas.reporting.importance.importances`. Of few trials, or much alike ones, nothing is said.

        Args:
            axes: A `matplotlib.axes.Axes`, or `None` for a new one.

        Returns:
            The axes.
        """
        return plots.plot_importance(self._importances(), axes=axes)

    def plot_parallel(self, axes=None):
        """Draws each trial as a line through its decisions, the most important first, to its score.

        Args:
            axes: A `matplotlib.axes.Axes`, or `None` for a new one.

        Returns:
            The axes.
        """
        return plots.plot_parallel(*self._search(), self._importances(), axes=axes)

    def plot_pareto(self, axes=None):
        """Draws all trials by two objectives, their Pareto front, and the limits of the two objectives.

        Args:
            axes: A `matplotlib.axes.Axes`, or `None` for a new one.

        Returns:
            The axes.
        """
        search, _ = self._search()
        return plots.plot_pareto(self.leaderboard(), self.pareto_front(), self.objectives_, search.limits, axes)

    # ------------------------------------------------------------------ pages

    def report(self, path):
        """Writes all that is to be known of the search as one HTML page, which needs nothing else to be read.

        It holds a summary in words, the architecture that is served, the course of the search, which decisions matter,
        all trials, the front, predictions, where the time went, what failed and why, the space, settings and
        environment.

        Args:
            path: Name of the file, such as `"report.html"`; it is replaced if there is one.
        """
        search, records = self._search()
        several = len(self.objectives_) > 1
        written = reports.report(
            search,
            records,
            self.stop_reason_,
            self.pareto_front() if several else None,
            self.objectives_,
            # Those of a stream aren't kept.
            getattr(self, "validation_predictions_", None),
        )
        pathlib.Path(path).write_text(written, encoding="utf-8")

    @property
    def _repr_html_(self):
        """As scikit-learn's, which is there or not by its setting `display`."""
        inner = super()._repr_html_  # Raises where it isn't to be there.
        return inner if not hasattr(self, "search_") else self._representation

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        if "text/html" in bundle and hasattr(self, "search_"):
            bundle["text/html"] = self._representation()
        return bundle

    def _representation(self):
        """What a notebook shows of a fitted estimator."""
        search, records = self._search()
        arguments = f'<pre style="white-space: pre-wrap">{html.escape(repr(self))}</pre>'
        folded = f"<details><summary>arguments</summary>{arguments}</details>"
        name = type(self).__name__
        return reports.representation(name, search, records, self.stop_reason_, self.task_) + folded

    # ------------------------------------------------------------------ parts

    def _records(self):
        return [TrialRecord.from_json(record) for record in self.records_]

    def _search(self):
        """What was searched, and the records of its trials."""
        check_is_fitted(self, "predictor_")
        return SearchInfo.from_json(self.search_), self._records()

    def _served(self, search, records):
        return winner(search, records)

    def _importances(self):
        search, records = self._search()
        return importance.importances(records, search.space, search.direction)
