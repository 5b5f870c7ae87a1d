"""Criteria of a prepared problem."""

import numpy as np
import pytest

import autonas
from autonas.data.fit_data import FitData
from autonas.estimators.plan import make_plan
from autonas.preparation import arrays


@pytest.mark.parametrize(
    ("node", "shape", "n_validation", "objective"),
    [
        (autonas.ImageInput, (2, 2, 1), 1000, ("val_accuracy", "max")),
        (autonas.ImageInput, (2, 2, 1), 999, ("val_loss", "min")),
        (autonas.StructuredDataInput, (4,), 1000, ("val_loss", "min")),
    ],
)
def test_classifiers_are_compared_by_accuracy_except_on_tables_and_on_few_rows(node, shape, n_validation, objective):
    generator = np.random.default_rng(0)
    x, y = generator.random((n_validation + 100, *shape), "float32"), np.arange(n_validation + 100) % 2
    inputs = node()
    outputs = autonas.ClassificationHead()(autonas.DenseBlock(units=2, depth=1)(inputs))
    options = {"max_trials": 1, "epochs": 1, "seed": 0, "tensorboard": False, "verbose": 0, "refit": False}
    model = autonas.AutoModel(inputs, outputs, **options)
    model.fit(x[:100], y[:100], validation_data=(x[100:], y[100:]))
    assert model.objectives_ == [objective]


def test_with_weights_a_regression_is_compared_by_the_weighted_loss():
    x = np.random.default_rng(0).normal(size=(200, 2))
    wrong = np.arange(200) % 3 == 0
    y, weights = np.where(wrong, 1000 * x[:, 1], x[:, 0]), np.where(wrong, 1e-6, 1.0)

    def compared(weights):
        model = autonas.StructuredDataRegressor(seed=0, validation_folds=None, verbose=0)
        data = FitData(x, y, weights)
        return arrays.prepare(make_plan(model, data), data)

    assert compared(None).goal.main.name == compared(np.full(200, 2.0)).goal.main.name == "val_rmse"
    problem = compared(weights)
    assert problem.goal.main.name == "val_loss"
    (head,), rows = problem.scorer.heads, problem.dataset.validation_rows
    scores = [
        problem.scorer({head.name: problem.targets[head.name].transform(prediction[rows])}, rows)["val_loss"]
        for prediction in (x[:, 0], 1000 * x[:, 1])
    ]
    assert scores[0] < scores[1]
