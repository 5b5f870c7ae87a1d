"""The picture of a Pareto front."""

import numpy as np
import pandas
from matplotlib import colors, pyplot

from autonas.reporting import plots

OBJECTIVES = [("val_accuracy", "max"), ("latency_ms", "min")]


def board(*rows):
    columns = ["trial_id", "stage", "status", "val_accuracy", "latency_ms"]
    return pandas.DataFrame(rows, columns=columns)


ROWS = board(
    ("final", "final", "completed", 0.99, 2.0),
    ("0000", "search", "completed", 0.9, 2.0),
    ("0001", "search", "completed", 0.8, 1.0),
    ("0002", "search", "completed", 0.7, 3.0),
    ("0003", "search", "refused", np.nan, 9.0),
)


def test_the_front_and_what_is_beaten_are_drawn_and_nothing_else():
    axes = plots.plot_pareto(ROWS, ROWS.iloc[[1, 2]], OBJECTIVES)
    beaten, front = (collection.get_offsets().tolist() for collection in axes.collections)
    assert beaten == [[3.0, 0.7]] and front == [[1.0, 0.8], [2.0, 0.9]]
    assert axes.get_xlabel() == "latency_ms (smaller is better)"
    assert axes.get_ylabel() == "val_accuracy (larger is better)"


def test_the_limit_of_a_cost_is_a_line():
    axes = pyplot.subplots()[1]
    assert plots.plot_pareto(ROWS, ROWS.iloc[[1, 2]], OBJECTIVES, {"latency_ms": 2.5}, axes) is axes
    limit = axes.lines[-1]
    assert limit.get_xdata() == [2.5, 2.5] and colors.same_color(limit.get_color(), "#D55E00")
    assert [text.get_text() for text in axes.get_legend().get_texts()][-1] == "limit 2.5"
