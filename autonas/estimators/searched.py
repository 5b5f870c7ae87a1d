"""Estimators with their search: the models of trials, the serving of another model, and the report."""

from __future__ import annotations

import copy
import math
import os
import pathlib
from typing import TYPE_CHECKING, Any

import pandas as pd
from sklearn.utils.validation import check_is_fitted

from autonas import oracles
from autonas.arguments import checks
from autonas.backends import keras_defaults
from autonas.costs.orientation import oriented
from autonas.data import interchange, is_stream
from autonas.estimators import arguments as arguments_module
from autonas.estimators import fitted, thresholds
from autonas.prediction import predictor as predictor_module
from autonas.reporting import report as reports
from autonas.search_space.fitted import fitters
from autonas.trials import lock
from autonas.trials.states import Stage, Status

if TYPE_CHECKING:
    import keras

    from autonas.data import TargetEncoder
    from autonas.preparation.arrays import Prepared
    from autonas.search.final_stage import Served
    from autonas.search.tuner import Tuner


class SearchedModel(fitted.FittedModel):
    """Base class of the estimators: every method that reads the search of `fit`.

    A pickled or loaded copy has no search: methods that need one raise a `ValueError` that names `reopen`.
    """

    directory_: str
    stop_reason_: str | None
    #: Run directory whose search `fit` reads without further trials, or `None`.
    _reopened: str | None = None

    def reopen(self, x: Any, y: Any = None, **arguments: Any) -> SearchedModel:
        """Read the finished search of the run directory, without further trials.

        A pickled or loaded copy has no rows and trials, which `select`, `get_models`, `model_of` and `serve_ensemble`
        need. The parameters of the estimator and the model that it serves stay as they are, and nothing is written.

        The run directory is that of `fit`. If it was moved, call `copy.set_params(directory="moved").reopen(x, y)`.

        A drawn graph, and an objective or oracle that is an object, isn't saved with a model. A loaded copy needs these
        arguments again before: `copy.set_params(inputs=inputs, outputs=outputs).reopen(x, y)`.

        Args:
            x: Rows as in `fit`, the same as in the search.
            y: Targets as in `fit`, the same as in the search.
            **arguments: Further arguments of `fit`, the same as in the search.

        Returns:
            self.

        Raises:
            ValueError: If the rows or arguments aren't those of the search, an argument isn't saved with a model, or
                this object isn't fitted.
            FileNotFoundError: If the run directory doesn't hold the search any more.

        Example:

        ```python
        import autonas
        from sklearn.datasets import load_iris

        x, y = load_iris(return_X_y=True)
        model = autonas.AutoModel(max_trials=2, epochs=1, verbose=0).fit(x, y)
        model.save("model")
        copy = autonas.AutoModel.load("model").reopen(x, y)
        second = copy.get_models(2)[1]
        ```
        """
        check_is_fitted(self, "predictor_")
        directories = [os.fspath(path) for path in (self.directory_, self.directory) if path is not None]
        found = [path for path in directories if (pathlib.Path(path) / "journal.jsonl").exists()]
        if not found:
            raise FileNotFoundError(
                f"`directory_` must be a run directory with the search. Received: {self.directory_!r}, which has no "
                "journal.jsonl. A relative path is that of the working directory of `fit`. If the run directory was "
                "moved, call `set_params(directory=...)` first."
            )
        arguments_module.check_objects(self, "reopen")
        self._reopened = found[0]
        try:
            self.fit(x, y, **arguments)
        finally:
            del self._reopened
        return self

    def leaderboard(self, x: Any = None, y: Any = None) -> pd.DataFrame:
        """Return all trials, the best first, and the baselines as a `pandas.DataFrame`.

        The baselines are the last rows, of stage `"baseline"`: a constant and, except for streams, a linear prediction,
        scored on the validation rows as the trials are. `autonas.reporting.leaderboard` describes the columns.

        Args:
            x: Rows that no trial has seen, as in `evaluate`. With them, the table has a column `test_<metric>` for
                every metric of `evaluate`: of the model that is served, and of the trials whose weights the search
                keeps, the best one or the best few. This needs the search of `fit`, which a pickled or loaded copy
                lacks. Defaults to `None`: no such columns.
            y: Targets as in `evaluate`. Defaults to `None`.
        """
        frame = super().leaderboard()
        if x is None:
            return frame
        _, search = self._search_of_fit("leaderboard")
        own = Stage.ENSEMBLE if hasattr(self, "ensemble_") else Stage.FINAL
        scores = {}
        for row in frame[frame.status == Status.COMPLETED].itertuples():
            if row.stage == own:
                scores[row.Index] = self.evaluate(x, y)
            elif row.stage == Stage.SEARCH and search.state.weights.exists(row.trial_id):
                scores[row.Index] = self.model_of(row.trial_id).evaluate(x, y)
        columns = pd.DataFrame.from_dict(scores, orient="index").reindex(frame.index).add_prefix("test_")
        position = list(frame.columns).index("standard_error") + 1
        for offset, name in enumerate(columns):
            frame.insert(position + offset, name, columns[name])
        return frame

    def report(self, path: str | os.PathLike, x: Any = None, y: Any = None, *, interactive: bool = False) -> None:
        """Write a report of the search as one self-contained HTML page.

        The report has a summary in words, the architecture that is served, the history, the importance of the
        decisions, all trials, the Pareto front, predictions, the use of the time, failures with their reasons, the
        search space, settings and environment. With labelled rows it explains the model, too: its metrics on these
        rows, the importance of the features, and the metrics of the best trials in the leaderboard.

        Example:

        ```python
        import autonas
        from sklearn.datasets import load_iris

        x, y = load_iris(return_X_y=True, as_frame=True)
        model = autonas.AutoModel(max_trials=1, epochs=1, verbose=0).fit(x[::2], y[::2])
        model.report("report.html", x[1::2], y[1::2])
        ```

        Args:
            path: Path of the file, such as `"report.html"`. Missing folders are created, an existing file is replaced.
            x: Rows that no trial has seen, as in `evaluate`. Defaults to `None`: no explanation by such rows.
            y: Targets as in `evaluate`. Defaults to `None`.
            interactive: Whether the scores, the learning curves, the decisions and the Pareto front are charts that can
                be hovered over and zoomed, drawn by Plotly, which the file of 2 MB contains. Requires the extra
                `autonas[interactive]`. Defaults to `False`.

        Raises:
            ValueError: If `path` is a folder.
            ImportError: If Plotly is needed and not installed.
        """
        if os.path.isdir(path):
            raise ValueError(
                f"`path` must be a file, such as 'report.html'. Received: path={os.fspath(path)!r:.200}, a folder"
            )
        search, records = self._search()
        several = len(self.objectives_) > 1
        written = reports.report(
            search,
            records,
            self.stop_reason_,
            explanation=self._explanation(x, y),
            front=self.pareto_front() if several else None,
            objectives=self.objectives_,
            # The predictions for a stream aren't kept.
            predictions=getattr(self, "validation_predictions_", None),
            is_interactive=interactive,
        )
        pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
        pathlib.Path(path).write_text(written, encoding="utf-8")

    def _explanation(self, x: Any, y: Any) -> reports.Explanation:
        """Return the `Explanation` of the model by labelled rows, or without rows."""
        threshold = None
        if getattr(self, "threshold_", thresholds.DEFAULT) != thresholds.DEFAULT:
            origin = "chosen by the validation set" if self.threshold == "auto" else "the argument `threshold`"
            threshold = (
                f"The class {self.classes_[1]} is predicted above a probability of {self.threshold_:.3g}, {origin}."
            )
        if x is None:
            return reports.Explanation(self.leaderboard(), threshold)
        # A loaded estimator has the predictor only.
        board = self.leaderboard(x, y) if hasattr(self, "_searched") else self.leaderboard()
        kinds = [encoder.kind for encoder in self.predictor_.encoders.values()]
        has_features = len(kinds) > 1 or kinds[0] in ("table", "series")
        features = self.feature_importance(x, y) if has_features and not is_stream(interchange.converted(x)) else None
        return reports.Explanation(board, threshold, self.evaluate(x, y), features)

    @keras_defaults.scope()
    def model_of(self, trial_id: str) -> SearchedModel:
        """Return a copy of this estimator that serves a trial of the search, with the weights of its score.

        The copy predicts, evaluates, exports and is saved like this estimator. Its `model_` is the network of the
        trial. A trial whose weights the search doesn't keep is trained again in the same way. No network is trained on
        all rows. This needs the search of `fit`, which a pickled or loaded copy lacks.

        Example:

        ```python
        board = model.leaderboard().set_index("rank")
        second = model.model_of(board.trial_id[2])
        ```

        Args:
            trial_id: `trial_id` of a completed candidate of the leaderboard, of stage `"search"`.

        Raises:
            ValueError: If there is no such candidate, or this object is a pickled or loaded copy.
        """
        check_is_fitted(self, "predictor_")
        prepared, search = self._search_of_fit("model_of")
        trials = {record.trial_id: record for record in search.standings.completed()}
        record = trials.get(str(trial_id))
        if record is None:
            completed = f"such as {', '.join(list(trials)[:5])}" if trials else "of which this search has none"
            raise ValueError(
                f"`trial_id` must be a completed candidate of the leaderboard, {completed}. The final fit and the "
                f"ensemble are served by `fit` or `serve_ensemble`. Received: trial_id={trial_id!r:.60}"
            )
        copied = copy.copy(self)
        with lock.held(search.project_dir):
            network = _as_served(prepared, search.serving.network_of(record), is_refitted=False)
        copied.search_ = {**self.search_, "served": record.trial_id}
        copied.best_score_, copied.history_ = record.score, record.history
        kept = search.state.kept_predictions(record.trial_id)
        copied.validation_predictions_ = [] if kept is None else search.evaluator.problem.predictions_of_heads(kept)
        copied.__dict__.pop("ensemble_", None)
        copied.predictor_ = predictor_module.Predictor(
            network, prepared.encoders, copied._with_threshold(prepared.targets)
        )
        copied._set_learned()
        return copied

    def get_models(self, k: int = 1) -> list[SearchedModel]:
        """Return the models of the best trials, the best first; see `model_of`.

        Example:

        ```python
        best, second = model.get_models(2)
        ```

        Args:
            k: Number of trials at most. Defaults to 1.
        """
        check_is_fitted(self, "predictor_")
        checks.check_integer("k", k, 1, "a positive number of models")
        _, search = self._search_of_fit("get_models")
        return [self.model_of(record.trial_id) for record in search.standings.ranked()[: int(k)]]

    @keras_defaults.scope()
    def select(self, **limits: float) -> SearchedModel:
        """Serve another point of the Pareto front of several objectives, without searching again.

        Among the candidates of the front that satisfy all limits, the best by the first objective without a limit is
        selected, and trained on all rows as in `fit`. This needs the encoded rows of `fit`, which this object keeps and
        a pickled or loaded copy lacks. For a copy call `reopen` first.

        Example:

        ```python
        model = autonas.AutoModel(objective=["val_accuracy", "latency_ms"]).fit(x, y)
        model.select(latency_ms=4)
        ```

        Args:
            **limits: Limit of an objective by its name, such as `select(latency_ms=4)`: the largest value of an
                objective that is minimised, the smallest value of an objective that is maximised.

        Returns:
            self.

        Raises:
            ValueError: If there is one objective only, if no point of the front satisfies the limits, or if this object
                is a pickled or loaded copy.
        """
        trial_id = self._point(limits)
        prepared, search = self._search_of_fit("select")
        with lock.held(search.project_dir):
            self._serve(prepared, search, search.serving.another(trial_id))
        return self

    def _point(self, limits: dict[str, float]) -> str:
        """Return the `trial_id` of the best point of the front within limits; see `select`."""
        check_is_fitted(self, "predictor_")
        if len(self.objectives_) == 1:
            raise ValueError(
                "`select` needs several objectives, because it serves a point of their Pareto front. Received in fit: "
                f"objective={self.objectives_[0][0]!r}"
            )
        points, directions = self.pareto_front(), dict(self.objectives_)
        if points.empty:
            raise ValueError(
                "`select` needs a point of the Pareto front. The front is empty, because no candidate keeps to "
                f"constraints={self.constraints!r}. Relax the constraints, and call `fit` with another `directory`."
            )
        unknown = next((name for name in limits if name not in directions), None)
        if unknown is not None:
            raise ValueError(f"`select` takes limits of {', '.join(directions)}. Received: {unknown}")
        within = points
        for name, limit in limits.items():
            if not checks.is_number(limit) or math.isnan(limit):
                raise ValueError(f"A limit of `select` must be a number. Received: {name}={limit!r:.100}")
            within = within[oriented(within[name], directions[name]) >= oriented(limit, directions[name])]
        if within.empty:
            spans = [f"{name} from {points[name].min():.4g} to {points[name].max():.4g}" for name in directions]
            raise ValueError(f"`select` finds no point within {limits}. The front has {'; '.join(spans)}.")
        by = next((name for name in directions if name not in limits), next(iter(directions)))
        return within.loc[oriented(within[by], directions[by]).idxmax()].trial_id

    @keras_defaults.scope()
    def serve_ensemble(self, k: int = 5) -> SearchedModel:
        """Serve an average of several candidates instead of the best candidate, without searching again.

        The members are selected from up to 25 of the best trials by their predictions for the validation set. The
        selection minimises the loss for classes. For numbers, and for a combined objective, it uses the objective; with
        several objectives, the first one that depends on training. See `autonas.search.ensembles.select` for the paper.
        With 500 validation rows or more, or folds, the ensemble is never worse by this loss or objective than the best
        candidate. The members are then trained on all rows as in `fit`, without a time limit; with `refit=False` they
        keep their weights of the search. The network in `model_` averages their probabilities or numbers, and all
        methods work as before. `constraints` hold for the ensemble: a candidate that would violate a constraint is left
        out. Of a continued training, only the last trial is considered. This needs the search of `fit`, which a pickled
        or loaded copy lacks; see `reopen`.

        Args:
            k: Maximum number of members. Defaults to 5.

        Returns:
            self. `ensemble_` is the list of pairs of trial and weight, `best_score_` the score of the ensemble on the
            validation set, and a row of the leaderboard with the stage `"ensemble"` has its scores, costs and seconds.

        Raises:
            ValueError: If `k` is not a positive integer, or no candidate has predictions or a score to select by.
        """
        check_is_fitted(self, "predictor_")
        checks.check_integer("k", k, 1, "a number of networks of at least 1")
        prepared, search = self._search_of_fit("serve_ensemble")
        with lock.held(search.project_dir):
            served = search.serving.ensemble(int(k))
            self._serve(prepared, search, served)
        if self.verbose:
            print(f"Ensemble in {served.record.seconds:.0f} s: {served.record.message}")
        return self

    def _serve(self, prepared: Prepared, search: Tuner, served: Served) -> None:
        """Learn the attributes of the network that is served, and save the estimator in the folder of the run."""
        record, trial = served.record, served.trial
        network = _as_served(prepared, served.network, served.is_refitted)
        self.scorer_metrics_ = [
            (head.name, head.task, [metric.name for metric in head.metrics]) for head in prepared.scorer.heads
        ]
        self.records_ = [trial_record.to_json() for trial_record in search.records.values()]
        self.objectives_ = [(objective.name, objective.direction) for objective in prepared.goal.objectives]
        self.stop_reason_ = search.state.stop_reason
        self.best_score_ = trial.score
        self.search_["served"] = served.trial_id
        self.history_ = record.history
        self.validation_predictions_ = search.serving.final_stage.predictions
        self.directory_ = search.state.directory
        targets = self._with_threshold(prepared.targets)
        self.predictor_ = predictor_module.Predictor(network, prepared.encoders, targets)
        for name in ("one_shot_correlation_", "ensemble_", "source_", "unsaved_arguments_"):
            self.__dict__.pop(name, None)  # The attribute of an earlier fit.
        if served.is_ensemble:
            self.ensemble_ = list(trial.report["members"].items())
        if isinstance(search.oracle.one_shot, oracles.WeightSharingOracle):
            self.one_shot_correlation_ = search.oracle.one_shot.rank_correlation
        self._searched = (prepared, search)
        self._set_learned()
        self.save(os.path.join(search.project_dir, "model"))

    def _with_threshold(self, targets: dict[str, TargetEncoder]) -> dict[str, TargetEncoder]:
        """Return the target encoders of a model, that of two classes with the threshold of the validation set."""
        if self.threshold == thresholds.DEFAULT:
            return targets
        ((name, target),) = targets.items()
        target = copy.copy(target)
        if self.threshold != "auto":
            target.threshold_ = float(self.threshold)
        elif self.validation_predictions_:
            (head,) = self.validation_predictions_
            ((_, task, known),) = self.scorer_metrics_
            objective = self.objectives_[0][0].removeprefix("val_")
            metric = self._metric(objective if objective in known else "balanced_accuracy", task)
            target.threshold_ = thresholds.best_threshold(head.truth, head.outputs, metric)
        return {name: target}

    def _search_of_fit(self, name: str) -> tuple[Any, Any]:
        """Return the `Prepared` problem and the `Tuner` of `fit`.

        Raises:
            ValueError: If this object was loaded or pickled. The message names the method `name`.
        """
        if not hasattr(self, "_searched"):
            raise ValueError(
                f"`{name}` needs the rows and trials of `fit`, and this {type(self).__name__} has none: it was loaded "
                "or pickled. Call `reopen` with the data of the search."
            )
        return self._searched


def _as_served(prepared: Prepared, network: keras.Model, is_refitted: bool) -> keras.Model:
    """Return the network that is served for a trained one, without the weights and layers that only training needs."""
    network = fitters.reduced(predictor_module.without_training_parts(network))
    return network if prepared.as_served is None else prepared.as_served(network, is_refitted)
