"""Fitter of means of extremely randomised trees."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from keras import ops

from autonas.search_space import losses
from autonas.search_space.fitted import tree_fitter, trees
from autonas.search_space.fitted.fitters import Rows

#: Number of trees that are fitted first. The seconds of further trees are estimated by them.
_PILOT = 5
#: Number of training rows from which on each forest is fitted to a random sample. More rows than some dozens for each
#: leaf improve the leaves' values little.
_MOST_ROWS = 100_000
#: Largest number of values of the rows of a forest, 400 MB.
_MOST_VALUES = 10**8
#: Number of values of the training rows from which on all cores fit the trees.
_VALUES_PER_THREAD = 1_000_000
#: Names of the losses of a head that the trees minimise.
LOSSES = ("mean_squared_error", *losses.OF_CLASSES)
#: Smallest share of a class without training rows, in rows, and smallest probability of a network that isn't fitted.
_UNSEEN, _TINY = 0.5, 1e-7


class Averaging(tree_fitter.TreeFitter):
    """Mean of extremely randomised trees that sets the trees of a `trees.Walk`."""

    @property
    def most_rows(self) -> int:  # type: ignore[override]
        return min(_MOST_ROWS, _MOST_VALUES // self.features.width)

    def scores(self, means: Any) -> Any:
        """Return the outputs for the sums of the trees: the logarithms of probabilities, or of odds, or the numbers."""
        if self.task == "regression":
            return means
        logarithms = ops.log(ops.maximum(means, _TINY))
        return logarithms if self.task == "multiclass" else logarithms - ops.log(ops.maximum(1.0 - means, _TINY))

    def fit(
        self, training: Rows, validation: Rows, generator: np.random.Generator, deadline: float | None = None
    ) -> dict[str, Any]:
        started = time.monotonic()
        choices = {"trees": self._fit(training, validation, self.walk.forest.n_trees, generator, deadline)}
        if not self.text_choices:
            return choices
        return choices | self.text_choices | {"refit_share": self.refit_share(time.monotonic() - started)}

    def refit(
        self,
        training: Rows,
        choices: dict[str, Any],
        generator: np.random.Generator,
        deadline: float | None = None,
    ) -> None:
        chosen = choices["trees"]
        n_trees = self._fit(training, None, chosen, generator, deadline, n_text_parts=choices.get("n_text_parts"))
        self.iterations_share = n_trees / chosen

    def _fit(
        self,
        training: Rows,
        validation: Rows | None,
        n_trees: int,
        generator: np.random.Generator,
        deadline: float | None,
        n_text_parts: int | None = None,
    ) -> int:
        """Fit at most `n_trees` trees, and return their number."""
        seed = int(generator.integers(2**31))
        training = self.features.fit(training, generator, deadline, n_text_parts)
        targets = training.columns(self.walk.forest.n_values).astype("float64")
        estimator = self._grown(seed, training, targets, n_trees, deadline)
        n_trees = len(estimator.estimators_)
        base, n_means = np.zeros(targets.shape[1]), n_trees
        if self.task != "regression":
            base, n_means = _shares(targets, training.weights), n_trees + 1
        values = trees.distinct(trees.finite(training.inputs))
        forest = [trees.Tree.of_estimator(tree, values, 1 / n_means) for tree in estimator.estimators_]
        self.walk.set([forest], base / n_means)
        self.validated = None
        if validation is not None:
            rows = trees.finite(self.features.transform(validation).inputs)
            means = (estimator.predict(rows).reshape(len(rows), -1) * n_trees + base) / n_means if len(rows) else rows
            self.validated = ops.convert_to_numpy(self.scores(means.astype("float32")))
        return n_trees

    def _grown(self, seed: int, training: Rows, targets: np.ndarray, n_trees: int, deadline: float | None) -> Any:
        """Return scikit-learn's estimator with at most `n_trees` trees, as many as can be fitted until the deadline."""
        from sklearn.ensemble import ExtraTreesRegressor

        rows, targets = trees.finite(training.inputs), targets[:, 0] if targets.shape[1] == 1 else targets
        estimator = ExtraTreesRegressor(
            min(_PILOT, n_trees),
            max_leaf_nodes=self.walk.forest.n_leaves,
            max_depth=self.walk.forest.depth,
            n_jobs=-1 if rows.size >= _VALUES_PER_THREAD else None,
            random_state=seed,
            warm_start=True,
            **self.settings,
        )
        started = time.monotonic()
        estimator.fit(rows, targets, sample_weight=training.weights)
        if deadline is not None:
            now = time.monotonic()
            n_trees = min(n_trees, int(_PILOT * (deadline - started) / (now - started)))
        if n_trees > _PILOT:
            estimator.set_params(n_estimators=n_trees)
            estimator.fit(rows, targets, sample_weight=training.weights)
        return estimator


def _shares(indicators: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Return the share of each class in the rows, `(outputs,)`. A class without rows counts as half a row."""
    return np.average(indicators, axis=0, weights=weights).clip(_UNSEEN / len(indicators))
