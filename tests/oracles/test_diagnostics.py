"""What strategies say of themselves: each number against one that is computed otherwise, in the user's units."""

import copy
import json
import math

import keras_tuner
import numpy as np
import pytest

from autonas import oracles
from autonas.oracles import controllers
from autonas.testing import problems, simulation
from tests.helpers.one_shot_simulation import Simulation

MAXIMUM, LOSS = keras_tuner.Objective("score", "max"), keras_tuner.Objective("loss", "min")
STRATEGIES = {
    "bayesian": oracles.BayesianOracle,
    "evolution": oracles.EvolutionOracle,
    "hyperband": lambda **arguments: oracles.HyperbandOracle(min_epochs=1, max_epochs=9, **arguments),
    "learning_curve": lambda **arguments: oracles.LearningCurveOracle("evolution", max_epochs=9, **arguments),
    "local_search": oracles.LocalSearchOracle,
    "ppo": lambda **arguments: oracles.ReinforcementOracle("ppo", **arguments),
    "q_learning": lambda **arguments: oracles.ReinforcementOracle("q_learning", **arguments),
    "random": oracles.RandomOracle,
    "recurrent": lambda **arguments: oracles.ReinforcementOracle(controller="recurrent", **arguments),
    "reinforcement": oracles.ReinforcementOracle,
    "successive_halving": lambda **arguments: oracles.SuccessiveHalvingOracle(min_epochs=1, max_epochs=9, **arguments),
}


def made(strategy, objective=MAXIMUM, space=problems.chain_space, seed=0, **arguments):
    return STRATEGIES[strategy](objective=objective, hyperparameters=space(), seed=seed, **arguments)


def searched(oracle, count, score=problems.chain_score, listens=lambda number: True, first=0):
    """Architectures, scores and numbers of a search; numbers are asked for after the trials that `listens` names."""
    asked, scores, numbers = [], [], []
    for number in range(first, first + count):
        values = oracle.ask()
        asked.append(values)
        scores.append(score({name: of for name, of in values.items() if not name.startswith("tuner/")}))
        oracle.tell(number, values, None if scores[-1] is None else (scores[-1],))
        numbers.append(oracle.diagnostics() if listens(number) else {})
    return asked, scores, numbers


def sometimes(values):
    """Fails for one of a few architectures."""
    return None if values["depth"] == 2 else problems.chain_score(values)


# ---------------------------------------------------------------------- all of them


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_numbers_are_finite_floats_that_json_holds(strategy):
    *_, numbers = searched(made(strategy), 30, sometimes)
    found = {name: number for each in numbers for name, number in each.items()}
    assert all(type(number) is float and math.isfinite(number) for each in numbers for number in each.values())
    assert all(name.startswith("strategy/") for name in found) and bool(found) == (strategy != "random")
    assert json.loads(json.dumps(numbers)) == numbers


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_to_ask_for_them_changes_nothing_and_the_same_seed_gives_the_same(strategy):
    asked, _, numbers = searched(made(strategy), 25)
    silent, *_ = searched(made(strategy), 25, listens=lambda number: False)
    again, _, same = searched(made(strategy), 25, listens=lambda number: number >= 10)
    assert asked == silent == again and same[10:] == numbers[10:]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_asked_for_twice_they_are_the_same(strategy):
    oracle = made(strategy)
    searched(oracle, 20)
    assert oracle.diagnostics() == oracle.diagnostics()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_loss_is_shown_as_it_is_and_not_negated(strategy):
    """The same search, told of a loss: numbers of scores change their sign, all others are the same."""
    *_, of_scores = searched(made(strategy), 20)
    *_, of_losses = searched(made(strategy, LOSS), 20)
    signed = ("fitness", "predicted", "observed", "current")
    for one, other in zip(of_scores, of_losses, strict=True):
        assert one.keys() == other.keys()
        for name, number in one.items():
            is_signed = any(part in name for part in signed) and "deviation" not in name
            assert other[name] == (-number if is_signed else number), name


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_they_cost_less_than_a_millisecond_of_python(strategy, relative_cost):
    oracle = made(strategy)
    searched(oracle, 30)
    assert relative_cost(oracle.diagnostics) < 1.0


# ---------------------------------------------------------------------- reinforcement learning


def two_decisions():
    space = keras_tuner.HyperParameters()
    space.Choice("first", list("abcd"))
    space.Choice("second", ["x", "y"])
    return space


def worth(values):
    return "abcd".index(values["first"]) + (values["second"] == "y") / 2


def entropy(probabilities):
    probabilities = np.asarray(probabilities)
    return float(-(probabilities * np.log(probabilities)).sum())


@pytest.mark.parametrize("controller", ["factorised", "recurrent"])
def test_the_entropy_of_a_policy_that_knows_nothing_is_nearly_that_of_the_uniform_one(controller):
    oracle = made("reinforcement", space=two_decisions, controller=controller)
    *_, numbers = searched(oracle, 1, worth)
    assert numbers[0]["strategy/policy_entropy"] == pytest.approx((np.log(4) + np.log(2)) / 2, rel=0.03)


@pytest.mark.parametrize("controller", ["factorised", "recurrent"])
def test_the_entropy_is_the_mean_over_the_decisions_of_the_latest_architecture(controller):
    oracle = made("reinforcement", space=two_decisions, controller=controller)
    asked, _, numbers = searched(oracle, 6, worth)
    policy, first = oracle._agent.controller, "abcd".index(asked[-1]["first"])
    # Of all four first actions; and of both second ones, after the first that was taken.
    of_first = [policy.log_probabilities([[(0, action), (1, 0)]])[0][0] for action in range(4)]
    of_second = [policy.log_probabilities([[(0, first), (1, action)]])[0][1] for action in range(2)]
    expected = (entropy(np.exp(of_first)) + entropy(np.exp(of_second))) / 2
    assert numbers[-1]["strategy/policy_entropy"] == pytest.approx(expected)


@pytest.mark.parametrize("strategy", ["reinforcement", "recurrent", "ppo"])
def test_the_entropy_falls_as_the_policy_learns(strategy):
    *_, numbers = searched(made(strategy), 100)
    entropies = [each["strategy/policy_entropy"] for each in numbers if "strategy/policy_entropy" in each]
    assert np.mean(entropies[-20:]) < 0.8 * np.mean(entropies[:10])


def test_the_reward_is_the_rank_and_the_baseline_its_moving_average():
    oracle = made("reinforcement", max_free_steps=0)
    baseline, scores = 0.5, []
    for number in range(10):
        values = oracle.ask()
        scores.append(problems.chain_score(values))
        oracle.tell(number, values, (scores[-1],))
        reward = np.mean([(scores[-1] > each) + (scores[-1] == each) / 2 for each in scores])
        baseline = 0.9 * baseline + 0.1 * reward
        assert oracle.diagnostics()["strategy/reward"] == pytest.approx(reward)
        assert oracle.diagnostics()["strategy/baseline"] == pytest.approx(baseline)


def test_the_clipped_share_is_there_after_the_first_update_of_ppo():
    *_, numbers = searched(made("ppo"), 12)
    assert all("strategy/clipped_share" not in each for each in numbers[:4])
    assert all(0 <= each["strategy/clipped_share"] <= 1 for each in numbers[4:])


def test_what_is_clipped_has_no_weight():
    agent = controllers.ProximalPolicyOptimization(clip=0.2)
    ratios, advantages = np.array([0.5, 0.9, 1.5, 0.5, 0.9, 1.5]), np.array([1.0] * 3 + [-1.0] * 3)
    assert agent.is_clipped(ratios, advantages).tolist() == [False, False, True, True, False, False]
    assert (agent.weights(ratios, advantages) == 0).tolist() == agent.is_clipped(ratios, advantages).tolist()


def test_q_learning_says_how_much_it_explores_and_what_its_actions_are_worth():
    learner = controllers.QLearning(exploration=[(1.0, 3), (0.25, 1)], n_replays=0, learning_rate=0.5)
    oracle = made("q_learning", space=two_decisions)
    oracle.algorithm = learner
    asked, _, numbers = searched(oracle, 6, worth)
    assert [each["strategy/epsilon"] for each in numbers] == [1.0, 1.0, 0.25, 0.25, 0.25, 0.25]
    first, second = "abcd".index(asked[-1]["first"]), "xy".index(asked[-1]["second"])
    table = oracle._agent
    expected = (table.values(0, None)[first] + table.values(1, (0, first))[second]) / 2
    assert numbers[-1]["strategy/mean_q"] == pytest.approx(expected)


# ---------------------------------------------------------------------- evolution


def test_the_population_is_the_fittest_so_far_with_their_ages():
    oracle = made("evolution", patience=None)
    scores = []
    for number in range(40):
        values = oracle.ask()
        scores.append(problems.chain_score(values))
        oracle.tell(number, values, (scores[-1],))
        numbers = oracle.diagnostics()
        if number < 5:
            assert numbers["strategy/population_size"] == number + 1
        # Of equal ones the oldest leaves.
        members = sorted(sorted(range(number + 1), reverse=True), key=scores.__getitem__)[-5:]
        kept = [scores[member] for member in members]
        assert numbers["strategy/population_fitness_best"] == max(scores)
        assert numbers["strategy/population_fitness_median"] == pytest.approx(np.median(kept))
        assert numbers["strategy/population_fitness_worst"] == min(kept)
        assert 0 <= numbers["strategy/population_age_mean"] <= number


def test_by_age_the_population_is_the_latest():
    oracle = made("evolution", survival="age", patience=None)
    _, scores, numbers = searched(oracle, 30)
    assert numbers[-1]["strategy/population_age_mean"] == pytest.approx(np.mean(range(5)))
    assert numbers[-1]["strategy/population_fitness_median"] == pytest.approx(np.median(scores[-5:]))


def test_a_population_that_is_given_up_is_counted():
    *_, numbers = searched(made("evolution", patience=1), 60)
    restarts = [each["strategy/restarts"] for each in numbers]
    assert restarts[0] == 0 and restarts[-1] > 1 and np.diff(restarts).min() == 0
    begun = next(number for number, each in enumerate(restarts) if each == 1)
    assert numbers[begun]["strategy/population_size"] == 0


def test_of_several_objectives_each_has_its_numbers_and_those_beyond_the_limits_have_none():
    objectives = [MAXIMUM, keras_tuner.Objective("params", "min")]
    oracle = made("evolution", None, objectives=objectives, patience=None)
    for number, cost in enumerate([3.0, 1.0, 2.0]):
        oracle.tell(number, oracle.ask(), (float(number), -cost), (1.0,))
    oracle.tell(3, oracle.ask(), None, (-1.0,))
    numbers = oracle.diagnostics()
    assert numbers["strategy/population_size"] == 4
    assert numbers["strategy/population_fitness_best/params"] == 1.0
    assert numbers["strategy/population_fitness_worst/params"] == 3.0
    assert numbers["strategy/population_fitness_median/score"] == 1.0
    assert "strategy/population_fitness_best" not in numbers


# ---------------------------------------------------------------------- local search


def test_local_search_says_where_it_is_and_how_far_with_its_neighbours():
    oracle = made("local_search", space=two_decisions)
    # The default architecture, "a" and "x", has three and one neighbours.
    numbers = searched(oracle, 1, lambda values: 5.0)[2]
    assert numbers[0] == {"strategy/neighbours_tried": 0.0, "strategy/restarts": 0.0, "strategy/current": 5.0}
    numbers = searched(oracle, 4, lambda values: 1.0, first=1)[2]
    assert [each["strategy/neighbours_tried"] for each in numbers] == [1.0, 2.0, 3.0, 4.0]
    assert [each["strategy/neighbours_left"] for each in numbers] == [3.0, 2.0, 1.0, 0.0]
    assert all(each["strategy/current"] == 5.0 and each["strategy/restarts"] == 0 for each in numbers)
    numbers = searched(oracle, 1, lambda values: 2.0, first=5)[2]
    assert numbers[0] == {"strategy/neighbours_tried": 0.0, "strategy/restarts": 1.0, "strategy/current": 2.0}


# ---------------------------------------------------------------------- Bayesian


def predicted(numbers):
    """Predictions, deviations and observations of the trials that have them, each an array."""
    names = ("strategy/predicted", "strategy/predicted_deviation", "strategy/observed")
    return np.array([[each[name] for name in names] for each in numbers if "strategy/observed" in each]).T


def test_nothing_is_predicted_before_the_model_is_used():
    _, scores, numbers = searched(made("bayesian", space=problems.NUMBERS.space), 12, problems.NUMBERS.score)
    assert numbers[:5] == [{}] * 5
    assert [each["strategy/observed"] for each in numbers[5:]] == scores[5:]


# Five searches of 40 trials.
def test_predictions_of_a_smooth_function_are_calibrated():
    found = []
    for seed in range(5):
        oracle = made("bayesian", space=problems.NUMBERS.space, seed=seed)
        found.append(predicted(searched(oracle, 40, problems.NUMBERS.score)[2]))
    means, deviations, observed = np.concatenate(found, axis=1)
    errors = (observed - means) / deviations
    assert np.mean(np.abs(errors) < 1) > 0.5 and np.mean(np.abs(errors) < 2) > 0.85
    # What is asked for is what is predicted too well, more often than not.
    assert -1 < np.mean(errors) < 0
    # They tell the scores apart, and come nearer as more is known.
    assert np.corrcoef(means, observed)[0, 1] > 0.5
    late = np.abs(np.concatenate([each[2, -10:] - each[0, -10:] for each in found]))
    early = np.abs(np.concatenate([each[2, :10] - each[0, :10] for each in found]))
    assert np.median(late) < np.median(early)


def test_pending_trials_have_their_own_predictions_in_whatever_order_they_end():
    oracle = made("bayesian", space=problems.NUMBERS.space)
    searched(oracle, 10, problems.NUMBERS.score)
    pending = {number: oracle.ask() for number in range(10, 16)}
    made_then = copy.copy(oracle._predictions)
    for number in (13, 10, 15, 11, 14, 12):
        oracle.tell(number, pending[number], (float(number),))
        assert oracle.diagnostics()["strategy/observed"] == number
        assert oracle.diagnostics()["strategy/predicted"] == pytest.approx(made_then[number].means[0])
    assert not oracle._predictions


def test_a_prediction_is_only_of_the_architecture_that_it_was_made_for():
    oracle = made("bayesian", space=problems.NUMBERS.space)
    searched(oracle, 10, problems.NUMBERS.score)
    oracle.ask()
    oracle.tell(10, oracle.encoding.sample(np.random.default_rng(7)), (0.0,))
    assert oracle.diagnostics() == {}


def test_a_failed_trial_was_predicted_and_not_observed():
    oracle = made("bayesian", space=problems.NUMBERS.space)
    searched(oracle, 10, problems.NUMBERS.score)
    numbers = searched(oracle, 1, lambda values: None, first=10)[2][0]
    assert "strategy/predicted" in numbers and "strategy/observed" not in numbers


def test_the_acquisition_is_the_expected_improvement():
    """Of the mean that was best, in the model's units; a promising trial has more of it."""
    oracle = made("bayesian", space=problems.NUMBERS.space)
    numbers = searched(oracle, 40, problems.NUMBERS.score)[2]
    values = [each["strategy/acquisition"] for each in numbers if "strategy/acquisition" in each]
    assert len(values) == 35 and np.mean(values[-5:]) < np.mean(values[:5]), "there is less and less to be gained"


def test_length_scales_and_noise_come_when_the_kernel_is_fitted_and_tell_what_matters():
    def space():
        found = keras_tuner.HyperParameters()
        found.Float("matters", 0.0, 1.0)
        found.Float("idle", 0.0, 1.0)
        found.Choice("single", [1])
        return found

    oracle = made("bayesian", space=space)
    numbers = searched(oracle, 30, lambda values: math.sin(6 * values["matters"]))[2]
    fitted = [each for each in numbers if "strategy/noise" in each]
    assert 5 < len(fitted) < 25 and "strategy/noise" in numbers[5]
    lengths = {name for name in fitted[-1] if name.startswith("strategy/length_scale/")}
    assert lengths == {"strategy/length_scale/matters", "strategy/length_scale/idle"}
    assert fitted[-1]["strategy/length_scale/idle"] > 3 * fitted[-1]["strategy/length_scale/matters"] > 0
    assert 0 < fitted[-1]["strategy/noise"] < 0.3


def test_under_constraints_the_probability_of_keeping_to_them_is_told():
    oracle = made("bayesian", space=problems.NUMBERS.space, initial_points=[])
    for number in range(25):
        values = oracle.ask()
        is_within = problems.NUMBERS.score(values) > -0.5
        scores = (problems.NUMBERS.score(values),) if is_within else None
        oracle.tell(number, values, scores, (1.0 if is_within else -1.0,))
        numbers = oracle.diagnostics()
        assert not numbers or 0 <= numbers["strategy/probability_feasible"] <= 1


# ---------------------------------------------------------------------- short trainings


def trained(oracle, count, score=problems.chain_score, **arguments):
    """Numbers after each trial of a simulated search."""
    numbers, end = [], oracle.end_trial

    def end_trial(trial):
        end(trial)
        numbers.append((dict(trial.hyperparameters.values), oracle.diagnostics()))

    oracle.end_trial, oracle.max_trials = end_trial, count
    simulation.simulate(oracle, lambda values: {"score": score(values)}, **arguments)
    return numbers


@pytest.mark.parametrize("strategy", ["successive_halving", "hyperband"])
def test_rungs_and_promotions_are_counted(strategy):
    told, per_rung, promotions = trained(made(strategy), 20, n_workers=2), {}, 0
    for values, numbers in told:
        per_rung[values["tuner/rung"]] = per_rung.get(values["tuner/rung"], 0) + 1
        promotions += values["tuner/initial_epoch"] > 0
        counted = [numbers[f"strategy/rung/{rung}"] for rung in range(3)]
        assert counted == [per_rung.get(rung, 0) for rung in range(3)]
        # One that is on already is counted, too.
        assert promotions <= numbers["strategy/promotions"] <= promotions + 2
    assert told[-1][1]["strategy/promotions"] == promotions > 3


def test_what_was_predicted_for_a_short_training_is_compared_with_its_own_score_alone():
    # Each rung adds 10 to the score.
    def score(values):
        return problems.chain_score(values) + 10 * values["tuner/rung"]

    told = trained(made("successive_halving"), 30, score)
    for values, numbers in told:
        if "strategy/observed" in numbers:
            assert values["tuner/rung"] == 0 and numbers["strategy/observed"] < 5 > numbers["strategy/predicted"]
    assert sum("strategy/observed" in numbers for _, numbers in told) > 15


def test_numbers_of_a_strategy_inside_are_those_of_what_it_was_told():
    oracle = oracles.SuccessiveHalvingOracle(
        "reinforcement", min_epochs=1, max_epochs=9, objective=MAXIMUM, hyperparameters=problems.chain_space(), seed=0
    )
    for values, numbers in trained(oracle, 20):
        assert ("strategy/reward" in numbers) == (values["tuner/initial_epoch"] == 0)


def test_trainings_that_are_stopped_are_counted():
    curves = np.linspace(0.1, 1.0, 9)
    oracle = made("learning_curve")
    trainings = simulation.StoppableTrainings(
        oracle, lambda values: [{"score": problems.chain_score(values) * share} for share in curves]
    )
    arguments = {"seconds": trainings.seconds, "facts": trainings.facts}
    numbers, stopped, end = [], 0, oracle.end_trial

    def end_trial(trial):
        nonlocal stopped
        stopped += trial.facts["forecast"] is not None
        end(trial)
        numbers.append(oracle.diagnostics())
        assert numbers[-1]["strategy/stopped"] == stopped
        assert numbers[-1]["strategy/trained_in_full"] == len(numbers) - stopped

    oracle.end_trial, oracle.max_trials = end_trial, 40
    simulation.simulate(oracle, trainings.measure, **arguments)
    assert len(numbers) == 40 and stopped > 5
    assert all("strategy/population_size" in each for each in numbers)


# ---------------------------------------------------------------------- shared weights

PATHS = {"score": [0.25, 0.5, 0.75], "val_loss": [3.0, 2.0, 1.0]}


class PathsSimulation(Simulation):
    """Reports scores of sampled paths after an epoch, and keeps the numbers after each trial."""

    def oracle(self, *arguments, **options):
        oracle = super().oracle(*arguments, **options)
        end, self.numbers = oracle.end_trial, []

        def end_trial(trial):
            end(trial)
            self.numbers.append((trial.hyperparameters.values.get("tuner/stage", "train"), oracle.diagnostics()))

        oracle.end_trial = end_trial
        return oracle

    def report(self, oracle, values):
        return super().report(oracle, values) | {"paths": PATHS}


def test_scores_of_sampled_paths_are_told_after_each_epoch(tmp_path):
    played = PathsSimulation()
    played.run(played.oracle(), tmp_path)
    expected = {"mean": 0.5, "min": 0.25, "max": 0.75}
    for stage, numbers in played.numbers:
        found = {name: of for name, of in numbers.items() if name.startswith("supernet/")}
        told = expected if stage == "supernet" else {}
        assert found == {f"supernet/path_score_{name}": of for name, of in told.items()}
    assert [stage for stage, _ in played.numbers].count("supernet") == 3


def test_a_strategy_that_draws_the_paths_says_how_it_learns_from_them(tmp_path):
    played = PathsSimulation()
    played.run(played.oracle(strategy="reinforcement", sampling="strategy"), tmp_path)
    assert all(("strategy/policy_entropy" in numbers) == (stage == "supernet") for stage, numbers in played.numbers)


class DistributionSimulation(PathsSimulation):
    """Reports what a bilevel training does."""

    def report(self, oracle, values):
        return {
            "distribution": {"depth": {"1": 0.5, "2": 0.5, "3": 0.0, "4": 0.0, "5": 0.0}},
            "next_cost_weight": 0.3,
            "finished": False,
            "paths": PATHS,
            "numbers": {"entropy": 0.7, "expected_cost": 12.5, "temperature": 2.0},
        }


def test_gradient_search_says_where_its_distribution_is(tmp_path):
    played = DistributionSimulation()
    arguments = {"cost": "params", "cost_weight": (0.1, 0.3), "reward_weight": 2.0, "order": "first"}
    oracle = oracles.GradientOracle(
        objective=MAXIMUM, hyperparameters=problems.chain_space(), seed=0, epochs=3, max_trials=4, **arguments
    )
    end = oracle.end_trial

    def end_trial(trial):
        end(trial)
        told.append((trial.hyperparameters.values.get("tuner/stage", "train"), oracle.diagnostics()))

    told, oracle.end_trial = [], end_trial
    played.run(oracle, tmp_path)
    of_epochs = [numbers for stage, numbers in told if stage == "supernet"]
    assert [numbers["strategy/cost_weight"] for numbers in of_epochs] == [0.1, 0.3, 0.3]
    for numbers in of_epochs:
        assert numbers["strategy/entropy"] == 0.7 and numbers["strategy/expected_cost"] == 12.5
        assert numbers["strategy/temperature"] == 2.0 and numbers["strategy/reward_weight"] == 2.0
        assert numbers["supernet/path_score_max"] == 0.75
    assert all(numbers == {} for stage, numbers in told if stage == "train")
