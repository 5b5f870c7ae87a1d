"""Oracles of Keras Tuner as strategies: their seeds, and the continuation of a search."""

import keras_tuner
import pytest

from autonas import oracles

SCORE = keras_tuner.Objective("score", "max")
#: Of a few scores, the Gaussian process of Keras Tuner's oracle learns no length scale.
NO_LENGTH_SCALE = "ignore::sklearn.exceptions.ConvergenceWarning"
SEEDED = [
    keras_tuner.oracles.RandomSearchOracle,
    lambda **seed: keras_tuner.oracles.BayesianOptimizationOracle(num_initial_points=2, **seed),
    lambda **seed: keras_tuner.oracles.HyperbandOracle(max_epochs=4, factor=2, **seed),
]


def oracle(wrapped, n_options=20, **arguments):
    space = keras_tuner.HyperParameters()
    space.Choice("x", list(range(n_options)))
    return oracles.KerasTunerOracle(wrapped, SCORE, hyperparameters=space, **arguments)


def searched(strategy, n_trials):
    """Return the values of trials, whose scores grow with `x`."""
    answers = []
    while len(answers) < n_trials and isinstance(values := strategy.ask(), dict):
        strategy.tell(len(answers), values, (values["x"] / 10,))
        answers.append(values)
    return answers


@pytest.mark.filterwarnings(NO_LENGTH_SCALE)
@pytest.mark.parametrize("make", SEEDED)
def test_the_seed_of_the_wrapper_is_that_of_the_proposals(make):
    of_keras_tuner = searched(oracle(make(seed=5)), 6)
    assert searched(oracle(make(), seed=5), 6) == of_keras_tuner != searched(oracle(make(seed=5), seed=0), 6)
    assert searched(oracle(make(seed=3), seed=0), 6) == searched(oracle(make(seed=4), seed=0), 6)
    searched(oracle(make(), seed=2**40), 6)


@pytest.mark.filterwarnings(NO_LENGTH_SCALE)
@pytest.mark.parametrize("make", SEEDED)
def test_an_oracle_without_a_seed_continues_exactly(tmp_path, make):
    """Of the 6 trials of the first process, the last one didn't end. The other process goes on to 10."""

    def opened(folder):
        strategy = oracle(wrapped)
        strategy._set_project_dir(tmp_path, folder)
        return strategy

    def run(strategy, number):
        trial = strategy.create_trial(f"slot_{number}")
        values = trial.hyperparameters.values
        if number != 5:
            strategy.update_trial(trial.trial_id, {"score": values["x"] / 10})
            trial.status = "COMPLETED"
            strategy.end_trial(trial)
        return values

    wrapped = make()
    first, unbroken = opened("first"), opened("unbroken")
    before = [run(first, number) for number in range(6)]
    wrapped = make(seed=wrapped.seed + 1)  # As Keras Tuner draws one in another process.
    second = opened("first")
    assert second.create_trial("slot_5").hyperparameters.values == before[5]
    assert [run(unbroken, number) for number in range(6)] == before
    assert [run(second, number) for number in range(6, 10)] == [run(unbroken, number) for number in range(6, 10)]


def test_trials_that_the_oracle_would_not_propose_again_are_handed_to_it():
    """By another seed, random search repeats itself and gives up before all 20 architectures were proposed."""
    for seed in range(20):
        first = oracle(keras_tuner.oracles.RandomSearchOracle(seed=1), max_trials=25)
        answers = searched(first, 18)
        again = oracle(keras_tuner.oracles.RandomSearchOracle(seed=100 + seed), max_trials=4 if seed % 2 else 25)
        for number, values in enumerate(answers):
            again.repeat_ask(values)
            if number % 3:  # The others are still running.
                again.tell(number, values, (values["x"] / 10,))
        assert again.pending == {number: answers[number] for number in range(0, len(answers), 3)}
        assert again.ask() not in answers
        for number in again.pending.copy():
            again.tell(number, again.pending[number], None)
