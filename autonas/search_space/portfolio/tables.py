"""Entries of the portfolio for tables.

The list begins with boosted trees, which take a second or two. A linear model and a logistic regression, which are hard
to beat on many small data sets and take less, come next. With many classes, linear models and networks come first, and
of more columns than rows, linear models and Gaussian processes.
"""

from autonas.search_space.blocks.structured_data import StructuredDataBlock
from autonas.search_space.portfolio.conditions import Conditions
from autonas.search_space.values import Scalar


def _trees(rate: float, leaves: int, leaf_rows: int, l2: float, feature_share: float) -> dict[str, Scalar]:
    """Return the entry of boosted trees with some settings."""
    settings = {"learning_rate": rate, "leaves": leaves, "leaf_rows": leaf_rows, "l2": l2}
    settings["feature_share"] = feature_share
    return {"kind": "trees", **{f"kind_trees/{name}": value for name, value in settings.items()}}


#: The settings of trees are the sequence of `benchmarks/boosted_trees.py`, whose ensemble is the best of 32 random ones
#: over many tables: few leaves are better for few rows, many leaves for many rows. Which number of features of a split
#: is better for extremely randomised trees depends on the table.
_ENTRIES: list[dict[str, Scalar]] = [
    _trees(0.15, 4, 2, 1.0, 0.5),
    {"kind": "linear"},
    {"kind": "logistic"},
    _trees(0.17, 63, 5, 1.0, 0.5),
    {"kind": "extra_trees"},
    {"kind": "tabm", "optimization/batch_size": 256, "optimization/learning_rate": 8e-3,
     "optimization/epochs_share": 2.0},
    {"kind": "lasso"},
    _trees(0.25, 4, 20, 30.0, 0.2),
    {"kind": "extra_trees", "kind_extra_trees/split_features": "all"},
    _trees(0.1, 63, 5, 1.0, 1.0),
    {"kind": "linear", "kind_linear/numbers": "piecewise_linear", "kind_linear/numbers_piecewise_linear/bins": 32},
    {"kind": "dense", "kind_dense/numbers": "periodic", "kind_dense/dropout": 0.1, "optimization/epochs_share": 0.5},
]  # fmt: skip

#: Number of the first entries, which take a second or two each, and number of outputs from which on the linear ones are
#: faster than the trees, and come first.
_FASTEST, _SEVERAL_OUTPUTS = 3, 10
#: Number of rows above which trees with at least so many leaves come before and after the linear models, and trees with
#: fewer, which are less accurate on many rows, last.
_MANY_ROWS, _MANY_LEAVES = 30_000, 31

#: Number of outputs from which on linear models and networks come first. An iteration of boosted trees has a tree for
#: each output, so that there are few iterations, and samples and leaves have few rows of each of so many classes.
_MANY_OUTPUTS = 50
_ON_FEW_OUTPUTS = ("trees", "extra_trees", "gaussian_process")

#: Order of the kinds if a table has more columns than rows, of which a split of trees finds some that distinguish the
#: training rows by chance, and takes long.
_ON_MANY_COLUMNS = ("lasso", "linear", "logistic", "gaussian_process", "extra_trees", "tabm", "dense", "trees")

#: Number of rows up to which a Gaussian process is one of the first candidates. It takes a sample of 1,500 rows, which
#: is enough where the target is smooth or rare.
_PROCESS_ROWS = 10_000


def entries(block: StructuredDataBlock, conditions: Conditions) -> list[dict[str, Scalar]]:
    """Return the entries for a block of tables."""
    process: list[dict[str, Scalar]] = [{"kind": "gaussian_process"}] if conditions.n_rows <= _PROCESS_ROWS else []
    known = _on_many_rows() if conditions.n_rows > _MANY_ROWS else _ENTRIES
    points = [*known[:_FASTEST], *process, *known[_FASTEST:]]
    numbers = block.features[0].tensors.get("numbers")
    if numbers is not None and numbers.shape[0] > conditions.n_rows > 0:
        return sorted(points, key=lambda point: _ON_MANY_COLUMNS.index(str(point["kind"])))
    n_outputs = max(head.target.n_outputs for head in block.heads.values())
    if n_outputs >= _MANY_OUTPUTS:
        return sorted([*known, *process], key=lambda point: point["kind"] in _ON_FEW_OUTPUTS)
    if n_outputs >= _SEVERAL_OUTPUTS:
        trees, *linear = points[:_FASTEST]
        return [*linear, trees, *points[_FASTEST:]]
    return points


def _on_many_rows() -> list[dict[str, Scalar]]:
    """Return the entries in their order for many rows."""
    trees = [entry for entry in _ENTRIES if entry["kind"] == "trees"]
    first, *others = large = [entry for entry in trees if int(entry["kind_trees/leaves"]) >= _MANY_LEAVES]
    small = [entry for entry in trees if entry not in large]
    linear, logistic, *rest = [entry for entry in _ENTRIES if entry not in trees]
    return [first, linear, logistic, *others, *rest, *small]
