"""Fitter of gradient boosted trees."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import threadpoolctl

from autonas.search_space.fitted import boosting_speed, tree_fitter, trees
from autonas.search_space.fitted.fitters import Rows

#: Number of iterations without improvement of the loss of the validation set after which the boosting stops.
_PATIENCE = 20
#: Number of values of the training rows from which several threads fit the trees.
_VALUES_PER_THREAD = 5_000_000
#: Number of iterations for which there is to be time. Else a random sample of the rows is fitted.
_WANTED = 100
#: Factor of the iterations in the final fit if there was no time for more of them: the loss was still falling.
_MORE_ITERATIONS = 2
#: Number of values of a smaller sample by which the time of many rows is estimated, and its smallest number of rows,
#: which is also the smallest number of rows for early stopping.
_SAMPLED_VALUES, _FEWEST_ROWS = 500_000, 10_000
#: Number of trees, after the first iteration, from which the time of further ones is estimated on the sample.
_PILOT_TREES = 10
#: Share of the sample by which the part of the time is estimated that doesn't depend on the number of rows.
_SHARE_OF_SAMPLE = 0.25
#: Largest share of the time left for the estimate on the sample.
_MOST_OF_PILOT = 0.15
#: Losses of scikit-learn by the name of the loss of a head.
LOSSES = {
    "mean_squared_error": "squared_error",
    "mean_absolute_error": "absolute_error",
    "binary_crossentropy": "log_loss",
    "sparse_categorical_crossentropy": "log_loss",
    "categorical_crossentropy": "log_loss",
}
#: Smallest score of a class without training rows, as a share of the rows.
_UNSEEN = 0.5


@dataclasses.dataclass(frozen=True)
class _Fit:
    """Fit of the trees of one of scikit-learn's estimators.

    Args:
        used: Number of iterations up to the best one.
        fitted: Number of iterations.
        wanted: Largest number of iterations.
        seconds: Seconds of the fit.
    """

    used: int
    fitted: int
    wanted: int
    seconds: float

    @property
    def is_cut(self) -> bool:
        """Whether the time cut the fit short."""
        return self.used + _PATIENCE > self.fitted < self.wanted

    @property
    def unused_seconds(self) -> float:
        """Seconds of the iterations after the best one."""
        return self.seconds * (self.fitted - self.used) / max(1, self.fitted)


class Boosting(tree_fitter.TreeFitter):
    """Histogram gradient boosting that sets the trees of a `trees.Walk`."""

    def fit(
        self, training: Rows, validation: Rows, generator: np.random.Generator, deadline: float | None = None
    ) -> dict[str, Any]:
        n_iterations = [self.walk.forest.n_iterations] * self._n_estimators
        started = time.monotonic()
        fits = self._fit(training, validation, n_iterations, generator, deadline)
        seconds = time.monotonic() - started
        of_unused, of_cut = sum(fit.unused_seconds for fit in fits), sum(fit.seconds for fit in fits if fit.is_cut)
        choices: dict[str, Any] = {"iterations": [fit.used for fit in fits]}
        choices |= {"refit_share": self.refit_share(seconds, of_unused)} | self.text_choices
        if of_cut:
            choices["is_cut"] = [fit.is_cut for fit in fits]
            choices["time_share"] = seconds / (seconds + (_MORE_ITERATIONS - 1) * of_cut)
        return choices

    def refit(
        self,
        training: Rows,
        choices: dict[str, Any],
        generator: np.random.Generator,
        deadline: float | None = None,
    ) -> None:
        n_iterations = chosen = choices["iterations"]
        if "is_cut" in choices:
            more = [min(self.walk.forest.n_iterations, _MORE_ITERATIONS * number) for number in chosen]
            n_iterations = np.where(choices["is_cut"], more, chosen).tolist()
        fits = self._fit(training, None, n_iterations, generator, deadline, n_text_parts=choices.get("n_text_parts"))
        self.iterations_share = min(1.0, sum(fit.fitted for fit in fits) / max(1, sum(chosen)))

    @property
    def _n_estimators(self) -> int:
        """Number of scikit-learn's estimators, of which one has all classes."""
        return 1 if self.task == "multiclass" else self.walk.forest.n_outputs

    @property
    def _n_trees(self) -> int:
        """Number of trees of an iteration of one estimator."""
        return self.walk.forest.n_outputs if self.task == "multiclass" else 1

    def _fit(
        self,
        training: Rows,
        validation: Rows | None,
        n_iterations: list[int],
        generator: np.random.Generator,
        deadline: float | None,
        n_text_parts: int | None = None,
    ) -> list[_Fit]:
        """Fit the trees of all outputs.

        Args:
            training: The training rows.
            validation: The validation rows for early stopping, or `None` for exactly `n_iterations`.
            n_iterations: List of the largest number of iterations of each estimator.
            generator: A `numpy.random.Generator`.
            deadline: Value of `time.monotonic()`, or `None`.
            n_text_parts: See `TreeFeatures.fit`. Defaults to `None`.

        Returns:
            List of the `_Fit` of each estimator.
        """
        seed = int(generator.integers(2**31))
        n_rows, speed = len(training.targets), None
        if deadline is not None:
            training, speed = self._affordable_rows(training, n_iterations, seed, deadline)
        self.rows_share = len(training.targets) / n_rows
        training, bins = _binned(self.features.fit(training, generator, deadline, n_text_parts))
        stopping = None
        if validation is not None:
            validation = self.features.transform(validation)
            validation = dataclasses.replace(validation, inputs=bins.transform(validation.inputs))
            # The rows for early stopping are predicted in each iteration.
            n_stopping = len(validation.targets) * len(training.targets) // n_rows
            stopping = validation.some(max(_FEWEST_ROWS, n_stopping), seed)
        ensembles: list[Sequence[Any]] = []
        base, fits = [], []
        for column, wanted in enumerate(n_iterations):
            started = time.monotonic()
            end = None if deadline is None else started + (deadline - started) / (len(n_iterations) - column)
            with _threads(training.inputs.size):
                by_output, base_of_one, n_fitted = self._boosted(
                    _with_column(training, column),
                    None if stopping is None else _with_column(stopping, column),
                    wanted,
                    seed,
                    boosting_speed.TimeLimit(end, speed),
                )
            ensembles += by_output
            base += list(base_of_one)
            fits.append(_Fit(max(map(len, by_output)), n_fitted, wanted, time.monotonic() - started))
        first = np.array(base)
        self.walk.set([[trees.Tree.of_boosting(tree, bins) for tree in output] for output in ensembles], first)
        self.validated = None if validation is None else trees.predictions(ensembles, first, validation.inputs)
        return fits

    def _affordable_rows(
        self, training: Rows, n_iterations: list[int], seed: int, deadline: float
    ) -> tuple[Rows, boosting_speed.Speed | None]:
        """Return training rows, all of them or a random sample for which there is time.

        A few iterations on all rows are worse than many on some rows.

        Args:
            training: The training rows.
            n_iterations: As in `_fit`.
            seed: Seed of the sample.
            deadline: As in `_fit`.

        Returns:
            Tuple of the rows and the `Speed` of a fit; `None` for few rows, which are quickly measured themselves.
        """
        n_rows = max(_FEWEST_ROWS, _SAMPLED_VALUES // training.inputs.shape[1])
        if len(training.targets) <= 2 * n_rows:
            return training, None
        started = time.monotonic()
        sample = self.features.fit(training.some(n_rows, seed), np.random.default_rng(seed), deadline)
        sample, _ = _binned(sample)
        of_bins = time.monotonic() - started
        sample = _with_column(sample, 0)
        if not self._varies(sample):
            return training, None
        with _threads(training.inputs.size):
            speed = self._speed_of(sample, seed, deadline)
        of_all = speed.of_several(len(n_iterations), of_bins * speed.n_rows / n_rows)
        possible = of_all.rows(min(_WANTED, max(n_iterations)), deadline - time.monotonic())
        return training.some(max(n_rows, possible), seed), speed

    def _speed_of(self, sample: Rows, seed: int, deadline: float) -> boosting_speed.Speed:
        """Return the speed on a sample, or on fewer of its rows if the sample takes much of the time."""

        def measured(rows: Rows) -> boosting_speed.Speed:
            left = deadline - time.monotonic()
            return boosting_speed.Speed.of(
                self._estimator(rows, seed), rows, max(1, _PILOT_TREES // self._n_trees), left
            )

        few = sample.some(int(_SHARE_OF_SAMPLE * len(sample.targets)), seed)
        started = time.monotonic()
        if not self._varies(few):
            return measured(sample)
        smaller = measured(few)
        of_sample = (time.monotonic() - started) / _SHARE_OF_SAMPLE
        if of_sample > _MOST_OF_PILOT * (deadline - started):
            return smaller
        return measured(sample).beside(smaller)

    def _varies(self, rows: Rows) -> bool:
        """Return whether rows can be fitted: the rows of a classification need two classes."""
        return self.task == "regression" or len(np.unique(rows.targets)) > 1

    def _boosted(
        self, training: Rows, validation: Rows | None, n_iterations: int, seed: int, limit: boosting_speed.TimeLimit
    ) -> tuple[Sequence[Sequence[Any]], np.ndarray, int]:
        """Fit the trees of one estimator.

        Returns:
            For each output the list of scikit-learn's trees, for each output the number that is added to them, and the
            number of iterations, of which the best ones have these trees.
        """
        n_outputs = self._n_trees
        is_regression = self.task == "regression"
        classes = np.empty(0, int) if is_regression else np.unique(training.targets).astype(int)
        if len(classes) == 1:
            return [[] for _ in range(n_outputs)], _log_shares(training, n_outputs), n_iterations
        estimator = self._estimator(training, seed)
        if validation is not None and not is_regression:
            validation = validation.where(np.isin(validation.targets, classes))
        if validation is not None and not len(validation.targets):
            validation = None
        limit.fit(estimator, training, validation, n_iterations)
        if validation is not None:
            n_iterations = int(np.argmax(estimator.validation_score_))
        n_fitted = estimator.n_iter_
        by_output = list(zip(*estimator._predictors[:n_iterations], strict=True))
        by_output = by_output or [()] * estimator.n_trees_per_iteration_
        base = estimator._baseline_prediction.ravel()
        if self.task != "multiclass" or len(by_output) == n_outputs:
            return by_output, base, n_fitted
        return *_spread(by_output, base, classes, _log_shares(training, n_outputs)), n_fitted

    def _estimator(self, training: Rows, seed: int) -> Any:
        """Return the unfitted estimator of scikit-learn for training rows with the numbers of bins."""
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        # Few rows have few bins. Histograms of empty bins of thousands of columns would take most of the time.
        n_bins = 1 + int(np.nanmax(training.inputs, initial=1.0))
        arguments = self.settings | {
            "categorical_features": None,
            "early_stopping": False,
            "n_iter_no_change": _PATIENCE,
            "tol": 0.0,
            "max_bins": n_bins,
            "random_state": seed,
        }
        if self.task == "regression":
            return HistGradientBoostingRegressor(**arguments)
        return HistGradientBoostingClassifier(**arguments)


def _threads(n_values: int) -> Any:
    """Return the context in which scikit-learn uses one thread for few values, and all cores for many values.

    The threads wait for each other several times in each node. With few values they mostly wait, most of all where
    other programs, or other trials, use the cores.
    """
    return threadpoolctl.threadpool_limits(1 if n_values < _VALUES_PER_THREAD else None, user_api="openmp")


def _with_column(rows: Rows, column: int) -> Rows:
    """Return rows with one column of their targets."""
    return dataclasses.replace(rows, targets=rows.targets.reshape(len(rows.targets), -1)[:, column])


def _binned(rows: Rows) -> tuple[Rows, trees.Bins]:
    """Return rows of features with the numbers of the bins of their features, and the bins."""
    bins = trees.Bins(rows.inputs)
    return dataclasses.replace(rows, inputs=bins.transform(rows.inputs)), bins


def _log_shares(rows: Rows, n_classes: int) -> np.ndarray:
    """Return the logarithm of the share of each class in the rows. A class without rows counts as half a row.

    With one output, the value is the logarithm of the odds of class 1.
    """
    counts = np.bincount(rows.targets.astype(int), rows.weights, max(2, n_classes))
    shares = np.log(np.maximum(counts, _UNSEEN) / counts.sum())
    return shares if n_classes > 1 else shares[1:] - shares[:1]


def _spread(
    by_output: Sequence[Sequence[Any]], base: np.ndarray, classes: np.ndarray, unseen: np.ndarray
) -> tuple[Sequence[Sequence[Any]], np.ndarray]:
    """Return the trees and numbers of all classes, where the training rows have two of them or not all.

    Args:
        by_output: For each output of scikit-learn the list of its trees.
        base: Number of each output of scikit-learn.
        classes: Numbers of the classes of the training rows.
        unseen: Number of each class without training rows.
    """
    spread: list[Sequence[Any]] = [[] for _ in unseen]
    first = np.array(unseen, float)
    if len(classes) == 2:  # One output, the logarithm of the odds of the second class.
        first[classes] = 0.0, base[0]
        spread[classes[1]] = by_output[0]
        return spread, first
    for output, number in enumerate(classes):
        spread[number], first[number] = by_output[output], base[output]
    return spread, first
