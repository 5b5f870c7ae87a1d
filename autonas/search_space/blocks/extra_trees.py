"""Extremely randomised trees for rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autonas.search_space import block, ranges
from autonas.search_space.fitted import averaging, fitters, tree_features, trees

if TYPE_CHECKING:
    import keras_tuner

#: Largest number of float32 numbers of all nodes together, about 16 MB. With many classes the trees have fewer leaves.
_MOST_NUMBERS = 4_000_000
#: Smallest number of leaves to which many classes reduce a tree.
_FEWEST_LEAVES = 16
#: Number of features of a split by the value of `split_features`, as scikit-learn takes it.
_SPLIT_FEATURES = {"sqrt": "sqrt", "half": 0.5, "all": 1.0}


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
        head_name, head = fitters.only_head(self, tree_features.unsuitable(self, inputs, averaging.LOSSES))
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
        walk = trees.Walk(forest)
        fitter = averaging.Averaging(columns, head_name, walk, head.target, settings=settings, features=features)
        return fitter.attached()
