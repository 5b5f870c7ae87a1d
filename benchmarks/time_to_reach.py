"""How much sooner does a search that begins with short trainings reach what one that trains in full reaches?

    python benchmarks/time_to_reach.py DATA_DIR --sets fashion_mnist --budget 300 --seeds 0 1 2

The yardstick is the best validation score of a search with `fidelity="full"` within the budget. Printed are the seconds
from the call of `fit` at which the yardstick and each other fidelity first had a model with that score (wanted: a third
of the budget at most, when halving), the score of each at the budget's end, and that of the test part. Each run is a
fresh process. `--cores` gives it more than one.
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
    """One run in this process: when which score was there.

    Returns:
        Dict of `"points"`, pairs of seconds and the validation score that was there first then, ascending, `"test"`
        and `"trials"`.
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
    return {"points": points, "test": test, "trials": trials}


def seconds_to(points, score):
    """When a score was there first, infinite if never."""
    return next((seconds for seconds, reached in points if reached >= score), float("inf"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="folder of the data sets")
    parser.add_argument("--sets", nargs="+", default=["fashion_mnist"])
    parser.add_argument("--budget", type=float, default=300)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--fidelity", nargs="+", default=["successive_halving"])
    parser.add_argument("--options", type=json.loads, default={}, help="further arguments of AutoModel, JSON")
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--output", help="JSON-lines file to add all results to")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.sets:
        ratios = {fidelity: [] for fidelity in arguments.fidelity}
        for seed in arguments.seeds:
            wanted = None
            for fidelity in ("full", *arguments.fidelity):
                given = dict(name=name, data=os.path.abspath(arguments.data), budget=arguments.budget, seed=seed,
                             fidelity=fidelity, options=arguments.options)  # fmt: skip
                found = common.in_fresh_process(__file__, "measure", given, arguments.cores)
                if "error" in found:
                    raise SystemExit(found["error"])
                if arguments.output:
                    with open(arguments.output, "a") as file:
                        file.write(json.dumps(given | found) + "\n")
                wanted = found["points"][-1][1] if wanted is None else wanted
                seconds = seconds_to(found["points"], wanted)
                if fidelity in ratios:
                    ratios[fidelity].append(arguments.budget / seconds)
                rows.append([name, seed, fidelity, f"{seconds:.0f}", f"{found['points'][-1][1]:.4f}",
                             f"{found['test']:.4f}", len(found["trials"])])  # fmt: skip
                print(*rows[-1], flush=True)
        for fidelity, of in ratios.items():
            rows.append([name, "median", fidelity, f"{statistics.median(of):.1f} x sooner than the budget", "", "", ""])
    print(common.table(rows, ["set", "seed", "fidelity", "seconds to reach it", "validation", "test", "trials"]))


if __name__ == "__main__":
    main()
