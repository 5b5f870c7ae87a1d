"""The portfolio of tables."""

import numpy as np
import pytest

from autonas import data
from autonas.search_space import defaults, graph, heads, portfolio
from tests.helpers.sixty_rows import table


@pytest.mark.parametrize(("n_classes", "first"), [(9, "trees"), (10, "linear"), (49, "linear"), (50, "linear")])
def test_tables_of_many_classes_begin_with_a_linear_model_and_networks(n_classes, first):
    table = np.random.default_rng(0).normal(size=(200, 3))
    searched = graph.Graph(*defaults.default_nodes(["table"], ["multiclass"]))
    searched.bind([data.TableEncoder().fit(table).feature], [heads.Target("multiclass", n_classes)])
    points = portfolio.initial_points(searched, searched.declare(), portfolio.Conditions(200))
    kinds = [point["structured_data_block_1/kind"] for point in points]
    assert kinds[0] == first and len(kinds) == 13
    if 10 <= n_classes < 50:
        assert kinds[1:4] == ["logistic", "trees", "gaussian_process"]
    if n_classes == 50:
        assert kinds[1:4] == ["logistic", "tabm", "lasso"]
        assert set(kinds[-6:]) == {"trees", "extra_trees", "gaussian_process"}
    points = portfolio.initial_points(searched, searched.declare(), portfolio.Conditions(30_001))
    kinds = [point["structured_data_block_1/kind"] for point in points]
    assert kinds[0] == first and kinds[1] == ("linear" if n_classes < 10 else "logistic") and len(kinds) == 12


def test_linear_models_come_first_for_a_table_of_more_columns_than_rows():
    wide = np.random.default_rng(0).normal(size=(40, 100))
    searched = graph.Graph(*defaults.default_nodes(["table"], ["binary"]))
    searched.bind([data.TableEncoder().fit(wide).feature], [heads.Target("binary", 1)])
    space = searched.declare()
    few, more = (
        [point["structured_data_block_1/kind"] for point in portfolio.initial_points(searched, space, conditions)]
        for conditions in (portfolio.Conditions(99), portfolio.Conditions(100))
    )
    assert few[:4] == ["lasso", "linear", "linear", "logistic"] and few[-1] == "trees"
    assert more[:2] == ["trees", "linear"]


def test_a_gaussian_process_follows_the_fastest_models_of_a_table_of_few_rows():
    encoder, frame = table()
    searched = graph.Graph(*defaults.default_nodes(["table"], ["binary"]))
    searched.bind([encoder.fit(frame).feature], [heads.Target("binary", 1)])
    space = searched.declare()
    few, many = (
        [point["structured_data_block_1/kind"] for point in portfolio.initial_points(searched, space, conditions)]
        for conditions in (portfolio.Conditions(10_000), portfolio.Conditions(10_001))
    )
    assert few == [*many[:3], "gaussian_process", *many[3:]] and "gaussian_process" not in many
    assert many[:3] == ["trees", "linear", "logistic"]


def test_trees_of_many_leaves_come_first_and_those_of_few_last_for_many_rows():
    rows = np.random.default_rng(0).normal(size=(200, 3))
    searched = graph.Graph(*defaults.default_nodes(["table"], ["binary"]))
    searched.bind([data.TableEncoder().fit(rows).feature], [heads.Target("binary", 1)])
    space = searched.declare()

    def leaves(n_rows):
        points = portfolio.initial_points(searched, space, portfolio.Conditions(n_rows))
        name = "structured_data_block_1/kind"
        return [point[f"{name}_trees/leaves"] if point[name] == "trees" else point[name] for point in points]

    assert leaves(30_000)[:3] == [4, "linear", "logistic"]
    many = leaves(30_001)
    assert many[:4] == [63, "linear", "logistic", 63] and many[-2:] == [4, 4]
    assert sorted(map(str, many)) == sorted(map(str, leaves(30_000)))
