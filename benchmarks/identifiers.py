"""Measure predictions by the categories of a column that many rows share in part, such as users or shops.

    python benchmarks/identifiers.py [--seconds 10] [--seeds 3]

Each category has a random effect of a normal distribution, beside the effect of a number. 1,000 training rows hold 300
categories, or 600, many of which are in a single row. In the table "no effect" the categories are noise. Rivals of the
same run: a ridge regression or logistic regression on one-hot codes, and histogram boosting on means of the target by
scikit-learn's `TargetEncoder`. A line shows the root of the mean squared error, or the log loss, of 2,000 test rows, in
the mean over the seeds.
"""

import argparse
import tempfile

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegressionCV, RidgeCV
from sklearn.metrics import log_loss, root_mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, TargetEncoder

import autonas

#: For each table: number of categories, deviation of their effects, and whether the target has classes.
TABLES = {
    "300 categories": (300, 1.0, False),
    "600 categories": (600, 1.0, False),
    "300 categories, classes": (300, 1.0, True),
    "no effect": (300, 0.0, False),
}
N_TRAIN, N_TEST = 1000, 2000


def table(n_categories, deviation, is_classification, seed):
    """Return the columns and the targets of all rows."""
    generator = np.random.default_rng(seed)
    effects = deviation * generator.normal(size=n_categories)
    codes = generator.integers(n_categories, size=N_TRAIN + N_TEST)
    x = pd.DataFrame(
        {
            "id": [f"u{code}" for code in codes],
            "a": generator.normal(size=len(codes)),
            "b": generator.normal(size=len(codes)),
        }
    )
    values = effects[codes] + 0.7 * x.a.to_numpy()
    noise = generator.normal(size=len(codes))
    return x, (values + 0.8 * noise > 0).astype(int) if is_classification else values + 0.5 * noise


def models(is_classification, seconds, seed, directory):
    """Return the unfitted models, a dict by name."""
    family = autonas.StructuredDataClassifier if is_classification else autonas.StructuredDataRegressor
    one_hot = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["id"]), remainder="passthrough")
    means = make_column_transformer((TargetEncoder(random_state=seed), ["id"]), remainder="passthrough")
    linear = (
        LogisticRegressionCV(Cs=np.logspace(-3, 2, 11), scoring="neg_log_loss", max_iter=1000)
        if is_classification
        else RidgeCV(np.logspace(-3, 3, 25))
    )
    boosting = HistGradientBoostingClassifier if is_classification else HistGradientBoostingRegressor
    options = {"time_limit": seconds, "seed": seed, "verbose": 0, "tensorboard": False, "overwrite": True}
    return {
        "autonas": family(directory=directory, **options),
        "linear": make_pipeline(one_hot, linear),
        "boosting": make_pipeline(means, boosting(early_stopping=True, random_state=seed)),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    for name, (*shape, is_classification) in TABLES.items():
        losses = {}
        for seed in range(arguments.seeds):
            x, y = table(*shape, is_classification, seed)
            with tempfile.TemporaryDirectory() as directory:
                for model_name, model in models(is_classification, arguments.seconds, seed, directory).items():
                    model.fit(x[:N_TRAIN], y[:N_TRAIN])
                    losses.setdefault(model_name, []).append(_loss(model, x[N_TRAIN:], y[N_TRAIN:], is_classification))
        means = ", ".join(f"{model_name} {np.mean(values):.4f}" for model_name, values in losses.items())
        print(f"{name}: {means}", flush=True)


def _loss(model, x, y, is_classification):
    return log_loss(y, model.predict_proba(x)) if is_classification else root_mean_squared_error(y, model.predict(x))


if __name__ == "__main__":
    main()
