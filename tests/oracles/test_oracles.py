"""Our strategies keep the contract; and each does what it is for."""

import copy

import keras_tuner
import numpy as np
import pytest

from autonas import oracles
from autonas.costs import registry
from autonas.objectives.constraints import Constraint
from autonas.objectives.goal import Goal
from autonas.oracles.recipe import Extent, Recipe, SearchedSpace
from autonas.search_space.operation_graph import OperationGraph
from autonas.testing import oracles as contracts

SCORE = keras_tuner.Objective("score", "max")


def oracle_of(recipe, extent=Extent(5), goal=Goal((SCORE,)), structure=None):
    """Return the oracle of a recipe, which searches the small space of the contracts."""
    return oracles.get_oracle(recipe, goal, SearchedSpace(contracts.small_space(), [{}], structure), extent, 3)


class TestRandomOracle(contracts.OracleContract):
    beats_random = False
    takes_several_scores = True

    def make(self, **arguments):
        return oracles.RandomOracle(**arguments)

    def test_options_of_a_choice_are_equally_likely(self):
        asked = self.asked(contracts.conditional_space(), 400)[1:]
        dense = [values for values in asked if values["family"] == "dense"]
        assert 160 < len(dense) < 240
        # Log-uniform from 4 to 256: half of the draws lie below 32.
        assert 0.4 < np.mean([values["units"] < 32 for values in dense]) < 0.6

    def test_the_first_is_the_default(self):
        assert self.asked(contracts.conditional_space(), 1) == [
            {"family": "dense", "units": 32, "normalise": False, "rate": 1e-4}
        ]


def test_initial_points_come_first_and_in_order():
    points = [{"family": "convolution", "kernel": 7}, {}, {"units": 8, "kernel": 3}]
    oracle = oracles.EvolutionOracle(hyperparameters=contracts.conditional_space(), seed=0, initial_points=points)
    asked = [oracle.ask() for _ in range(3)]
    assert asked[0] == {"family": "convolution", "filters": 8, "kernel": 7, "rate": 1e-4}
    assert asked[1]["units"] == 32 and asked[2]["units"] == 8 and "kernel" not in asked[2]


@pytest.mark.parametrize("strategy", ["random", "evolution"])
def test_initial_points_of_short_trainings_are_those_of_the_strategy_inside(strategy):
    halving = oracles.SuccessiveHalvingOracle(strategy, initial_points=[{"kind": "some"}])
    oracle = oracle_of(Recipe(halving), Extent(5, 9))
    assert oracle.ask()["kind"] == "some"


@pytest.mark.parametrize("wrapped", [lambda oracle: oracle, oracles.LearningCurveOracle, oracles.WeightSharingOracle])
@pytest.mark.parametrize("values", [{"depths": 3}, {"depth": 9}])
def test_initial_points_of_the_user_are_checked_before_a_search(wrapped, values):
    strategy = wrapped(oracles.EvolutionOracle(initial_points=[{}, values]))
    with pytest.raises(ValueError, match="^`initial_points` must .* Received: ('depths'. Perhaps|9$)"):
        oracle_of(Recipe(strategy))


@pytest.mark.parametrize("direction, family", [("min", "dense"), ("max", "convolution")])
def test_goes_in_the_objectives_direction(tmp_path, direction, family):
    oracle = oracles.EvolutionOracle(
        objective=keras_tuner.Objective("score", direction),
        hyperparameters=contracts.conditional_space(),
        max_trials=60,
        seed=0,
    )
    oracle._set_project_dir(str(tmp_path), "run")
    families = []
    for _ in range(60):
        trial = oracle.create_trial("slot")
        oracle.update_trial(trial.trial_id, {"score": contracts.score(trial.hyperparameters.values)})
        trial.status = "COMPLETED"
        oracle.end_trial(trial)
        families.append(trial.hyperparameters.values["family"])
    assert families[20:].count(family) > 22


class TestRandomSearchOracleOfKerasTuner(contracts.OracleContract):
    """Keras Tuner's own, behind our base: all but seeds of 0 and exact exhaustion, which are its own business."""

    beats_random = False

    def make(self, **arguments):
        inner = keras_tuner.oracles.RandomSearchOracle(
            max_trials=arguments["max_trials"] or 1000, seed=arguments["seed"] + 1
        )
        return oracles.KerasTunerOracle(inner, **{**arguments, "max_trials": arguments["max_trials"] or 1000})

    test_a_small_space_is_tried_whole_and_then_done = None
    test_a_space_is_exhausted_too_if_trials_are_on_or_have_failed = None
    test_the_arguments_of_the_constructor_stay_as_they_were_given = None  # It takes no initial points.
    test_serves_a_tuner_of_keras_tuner_that_finds_the_space_itself = None
    test_seeds_give_different_searches = None  # Its seeds s and s + n give the same trials, shifted.
    test_an_architecture_is_asked_again_after_a_failure_that_was_transient = None  # It asks for nothing twice.


def test_a_strategy_is_named_or_an_oracle():
    with pytest.raises(ValueError, match="`strategy` must be one of 'auto'.*Received: strategy='simulated'"):
        oracles.check_strategy("simulated")


@pytest.mark.parametrize(
    "strategy, inside",
    [
        ("auto", oracles.EvolutionOracle),
        ("random", oracles.RandomOracle),
        (oracles.RandomOracle(), oracles.RandomOracle),
    ],
)
def test_any_strategy_shares_weights(strategy, inside):
    made = oracle_of(Recipe(strategy, weight_sharing=True), Extent(5, updates_per_epoch=300))
    assert isinstance(made, oracles.WeightSharingOracle) and made.seed == 3 and made.max_trials == 5
    assert isinstance(made.strategy, inside)
    assert oracles.supernet_training(made)["epochs"] == 10
    assert oracles.needs_supernet(strategy, weight_sharing=True) and not oracles.needs_supernet(strategy)


def test_epochs_of_the_supernet_that_the_user_gave_hold():
    mine = oracles.WeightSharingOracle(epochs=5)
    made = oracle_of(Recipe(mine), Extent(5, updates_per_epoch=300))
    assert made.epochs == 5 and made is not mine and oracles.needs_supernet(mine)
    assert not made.default_first
    assert oracle_of(Recipe(mine), Extent(5, updates_per_epoch=300, default_first=True)).default_first


@pytest.mark.parametrize("updates_per_epoch, epochs", [(3, 60), (50, 60), (312, 10), (30_000, 4)])
def test_the_default_is_about_3000_updates_of_the_supernet(updates_per_epoch, epochs):
    assert oracles.WeightSharingOracle().default_epochs(updates_per_epoch) == epochs


@pytest.mark.parametrize("updates_per_epoch, epochs", [(3, 60), (30, 20), (312, 8)])
def test_the_default_is_about_600_updates_of_a_gradient_search(updates_per_epoch, epochs):
    assert oracles.GradientOracle().default_epochs(updates_per_epoch) == epochs


def test_the_users_oracle_is_not_changed():
    mine = oracles.RandomOracle()
    made = oracle_of(Recipe(mine))
    made.ask()
    assert made is not mine and made.seed == 3 and made.max_trials == 5
    assert mine.max_trials is None and not mine._tried and not mine.hyperparameters.space


def test_a_seed_given_to_the_oracle_holds():
    mine = oracles.RandomOracle(seed=0)
    assert oracle_of(Recipe(mine)).seed == 0


def test_a_strategy_is_told_of_the_spaces_structure_unless_it_has_its_own():
    structure = OperationGraph({"kind": (0, 1)})

    def made(strategy):
        return oracle_of(Recipe(strategy), structure=structure)

    own = OperationGraph({"depth": (0, 1)})
    assert made("auto").structure is structure
    assert made(oracles.BayesianOracle(structure=own)).structure.edges == own.edges
    assert not hasattr(made("evolution"), "structure")


def test_so_is_a_strategy_inside_of_another():
    structure = OperationGraph({"kind": (0, 1)})
    recipe = Recipe("bayesian", weight_sharing=True, fidelity="learning_curve")
    made = oracle_of(recipe, Extent(5, max_epochs=9), structure=structure)
    assert made.max_epochs == 9 and made.strategy.strategy.structure is structure


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "`seed` must be a non-negative integer or None. Received: seed=-1"),
        ({"max_trials": 0}, "`max_trials` must be a positive integer or None. Received: max_trials=0"),
        (
            {"initial_points": {"units": 32}},
            "`initial_points` must be a list of dicts .* Received: initial_points={'u",
        ),
        ({"repeats": "x"}, "`repeats` must be True or False. Received: repeats='x'"),
        ({"repeats": []}, "`repeats` must be True or False. Received: repeats=.."),
    ],
)
def test_arguments_of_all_oracles_are_checked_before_the_first_trial(arguments, message):
    oracle = oracles.RandomOracle(hyperparameters=contracts.small_space(), objective="val_loss", **arguments)
    with pytest.raises(ValueError, match=message):
        oracle.ask()


def test_a_score_without_a_tuple_is_refused():
    oracle = oracles.RandomOracle(hyperparameters=contracts.small_space(), objective="val_loss", seed=0)
    with pytest.raises(ValueError, match="`scores` must be None or a tuple of one number per objective. Received: sco"):
        oracle.tell(0, oracle.ask(), 0.5)


def test_an_oracle_is_made_again_with_other_arguments():
    mine = oracles.HyperbandOracle("evolution", 4, min_epochs=2)
    made = mine.with_arguments(seed=3, min_epochs=None)
    assert type(made) is oracles.HyperbandOracle and made.reduction == 4 and made.strategy == "evolution"
    assert made.given_seed == 3 and made.min_epochs is None and mine.min_epochs == 2
    assert made.arguments == {"strategy": "evolution", "reduction": 4, "min_epochs": None, "seed": 3}
    assert copy.deepcopy(made).arguments == made.arguments


def test_a_constructor_that_keeps_arguments_from_the_base_is_an_error():
    class Mine(oracles.RandomOracle):
        def __init__(self, size):
            super().__init__()

    with pytest.raises(ValueError, match="must hand the arguments .* Received: Mine, which doesn't take hyperparam"):
        oracle_of(Recipe(Mine(3)))


def test_the_first_of_several_objectives_is_the_objective():
    objectives = [keras_tuner.Objective("accuracy", "max"), keras_tuner.Objective("latency", "min")]
    assert oracles.RandomOracle(objectives=objectives).objective == objectives[0]
    made = oracle_of(Recipe("auto"), goal=Goal(tuple(objectives)))
    assert made.objective == objectives[0] and made.objectives == objectives


def test_an_oracle_of_keras_tuner_gets_the_objective_and_any_fidelity():
    objective = keras_tuner.Objective("accuracy", "max")
    for strategy in (inner := keras_tuner.oracles.RandomSearchOracle(seed=1), oracles.KerasTunerOracle(inner)):
        made = oracle_of(Recipe(strategy), goal=Goal((objective,)))
        assert isinstance(made, oracles.KerasTunerOracle) and made.objective == objective
    made = oracle_of(Recipe(inner, fidelity="successive_halving"), Extent(5, max_epochs=9), goal=Goal((objective,)))
    assert isinstance(made, oracles.SuccessiveHalvingOracle) and isinstance(made.strategy, oracles.KerasTunerOracle)
    assert made.ask()["tuner/epochs"] == 1
    with pytest.raises(ValueError, match="`initial_points` must be None for an oracle of Keras Tuner"):
        oracle_of(Recipe(oracles.KerasTunerOracle(inner, initial_points=[{}])), goal=Goal((objective,)))


def test_a_seed_of_the_search_replaces_that_of_an_oracle_of_keras_tuner():
    objective = keras_tuner.Objective("accuracy", "max")

    def seeds(*strategies, **further):
        made = [oracle_of(Recipe(strategy, **further), Extent(5, 9), Goal((objective,))) for strategy in strategies]
        return [getattr(oracle, "strategy", oracle).seed for oracle in made]

    inner = keras_tuner.oracles.RandomSearchOracle(seed=1)
    wrapped = oracles.KerasTunerOracle(inner)
    for fidelity in ("full", "successive_halving"):
        # The search has a seed of 3, which wasn't given.
        assert seeds(inner, wrapped, fidelity=fidelity) == [1, 1]
        assert seeds(inner, wrapped, wrapped.with_arguments(seed=7), given_seed=3, fidelity=fidelity) == [3, 3, 7]


def test_a_supernet_is_put_inside_of_a_low_fidelity():
    goal = Goal((SCORE,), constraints=(Constraint(registry.Flops(), 1e6),))

    def made(strategy, **further):
        return oracle_of(Recipe(strategy, **further), Extent(5, max_epochs=9, updates_per_epoch=300), goal=goal)

    found = made("evolution", weight_sharing=True, fidelity="hyperband")
    assert isinstance(found, oracles.HyperbandOracle) and isinstance(found.strategy, oracles.WeightSharingOracle)
    assert oracles.supernet_training(found) == {"method": "paths", "epochs": 10, "sampling": "fair"}
    outer = oracles.SuccessiveHalvingOracle("evolution", reduction=2)
    found = made(outer, weight_sharing=True)
    assert found.reduction == 2 and isinstance(found.strategy.strategy, oracles.EvolutionOracle)
    assert outer.strategy == "evolution"
    found = made("gradient", fidelity="learning_curve")
    assert isinstance(found, oracles.LearningCurveOracle) and isinstance(found.strategy, oracles.GradientOracle)
    training = oracles.supernet_training(found)
    assert training["cost"] == "flops" and training["seed"] == 3
    assert all(oracles.needs_supernet(each) for each in (found, oracles.LearningCurveOracle(oracles.GradientOracle())))


def test_gradient_search_penalises_what_is_limited():
    def weights(*limited):
        goal = Goal((SCORE,), constraints=tuple(Constraint(cost, 1.0) for cost in limited))
        made = oracle_of(Recipe("gradient"), Extent(5, updates_per_epoch=300), goal=goal)
        return made.penalised_cost, len(made.cost_weights)

    assert weights() == (None, 1) and weights(registry.PeakMemory(), registry.Params()) == ("params", 4)


def test_a_weight_without_a_cost_is_refused_once_the_objectives_are_known():
    weighted, flops = oracles.GradientOracle(cost_weight=0.5), keras_tuner.Objective("flops", "min")
    oracles.check_strategy(weighted)
    extent = Extent(5, max_epochs=9, updates_per_epoch=300)
    for recipe in (Recipe(weighted), Recipe(weighted, fidelity="successive_halving")):
        several = oracle_of(recipe, extent, Goal((SCORE, flops)))
        assert oracles.supernet_training(several)["cost_weights"] == [0.5]
        with pytest.raises(ValueError, match="`cost_weight` must be None without a cost .*: cost_weight=0.5"):
            oracles.supernet_training(oracle_of(recipe, extent))
    assert oracle_of(Recipe(oracles.GradientOracle(cost_weight=0.5, cost="params")), extent).cost_weights == [0.5]
