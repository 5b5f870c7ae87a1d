"""LogisticBlock: a logistic regression predicts the target."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

import autonas
from autonas.search_space import target
from autonas.search_space.blocks import logistic
from tests.helpers import harness
from tests.helpers.tables import drawn, sizes


def log_loss(probabilities, y):
    return -np.mean(np.log(probabilities[np.arange(len(y)), y]))


@pytest.mark.parametrize("load", [load_breast_cancer, load_wine])
def test_the_probabilities_are_those_of_scikit_learn(load):
    x, y = load(return_X_y=True)
    model = drawn(autonas.LogisticBlock(), autonas.ClassificationHead()).fit(x[::2], y[::2])
    scaler = StandardScaler().fit(x[::2])
    reference = GridSearchCV(
        LogisticRegression(max_iter=1000), {"C": np.logspace(-3, 3, 13)}, scoring="neg_log_loss", error_score="raise"
    ).fit(scaler.transform(x[::2]), y[::2])
    expected = log_loss(reference.predict_proba(scaler.transform(x[1::2])), y[1::2])
    assert log_loss(model.predict_proba(x[1::2]), y[1::2]) < expected + 0.02 < 0.2


def test_a_rare_class_that_a_ridge_regression_misses_is_predicted():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(4000, 3)).astype("float32")
    y = (generator.random(4000) < 1 / (1 + np.exp(7 - 3 * x[:, 0]))).astype(int)
    losses = {}
    for block in (autonas.LogisticBlock(), autonas.RidgeBlock()):
        model = drawn(block, autonas.ClassificationHead()).fit(x[:2000], y[:2000])
        losses[type(block).__name__] = log_loss(model.predict_proba(x[2000:]), y[2000:])
    assert losses["LogisticBlock"] < 0.75 * losses["RidgeBlock"]


@pytest.mark.filterwarnings("ignore::autonas.BaselineWarning")
@pytest.mark.parametrize("targets", ["binary", "multiclass", "unseen", "multilabel"])
def test_all_kinds_of_classes_are_predicted(targets):
    x, y, head = sizes(targets)
    model = drawn(autonas.StructuredDataBlock(kind="logistic"), head).fit(x, y)
    assert np.mean(model.predict(x) == y) > 0.85
    assert np.isfinite(model.predict_proba(x)).all()


@pytest.mark.parametrize("n_rows", [40, 6000])
def test_few_and_many_rows_are_predicted_by_a_fit_to_others(n_rows):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(n_rows, 4)).astype("float32")
    y = x[:, 0] + generator.normal(size=n_rows) > 0
    model = drawn(autonas.LogisticBlock(), autonas.ClassificationHead()).fit(x, y)
    (record,) = [record for record in model.records_ if record["stage"] == "search"]
    # The Bayes classifier's is .46. Rows that were trained on would have a lower one.
    assert 0.4 < record["metrics"]["val_loss"] < 0.75


def test_weights_of_rows_count():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(100, 5)).astype("float32")
    y = (x[:, 0] > 0).astype(int)
    model = drawn(autonas.LogisticBlock(), autonas.ClassificationHead())
    model.fit(np.concatenate([x, x]), np.concatenate([y, 1 - y]), sample_weight=np.repeat([1.0, 1e-6], 100))
    assert model.score(x, y) > 0.95


def test_rows_without_weight_do_not_count():
    x, y = load_wine(return_X_y=True)
    weights = np.zeros(len(y))
    weights[[0, 1, 2, 70, 71]] = 1.0
    problem = logistic._Problem(x, np.eye(3)[y], weights, target.Target("multiclass", 3))
    expected = problem.where(np.flatnonzero(weights)).fitted(1.0)
    for array, other in zip(problem.fitted(1.0), expected, strict=True):
        np.testing.assert_array_equal(array, other)
    loss, scores = logistic._attempt(problem, np.array_split(np.arange(len(y)), 5), 1.0)
    assert np.isfinite(loss) and scores.shape == (178, 3)


def test_its_configuration_makes_the_same_block_again():
    harness.check_configuration(autonas.LogisticBlock())


def test_where_it_cannot_predict_the_target_the_error_says_why():
    x = np.random.default_rng(0).normal(size=(40, 3))
    with pytest.raises(ValueError, match="LogisticBlock can't be used here: head 'regression_head_1' has the loss"):
        drawn(autonas.LogisticBlock(), autonas.RegressionHead()).fit(x, x[:, 0])
