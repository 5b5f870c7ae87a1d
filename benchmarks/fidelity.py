"""Quality of low-fidelity strategies on tabular benchmarks with learning curves.

    python benchmarks/fidelity.py TABLE.npz --seeds 200 --epochs 5000 --strategies evolution bayesian --workers 1 4

Searches are simulated: a trial takes one second per epoch, on one or several workers. The incumbent is the trial with
the best validation score among trials of the highest fidelity so far. The script prints the test score of the
incumbent, mean and standard deviation over seeds, after some numbers of epochs. On n workers, the score is that after
an n-th of the seconds. The epochs of a trial count when the trial ends.

The table must hold validation scores after different numbers of epochs: `val_curve_milli` for all epochs, or several
`val<epochs>` (see `tables.py`). The rungs are chosen by `SuccessiveHalvingOracle`. Without a learning curve, the rungs
are the numbers of epochs in the table, and η is their ratio, or `--reduction`.

The references are `random` at full fidelity, and `halving`: the synchronous form of the most aggressive bracket of
Hyperband, in which the best third of a batch of random architectures is promoted at each rung.

`--strategies` takes names, optionally with arguments, as in `strategies.py`. `--fidelity` takes any of `full`,
`successive_halving`, `hyperband` and `learning_curve`. For `learning_curve`, which needs learning curves and scores
trials by their best epoch, the script also prints the number of stopped trials, the number of stopped trials that would
have become the incumbent, and the share of saved epochs. `--output` appends all results to a JSON-lines file.
"""

import argparse
import concurrent.futures
import json
import multiprocessing
import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import numpy as np  # noqa: E402
import strategies  # noqa: E402

from autonas.oracles.fidelity import hyperband, learning_curve, successive_halving  # noqa: E402
from autonas.oracles.fidelity import scale as fidelity_module  # noqa: E402
from autonas.search_space import encoding as encoding_module  # noqa: E402
from autonas.testing import simulation  # noqa: E402

#: Total numbers of epochs, as multiples of a full training.
CHECKPOINTS = (5, 10, 20, 50)
ORACLES = {
    "successive_halving": successive_halving.SuccessiveHalvingOracle,
    "hyperband": hyperband.HyperbandOracle,
    "learning_curve": learning_curve.LearningCurveOracle,
}


class Curves:
    """Validation scores by number of epochs.

    Attributes:
        epochs: Ascending list of the numbers of epochs with scores.
        has_all: Whether each epoch has scores.
    """

    def __init__(self, path):
        arrays = np.load(path)
        self.has_all = "val_curve_milli" in arrays
        if self.has_all:
            curves = arrays["val_curve_milli"].astype(float) / 1000
            self._scores = {epoch + 1: curves[:, epoch] for epoch in range(curves.shape[1])}
        else:
            by_epochs = {int(key[3:]): arrays[key].astype(float) for key in arrays if re.fullmatch(r"val\d+", key)}
            self._scores = {
                epochs: np.nanmean(scores, axis=1) if scores.ndim == 2 else scores
                for epochs, scores in sorted(by_epochs.items())
            }
        self.epochs = list(self._scores)

    def score(self, row, epochs):
        return float(self._scores[epochs][row])

    def history(self, row):
        """Return the learning curve as a list of dicts, one per epoch."""
        return [{"score": self.score(row, epochs)} for epochs in self.epochs]

    def best_score(self, row):
        """Return the score of the best epoch."""
        return max(self.score(row, epochs) for epochs in self.epochs)


_curves = {}


def read(path):
    """Read a file; return the table and its learning curves."""
    if path not in _curves:
        _curves[path] = Curves(path)
    return strategies.cached_tables(path)[0], _curves[path]


def search(path, description, fidelity, arguments, seed, n_workers, n_epochs):
    """Run one search.

    Args:
        path: Path of the table.
        description: Name of a strategy, optionally with arguments, or `"halving"`.
        fidelity: `"full"`, or a key of `ORACLES`.
        arguments: Dict of the arguments of the low-fidelity oracle.
        seed: Seed of the search.
        n_workers: Number of workers.
        n_epochs: Total number of epochs.

    Returns:
        Test scores of the incumbent at the checkpoints, CPU seconds, and the numbers returned by `_stopped`.
    """
    table, curves = read(path)
    longest = curves.epochs[-1]
    began = time.process_time()
    counts = [0, 0, 0, 0]
    if description == "halving":
        trials = _batches(table, curves, arguments, seed, n_epochs)
    else:
        oracle = strategies.make_oracle(description, table, seed, None)
        if fidelity != "full":
            oracle = ORACLES[fidelity](
                oracle, max_epochs=longest, seed=seed, initial_points=[], objective=oracle.objective,
                hyperparameters=oracle.hyperparameters, **arguments,
            )  # fmt: skip

        def epochs_of(values):
            return values.get("tuner/epochs", longest) - values.get("tuner/initial_epoch", 0)

        def measure(values):
            return {"score": curves.score(table.row(values), values.get("tuner/epochs", longest))}

        if fidelity == "learning_curve":
            trainings = simulation.StoppableTrainings(oracle, lambda values: curves.history(table.row(values)))
            functions = {"measure": trainings.measure, "seconds": trainings.seconds, "facts": trainings.facts}
        else:
            functions = {"measure": measure, "seconds": epochs_of}
        trials = simulation.simulate(oracle, n_workers=n_workers, limit=n_epochs / n_workers, **functions)
        if fidelity == "learning_curve":
            counts = _stopped(trials, longest, lambda values: curves.best_score(table.row(values)))
        trials = [
            (trial.ended * n_workers, trial.values.get("tuner/epochs", longest), trial.metrics["score"],
             table.row(trial.values)) for trial in trials
        ]  # fmt: skip
    seconds = time.process_time() - began
    points = [count * longest for count in CHECKPOINTS if count * longest <= n_epochs]
    return [table.test[_best(trials, point)] for point in points], seconds, counts


def _stopped(trials, longest, final_score):
    """Return the numbers of trials, of stopped trials, of stopped trials better than the incumbent, and of epochs."""
    whole = [trial for trial in trials if trial.ended - trial.began == longest]
    stopped = [trial for trial in trials if trial.ended - trial.began < longest]
    wrong = 0
    for trial in stopped:
        best = max(other.metrics["score"] for other in whole if other.ended <= trial.began)
        wrong += final_score(trial.values) > best
    return len(trials), len(stopped), wrong, sum(trial.ended - trial.began for trial in trials)


def _best(trials, spent):
    """Return the row of the incumbent after some epochs: the best validation score at the highest fidelity."""
    return max((epochs, score, row) for at, epochs, score, row in trials if at <= spent)[2]


def _batches(table, curves, arguments, seed, n_epochs):
    """Run synchronous successive halving on batches of random architectures."""
    rungs = fidelity_module.rungs(arguments["min_epochs"], curves.epochs[-1], arguments["reduction"])
    rungs = [rung.epochs for rung in rungs]
    generator, encoding = np.random.default_rng(seed), encoding_module.Encoding(table.space)
    trials, spent = [], 0
    while spent <= n_epochs:
        rows = [table.row(encoding.sample(generator)) for _ in range(arguments["reduction"] ** (len(rungs) - 1))]
        for reached, epochs in zip([0, *rungs], rungs, strict=False):
            scored = []
            for row in rows:
                spent += epochs - reached
                scored.append((curves.score(row, epochs), row))
                trials.append((spent, epochs, *scored[-1]))
            rows = [row for _, row in sorted(scored, reverse=True)[: len(rows) // arguments["reduction"]]]
    return trials


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", help="file of trained architectures (.npz)")
    parser.add_argument(
        "--strategies", nargs="+", default=["random", "local_search", "evolution", "reinforcement", "bayesian"]
    )
    parser.add_argument("--fidelity", nargs="+", choices=["full", *ORACLES], default=["successive_halving"])
    parser.add_argument("--reduction", type=int, help="η; that of the oracle by default")
    parser.add_argument("--min-epochs", type=int, help="epochs of the lowest rung; that of the oracle by default")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--epochs", type=int, help="epochs in all; 50 full trainings by default")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="processes at a time")
    parser.add_argument("--output", help="file to add the results to, a JSON line each")
    arguments = parser.parse_args()
    table, curves = read(arguments.table)
    longest = curves.epochs[-1]
    n_epochs = arguments.epochs or CHECKPOINTS[-1] * longest
    options = {"reduction": arguments.reduction, "min_epochs": arguments.min_epochs}
    if not curves.has_all:
        # With two numbers of epochs, η is their ratio.
        options["min_epochs"] = options["min_epochs"] or curves.epochs[0]
        options["reduction"] = options["reduction"] or round(longest / options["min_epochs"])
    options = {name: value for name, value in options.items() if value is not None}
    if "learning_curve" in arguments.fidelity and not curves.has_all:
        parser.error("--fidelity learning_curve needs a table with a score after each epoch")
    default = successive_halving.SuccessiveHalvingOracle(max_epochs=longest, **options)
    searches = [("random", "full", {}), ("halving", "full", {"reduction": default.reduction,
                                                             "min_epochs": default.rungs[0].epochs})]  # fmt: skip
    searches += [(strategy, fidelity, options if fidelity in ("successive_halving", "hyperband") else {})
                 for fidelity in arguments.fidelity for strategy in arguments.strategies]  # fmt: skip
    rungs = [rung.epochs for rung in default.rungs]
    points = [count * longest for count in CHECKPOINTS if count * longest <= n_epochs]
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(arguments.jobs, mp_context=context) as pool:
        for n_workers in arguments.workers:
            print(f"\n{table.name}, {n_workers} worker(s), rungs {rungs}: test score after epochs in all")
            print(f"| strategy | fidelity | {' | '.join(map(str, points))} | CPU s a search |")
            print("| --- |" + " --- |" * (len(points) + 2))
            for description, fidelity, of in searches:
                if description == "halving" and n_workers > 1:
                    continue  # Batches are for one worker.
                futures = [
                    pool.submit(search, arguments.table, description, fidelity, of, seed, n_workers, n_epochs)
                    for seed in range(arguments.seeds)
                ]
                tests, seconds, counts = zip(*(future.result() for future in futures), strict=True)
                means, deviations = np.mean(tests, axis=0), np.std(tests, axis=0)
                cells = [f"{mean:.2f} ± {deviation:.2f}" for mean, deviation in zip(means, deviations, strict=True)]
                name = "in batches" if description == "halving" else fidelity
                print(f"| {description} | {name} | {' | '.join(cells)} | {np.mean(seconds):.2f} |", flush=True)
                if fidelity == "learning_curve":
                    n_trials, n_stopped, n_wrong, n_trained = np.sum(counts, axis=0)
                    print(
                        f"Of {n_trials / arguments.seeds:.0f} trials a search {n_stopped / n_trials:.1%} were stopped, "
                        f"of these {n_wrong / n_stopped:.2%} would have become the best; "
                        f"{1 - n_trained / n_trials / longest:.1%} of the epochs of full trainings were saved."
                    )
                if arguments.output:
                    line = {
                        "table": table.name, "strategy": description, "fidelity": name, "workers": n_workers,
                        "rungs": rungs, "seeds": arguments.seeds, "epochs": points, "test": means.tolist(),
                    }  # fmt: skip
                    with open(arguments.output, "a", encoding="utf-8") as file:
                        file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
