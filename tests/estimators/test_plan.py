"""The plan of a search follows from the arguments, and from the number of rows and features."""

import dataclasses
import time

import keras_tuner
import numpy as np
import pytest

import autonas
from autonas import execution, oracles
from autonas.data import features
from autonas.data.fit_data import FitData
from autonas.estimators import plan as planning
from autonas.objectives import CustomCost, CustomScore, goal
from autonas.oracles import registry


def images(side, channels=1):
    tensor = features.Tensor((side, side, channels), "uint8")
    return [features.Feature("image", {"image": tensor}, {})]


def table(n_columns):
    return [features.Feature("table", {"numbers": features.Tensor((n_columns,), "float32")}, {})]


def plan_of(cls=autonas.AutoModel, x=(1, 2), **arguments):
    return planning.make_plan(cls(**arguments), FitData(x))


def fidelity(n_train, of, **arguments):
    return plan_of(**arguments).fidelity(n_train, of)


def test_many_images_are_searched_by_short_trainings_first():
    assert fidelity(8000, images(28)) == ("successive_halving", {"min_epochs": 4})


def test_the_shortest_training_takes_about_four_times_as_long_as_the_tracing():
    name, arguments = fidelity(2000, images(28), epochs=100)
    assert name == "successive_halving" and arguments == {"min_epochs": 15}
    assert 2000 * 28 * 28 * arguments["min_epochs"] == pytest.approx(4 * 6e6, rel=0.1)


def test_less_than_an_epoch_is_one_on_a_share_of_the_rows():
    name, arguments = fidelity(200_000, images(32, 3), epochs=20)
    assert name == "successive_halving" and arguments == {
        "min_epochs": 1,
        "min_data_share": pytest.approx(0.56, abs=0.01),
    }
    # A stream is read whole.
    rows = pytest.importorskip("tensorflow").data.Dataset.from_tensor_slices(([1, 2], [3, 4]))
    assert fidelity(200_000, images(32, 3), x=rows, epochs=20) == (name, {"min_epochs": 1})


def test_the_shortest_training_on_images_has_some_hundred_updates():
    assert fidelity(6400, images(32, 3)) == ("successive_halving", {"min_epochs": 3})
    assert fidelity(40_000, images(32, 3), epochs=20) == ("successive_halving", {"min_epochs": 1})


@pytest.mark.parametrize("n_train, of", [(120, table(4)), (39_000, table(14)), (1437, images(8))])
def test_what_is_trained_in_seconds_is_trained_in_full(n_train, of):
    assert fidelity(n_train, of) == ("full", {})


@pytest.mark.parametrize(
    "arguments",
    [
        {"fidelity": "full"},
        {"max_trials": 8},
        {"preset": "fast"},
        {"objective": ["val_accuracy", "params"]},
        {"weight_sharing": True},
        {"strategy": "gradient"},
        {"strategy": oracles.HyperbandOracle()},
        {"strategy": oracles.LearningCurveOracle()},
    ],
)
def test_where_it_could_not_be_or_leaves_too_few_all_are_trained_in_full(arguments):
    assert fidelity(8000, images(28), **arguments) == ("full", {})


def test_with_a_time_limit_there_is_no_number_of_trials():
    assert fidelity(8000, images(28), time_limit=60)[0] == "successive_halving"
    assert fidelity(8000, images(28), time_limit=60, max_trials=4)[0] == "full"


def fit_stripes(**arguments):
    """Search for images of stripes, whose full training takes much longer than tracing the network."""
    generator = np.random.default_rng(0)
    x, y = generator.integers(0, 255, (600, 48, 48), "uint8"), generator.integers(0, 2, 600)
    x[y == 1, :, 20:28] = 255
    node = autonas.ImageInput()
    head = autonas.ClassificationHead()(autonas.Reduction(kind="flatten")(autonas.Normalization()(node)))
    model = autonas.AutoModel(
        node, head, epochs=80, strategy="random", refit=False, seed=0, tensorboard=False, verbose=0, **arguments
    )
    return model.fit(x, y)


def test_it_is_so_through_fit(folder):
    model = fit_stripes(max_trials=9, patience=1)
    searched = model.leaderboard().query("stage == 'search'")
    assert searched["tuner/epochs"].min() == 22 and "optimization/epochs_share" not in searched
    assert model.stop_reason_ == "patience"


def test_a_search_that_continues_with_more_trials_keeps_its_fidelity(folder):
    few = fit_stripes(max_trials=1, directory="run").leaderboard()
    more = fit_stripes(max_trials=9, patience=1, directory="run").leaderboard().query("stage == 'search'")
    assert few["score"][0] in more["score"].tolist()
    assert len(more) > 1 and "tuner/epochs" not in more


# ---------------------------------------------------------------------- the plan


def test_the_plan_holds_the_resolved_arguments():
    plan = plan_of(
        autonas.ImageClassifier, strategy="evolution", weight_sharing=True, constraints={"params": 9}, seed=3, epochs=7
    )
    assert plan.task == planning.Task("image", "classification", None, None, None)
    assert plan.criteria == planning.Criteria(None, {"params": 9}, None)
    assert plan.strategy == planning.Strategy("evolution", True, "auto", trains_supernet=True, earlier_searches=[])
    assert plan.selection == planning.Selection(None, folds="auto", in_order=False, refit=True, ensemble="auto")
    assert plan.budget.max_trials == 6 and plan.budget.full_epochs(10**9) == 7
    assert plan.execution.seed == 3 and isinstance(plan.execution.executor, execution.InlineExecutor)


@pytest.mark.parametrize("wrapped", [lambda oracle: oracle, oracles.KerasTunerOracle])
def test_the_epochs_of_a_full_training_are_those_of_an_oracle_that_has_them(wrapped):
    strategy = wrapped(keras_tuner.oracles.HyperbandOracle(max_epochs=4))
    assert plan_of(strategy=strategy).budget.epochs == plan_of(strategy=strategy, epochs=4).budget.epochs == 4
    assert plan_of(strategy=oracles.HyperbandOracle(), epochs=5).budget.epochs == 5
    assert plan_of(strategy=oracles.HyperbandOracle()).budget.epochs is None


def test_a_plan_does_not_change():
    plan = plan_of()
    for whole, name in ((plan, "task"), (plan.budget, "epochs"), (plan.request, "data")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(whole, name, None)


def test_arguments_that_are_set_later_do_not_change_the_plan():
    model = autonas.AutoModel(epochs=7)
    plan = planning.make_plan(model, FitData([1, 2]))
    model.set_params(epochs=8)
    assert plan.budget.epochs == 7 and plan.request.epochs == 7


def test_the_number_of_trials_is_the_arguments_or_the_presets_or_unlimited():
    assert plan_of(max_trials=4).budget.max_trials == 4
    assert plan_of(preset="fast").budget.max_trials < plan_of(preset="best").budget.max_trials
    assert plan_of(time_limit=60).budget.max_trials is None
    assert plan_of(strategy=oracles.RandomOracle(max_trials=3)).budget.max_trials is None


def test_epochs_are_fewer_for_more_rows_within_the_bounds_of_the_preset():
    budget = plan_of().budget
    epochs = [budget.full_epochs(n_train) for n_train in (10, 10_000, 10**9)]
    assert epochs[0] == budget.preset["max_epochs"] and epochs[2] == budget.preset["min_epochs"]
    assert epochs[0] > epochs[1] > epochs[2]


@pytest.mark.parametrize("epochs, patience", [(1, 8), (24, 8), (27, 9), (100, 33)])
def test_a_training_waits_a_third_of_its_epochs_and_at_least_eight(epochs, patience):
    assert planning.training_patience(epochs) == patience


def test_the_time_limit_counts_from_the_call_of_fit():
    assert time.monotonic() - plan_of().budget.started < 10
    assert planning.make_plan(autonas.AutoModel(), FitData([1]), started=5.0).budget.started == 5.0


@pytest.mark.parametrize("name", ["seconds", "parameters", "rank", "score"])
def test_several_objectives_have_columns_of_their_own(name):
    for objective in (CustomCost(lambda model: 1.0, name), CustomScore(lambda model, data: 1.0, name)):
        with pytest.raises(ValueError, match=rf"columns of the leaderboard: .*\(name='{name}'\)\. Give it another"):
            plan_of(objective=["val_accuracy", objective])
        assert plan_of(objective=objective).criteria.objective is objective  # Its column is `score`.


def test_a_fit_makes_one_oracle_and_reads_the_objective_once(iris, monkeypatch, tmp_path):
    made, read = [], []

    class Counted(oracles.RandomOracle):
        def __init__(self, **arguments):
            made.append(self)
            super().__init__(**arguments)

        def __deepcopy__(self, memo):
            raise AssertionError("an oracle of a name needs no copy")

    wanted = goal.wanted
    monkeypatch.setattr(goal, "wanted", lambda *arguments: read.append(arguments) or wanted(*arguments))
    monkeypatch.setitem(registry.STRATEGIES, "random", Counted)
    monkeypatch.setitem(oracles.STRATEGIES, "random", Counted)
    autonas.StructuredDataClassifier(
        strategy="random", max_trials=1, epochs=1, refit=False, tensorboard=False, verbose=0, directory=tmp_path / "run"
    ).fit(*iris)
    assert len(made) == 1 and len(read) == 1


def test_networks_on_images_are_trained_by_adamw_or_muon_unless_the_user_says_how():
    def optimizer(of, **arguments):
        return plan_of(**arguments).optimization(8000, of).optimizer

    assert optimizer(images(28)).values == ["adamw", "convolution_muon"]
    assert optimizer(images(28), optimization=autonas.Optimization(batch_size=32)) == "adamw"
    assert optimizer(table(4)) == "adamw" == optimizer([*images(28), *table(4)])
