"""Extremely randomised trees for rows of a table."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops

from autonas.search_space import block, fitters, losses, ranges, tree_features, tree_fitter, trees
from autonas.search_space.fitters import Rows

if TYPE_CHECKING:
    import keras_tuner

#: Number of trees that are fitted first. The seconds of further trees are estimated by them.
_PILOT = 5
#: Largest number of float32 numbers of all nodes together, about 16 MB. With many classes the trees have fewer leaves.
_MOST_NUMBERS = 4_000_000
#: Smallest number of leaves to which many classes reduce a tree.
_FEWEST_LEAVES = 16
#: Number of training rows from which on each forest is fitted to a random sample. More rows than some dozens for each
#: leaf improve the leaves' values little.
_MOST_ROWS = 100_000
#: Largest number of values of the rows of a forest, 400 MB.
_MOST_VALUES = 10**8
#: Number of values of the training rows from which on all cores fit the trees.
_VALUES_PER_THREAD = 1_000_000
#: Names of the losses of a head that the trees minimise.
LOSSES = ("mean_squared_error", *losses.OF_CLASSES)
#: Number of features of a split by the value of `split_features`, as scikit-learn takes it.
_SPLIT_FEATURES = {"sqrt": "sqrt", "half": 0.5, "all": 1.0}
#: Smallest share of a class without training rows, in rows, and smallest probability of a network that isn't fitted.
_UNSEEN, _TINY = 0.5, 1e-7


class ExtraTreesBlock(block.Block):
    """Extremely randomised trees that predict the target themselves (Geurts, Ernst and Wehenkel 2006).

    Each split is the best of some random ones, and the prediction is the mean of many deep trees. On small tables, and
    where the target isn't smooth, the mean is often better than boosted trees, and it takes less than a second to fit.
    The trees are grown by scikit-learn's `ExtraTreesRegressor`. Classes are fitted as indicators, for which the squared
    error of a split is its Gini impurity. The trees become constant tensors of the network, whose predictions equal
    scikit-learn's within the precision of float32. The output is the score of each class before the softmax, or the
    number to predict. A head that is connected to the block adds no weights of its own.

    The probability of a class is the mean of the shares of the class in the leaves. The shares of the class in all
    training rows count as one more tree, so that no probability is 0.

    The costs of a candidate, such as `"params"`, are those of the largest trees, as in `BoostedTreesBlock`. The block
    has the same features, too.

    Args:
        trees: Number of trees, or a range. There are fewer if the time limit of the search requires it. Defaults to
            100.
        leaves: Largest number of leaves of a tree, or a range. With more than some 15 classes there are fewer. Defaults
            to 1,000.
        depth: Largest depth of a tree, or a range. Defaults to 20.
        leaf_rows: Smallest number of training rows of a leaf, or a range. Defaults to a choice of 1, 2, 5 and 20.
        split_features: Number of features that are considered in each split: `"sqrt"` (the square root of their
            number), `"half"` or `"all"` of them, or a range. Defaults to a choice of the three.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.StructuredDataInput()
    scores = autonas.ExtraTreesBlock(trees=50)(inputs)
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(scores))
    ```
    """

    takes_raw_inputs = True
    is_fitted = True

    def __init__(
        self,
        trees: int | ranges.Range = 100,
        leaves: int | ranges.Range = 1000,
        depth: int | ranges.Range = 20,
        leaf_rows: int | ranges.Range = ranges.Choice([1, 2, 5, 20], default=1),
        split_features: str | ranges.Range = ranges.Choice(["sqrt", "half", "all"], default="sqrt"),
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.trees = trees
        self.leaves = leaves
        self.depth = depth
        self.leaf_rows = leaf_rows
        self.split_features = split_features

    def build(self, hp: keras_tuner.HyperParameters, inputs: Any) -> Any:
        head_name, head = fitters.only_head(self, tree_features.unsuitable(self, inputs, LOSSES))
        split_features = self.suggest(hp, "split_features")
        if split_features not in _SPLIT_FEATURES:
            raise ValueError(
                f"`split_features` must be one of {list(_SPLIT_FEATURES)}. Received: split_features={split_features!r}"
            )
        n_outputs = head.target.n_outputs
        columns, features = tree_features.of_inputs(inputs, self.features, n_outputs)
        n_trees = self.suggest(hp, "trees")
        most_leaves = max(_FEWEST_LEAVES, _MOST_NUMBERS // (2 * n_trees * (3 + n_outputs)))
        forest = trees.Forest(
            n_features=features.width,
            n_iterations=n_trees,
            n_outputs=1,
            n_leaves=min(self.suggest(hp, "leaves"), most_leaves),
            depth=self.suggest(hp, "depth"),
            n_values=n_outputs,
        )
        settings = {
            "min_samples_leaf": self.suggest(hp, "leaf_rows"),
            "max_features": _SPLIT_FEATURES[split_features],
        }
        fitter = Averaging(columns, head_name, trees.Walk(forest), head.target, settings=settings, features=features)
        return fitter.attached()


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
        seconds = max(time.monotonic() - started, _TINY)
        return choices | self.text_choices | {"refit_share": 1.0 + self.features.saved_seconds / seconds}

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
