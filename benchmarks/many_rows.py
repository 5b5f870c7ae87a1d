"""AutoModel on a table of many rows after some seconds, and scikit-learn's histogram gradient boosting.

    python benchmarks/many_rows.py --rows 900000 --budget 20 60 --seeds 0 1 2

Three tenths of the rows are the test set. Both libraries use one core. The table is that of scikit-learn's
`make_classification`, with 25 columns, 12 of which are informative.
"""

import argparse
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import common  # noqa: E402


def halves(n_rows, seed):
    """Return the training rows, the test rows, and their classes."""
    from sklearn.datasets import make_classification
    from sklearn.model_selection import train_test_split

    x, y = make_classification(n_rows, 25, n_informative=12, random_state=seed)
    return train_test_split(x.astype("float32"), y, test_size=0.3, random_state=0, stratify=y)


def gradient_boosting(n_rows, seed, budget):
    """Fit scikit-learn's boosting of 100 iterations, whatever the time; return its measurements."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return measured(HistGradientBoostingClassifier(random_state=seed), n_rows, seed)


def auto_model(n_rows, seed, budget):
    """Fit `AutoModel` within a number of seconds; return its measurements."""
    import autonas

    return measured(autonas.AutoModel(time_limit=budget, seed=seed, tensorboard=False, verbose=0), n_rows, seed)


def measured(estimator, n_rows, seed):
    """Fit an estimator; return its test accuracy and the seconds of the fit."""
    x, others, y, truth = halves(n_rows, seed)
    started = time.monotonic()
    estimator.fit(x, y)
    seconds = time.monotonic() - started
    return {"accuracy": float((estimator.predict(others) == truth).mean()), "seconds": seconds}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=900_000)
    parser.add_argument("--budget", type=float, nargs="+", default=[20, 60])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    runs = [("gradient_boosting", 0.0), *(("auto_model", budget) for budget in options.budget)]
    for function, budget in runs:
        for seed in options.seeds:
            arguments = {"n_rows": options.rows, "seed": seed, "budget": budget}
            result = common.in_fresh_process(__file__, function, arguments)
            print(function, budget, seed, result, flush=True)


if __name__ == "__main__":
    main()
