"""Boosted trees for rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autonas.search_space import block, ranges
from autonas.search_space.fitted import boosting, fitters, tree_features, trees

if TYPE_CHECKING:
    import keras_tuner

#: Number of trees up to which iterations are added. With many outputs there are fewer iterations, which learn faster.
_MAX_TREES = 1500


class BoostedTreesBlock(block.Block):
    """Gradient boosted decision trees that predict the target themselves.

    The trees are fitted by scikit-learn's histogram gradient boosting on the training rows, with the validation set for
    early stopping, and become constant tensors of the network. Their predictions equal scikit-learn's, for the same
    bins of the columns, within the precision of float32. The output is the score of each class before the softmax, or
    the number to predict. A head that is connected to the block adds no weights of its own.

    The costs of a candidate, such as `"params"`, are known before its trees are fitted: they are those of the largest
    number of trees. The network that is served has only the trees that are used, and its costs are smaller.

    Connected to a `StructuredDataInput`, the block takes its numbers, missing ones included, the means of the target of
    its categories and predictions of the target by the n-grams of its texts, see `tree_features.TreeFeatures`, and the
    vectors of its strings, see `TableEncoder`. Connected to another block, it takes the vector that the block returns.

    Args:
        iterations: Largest number of iterations, or a range. An iteration adds a tree for each output; there are at
            most 1,500 trees. Defaults to 500.
        learning_rate: Factor of the values of each tree, or a range. Defaults to a logarithmic range from 0.02 to 0.3.
        leaves: Largest number of leaves of a tree, or a range. Defaults to a choice of 4, 8, 16, 31 and 63.
        depth: Largest depth of a tree, or a range. Each level costs time in predictions. Defaults to 8.
        leaf_rows: Smallest number of training rows of a leaf, or a range. Defaults to a choice of 2, 5, 20 and 80.
        l2: L2 regularisation of the values of the leaves, or a range. Defaults to a choice of 0, 1, 10
            and 30.
        feature_share: Share of the features that are considered in each split, or a range. Defaults to a choice of
            0.2, 0.35, 0.5 and 1.
        name: Name of the block.

    Example:

    ```python
    import autonas

    inputs = autonas.StructuredDataInput()
    scores = autonas.BoostedTreesBlock(iterations=100)(inputs)
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(scores))
    ```
    """

    takes_raw_inputs = True
    is_fitted = True

    def __init__(
        self,
        iterations: int | ranges.Range = 500,
        learning_rate: float | ranges.Range = ranges.Float(0.02, 0.3, sampling="log", default=0.1),
        leaves: int | ranges.Range = ranges.Choice([4, 8, 16, 31, 63], default=31),
        depth: int | ranges.Range = 8,
        leaf_rows: int | ranges.Range = ranges.Choice([2, 5, 20, 80], default=20),
        l2: float | ranges.Range = ranges.Choice([0.0, 1.0, 10.0, 30.0], default=0.0),
        feature_share: float | ranges.Range = ranges.Choice([0.2, 0.35, 0.5, 1.0], default=1.0),
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.iterations = iterations
        self.learning_rate = learning_rate
        self.leaves = leaves
        self.depth = depth
        self.leaf_rows = leaf_rows
        self.l2 = l2
        self.feature_share = feature_share

    def build(self, hp: keras_tuner.HyperParameters, inputs: Any) -> Any:
        head_name, head = fitters.only_head(self, tree_features.unsuitable(self, inputs, boosting.LOSSES))
        n_outputs = head.target.n_outputs
        columns, features = tree_features.of_inputs(inputs, self.features, n_outputs)
        iterations = min(self.suggest(hp, "iterations"), max(1, _MAX_TREES // n_outputs))
        settings = {
            "learning_rate": self.suggest(hp, "learning_rate"),
            "max_leaf_nodes": self.suggest(hp, "leaves"),
            "max_depth": self.suggest(hp, "depth"),
            "min_samples_leaf": self.suggest(hp, "leaf_rows"),
            "l2_regularization": self.suggest(hp, "l2"),
            "max_features": self.suggest(hp, "feature_share"),
        }
        if head.target.task == "regression":
            settings["loss"] = boosting.LOSSES[head.loss_name()]
        forest = trees.Forest(
            n_features=features.width,
            n_iterations=iterations,
            n_outputs=n_outputs,
            n_leaves=settings["max_leaf_nodes"],
            depth=settings["max_depth"],
        )
        walk = trees.Walk(forest)
        fitter = boosting.Boosting(columns, head_name, walk, head.target, settings=settings, features=features)
        return fitter.attached()
