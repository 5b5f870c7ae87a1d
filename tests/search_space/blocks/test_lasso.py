"""LassoBlock: a linear model of a few of the features predicts the target."""

import types

import numpy as np
import pytest
from sklearn.linear_model import LassoCV
from sklearn.preprocessing import StandardScaler

import autonas
from autonas.search_space.blocks import lasso
from tests.helpers import harness
from tests.helpers.tables import OPTIONS, drawn, sizes


def few_of_many(n_rows, n_columns=500):
    """Return standard normal columns and the sum of three of them, with noise."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(n_rows, n_columns)).astype("float32")
    return x, 3 * x[:, 0] - 2 * x[:, 1] + x[:, 2] + 0.5 * generator.normal(size=n_rows)


def fitted(x, y, head, **arguments):
    """Return a fitted model of the columns of an array, with a single layer."""
    return drawn(autonas.LassoBlock(), head, **arguments).fit(x, y)


@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_the_predictions_and_coefficients_are_those_of_scikit_learn(offset):
    x, y = few_of_many(200)
    model = fitted(x[:100] + offset, y[:100], autonas.RegressionHead())
    scaler = StandardScaler().fit(x[:100])
    reference = LassoCV(cv=5).fit(scaler.transform(x[:100]), y[:100])
    error = np.sqrt(np.mean((model.predict(x[100:] + offset) - y[100:]) ** 2))
    expected = np.sqrt(np.mean((reference.predict(scaler.transform(x[100:])) - y[100:]) ** 2))
    assert error < 1.05 * expected < 0.8
    (kernel,) = [weight for weight in model.model_.weights if weight.shape == (500, 1)]
    assert set(np.argsort(-np.abs(np.array(kernel)[:, 0]))[:3]) == {0, 1, 2}
    assert np.count_nonzero(np.array(kernel)) < 100


@pytest.mark.filterwarnings("ignore::autonas.BaselineWarning")
@pytest.mark.parametrize("targets", ["binary", "multiclass", "unseen", "multilabel", "numbers"])
def test_all_kinds_of_targets_are_predicted(targets):
    x, y, head = sizes(targets)
    block = autonas.StructuredDataBlock(kind="lasso")
    model = drawn(block, head).fit(x, y)
    predictions = model.predict(x)
    if targets == "numbers":
        assert np.corrcoef(predictions[:, 0], y[:, 0])[0, 1] > 0.95
    else:
        # A linear model rarely predicts the middle one of three classes.
        assert np.mean(predictions == y) > (0.85 if targets in ("binary", "multilabel") else 0.65)


def test_classes_of_few_rows_of_many_columns_are_better_than_by_a_ridge_regression():
    x, y = few_of_many(400)
    losses = {}
    for block in (autonas.LassoBlock(), autonas.RidgeBlock()):
        model = drawn(block, autonas.ClassificationHead()).fit(x[:100], y[:100] > 0)
        probabilities = model.predict_proba(x[100:])[np.arange(300), (y[100:] > 0).astype(int)]
        losses[type(block).__name__] = -np.mean(np.log(probabilities))
    assert losses["LassoBlock"] < 0.7 * losses["RidgeBlock"]


def test_weights_of_rows_count():
    x, y = few_of_many(100, 20)
    inputs = autonas.StructuredDataInput()
    model = autonas.AutoModel(inputs, autonas.RegressionHead()(autonas.LassoBlock()(inputs)), **OPTIONS)
    others = np.concatenate([x, x]), np.concatenate([y, -y])
    model.fit(*others, sample_weight=np.repeat([1.0, 1e-6], 100))
    assert np.sqrt(np.mean((model.predict(x) - y) ** 2)) < 0.7


@pytest.mark.filterwarnings("ignore::autonas.BaselineWarning")
def test_a_constant_target_and_constant_columns_are_predicted():
    x = np.ones((40, 3), "float32")
    x[:, 0] = np.arange(40)
    model = fitted(x, np.full(40, 3.7), autonas.RegressionHead())
    np.testing.assert_allclose(model.predict(x), 3.7, rtol=1e-5)


def test_its_configuration_makes_the_same_block_again():
    harness.check_configuration(autonas.LassoBlock())


def test_where_it_cannot_predict_the_target_the_error_says_why():
    x, y = few_of_many(40, 5)
    with pytest.raises(ValueError, match="LassoBlock can't be used here: head 'regression_head_1' has the loss"):
        fitted(x, y**2, autonas.RegressionHead(loss="poisson"))


def test_penalties_are_tried_for_a_share_of_the_time(monkeypatch):
    clock = iter(range(0, 10**6, 10))  # Each look at the clock takes ten seconds.
    monkeypatch.setattr(lasso, "time", types.SimpleNamespace(monotonic=lambda: next(clock)))
    x, y = few_of_many(60, 20)
    problem = lasso._Problem(x, y[:, None].astype("float32"), np.ones(60, "float32"), (np.zeros(20), np.ones(20)))
    tried = []
    fit = lasso._Problem.fit
    monkeypatch.setattr(lasso._Problem, "fit", lambda self, model: (tried.append(model.alpha), fit(self, model)))
    problem.chosen(np.arange(60), deadline=200.0)
    # The share is 30 s, which are over at the fourth look.
    assert len(set(tried)) == 4
