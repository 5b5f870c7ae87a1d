"""Gradient search: its stages, what it derives and draws, its guards and its sweep; distributions are simulated."""

import keras_tuner
import numpy as np
import pytest

from autonas.oracles.one_shot import gradient
from autonas.testing import problems
from tests.helpers.one_shot_simulation import LAYERS, OBJECTIVES, WORTHS, Simulation, is_on_front, n_layers

LABELS = ["convolution", "pooling", "identity"]
#: Labels of the options by decision.
OPTIONS = {"first": LABELS, "second": LABELS, "third": LABELS, "inner": LABELS, "depth": ["1", "2", "3"]}


def space():
    """Four decisions of three options, the last one active only where the first is a convolution, and a depth."""
    hp = keras_tuner.HyperParameters()
    for name in ("first", "second", "third"):
        hp.Choice(name, LABELS)
    hp.Choice("depth", [1, 2, 3])
    hp.Fixed("width", 8)
    with hp.conditional_scope("first", ["convolution"]):
        hp.Choice("inner", LABELS)
    return hp


def certain(**labels):
    """A distribution in which the given options have the probability 0.8."""
    return {
        name: {label: 0.8 if label == labels.get(name, each[0]) else 0.1 for label in each}
        for name, each in OPTIONS.items()
    }


class GradientSimulation(Simulation):
    """Reports given distributions, one after the other; the last one again and again."""

    def __init__(self, *distributions, selected=None, **arguments):
        problem = problems.Problem(space, lambda values: float(values["depth"]), {})
        super().__init__(problem=problem, **arguments)
        self.distributions = list(distributions)
        self.selected = selected

    def oracle(self, **arguments):
        arguments = {"seed": 0, "epochs": 3, "max_trials": 6, "selection": "probability"} | arguments
        objective = keras_tuner.Objective("score", "max")
        return gradient.GradientOracle(objective=objective, hyperparameters=space(), **arguments)

    def report(self, oracle, values):
        if values["tuner/stage"] == "one_shot":
            losses = {
                name: {label: float(label == str(self.selected.get(name, options[0]))) for label in options}
                for name, options in OPTIONS.items()
            }
            return {"finalists": [[self.selected, 0.5]], "n_scored": 1, "losses_without": losses}
        place = min(values["tuner/initial_epoch"], len(self.distributions) - 1)
        return {
            "distribution": self.distributions[place],
            "next_cost_weight": 0.0,
            "finished": values["tuner/epochs"] == self.finished_after,
        }


#: Weights of the cost, and how many layers are worth their cost then: those with WORTHS > mu / 10.
MU, WORTH_IT = (0.0, 0.3, 0.6, 1.2), (12, 10, 8, 3)


class SweepSimulation(Simulation):
    """Reports, at each weight mu, the distributions that minimise -E[worth] + mu E[layers] / 10 and their entropy.

    Of each decision it is the softmax of the worth less mu / 10 times the cost of each option. Each weight has an equal
    share of the epochs.
    """

    def __init__(self, cost=n_layers, **arguments):
        super().__init__(LAYERS, cost=cost, **arguments)

    def oracle(self, **arguments):
        arguments = {"seed": 0, "epochs": 8, "max_trials": 8, "cost_weight": MU} | arguments
        return gradient.GradientOracle(
            objective=OBJECTIVES[0], objectives=OBJECTIVES, hyperparameters=LAYERS.space(), **arguments
        )  # fmt: skip

    def report(self, oracle, values):
        weights = oracle.cost_weights
        gains = 100 * (WORTHS - values["tuner/cost_weight"] / 10)
        chances = 1 / (1 + np.exp(-gains))
        phase = min(values["tuner/epochs"] * len(weights) // oracle.epochs, len(weights) - 1)
        return {
            "distribution": {f"layer_{i}": {"True": p, "False": 1 - p} for i, p in enumerate(chances)},
            "next_cost_weight": weights[phase],
            "finished": values["tuner/epochs"] == self.finished_after,
        }


def stages(trials):
    return [values.get("tuner/stage", "train") for values, _, _ in trials]


def alone(trials):
    return [values for values, _, _ in trials if "tuner/stage" not in values]


def test_the_supernet_and_the_default_then_the_derived_architecture_then_others(tmp_path):
    simulation = GradientSimulation(certain(), certain(first="pooling", depth="3"))
    oracle = simulation.oracle()
    trials = simulation.run(oracle, tmp_path)
    assert stages(trials) == ["supernet", "train", *["supernet"] * 2, *["train"] * 5]
    assert trials[1][0] == oracle.encoding.default()
    # What depends on an option that wasn't taken is absent, and what is fixed is as it is.
    derived = {"first": "pooling", "second": "convolution", "third": "convolution", "depth": 3, "width": 8}
    assert trials[4][0] == derived
    assert len({oracle.encoding.key(values) for values in alone(trials)}) == 6


def test_the_architecture_that_was_selected_by_perturbation_comes_first(tmp_path):
    selected = {"first": "identity", "second": "pooling", "third": "pooling", "depth": 2, "width": 8}
    simulation = GradientSimulation(certain(first="pooling"), selected=selected)
    oracle = simulation.oracle(selection="perturbation")
    trials = simulation.run(oracle, tmp_path)
    assert stages(trials) == ["supernet", "train", *["supernet"] * 2, "one_shot", *["train"] * 5]
    assert trials[5][0] == selected
    # The softmax of the standardised losses 1, 0, 0.
    chances = np.exp([2**0.5, -(0.5**0.5), -(0.5**0.5)])
    (distribution,) = oracle.distributions.values()
    assert sorted(distribution["second"].values(), reverse=True) == pytest.approx(chances / chances.sum())


def test_options_are_selected_by_perturbation_and_logits_not_learned_unless_an_argument_asks_for_it():
    def searching(**arguments):
        oracle = GradientSimulation(certain()).oracle(**{"selection": None, **arguments})
        training = oracle.supernet_training()
        return oracle.selects_by_perturbation, training["architecture_learning_rate"], training["guard"]

    fixed, learned = (True, 0.0, None), (False, 0.1, "auxiliary_skip")
    assert searching() == searching(selection="perturbation") == fixed
    asking = [{"relaxation": "dirichlet"}, {"relaxation": "gumbel"}, {"order": "second"}, {"cost": "params"}]
    asking += [{"reward_weight": 0}, {"beta_decay": 1.0}, {"selection": "probability"}]
    assert [searching(**arguments) for arguments in asking] == [learned] * len(asking)
    assert searching(guard="early_stop") == (False, 0.1, "early_stop")
    assert searching(architecture_learning_rate=0.2) == (False, 0.2, "auxiliary_skip")
    assert searching(selection="perturbation", order="second") == (True, 0.1, "auxiliary_skip")


def test_what_is_drawn_follows_the_distribution(tmp_path):
    distribution = certain(first="identity", second="pooling", depth="3")
    simulation = GradientSimulation(distribution)
    counts = []
    for seed in range(40):
        trials = simulation.run(simulation.oracle(seed=seed, max_trials=4), tmp_path / str(seed))
        counts += [(values["first"] == "identity") + (values["second"] == "pooling") for values in alone(trials)[2:]]
    # Of two options of 0.8 each, given that it isn't the derived architecture: between chance and two.
    assert 1.2 < np.mean(counts) < 1.8


def test_much_of_a_space_is_drawn_however_certain_the_distribution(tmp_path):
    certainty = {0.8: 1 - 2e-6, 0.1: 1e-6}
    sure = {name: {label: certainty[p] for label, p in each.items()} for name, each in certain().items()}
    simulation = GradientSimulation(sure)
    trials = simulation.run(simulation.oracle(max_trials=40), tmp_path)
    assert len({str(values) for values in alone(trials)}) == 40


def test_the_supernet_is_trained_no_longer_when_there_is_no_time(tmp_path):
    simulation = GradientSimulation(certain(depth="2"), finished_after=1)
    trials = simulation.run(simulation.oracle(epochs=50), tmp_path)
    assert stages(trials)[:3] == ["supernet", "train", "train"] and trials[2][0]["depth"] == 2


def test_the_guard_stops_before_skips_dominate(tmp_path):
    good = certain(second="pooling", third="identity", inner="identity")
    worse = certain(first="identity", second="pooling", third="identity")
    simulation = GradientSimulation(good, worse)
    # Of four active decisions two skip, which is not more than half; then two of three do.
    oracle = simulation.oracle(epochs=5)
    assert not oracle.skips_dominate(good) and oracle.skips_dominate(worse)
    guarded = simulation.run(simulation.oracle(epochs=5, guard="early_stop"), tmp_path / "guarded")
    assert stages(guarded).count("supernet") == 2
    assert alone(guarded)[1]["first"] == "convolution"
    free = simulation.run(simulation.oracle(epochs=5), tmp_path / "free")
    assert stages(free).count("supernet") == 5 and alone(free)[1]["first"] == "identity"


@pytest.mark.parametrize("arguments", [{}, {"guard": "early_stop"}, {"selection": "perturbation"}], ids=str)
def test_a_search_cut_off_anywhere_goes_on_as_if_it_had_not_been(arguments, tmp_path):
    simulation = GradientSimulation(
        certain(second="pooling"),
        certain(first="identity", third="identity"),
        fails=lambda number, _: number in (2, 7),
        selected={"first": "identity", "second": "pooling", "third": "pooling", "depth": 2, "width": 8},
    )
    whole = simulation.run(simulation.oracle(**arguments), tmp_path / "whole")
    for stop_after in range(len(whole)):
        directory = tmp_path / f"cut_{stop_after}"
        simulation.run(simulation.oracle(**arguments), directory, stop_after)
        assert simulation.run(simulation.oracle(**arguments), directory) == whole


# ---------------------------------------------------------------------- the sweep


def test_each_weight_of_the_cost_is_in_force_for_a_share_of_the_epochs_and_leaves_an_architecture(tmp_path):
    trials = SweepSimulation().run(SweepSimulation().oracle(), tmp_path)
    weights = [values["tuner/cost_weight"] for values, _, _ in trials if "tuner/stage" in values]
    assert weights == [mu for mu in MU for _ in range(2)]
    derived = alone(trials)[1:5]
    assert all(map(is_on_front, derived))
    assert [n_layers(values) for values in derived] == [1 + n for n in WORTH_IT]


def test_after_the_derived_ones_the_distributions_are_drawn_from_in_turn(tmp_path):
    simulation = SweepSimulation()
    trials = simulation.run(simulation.oracle(max_trials=45), tmp_path)
    sizes = np.array([n_layers(values) for values in alone(trials)[5:]])
    means = sorted((sizes[place::4].mean() for place in range(4)), reverse=True)
    # New ones are a little off the derived ones, whichever weight's turn is first.
    assert means == pytest.approx([11, 10.5, 9, 4.5], abs=1.2)


def test_distributions_whose_architecture_is_refused_are_not_drawn_from(tmp_path):
    simulation = SweepSimulation(limit=6)
    trials = simulation.run(simulation.oracle(max_trials=12), tmp_path)
    refused = [values for values, status, _ in trials if status == "FAILED"]
    trained = [values for values, status, _ in trials if status == "COMPLETED" and "tuner/stage" not in values]
    assert len(trained) == 12 and max(map(n_layers, trained)) <= 6
    # Three derived ones, and what is drawn from the last distribution and happens to have more layers.
    assert 3 <= len(refused) < 12


def test_weights_that_there_was_no_time_for_are_left_out(tmp_path):
    simulation = SweepSimulation(finished_after=3)
    oracle = simulation.oracle(max_trials=6)
    trials = simulation.run(oracle, tmp_path)
    assert list(oracle.distributions) == [0.0, 0.3] and stages(trials).count("supernet") == 3
    assert [n_layers(values) for values in alone(trials)[1:3]] == [13, 11]


@pytest.mark.parametrize("limit", [None, 6])
def test_a_sweep_cut_off_anywhere_goes_on_as_if_it_had_not_been(limit, tmp_path):
    simulation = SweepSimulation(limit=limit, fails=lambda number, _: number in (3, 10))
    whole = simulation.run(simulation.oracle(), tmp_path / "whole")
    for stop_after in range(len(whole)):
        directory = tmp_path / f"cut_{stop_after}"
        simulation.run(simulation.oracle(), directory, stop_after)
        assert simulation.run(simulation.oracle(), directory) == whole


def test_the_guard_of_a_sweep_ends_its_first_weight_only(tmp_path):
    good, worse = certain(), certain(first="identity", second="identity", third="identity")
    simulation = GradientSimulation(good, worse, good, worse)
    weights = [0.0, 0.0, 0.0, 1.0]
    report = simulation.report
    simulation.report = lambda oracle, values: (
        report(oracle, values) | {"next_cost_weight": weights[min(values["tuner/epochs"], 3)]}
    )
    oracle = simulation.oracle(guard="early_stop", epochs=4, cost="params", cost_weight=[0.0, 1.0])
    simulation.run(oracle, tmp_path)
    assert oracle.distributions == {0.0: good, 1.0: worse}


def test_the_cost_is_that_of_the_objectives_or_limits_and_is_swept():
    def oracle_of(objectives=None, limits=(), combined=(), **arguments):
        oracle = GradientSimulation(certain()).oracle(**arguments)
        objectives = objectives and [keras_tuner.Objective(name, "min") for name in objectives]
        return oracle.with_arguments(objectives=objectives, constraint_names=limits, combined_names=combined)

    def searching(*args, **arguments):
        oracle = oracle_of(*args, **arguments)
        return oracle.penalised_cost, oracle.cost_weights

    sweep = [0.0, 0.1, 0.3, 1.0]
    assert searching() == (None, [0.0])
    assert searching(cost="params") == ("params", [0.1])
    assert searching(["val_accuracy", "flops"]) == ("flops", sweep)
    assert searching(["val_accuracy"], ["memory_mb", "latency_ms"]) == ("latency_ms", sweep)
    assert searching(["val_accuracy", "flops"], ["params"], cost="latency_ms") == ("latency_ms", sweep)
    assert searching(limits=["model_size_mb"]) == ("params", sweep)
    assert searching(["val_accuracy", "flops"], cost_weight=0.5) == ("flops", [0.5])
    assert searching(["val_accuracy", "flops"], cost_weight=(0, 2)) == ("flops", [0, 2])
    # A combination is one objective. Its cost is penalised before a limited one.
    assert searching(["weighted_sum"], combined=["val_accuracy", "params"]) == ("params", sweep)
    assert searching(["weighted_sum"], ["flops"], ["val_accuracy", "params"], cost_weight=1.0) == ("params", [1.0])
    # Where only the cost counts, the accurate end of the front is of no use.
    assert searching(["flops"]) == ("flops", [1.0])
    assert searching(["flops"], cost_weight=0.5) == ("flops", [0.5])
    # What a supernet doesn't know can't be penalised.
    assert searching(["val_accuracy", "memory_mb"]) == (None, [0.0])
    assert searching(["weighted_sum"], combined=["val_accuracy", "memory_mb"]) == (None, [0.0])
    with pytest.raises(ValueError, match="`cost_weight` must be None without a cost that a supernet can compute"):
        oracle_of(["memory_mb"], cost_weight=0.5, selection=None).check()


def test_a_sweep_has_half_as_many_epochs_for_each_weight():
    one = GradientSimulation(certain()).oracle(cost="params")
    four = GradientSimulation(certain()).oracle(cost="params", cost_weight=[0.0, 0.1, 0.2, 0.4])
    two = GradientSimulation(certain()).oracle(cost="params", cost_weight=[0.0, 0.1])
    assert [each.default_epochs(20) for each in (one, two, four)] == [30, 30, 60]


def test_the_supernet_is_told_how_it_is_trained():
    training = GradientSimulation(certain()).oracle(relaxation="partial", cost="flops", seed=5).supernet_training()
    assert training == {
        "method": "bilevel",
        "epochs": 3,
        "seed": 5,
        "relaxation": "partial",
        "partial_channels": 4,
        "order": "first",
        "reward_weight": None,
        "validation_share": 0.5,
        "learning_rate": 0.05,
        "architecture_learning_rate": 0.1,
        "warm_up": 0.2,
        "guard": "auxiliary_skip",
        "cost": "flops",
        "cost_weights": [0.1],
    }
    assert GradientSimulation(certain()).oracle().supernet_training()["partial_channels"] == 1
    assert GradientSimulation(certain()).oracle().supernet_training()["architecture_learning_rate"] == 0.1
    assert GradientSimulation(certain()).oracle(beta_decay=2.0).supernet_training()["beta_decay"] == 2.0


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"relaxation": "hard"}, "`relaxation` must be one of 'softmax', 'gumbel', 'partial', 'dirichlet'. Received"),
        ({"order": "third"}, "`order` must be one of 'first', 'second', 'finite_difference'. Received"),
        ({"relaxation": "gumbel", "order": "second"}, "`order` must be 'first' with relaxation='gumbel'.*Received"),
        ({"guard": "hessian"}, "`guard` must be one of None, 'auxiliary_skip', 'early_stop'. Received"),
        ({"selection": "random"}, "`selection` must be one of None, 'probability', 'perturbation'. Received"),
        ({"selection": "perturbation", "relaxation": "gumbel"}, "`selection` must be 'probability' with.*Received"),
        ({"selection": "perturbation", "cost": "params"}, "`selection` must be 'probability' with.*Received"),
        ({"beta_decay": -1}, "`beta_decay` must be a finite number of at least 0. Received: beta_decay=-1"),
        ({"learning_rate": float("inf")}, "`learning_rate` must be a finite number of at least 0.*learning_rate=inf"),
        ({"cost": "bytes"}, "`cost` must be one of None, 'params', 'flops', 'latency_ms'. Received"),
        ({"cost_weight": -1}, "`cost_weight` must be a finite number of at least 0, or an ascending.*Received"),
        ({"cost_weight": float("nan")}, "`cost_weight` must be a finite number.*Received: cost_weight=nan"),
        (
            {"cost_weight": [0.1, float("inf")]},
            "`cost_weight` must be a finite number.*Received: cost_weight=.0.1, inf",
        ),
        ({"cost_weight": [0.1, 0.1]}, "`cost_weight` must be .* an ascending sequence of them. Received"),
        ({"cost_weight": []}, "`cost_weight` must be .* an ascending sequence of them. Received: cost_weight=.."),
        ({"reward_weight": -1}, "`reward_weight` must be a finite number of at least 0. Received: reward_weight=-1"),
        ({"validation_share": 1.0}, "`validation_share` must be a number from 0.05 to 0.95. Received"),
        ({"warm_up": 1.0}, "`warm_up` must be a number from 0 to 0.95. Received: warm_up=1.0"),
        ({"partial_channels": 1}, "`partial_channels` must be an integer of at least 2. Received"),
        ({"updates_per_epoch": 0}, "`updates_per_epoch` must be an integer of at least 1. Received"),
        ({"constraint_names": 1.5}, "`constraint_names` must be a sequence .* Received: constraint_names=1.5"),
        (
            {"constraint_names": "params"},
            "`constraint_names` must be a sequence .* Received: constraint_names='params'",
        ),
        ({"combined_names": "params"}, "`combined_names` must be a sequence .* Received: combined_names='params'"),
        ({"epochs": 0}, "`epochs` must be an integer of at least 1. Received: epochs=0"),
    ],
)
def test_bad_arguments_are_refused_before_the_first_trial(arguments, message):
    with pytest.raises(ValueError, match=message):
        GradientSimulation(certain()).oracle(**arguments).ask()
