"""StructuredDataRegressor on tables of more columns than rows, beside linear models and a forest of scikit-learn.

    python benchmarks/wide_tables.py --budget 15 --seeds 0 1 2

The tables are drawn: 20,000 columns of which twenty matter together, 2,000 of which three matter, and spectra of four
substances over a strong background. A result is the mean squared error as a share of the variance. All runs use one
core.
"""

import argparse
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import common  # noqa: E402

SETS = "many", "few", "spectra"


def table(name, seed):
    """Return the columns and the target of a table, whose last third is for the test."""
    import numpy as np

    generator = np.random.default_rng(seed)
    if name == "many":
        x = generator.normal(size=(90, 20_000)) + generator.normal(size=(90, 1))
        return x, x[:, :20].sum(axis=1) + generator.normal(size=90)
    if name == "few":
        x = generator.normal(size=(150, 2000))
        return x, 3 * x[:, 0] - 2 * x[:, 1] + x[:, 2] + 0.5 * generator.normal(size=150)
    peaks = np.exp(-(((np.linspace(0, 1, 700) - [[0.2], [0.45], [0.5], [0.8]]) / 0.06) ** 2))
    amounts = generator.uniform(size=(160, 4))
    x = amounts @ peaks + 0.5 * generator.normal(size=(160, 1)) + 0.003 * generator.normal(size=(160, 700))
    return x, amounts[:, 2]


def regressors(name, budget, seed):
    """Fit all regressors; return the error of each as a share of the variance, and the seconds of autonas."""
    import numpy as np
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.linear_model import LassoCV, RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    import autonas

    x, y = table(name, seed)
    n_training = 2 * len(y) // 3
    models = {
        "autonas": autonas.StructuredDataRegressor(time_limit=budget, seed=seed, tensorboard=False, verbose=0),
        "ridge": make_pipeline(StandardScaler(), RidgeCV(np.logspace(-7, 5, 13))),
        "lasso": make_pipeline(StandardScaler(), LassoCV()),
        "forest": RandomForestRegressor(100, random_state=seed),
    }
    results = {}
    for label, model in models.items():
        started = time.monotonic()
        model.fit(x[:n_training], y[:n_training])
        results.setdefault("seconds", time.monotonic() - started)
        errors = np.ravel(model.predict(x[n_training:])) - y[n_training:]
        results[label] = float(np.mean(errors**2) / y.var())
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--budget", type=float, default=15)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    for name in options.sets:
        for seed in options.seeds:
            arguments = {"name": name, "budget": options.budget, "seed": seed}
            print(name, seed, common.in_fresh_process(__file__, "regressors", arguments), flush=True)


if __name__ == "__main__":
    main()
