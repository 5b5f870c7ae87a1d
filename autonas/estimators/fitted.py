"""What an estimator can do once it is fitted: predict, score, export, be saved."""

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from autonas import exports
from autonas.arguments import checks
from autonas.costs.orientation import oriented
from autonas.data import is_stream, masks
from autonas.estimators import inspection, persistence, tags
from autonas.prediction import predictor as predictor_module
from autonas.preparation import arrays
from autonas.search import ensembles
from autonas.trials import lock


def _predicts_classes(estimator):
    if (estimator.task_ if hasattr(estimator, "task_") else estimator.given_task) == "regression":
        raise AttributeError("predict_proba exists only for classification; the task is regression")
    return True


class FittedModel(inspection.InspectedModel):
    """Base class of the estimators: all that needs no search."""

    def _set_learned(self):
        """Attributes that follow from the predictor."""
        for name in ("classes_", "n_features_in_", "feature_names_in_"):
            # Those of an earlier fit.
            self.__dict__.pop(name, None)
        targets = list(self.predictor_.targets.values())
        single = len(targets) == 1
        self.model_ = self.predictor_.network
        self.objective_ = self.objectives_[0]
        self.task_ = targets[0].task_ if single else [target.task_ for target in targets]
        if any(target.classes_ is not None for target in targets):
            classes = [target.classes_ for target in targets]
            self.classes_ = classes[0] if single else classes
        encoders = list(self.predictor_.encoders.values())
        if len(encoders) == 1 and encoders[0].kind == "table":
            self.n_features_in_ = len(encoders[0].kinds_)
            names = encoders[0].columns_
            if names is not None and all(isinstance(name, str) for name in names):
                self.feature_names_in_ = np.array(names, dtype=object)

    def predict(self, x):
        """Labels, or numbers, in the form of `y` in `fit`.

        Args:
            x: Rows as in `fit`, or a `tf.data.Dataset` of them.

        Returns:
            Array `(n,)` or `(n, columns)`; a list of them for several heads.
        """
        return self._per_head(self._outputs(x), lambda target, outputs: target.decode(outputs))

    @available_if(_predicts_classes)
    def predict_proba(self, x):
        """Probabilities of the classes.

        Args:
            x: Rows as in `fit`.

        Returns:
            Array `(n, n_classes)` in the order of `classes_`; a list of them for several heads (`None` for numbers).
        """
        return self._per_head(
            self._outputs(x),
            lambda target, outputs: None if target.task_ == "regression" else target.probabilities(outputs),
        )

    def evaluate(self, x, y=None):
        """Metrics on labelled rows.

        Args:
            x: Rows as in `fit`, or a `tf.data.Dataset` of rows and targets.
            y: Targets as in `fit`; `None` for a dataset.

        Returns:
            Dict from metric to float; names begin with the head's if there are several.
        """
        outputs, y = self._labelled_outputs(x, y)
        targets = self.predictor_.targets
        scores = {}
        for (name, task, metrics), value in zip(
            self.scorer_metrics_, predictor_module.split_inputs(y, list(targets), "y"), strict=True
        ):
            target = targets[name]
            truth = arrays.truth_of(target, target.transform(value))
            predictions = arrays.metric_form(target)(outputs[name])
            prefix = f"{name}_" if len(targets) > 1 else ""
            for metric in metrics:
                scores[f"{prefix}{metric}"] = arrays.metric_of(self, metric, task)(truth, predictions)
        return scores

    def score(self, x, y=None, sample_weight=None):
        """Accuracy of classes, R^2 of numbers, as in scikit-learn; the mean over several heads.

        The arguments are those of `evaluate`, and the weights of rows, which a dataset's own don't stand for.
        """
        from sklearn.metrics import accuracy_score, r2_score

        outputs, y = self._labelled_outputs(x, y)
        targets = list(self.predictor_.targets.values())
        names = list(self.predictor_.targets)
        predicted = self._per_head(outputs, lambda target, values: target.decode(values))
        predicted = [predicted] if len(targets) == 1 else predicted
        scores = [
            (r2_score if target.task_ == "regression" else accuracy_score)(truth, guess, sample_weight=sample_weight)
            for target, truth, guess in zip(
                targets, predictor_module.split_inputs(y, names, "y"), predicted, strict=True
            )
        ]
        return float(np.mean(scores))

    def _point(self, limits):
        """The trial of the front that `select` is asked for."""
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

    def ensemble(self, k=5):
        """Serves an average of several candidates instead of the best one, without searching again.

        They are chosen by what they predict for the validation rows, so that the objective is best; see
        `autonas.search.ensembles.select`, which names the paper. It is never worse there than the best candidate. Each
        is then trained on all rows as `fit` does (with `refit=False` it has the weights that were scored), in whatever
        time it takes, and one network averages what they say: probabilities, or numbers. It is in `model_`; all that
        can be done with the estimator works as before. `constraints` hold for it: a candidate that would break one is
        left out. After a search by short trainings, only the candidates that were trained farthest count; of several
        objectives, the first one that training changes. What a search needs to be remembered for this is what `select`
        needs, too: a loaded object can't.

        Args:
            k: Number of networks at most. Defaults to 5.

        Returns:
            self. `ensemble_` is the list of pairs of trial and weight, `best_score_` the score of the ensemble on the
            validation rows, and a row of the leaderboard, of stage `"ensemble"`, has its scores, costs and seconds.

        Raises:
            ValueError: If `k` is wrong, or there is nothing to choose from or by.
        """
        check_is_fitted(self, "predictor_")
        checks.check_integer("k", k, 1, "a number of networks of at least 1")
        prepared, search, directory, refits = self._search_at_hand("ensemble")
        with lock.held(directory):
            network, record = ensembles.EnsembleStage(search).serve(int(k), refits)
            self._serve(prepared, search, network, record, record, directory)
        if self.verbose:
            print(f"Ensemble in {record.seconds:.0f} s: {record.message}")
        return self

    def _search_at_hand(self, name):
        """The search that has been made by this object; an error, which the method `name` raises, if there is none."""
        if not hasattr(self, "_searched"):
            raise ValueError(
                f"`{name}` trains a network, and this {type(self).__name__} has no rows: it was loaded. Call `fit` "
                f"with the data of the search and directory={self.directory_!r}: it reads the finished search."
            )
        return self._searched

    def export_model(self):
        """One self-contained `keras.Model`: raw rows in, probabilities or numbers in the target's units out.

        It is made of Keras's own layers: `keras.models.load_model` reads what its `save` wrote in a process that
        doesn't know autonas. A DataFrame's columns are a dict of inputs by name, dates as seconds since 1970.
        """
        check_is_fitted(self, "predictor_")
        return self.make_export()

    def make_export(self, strings=True, float64=True):
        """The model that is exported; see `Predictor.export` for the arguments."""
        return self.predictor_.export(strings, float64)

    def export(self, path, x=None):
        """Writes a self-contained model to a file that needs no autonas, runs it there, and compares.

        What the file's run time says of up to 32 rows of `fit`, validation rows if there are any, must be what the
        estimator says; else nothing is written. Rows are raw, in any number at a time; probabilities, or numbers in
        the target's units, come out.

        A file is replaced at once: whatever happens to the process, the earlier file or the new one is there. A code
        book is never beside a file that it doesn't belong to: the earlier one is put aside before the file is
        replaced. So is an earlier SavedModel, in a folder `.<name>.earlier` beside it, before the new one gets its
        name; if the process is killed in between, the next `export` to the same place puts it back first.

        | `path` | run time | strings |
        | --- | --- | --- |
        | `"model.keras"` | Keras, on any of its backends; with strings on TensorFlow's | as they are |
        | `"saved_model/"`, a folder | TensorFlow (Serving): one signature, `"serving_default"` | as they are |
        | `"model.onnx"` | ONNX Runtime | categories as they are, texts as ids |
        | `"model.tflite"` | LiteRT, once TensorFlow Lite | as codes and ids |

        - Images and series are one input `(n, ...)`, uint8 or float32 as in `fit`, series padded with NaN.
        - An array of numbers is one input `(n, columns)` of float32.
        - A DataFrame is an input `(n,)` for each column: numbers and booleans float32 (missing: NaN), dates int64,
          seconds since 1970 (missing: -2^63), strings (missing: `""`).
        - Several heads are several outputs by their names, `(n, n_outputs)`. Two classes are one column, the
          probability of the second.
        - Codes and ids are int32 `(n,)` and `(n, length)`, by the code book that is written beside the file as
          `model.onnx.codes.json`: by input, a dict of `"codes"` of a category, 0 for all others, or the `"words"` and
          the `"length"` of a text, whose ASCII letters are lowered and ASCII punctuation deleted before it is split at
          white space and cut to the length. The word at position p, from 0, has the id p + 2, others 1; 0 fills up.
        - LiteRT has no 64-bit numbers for dates, and of some networks takes one row at a time: `inputs` of what is
          returned says so. Other characters than letters, digits and `_` in names become `_` there.

        Args:
            path: File, or folder. Its suffix says the format.
            x: Rows, as `predict` takes them, to compare on instead. Needed by an estimator that was saved with
                `examples=False`. Defaults to `None`: rows of `fit`.

        Returns:
            An `autonas.exports.Export`, which can be used as a path: the largest difference, inputs and outputs.

        Raises:
            ValueError: If the path isn't one of these, or is taken by something else, or there are no rows to compare
                on.
            ImportError: If the run time isn't installed; the message says what to install.
            ExportFailed: If the run time lacks an operation, or says something else. Nothing is written then.
        """
        check_is_fitted(self, "predictor_")
        return exports.export(self, path, None if x is None else self._raw_rows(x))

    def _raw_rows(self, x):
        """Return the rows of `x` as the encoders take them."""
        return x

    def save(self, path, examples=True):
        """Write the fitted estimator to a folder.

        The folder holds everything that predictions, scores and the leaderboard need. Constructor arguments that are
        objects (a graph of blocks, an oracle, functions) are left out: a loaded estimator predicts, but can't be
        fitted again.

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
    def load(cls, path):
        """Return the fitted estimator of a folder that `save` wrote, in any process.

        Nothing in the folder is run, and no file outside of it is opened: the classes that are made are the estimators
        of autonas, layers of Keras that hold no code, and classes that you have registered with
        `keras.saving.register_keras_serializable`. A folder that was saved by a subclass of yours is loaded by that
        class: `MyModel.load(path)`.

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

    def _outputs(self, x):
        check_is_fitted(self, "predictor_")
        if is_stream(x):
            return self.predictor_.stream_outputs(x, type(self).__name__)[0]
        return self.predictor_.outputs(x, type(self).__name__)

    def _labelled_outputs(self, x, y):
        """The network's outputs and the targets, which come from the dataset if `x` is one."""
        check_is_fitted(self, "predictor_")
        if not is_stream(x):
            if y is None:
                raise ValueError("`y` must be given, except for a tf.data.Dataset of rows and targets.")
            masks.refuse_masked(y, "y")
            return self._outputs(x), y
        if y is not None:
            raise ValueError(
                f"`y` must be None for a tf.data.Dataset, which holds it. Received: y of type {type(y).__name__}"
            )
        return self.predictor_.stream_outputs(x, type(self).__name__, labelled=True)

    def _per_head(self, outputs, convert):
        values = [convert(target, outputs[name]) for name, target in self.predictor_.targets.items()]
        return values[0] if len(values) == 1 else values

    def __getstate__(self):
        # The search, whose rows `select` trains on, stays with the object that has searched.
        return {name: value for name, value in super().__getstate__().items() if name != "_searched"}

    def __sklearn_is_fitted__(self):
        return hasattr(self, "predictor_")

    def __sklearn_tags__(self):
        return tags.set_tags(super().__sklearn_tags__(), self)
