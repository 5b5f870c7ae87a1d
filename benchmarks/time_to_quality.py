"""Quality of a model after one or three minutes of `fit` on one core, compared to linear models and other libraries.

    python benchmarks/time_to_quality.py DATA_DIR --budget 60 180 --seeds 0 1 2 --output results.json

Each run is a fresh process. After each run, the script prints: test score and validation score; numbers of completed
and failed trials; total number of epochs; wall seconds of `fit`; seconds until the first usable model; CPU seconds of
`fit`; peak resident memory of the process; the stop reason; and the decisions of the best trial. In the summary, `~`
marks data sets whose reference scores were measured on another split.
"""

import argparse
import collections
import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import common  # noqa: E402
import references  # noqa: E402

HEADER = "set budget seed metric test val trials failed epochs wall first cpu peak_MB stop"
LINE = "{:<18} {:>6} {:>4} {:<8} {:>9} {:>9} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>7} {:<10}"


def measure(name, data, budget, seed, options):
    """Run one search in this process.

    Args:
        name: Name of the data set.
        data: Folder of the data sets.
        budget: Time limit of `fit` in seconds.
        seed: Seed.
        options: Further arguments of `AutoModel`.
    """
    import autonas

    dataset = common.load(name, data)
    arguments = {"time_limit": budget, "seed": seed, "verbose": 0, "tensorboard": False}
    # Integer targets would be taken for classes.
    arguments |= {"rmse": {"task": "regression"}, "auc": {"objective": "val_auc"}}.get(dataset.metric, {})
    with tempfile.TemporaryDirectory() as folder:
        model = autonas.AutoModel(**arguments, directory=os.path.join(folder, "run"), **options)
        cpu, began, clock = common.cpu_seconds(), time.time(), time.monotonic()
        model.fit(dataset.x_train, dataset.y_train)
        wall, cpu = time.monotonic() - clock, common.cpu_seconds() - cpu
        peak = common.peak_megabytes()
        scores = common.scores(dataset, model)
    return {"scores": scores, "wall": wall, "cpu": cpu, "peak_megabytes": peak} | _facts(model, began)


def _facts(model, began):
    """Return facts from the records of a fitted model."""
    searched = [record for record in model.records_ if record["stage"] == "search"]
    completed = [record for record in searched if record["status"] == "completed"]
    sign = -1 if model.objective_[1] == "min" else 1
    best = max(completed, key=lambda record: sign * record["score"])
    final = [record for record in model.records_ if record["stage"] == "final"]
    return {
        "validation": model.best_score_,
        "completed": len(completed),
        "failed": len(searched) - len(completed),
        "epochs": sum(record["epochs"] for record in model.records_),
        "first_model": min(record["started"] + record["seconds"] for record in completed) - began,
        "stop_reason": model.stop_reason_,
        "best": {name: best[name] for name in ("number", "epochs", "best_epoch", "parameters", "seconds", "values")},
        "final": [{name: record[name] for name in ("status", "epochs", "seconds", "message")} for record in final],
        "trials": [
            {name: value for name, value in record.items() if name not in ("history", "metrics", "started", "stage")}
            for record in searched
        ],
        "messages": sorted({record["message"] for record in searched if record["status"] != "completed"}),
    }


def choices(values):
    """Return the named decisions of an architecture, and the learning rate, on one line."""
    named = {name: value for name, value in values.items() if isinstance(value, str)}
    rates = {name: f"{value:.2g}" for name, value in values.items() if name.endswith("learning_rate")}
    return ", ".join(f"{name.split('/', 1)[-1]}={value}" for name, value in (named | rates).items())


def show(run):
    """Print a run."""
    metric = run["metric"]
    start = [run["set"], f"{run['budget']:g}", run["seed"], metric]
    if "error" in run:
        print(LINE.format(*start, *[""] * 9, "ERROR"), run["error"], flush=True)
        return
    print(
        LINE.format(
            *start,
            number(run["scores"][metric]),
            number(run["validation"]),
            run["completed"],
            run["failed"],
            run["epochs"],
            *(f"{run[name]:.1f}" for name in ("wall", "first_model", "cpu")),
            f"{run['peak_megabytes']:.0f}",
            run["stop_reason"],
        ),
        flush=True,
    )
    print(f"    trial {run['best']['number']}: {choices(run['best']['values'])}", flush=True)
    for message in run["messages"]:
        print(f"    failed: {message}", flush=True)


def number(value):
    """Format a score."""
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}" if abs(value) >= 1 else f"{value:.4f}"


def summary(runs, baselines):
    """Return median, smallest and largest score over the seeds, by data set and budget, beside reference scores."""
    import statistics

    grouped = collections.defaultdict(list)
    for run in runs:
        grouped[run["set"], run["budget"]].append(run)
    names = ["linear", "AutoKeras", "Keras Tuner", "hand-made", "wanted", "AutoGluon", "FLAML", "boosting"]
    same_run = [f"{kind} (same run)" for kind in sorted({kind for by_kind in baselines.values() for kind in by_kind})]
    rows = []
    for (name, budget), group in grouped.items():
        metric = group[0]["metric"]
        label = f"~{name}" if name in references.OTHER_SPLIT else name
        scores = [run["scores"][metric] for run in group if "scores" in run]
        if not scores:
            rows.append([label, f"{budget:g}", metric, "ERROR", "", *[""] * len(names + same_run), "all", ""])
            continue
        median = statistics.median(scores)
        known = references.references(name)
        for kind, baseline in baselines.get(name, {}).items():
            if "scores" in baseline:
                known[f"{kind} (same run)"] = baseline["scores"][metric]
        behind = [model for model in known if (median >= known[model] if metric == "rmse" else median <= known[model])]
        rows.append(
            [
                label,
                f"{budget:g}",
                metric,
                number(median),
                f"{number(min(scores))}..{number(max(scores))}",
                *(number(known.get(whose)) for whose in names + same_run),
                ", ".join(model for model in behind if model.startswith(references.TO_BEAT)),
                ", ".join(model for model in behind if not model.startswith(references.TO_BEAT)),
            ]
        )
    return common.table(rows, ["set", "s", "metric", "median", "min..max", *names, *same_run, "NOT AHEAD OF", "nor of"])


def main():
    sets = [*common.SHARED_SETS, "breast_cancer", "diabetes"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", metavar="DATA_DIR", help="folder of the data sets")
    parser.add_argument("--budget", type=float, nargs="+", default=[60.0, 180.0], help="seconds of `fit`")
    parser.add_argument("--sets", nargs="+", default=sets, metavar="SET", help=", ".join(sets))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=1, help="cores and threads of a run")
    parser.add_argument("--output", help="JSON file, written anew after each run")
    parser.add_argument("--strategy", help="the strategy of AutoModel")
    parser.add_argument(
        "--baselines",
        nargs="*",
        choices=("linear", "boosting", "forest", "best"),
        help="fit these scikit-learn models on the same split too; linear and boosting if none is named; best is that "
        "of the others with the best score in cross-validation",
    )
    arguments = parser.parse_args()
    kinds = ["linear", "boosting"] if arguments.baselines == [] else arguments.baselines or []
    options = {"strategy": arguments.strategy} if arguments.strategy else {}
    runs, baselines = [], collections.defaultdict(dict)

    def write():
        if arguments.output:
            common.write_json(arguments.output, {"machine": machine, "runs": runs, "baselines": baselines})

    machine = common.machine()
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    print(LINE.format(*HEADER.split()), flush=True)
    baseline_script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "baselines.py")
    for name in arguments.sets:
        metric = common.metric(name, arguments.data)
        for kind in kinds:
            baseline = common.in_fresh_process(
                baseline_script,
                "measure",
                {"name": name, "data": arguments.data, "kind": kind},
                arguments.threads,
            )
            baselines[name][kind] = baseline
            text = baseline.get("error") or f"{number(baseline['scores'][metric])} in {baseline['seconds']:.1f} s"
            print(f"{name}: {kind} baseline {text}", flush=True)
        for budget in arguments.budget:
            for seed in arguments.seeds:
                call = {
                    "name": name,
                    "data": arguments.data,
                    "budget": budget,
                    "seed": seed,
                    "options": options,
                }
                run = common.in_fresh_process(os.path.abspath(__file__), "measure", call, arguments.threads)
                runs.append({"set": name, "metric": metric, "budget": budget, "seed": seed} | run)
                show(runs[-1])
                write()
    write()
    print()
    print(summary(runs, baselines))


if __name__ == "__main__":
    main()
