"""The portfolio of series."""

import numpy as np
import pytest

from autonas import data
from autonas.search_space import defaults, graph, heads, portfolio


@pytest.mark.parametrize(
    ("most_responses", "sizes"),
    [
        (np.inf, [(16, 5_000), (64, 10_000), (64, None), (64, 10_000), (None, 10_000)]),
        (2e9, [(8, 2_500), (16, 5_000), (64, None), (None, 10_000)]),  # 10 seconds at 5 ns a response.
        (2e8, [(4, 500)]),  # The smallest kernels are tried however little time there is.
    ],
)
def test_long_series_begin_with_kernels_for_which_there_is_time(most_responses, sizes):
    searched = graph.Graph(*defaults.default_nodes(["series"], ["multiclass"]))
    statistics = {"mean": np.zeros(1), "variance": np.ones(1), "has_missing": False}
    feature = data.Feature("series", {"series": data.Tensor((1460, 1), "float32")}, statistics)
    searched.bind([feature], [heads.Target("multiclass", 10)])
    conditions = portfolio.Conditions(80, most_responses=most_responses)
    points = portfolio.initial_points(searched, searched.declare(), conditions)
    assert [point["time_series_block_1/kind"] for point in points[:2]] == ["ridge", "kernels"]

    def size(point):
        prefix = f"time_series_block_1/kind_kernels/transform_{point['time_series_block_1/kind_kernels/transform']}"
        return point.get(f"{prefix}/groups"), point.get(f"{prefix}/size")

    assert [size(point) for point in points if point["time_series_block_1/kind"] == "kernels"] == sizes
