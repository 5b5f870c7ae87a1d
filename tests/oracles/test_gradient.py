"""Gradient search: its stages, what it derives and draws, its guards; distributions are simulated."""

import keras_tuner
import numpy as np
import pytest
from one_shot_simulation import Simulation

from autonas.oracles import gradient
from autonas.testing import problems

LABELS = ["convolution", "pooling", "identity"]


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
    options = {"first": LABELS, "second": LABELS, "third": LABELS, "inner": LABELS, "depth": ["1", "2", "3"]}
    return {
        name: {label: 0.8 if label == labels.get(name, each[0]) else 0.1 for label in each}
        for name, each in options.items()
    }


class GradientSimulation(Simulation):
    """Reports given distributions, one after the other; the last one again and again."""

    def __init__(self, *distributions, **arguments):
        problem = problems.Problem(space, lambda values: float(values["depth"]), {})
        super().__init__(problem=problem, **arguments)
        self.distributions = list(distributions)

    def oracle(self, **arguments):
        arguments = {"seed": 0, "epochs": 3, "max_trials": 6} | arguments
        objective = keras_tuner.Objective("score", "max")
        return gradient.GradientOracle(objective=objective, hyperparameters=space(), **arguments)

    def report(self, oracle, values):
        place = min(values["tuner/initial_epoch"], len(self.distributions) - 1)
        return {
            "distribution": self.distributions[place],
            "finished": values["tuner/epochs"] == self.finished_after,
        }


def stages(trials):
    return [values.get("tuner/stage", "train") for values, _, _ in trials]


def alone(trials):
    return [values for values, _, _ in trials if "tuner/stage" not in values]


def test_the_default_then_the_supernet_then_the_derived_architecture_then_others(tmp_path):
    simulation = GradientSimulation(certain(), certain(first="pooling", depth="3"))
    oracle = simulation.oracle()
    trials = simulation.run(oracle, tmp_path)
    assert stages(trials) == ["train", *["supernet"] * 3, *["train"] * 5]
    assert trials[0][0] == oracle.encoding.default()
    # What depends on an option that wasn't taken is absent, and what is fixed is as it is.
    derived = {"first": "pooling", "second": "convolution", "third": "convolution", "depth": 3, "width": 8}
    assert trials[4][0] == derived
    assert len({oracle.encoding.key(values) for values in alone(trials)}) == 6


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
    assert stages(trials)[:3] == ["train", "supernet", "train"] and trials[2][0]["depth"] == 2


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


@pytest.mark.parametrize("guard", ["auxiliary_skip", "early_stop"])
def test_a_search_cut_off_anywhere_goes_on_as_if_it_had_not_been(guard, tmp_path):
    simulation = GradientSimulation(
        certain(second="pooling"), certain(first="identity", third="identity"), fails=lambda number, _: number in (2, 7)
    )
    whole = simulation.run(simulation.oracle(guard=guard), tmp_path / "whole")
    for stop_after in range(len(whole)):
        directory = tmp_path / f"cut_{stop_after}"
        simulation.run(simulation.oracle(guard=guard), directory, stop_after)
        assert simulation.run(simulation.oracle(guard=guard), directory) == whole


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
        "cost_weight": 0.1,
    }
    assert GradientSimulation(certain()).oracle().supernet_training()["partial_channels"] == 1


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"relaxation": "hard"}, "`relaxation` must be one of 'softmax', 'gumbel', 'partial'. Received"),
        ({"order": "third"}, "`order` must be one of 'first', 'second', 'finite_difference'. Received"),
        ({"relaxation": "gumbel", "order": "second"}, "`order` must be 'first' with relaxation='gumbel'.*Received"),
        ({"guard": "hessian"}, "`guard` must be one of None, 'auxiliary_skip', 'early_stop'. Received"),
        ({"cost": "bytes"}, "`cost` must be one of None, 'parameters', 'flops', 'latency_ms'. Received"),
        ({"reward_weight": -1}, "`reward_weight` must be a number of at least 0. Received: reward_weight=-1"),
        ({"validation_share": 1.0}, "`validation_share` must be a number from 0.05 to 0.95. Received"),
        ({"warm_up": 1.0}, "`warm_up` must be a number from 0 to 0.95. Received: warm_up=1.0"),
        ({"partial_channels": 1}, "`partial_channels` must be an integer of at least 2. Received"),
        ({"epochs": 0}, "`epochs` must be an integer of at least 1. Received: epochs=0"),
    ],
)
def test_bad_arguments_are_refused_before_the_first_trial(arguments, message):
    with pytest.raises(ValueError, match=message):
        GradientSimulation(certain()).oracle(**arguments).ask()
