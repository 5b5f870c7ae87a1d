"""KernelRidgeBlock: a kernel ridge regression predicts the target."""

import dataclasses
import time

import keras
import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits, load_wine

import autonas
from autonas.search_space import heads
from autonas.search_space.fitted import fitters
from tests.helpers import harness
from tests.helpers.tables import OPTIONS


def of_numbers(head, **arguments):
    """Return a model of the kernel ridge regression of standardised columns of numbers."""
    inputs = autonas.StructuredDataInput()
    outputs = head(autonas.KernelRidgeBlock(**arguments)(autonas.Normalization()(inputs)))
    return autonas.AutoModel(inputs, outputs, **OPTIONS)


def fitter_of(n_features, task="multiclass", n_outputs=10, rows=10_000):
    """Return a function that fits a network to rows, the fitter of the regression, and the network's function."""
    inputs = autonas.StructuredDataInput()
    head = autonas.RegressionHead() if task == "regression" else autonas.ClassificationHead()
    graph = autonas.Graph(inputs, head(autonas.KernelRidgeBlock(rows)(inputs)))
    numbers = {"numbers": autonas.data.Tensor((n_features,), "float32")}
    feature = autonas.data.Feature("table", numbers, {"missing": np.zeros(n_features)})
    graph.bind([feature], [heads.Target(task, n_outputs)])
    model = graph.build(harness.empty_values())
    first, last = fitters.fitters_of(model)
    directions = keras.Function(first.inputs, last.inputs)
    outputs = keras.Function(first.inputs, last.outputs)

    def fit(training, validation=None, deadline=None):
        validation = training.where(np.zeros(len(training.targets), bool)) if validation is None else validation
        first.fit(training, None, np.random.default_rng(0))
        parts = [
            dataclasses.replace(rows, inputs=np.asarray(directions(rows.inputs))) for rows in (training, validation)
        ]
        last.fit(*parts, np.random.default_rng(0), deadline)

    return fit, last, lambda values: keras.ops.convert_to_numpy(outputs(values))


def digits():
    x, y = load_digits(return_X_y=True)
    return fitters.Rows(x.astype("float32"), y)


def split(rows, at):
    return rows.where(np.arange(at)), rows.where(np.arange(at, len(rows.targets)))


@pytest.mark.parametrize("targets", ["binary", "multiclass", "multilabel", "numbers"])
def test_all_kinds_of_targets_are_predicted(targets):
    x = np.random.default_rng(0).normal(size=(600, 4)).astype("float32")
    head = autonas.RegressionHead() if targets == "numbers" else autonas.ClassificationHead()
    y = {
        "binary": np.where(x[:, 0] > 0.2, "yes", "no"),
        "multiclass": np.digitize(x[:, 0], [-0.5, 0.5]),
        "multilabel": (x[:, :2] > 0).astype(int),
        "numbers": x[:, :2] * [1, 100] + 7,
    }[targets]
    assert of_numbers(head).fit(x[:400], y[:400]).score(x[400:], y[400:]) > 0.8


@pytest.mark.parametrize("n_training", [1000, 1600])
def test_validation_rows_are_predicted_as_by_the_network_and_more_accurately_than_by_a_linear_model(n_training):
    fit, fitter, outputs = fitter_of(64)
    training, validation = split(digits(), n_training)
    fit(training, validation)
    np.testing.assert_allclose(outputs(validation.inputs), fitter.validated, atol=1e-3)
    assert (fitter.validated.argmax(axis=1) == validation.targets).mean() > 0.94  # A linear model has .91.


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_a_row_is_left_out_as_if_it_had_not_been_fitted(task):
    generator = np.random.default_rng(1)
    x = generator.normal(size=(80, 3)).astype("float32")
    y = {"regression": x[:, 0] ** 2, "binary": x[:, 0] > 0.3, "multiclass": np.digitize(x[:, 0], [-0.5, 0.5])}[task]
    rows = fitters.Rows(x, y.astype("float32"))
    fit, fitter, outputs = fitter_of(3, task, 3 if task == "multiclass" else 1)
    assert fitter.leaves_one_out(80) and not fitter.leaves_one_out(2000)
    fit(rows)
    left_out = fitter.left_out
    for row in (0, 30, 60):
        fit(rows.where(np.delete(np.arange(80), row)))
        # The scaling of the features, the penalty and the factor of the scores are those of all rows.
        np.testing.assert_allclose(left_out[row], outputs(x[[row]])[0], rtol=0.25, atol=0.15)


def test_weights_for_all_rows_are_those_of_another_fit():
    fit, fitter, outputs = fitter_of(64)
    training, validation = split(digits(), 1600)
    fit(training, validation)
    before = outputs(validation.inputs)
    assert fitter.use_all_rows()
    after = outputs(validation.inputs)
    assert (
        (after.argmax(axis=1) == validation.targets).mean() == 1 > (before.argmax(axis=1) == validation.targets).mean()
    )


def test_at_the_deadline_the_regression_is_that_of_the_rows_so_far():
    fit, fitter, outputs = fitter_of(64)
    training, validation = split(digits(), 1600)
    fit(training, validation, deadline=time.monotonic())
    factors, _ = fitter.factors.get_weights()
    assert np.any(factors != 0, axis=1).sum() == 400
    assert not fitter.use_all_rows()
    assert (outputs(validation.inputs).argmax(axis=1) == validation.targets).mean() > 0.9


def test_rows_with_little_weight_hardly_count():
    rows = digits()
    training, validation = split(rows, 1600)
    noise = np.random.default_rng(0).random(1600) < 0.4
    labels = np.where(noise, np.random.default_rng(1).integers(0, 10, 1600), training.targets)
    weights = np.where(noise, 1e-6, 1.0)
    fit, fitter, _ = fitter_of(64)
    weighted = fitters.Rows(training.inputs, labels, weights)
    fit(weighted, fitters.Rows(validation.inputs, validation.targets, np.ones(197)))
    assert (fitter.validated.argmax(axis=1) == validation.targets).mean() > 0.94


def test_constant_features_have_finite_predictions():
    rows = fitters.Rows(np.ones((50, 5), "float32"), np.arange(50) % 10)
    fit, fitter, outputs = fitter_of(5)
    fit(rows)
    assert np.isfinite(outputs(np.ones((3, 5), "float32"))).all()


def test_it_is_saved_and_exported_with_the_used_rows_only(tmp_path):
    x, y = load_wine(return_X_y=True)
    model = of_numbers(autonas.ClassificationHead()).fit(x, y)
    # 178 rows of 13 directions with 3 outputs.
    assert model.model_.count_params() < 180 * (13 + 3) + 300
    for name in ("network.keras", "network.tflite", "network.onnx"):
        assert model.export(tmp_path / name).difference < 1e-5


def test_its_configuration_makes_the_same_block_again():
    harness.check_configuration(autonas.KernelRidgeBlock(rows=300))


def test_where_it_cannot_predict_the_target_the_error_says_why():
    x, y = load_diabetes(return_X_y=True)
    with pytest.raises(ValueError, match="KernelRidgeBlock can't be used here: head 'regression_head_1' has the loss"):
        of_numbers(autonas.RegressionHead(loss="poisson")).fit(x, y)


def test_a_number_of_rows_must_be_positive():
    x, y = load_diabetes(return_X_y=True)
    with pytest.raises(ValueError, match="`rows` must be a positive integer, or a range of them. Received: rows=0"):
        of_numbers(autonas.RegressionHead(), rows=0).fit(x, y)
