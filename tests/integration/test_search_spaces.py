"""Spaces of architectures by name, through `AutoModel`, for each kind of data that has them."""

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris

import autonas

BUDGET = {"max_trials": 1, "epochs": 1, "refit": False, "tensorboard": False, "verbose": 0, "seed": 0}
SPACES = ["chain", "cell", "hierarchical", "layered"]


def data_of(kind):
    images, labels = load_digits(return_X_y=True)
    if kind == "image":
        return images[:150].reshape(-1, 8, 8), labels[:150]
    if kind == "series":
        return images[:150].reshape(-1, 8, 8), labels[:150]
    if kind == "text":
        words = np.array(["zero one two three four five six seven".split()] * 150)
        orders = images[:150, 8:16].argsort()
        return [" ".join(row[order]) for row, order in zip(words, orders, strict=True)], labels[:150] % 2
    return load_iris(return_X_y=True)


CLASSES = {
    "image": autonas.ImageClassifier,
    "series": autonas.TimeSeriesClassifier,
    "text": autonas.TextClassifier,
    "table": autonas.StructuredDataClassifier,
}


@pytest.mark.parametrize(
    "kind, space",
    [("image", space) for space in SPACES] + [("series", "chain"), ("text", "layered"), ("table", "layered")],
)
def test_a_space_is_searched_by_its_name(kind, space, tmp_path):
    x, y = data_of(kind)
    model = CLASSES[kind](search_space=space, directory=tmp_path / "run", **BUDGET).fit(x, y)
    assert model.predict(x[:5]).shape == (5,)
    board = model.leaderboard()
    assert (board["status"] == "completed").all()
    assert any(f"/kind_{space}/" in column for column in board.columns)


def test_a_space_that_there_is_not_for_the_data_is_refused_before_anything_is_written(tmp_path):
    x, y = load_iris(return_X_y=True)
    model = autonas.StructuredDataClassifier(search_space="cell", directory=tmp_path / "run", **BUDGET)
    with pytest.raises(ValueError, match="`search_space` must be 'layered' for tables, or None.*Received.*'cell'"):
        model.fit(x, y)
    model = autonas.ImageClassifier(search_space="mobile", directory=tmp_path / "run", **BUDGET)
    with pytest.raises(ValueError, match="`search_space` must be 'chain' or 'cell' or .* for images"):
        model.fit(*data_of("image"))
    for space in (["cell"], autonas.CellBlock()):
        model = autonas.ImageClassifier(search_space=space, directory=tmp_path / "run", **BUDGET)
        with pytest.raises(ValueError, match=r"Pass the inputs and outputs of your own graph: AutoModel\(inputs"):
            model.fit(*data_of("image"))
    assert not (tmp_path / "run").exists()


def test_a_space_beside_a_drawn_graph_is_refused():
    node = autonas.ImageInput()
    model = autonas.AutoModel(
        node,
        autonas.ClassificationHead()(autonas.Reduction()(autonas.CellBlock()(node))),
        search_space="cell",
        **BUDGET,
    )
    with pytest.raises(ValueError, match="`search_space` is for the default graph.*Received: search_space='cell'"):
        model.fit(*data_of("image"))


def test_the_strategy_knows_the_structure_of_a_cell_that_has_one():
    node = autonas.ImageInput()
    cells = autonas.CellBlock(cell="nas_bench_201", filters=8, n_stages=1, name="cells")(node)
    graph = autonas.Graph(node, autonas.ClassificationHead()(autonas.Reduction(kind="average")(cells)))
    assert set(graph.structure().edges) == {f"cells/edge_{pair}" for pair in ("0_1", "0_2", "1_2", "0_3", "1_3", "2_3")}
