"""ExtraTreesBlock: the mean of extremely randomised trees predicts the target of a table."""

import time

import keras
import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.metrics import log_loss, mean_squared_error

import autonas
from autonas.search_space.fitted import fitters
from tests.helpers import harness
from tests.helpers.tables import cities, drawn, halves, sizes


@pytest.mark.filterwarnings("ignore::autonas.BaselineWarning")
@pytest.mark.parametrize("load", [load_wine, load_breast_cancer])
def test_classes_are_predicted_as_well_as_by_scikit_learn(load):
    x, y, others, truth = halves(load(return_X_y=True))
    model = drawn(autonas.ExtraTreesBlock(split_features="sqrt"), autonas.ClassificationHead()).fit(x, y)
    reference = ExtraTreesClassifier(random_state=0).fit(x, y)
    assert log_loss(truth, model.predict_proba(others)) < 1.1 * log_loss(truth, reference.predict_proba(others))


@pytest.mark.filterwarnings("ignore::autonas.BaselineWarning")
def test_numbers_are_predicted_as_well_as_by_scikit_learn():
    x, y, others, truth = halves(load_diabetes(return_X_y=True))
    model = drawn(autonas.ExtraTreesBlock(split_features="all"), autonas.RegressionHead()).fit(x, y)
    reference = ExtraTreesRegressor(random_state=0).fit(x, y)
    assert mean_squared_error(truth, model.predict(others)) < 1.05 * mean_squared_error(
        truth, reference.predict(others)
    )


def fitted(head, target, rows, **settings):
    """Return a function from two numbers to the outputs of a block after the fit of its trees, and the fitter."""
    inputs = autonas.StructuredDataInput()
    graph = autonas.Graph(inputs, head(autonas.ExtraTreesBlock(**{"leaf_rows": 1, **settings})(inputs)))
    graph.bind([autonas.data.Feature("table", {"numbers": autonas.data.Tensor((2,), "float32")}, {})], [target])
    model = graph.build(harness.empty_values())
    (fitter,) = fitters.fitters_of(model)
    fitter.fit(rows, rows, np.random.default_rng(0))
    network = keras.Model(model.inputs[0], model.outputs[0])
    return lambda values: keras.ops.convert_to_numpy(network(values)), fitter


def test_no_threshold_is_so_near_a_training_row_that_an_export_may_round_the_row_to_the_other_side():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(80, 2)).astype("float32")
    x[::9, 0] = np.nan
    rows = fitters.Rows(x, generator.normal(size=(80, 1)).astype("float32"))
    target = autonas.search_space.heads.Target("regression", 1)
    predict, _ = fitted(autonas.RegressionHead(), target, rows, trees=100, split_features="all")
    outputs = predict(x)
    for factor in (1 - 1e-6, 1 + 1e-6):
        np.testing.assert_array_equal(predict((x * factor).astype("float32")), outputs)


def test_the_network_equals_the_trees_of_scikit_learn_and_one_more_of_the_shares_of_the_classes():
    generator = np.random.default_rng(1)
    x = generator.normal(size=(300, 2)).astype("float32")
    x[::7, 0] = np.nan
    y = np.digitize(np.nan_to_num(x[:, 0]) + x[:, 1], [-0.5, 0.5])
    weights = generator.random(300)
    rows = fitters.Rows(x, y, weights)
    target = autonas.search_space.heads.Target("multiclass", 3)
    predict, fitter = fitted(autonas.ClassificationHead(), target, rows, trees=20, split_features="sqrt")
    seed = int(np.random.default_rng(0).integers(2**31))
    reference = ExtraTreesRegressor(
        20, max_features="sqrt", max_leaf_nodes=1000, max_depth=20, random_state=seed, warm_start=True
    )
    for n_trees in (5, 20):
        reference.set_params(n_estimators=n_trees).fit(x, np.eye(3)[y], sample_weight=weights)
    others = generator.normal(size=(200, 2)).astype("float32")
    others[::5, 1] = np.nan
    shares = np.bincount(y, weights) / weights.sum()
    for values in (x, others):
        expected = (20 * reference.predict(values) + shares) / 21
        np.testing.assert_allclose(predict(values), expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(np.exp(fitter.validated), (20 * reference.predict(x) + shares) / 21, atol=1e-6)


def test_infinite_and_missing_values_take_a_branch():
    x = np.array([[value, other] for value in (-np.inf, -3e38, 0, 3e38, np.inf, np.nan) for other in range(10)])
    y = np.isnan(x[:, 0]) | (x[:, 0] > 1)
    rows = fitters.Rows(x.astype("float32"), y.astype("float32"))
    predict, _ = fitted(autonas.ClassificationHead(), autonas.search_space.heads.Target("binary", 1), rows, trees=10)
    assert ((predict(rows.inputs)[:, 0] > 0.5) == y).all()


def test_categories_missing_values_and_weights_count():
    table, target, generator = cities()
    model = drawn(autonas.ExtraTreesBlock(split_features="all"), autonas.ClassificationHead()).fit(table, target)
    assert model.score(table, target) > 0.98
    noise = generator.random(600) < 0.4
    weighted = drawn(autonas.ExtraTreesBlock(leaf_rows=20, split_features="all"), autonas.ClassificationHead())
    weighted.fit(table, target ^ noise, sample_weight=np.where(noise, 1e-6, 1.0))
    assert weighted.score(table, target) > 0.9


@pytest.mark.parametrize("targets", ["binary", "multiclass", "unseen", "multilabel", "numbers"])
def test_the_predictions_of_a_trial_are_those_of_its_network(targets):
    x, y, head = sizes(targets)
    model = drawn(autonas.ExtraTreesBlock(trees=30, split_features="all"), head, refit=False)
    model.fit(x[:200], y[:200], validation_data=(x[200:], y[200:]))
    (of_trial,) = model.validation_predictions_
    network = model.predict(x[200:]) if targets == "numbers" else model.predict_proba(x[200:])
    np.testing.assert_allclose(of_trial.outputs, network, rtol=1e-4, atol=1e-5)
    assert model.score(x[:200], y[:200]) > 0.9


def test_a_deadline_reduces_the_number_of_trees():
    generator = np.random.default_rng(0)
    rows = fitters.Rows(generator.normal(size=(20_000, 2)).astype("float32"), generator.normal(size=20_000))
    predict, fitter = fitted(autonas.RegressionHead(), autonas.search_space.heads.Target("regression", 1), rows)
    with_all = predict(rows.inputs[:100])
    assert fitter.fit(rows, rows, np.random.default_rng(0), deadline=time.monotonic()) == {"trees": 5}
    assert (predict(rows.inputs[:100]) != with_all).any()


def test_many_classes_have_fewer_leaves():
    rows = fitters.Rows(np.zeros((1000, 2), "float32"), np.arange(1000))
    _, fitter = fitted(autonas.ClassificationHead(), autonas.search_space.heads.Target("multiclass", 1000), rows)
    assert fitter.walk.nodes.count_params() + fitter.walk.values.count_params() < 5e6


def test_it_is_saved_and_exported_with_the_used_nodes_only(tmp_path):
    x, y = load_wine(return_X_y=True)
    folder = tmp_path / "run"
    model = drawn(autonas.ExtraTreesBlock(), autonas.ClassificationHead(), directory=folder).fit(x, y)
    # 100 trees of at most some 50 leaves, whose nodes have three numbers and three values.
    assert model.model_.count_params() < 100 * 100 * 6
    loaded = autonas.AutoModel.load(folder / "model")
    np.testing.assert_array_equal(loaded.predict_proba(x), model.predict_proba(x))
    for name in ("network.keras", "network.tflite", "network.onnx"):
        assert model.export(tmp_path / name).difference < 1e-6


def test_its_configuration_makes_the_same_block_again():
    harness.check_configuration(autonas.ExtraTreesBlock(trees=50, leaf_rows=autonas.Choice([1, 3])))


def test_where_trees_cannot_predict_the_target_the_error_says_why():
    x, y = load_diabetes(return_X_y=True)
    head = autonas.RegressionHead(loss="mean_absolute_error")
    with pytest.raises(ValueError, match="has the loss 'mean_absolute_error', and trees minimise one of"):
        drawn(autonas.ExtraTreesBlock(), head).fit(x, y)


def test_an_unknown_number_of_features_of_a_split_is_refused():
    x, y = load_diabetes(return_X_y=True)
    with pytest.raises(ValueError, match="`split_features` must be one of .* Received: split_features=0.3"):
        drawn(autonas.ExtraTreesBlock(split_features=0.3), autonas.RegressionHead()).fit(x, y)
