"""Estimators are scikit-learn's: its own checks, and its tools around them."""

import functools
import pickle

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

import autonas
import autonas.oracles
from autonas.search_space import defaults, inputs
from autonas.search_space.blocks import structured_data
from tests.helpers.budgets import QUIET
from tests.helpers.leaderboards import board

BUDGET = {**QUIET, "max_trials": 1, "epochs": 2, "refit": False}

_SPLIT = "training and validation rows and batches are drawn by position, so repeated rows aren't weighted ones"
EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": _SPLIT,
    "check_sample_weight_equivalence_on_sparse_data": _SPLIT,
}

#: What the checks of quality need; the others are run with as little as can be. A softmax in float32 is rounded by the
#: place of a row in its batch. The means over the trees of all folds are alike up to the 1e-7 of the check.
TRAINED = {
    "check_classifiers_train": {"max_trials": 2, "epochs": 20},
    "check_regressors_train": {"max_trials": 2, "epochs": 40},
    "check_methods_sample_order_invariance": {"validation_folds": "auto", "epochs": 2},
    "check_class_weight_classifiers": {"max_trials": 3, "epochs": 100},  # of two steps
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def use_linear_networks(monkeypatch):
    """Make the default network of a table linear, for checks that fit some 250 of them and ask for nothing deeper."""
    block = functools.partial(structured_data.StructuredDataBlock, numbers="plain")
    default = (inputs.StructuredDataInput, lambda kind: block(kind=kind or "linear"))
    monkeypatch.setitem(defaults._INPUTS, "table", default)


@parametrize_with_checks(
    [
        autonas.StructuredDataClassifier(**BUDGET),
        autonas.StructuredDataRegressor(**BUDGET),
        autonas.AutoModel(**BUDGET),
    ],
    expected_failed_checks=lambda estimator: EXPECTED_FAILURES,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_check_estimator(estimator, check, monkeypatch):
    name = getattr(check, "func", check).__name__
    if "epochs" not in TRAINED.get(name, {}):
        use_linear_networks(monkeypatch)
    check(clone(estimator).set_params(**TRAINED.get(name, {})))


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def fitted(iris, tmp_path_factory):
    directory = tmp_path_factory.mktemp("run") / "run"
    return autonas.StructuredDataClassifier(**{**BUDGET, "epochs": 5}, directory=directory).fit(*iris)


def graph(**arguments):
    node = autonas.StructuredDataInput()
    head = autonas.ClassificationHead()(autonas.DenseBlock(units=8, depth=1)(node))
    return autonas.AutoModel(node, head, **{**BUDGET, **arguments})


def test_a_task_class_is_a_classifier_or_a_regressor():
    assert is_classifier(autonas.ImageClassifier()) and is_regressor(autonas.TextRegressor())
    assert is_classifier(autonas.AutoModel(task="binary")) and is_regressor(autonas.AutoModel(task="regression"))
    assert not is_classifier(autonas.AutoModel()) and not is_regressor(autonas.AutoModel())
    assert not hasattr(autonas.StructuredDataRegressor(), "predict_proba")


def test_the_tags_name_the_kinds_of_data_and_targets():
    table, text = autonas.StructuredDataClassifier(), autonas.TextRegressor()
    assert get_tags(table).classifier_tags.multi_label and get_tags(table).target_tags.multi_output
    assert get_tags(table).input_tags.categorical and get_tags(table).input_tags.string
    assert get_tags(text).input_tags.string and not get_tags(text).input_tags.categorical
    assert get_tags(text).classifier_tags is None


def test_an_automodel_becomes_what_its_data_is(fitted, iris):
    model = autonas.AutoModel(**BUDGET).fit(*iris)
    assert is_classifier(model) and not is_regressor(model)


def test_a_task_class_refuses_another_task(iris):
    with pytest.raises(ValueError, match="`task` must be None or a kind of regression.*task='binary'"):
        autonas.StructuredDataRegressor(task="binary").fit(*iris)


def test_clone_keeps_all_arguments_and_nothing_learned(fitted):
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        copy.predict(np.zeros((1, 4)))


def test_clone_of_a_graph_is_a_graph_that_works(iris):
    original = graph()
    copy = clone(clone(original))
    assert copy.outputs is not original.outputs
    assert np.array_equal(copy.fit(*iris).predict_proba(iris[0]), original.fit(*iris).predict_proba(iris[0]))


def test_cross_val_score(iris):
    scores = cross_val_score(autonas.StructuredDataClassifier(**BUDGET), *iris, cv=2)
    assert scores.shape == (2,) and ((0 <= scores) & (scores <= 1)).all()


def test_grid_search_over_constructor_arguments_in_a_pipeline(iris):
    pipeline = make_pipeline(StandardScaler(), autonas.StructuredDataClassifier(**BUDGET))
    grid = GridSearchCV(pipeline, {"structureddataclassifier__epochs": [1, 8]}, cv=2, refit=True)
    grid.fit(*iris)
    best = grid.best_estimator_[-1]
    assert best.epochs == grid.best_params_["structureddataclassifier__epochs"]
    assert len(best.history_) <= best.epochs
    assert grid.predict_proba(iris[0]).shape == (150, 3)


def test_pickle_of_a_fitted_one(fitted, iris):
    copy = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(copy.predict_proba(iris[0]), fitted.predict_proba(iris[0]))
    assert copy.leaderboard().equals(fitted.leaderboard())
    assert copy.evaluate(*iris) == fitted.evaluate(*iris)


def test_pickle_of_a_fitted_graph_that_can_be_fitted_again(iris):
    original = graph().fit(*iris)
    copy = pickle.loads(pickle.dumps(original))
    assert np.array_equal(copy.predict(iris[0]), original.predict(iris[0]))
    assert np.array_equal(copy.fit(*iris).predict_proba(iris[0]), original.predict_proba(iris[0]))


def test_fit_changes_no_argument(iris):
    oracle = autonas.oracles.RandomOracle(seed=0)
    model = graph(strategy=oracle, metrics=["f1_macro"], class_weight={0: 2.0})
    before = model.get_params()
    model.fit(*iris)
    assert all(model.get_params()[name] is value for name, value in before.items())
    assert not oracle.trials and not oracle.hyperparameters.space
    first = board(model)
    assert board(model.fit(*iris)).equals(first)


def test_set_params_takes_effect(fitted, iris):
    model = clone(fitted).set_params(directory=None, epochs=1)
    assert len(model.fit(*iris).history_) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        {"max_trials": np.int64(1), "epochs": np.int32(1), "num_classes": np.int64(3), "seed": np.uint32(1)},
        {"time_limit": np.float32(20), "patience": np.int64(1), "ensemble": np.int64(1), "n_workers": np.int64(1)},
        {"optimization": autonas.Optimization(learning_rate=np.float32(0.01), batch_size=np.int64(16))},
        {"hyperparameters": {"optimization/learning_rate": np.float32(0.01)}},
        {"hyperparameters": {"optimization/learning_rate": autonas.Choice(np.array([0.01, 0.02], "float32"))}},
    ],
    ids=lambda arguments: " ".join(arguments),
)
def test_numbers_of_numpy_as_in_a_random_search_over_arguments(arguments, iris, tmp_path):
    model = autonas.StructuredDataClassifier(**{**BUDGET, **arguments}, directory="run").fit(*iris)
    model.save("model")
    assert autonas.AutoModel.load("model").score(*iris) == model.score(*iris)


def test_pickle_of_a_fitted_one_whose_strategy_is_an_oracle(iris):
    model = autonas.StructuredDataClassifier(**BUDGET, strategy=autonas.oracles.EvolutionOracle(5)).fit(*iris)
    copy = pickle.loads(pickle.dumps(model))
    assert copy.strategy.population_size == 5
    assert np.array_equal(copy.predict(iris[0]), model.predict(iris[0]))
