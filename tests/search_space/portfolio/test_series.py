"""The portfolio of series."""

import numpy as np
import pytest

from autonas import data
from autonas.search_space import defaults, encoding, graph, heads, portfolio
from tests.helpers.sixty_rows import build


def searched_series(length):
    """Return the bound default graph of series of some steps."""
    searched = graph.Graph(*defaults.default_nodes(["series"], ["multiclass"]))
    statistics = {"mean": np.zeros(1), "variance": np.ones(1), "has_missing": False}
    feature = data.Feature("series", {"series": data.Tensor((length, 1), "float32")}, statistics)
    searched.bind([feature], [heads.Target("multiclass", 10)])
    return searched


@pytest.mark.parametrize(
    ("most_responses", "sizes"),
    [
        (np.inf, [(16, 5_000), (64, 10_000), (64, None), (64, 10_000), (None, 10_000)]),
        (2e9, [(8, 2_500), (16, 5_000), (64, None), (None, 10_000)]),  # 10 seconds at 5 ns a response.
        (2e8, [(4, 500)]),  # The smallest kernels are tried however little time there is.
    ],
)
def test_long_series_begin_with_kernels_for_which_there_is_time(most_responses, sizes):
    searched = searched_series(1460)
    conditions = portfolio.Conditions(80, most_responses=most_responses)
    points = portfolio.initial_points(searched, searched.declare(), conditions)
    assert [point["time_series_block_1/kind"] for point in points[:2]] == ["ridge", "kernels"]

    def size(point):
        prefix = f"time_series_block_1/kind_kernels/transform_{point['time_series_block_1/kind_kernels/transform']}"
        return point.get(f"{prefix}/groups"), point.get(f"{prefix}/size")

    assert [size(point) for point in points if point["time_series_block_1/kind"] == "kernels"] == sizes


def test_networks_of_long_series_are_written_fast():
    # Keras writes an array of the graph as text, a number at a time: 13 MB took 5 seconds, for each member of folds.
    searched = searched_series(3000)
    space = searched.declare()
    for point in portfolio.initial_points(searched, space):
        model = build(searched, space, encoding.Encoding(space).complete(point))
        assert len(model.to_json()) < 500_000, point
