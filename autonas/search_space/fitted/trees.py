"""Decision trees as tensors: tables of nodes, and the Keras layers that walk all trees of an ensemble together."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

#: Largest float32. A missing number stands at one end of the numbers, by the branch that it takes.
_LARGEST = float(np.finfo("float32").max)
#: Distance of a threshold from the values of the training rows, relative to the values or to 1: an exported network may
#: round the features of a row otherwise, which must not change its side.
_APART = 1e-5
#: Largest threshold of a split: all numbers are at most that, and a missing number isn't.
_LARGEST_THRESHOLD = float(np.nextafter(np.float32(_LARGEST), np.float32(0)))
_GOLDEN_RATIO = (1 + 5**0.5) / 2
#: Largest absolute value to which trees are fitted without bins. The sum of larger values may be infinite.
_LARGEST_FITTED = 1e30


@dataclasses.dataclass(frozen=True)
class Forest:
    """Sizes of an ensemble of trees, the same whatever its trees are.

    Args:
        n_features: Number of features.
        n_iterations: Largest number of iterations. Each iteration has a tree for each output.
        n_outputs: Number of outputs that have trees of their own.
        n_leaves: Largest number of leaves of a tree.
        depth: Largest depth of a tree.
        n_values: Number of values of a leaf. Defaults to 1.
    """

    n_features: int
    n_iterations: int
    n_outputs: int
    n_leaves: int
    depth: int
    n_values: int = 1

    @property
    def n_trees(self) -> int:
        """Number of trees."""
        return self.n_iterations * self.n_outputs

    @property
    def n_nodes(self) -> int:
        """Number of nodes of a tree, the leaves included."""
        return 2 * self.n_leaves - 1


class Walk:
    """Layers of Keras that predict with a `Forest`, and the tables of nodes that are their weights.

    All trees are walked at once, one level after another. A node is a row of a table: feature, threshold and first
    child. The second child is the next row. A value above the threshold goes to the second child. A leaf is its own
    first child and has no value above its threshold.

    Args:
        forest: The `Forest`.
        tables: Pair of the rows of all nodes, `(rows, 3)`, and of their values, `(rows, values)`. Defaults to `None`:
            each tree has `forest.n_nodes` rows, and predicts 0.
        roots: Row of the root of each tree, `(trees,)`. Defaults to `None`: all trees have the same number of rows.
    """

    def __init__(
        self,
        forest: Forest,
        tables: tuple[np.ndarray, np.ndarray] | None = None,
        roots: np.ndarray | None = None,
    ) -> None:
        self.forest = forest
        self.roots = np.arange(forest.n_trees) * forest.n_nodes if roots is None else roots
        n_rows = forest.n_trees * forest.n_nodes if tables is None else len(tables[0])
        self.nodes = table(n_rows, 3)
        self.values = table(n_rows, forest.n_values)
        if tables is None:
            self.set([[] for _ in range(forest.n_outputs)], np.zeros(forest.n_outputs * forest.n_values))
        else:
            for layer, numbers in zip((self.nodes, self.values), tables, strict=True):
                layer.set_weights([numbers])

    def __call__(self, features: keras.KerasTensor) -> keras.KerasTensor:
        """Return the predictions for rows of features.

        Args:
            features: Float32 `(n, features)`, NaN where missing.

        Returns:
            Float32 `(n, outputs * values)`: for each output, the sums of the values of its trees.
        """
        forest = self.forest
        missing, numbers = ops.isnan(features), ops.clip(features, -_LARGEST_THRESHOLD, _LARGEST_THRESHOLD)
        columns = ops.concatenate(
            [ops.where(missing, _LARGEST, numbers), ops.where(missing, -_LARGEST, numbers)], axis=1
        )
        # The values of all rows in one vector, since a gather along an axis is slower.
        first = ops.cast(ops.cumsum(ops.ones_like(columns[:, :1]), axis=0) - 1.0, "int32") * (2 * forest.n_features)
        columns = ops.reshape(columns, (-1,))
        position = ops.zeros_like(first) + self.roots[None].astype("int32")
        for _ in range(forest.depth):
            feature, threshold, child = ops.unstack(self.nodes(position), axis=-1)
            value = ops.take(columns, first + ops.cast(feature, "int32"))
            position = ops.cast(child + ops.cast(ops.greater(value, threshold), "float32"), "int32")
        values = ops.reshape(self.values(position), (-1, forest.n_iterations, forest.n_outputs * forest.n_values))
        return ops.sum(values, axis=1)

    def set(self, ensembles: Sequence[Sequence[Tree]], base: np.ndarray) -> None:
        """Set the trees.

        Args:
            ensembles: For each output the list of its `Tree`s, one for each iteration. Iterations beyond the end of the
                list add nothing.
            base: Number that is added to each output, `(outputs * values,)`.
        """
        forest = self.forest
        # A node that no tree uses is a leaf of the value 0.
        nodes = np.zeros((forest.n_trees, forest.n_nodes, 3), "float32")
        nodes[..., 1] = _LARGEST
        nodes[..., 2] = np.arange(forest.n_trees * forest.n_nodes).reshape(forest.n_trees, forest.n_nodes)
        values = np.zeros((forest.n_trees, forest.n_nodes, forest.n_values))
        for output, trees in enumerate(ensembles):
            for iteration, tree in enumerate(trees):
                number = iteration * forest.n_outputs + output
                tree.write(nodes[number], values[number], forest)
                nodes[number, : len(tree.nodes), 2] += number * forest.n_nodes
        values[: forest.n_outputs] += base.reshape(-1, 1, forest.n_values)
        self.nodes.set_weights([nodes.reshape(-1, 3)])
        self.values.set_weights([values.reshape(-1, forest.n_values).astype("float32")])

    def of_used_nodes(self) -> Walk:
        """Return a walk with the same predictions and other layers, which has no tree and no row that isn't used."""
        forest = self.forest
        nodes = self.nodes.get_weights()[0].reshape(forest.n_trees, forest.n_nodes, 3).copy()
        values = self.values.get_weights()[0].reshape(forest.n_trees, forest.n_nodes, -1)
        children = nodes[..., 2].astype(int) - self.roots[:, None]
        is_split = children != np.arange(forest.n_nodes)
        depths = np.zeros(children.shape, int)
        for position in range(forest.n_nodes):  # Children come after their parents.
            (trees,) = np.nonzero(is_split[:, position])
            for child in (children[trees, position], children[trees, position] + 1):
                depths[trees, child] = depths[trees, position] + 1
        n_rows = np.where(is_split, children + 2, 1).max(axis=1)
        (used,) = np.nonzero(is_split.any(axis=1) | values[:, 0].any(axis=-1))
        n_iterations = 1 + int(used.max(initial=0)) // forest.n_outputs
        n_rows = n_rows[: n_iterations * forest.n_outputs]
        roots = np.cumsum([0, *n_rows[:-1]])
        nodes[: len(roots), :, 2] = children[: len(roots)] + roots[:, None]
        is_row = np.arange(forest.n_nodes) < n_rows[:, None]
        sizes = dataclasses.replace(forest, n_iterations=n_iterations, depth=max(1, int(depths.max())))
        return Walk(sizes, (nodes[: len(roots)][is_row], values[: len(roots)][is_row]), roots)


class Bins:
    """Bins of features, with edges between two training values.

    Trees are fitted to the numbers of bins. A split between two bins is a split of the values at the edge. No value of
    the training rows is near an edge, so that another run time, whose sums are rounded in another way, takes the same
    branches. The edge divides the distance of the two values by the golden ratio, the number that is farthest from all
    fractions: half-way between two values there often is one of another row, such as 2 between 1 and 3.

    Args:
        features: Training rows of a `Forest`, float32 `(n, features)`.
    """

    #: Largest number of bins of a feature.
    most = 255

    def __init__(self, features: np.ndarray) -> None:
        #: Upper edges of the bins of each feature, `(features, 255)`.
        self.edges = np.full((features.shape[1], self.most), _LARGEST_THRESHOLD, "float32")
        for edges, column in zip(self.edges, features.T, strict=True):
            between = self._edges(column[~np.isnan(column)])
            edges[: len(between)] = between

    def _edges(self, values: np.ndarray) -> np.ndarray:
        """Return the edges between the bins of a column, at most 254, each bin with about as many values."""
        distinct, counts = np.unique(values, return_counts=True)
        if len(distinct) < 2:
            return np.empty(0, "float32")
        below = np.arange(len(distinct) - 1)
        if len(distinct) > self.most:
            wanted = np.linspace(0, len(values), self.most + 1)[1:-1]
            below = np.unique(np.searchsorted(np.cumsum(counts), wanted).clip(0, len(distinct) - 2))
        lower, upper = distinct[below], distinct[below + 1]
        between = (lower + (upper - lower.astype("float64")) / _GOLDEN_RATIO).astype("float32")
        return np.where(between < upper, between, lower)

    def transform(self, features: np.ndarray) -> np.ndarray:
        """Return features with the numbers of their bins from 0, NaN where missing."""
        binned = features.copy()
        for index, edges in enumerate(self.edges):
            column = features[:, index]
            binned[:, index] = np.where(np.isnan(column), np.nan, np.searchsorted(edges, column))
        return binned


class Tree:
    """A decision tree whose nodes are in the order of the table of a `Walk`, in which two siblings are neighbours.

    Args:
        children: Numbers of the first and the second child of each node, `(nodes, 2)`, negative for a leaf. Node 0 is
            the root.
        features: Number of the feature of each split, `(nodes,)`.
        thresholds: Largest value of each split that goes to the first child, float32 `(nodes,)`.
        missing_first: Whether a missing value goes to the first child, `(nodes,)`.
        values: Values of the leaves, `(nodes, values)`.
    """

    def __init__(
        self,
        children: np.ndarray,
        features: np.ndarray,
        thresholds: np.ndarray,
        *,
        missing_first: np.ndarray,
        values: np.ndarray,
    ) -> None:
        order, first_children = [0], []
        pairs = children.tolist()
        for position, number in enumerate(order):
            first, second = pairs[number]
            first_children.append(position if first < 0 else len(order))
            if first >= 0:
                order += [first, second]
        self.nodes = np.array(order)
        #: For each node the position of its first child, for a leaf its own position.
        self.children = np.array(first_children)
        self.is_leaf = self.children == np.arange(len(order))
        self.features = features[order]
        self.thresholds = thresholds[order]
        self.missing_first = missing_first[order].astype(bool)
        self.values = values[order]

    @classmethod
    def of_boosting(cls, predictor: Any, bins: Bins) -> Tree:
        """Return a tree of scikit-learn's histogram gradient boosting.

        Args:
            predictor: scikit-learn's `TreePredictor`, fitted to the numbers of bins.
            bins: The `Bins`.
        """
        nodes = predictor.nodes
        children = np.stack([nodes["left"], nodes["right"]], axis=1).astype(int)
        children[nodes["is_leaf"].astype(bool)] = -1
        # The infinite threshold of a split of missing from other values becomes the last, unused edge.
        last = np.minimum(nodes["num_threshold"], bins.most - 1).astype(int)
        return cls(
            children,
            nodes["feature_idx"],
            bins.edges[nodes["feature_idx"], last],
            missing_first=nodes["missing_go_to_left"],
            values=nodes["value"][:, None],
        )

    @classmethod
    def of_estimator(cls, estimator: Any, values: Sequence[np.ndarray], factor: float = 1.0) -> Tree:
        """Return the tree of a fitted tree regressor of scikit-learn.

        Args:
            estimator: A `DecisionTreeRegressor` or `ExtraTreeRegressor`.
            values: For each feature the numbers of the training rows, as of `distinct`, from which the thresholds of
                the tree keep apart.
            factor: Factor of the values of the leaves. Defaults to 1.
        """
        tree = estimator.tree_
        thresholds = tree.threshold.copy()
        for feature in np.unique(tree.feature[tree.feature >= 0]):
            is_split = tree.feature == feature
            thresholds[is_split] = _apart(thresholds[is_split], values[feature])
        # A float32 number is at most a float64 threshold exactly if it is at most the float32 number below.
        rounded = thresholds.astype("float32")
        below = np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)
        return cls(
            np.stack([tree.children_left, tree.children_right], axis=1),
            tree.feature,
            below,
            missing_first=tree.missing_go_to_left,
            values=tree.value[..., 0] * factor,
        )

    def write(self, nodes: np.ndarray, values: np.ndarray, forest: Forest) -> None:
        """Write the tree into its rows of the tables of `Walk`, with children relative to the first row."""
        n_nodes, is_leaf = len(self.nodes), self.is_leaf
        nodes[:n_nodes, 0] = np.where(is_leaf, 0, self.features + forest.n_features * self.missing_first)
        nodes[:n_nodes, 1] = np.where(is_leaf, _LARGEST, self.thresholds)
        nodes[:n_nodes, 2] = self.children
        values[:n_nodes][is_leaf] = self.values[is_leaf]


def predictions(ensembles: Sequence[Sequence[Any]], base: np.ndarray, binned: np.ndarray) -> np.ndarray:
    """Return the predictions of a `Walk` with boosted trees, in a small part of the time.

    Args:
        ensembles: For each output the list of its `TreePredictor`s of scikit-learn.
        base: As in `Walk.set`.
        binned: Numbers of the bins of some rows, `(n, features)`.

    Returns:
        Float32 `(n, outputs)`. The sums are rounded in another way than the sums of the network.
    """
    binned = np.ascontiguousarray(binned, "float64")
    no_categories, features = np.zeros((0, 8), "uint32"), np.arange(binned.shape[1], dtype="uint32")
    sums = [
        sum(
            (predictor.predict(binned, no_categories, features, n_threads=1) for predictor in predictors),
            np.full(len(binned), first),
        )
        for predictors, first in zip(ensembles, base, strict=True)
    ]
    return np.stack(sums, axis=1).astype("float32")


def finite(features: np.ndarray) -> np.ndarray:
    """Return features to which trees can be fitted without bins, NaN where missing."""
    return np.clip(features, -_LARGEST_FITTED, _LARGEST_FITTED)


def table(n_rows: int, n_columns: int) -> keras.layers.Embedding:
    """Return an embedding that is a table of numbers."""
    table = keras.layers.Embedding(n_rows, n_columns, embeddings_initializer="zeros", trainable=False, dtype="float32")
    table.build()
    return table


def distinct(features: np.ndarray) -> list[np.ndarray]:
    """Return the numbers of each feature of rows `(n, features)` in order, without repetitions and missing ones."""
    return [np.unique(column[~np.isnan(column)]).astype("float64") for column in features.T]


def _apart(thresholds: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return thresholds between the same values that aren't near one of them, or in the middle of near ones.

    A split of missing from other values, for example, has the largest value as its threshold in scikit-learn.
    """
    if not len(values):
        return thresholds
    below = np.searchsorted(values, thresholds, side="right") - 1
    lower, upper = values[np.maximum(below, 0)], np.append(values, np.inf)[below + 1]
    margin = np.minimum(_APART * np.maximum(1.0, np.abs(lower)), (upper - lower) / 2)
    return np.where(below < 0, thresholds, np.clip(thresholds, lower + margin, upper - margin))
