"""The predictions of a fitted estimator: classes, probabilities, scores, and the importance of features."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from autonas.arguments import checks
from autonas.data import checks as data_checks
from autonas.data import interchange, is_stream
from autonas.estimators import inspection, permutation, thresholds
from autonas.objectives import goal, metrics
from autonas.prediction import predictor as predictor_module
from autonas.preparation import criteria

if TYPE_CHECKING:
    import keras


def _predicts_classes(estimator: Any) -> bool:
    if (estimator.task_ if hasattr(estimator, "task_") else estimator.known_task) == "regression":
        raise AttributeError("predict_proba exists only for classification; the task is regression")
    return True


class PredictiveModel(inspection.InspectedModel):
    """Base class of the estimators: every method that needs the predictor alone."""

    def _set_learned(self) -> None:
        """Set the attributes that follow from the predictor."""
        for name in ("classes_", "n_features_in_", "feature_names_in_", "threshold_", "model_"):
            # The attributes of an earlier fit.
            self.__dict__.pop(name, None)
        targets = list(self.predictor_.targets.values())
        single = len(targets) == 1
        self.objective_ = self.objectives_[0]
        self.task_ = targets[0].task_ if single else [target.task_ for target in targets]
        if any(target.classes_ is not None for target in targets):
            classes = [target.classes_ for target in targets]
            self.classes_ = classes[0] if single else classes
        if self.task_ == "binary":
            self.threshold_ = targets[0].threshold_
        encoders = list(self.predictor_.encoders.values())
        if len(encoders) == 1 and encoders[0].kind == "table":
            self.n_features_in_ = len(encoders[0].kinds_)
            names = encoders[0].columns_
            if names is not None and all(isinstance(name, str) for name in names):
                self.feature_names_in_ = np.array(names, dtype=object)
        elif len(encoders) == 1 and encoders[0].kind == "series" and encoders[0].columns_ is not None:
            self.n_features_in_ = len(encoders[0].columns_)
            self.feature_names_in_ = np.array(encoders[0].columns_, dtype=object)

    @functools.cached_property
    def model_(self) -> keras.Model:
        """The trained network, compiled; see `encode`."""
        return self.predictor_.compiled_network()

    def encode(self, x: Any, y: Any = None) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray] | None]:
        """Return rows and targets as the Keras model `model_` takes them.

        `model_` is compiled with Adam, the cross-entropy and the accuracy for classes, or the squared error for
        numbers. It shares its weights with this estimator: a training changes the predictions, too.

        Example:

        ```python
        import autonas
        from sklearn.datasets import load_iris

        x, y = load_iris(return_X_y=True)
        model = autonas.AutoModel(max_trials=1, epochs=1, verbose=0).fit(x, y)
        inputs, targets = model.encode(x, y)
        loss, accuracy = model.model_.evaluate(inputs, targets, verbose=0)
        ```

        Args:
            x: Rows as in `fit`, in memory.
            y: Targets as in `fit`, or the name of a column of `x`. Defaults to `None`.

        Returns:
            Tuple of a dict from the name of an input to an array, and a dict from the name of a head to an array, or
            `None` without targets. Classes are their positions in `classes_`, and numbers are standardised. The outputs
            of `model_` are standardised, too, and not clipped at a lower bound.
        """
        check_is_fitted(self, "predictor_")
        x, y = interchange.rows_and_targets(x, y)
        inputs = self.predictor_.encode(self._without_target(x), type(self).__name__)
        if y is None:
            return inputs, None
        values = predictor_module.split_inputs(y, list(self.predictor_.targets), "y")
        targets = self.predictor_.targets.items()
        return inputs, {name: target.transform(own) for (name, target), own in zip(targets, values, strict=True)}

    def predict(self, x: Any) -> Any:
        """Return predicted labels or numbers, in the form of `y` in `fit`.

        Args:
            x: Rows as in `fit`, or a `tf.data.Dataset` of rows.

        Returns:
            Array `(n,)` or `(n, columns)`; a list of arrays for several heads.
        """
        return self._per_head(self._outputs(x), lambda target, outputs: target.decode(outputs))

    @available_if(_predicts_classes)
    def predict_proba(self, x: Any) -> Any:
        """Return the probabilities of the classes.

        The probabilities of a final fit are calibrated: the scores behind the probabilities are scaled by the factor
        with the largest likelihood of the validation set (temperature scaling), if its gain is beyond chance. This
        needs arrays and the cross-entropy as loss. The threshold of two classes is an argument of the constructor.

        Example:

        ```python
        import autonas
        from sklearn.datasets import load_breast_cancer

        x, y = load_breast_cancer(return_X_y=True)
        model = autonas.AutoModel(threshold="auto", max_trials=1, epochs=1, verbose=0).fit(x, y)
        probabilities = model.predict_proba(x)
        assert (model.predict(x) == (probabilities[:, 1] > model.threshold_)).all()
        ```

        Args:
            x: Rows as in `fit`.

        Returns:
            Array `(n, n_classes)` in the order of `classes_`; a list of arrays for several heads (`None` for a head
            that predicts numbers).
        """
        return self._per_head(
            self._outputs(x),
            lambda target, outputs: None if target.task_ == "regression" else target.probabilities(outputs),
        )

    def evaluate(self, x: Any, y: Any = None) -> dict[str, float]:
        """Return the metrics of labelled rows.

        Args:
            x: Rows as in `fit`, or a `tf.data.Dataset` of rows and targets.
            y: Targets as in `fit`, or the name of a column of `x`; `None` for a dataset.

        Returns:
            Dict from metric to float. With several heads, the name of a metric begins with the name of its head.
        """
        outputs, y = self._labelled_outputs(x, y)
        targets = self.predictor_.targets
        scores = {}
        for (name, task, metric_names), value in zip(
            self.scorer_metrics_, predictor_module.split_inputs(y, list(targets), "y"), strict=True
        ):
            target = targets[name]
            truth = criteria.truth_of(target, target.transform(value))
            predictions = criteria.metric_form(target)(outputs[name])
            prefix = f"{name}_" if len(targets) > 1 else ""
            for metric in metric_names:
                scores[f"{prefix}{metric}"] = thresholds.score(
                    self._metric(metric, task), truth, predictions, target.threshold_
                )
        return scores

    def score(self, x: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the accuracy for classes, or R^2 for numbers, as in scikit-learn; the mean over several heads.

        Args:
            x: Rows as in `evaluate`.
            y: Targets as in `evaluate`.
            sample_weight: Weight of each row, `(n,)`; the weights in a dataset are ignored. Defaults to `None`: equal
                weights.
        """
        from sklearn.metrics import accuracy_score, r2_score

        outputs, y = self._labelled_outputs(x, y)
        targets, scores = self.predictor_.targets, []
        for (name, target), truth in zip(
            targets.items(), predictor_module.split_inputs(y, list(targets), "y"), strict=True
        ):
            measure = r2_score if target.task_ == "regression" else accuracy_score
            predicted = target.comparable(target.decode(outputs[name]))
            scores.append(measure(target.comparable(truth), predicted, sample_weight=sample_weight))
        return float(np.mean(scores))

    def feature_importance(
        self,
        x: Any,
        y: Any = None,
        *,
        groups: Mapping[Any, Sequence[Any]] | None = None,
        scoring: Any = None,
        n_repeats: int = 5,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Return how much worse the predictions are when a feature is permuted, the most important feature first.

        A feature is a column of a table, a channel of series, or one of several inputs. Use rows that weren't trained
        on. If several features carry the same information, permuting one of them changes little, and each seems
        unimportant. Pass such features as one group in `groups`.

        Example:

        ```python
        import autonas
        from sklearn.datasets import load_iris

        x, y = load_iris(return_X_y=True, as_frame=True)
        model = autonas.AutoModel(max_trials=1, epochs=1, verbose=0).fit(x[::2], y[::2])
        print(model.feature_importance(x[1::2], y[1::2]))
        ```

        Args:
            x: Rows as in `evaluate`.
            y: Targets as in `evaluate`.
            groups: Dict from the name of a group to the columns of `x` that are permuted together. Defaults to `None`:
                every column alone.
            scoring: A scorer of scikit-learn or its name, such as `"roc_auc"`. Defaults to `None`: `score`, the
                accuracy or R^2.
            n_repeats: Number of permutations of each feature. Defaults to 5.
            seed: Seed of the permutations. Defaults to 0.

        Returns:
            DataFrame with the columns `feature`, `importance`, the mean decrease of the score, and
            `standard_deviation`, over the permutations.

        Raises:
            ValueError: If `x` has no features that can be permuted, or `groups` names other columns.
        """
        check_is_fitted(self, "predictor_")
        checks.check_integer("n_repeats", n_repeats, 1, "a positive number of permutations")
        checks.check_integer("seed", seed, 0, "a non-negative integer")
        x, y = interchange.rows_and_targets(x, y)
        if is_stream(x):
            raise ValueError("`x` must be arrays or a DataFrame to be permuted. Received: a tf.data.Dataset")
        rows, score, names = self._explained(x, y, scoring)
        if isinstance(rows, list):
            if groups is not None:
                raise ValueError("`groups` must be None for several inputs, each of which is permuted as a whole.")
            parts: Any = permutation.parts_of_several(rows, list(self.predictor_.encoders))
        else:
            parts = permutation.parts_of(rows, groups, names)
        return permutation.importances(parts, score, rows, n_repeats, seed)

    def _explained(self, x: Any, y: Any, scoring: Any) -> tuple[Any, Callable[[Any], float], list[Any] | None]:
        """Return the rows to permute, a list for several inputs, their score, and the names of the columns."""
        from sklearn.metrics import check_scoring

        encoders = self.predictor_.encoders
        inputs = predictor_module.split_inputs(x, list(encoders))
        if len(inputs) == 1:
            inputs = permutation.permutable(inputs[0], *encoders.values())
        scorer = check_scoring(self, scoring)
        return inputs, lambda rows: scorer(self, rows, y), None

    def _outputs(self, x: Any) -> dict[str, np.ndarray]:
        check_is_fitted(self, "predictor_")
        x = self._without_target(interchange.converted_rows(x))
        if is_stream(x):
            return self.predictor_.stream_outputs(x, type(self).__name__)[0]
        return self.predictor_.outputs(x, type(self).__name__)

    def _without_target(self, x: Any) -> Any:
        """Return rows without the column that held the targets in `fit`."""
        column = getattr(self, "target_column_", None)
        return x.drop(columns=column, errors="ignore") if isinstance(x, pd.DataFrame) and column is not None else x

    def _labelled_outputs(self, x: Any, y: Any) -> tuple[dict[str, np.ndarray], Any]:
        """Return the outputs of the network and the targets; `x` holds both if it is a dataset."""
        check_is_fitted(self, "predictor_")
        x, y = interchange.rows_and_targets(x, y)
        if not is_stream(x):
            if y is None:
                raise ValueError("`y` must be given, except for a tf.data.Dataset of rows and targets.")
            outputs = self._outputs(x)
            n_rows = len(next(iter(outputs.values())))
            for values in predictor_module.split_inputs(y, list(self.predictor_.targets), "y"):
                received = data_checks.number_of_rows(values, "y")
                if received != n_rows:
                    raise ValueError(
                        f"`y` must have as many rows as `x`. Received: {n_rows} rows in x and {received} in y"
                    )
            return outputs, y
        if y is not None:
            raise ValueError(
                f"`y` must be None for a tf.data.Dataset, which holds it. Received: y of type {type(y).__name__}"
            )
        return self.predictor_.stream_outputs(x, type(self).__name__, labelled=True)

    def _metric(self, name: str, task: str) -> metrics.Metric:
        """Return a metric by its name, for a task.

        Raises:
            ValueError: If the metric is a function that the estimator was saved without.
        """
        objective = goal.wanted(self.objective, self.strategy)
        own = metrics.by_name(self.metrics) | metrics.by_name(goal.own_metrics(objective))
        try:
            return metrics.get_metric(own.get(name, name), task)
        except ValueError as error:
            raise ValueError(
                f"`evaluate` needs the function {name!r}, which isn't saved with a model. Give it again: "
                f"`model.set_params(metrics=[{name}])`."
            ) from error

    def _per_head(self, outputs: dict[str, np.ndarray], convert: Callable[[Any, np.ndarray], Any]) -> Any:
        values = [convert(target, outputs[name]) for name, target in self.predictor_.targets.items()]
        return values[0] if len(values) == 1 else values
