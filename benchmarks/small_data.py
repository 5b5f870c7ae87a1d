"""Test scores on small data sets, validated by a single split and in folds, next to a linear model.

    python benchmarks/small_data.py DATA_DIR --budget 20 --seeds 0 1 2

The rows of a table are split anew for every seed, 60 % for training, and at most `--rows` of them; series have the
split of their authors. Each data set has a fresh process on one core. Errors are 1 - accuracy for classes, and the root
mean squared error divided by the standard deviation of the test targets for numbers. For classes there is the log
loss, too.
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import common  # noqa: E402

TABLES = (
    "abalone", "auto_imports", "breast_cancer_recurrence", "california_housing", "german_credit", "housing",
    "ionosphere", "mammography", "penguins", "phoneme", "pima", "sonar", "titanic", "wheat_seeds", "wine_quality",
)  # fmt: skip
SERIES = ("arrow_head", "basic_motions", "beef", "gun_point")


def load(name, data, seed, rows=400):
    """Return training rows, training targets, test rows, test targets, and whether the targets are numbers."""
    import numpy as np
    import pandas
    from sklearn.model_selection import train_test_split

    folder = pathlib.Path(data) / name
    meta = json.loads((folder / "meta.json").read_text())
    if (folder / "data.npz").exists():
        with np.load(folder / "data.npz") as arrays:
            return *(arrays[key] for key in ("x_train", "y_train", "x_test", "y_test")), False
    table = pandas.concat([pandas.read_csv(folder / f"{split}.csv.gz") for split in ("train", "test")])
    target = table.pop(meta["target"]).to_numpy()
    # The tables of `further_tables.py` have a metric only.
    is_regression = meta["task"].startswith("regression") if "task" in meta else meta["metric"] == "rmse"
    classes = None if is_regression else target
    n_train = min(rows, int(0.6 * len(table)))
    x_train, x_test, y_train, y_test = train_test_split(
        table, target, train_size=n_train, random_state=seed, stratify=classes
    )
    return x_train, y_train, x_test, y_test, is_regression


def errors(model, x, y, is_regression):
    """Return error and loss on test rows, a list."""
    import numpy as np

    predicted = model.predict(x)
    if is_regression:
        return [float(np.sqrt(np.mean((predicted - y) ** 2)) / np.std(y)), None]
    probabilities = model.predict_proba(x)[np.arange(len(y)), np.searchsorted(model.classes_, y)]
    return [float(np.mean(predicted != y)), float(-np.mean(np.log(np.clip(probabilities, 1e-6, 1))))]


def linear(x, is_regression):
    """Return a linear model of scikit-learn for the rows."""
    import numpy as np
    from sklearn import compose, impute, linear_model, pipeline, preprocessing

    head = linear_model.RidgeCV() if is_regression else linear_model.LogisticRegression(max_iter=1000)
    if isinstance(x, np.ndarray):
        flat = preprocessing.FunctionTransformer(lambda rows: np.nan_to_num(rows.reshape(len(rows), -1)))
        return pipeline.make_pipeline(flat, preprocessing.StandardScaler(), head)
    numbers = pipeline.make_pipeline(impute.SimpleImputer(), preprocessing.StandardScaler())
    columns = [
        (numbers, compose.make_column_selector(dtype_include="number")),
        (preprocessing.OneHotEncoder(handle_unknown="ignore"), compose.make_column_selector(dtype_exclude="number")),
    ]
    return pipeline.make_pipeline(compose.make_column_transformer(*columns), head)


def measure(name, data, rows, budget, seeds, *, folds, trials):
    """Return the results of all seeds for a data set, a list of dicts."""
    import autonas

    results = []
    for seed in seeds:
        x, y, x_test, y_test, is_regression = load(name, data, seed, rows)
        results.append(
            {
                "model": "linear",
                "seed": seed,
                "test": errors(linear(x, is_regression).fit(x, y), x_test, y_test, is_regression),
            }
        )
        for number in folds:
            with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                started, cpu = time.monotonic(), time.process_time()
                model = autonas.AutoModel(
                    task="regression" if is_regression else None,
                    time_limit=budget,
                    max_trials=trials,
                    validation_folds=number or None,
                    seed=seed,
                    verbose=0,
                    tensorboard=False,
                    directory=os.path.join(folder, "run"),
                ).fit(x, y)
                results.append(
                    {
                        "model": f"{number or 1} folds",
                        "seed": seed,
                        "seconds": time.monotonic() - started,
                        "cpu": time.process_time() - cpu,
                        "trials": sum(record["stage"] == "search" for record in model.records_),
                        "validation": model.best_score_,
                        "members": len(getattr(model, "ensemble_", [0])),
                        "test": errors(model, x_test, y_test, is_regression),
                    }
                )
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", metavar="DATA_DIR", help="folder of the data sets")
    parser.add_argument("--budget", type=float, help="seconds of `fit`")
    parser.add_argument("--trials", type=int, help="number of trials")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--folds", type=int, nargs="+", default=[0, 5], help="numbers of folds; 0 is a single split")
    parser.add_argument("--rows", type=int, default=400, help="largest number of training rows of a table")
    parser.add_argument("--sets", nargs="+", default=TABLES + SERIES, metavar="SET")
    parser.add_argument("--output", help="JSON file, written anew after each data set")
    arguments = parser.parse_args()
    line = "{:<25} {:<8} {:>6} {:>8} {:>7} {:>7} {:>8}"
    print(common.machine())
    print(line.format("set", "model", "error", "loss", "seconds", "cpu", "trials"), flush=True)
    runs = []
    for name in arguments.sets:
        call = {
            "name": name,
            "data": arguments.data,
            "rows": arguments.rows,
            "budget": arguments.budget,
            "seeds": arguments.seeds,
            "folds": [number or None for number in arguments.folds],
            "trials": arguments.trials,
        }
        results = common.in_fresh_process(__file__, "measure", call)
        if "error" in results:
            print(f"{name}: {results['error']}", flush=True)
            continue
        runs += [{"set": name, **result} for result in results]
        for model in dict.fromkeys(result["model"] for result in results):
            own = [result for result in results if result["model"] == model]
            error, loss = (statistics.mean(result["test"][index] or 0 for result in own) for index in range(2))
            spent = [statistics.mean(result.get(key, 0) for result in own) for key in ("seconds", "cpu", "trials")]
            print(
                line.format(name, model, f"{error:.4f}", f"{loss:.4f}", *(f"{number:.1f}" for number in spent)),
                flush=True,
            )
        if arguments.output:
            pathlib.Path(arguments.output).write_text(json.dumps(runs, indent=1))
    for model in dict.fromkeys(run["model"] for run in runs):
        own = [run for run in runs if run["model"] == model]
        losses = [run["test"][1] for run in own if run["test"][1] is not None]
        mean = statistics.mean(run["test"][0] for run in own)
        print(f"mean of {model}: error {mean:.4f}, loss {statistics.mean(losses):.4f}")


if __name__ == "__main__":
    main()
