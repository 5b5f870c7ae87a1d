"""Arguments go together, or a rule of one table refuses them before anything is trained.

`benchmarks/combinations.py` runs all pairs of values; these are the few searches that have each value once.
"""

import functools
import importlib.util
import pathlib
import re

import keras_tuner
import numpy as np
import pytest
from sklearn.base import clone

import autonas
from autonas import execution, oracles
from autonas.preparation import combinations
from autonas.search_space.blocks import spaces

ROOT = pathlib.Path(__file__).parents[2]


def _benchmark():
    spec = importlib.util.spec_from_file_location("all_combinations", ROOT / "benchmarks" / "combinations.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


all_combinations = _benchmark()
#: What each search has that differs from the plainest values.
SAMPLE = [
    {"space": "layered", "strategy": "evolution", "goal": "params_limit"},
    {"space": "chain", "strategy": "local_search", "goal": "metric", "task": "binary"},
    {"space": "cell", "strategy": "reinforcement", "fidelity": "successive_halving", "refit": False},
    {"space": "hierarchical", "data": "series", "refit": False},
    {"space": "graph", "data": "several", "task": "several", "strategy": "bayesian", "goal": "front"},
    {"data": "table", "strategy": "halving", "task": "regression", "executor": "process"},
    {"data": "texts", "strategy": "keras_tuner", "fidelity": "hyperband", "precision": "mixed_bfloat16"},
    {"data": "several", "task": "multilabel", "strategy": "auto", "precision": "auto", "goal": "latency_limit"},
    {"data": "stream", "fidelity": "learning_curve", "goal": "weighted_sum"},
    {"data": "forecast", "task": "regression", "space": "layered", "goal": "params_limit", "fidelity": "auto"},
    {"space": "graph", "weight_sharing": True, "strategy": "random", "fidelity": "successive_halving"},
    {"space": "graph", "data": "table", "strategy": "inherit", "executor": "process", "fidelity": "learning_curve"},
    {"space": "graph", "data": "series", "strategy": "gradient", "executor": "ray"},
]
#: Arguments of the blocks of named spaces, so that their networks are small: tracing them is most of a search's time.
SMALL = {
    "chain": {"filters": 4, "depth": 2, "layers": 1},
    "cell": {"filters": 4, "n_stages": 2, "n_nodes": 1},
    "hierarchical": {"filters": 4, "n_stages": 1, "n_motifs": 2, "n_nodes_level_2": 2, "n_nodes_level_3": 2},
    "layered": {"filters": 4, "n_stages": 2, "layers": 1},
}
#: Combinations that are refused, and how their errors begin.
REFUSED = [
    ({"data": "stream", "weight_sharing": True}, "`x` must be arrays for a strategy that trains a supernet"),
    ({"data": "stream", "task": "several"}, "`x` must be arrays for several inputs or heads"),
    ({"data": "stream", "executor": "process"}, "`x` must be arrays for trials in other processes"),
    ({"data": "stream", "strategy": "halving"}, "`strategy.min_data_share` must be 1"),
    ({"strategy": "keras_tuner", "goal": "front"}, "`objective` must be a single one with an oracle of Keras Tuner"),
    ({"fidelity": "learning_curve", "goal": "front"}, "`objective` must be a single one where trials are stopped"),
    ({"strategy": "halving", "fidelity": "hyperband"}, "`fidelity` must be 'auto' or 'full'"),
    ({"strategy": "gradient", "weight_sharing": True}, "`weight_sharing` must be False with a strategy that trains"),
    ({"strategy": "keras_tuner", "weight_sharing": True}, "`weight_sharing` must be False with an oracle of Keras"),
    ({"strategy": "inherit", "executor": "ray"}, "`inherit` must be False where trials may run on other machines"),
    ({"data": "forecast", "task": "binary"}, "`task` must be None or a kind of regression"),
    ({"data": "forecast", "task": "regression", "space": "graph"}, "`inputs` must be None for a TimeSeriesForecaster"),
]


def row_of(values):
    return {name: options[0] for name, options in all_combinations.AXES.items()} | values


@pytest.fixture(autouse=True)
def small_searches(monkeypatch):
    for name, arguments in SMALL.items():
        small = functools.partial(spaces.MAPS_AND_SERIES[name], **arguments)
        monkeypatch.setitem(spaces.MAPS_AND_SERIES, name, small)
    monkeypatch.setattr(oracles.SupernetOracle, "epochs_bounds", (1, 1))
    monkeypatch.setattr(oracles.GradientOracle, "epochs_bounds", (1, 1))


def test_the_sample_has_each_value_but_the_backend_at_least_once():
    rows = list(map(row_of, SAMPLE))
    for name, values in all_combinations.AXES.items():
        assert name == "backend" or {row[name] for row in rows} == set(values), name


# Some 75 seconds of a core in all: each search builds and traces networks of its own.
@pytest.mark.parametrize("values", SAMPLE, ids=lambda values: ", ".join(map(str, values.values())) or "plain")
def test_it_works_and_is_what_was_asked_for(values, tmp_path):
    if values.get("executor") == "ray":
        pytest.importorskip("ray")
    outcome, line = all_combinations.run_row(row_of(values), str(tmp_path / "run"))
    assert outcome == "works", line


@pytest.mark.parametrize("values, message", REFUSED, ids=lambda each: None if isinstance(each, str) else str(each))
def test_a_rule_refuses_what_cannot_be_before_anything_is_written(values, message, tmp_path):
    if values.get("executor") == "ray":
        pytest.importorskip("ray")
    row = row_of(values)
    x, y = all_combinations.data_of(row)
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        all_combinations.estimator_of(row, tmp_path / "run").fit(*([x] if y is None else [x, y]))
    assert "Received: " in str(error.value) and not (tmp_path / "run").exists()


def n_layers(model, data):
    return len(model.layers)


SCORE = autonas.objectives.CustomScore(n_layers, direction="min")


def inheriting(finalist_epochs):
    return oracles.WeightSharingOracle(inherit=True, finalist_epochs=finalist_epochs)


@pytest.mark.parametrize(
    "arguments, y, message",
    [
        ({"class_weight": "balanced"}, np.arange(12) / 5, "`class_weight` needs a single target of two or"),
        ({"loss": "mse"}, {"one": np.arange(12) / 5, "other": np.arange(12) / 5}, "`loss` and `num_classes` must be"),
        ({"strategy": oracles.SuccessiveHalvingOracle(min_resolution=0.5)}, np.arange(12) % 2, "without images"),
        ({"strategy": oracles.SuccessiveHalvingOracle(min_data_share=0.5), "epochs": 1}, np.arange(12) % 2, "epochs=1"),
        ({"ensemble": 3, "objective": SCORE}, np.arange(12) % 2, "`ensemble` must be 'auto' or None .*ensemble=3, obj"),
        ({"ensemble": 2, "objective": autonas.objectives.WeightedSum({"val_loss": 1.0, SCORE: 1.0})},
         np.arange(12) % 2, "`ensemble` must be 'auto' or None"),
        ({"weight_sharing": True, "max_trials": 1}, np.arange(12) % 2, "`max_trials` must be at least 2"),
        ({"executor": "inline", "n_workers": 2}, np.arange(12) % 2, "`n_workers` must be 1 or None"),
        ({"executor": execution.InlineExecutor(), "n_workers": 1}, np.arange(12) % 2, "`n_workers` must be None"),
        ({"fidelity": "hyperband", "strategy": keras_tuner.oracles.HyperbandOracle()}, np.arange(12) % 2, "`fidelity`"),
        ({"epochs": 3, "strategy": oracles.LearningCurveOracle(max_epochs=9)}, np.arange(12) % 2,
         "^`epochs` must be equal to the `max_epochs`.*Leave one of the two out.*epochs=3, strategy.max_epochs=9$"),
        ({"epochs": 3, "strategy": keras_tuner.oracles.HyperbandOracle()}, np.arange(12) % 2,
         "epochs=3, strategy.max_epochs=100$"),
        ({"epochs": 3, "strategy": oracles.KerasTunerOracle(keras_tuner.oracles.HyperbandOracle(max_epochs=4))},
         np.arange(12) % 2, "epochs=3, strategy.max_epochs=4$"),
        ({"strategy": oracles.LearningCurveOracle(oracles.RandomOracle(hyperparameters=keras_tuner.HyperParameters()))},
         np.arange(12) % 2, "`strategy` must be an oracle without `hyperparameters`.*'LearningCurveOracle'$"),
        ({"strategy": inheriting(2), "fidelity": "hyperband"}, np.arange(12) % 2,
         "^`finalist_epochs` must be None.*strategy.finalist_epochs=2, fidelity='hyperband', strategy='WeightSharing"),
        ({"strategy": oracles.SuccessiveHalvingOracle(inheriting(2))}, np.arange(12) % 2,
         "^`finalist_epochs` must be None where short trainings are continued"),
        ({"strategy": inheriting(20), "epochs": 3}, np.arange(12) % 2,
         "^`finalist_epochs` must be at most `epochs`.*strategy.finalist_epochs=20, epochs=3$"),
        ({"validation_folds": 3, "weight_sharing": True}, np.arange(12) % 2, "must ask for no folds with a supernet"),
        ({"validation_folds": 3, "fidelity": "hyperband"}, np.arange(12) % 2, "short trainings are continued"),
        ({"warm_start": "run", "weight_sharing": True}, np.arange(12) % 2, "`warm_start` must be None with a strategy"),
        ({"warm_start": "run", "strategy": "gradient"}, np.arange(12) % 2, "`warm_start` must be None with a strategy"),
        ({"warm_start": 3}, np.arange(12) % 2, "`warm_start` must be the folder of an earlier search.*warm_start=3"),
        ({"warm_start": "no_run"}, np.arange(12) % 2, "'no_run', which holds no search"),
        ({"validation_folds": 1}, np.arange(12) % 2, "`validation_folds` must be .auto., a number"),
        ({"strategy": keras_tuner.oracles.RandomSearchOracle(), "objective": ["val_auc", "params"]},
         np.arange(12) % 2, "use a strategy of autonas, such as 'bayesian'.*strategy='RandomSearchOracle'"),
    ],
)  # fmt: skip
def test_rules_name_the_arguments(arguments, y, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        autonas.AutoModel(directory=tmp_path / "run", verbose=0, **arguments).fit(np.eye(12, 3), y)
    assert not (tmp_path / "run").exists()


def test_lists_of_inputs_and_of_targets_get_the_default_graph(tmp_path):
    generator = np.random.default_rng(0)
    x, y = [generator.normal(size=(40, 3)), generator.normal(size=(40, 2))], [np.arange(40) % 2, np.arange(40) / 3]
    model = autonas.AutoModel(max_trials=1, epochs=1, tensorboard=False, verbose=0, directory=tmp_path / "run", seed=0)
    labels, values = model.fit(x, y).predict(x)
    assert labels.shape == values.shape == (40,) and set(labels) <= {0, 1}
    assert model.task_ == ["binary", "regression"] and len(model.predictor_.encoders) == 2


def test_the_documentation_has_the_table_of_rules():
    page = (ROOT / "docs" / "combinations.md").read_text(encoding="utf-8")
    assert combinations.table() in page, "`python mkdocs_hooks.py` writes the table into the page"
    assert combinations.table().count("\n") == len(combinations.OF_ARGUMENTS) + len(combinations.OF_DATA) + 1


def test_all_pairs_are_in_rows_that_are_not_refused():
    axes = {"one": [0, 1, 2], "two": ["a", "b"], "three": [False, True], "four": [0, 1, 2, 3]}

    def is_refused(row):
        return row["one"] == 2 and row["two"] == "b"

    rows = all_combinations.all_pairs(axes, is_refused)
    working = [row for row in rows if not is_refused(row)]
    for one, other in [("one", "four"), ("two", "four"), ("three", "four"), ("one", "three"), ("two", "three")]:
        assert len({(row[one], row[other]) for row in working}) == len(axes[one]) * len(axes[other])
    assert {(row["one"], row["two"]) for row in working} == {(0, "a"), (0, "b"), (1, "a"), (1, "b"), (2, "a")}
    assert len(rows) - len(working) == 1 and len(working) <= 16


def test_a_forecaster_takes_the_arguments_of_auto_model():
    names = set(autonas.AutoModel().get_params())
    assert set(autonas.TimeSeriesForecaster().get_params()) == names | {"lookback", "horizon", "target"}
    model = clone(autonas.TimeSeriesForecaster(3, horizon=2, search_space="cell", constraints={"params": 9}))
    assert (model.lookback, model.horizon, model.search_space) == (3, 2, "cell") and model.constraints == {"params": 9}
    with pytest.raises(TypeError, match="lookahead"):
        autonas.TimeSeriesForecaster(lookahead=3)
