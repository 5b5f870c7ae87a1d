"""The simulated clock: trials end when they are said to, on as many workers as there are."""

import keras_tuner

from autonas import oracles
from autonas.testing import problems, simulation


def random_search(max_trials):
    objective = keras_tuner.Objective("score", "max")
    return oracles.RandomOracle(
        objective=objective, hyperparameters=problems.small_space(), max_trials=max_trials, seed=0
    )


def measure(values):
    return {"score": 1.0}


def spans(trials):
    return [(trial.number, trial.began, trial.ended) for trial in trials]


def test_one_worker_runs_one_trial_after_the_other():
    trials = simulation.simulate(random_search(3), measure, seconds=lambda values: 2)
    assert spans(trials) == [(0, 0, 2), (1, 2, 4), (2, 4, 6)]
    assert all(trial.metrics == {"score": 1.0} for trial in trials)


def test_a_worker_that_is_free_begins_the_next_trial_while_others_go_on():
    durations = iter([5, 1, 1, 1, 4])
    trials = simulation.simulate(random_search(5), measure, n_workers=2, seconds=lambda values: next(durations))
    assert spans(trials) == [(1, 0, 1), (2, 1, 2), (3, 2, 3), (0, 0, 5), (4, 3, 7)]


def test_what_is_under_way_when_time_is_over_has_no_end():
    oracle = random_search(9)
    trials = simulation.simulate(oracle, measure, n_workers=2, seconds=lambda values: 2, limit=5)
    assert len(trials) == 4 and len(oracle.trials) == 6


def test_failed_and_refused_trials_have_no_metrics_and_refused_ones_take_no_time():
    def fails(values):
        return None if values["kind"] == "none" else measure(values)

    def margins(values):
        return [0.5 - values.get("wide", False)]

    oracle = random_search(5)
    trials = simulation.simulate(oracle, fails, margins=margins)
    for trial in trials:
        is_refused = trial.values.get("wide", False)
        assert trial.ended - trial.began == (0 if is_refused else 1)
        assert (trial.metrics is None) == (is_refused or trial.values["kind"] == "none")
    assert trials[-1].ended == 5 and len(trials) > 5


def test_a_trial_that_the_oracle_stops_takes_the_seconds_of_its_epochs_and_has_the_metrics_of_the_best():
    finals = iter([1.0, 0.9, 0.2, 1.1])

    def history(values):
        final = next(finals)
        return [{"score": each * final, "epoch": each} for each in (0.2, 0.5, 0.4, 0.8, 0.9, 1.0)]

    inner = random_search(4)
    oracle = oracles.LearningCurveOracle(
        inner, max_epochs=6, objective=inner.objective, hyperparameters=inner.hyperparameters, max_trials=4
    )
    trainings = simulation.StoppableTrainings(oracle, history)
    trials = simulation.simulate(oracle, trainings.measure, seconds=trainings.seconds, facts=trainings.facts)
    lengths = [trial.ended - trial.began for trial in trials]
    assert lengths[:2] == [6, 6] and lengths[2] < 6 and lengths[3] == 6
    assert [trial.metrics["epoch"] for trial in trials[:2]] == [1.0, 1.0]
    assert trials[2].metrics["score"] == 0.2 * (0.2, 0.5, 0.5, 0.8, 0.9)[int(lengths[2]) - 1]
