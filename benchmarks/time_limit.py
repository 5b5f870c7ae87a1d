"""Lateness of `fit` under time limits of 10 to 60 s, including the final fit and saving.

    python benchmarks/time_limit.py DATA_DIR --runs 20

Data sets and limits alternate. Each run is a fresh process on one core. Wanted: at most 5 % or two seconds late,
whichever is more. Unused time is shown as negative lateness. Two data sets are made by this script: `columns`, a series
of 14,000 steps of 8 columns to forecast, and `slow_stream`, the digits from a generator that needs a fifth of the limit
for each pass.
"""

import argparse
import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import common  # noqa: E402

SETS = ("digits", "iris", "california_housing", "trec6", "mnist", "ecg5000", "adult", "columns", "slow_stream")
_MADE = ("columns", "slow_stream")


def made_columns():
    """Return a series `(14000, 8)` of waves of several lengths, random walks and noise."""
    import numpy as np

    generator = np.random.default_rng(0)
    steps = np.arange(14_000)[:, None]
    waves = np.sin(2 * np.pi * steps / np.array([12, 24, 48, 96, 168, 24, 24, 7]))
    walks = np.cumsum(generator.normal(size=(14_000, 8)), axis=0) * 0.02
    return waves @ generator.normal(size=(8, 8)) + walks + 0.3 * generator.normal(size=(14_000, 8))


def made_stream(limit):
    """Return a `tf.data.Dataset` of the digits, one pass of which takes a fifth of the limit."""
    import tensorflow as tf
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    x = x.reshape(-1, 8, 8, 1).astype("uint8")

    def rows():
        for start in range(0, len(x), 100):
            time.sleep(0.2 * limit / 18)
            yield from zip(x[start : start + 100], y[start : start + 100], strict=True)

    spec = (tf.TensorSpec((8, 8, 1), "uint8"), tf.TensorSpec((), "int64"))
    return tf.data.Dataset.from_generator(rows, output_signature=spec)


def measure(name, data, limit, seed):
    """Return the seconds of `fit`, and the results of the search."""
    import autonas

    arguments = {"time_limit": limit, "seed": seed, "verbose": 0}
    if name == "columns":
        model, rows = autonas.TimeSeriesForecaster(**arguments), (made_columns(),)
    elif name == "slow_stream":
        model, rows = autonas.AutoModel(**arguments), (made_stream(limit),)
    else:
        dataset = common.load(name, data)
        model = autonas.AutoModel(task="regression" if dataset.metric == "rmse" else None, **arguments)
        rows = (dataset.x_train, dataset.y_train)
    with tempfile.TemporaryDirectory() as folder:
        model.directory = os.path.join(folder, "run")
        started = time.monotonic()
        model.fit(*rows)
        seconds = time.monotonic() - started
    final = [record for record in model.records_ if record["stage"] == "final"]
    return {
        "seconds": seconds,
        "trials": len(model.records_) - len(final),
        "final": f"{final[0]['status']} in {final[0]['seconds']:.1f} s" if final else "none",
        "preparation": model.search_["preparation"],
        "stop_reason": model.stop_reason_,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", metavar="DATA_DIR", help="folder of the data sets")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--limits", type=float, nargs=2, default=[10.0, 60.0], metavar=("LEAST", "MOST"))
    parser.add_argument(
        "--sets", nargs="+", choices=[*common.METRICS, *_MADE], default=SETS, metavar="SET", help=", ".join(SETS)
    )
    parser.add_argument("--output", help="JSON file, written anew after each run")
    arguments = parser.parse_args()
    least, most = arguments.limits
    line = "{:<18} {:>6} {:>7} {:>7} {:>7} {:>7} {:>7} {:<20} {}"
    print(common.machine())
    # `before` are the seconds before the search: reading, checks, encoding.
    print(line.format("set", "limit", "took", "late s", "late %", "before", "trials", "final fit", ""), flush=True)
    runs = []
    for run in range(arguments.runs):
        limit = round(least + (most - least) * run / max(1, arguments.runs - 1), 1)
        name = arguments.sets[run % len(arguments.sets)]
        call = {"name": name, "data": arguments.data, "limit": limit, "seed": run}
        run = {"set": name, "limit": limit} | common.in_fresh_process(os.path.abspath(__file__), "measure", call)
        runs.append(run)
        if "error" in run:
            print(line.format(name, limit, *[""] * 6, run["error"]), flush=True)
        else:
            late = run["late"] = run["seconds"] - limit
            run["too_late"] = late > max(0.05 * limit, 2.0)
            numbers = (f"{run['seconds']:.1f}", f"{late:.2f}", f"{100 * late / limit:.1f}",
                       f"{run['preparation']:.1f}", run["trials"])  # fmt: skip
            print(
                line.format(name, limit, *numbers, run["final"], "TOO LATE" if run["too_late"] else ""),
                flush=True,
            )
        if arguments.output:
            common.write_json(arguments.output, {"machine": common.machine(), "runs": runs})
    measured = [run for run in runs if "late" in run]
    late = [run["late"] for run in measured]
    print(
        f"\n{len(measured)} of {len(runs)} runs measured; {sum(run['too_late'] for run in measured)} too late"
        + (f"; {min(late):.2f} to {max(late):.2f} s late" if late else "")
    )


if __name__ == "__main__":
    main()
