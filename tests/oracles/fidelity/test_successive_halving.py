"""Successive halving: what is promoted, when, and what comes of it with any strategy inside."""

import itertools

import keras_tuner
import numpy as np
import pytest

from autonas import oracles
from autonas.oracles import base
from autonas.oracles.fidelity.successive_halving import SuccessiveHalvingOracle
from autonas.testing import oracles as contracts
from autonas.testing import problems, simulation
from tests.helpers.fidelity_contract import FidelityContract, architecture


class TestContractAroundEvolution(FidelityContract):
    beats_random = False  # That with the Bayesian strategy must.

    def make(self, **arguments):
        return SuccessiveHalvingOracle("evolution", min_epochs=1, max_epochs=9, **arguments)


class TestContractAroundBayesian(FidelityContract):
    heeds_constraints = True
    n_searches = 4

    def make(self, **arguments):
        return SuccessiveHalvingOracle(min_epochs=1, max_epochs=9, **arguments)


def halving(strategy="random", epochs=(1, 9), seed=0, **arguments):
    arguments.setdefault("hyperparameters", problems.chain_space())
    arguments.setdefault("objective", keras_tuner.Objective("score", "max"))
    return SuccessiveHalvingOracle(strategy, min_epochs=epochs[0], max_epochs=epochs[1], seed=seed, **arguments)


def searched(oracle, scores):
    """Values of a search that is told these scores, one after the other."""
    asked = []
    for number, of in enumerate(scores):
        asked.append(oracle.ask())
        oracle.tell(number, asked[-1], of if of is None or isinstance(of, tuple) else (of,))
    return asked


def rungs(asked):
    return [values["tuner/rung"] for values in asked]


def simulated(oracle, **arguments):
    return simulation.simulate(oracle, lambda values: {"score": problems.chain_score(values)}, **arguments)


# ---------------------------------------------------------------------- what is asked


def test_a_promotion_goes_on_with_the_training_of_the_best_of_three():
    asked = searched(halving(), [0.3, 0.9, 0.1, 0.5])
    first = {"tuner/initial_epoch": 0, "tuner/epochs": 1, "tuner/rung": 0}
    assert all(values == architecture(values) | first for values in asked[:3])
    assert asked[3] == architecture(asked[1]) | {
        "tuner/trial_id": "0001", "tuner/initial_epoch": 1, "tuner/epochs": 3, "tuner/rung": 1,
    }  # fmt: skip


def test_fitted_weights_are_not_promoted_unless_a_higher_rung_has_more_rows():
    def first_promoted(**arguments):
        oracle = halving(**arguments)
        for number, score in enumerate([0.9, 0.5, 0.1]):
            training = oracles.Training(is_fitted=number == 0)
            oracle.tell(number, oracle.ask(), (score,), training=training)
        return oracle.ask()["tuner/trial_id"]

    assert (first_promoted(), first_promoted(min_data_share=0.5)) == ("0001", "0000")


def test_what_goes_on_from_a_higher_rung_names_its_latest_trial():
    oracle = halving()
    asked = searched(oracle, np.arange(13) / 10)
    assert rungs(asked) == [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 2]
    assert asked[-1]["tuner/trial_id"] == "0011" and asked[11]["tuner/trial_id"] == "0010"
    assert asked[-1]["tuner/initial_epoch"] == 3 and asked[-1]["tuner/epochs"] == 9
    assert architecture(asked[12]) == architecture(asked[11]) == architecture(asked[10])


def test_a_better_and_better_strategy_has_no_more_than_its_share_promoted():
    asked = searched(halving(), np.arange(300) / 300)
    counts = np.bincount(rungs(asked))
    assert list(counts[1:]) == [counts[0] // 3, counts[1] // 3]


def test_a_worse_and_worse_one_has_the_first_promoted():
    asked = searched(halving(), -np.arange(60.0))
    promoted = [int(values["tuner/trial_id"]) for values in asked if values["tuner/rung"] == 1]
    assert promoted[:4] == [0, 1, 2, 4]  # Number 3 is the first promotion.


def test_it_never_waits_with_many_trials_on_at_a_time():
    oracle = halving("bayesian")
    asked = [oracle.ask() for _ in range(30)]
    assert all(isinstance(values, dict) for values in asked)
    for number, values in enumerate(asked):
        oracle.tell(number, values, (float(number),))
        assert isinstance(oracle.ask(), dict)


def test_the_rungs_are_a_fiftieth_of_a_full_training_and_threefold_steps_by_default():
    def epochs(max_epochs):
        return [rung.epochs for rung in SuccessiveHalvingOracle(max_epochs=max_epochs).rungs]

    assert [epochs(100), epochs(20), epochs(1)] == [[2, 5, 14, 38, 100], [1, 3, 7, 20], [1]]


# ---------------------------------------------------------------------- failures, limits, several scores


def test_a_failed_trial_is_never_promoted():
    asked = searched(halving(), [None, 0.1, None, 0.2, 0.3, 0.5, None, None, None])
    assert rungs(asked)[:6] == [0, 0, 0, 0, 0, 1] and asked[5]["tuner/trial_id"] == "0004"


def test_a_refused_trial_is_never_promoted():
    oracle = halving()
    for number, margin in enumerate([0.1, -0.2, 0.3, -0.1, 0.2]):
        values = oracle.ask()
        assert values["tuner/rung"] == 0
        oracle.tell(number, values, None if margin < 0 else (-float(number),), (margin,))
    assert oracle.ask()["tuner/trial_id"] == "0000"


def test_a_failed_promotion_is_tried_again_and_then_the_next_best_is_promoted():
    oracle = halving(max_trials=3)
    trials = simulation.simulate(
        oracle, lambda values: None if values["tuner/rung"] else {"score": problems.chain_score(values)}
    )
    scores = [trial.metrics["score"] for trial in trials[:3]]
    promoted = [int(trial.values["tuner/trial_id"]) for trial in trials[3:]]
    assert promoted == [number for number in sorted(range(3), key=lambda number: -scores[number]) for _ in range(2)]
    assert [trial.number for trial in trials] == list(range(9))


def test_of_several_scores_what_none_is_as_good_as_in_all_goes_first():
    scores = [(0.1, 0.1), (0.5, 0.5), (0.9, 0.2), (0.9, 0.2), (0.3, 0.3), (0.2, 0.2), (0.4, 0.4)]
    asked = searched(halving(), scores)
    assert asked[3]["tuner/trial_id"] in ("0001", "0002")
    assert rungs(asked) == [0, 0, 0, 1, 0, 0, 0]


# ---------------------------------------------------------------------- the end


@pytest.mark.parametrize("n_workers", [1, 4])
@pytest.mark.parametrize("max_trials", [1, 2, 5, 9, 40])
def test_the_best_is_trained_in_full_however_few_there_are(max_trials, n_workers):
    oracle = halving("evolution", max_trials=max_trials, epochs=(1, 27))
    trials = simulated(oracle, n_workers=n_workers)
    firsts = [trial for trial in trials if trial.values["tuner/rung"] == 0]
    full = [trial for trial in trials if trial.values["tuner/epochs"] == 27]
    assert len(firsts) == max_trials and full
    assert max(trial.metrics["score"] for trial in full) == max(trial.metrics["score"] for trial in firsts)
    assert oracle.get_best_trials()[0].hyperparameters.values["tuner/epochs"] == 27
    assert oracle.ask() == oracles.DONE


def test_the_epochs_of_an_architecture_are_trained_once():
    trials = simulated(halving("evolution", max_trials=60, epochs=(2, 50)), n_workers=3)
    slices = {}
    for trial in sorted(trials, key=lambda trial: trial.number):
        span = trial.values["tuner/initial_epoch"], trial.values["tuner/epochs"]
        slices.setdefault(tuple(sorted(architecture(trial.values).items())), []).append(span)
        assert trial.ended - trial.began == span[1] - span[0]
    for spans in slices.values():
        assert spans[0][0] == 0 and all(one[1] == next_[0] for one, next_ in itertools.pairwise(spans))
    spent = sum(trial.ended - trial.began for trial in trials)
    assert spent == sum(spans[-1][1] for spans in slices.values()) < 0.25 * 60 * 50


def test_the_driver_may_have_promotions_come_first():
    oracle = halving()
    searched(oracle, [0.1, 0.2])
    oracle.finish()
    asked = []
    for _ in range(3):
        asked.append(oracle.ask())
        oracle.tell(oracle.n_asked - 1, asked[-1], (0.2,))
    slices = [(values["tuner/initial_epoch"], values["tuner/epochs"]) for values in asked]
    assert slices == [(1, 3), (3, 9), (0, 1)] and architecture(asked[0]) == architecture(asked[1])


def ending(scores, hurries):
    """The rung of the next trial after a search with these scores."""
    oracle = halving(epochs=(1, 27))
    asked = searched(oracle, scores)
    assert rungs(asked) == [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 2, 0]
    if hurries:
        oracle.finish()
    else:
        oracle.is_full = lambda: True
    return oracle.ask()["tuner/rung"]


def test_in_a_hurry_the_architecture_nearest_to_a_full_training_is_promoted_first():
    # Among the best third of the lowest rung is the latest architecture, which isn't promoted yet.
    scores = [*np.arange(13) / 10, 1.1]
    assert ending(scores, hurries=True) == 3
    assert ending(scores, hurries=False) == 1


def test_in_a_hurry_a_better_architecture_is_promoted_before_others_that_were_trained_farther():
    assert ending(np.arange(14) / 10, hurries=True) == 1


def test_in_a_hurry_scores_at_several_resolutions_are_not_compared():
    oracle = halving(epochs=(1, 27), min_resolution=0.5)
    searched(oracle, np.arange(14) / 10)
    oracle.finish()
    assert oracle.ask()["tuner/rung"] == 3


def test_all_initial_points_are_tried_before_the_first_promotion():
    points = [{"depth": depth} for depth in (1, 2, 3, 4)]
    oracle = halving("evolution", initial_points=points)
    asked = searched(oracle, [0.1] * 6)
    assert rungs(asked)[:5] == [0, 0, 0, 0, 1]


def test_a_strategy_that_begins_from_the_default_architecture_begins_from_the_points_of_the_halving():
    oracle = halving("random", initial_points=[{"depth": 4}, {"depth": 3}])
    assert [oracle.ask()["depth"] for _ in range(2)] == [4, 3]


def of_two_kinds(points):
    """An oracle whose initial points have these values of two decisions, a kind and a width."""
    space = keras_tuner.HyperParameters()
    space.Choice("block_1/kind", ["dense", "convolution"])
    space.Int("width", 1, 9)
    points = [{"block_1/kind": kind, "width": width} for kind, width in points]
    return halving("evolution", epochs=(2, 18), hyperparameters=space, initial_points=points)


def test_the_best_initial_point_of_each_kind_is_promoted_before_there_are_further_architectures():
    oracle = of_two_kinds([("dense", 1), ("convolution", 1), ("dense", 2), ("convolution", 2)])
    asked = searched(oracle, [0.8, 0.2, 0.9, 0.3, 0.9, 0.4, 0.1])
    assert rungs(asked) == [0, 0, 0, 0, 1, 1, 0]
    assert [(values["block_1/kind"], values["width"]) for values in asked[4:6]] == [("dense", 2), ("convolution", 2)]


def test_with_initial_points_of_one_kind_an_architecture_is_promoted_of_three():
    asked = searched(of_two_kinds([("dense", 1), ("dense", 2)]), [0.8, 0.2, 0.5, 0.9])
    assert rungs(asked) == [0, 0, 0, 1] and asked[3]["width"] == 1


def test_an_architecture_that_is_set_aside_is_not_promoted_as_the_best_of_its_kind():
    oracle = of_two_kinds([("dense", 1), ("convolution", 1), ("convolution", 2)])
    searched(oracle, [0.9, 0.2, 0.3, 0.9])
    oracle.schedule.set_aside(["0002"])
    assert oracle.ask()["tuner/trial_id"] == "0001"


def test_further_epochs_are_those_until_the_next_rung():
    oracle = of_two_kinds([("dense", 1), ("convolution", 1)])
    searched(oracle, [0.9, 0.2, 0.9])
    assert [oracle.schedule.further_epochs(trial_id) for trial_id in ("0000", "0001", "0002")] == [12, 4, 12]


def test_while_the_last_is_on_trial_there_is_nothing_to_do_but_wait():
    oracle = halving(hyperparameters=contracts.small_space())
    asked = [oracle.ask() for _ in range(9)]
    assert oracle.ask() == oracles.WAIT
    for number, values in enumerate(asked):
        oracle.tell(number, values, None)
    assert oracle.ask() == oracles.DONE


def test_what_may_be_promoted_is_known_the_likeliest_first():
    oracle = halving()
    searched(oracle, [0.3, 0.9, 0.1, 0.5])
    assert oracle.schedule.continues_trainings and oracle.schedule.promotable() == ["0003", "0000", "0002"]


# ---------------------------------------------------------------------- workers


def test_four_workers_are_about_four_times_as_fast_to_the_same_quality():
    def seconds(n_workers, seed):
        oracle = halving("evolution", epochs=(1, 27), seed=seed)
        trials = simulated(oracle, n_workers=n_workers, limit=240 / n_workers)
        return next(trial.ended for trial in trials if trial.metrics["score"] > 0.7)

    alone, together = (np.mean([seconds(n_workers, seed) for seed in range(16)]) for n_workers in (1, 4))
    assert 3 < alone / together < 5


def test_no_worker_is_idle_before_the_end():
    trials = simulated(halving(epochs=(1, 27)), n_workers=4, limit=200)
    assert sum(trial.ended - trial.began for trial in trials) > 4 * 200 - 4 * 27


# ---------------------------------------------------------------------- what the strategy is told


class Listening(oracles.RandomOracle):
    """Remembers what it is told."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.observations = []

    def observe(self, observation):
        self.observations.append(observation)


def test_a_strategy_is_told_once_of_an_architecture_and_again_when_it_was_trained_on():
    oracle = halving(Listening())
    searched(oracle, [0.1, 0.2, 0.3, 7.0, 0.0, 0.1, 0.3, 5.0])
    inner = oracle._strategy

    def scores(is_update):
        return [(one.number, one.scores) for one in inner.observations if one.is_update == is_update]

    assert scores(False) == [(0, (0.1,)), (1, (0.2,)), (2, (0.3,)), (3, (0.0,)), (4, (0.1,)), (5, (0.3,))]
    # As it would be at the lowest rung: there, both scored 0.3.
    assert scores(True) == [(2, (0.3,)), (5, (0.3,))] and not inner.pending


def test_an_observation_has_each_score_as_it_was_measured_and_its_fidelity_too():
    oracle = halving(Listening())
    searched(oracle, [0.1, 0.2, 0.3, 7.0])
    measured = [(one.number, one.training.measured_scores) for one in oracle._strategy.observations]
    assert measured == [(0, (0.1,)), (1, (0.2,)), (2, (0.3,)), (2, (7.0,))]
    assert [one.training.fidelity for one in oracle._strategy.observations] == [1 / 9, 1 / 9, 1 / 9, 3 / 9]


@pytest.mark.parametrize("strategy", ["bayesian", "evolution", "local_search", "random", "reinforcement"])
def test_it_trains_any_strategy_for_far_fewer_epochs_to_the_same_quality(strategy):
    """Noise that is less the longer the training: one epoch of 27 tells little, three more."""

    def measure(values):
        epochs = values.get("tuner/epochs", 27)
        name = repr(sorted(architecture(values).items()))
        noise = np.random.default_rng([epochs, *name.encode()]).normal() * 0.3 / epochs
        return {"score": problems.chain_score(values) + noise, "true": problems.chain_score(values)}

    def best(oracle, seconds):
        trials = simulation.simulate(oracle, measure, seconds=seconds, limit=27 * 8)
        longest = max(trial.values.get("tuner/epochs", 0) for trial in trials)
        full = [trial.metrics for trial in trials if trial.values.get("tuner/epochs", 0) == longest]
        return max(full, key=lambda metrics: metrics["score"])["true"]

    def full(seed):
        objective = keras_tuner.Objective("score", "max")
        return oracles.STRATEGIES[strategy](objective=objective, hyperparameters=problems.chain_space(), seed=seed)

    of_full = np.mean([best(full(seed), lambda values: 27) for seed in range(4)])
    of_halving = np.mean(
        [best(halving(strategy, epochs=(1, 27), seed=seed), simulation.epochs_of) for seed in range(4)]
    )
    # Promotions at random would lose 0.1.
    assert of_halving > of_full + 0.1


# ---------------------------------------------------------------------- arguments


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"strategy": "gradient"}, "`strategy` must be one of 'bayesian'.*Received: strategy='gradient'"),
        ({"strategy": SuccessiveHalvingOracle()}, "trains all candidates in full"),
        ({"reduction": 1}, "`reduction` must be an integer of at least 2. Received: reduction=1"),
        ({"min_epochs": 0}, "`min_epochs` must be an integer of at least 1"),
        ({"min_epochs": 5, "max_epochs": 4}, "`max_epochs` must be an integer of at least 5"),
        ({"strategy": oracles.EvolutionOracle(population_size=0)}, "`population_size`"),
        ({"min_data_share": 0.5, "max_epochs": 1}, "`min_data_share` must be 1 .*Received: min_data_share=0.5"),
        ({"min_resolution": 0.5, "min_epochs": 4, "max_epochs": 4}, "`min_resolution` must be 1 .*, max_epochs=4"),
    ],
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        SuccessiveHalvingOracle(**arguments).check()


def test_outside_of_auto_model_a_full_training_must_be_given():
    oracle = SuccessiveHalvingOracle(hyperparameters=problems.chain_space())
    with pytest.raises(ValueError, match="`max_epochs` must be an integer"):
        oracle.ask()


@pytest.mark.parametrize("name", ["RandomSearchOracle", "BayesianOptimizationOracle"])
def test_oracles_of_keras_tuner_get_short_trainings_too(name):
    cls = getattr(keras_tuner.oracles, name)
    inner = oracles.KerasTunerOracle(cls(objective=keras_tuner.Objective("score", "max"), max_trials=12, seed=1))
    found = rungs(trial.values for trial in simulated(halving(inner, max_trials=12)))
    assert found.count(0) == 12 and found.count(1) >= 4 and found.count(2) >= 1


def test_the_strategy_given_is_a_description():
    mine = oracles.EvolutionOracle()
    oracle = halving(mine, initial_points=[{"depth": 3}])
    assert oracle.ask()["depth"] == 3 and oracle._strategy.seed == 0
    assert mine.n_asked == 0 and mine.initial_points is None and isinstance(mine, base.Oracle)
