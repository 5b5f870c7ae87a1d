"""Learning curves: which trials are stopped, how often wrongly, and what the strategy is told."""

import pickle
import zlib

import keras_tuner
import numpy as np
import pytest

from autonas import oracles
from autonas.oracles import base
from autonas.oracles.fidelity import extrapolation
from autonas.oracles.fidelity.learning_curve import LearningCurveOracle
from autonas.oracles.observation import LearningCurve, Training
from autonas.testing import oracles as contracts
from autonas.testing import problems, simulation

N_EPOCHS = 20


# Where no training is stopped, the strategy asks for the same as without learning curves (a test below): its own
# contract says how far it beats random search.


class TestContractAroundEvolution(contracts.OracleContract):
    beats_random = False

    def make(self, **arguments):
        return LearningCurveOracle("evolution", max_epochs=N_EPOCHS, **arguments)


class TestContractAroundBayesian(contracts.OracleContract):
    beats_random = False

    def make(self, **arguments):
        return LearningCurveOracle(max_epochs=N_EPOCHS, **arguments)


def history(values):
    """Scores after each epoch of a training that is annealed: architectures learn at different speeds, with noise."""
    final = problems.chain_score(values)
    generator = np.random.default_rng(zlib.crc32(repr(sorted(values.items())).encode()))
    epochs = np.arange(1, N_EPOCHS + 1)
    rise = 1 - np.exp(-generator.uniform(0.1, 0.3) * epochs) + 0.2 / (1 + np.exp(0.7 * N_EPOCHS - epochs))
    scores = final * rise / rise[-1] + 0.002 * generator.normal(size=N_EPOCHS)
    return [{"score": float(each)} for each in scores]


def stopping(strategy="random", seed=0, **arguments):
    arguments.setdefault("hyperparameters", problems.chain_space())
    arguments.setdefault("objective", keras_tuner.Objective("score", "max"))
    return LearningCurveOracle(strategy, max_epochs=N_EPOCHS, seed=seed, **arguments)


def simulated(oracle, curve=history, **arguments):
    trainings = simulation.StoppableTrainings(oracle, curve)
    return simulation.simulate(oracle, trainings.measure, seconds=trainings.seconds, facts=trainings.facts, **arguments)


def was_stopped(trial):
    return trial.ended - trial.began < N_EPOCHS


def end(oracle, number, values, scores, forecast=None, horizon=N_EPOCHS):
    """Tell an oracle the learning curve of a trial, whose score is the best of the curve."""
    oracle.tell(number, values, (max(scores),), training=Training(curve=LearningCurve(scores, horizon, forecast)))


def ended(finals, **arguments):
    """An oracle that knows trials of straight curves."""
    oracle = stopping(**arguments)
    for number, final in enumerate(finals):
        end(oracle, number, oracle.ask(), np.linspace(0.1, final, N_EPOCHS).tolist())
    return oracle


# ---------------------------------------------------------------------- what is stopped


def test_most_trials_are_stopped_and_the_best_of_all_is_found_in_a_third_of_the_epochs():
    regrets, shares = [], []
    for seed in range(8):
        trials = simulated(stopping(seed=seed, max_trials=40))
        finals = [max(numbers["score"] for numbers in history(trial.values)) for trial in trials]
        regrets.append(max(finals) - max(trial.metrics["score"] for trial in trials if not was_stopped(trial)))
        shares.append(trials[-1].ended / (40 * N_EPOCHS))
    assert np.mean(shares) < 0.4 and np.mean(np.array(regrets) < 1e-9) > 0.7


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_no_more_of_those_that_are_stopped_would_have_become_the_best_than_is_said(confidence):
    n_stopped = n_wrong = 0
    for seed in range(12):
        trials = simulated(stopping(seed=seed, confidence=confidence, max_trials=40))
        for trial in filter(was_stopped, trials):
            earlier = (other for other in trials if other.ended <= trial.began and not was_stopped(other))
            best = max(other.metrics["score"] for other in earlier)
            n_stopped += 1
            n_wrong += max(numbers["score"] for numbers in history(trial.values)) > best
    assert n_stopped > 200 and n_wrong / n_stopped < 1 - confidence


def test_less_confidence_stops_sooner_and_all_of_it_never():
    ends = [simulated(stopping(confidence=each, max_trials=30))[-1].ended for each in (0.7, 0.95, 0.99, 1.0)]
    assert ends == sorted(ends) and ends[0] < ends[2] and ends[3] == 30 * N_EPOCHS


def test_the_first_two_are_trained_in_full_and_so_is_what_is_best():
    trials = sorted(simulated(stopping(max_trials=30), n_workers=1), key=lambda trial: trial.number)
    assert not was_stopped(trials[0]) and not was_stopped(trials[1])
    assert not was_stopped(max(trials, key=lambda trial: trial.metrics["score"]))


def test_none_is_stopped_before_a_tenth_of_the_epochs():
    assert min(trial.ended - trial.began for trial in simulated(stopping(max_trials=30))) == 2
    later = simulated(stopping(max_trials=30, min_epochs=9))
    assert min(trial.ended - trial.began for trial in later) == 9


def test_a_curve_above_the_best_final_score_goes_on():
    stopper = ended([0.5, 0.6, 0.4]).stopper_for({})
    falling = [{"score": 0.7}, {"score": 0.1}, {"score": 0.1}]
    assert stopper(falling) is None


def test_smaller_scores_can_be_better():
    def errors(values):
        return [{"score": 1 - numbers["score"]} for numbers in history(values)]

    trials = simulated(stopping(max_trials=30))
    mirrored = simulated(stopping(max_trials=30, objective=keras_tuner.Objective("score", "min")), errors)
    assert [trial.values for trial in trials] == [trial.values for trial in mirrored]
    assert [trial.ended for trial in trials] == [trial.ended for trial in mirrored]


def test_curves_that_are_no_numbers_stop_nothing():
    oracle = ended([0.5, 0.6, 0.4])
    assert oracle.stopper_for({})([{"score": 0.1}, {"score": float("nan")}]) is None
    end(oracle, 3, oracle.ask(), [0.2, float("nan"), 0.3])
    assert len(oracle.stopper_for({}).curves) == 3


def test_what_the_time_limit_cut_off_is_a_score_to_beat_but_no_curve_to_go_by():
    oracle = ended([0.5, 0.6])
    end(oracle, 2, oracle.ask(), [0.5, 0.9], horizon=2)
    stopper = oracle.stopper_for({})
    assert stopper.best == 0.9 and len(stopper.curves) == 2


def test_what_is_beyond_a_limit_is_no_score_to_beat():
    oracle = ended([0.5, 0.6])
    values = oracle.ask()
    oracle.tell(2, values, (0.9,), (-0.1,), training=Training(curve=LearningCurve([0.9] * N_EPOCHS, N_EPOCHS)))
    assert oracle.stopper_for({}).best == 0.6


def test_the_reason_says_how_likely_it_would_have_won():
    stop = ended([0.8, 0.7, 0.75, 0.72]).stopper_for({})([{"score": 0.05}] * 10)
    assert isinstance(stop.forecast, extrapolation.Forecast) and stop.probability < 0.05
    assert str(stop).startswith("can't win (P ")


def test_a_stopper_is_what_was_known_when_the_trial_began_and_travels():
    oracle = ended([0.8, 0.7, 0.75])
    stopper = oracle.stopper_for({})
    copy = pickle.loads(pickle.dumps(stopper))
    end(oracle, 3, oracle.ask(), np.linspace(0.1, 0.9, N_EPOCHS).tolist())
    epochs = [{"score": 0.1}] * 6
    assert str(stopper(epochs)) == str(copy(epochs)) and stopper.best == 0.8
    assert oracle.stopper_for({}).best == 0.9


# ---------------------------------------------------------------------- what is told


@pytest.mark.parametrize("strategy", ["evolution", "bayesian"])
def test_the_strategy_is_told_the_extrapolated_score_but_none_better_than_the_best(strategy):
    told = []
    inner = {"evolution": oracles.EvolutionOracle, "bayesian": oracles.BayesianOracle}[strategy]

    class Spy(inner):
        def observe(self, observation):
            told.append((observation.scores, observation.training.fidelity))
            super().observe(observation)

    oracle = ended([0.5, 0.6], strategy=Spy())
    end(oracle, 2, oracle.ask(), [0.1, 0.2], [0.55, 0.02, 5.0])
    end(oracle, 3, oracle.ask(), [0.1, 0.2], [0.7, 0.02, 5.0])
    end(oracle, 4, oracle.ask(), [0.1, 0.3], [0.25, 0.02, 5.0])
    assert told == [((0.5,), 1.0), ((0.6,), 1.0), ((0.55,), 1.0), ((0.6,), 1.0), ((0.3,), 1.0)]
    assert oracle.stopper_for({}).best == 0.6


@pytest.mark.parametrize("strategy", ["bayesian", "evolution"])
def test_where_none_was_stopped_the_strategy_asks_for_what_it_would_without_learning_curves(strategy):
    def asked(oracle):
        found = []
        for number in range(30):
            found.append(oracle.ask())
            margin = np.log(400 / problems.chain_cost(found[-1]))
            is_scored = margin >= 0 and number % 7 != 3
            oracle.tell(number, found[-1], (problems.chain_score(found[-1]),) if is_scored else None, (margin,))
        return found

    arguments = {
        "objective": keras_tuner.Objective("score", "max"),
        "hyperparameters": problems.chain_space(),
        "seed": 3,
    }
    assert asked(stopping(strategy, **arguments)) == asked(oracles.STRATEGIES[strategy](**arguments))


def test_a_failed_trial_is_told_as_failed():
    oracle = ended([0.5, 0.6])
    values = oracle.ask()
    oracle.tell(2, values, None, training=Training(curve=LearningCurve([], 0)))
    assert len(oracle.stopper_for({}).curves) == 2 and isinstance(oracle.ask(), dict)


@pytest.mark.parametrize("strategy", ["evolution", "bayesian", "local_search", "reinforcement"])
def test_any_strategy_finds_better_ones_than_random_search_in_the_same_epochs(strategy):
    def best(oracle, **arguments):
        return max(trial.metrics["score"] for trial in simulated(oracle, limit=12 * N_EPOCHS, **arguments))

    found = [best(stopping(strategy, seed)) for seed in range(5)]
    at_random = [best(stopping("random", seed, confidence=1.0)) for seed in range(5)]
    assert np.mean(found) > np.mean(at_random)


def test_a_search_that_was_cut_off_goes_on_with_the_same_curves(tmp_path):
    def search(directory, max_trials):
        oracle = stopping("evolution", max_trials=max_trials)
        oracle._set_project_dir(str(directory), "run")
        simulated(oracle)
        return oracle, [(trial.hyperparameters.values, trial.score) for trial in oracle.trials.values()]

    _, whole = search(tmp_path / "whole", 24)
    search(tmp_path / "cut", 15)
    oracle, continued = search(tmp_path / "cut", 24)
    assert continued == whole
    journal = [event for event in oracle.journal.read() if event["event"] == "ended"]
    assert any(event["forecast"] for event in journal) and all(len(event["curve"]) >= 2 for event in journal)


# ---------------------------------------------------------------------- what can't be


def test_a_pareto_front_is_refused():
    objectives = [keras_tuner.Objective("score", "max"), keras_tuner.Objective("params", "min")]
    with pytest.raises(ValueError, match=r"`objective` must be a single one.*\['score', 'params'\]"):
        LearningCurveOracle(objectives=objectives, hyperparameters=problems.chain_space()).ask()


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"strategy": "gradient"}, "`strategy` must be one of"),
        ({"strategy": oracles.SuccessiveHalvingOracle()}, "`strategy` must be one of"),
        ({"strategy": LearningCurveOracle()}, "`strategy` must be one of"),
        ({"confidence": 0.4}, "`confidence` must be a number from 0.5 to 1"),
        ({"confidence": "high"}, "`confidence` must be a number"),
        ({"min_epochs": 0}, "`min_epochs` must be an integer of at least 1"),
        ({"min_epochs": 9, "max_epochs": 8}, "`max_epochs` must be an integer of at least 9"),
    ],
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        LearningCurveOracle(**arguments).check()


def test_outside_of_auto_model_the_epochs_must_be_given():
    with pytest.raises(ValueError, match="`max_epochs` must be an integer"):
        LearningCurveOracle().stopper_for({})


def test_other_oracles_stop_nothing():
    assert base.Oracle().schedule is None
    assert oracles.SuccessiveHalvingOracle(max_epochs=9).schedule.stopper_for({}) is None
