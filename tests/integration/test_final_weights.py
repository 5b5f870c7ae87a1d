"""Weights that are fitted to all rows beside those of the score are served without another fit."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

import autonas
from autonas import oracles
from autonas.evaluation import fitting
from autonas.trials.weights import TrialWeights

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture(scope="module")
def diabetes():
    x, y = load_diabetes(return_X_y=True)
    # Every row has a target of its own, by which it is found.
    return x.astype("float32"), y + np.arange(len(y)) / len(y)


@pytest.fixture
def no_refit(monkeypatch):
    """Another fit is an error."""

    def refit(*arguments):
        raise AssertionError("The weights are known.")

    monkeypatch.setattr(fitting, "refit", refit)


def fitted(data, directory="run", **arguments):
    inputs = autonas.StructuredDataInput()
    output = autonas.RegressionHead()(autonas.RidgeBlock()(inputs))
    options = {"max_trials": 1, "validation_folds": None, "tensorboard": False, "verbose": 0, "seed": 0}
    return autonas.AutoModel(inputs, output, directory=directory, **options | arguments).fit(*data)


def first_trial(model):
    return next(record for record in model.records_ if record["stage"] == "search")


@pytest.mark.usefixtures("no_refit")
def test_the_served_weights_are_fitted_to_all_rows_and_the_scored_ones_to_the_training_rows(diabetes):
    x, y = diabetes
    served, scored = fitted(diabetes), fitted(diabetes, "other", refit=False)
    (validation,) = scored.validation_predictions_
    training = ~np.isin(y.round(3), validation.truth.ravel().round(3))
    assert 300 < training.sum() < len(y)

    def error(model):
        return np.sqrt(np.mean((y[~training] - model.predict(x)[~training].ravel()) ** 2))

    # The served weights know the validation rows.
    assert first_trial(served)["score"] == first_trial(scored)["score"] == pytest.approx(error(scored), rel=1e-3)
    assert error(served) < error(scored)


@pytest.mark.usefixtures("no_refit")
def test_a_search_that_goes_on_finds_them_in_the_folder_of_the_run(diabetes):
    x, _ = diabetes
    model = fitted(diabetes, refit=False)
    scored, final = TrialWeights(model.directory_).both(first_trial(model)["trial_id"])
    assert len(final) == len(scored)
    np.testing.assert_allclose(fitted(diabetes).predict(x), fitted(diabetes, "other").predict(x), rtol=1e-6)


def test_a_trial_on_some_of_the_rows_has_none(diabetes):
    strategy = oracles.SuccessiveHalvingOracle("random", min_data_share=0.5)
    model = fitted(diabetes, strategy=strategy, refit=False)
    scored, final = TrialWeights(model.directory_).both(first_trial(model)["trial_id"])
    assert scored is not None and final is None
