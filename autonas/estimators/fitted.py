"""The methods of a fitted estimator that need no search: models of trials, ensembles, export and saving."""

from __future__ import annotations

import copy
import os
import pathlib
from typing import TYPE_CHECKING, Any

import pandas as pd
from sklearn.utils.validation import check_is_fitted

from autonas import exports
from autonas.arguments import checks
from autonas.costs.orientation import oriented
from autonas.data import interchange, is_stream
from autonas.estimators import persistence, predictive, tags, thresholds
from autonas.prediction import predictor as predictor_module
from autonas.reporting import report as reports
from autonas.search_space import fitters
from autonas.trials import lock
from autonas.trials.states import Stage, Status

if TYPE_CHECKING:
    import keras

    from autonas.data import TargetEncoder
    from autonas.exports import Export
    from autonas.preparation.arrays import Prepared


class FittedModel(predictive.PredictiveModel):
    """Base class of the estimators: every method that needs no search."""

    def leaderboard(self, x: Any = None, y: Any = None) -> pd.DataFrame:
        """Return all trials, the best first, and the baselines as a `pandas.DataFrame`.

        The baselines are the last rows, of stage `"baseline"`: a constant and a linear prediction, scored on the
        validation rows as the trials are.

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
            ImportError: If Plotly is needed and not installed.
        """
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

    def model_of(self, trial_id: str) -> FittedModel:
        """Return a copy of this estimator that serves a trial of the search, with the weights of its score.

        The copy predicts, evaluates, exports and is saved like this estimator. Its `model_` is the network of the
        trial. A trial whose weights the search doesn't keep is trained again in the same way. No network is trained on
        all rows. This needs the search of `fit`, which a pickled or loaded copy lacks.

        Example:

        ```python
        second = model.model_of(model.leaderboard().trial_id[1])
        ```

        Args:
            trial_id: `trial_id` of a completed trial of the leaderboard.

        Raises:
            ValueError: If there is no such trial, or this object is a pickled or loaded copy.
        """
        check_is_fitted(self, "predictor_")
        prepared, search = self._search_of_fit("model_of")
        trials = {record.trial_id: record for record in search.standings.completed()}
        record = trials.get(str(trial_id))
        if record is None:
            raise ValueError(
                f"`trial_id` must be a completed trial of the leaderboard, such as {', '.join(list(trials)[:5])}. "
                f"Received: trial_id={trial_id!r:.60}"
            )
        copied = copy.copy(self)
        with lock.held(search.state.directory):
            network = as_served(prepared, search.network_of(record), is_refitted=False)
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

    def get_models(self, k: int = 1) -> list[FittedModel]:
        """Return the models of the best trials, the best first; see `model_of`.

        Args:
            k: Number of trials at most. Defaults to 1.
        """
        check_is_fitted(self, "predictor_")
        checks.check_integer("k", k, 1, "a positive number of models")
        _, search = self._search_of_fit("get_models")
        return [self.model_of(record.trial_id) for record in search.standings.ranked()[: int(k)]]

    def _point(self, limits: dict[str, float]) -> str:
        """Return the `trial_id` of the best point of the front within limits; see `select`."""
        points, directions = self.pareto_front(), dict(self.objectives_)
        unknown = next((name for name in limits if name not in directions), None)
        if unknown is not None:
            raise ValueError(f"`select` takes limits of {', '.join(directions)}. Received: {unknown}")
        within = points
        for name, limit in limits.items():
            within = within[oriented(within[name], directions[name]) >= oriented(limit, directions[name])]
        if within.empty:
            spans = [f"{name} from {points[name].min():.4g} to {points[name].max():.4g}" for name in directions]
            raise ValueError(f"`select` finds no point within {limits}. The front has {'; '.join(spans)}.")
        by = next((name for name in directions if name not in limits), next(iter(directions)))
        return within.loc[oriented(within[by], directions[by]).idxmax()].trial_id

    def serve_ensemble(self, k: int = 5) -> FittedModel:
        """Serve an average of several candidates instead of the best candidate, without searching again.

        The members are selected by their predictions for the validation set, so that the objective is best; see
        `autonas.search.ensembles.select` for the paper. On the validation set the ensemble is never worse than the best
        candidate. The members are then trained on all rows as in `fit`, without a time limit; with `refit=False` they
        keep their weights of the search. The network in `model_` averages their probabilities or numbers, and all
        methods work as before. `constraints` hold for the ensemble: a candidate that would violate a constraint is left
        out. Of a continued training, only the last trial is considered. With several objectives, the first objective
        that depends on training decides. This needs the search of `fit`, which a pickled or loaded copy lacks; see
        `select`.

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
        with lock.held(search.state.directory):
            served = search.serve_ensemble(int(k))
            self._serve(prepared, search, served)
        if self.verbose:
            print(f"Ensemble in {served.record.seconds:.0f} s: {served.record.message}")
        return self

    def _search_of_fit(self, name: str) -> tuple[Any, Any]:
        """Return the `Prepared` problem and the `Tuner` of `fit`.

        Raises:
            ValueError: If this object was loaded or pickled. The message names the method `name`.
        """
        if not hasattr(self, "_searched"):
            raise ValueError(
                f"`{name}` trains a network, and this {type(self).__name__} has no rows: it was loaded. Call `fit` "
                f"with the data of the search and directory={self.directory_!r}: it reads the finished search."
            )
        return self._searched

    def export_model(self) -> keras.Model:
        """Return one self-contained `keras.Model` from raw rows to probabilities or numbers in the target's units.

        The model consists of Keras's own layers: `keras.models.load_model` loads its file in a process without
        autonas. The inputs of a DataFrame are a dict by column, with dates as seconds since 1970.

        Example:

        ```python
        import autonas
        from sklearn.datasets import load_iris

        x, y = load_iris(return_X_y=True)
        networks = {"structured_data_block_1/kind": "dense"}
        model = autonas.AutoModel(hyperparameters=networks, max_trials=1, epochs=1, verbose=0).fit(x, y)
        network = model.export_model()  # and on in Keras
        network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        network.fit(x, y, epochs=2, verbose=0)
        ```
        """
        check_is_fitted(self, "predictor_")
        return self.make_export()

    def make_export(self, strings: bool = True, float64: bool = True) -> keras.Model:
        """Return the model to export; see `Predictor.export` for the arguments."""
        return self.predictor_.export(strings, float64)

    def export(self, path: str | os.PathLike, x: Any = None) -> Export:
        """Write a self-contained model to a file that needs no autonas, run the file, and compare its outputs.

        The outputs of the file in its run time must be the outputs of the estimator, for up to 32 rows of `fit`,
        validation rows if there are any. Otherwise nothing is written. The model takes any number of raw rows, and
        returns probabilities, or numbers in the target's units.

        A file is replaced in one step: if the process is killed, the earlier file or the new file is there. A code book
        never stands beside a file to which it doesn't belong: the earlier code book is moved away before the file is
        replaced. An earlier SavedModel is moved to a folder `.<name>.earlier` beside it before the new SavedModel gets
        its name; if the process is killed in between, the next `export` to the same path moves it back first.

        | `path` | run time | strings |
        | --- | --- | --- |
        | `"model.keras"` | Keras, on any of its backends; with strings on TensorFlow's | as they are |
        | `"saved_model/"`, a folder | TensorFlow (Serving): one signature, `"serving_default"` | as they are |
        | `"model.onnx"` | ONNX Runtime | up to 100 categories as they are, texts as ids |
        | `"model.tflite"` | LiteRT, once TensorFlow Lite | as codes and ids |

        - Images and series are one input `(n, ...)`, uint8 or float32 as in `fit`, series padded with NaN.
        - An array of numbers is one input `(n, columns)` of float32.
        - A DataFrame is an input `(n,)` for each column: numbers and booleans float32 (missing: NaN), dates int64,
          seconds since 1970 (missing: -2^63), strings (missing: `""`).
        - One head is the output `"output"`, `"output_0"` in a SavedModel; several heads are outputs by their names,
          `(n, n_outputs)`. Two classes are one column, the probability of the second class.
        - Codes and ids are int32 `(n,)` and `(n, length)`. Their code book is the file `model.onnx.codes.json` beside
          the model: a dict from input to the rules of `Encoder.code_book`. The `"codes"` of a category are 0 for all
          other values. For ids, the ASCII letters of a text are lowered and its ASCII punctuation is deleted. The words
          between white space are cut to the `"length"`, and all substrings of three characters to `"n_trigrams"`. The
          word or trigram at position p of `"words"` or `"trigrams"`, from 0, has the id p + 2; others have the id 1;
          the rest is filled with 0. A column of more than 100 categories counts as a text: its code comes first, then
          the ids of words, then the ids of trigrams, as far as the code book has them.
        - LiteRT has no 64-bit numbers for dates, and takes some networks with one row at a time only: see `inputs` of
          the returned object. Characters in names other than letters, digits and `_` become `_`.

        Args:
            path: Path of the file or folder. Its suffix is the format.
            x: Rows to compare on, as `predict` takes them. Required for an estimator that was saved with
                `examples=False`. Defaults to `None`: rows of `fit`.

        Returns:
            An `autonas.exports.Export`, which can be used as a path, with the largest difference, inputs and outputs.

        Raises:
            ValueError: If the path has another suffix or is taken by another file or folder, or there are no rows to
                compare on.
            ImportError: If the run time isn't installed; the message says which package to install.
            ExportFailed: If the run time lacks an operation, or its outputs differ. Nothing is written then.
        """
        check_is_fitted(self, "predictor_")
        return exports.export(self, path, None if x is None else self._raw_rows(x))

    def _raw_rows(self, x: Any) -> Any:
        """Return the rows of `x` as the encoders take them."""
        return interchange.converted(x)

    def save(self, path: str | os.PathLike, examples: bool = True) -> None:
        """Write the fitted estimator to a folder.

        The folder holds everything that predictions, scores and the leaderboard need, without constructor arguments
        that are objects (a graph of blocks, an oracle, functions). An estimator that is loaded without such an argument
        can predict, but can't be fitted again.

        By default the folder also holds data of `fit`: up to 32 raw rows, on which `export` compares what it writes,
        and the true labels of up to 5,000 validation rows beside the predictions, which `report` draws. Texts of the
        data, such as words, categories and labels, are part of the encoding and are always in the folder.

        A model that is in the folder already is replaced at once: a process that is killed at any moment, or a full
        disk, leaves the earlier model or the new one. Other files in the folder aren't touched.

        Example:

        ```python
        model.save("folder", examples=False)
        model = autonas.AutoModel.load("folder")
        ```

        Args:
            path: The folder. It is created if it doesn't exist.
            examples: Whether to save rows of `fit` and true labels. Without these rows, `export` of the loaded
                estimator needs its argument `x`, and `report` says that no predictions are kept. Defaults to `True`.

        Raises:
            ValueError: If the folder holds a file `"estimator.json"` that isn't the one of a saved model.
            OSError: If a file can't be written.
        """
        check_is_fitted(self, "predictor_")
        persistence.save(self, path, examples)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Any:
        """Return the fitted estimator of a folder that `save` wrote, in any process.

        No code in the folder is run, and no other file is opened: all objects are estimators of autonas, layers of
        Keras without code, or of classes that you have registered with `keras.saving.register_keras_serializable`. A
        folder that a subclass of yours has saved is loaded by the subclass: `MyModel.load(path)`.

        Args:
            path: The folder.

        Returns:
            An estimator of the class that was saved.

        Raises:
            FileNotFoundError: If there is no saved model.
            ValueError: If a file is damaged, of another version, a link, or holds a class that isn't accepted. The
                message names the file.
        """
        return persistence.load(cls, path)

    def __getstate__(self) -> dict[str, Any]:
        # A pickled copy has no search: the search holds the rows of `fit`.
        # Its `model_` is made from its predictor again, so that both share their weights.
        return {name: value for name, value in super().__getstate__().items() if name not in ("_searched", "model_")}

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "predictor_")

    def __sklearn_tags__(self) -> Any:
        return tags.set_tags(super().__sklearn_tags__(), self)


def as_served(prepared: Prepared, network: keras.Model, is_refitted: bool) -> keras.Model:
    """Return the network that is served for a trained one, without the weights and layers that only training needs."""
    network = fitters.reduced(predictor_module.without_training_parts(network))
    return network if prepared.as_served is None else prepared.as_served(network, is_refitted)
