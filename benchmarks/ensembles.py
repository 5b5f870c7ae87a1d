"""Test score and cost of an ensemble, compared to the best single candidate of the same short search.

    python benchmarks/ensembles.py DATA_DIR --budget 45 --seeds 0 1

Each search runs in a fresh process on one core. `fit` serves the single candidate, and `ensemble` is called on the same
object afterwards. Validation scores are of networks trained on the training set. Test scores are of networks trained on
all rows.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import common  # noqa: E402

SETS = ("diabetes", "adult", "california_housing", "trec6", "ecg5000")


def measure(name, data, budget, seed, size):
    """Return validation and test scores of both models, and the members of the ensemble."""
    import autonas

    dataset = common.load(name, data)
    task = "regression" if dataset.metric == "rmse" else None
    with tempfile.TemporaryDirectory() as folder:
        model = autonas.AutoModel(
            task=task, time_limit=budget, seed=seed, verbose=0, tensorboard=False, directory=os.path.join(folder, "run")
        )
        model.fit(dataset.x_train, dataset.y_train)
        single, before = common.scores(dataset, model), model.best_score_
        n_trials = sum(record["stage"] == "search" for record in model.records_)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # Of an ensemble of one.
            started = time.monotonic()
            model.serve_ensemble(size)
            seconds = time.monotonic() - started
        return {
            "trials": n_trials,
            "members": len(model.ensemble_),
            "seconds": seconds,
            "objective": model.objective_[0],
            "validation": [before, model.best_score_],
            "test": [results[dataset.metric] for results in (single, common.scores(dataset, model))],
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", metavar="DATA_DIR", help="folder of the data sets")
    parser.add_argument("--budget", type=float, default=45.0, help="seconds of `fit`")
    parser.add_argument("--size", type=int, default=5, help="networks of an ensemble at most")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--sets", nargs="+", choices=common.METRICS, default=SETS, metavar="SET", help=", ".join(SETS))
    parser.add_argument("--output", help="JSON file, written anew after each run")
    arguments = parser.parse_args()
    line = "{:<19} {:>4} {:>6} {:>8} {:>7} {:>10} {:>10} {:>8} {:>10} {:>10}"
    print(common.machine())
    header = "set seed trials networks seconds val_single val_ens metric single ensemble"
    print(line.format(*header.split()), flush=True)
    runs = []
    for name in arguments.sets:
        better = []
        for seed in arguments.seeds:
            call = {
                "name": name, "data": arguments.data, "budget": arguments.budget, "seed": seed, "size": arguments.size
            }  # fmt: skip
            result = common.in_fresh_process(__file__, "measure", call)
            runs.append(call | result)
            if "error" in result:
                print(f"{name} {seed}: {result['error']}", flush=True)
                continue
            metric = common.METRICS[name]
            numbers = [f"{number:.5g}" for number in (*result["validation"], *result["test"])]
            print(
                line.format(
                    name, seed, result["trials"], result["members"], f"{result['seconds']:.1f}", *numbers[:2], metric,
                    *numbers[2:]
                ),
                flush=True,
            )  # fmt: skip
            single, ensemble = result["test"]
            better.append((single - ensemble if metric == "rmse" else ensemble - single) / abs(single))
            if arguments.output:
                common.write_json(arguments.output, runs)
        if better:
            print(f"{name}: the ensemble is better by {100 * statistics.mean(better):.2f} % on average", flush=True)


if __name__ == "__main__":
    main()
