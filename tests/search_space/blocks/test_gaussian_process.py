"""GaussianProcessBlock: a Gaussian process of few rows predicts the target."""

import keras
import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor, kernels
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.preprocessing import StandardScaler

import autonas
from autonas.search_space.fitted import fitters
from tests.helpers import harness
from tests.helpers.tables import OPTIONS, cities, halves, sizes


def on_columns(head, **arguments):
    """Return a model of the Gaussian process of the columns of a table."""
    inputs = autonas.StructuredDataInput()
    outputs = head(autonas.StructuredDataBlock(kind="gaussian_process")(inputs))
    return autonas.AutoModel(inputs, outputs, **{**OPTIONS, **arguments})


@pytest.mark.filterwarnings("ignore::autonas.BaselineWarning")
@pytest.mark.parametrize("load", [load_wine, load_breast_cancer])
def test_classes_are_predicted_as_well_as_by_scikit_learn(load):
    x, y, others, truth = halves(load(return_X_y=True))
    model = on_columns(autonas.ClassificationHead()).fit(x, y)
    scaler = StandardScaler().fit(x)
    kernel = kernels.ConstantKernel(4.0) * kernels.RBF(np.sqrt(x.shape[1]))
    reference = GaussianProcessClassifier(kernel, random_state=0).fit(scaler.transform(x), y)
    expected = log_loss(truth, reference.predict_proba(scaler.transform(others)))
    assert log_loss(truth, model.predict_proba(others)) < expected


@pytest.mark.filterwarnings("ignore::autonas.BaselineWarning")
def test_numbers_are_predicted_as_well_as_by_scikit_learn():
    x, y, others, truth = halves(load_diabetes(return_X_y=True))
    model = on_columns(autonas.RegressionHead()).fit(x, y)
    scaler = StandardScaler().fit(x)
    kernel = kernels.ConstantKernel() * kernels.RBF(3.0) + kernels.WhiteKernel()
    reference = GaussianProcessRegressor(kernel, normalize_y=True, random_state=0).fit(scaler.transform(x), y)
    expected = mean_squared_error(truth, reference.predict(scaler.transform(others)))
    assert mean_squared_error(truth, model.predict(others)) < 1.05 * expected


def fitted(head, target, rows, **arguments):
    """Return a function from two numbers to the outputs of a block after its fit, and the fitter."""
    inputs = autonas.StructuredDataInput()
    graph = autonas.Graph(inputs, head(autonas.GaussianProcessBlock(**arguments)(inputs)))
    numbers = {"numbers": autonas.data.Tensor((2,), "float32")}
    graph.bind([autonas.data.Feature("table", numbers, {"missing": np.zeros(2)})], [target])
    model = graph.build(harness.empty_values())
    (fitter,) = fitters.fitters_of(model)
    fitter.fit(rows, rows, np.random.default_rng(0))
    network = keras.Model(model.inputs[0], model.outputs[0])
    return lambda values: keras.ops.convert_to_numpy(network(values)), fitter


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_a_row_is_left_out_as_if_it_had_not_been_fitted(task):
    generator = np.random.default_rng(1)
    x = generator.normal(size=(60, 2)).astype("float32")
    y = {"regression": x[:, 0] ** 2, "binary": x[:, 0] > 0.3, "multiclass": np.digitize(x[:, 0], [-0.5, 0.5])}[task]
    head = autonas.RegressionHead() if task == "regression" else autonas.ClassificationHead()
    target = autonas.search_space.heads.Target(task, 3 if task == "multiclass" else 1)
    rows = fitters.Rows(x, y.astype("float32"))
    _, fitter = fitted(head, target, rows)
    assert fitter.leaves_one_out(60)
    choices = fitter.fit(rows, rows, np.random.default_rng(0))
    left_out = fitter.left_out
    for row in (0, 20, 40):
        others = rows.where(np.delete(np.arange(60), row))
        fitter.refit(others, choices, np.random.default_rng(0))
        scores = keras.Function(fitter.inputs, fitter.outputs)(x[[row]])
        # The scaling of the features and the factor of the scores are those of all rows.
        np.testing.assert_allclose(left_out[row], keras.ops.convert_to_numpy(scores)[0], rtol=0.25, atol=0.1)


def test_many_rows_are_sampled_and_many_classes_have_fewer_rows():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(5000, 2)).astype("float32")
    rows = fitters.Rows(x, np.digitize(x[:, 0], np.linspace(-1, 1, 15)))
    target = autonas.search_space.heads.Target("multiclass", 16)
    _, fitter = fitted(autonas.ClassificationHead(), target, rows.where(np.arange(100)))
    assert fitter.most_rows == 750
    assert not fitter.leaves_one_out(1000)
    x, y, others, truth = x[:4000], x[:4000, 0] ** 2, x[4000:], x[4000:, 0] ** 2
    inputs = autonas.StructuredDataInput()
    outputs = autonas.RegressionHead()(autonas.GaussianProcessBlock(rows=200)(inputs))
    model = autonas.AutoModel(inputs, outputs, **OPTIONS).fit(x, y)
    assert model.score(others, truth) > 0.99


def test_categories_missing_values_and_weights_count():
    table, target, generator = cities()
    assert on_columns(autonas.ClassificationHead()).fit(table, target).score(table, target) > 0.95
    noise = generator.random(600) < 0.4
    weighted = on_columns(autonas.ClassificationHead())
    weighted.fit(table, target ^ noise, sample_weight=np.where(noise, 1e-6, 1.0))
    assert weighted.score(table, target) > 0.9


@pytest.mark.parametrize("targets", ["binary", "multiclass", "unseen", "multilabel", "numbers"])
def test_all_kinds_of_targets_are_predicted(targets):
    x, y, head = sizes(targets)
    assert on_columns(head).fit(x[:200], y[:200]).score(x[200:], y[200:]) > 0.9


def test_it_is_saved_and_exported_with_the_used_rows_only(tmp_path):
    x, y = load_wine(return_X_y=True)
    folder = tmp_path / "run"
    model = on_columns(autonas.ClassificationHead(), directory=folder).fit(x, y)
    # 178 rows of 13 columns with 3 outputs.
    assert model.model_.count_params() < 180 * (13 + 1 + 3) + 200
    loaded = autonas.AutoModel.load(folder / "model")
    np.testing.assert_array_equal(loaded.predict_proba(x), model.predict_proba(x))
    for name in ("network.keras", "network.tflite", "network.onnx"):
        assert model.export(tmp_path / name).difference < 1e-5


def test_its_configuration_makes_the_same_block_again():
    harness.check_configuration(autonas.GaussianProcessBlock(rows=300))


def test_series_are_predicted_by_the_process_of_the_features_of_frozen_kernels():
    generator = np.random.default_rng(0)
    x = np.cumsum(generator.normal(size=(80, 50, 1)), axis=1)
    y = np.std(np.diff(x[:, :, 0]), axis=1) > 1
    inputs = autonas.TimeSeriesInput()
    scores = autonas.GaussianProcessBlock()(autonas.HydraBlock()(inputs))
    model = autonas.AutoModel(inputs, autonas.ClassificationHead()(scores), **OPTIONS).fit(x, y)
    assert model.score(x, y) > 0.9


def test_where_a_process_cannot_predict_the_target_the_error_says_why():
    x, y = load_diabetes(return_X_y=True)
    with pytest.raises(ValueError, match="has the loss 'mean_absolute_error', and Gaussian processes minimise one of"):
        on_columns(autonas.RegressionHead(loss="mean_absolute_error")).fit(x, y)


def test_a_number_of_rows_must_be_positive():
    x, y = load_diabetes(return_X_y=True)
    inputs = autonas.StructuredDataInput()
    outputs = autonas.RegressionHead()(autonas.GaussianProcessBlock(rows=0)(inputs))
    with pytest.raises(ValueError, match="`rows` must be a positive integer, or a range of them. Received: rows=0"):
        autonas.AutoModel(inputs, outputs, **OPTIONS).fit(x, y)


@pytest.mark.filterwarnings("ignore::autonas.BaselineWarning")
def test_a_constant_target_is_predicted():
    x = np.random.default_rng(0).normal(size=(40, 3))
    model = on_columns(autonas.RegressionHead()).fit(x, np.full(40, 3.7))
    np.testing.assert_allclose(model.predict(x), 3.7, rtol=1e-5)
