"""Networks in closed form are validated by leave-one-out cross-validation instead of on folds."""

import dataclasses

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import RidgeCV

import autonas
from autonas.data.fit_data import FitData
from autonas.estimators.plan import make_plan
from autonas.evaluation import evaluator, leave_one_out
from autonas.search_space.fitted import ridge
from autonas.trials import job as jobs
from autonas.trials.states import Status

OPTIONS = {"max_trials": 1, "validation_folds": 3, "tensorboard": False, "verbose": 0, "seed": 0}


@pytest.fixture(scope="module")
def diabetes():
    x, y = load_diabetes(return_X_y=True)
    return x[:90].astype("float32"), y[:90]


def estimator(**arguments):
    inputs = autonas.StructuredDataInput()
    output = autonas.RegressionHead()(autonas.RidgeBlock()(inputs))
    return autonas.AutoModel(inputs, output, **OPTIONS | arguments)


def prepared(x, y, groups=None, **arguments):
    model, data = estimator(**arguments), FitData(x, y, groups=groups)
    return model._prepare(make_plan(model, data), data)


def default_values(problem):
    return {name: value for name, value in problem.space.values.items() if value is not None}


def is_possible(problem):
    judge = evaluator.Evaluator(problem, epochs=4, patience=None, seed=0)
    return leave_one_out.is_possible(judge.networks.build(default_values(problem)), problem)


def test_the_score_is_of_the_prediction_of_each_row_by_the_regression_without_it(diabetes):
    model = estimator().fit(*diabetes)
    (record,) = [record for record in model.records_ if record["stage"] == "search"]
    x, y = diabetes
    columns = (x - x.mean(0)) / x.std(0)
    reference = RidgeCV(ridge.PENALTIES, store_cv_results=True).fit(columns, y)
    errors = reference.cv_results_[:, list(ridge.PENALTIES).index(reference.alpha_)]
    assert record["score"] == pytest.approx(np.sqrt(errors.mean()), rel=0.01)


def test_the_served_model_is_one_network_fitted_to_all_rows(diabetes):
    x, y = diabetes
    model = estimator().fit(x, y)
    columns = (x - x.mean(0)) / x.std(0)
    reference = RidgeCV(ridge.PENALTIES).fit(columns, y)
    np.testing.assert_allclose(model.predict(x), reference.predict(columns), rtol=0.02)
    assert len(model.model_.weights) == len(estimator(validation_folds=None).fit(x, y).model_.weights)


def test_groups_and_scores_of_ones_own_need_folds(diabetes):
    x, y = diabetes
    problem = prepared(x, y)
    assert is_possible(problem)
    assert not is_possible(prepared(x, y, groups=np.arange(90) // 5))
    score = autonas.objectives.CustomScore(lambda model, data: 0.0, name="profit", direction="max")
    assert not is_possible(dataclasses.replace(problem, goal=prepared(x, y, objective=score).goal))


def test_a_fit_that_cannot_end_in_time_is_given_up_unless_there_is_no_other_score(diabetes, monkeypatch):
    problem = prepared(*diabetes)
    judge = evaluator.Evaluator(problem, epochs=4, patience=None, seed=0)
    monkeypatch.setattr(
        "autonas.backends.node_graph.rows_at_once", lambda largest, most, values=None: 2 if values else 16
    )
    job = jobs.Job("0000", 0, default_values(problem), deadline=0.0)
    assert judge.evaluate(job).status == Status.COMPLETED
    job.training.is_required = False
    outcome = judge.evaluate(job)
    assert outcome.status == Status.FAILED
    assert "take longer than the time that is left" in outcome.message
