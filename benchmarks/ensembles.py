"""Test errors of the best candidate alone, of the default ensemble, and of a selected ensemble of the same search.

    python benchmarks/ensembles.py DATA_DIR --budget 20 --seeds 0

No network is trained on all rows, so that the ensembles differ in nothing but their members. The rows of a table are
split anew for every seed, see `small_data.py`. Errors are 1 - accuracy for classes, and the root mean squared error
divided by the standard deviation of the test targets for numbers. Each data set has a fresh process on one core.
"""

import argparse
import os
import statistics
import sys
import tempfile
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import common  # noqa: E402
import small_data  # noqa: E402

SETS = (
    "abalone", "auto_imports", "bike_sharing", "breast_cancer_recurrence", "german_credit", "housing", "ionosphere",
    "mammography", "midwest_survey", "open_payments", "penguins", "phoneme", "pima", "sonar", "titanic", "wheat_seeds",
    "wine_quality", "acsf1", "arrow_head", "beef", "chinatown", "gun_point", "italy_power_demand", "osu_leaf",
)  # fmt: skip
#: Kinds of ensembles, and the arguments of `AutoModel` that make them.
KINDS = {"alone": None, "default": "auto", "selected": 5}


def measure(name, data, budget, seed):
    """Return the number of trials, and for each kind the number of members, the error and the log loss."""
    import autonas

    x, y, x_test, y_test, is_regression = small_data.load(name, data, seed)
    results, limits = {}, {"time_limit": budget}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for kind, ensemble in KINDS.items():
            model = autonas.AutoModel(
                task="regression" if is_regression else None,
                **limits,
                ensemble=ensemble,
                refit=False,
                seed=seed,
                verbose=0,
                tensorboard=False,
                directory=os.path.join(folder, "run"),
            ).fit(x, y)
            members = getattr(model, "ensemble_", [1])
            results[kind] = [len(members), *small_data.errors(model, x_test, y_test, is_regression)]
            trials = [record for record in model.records_ if record["stage"] == "search"]
            # The search has all of its trials: the next `fit` serves another model.
            limits = {"time_limit": 10 * budget, "max_trials": len(trials)}
    return {"trials": len(trials), "results": results}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", metavar="DATA_DIR", help="folder of the data sets")
    parser.add_argument("--budget", type=float, default=20.0, help="seconds of the search")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--sets", nargs="+", default=SETS, metavar="SET")
    arguments = parser.parse_args()
    line = "{:<26} {:>4} {:>6}" + " {:>8} {:>7} {:>6}" * len(KINDS)
    print(common.machine())
    print(
        line.format("set", "seed", "trials", *(word for kind in KINDS for word in (kind, "loss", "size"))), flush=True
    )
    errors = {kind: [] for kind in KINDS}
    for name in arguments.sets:
        for seed in arguments.seeds:
            call = {"name": name, "data": arguments.data, "budget": arguments.budget, "seed": seed}
            found = common.in_fresh_process(__file__, "measure", call)
            if "error" in found:
                print(f"{name} {seed}: {found['error']}", flush=True)
                continue
            cells = []
            for kind, (size, error, loss) in found["results"].items():
                errors[kind].append(error)
                cells += [f"{error:.4f}", "" if loss is None else f"{loss:.3f}", size]
            print(line.format(name, seed, found["trials"], *cells), flush=True)
    for kind, values in errors.items():
        ratio = statistics.geometric_mean(
            error / alone for error, alone in zip(values, errors["alone"], strict=True) if error and alone
        )
        print(f"{kind}: errors are {ratio:.3f} of the best candidate's (geometric mean)")


if __name__ == "__main__":
    main()
