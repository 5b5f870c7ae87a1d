"""What the winner says of validation rows beside the truth, for each task."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from autonas.reporting import HeadPredictions, plots


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_classes_have_a_confusion_matrix_with_counts_and_labels():
    outputs = np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1], [0.1, 0.1, 0.8]])
    predictions = HeadPredictions("k", "multiclass", np.array([0, 1, 1, 2]), outputs, ["a", "b", "$c$"])
    axes = plots.plot_predictions(predictions)
    assert axes.images[0].get_array().tolist() == [[1, 0, 0], [0.5, 0.5, 0], [0, 0, 1]]
    assert sorted(texts(axes)) == ["1", "1", "1", "1"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", r"\$c\$"]
    assert axes.get_title() == "accuracy 0.750 on 4 rows"


def test_two_classes_are_classes_too():
    outputs = np.array([[0.9, 0.1], [0.2, 0.8], [0.1, 0.9]])
    axes = plots.plot_predictions(HeadPredictions("k", "binary", np.array([[0], [1], [0]]), outputs, ["no", "yes"]))
    assert axes.images[0].get_array().tolist() == [[0.5, 0.5], [0, 1]]


def test_of_very_many_classes_there_are_no_numbers():
    predictions = HeadPredictions("k", "multiclass", np.arange(60), np.eye(60), [])
    assert texts(plots.plot_predictions(predictions)) == []


def test_of_several_labels_each_has_what_was_found_missed_and_seen_where_it_is_not():
    truth = np.array([[1, 0], [1, 1], [1, 0]])
    outputs = np.array([[0.9, 0.8], [0.9, 0.2], [0.1, 0.1]])
    axes = plots.plot_predictions(HeadPredictions("k", "multilabel", truth, outputs, ["sport", "art"]))
    assert [bar.get_width() for bar in axes.patches] == [2, 0, 1, 1, 0, 1]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["sport", "art"]


def test_a_number_is_drawn_over_the_truth_with_its_error():
    truth, outputs = np.array([[1.0], [2.0], [3.0]]), np.array([[1.0], [2.0], [4.0]])
    axes = plots.plot_predictions(HeadPredictions("k", "regression", truth, outputs, ["price"]))
    assert axes.collections[0].get_offsets().tolist() == [[1, 1], [2, 2], [3, 4]]
    assert axes.get_title() == "root mean squared error 0.5774, R² 0.500" and axes.get_xlabel() == "true price"


def test_several_numbers_have_their_residuals_in_units_of_each():
    truth = np.array([[0.0, 0.0], [2.0, 200.0]])
    axes = plots.plot_predictions(HeadPredictions("k", "regression", truth, truth + [1.0, 100.0], ["small", "large"]))
    medians = [line.get_ydata()[0] for line in axes.lines if line.get_color() == "black" and len(line.get_xdata()) == 2]
    assert medians.count(1.0) >= 2
    assert [label.get_text() for label in axes.get_xticklabels()] == ["small", "large"]


@pytest.mark.parametrize("task", ["multiclass", "multilabel", "regression"])
def test_every_picture_can_be_drawn_with_odd_labels_and_without_rows(task):
    names = ["a very long label of the kind that people have $", "<b>&", "x" * 100]
    truth = np.array([0, 2]) if task == "multiclass" else np.eye(3)[:2]
    predictions = HeadPredictions("k", task, truth, np.eye(3)[:2], names)
    FigureCanvasAgg(plots.figure(plots.plot_predictions, predictions)).draw()
    axes = plots.plot_predictions(HeadPredictions("k", task, truth[:0], np.zeros((0, 3)), names))
    assert texts(axes) == ["no rows to predict"]
