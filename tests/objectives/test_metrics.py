"""Metrics by name, of Keras, or of the user's own: the right numbers for each task."""

import keras
import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from autonas.objectives import CustomMetric, metrics

TRUTH = np.array([0, 1, 2, 2, 1, 0], "int32")
PROBABILITIES = np.array(
    [[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.3, 0.4, 0.3], [0.1, 0.1, 0.8], [0.3, 0.6, 0.1], [0.4, 0.5, 0.1]], "float32"
)
BINARY, POSITIVE = np.array([0, 1, 1, 0]), np.array([0.2, 0.9, 0.4, 0.1], "float32")
TWO = np.stack([1 - POSITIVE, POSITIVE], axis=1)


def value(metric, task, truth, predictions):
    return metrics.get_metric(metric, task)(truth, predictions)


@pytest.mark.parametrize("name", ["accuracy", "balanced_accuracy", "auc", "average_precision"])
def test_names_for_several_classes_are_scikit_learns(name):
    labels, onehot = PROBABILITIES.argmax(1), np.eye(3)[TRUTH]
    expected = {
        "accuracy": sklearn_metrics.accuracy_score(TRUTH, labels),
        "balanced_accuracy": sklearn_metrics.balanced_accuracy_score(TRUTH, labels),
        "auc": sklearn_metrics.roc_auc_score(TRUTH, PROBABILITIES, multi_class="ovr"),
        "average_precision": sklearn_metrics.average_precision_score(onehot, PROBABILITIES),
    }
    assert value(name, "multiclass", TRUTH, PROBABILITIES) == pytest.approx(expected[name])


def test_names_for_numbers():
    truth, predictions = np.array([[1.0], [3.0]]), np.array([[2.0], [1.0]])
    assert value("rmse", "regression", truth, predictions) == pytest.approx(np.sqrt(2.5))
    assert value("mae", "regression", truth, predictions) == 1.5


@pytest.mark.parametrize(
    "metric, expected",
    [
        (keras.metrics.SparseCategoricalAccuracy(), 4 / 6),
        (keras.metrics.CategoricalAccuracy(), 4 / 6),
        ("sparse_categorical_accuracy", 4 / 6),
        ("categorical_accuracy", 4 / 6),
        (keras.metrics.TopKCategoricalAccuracy(2), 1.0),  # of equal ones each counts
        (keras.metrics.F1Score("macro"), sklearn_metrics.f1_score(TRUTH, PROBABILITIES.argmax(1), average="macro")),
    ],
    ids=lambda each: getattr(each, "name", str(each)),
)
def test_metrics_of_keras_are_given_what_they_take(metric, expected):
    assert value(metric, "multiclass", TRUTH, PROBABILITIES) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    "metric, expected",
    [
        (keras.metrics.BinaryAccuracy(), 0.75),
        ("binary_accuracy", 0.75),
        (keras.metrics.Recall(), 0.5),
        (keras.metrics.CategoricalAccuracy(), 0.75),
        (keras.metrics.AUC(), 1.0),
    ],
    ids=lambda each: getattr(each, "name", str(each)),
)
def test_metrics_of_keras_for_two_classes(metric, expected):
    assert value(metric, "binary", BINARY, TWO) == pytest.approx(expected, abs=1e-5)


def test_a_metric_of_keras_forgets_the_rows_before():
    metric = metrics.get_metric(keras.metrics.BinaryAccuracy(), "binary")
    assert metric(BINARY, TWO) == metric(BINARY, TWO) == 0.75
    assert metric(BINARY[:1], TWO[:1]) == 1.0


def test_a_function_is_given_truth_and_probabilities():
    def width(truth, predictions):
        return predictions.shape[1] + len(truth)

    metric = metrics.get_metric(width, "multiclass")
    assert metric.name == "width" and metric.direction is None and metric(TRUTH, PROBABILITIES) == 9


@pytest.mark.parametrize(
    "name, direction", [("accuracy", "max"), ("hamming_loss", "min"), ("top_k_categorical_accuracy", "max")]
)
def test_directions(name, direction):
    assert metrics.get_metric(name, "multiclass").direction == direction


def test_what_has_no_meaning_is_nan_without_a_warning():
    assert np.isnan(value("auc", "binary", BINARY * 0, TWO))
    assert np.isnan(value("auc", "multiclass", TRUTH * 0, PROBABILITIES))
    assert np.isnan(value("r2", "regression", np.ones((1, 1)), np.ones((1, 1))))
    value("balanced_accuracy", "multiclass", TRUTH * 0, PROBABILITIES)


def test_what_is_no_metric_is_refused():
    with pytest.raises(ValueError, match="No metric of this name exists for a regression target. Use rmse"):
        metrics.get_metric("accurracy", "regression")
    with pytest.raises(
        ValueError, match="must be a name, .* a Keras metric, a function or a CustomMetric. Received: int"
    ):
        metrics.get_metric(3, "binary")


@pytest.mark.parametrize("name", ["auc", "binary_accuracy", "hinge", "f1", "roc_auc", "accuracy", "BinaryAccuracy"])
def test_metrics_of_classes_are_refused_for_numbers_with_a_list_of_metrics_of_numbers(name):
    known = "for a regression target. Use rmse, mse, mae, r2, or a scorer"
    with pytest.raises(ValueError, match=known) as refused:
        metrics.get_metric(name, "regression")
    assert "auc" not in str(refused.value).lower()


@pytest.mark.parametrize(
    "name", ["r2_score", "rmse", "neg_mean_squared_error", "msle", "PearsonCorrelation", "Accuracy"]
)
def test_metrics_of_numbers_are_refused_for_classes(name):
    with pytest.raises(ValueError, match="for a multiclass target. Use accuracy, balanced_accuracy, auc"):
        metrics.get_metric(name, "multiclass")


@pytest.mark.parametrize(
    "metric", [keras.metrics.AUC(), keras.metrics.BinaryAccuracy(), keras.metrics.hinge, keras.metrics.F1Score("macro")]
)
def test_objects_of_keras_for_classes_are_refused_for_numbers_as_well(metric):
    with pytest.raises(ValueError, match="for a regression target"):
        metrics.get_metric(metric, "regression")


@pytest.mark.parametrize(
    "metric", ["mse", "RootMeanSquaredError", keras.metrics.MeanAbsoluteError(), "Poisson", keras.losses.huber]
)
def test_metrics_of_keras_for_numbers(metric):
    truth, predictions = np.array([[1.0], [3.0]]), np.array([[2.0], [1.0]])
    assert np.isfinite(value(metric, "regression", truth, predictions))


@pytest.mark.parametrize(
    ("metric", "direction"),
    [(keras.metrics.F1Score("macro"), "max"), (keras.metrics.R2Score(), "max"),
     (keras.metrics.MeanSquaredError(), "min"),
     (keras.metrics.PrecisionAtRecall(0.5), "max"), (keras.metrics.FalsePositives(), "min"),
     (sklearn_metrics.brier_score_loss, "min"), (sklearn_metrics.d2_tweedie_score, "max")],
)  # fmt: skip
def test_directions_are_those_that_keras_and_scikit_learn_give(metric, direction):
    assert metrics._direction(metric) == direction


def test_several_numbers_are_refused_and_one_column_is_accepted():
    with pytest.raises(ValueError, match=r"returned 3 numbers.*F1Score\(average=\"macro\"\)"):
        value(keras.metrics.F1Score(threshold=0.5), "multiclass", TRUTH, PROBABILITIES)
    expected = sklearn_metrics.f1_score(BINARY, POSITIVE > 0.5)
    assert value(keras.metrics.F1Score(threshold=0.5), "binary", BINARY, TWO) == pytest.approx(expected)


def test_an_f_score_without_a_threshold_compares_two_classes():
    expected = sklearn_metrics.f1_score(BINARY, POSITIVE > 0.5, average="macro")
    assert value(keras.metrics.F1Score("macro"), "binary", BINARY, TWO) == pytest.approx(expected)
    with pytest.raises(ValueError, match="returned 2 numbers"):
        value("f1_score", "binary", BINARY, TWO)


def test_a_custom_metric_has_its_name_and_direction():
    metric = metrics.get_metric(CustomMetric(sklearn_metrics.mean_pinball_loss, "pinball", "min"), "regression")
    truth, predictions = np.array([[1.0], [3.0]]), np.array([[2.0], [1.0]])
    assert (metric.name, metric.direction) == ("pinball", "min")
    assert metric(truth, predictions) == sklearn_metrics.mean_pinball_loss(truth, predictions)


# ---------------------------------------------------------------------- scorers of scikit-learn


@pytest.mark.parametrize("name", ["f1", "precision", "recall", "jaccard"])
def test_scores_of_the_positive_class_are_scikit_learns(name):
    generator = np.random.default_rng(0)
    truth, second = generator.integers(0, 2, 100), generator.random(100)
    predictions = np.stack([1 - second, second], axis=1)
    function = getattr(sklearn_metrics, f"{name}_score")
    assert value(name, "binary", truth, predictions) == function(truth, second > 0.5)
    for average in ("macro", "micro", "weighted"):
        expected = function(truth, second > 0.5, average=average)
        assert value(f"{name}_{average}", "binary", truth, predictions) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["f1", "precision", "recall", "jaccard"])
def test_scores_of_the_positive_class_are_refused_for_more_classes_and_name_the_averages(name):
    with pytest.raises(ValueError, match=f"use {name}_macro, {name}_micro, {name}_weighted\\."):
        metrics.get_metric(name, "multiclass")
    with pytest.raises(ValueError, match=f"use {name}_macro, {name}_micro, {name}_weighted, {name}_samples"):
        metrics.get_metric(name, "multilabel")


def test_scorers_give_what_scikit_learn_gives():
    generator = np.random.default_rng(0)
    truth, probabilities = generator.integers(0, 3, 200), generator.dirichlet(np.ones(3), 200)
    for name, expected in {
        "f1_macro": sklearn_metrics.f1_score(truth, probabilities.argmax(1), average="macro"),
        "neg_log_loss": -sklearn_metrics.log_loss(truth, probabilities),
        "roc_auc_ovr": sklearn_metrics.roc_auc_score(truth, probabilities, multi_class="ovr"),
        "matthews_corrcoef": sklearn_metrics.matthews_corrcoef(truth, probabilities.argmax(1)),
        "top_k_accuracy": sklearn_metrics.top_k_accuracy_score(truth, probabilities),
    }.items():
        metric = metrics.get_metric(name, "multiclass")
        assert (metric.name, metric.direction) == (name, "max")
        assert metric(truth, probabilities.astype("float32")) == pytest.approx(expected, rel=1e-5)


def test_scorers_of_two_classes_take_the_probability_of_the_second():
    generator = np.random.default_rng(0)
    truth, second = generator.integers(0, 2, 100), generator.random(100)
    predictions = np.stack([1 - second, second], axis=1).astype("float32")
    for name, function in (("roc_auc", sklearn_metrics.roc_auc_score), ("jaccard", sklearn_metrics.jaccard_score)):
        expected = function(truth, second if name == "roc_auc" else second > 0.5)
        assert metrics.get_metric(name, "binary")(truth, predictions) == pytest.approx(expected)


def test_scorers_of_several_labels_and_of_numbers():
    generator = np.random.default_rng(0)
    truth, predictions = generator.integers(0, 2, (50, 3)), generator.random((50, 3)).astype("float32")
    found = metrics.get_metric("f1_samples", "multilabel")(truth, predictions)
    assert found == pytest.approx(sklearn_metrics.f1_score(truth, predictions > 0.5, average="samples"))
    numbers, guesses = generator.random((50, 1)), generator.random((50, 1))
    found = metrics.get_metric("neg_mean_absolute_percentage_error", "regression")(numbers, guesses)
    assert found == pytest.approx(-sklearn_metrics.mean_absolute_percentage_error(numbers, guesses))


def test_a_function_gives_one_number_or_one_for_each_row():
    def pair_score(truth, predictions):
        return np.array([1.0, 2.0])

    with pytest.raises(ValueError, match=r"pair_score returned an array of shape \(2,\) for 4 rows"):
        metrics.get_metric(pair_score, "binary")(np.array([0, 1, 0, 1]), np.full((4, 2), 0.5))
    assert metrics.get_metric(pair_score, "binary")(np.array([0, 1]), np.full((2, 2), 0.5)) == 1.5


def test_a_scorer_that_needs_all_classes_is_nan_without_one_and_says_else_what_is_wrong():
    truth, predictions = np.array([0, 1, 0, 1]), np.full((4, 3), 1 / 3, "float32")
    assert np.isnan(metrics.get_metric("roc_auc_ovr", "multiclass")(truth, predictions))
    of_all_classes = -sklearn_metrics.log_loss(truth, predictions, labels=np.arange(predictions.shape[1]))
    np.testing.assert_allclose(metrics.get_metric("neg_log_loss", "multiclass")(truth, predictions), of_all_classes)
    with pytest.raises(ValueError, match="multi_class must be in"):
        metrics.get_metric("roc_auc", "multiclass")(np.array([0, 1, 2, 1]), predictions)
