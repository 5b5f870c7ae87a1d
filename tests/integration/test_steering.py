"""The training and the search space are steered by arguments."""

import keras
import numpy as np
import pytest

import autonas
from tests.helpers.budgets import QUIET
from tests.helpers.leaderboards import trials

pytestmark = pytest.mark.usefixtures("folder")

BUDGET = {**QUIET, "max_trials": 2, "epochs": 2, "refit": False}


def drawn():
    node = autonas.StructuredDataInput()
    dense = autonas.DenseBlock(depth=1, units=autonas.Choice([4, 8]), name="dense")
    return node, autonas.ClassificationHead()(dense(node))


def test_the_trainings_have_the_optimizer_and_the_settings_of_optimization(iris):
    optimization = autonas.Optimization(
        keras.optimizers.SGD(0.05, momentum=0.9), batch_size=autonas.Choice([8, 16]), schedule="constant"
    )
    model = autonas.AutoModel(*drawn(), optimization=optimization, **BUDGET).fit(*iris)
    assert {record["batch_size"] for record in model.records_ if record["stage"] == "search"} <= {8, 16}
    assert [numbers["learning_rate"] for numbers in model.history_] == pytest.approx([0.05, 0.05])
    names = {decision["name"] for decision in model.search_["space"]}
    assert "optimization/batch_size" in names and "optimization/learning_rate" not in names


def test_decisions_of_the_ready_space_are_fixed_and_narrowed_by_name(iris):
    fixed = {
        "structured_data_block_1/kind": "dense",
        "structured_data_block_1/kind_dense/units": autonas.Choice([64, 128]),
        "optimization/learning_rate": 1e-3,
    }
    model = autonas.StructuredDataClassifier(hyperparameters=fixed, **BUDGET | {"max_trials": 4, "epochs": 1}).fit(
        *iris
    )
    for record in model.records_:
        if record["stage"] == "search":
            assert record["values"]["structured_data_block_1/kind"] == "dense"
            assert record["values"]["structured_data_block_1/kind_dense/units"] in (64, 128)
            assert record["values"]["optimization/learning_rate"] == 1e-3
    assert len(trials(model)) == 4


def test_a_forecaster_is_steered_in_the_same_way():
    series = np.sin(np.arange(80) / 3)
    steered = {
        "optimization": autonas.Optimization("sgd", learning_rate=0.01),
        "hyperparameters": {"optimization/batch_size": 16},
    }
    model = autonas.TimeSeriesForecaster(4, **{**BUDGET, "max_trials": 1}, **steered).fit(series)
    (record,) = [record for record in model.records_ if record["stage"] == "search"]
    assert record["batch_size"] == 16


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"hyperparameters": {"dense/unit": 4}}, "Perhaps you mean 'dense/units'"),
        (
            {"hyperparameters": {"dense/units": 5}},
            r"must narrow 'dense/units' to values .* has, \[4, 8\]",
        ),
        ({"hyperparameters": {"dense/units": 4}, "weight_sharing": True}, "must be None with a supernet"),
        ({"optimization": {"learning_rate": 1e-3}}, "`optimization` must be an autonas.Optimization or None"),
    ],
)
def test_what_cannot_be_steered_is_refused_before_training(iris, arguments, message):
    with pytest.raises(ValueError, match=message):
        autonas.AutoModel(*drawn(), **arguments, **BUDGET).fit(*iris)


def test_a_search_does_not_go_on_with_another_optimization(iris, tmp_path):
    arguments = {**BUDGET, "max_trials": 1, "directory": tmp_path / "run"}
    autonas.AutoModel(*drawn(), optimization=autonas.Optimization(learning_rate=0.1), **arguments).fit(*iris)
    with pytest.raises(ValueError, match="holds a search of something else.*optimization"):
        autonas.AutoModel(*drawn(), optimization=autonas.Optimization(learning_rate=0.2), **arguments).fit(*iris)
