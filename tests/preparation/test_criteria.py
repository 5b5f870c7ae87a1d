"""Criteria of a prepared problem."""

import numpy as np
import pytest
from sklearn import metrics

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


def positive_targets():
    """Targets that are positive, and that a linear model takes for negative ones in some rows."""
    x = np.random.default_rng(0).normal(size=(300, 4))
    return x, 1000 * np.exp(x[:, 0])


def test_a_metric_that_is_undefined_for_a_baseline_ends_no_search(tmp_path):
    x, y = positive_targets()
    model = autonas.StructuredDataRegressor(
        objective="neg_root_mean_squared_log_error", max_trials=1, directory=tmp_path, seed=0, verbose=0
    ).fit(x, y)
    board = model.leaderboard().set_index("trial_id").val_neg_root_mean_squared_log_error
    assert np.isnan(board["linear"]) and board["constant"] < board["0000"] < 0


def test_a_further_metric_that_raises_an_error_is_nan(tmp_path):
    x, y = positive_targets()
    model = autonas.StructuredDataRegressor(
        metrics=[metrics.mean_gamma_deviance], max_trials=2, directory=tmp_path, seed=0, verbose=0, ensemble=None
    ).fit(x, y)
    board = model.leaderboard().query("stage == 'search'")
    assert set(board.status) == {"completed"}
    assert board.val_mean_gamma_deviance.isna().sum() == 1, "the linear model predicts negative numbers, the trees none"


def test_counts_are_compared_by_the_deviance_of_poisson(tmp_path):
    x, _ = positive_targets()
    counts = np.random.default_rng(1).poisson(np.exp(x[:, 0] / 2))
    assert not counts.all()
    model = autonas.StructuredDataRegressor(
        loss="poisson", objective="neg_mean_poisson_deviance", max_trials=1, directory=tmp_path, seed=0, verbose=0
    ).fit(x, counts)
    board = model.leaderboard().set_index("trial_id").val_neg_mean_poisson_deviance
    assert -2 < board["0000"] < 0


def test_metrics_of_forecasts_are_tried_on_forecasts(tmp_path):
    sales = 2 + np.random.default_rng(0).poisson(5, size=120)
    model = autonas.TimeSeriesForecaster(
        5, objective="neg_mean_squared_log_error", max_trials=1, directory=tmp_path, seed=0, verbose=0
    ).fit(sales)
    validated = model.validation_predictions_[0]
    score = -metrics.mean_squared_log_error(validated.truth, validated.outputs)
    board = model.leaderboard().set_index("trial_id").val_neg_mean_squared_log_error
    np.testing.assert_allclose(board["0000"], score, rtol=1e-4)


def test_a_function_of_labels_is_refused_with_the_name_of_its_scorer():
    x, y = positive_targets()
    with pytest.raises(
        ValueError, match="can't be matthews_corrcoef .* Use the name of the scorer, 'matthews_corrcoef'"
    ):
        autonas.AutoModel(metrics=[metrics.matthews_corrcoef], max_trials=1, verbose=0).fit(x, y > np.median(y))


def test_an_objective_that_the_validation_rows_leave_undefined_is_refused(tmp_path):
    x, _ = positive_targets()
    classes = np.where(x[:, 0] > 0, "a", "b").astype(object)
    classes[0] = "c"
    arguments = {"max_trials": 1, "directory": tmp_path / "run", "seed": 0, "verbose": 0, "validation": 0.2}
    with pytest.raises(ValueError, match="`objective` can't be 'roc_auc_ovr'.* validation rows without the classes c"):
        autonas.StructuredDataClassifier(objective="val_roc_auc_ovr", **arguments).fit(x, classes)
    assert not (tmp_path / "run").exists()
    model = autonas.StructuredDataClassifier(objective="val_auc", metrics=["roc_auc_ovr"], **arguments).fit(x, classes)
    board = model.leaderboard().set_index("trial_id").loc["0000"]
    assert board.val_auc > 0.9 and np.isnan(board.val_roc_auc_ovr)


@pytest.mark.parametrize(("loss", "least"), [("poisson", "0"), ("msle", "-1")])
def test_targets_for_which_a_loss_is_undefined_are_refused(loss, least):
    x, _ = positive_targets()
    n_below = (3 * x[:, 0] < float(least)).sum()
    with pytest.raises(ValueError, match=f"`loss` can't be {loss!r}.*at least {least}. Received: {n_below} rows below"):
        autonas.StructuredDataRegressor(loss=loss, max_trials=1, verbose=0).fit(x, 3 * x[:, 0])
