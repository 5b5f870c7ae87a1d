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


def test_the_front_and_dominated_trials_are_drawn_and_nothing_else():
    axes = plots.plot_pareto(ROWS, ROWS.iloc[[1, 2]], OBJECTIVES)
    dominated, front = (collection.get_offsets().tolist() for collection in axes.collections)
    assert dominated == [[3.0, 0.7]] and front == [[1.0, 0.8], [2.0, 0.9]]
    assert axes.get_xlabel() == "latency_ms (smaller is better)"
    assert axes.get_ylabel() == "val_accuracy (larger is better)"


def test_labels_of_numbers_of_parameters_do_not_overlap():
    rows = ROWS.assign(params=[5e4, 42_000, 750_000, 4e5, np.nan])
    figure = plots.figure(
        plots.plot_pareto, rows, rows.iloc[[1]], [("val_accuracy", "max"), ("params", "min")], width=3
    )
    figure.draw_without_rendering()
    (axes,) = figure.axes
    boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
    assert {label.get_text()[-1] for label in axes.get_xticklabels()} >= {"k"}
    assert all(left.x1 < right.x0 for left, right in zip(boxes, boxes[1:]))


def test_the_limit_of_a_cost_is_a_line():
    axes = pyplot.subplots()[1]
    assert plots.plot_pareto(ROWS, ROWS.iloc[[1, 2]], OBJECTIVES, {"latency_ms": 2.5}, axes) is axes
    limit = axes.lines[-1]
    assert limit.get_xdata() == [2.5, 2.5] and colors.same_color(limit.get_color(), "#D55E00")
    assert [text.get_text() for text in axes.get_legend().get_texts()][-1] == "latency_ms limit 2.5"


def test_a_limit_that_is_far_from_the_trials_is_named_and_does_not_push_them_to_one_edge():
    axes = plots.plot_pareto(ROWS, ROWS.iloc[[1, 2]], OBJECTIVES, {"latency_ms": 200.0})
    assert [text.get_text() for text in axes.get_legend().get_texts()][-1] == "latency_ms limit 200, outside"
    low, high = axes.get_xlim()
    assert low > 0.5 and high < 3.5


def test_the_limit_of_the_first_objective_is_a_level_line():
    objectives = [("latency_ms", "min"), ("val_accuracy", "max")]
    axes = plots.plot_pareto(ROWS, ROWS.iloc[[1, 2]], objectives, {"latency_ms": 2.5})
    assert axes.lines[-1].get_ydata() == [2.5, 2.5]


def test_one_trial_has_a_picture_too():
    axes = plots.plot_pareto(ROWS.iloc[[1]], ROWS.iloc[[1]], OBJECTIVES, {"latency_ms": 200.0, "params": 5})
    assert [text.get_text() for text in axes.get_legend().get_texts()][-1] == "latency_ms limit 200, outside"
