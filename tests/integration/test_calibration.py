"""Calibration and the like: an AutoModel works inside of scikit-learn's meta-estimators for classifiers."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss
from sklearn.model_selection import TunedThresholdClassifierCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import autonas

pytestmark = pytest.mark.usefixtures("folder")


def classifier(**arguments):
    budget = {"max_trials": 1, "epochs": 3, "refit": False, "tensorboard": False, "verbose": 0, "seed": 0}
    return autonas.StructuredDataClassifier(**{**budget, **arguments})


@pytest.fixture(scope="module")
def cancer():
    """Rows and labels, which are strings, of a training and a test part."""
    data = load_breast_cancer()
    return train_test_split(data.data, data.target_names[data.target], test_size=0.5, random_state=0)


def test_a_fitted_model_is_calibrated_on_rows_it_has_not_seen(cancer):
    x, x_test, y, y_test = cancer
    model = classifier(class_weight={"malignant": 500.0}).fit(x, y)  # Too sure of one class.
    calibrated = CalibratedClassifierCV(FrozenEstimator(model)).fit(x_test[:140], y_test[:140])
    probabilities = calibrated.predict_proba(x_test[140:])
    assert calibrated.classes_.tolist() == model.classes_.tolist() == ["benign", "malignant"]
    assert np.allclose(probabilities.sum(1), 1)
    raw = model.predict_proba(x_test[140:])
    truth = y_test[140:] == "malignant"
    assert brier_score_loss(truth, probabilities[:, 1]) < brier_score_loss(truth, raw[:, 1])


def cross_entropy(y, probabilities):
    return -np.mean(np.log(np.maximum(probabilities[np.arange(len(y)), y], 1e-7)))


@pytest.mark.parametrize("method", ["isotonic", "temperature"])
def test_several_classes_are_calibrated_by_each_method(iris, method):
    x, y = iris
    model = classifier(epochs=10).fit(x[::2], y[::2])
    calibrated = CalibratedClassifierCV(FrozenEstimator(model), method=method).fit(x[1::2], y[1::2])
    probabilities = calibrated.predict_proba(x[1::2])
    assert probabilities.shape == (75, 3) and np.allclose(probabilities.sum(1), 1)
    assert cross_entropy(y[1::2], probabilities) < cross_entropy(y[1::2], model.predict_proba(x[1::2]))


def test_a_search_in_each_fold_is_calibrated_on_the_others(cancer):
    x, x_test, y, y_test = cancer
    calibrated = CalibratedClassifierCV(classifier(epochs=10), cv=3).fit(x, y)
    assert len(calibrated.calibrated_classifiers_) == 3
    assert calibrated.score(x_test, y_test) > 0.9
    assert np.allclose(calibrated.predict_proba(x_test).sum(1), 1)


def test_a_threshold_is_tuned(cancer):
    x, x_test, y, y_test = cancer
    model = classifier().fit(x[:140], y[:140])
    tuned = TunedThresholdClassifierCV(FrozenEstimator(model), scoring="balanced_accuracy", cv="prefit", refit=False)
    tuned.fit(x[140:], y[140:])
    assert 0 < tuned.best_threshold_ < 1 and tuned.score(x_test, y_test) > 0.85


def test_it_votes_and_is_stacked_with_others(cancer):
    x, x_test, y, y_test = cancer
    parts = [("network", classifier()), ("linear", make_pipeline(StandardScaler(), LogisticRegression()))]
    voting = VotingClassifier(parts, voting="soft").fit(x, y)
    stacked = StackingClassifier(parts, cv=2).fit(x, y)
    for model in (voting, stacked):
        assert model.score(x_test, y_test) > 0.93
        assert model.predict_proba(x_test).shape == (len(x_test), 2)
