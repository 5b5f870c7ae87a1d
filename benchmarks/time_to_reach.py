"""Time to reach a score with low-fidelity searches, compared to full trainings.

    python benchmarks/time_to_reach.py DATA_DIR --sets fashion_mnist --budget 300 --sooner 3 --seeds 0 1 2

For each data set and seed, the script runs a search with `fidelity="full"` within the budget. Then it runs a search
with each other fidelity within the budget divided by each number of `--sooner`. It prints the validation score of the
best trial, the seconds from the call of `fit` to this score, the test score after the final fit, and the numbers of
trials and epochs. If the scores of a low-fidelity search aren't lower, it is faster by the factor of `--sooner`. Each
run is a fresh process on `--cores` cores. Medians are printed last.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import common  # noqa: E402


def measure(name, data, budget, seed, fidelity, options):
    """Run one search in this process.

    Returns:
        Dict of `"points"`, an ascending list of pairs of seconds and the best validation score at that time, `"test"`,
        `"trials"`, and the total number of `"epochs"`.
    """
    import autonas

    dataset = common.load(name, data)
    with tempfile.TemporaryDirectory() as folder:
        model = autonas.AutoModel(
            objective="val_accuracy", time_limit=budget, seed=seed, fidelity=fidelity, verbose=0, tensorboard=False,
            directory=os.path.join(folder, "run"), **options,
        )  # fmt: skip
        began = time.time()
        model.fit(dataset.x_train, dataset.y_train)
        test = common.scores(dataset, model)["accuracy"]
    searched = [record for record in model.records_ if record["stage"] == "search" and record["status"] == "completed"]
    ends = sorted((record["started"] + record["seconds"] - began, record["score"]) for record in searched)
    points, best = [], -float("inf")
    for seconds, score in ends:
        if score > best:
            points.append((seconds, score))
            best = score
    trials = [
        {key: record[key] for key in ("number", "epochs", "seconds", "score", "parameters", "values")}
        for record in searched
    ]
    epochs = sum(record["epochs"] - record["values"].get("tuner/initial_epoch", 0) for record in searched)
    return {"points": points, "test": test, "trials": trials, "epochs": epochs}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="folder of the data sets")
    parser.add_argument("--sets", nargs="+", default=["fashion_mnist"])
    parser.add_argument("--budget", type=float, default=300, help="seconds of the search that trains in full")
    parser.add_argument("--sooner", type=float, nargs="+", default=[3])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--fidelity", nargs="+", default=["successive_halving"])
    parser.add_argument("--options", type=json.loads, default={}, help="further arguments of AutoModel, JSON")
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--output", help="JSON-lines file to add all results to")
    arguments = parser.parse_args()
    searches = [("full", 1.0), *((fidelity, share) for fidelity in arguments.fidelity for share in arguments.sooner)]
    rows, medians = [], []
    for name in arguments.sets:
        runs_of = {search: [] for search in searches}
        for seed in arguments.seeds:
            for fidelity, share in searches:
                call = dict(
                    name=name, data=os.path.abspath(arguments.data), budget=arguments.budget / share, seed=seed,
                    fidelity=fidelity, options=arguments.options,
                )  # fmt: skip
                run = common.in_fresh_process(__file__, "measure", call, arguments.cores)
                if "error" in run:
                    raise SystemExit(run["error"])
                if arguments.output:
                    with open(arguments.output, "a", encoding="utf-8") as file:
                        file.write(json.dumps(call | run) + "\n")
                seconds, validation = run["points"][-1]
                runs_of[fidelity, share].append((validation, run["test"], seconds))
                rows.append([name, seed, fidelity, f"{call['budget']:g}", f"{validation:.4f}", f"{seconds:.0f}",
                             f"{run['test']:.4f}", len(run["trials"]), run["epochs"]])  # fmt: skip
                print(*rows[-1], flush=True)
        for (fidelity, share), runs in runs_of.items():
            validation, test, seconds = (statistics.median(of) for of in zip(*runs, strict=True))
            medians.append([name, "median", fidelity, f"{arguments.budget / share:g}", f"{validation:.4f}",
                            f"{seconds:.0f}", f"{test:.4f}", "", ""])  # fmt: skip
    names = ["set", "seed", "fidelity", "budget", "validation", "after s", "test", "trials", "epochs"]
    print(common.table(rows + medians, names))


if __name__ == "__main__":
    main()
