"""Time of a suggestion, and overhead of a trial, by the number of trials.

    python benchmarks/suggestion_time.py --keras-tuner

The script prints CPU milliseconds in a space of 20 hyperparameters (6 reals on a log scale, 6 integers, 6 choices, 2
booleans):

- of a suggestion, median and mean of 20 suggestions around each number of trials;
- of the overhead with the journal on disk: creating, updating and ending a trial with a random suggestion.

`--keras-tuner` also measures the Bayesian oracle of Keras Tuner, with five suggestions for each number of trials.
"""

import argparse
import os
import tempfile
import time
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import keras_tuner  # noqa: E402
import numpy as np  # noqa: E402

from autonas import oracles  # noqa: E402

POINTS = (50, 100, 200, 400)
OBJECTIVE = keras_tuner.Objective("score", "max")


def space():
    """Return a space of 20 hyperparameters of all kinds."""
    hp = keras_tuner.HyperParameters()
    for number in range(6):
        hp.Float(f"real_{number}", 1e-4, 1e-1, sampling="log")
        hp.Int(f"integer_{number}", 8, 64)
        hp.Choice(f"choice_{number}", ["a", "b", "c", "d"])
    hp.Boolean("first")
    hp.Boolean("second")
    return hp


def score(values):
    """Return the score of an architecture, at most 7."""
    numbers = sum(
        (np.log10(values[f"real_{number}"]) + 2.5 + 0.1 * number) ** 2 + ((values[f"integer_{number}"] - 40) / 30) ** 2
        for number in range(6)
    )
    return sum(values[f"choice_{number}"] == "b" for number in range(6)) + values["first"] * values["second"] - numbers


def suggestions(name):
    """Return the CPU milliseconds of each suggestion of a search, and the best scores so far at the checkpoints."""
    oracle = oracles.STRATEGIES[name](objective=OBJECTIVE, hyperparameters=space(), seed=0)
    times, scores = [], []
    for number in range(max(POINTS) + 10):
        began = time.process_time()
        values = oracle.ask()
        times.append(1000 * (time.process_time() - began))
        scores.append(score(values))
        oracle.tell(number, values, (scores[-1],))
    around = [times[point - 10 : point + 10] for point in POINTS]
    return [(np.median(of), np.mean(of)) for of in around], [max(scores[:point]) for point in POINTS]


def run(oracle, n_trials):
    """Return the CPU milliseconds of each trial of a search with files on disk: in total, and until its creation."""
    milliseconds = []
    with tempfile.TemporaryDirectory() as directory:
        oracle._set_project_dir(directory, "run")
        for _ in range(n_trials):
            began = time.process_time()
            trial = oracle.create_trial("tuner0")
            created = time.process_time()
            oracle.update_trial(trial.trial_id, {"score": score(trial.hyperparameters.values)})
            trial.status = "COMPLETED"
            oracle.end_trial(trial)
            milliseconds.append((1000 * (time.process_time() - began), 1000 * (created - began)))
    return np.array(milliseconds)


def in_all(name, n_trials):
    """Return the CPU milliseconds of each trial of a strategy."""
    oracle = oracles.STRATEGIES[name](objective=OBJECTIVE, hyperparameters=space(), seed=0)
    return run(oracle, n_trials)[:, 0]


def of_keras_tuner():
    """Return the CPU milliseconds of suggestions of Keras Tuner's Bayesian oracle after random trials."""
    warnings.simplefilter("ignore")
    milliseconds = []
    for point in POINTS:
        oracle = keras_tuner.oracles.BayesianOptimizationOracle(
            objective=OBJECTIVE, max_trials=10**6, num_initial_points=point, hyperparameters=space(), seed=1
        )
        oracle.verbose = 0
        times = run(oracle, point + 5)[point:, 1]
        milliseconds.append((np.median(times), np.mean(times)))
    return milliseconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--strategies", nargs="+", default=["random", "local_search", "evolution", "reinforcement", "bayesian", "auto"]
    )
    parser.add_argument("--keras-tuner", action="store_true", help="measure its Bayesian oracle too")
    arguments = parser.parse_args()
    print("CPU ms of a suggestion, median (mean), and the best score so far (7 at most)")
    print(f"| strategy | {' | '.join(map(str, POINTS))} |\n| --- |{' --- |' * len(POINTS)}")
    for name in arguments.strategies:
        times, best = suggestions(name)
        cells = [
            f"{median:.2f} ({mean:.2f}), {reached:.2f}" for (median, mean), reached in zip(times, best, strict=True)
        ]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    if arguments.keras_tuner:
        cells = [f"{median:.0f} ({mean:.0f})" for median, mean in of_keras_tuner()]
        print(f"| Keras Tuner's Bayesian | {' | '.join(cells)} |", flush=True)
    print("\nCPU ms of a trial's bookkeeping, a random suggestion included, after so many trials")
    for n_trials in (100, 1000, 10000):
        print(f"{n_trials}: {in_all('random', n_trials)[-50:].mean():.3f}")
    print(f"\nCPU seconds of 10,000 trials by evolution: {in_all('evolution', 10000).sum() / 1000:.1f}")


if __name__ == "__main__":
    main()
