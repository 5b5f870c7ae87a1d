"""Settings of boosted trees, alone and averaged with the default settings, on many tables.

    python benchmarks/boosted_trees.py DATA_DIRECTORY

Trees are scikit-learn's, fitted to one thread with early stopping on a validation set of a fifth of the training rows,
as in `BoostedTreesBlock`. A number is the loss on the test rows (log loss, or root mean squared error) relative to the
loss of the default settings. Below are the median over all tables, and the best setting beside the default if each
table in turn is left out: the choice carries over if it is always the same.
"""

import argparse
import json
import os
import pathlib
import sys
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import common  # noqa: E402

#: Largest number of training rows, a random sample of a larger table.
MOST_ROWS = 15_000
#: Largest number of classes of a table.
MOST_CLASSES = 15
DEFAULT = {
    "learning_rate": 0.1,
    "max_leaf_nodes": 31,
    "max_depth": 8,
    "min_samples_leaf": 20,
    "l2_regularization": 0.0,
    "max_features": 1.0,
    "max_iter": 300,
}
#: Dict from a description to the settings that differ from the default.
OTHERS = {
    "rate .05": {"learning_rate": 0.05},
    "rate .05, 600 iterations": {"learning_rate": 0.05, "max_iter": 600},
    "rate .05, 63 leaves, half of the features": {"learning_rate": 0.05, "max_leaf_nodes": 63, "max_features": 0.5},
    "16 leaves": {"max_leaf_nodes": 16},
    "8 leaves of 5 rows, half of the features": {"max_leaf_nodes": 8, "min_samples_leaf": 5, "max_features": 0.5},
    "leaves of 5 rows, half of the features": {"min_samples_leaf": 5, "max_features": 0.5},
    "rate .05, 16 leaves of 5 rows, half of the features": {
        "learning_rate": 0.05,
        "max_leaf_nodes": 16,
        "min_samples_leaf": 5,
        "max_features": 0.5,
    },
    "half of the features": {"max_features": 0.5},
    "L2 10": {"l2_regularization": 10.0},
    "leaves of 80 rows, half of the features, L2 10": {
        "min_samples_leaf": 80,
        "max_features": 0.5,
        "l2_regularization": 10.0,
    },
    "rate .03, 600 iterations, half of the features": {"learning_rate": 0.03, "max_iter": 600, "max_features": 0.5},
}


def table(folder):
    """Return rows and targets for training and test, and whether it is regression; `None` for other data sets."""
    import numpy as np
    import pandas as pd

    meta = json.loads((folder / "meta.json").read_text()) if (folder / "meta.json").exists() else {}
    if meta.get("kind") != "table" or not isinstance(meta.get("target"), str):
        return None
    parts = [pd.read_csv(folder / f"{split}.csv.gz") for split in ("train", "test")]
    if len(parts[0]) > MOST_ROWS:
        parts[0] = parts[0].sample(MOST_ROWS, random_state=0)
    n_train, frame = len(parts[0]), pd.concat(parts, ignore_index=True)
    target = frame.pop(meta["target"])
    is_regression = meta["task"] == "regression"
    y = target.to_numpy(float) if is_regression else pd.factorize(target)[0]
    if not is_regression and len(np.unique(y)) > MOST_CLASSES:
        return None
    for name in frame.columns[[not pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes]]:
        words = frame[name].fillna("").astype(str)
        codes = words.map(words.value_counts().rank(method="first", ascending=False)).astype(int)
        frame[name] = codes.clip(upper=250).astype("category")
    return frame[:n_train], y[:n_train], frame[n_train:], y[n_train:], is_regression


def losses(data):
    """Return a dict from a description to the loss relative to the default, alone and averaged with the default."""
    import numpy as np
    import threadpoolctl
    from sklearn import ensemble, model_selection

    x, y, x_test, y_test, is_regression = data
    x_train, x_validation, y_train, y_validation = model_selection.train_test_split(
        x, y, test_size=0.2, random_state=0, stratify=None if is_regression else y
    )
    kind = ensemble.HistGradientBoostingRegressor if is_regression else ensemble.HistGradientBoostingClassifier
    fixed = {"early_stopping": True, "n_iter_no_change": 20, "tol": 0.0, "random_state": 0}

    def predicted(settings):
        estimator = kind(**DEFAULT | settings, **fixed, categorical_features="from_dtype")
        estimator.fit(x_train, y_train, X_val=x_validation, y_val=y_validation)
        best = max(1, int(np.argmax(estimator.validation_score_)))
        staged = estimator.staged_predict(x_test) if is_regression else estimator.staged_predict_proba(x_test)
        return next(outputs for number, outputs in enumerate(staged, 1) if number == best)

    def loss(outputs):
        if is_regression:
            return float(np.sqrt(np.mean((outputs - y_test) ** 2)))
        return float(-np.mean(np.log(np.clip(outputs[np.arange(len(y_test)), y_test], 1e-9, 1))))

    with threadpoolctl.threadpool_limits(1):
        default = predicted({})
        others = {name: predicted(settings) for name, settings in OTHERS.items()}
    base = loss(default)
    alone = {name: loss(outputs) / base for name, outputs in others.items()}
    return alone | {f"{name}, averaged": loss((outputs + default) / 2) / base for name, outputs in others.items()}


def main():
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_directory", type=pathlib.Path)
    options = parser.parse_args()
    by_table = {}
    for folder in sorted(options.data_directory.iterdir()):
        data = table(folder) if folder.is_dir() else None
        if data is not None:
            by_table[folder.name] = losses(data)
            print(folder.name, len(data[0]), flush=True)
    summarise(by_table, [f"{name}, averaged" for name in OTHERS])


def summarise(by_table, contenders):
    """Print the median of each setting over the tables, and for each table the contender that is best on the others.

    Args:
        by_table: Dict from table to a dict from setting to a relative loss, the same settings for each table.
        contenders: List of the settings among which the best one is chosen.
    """
    import numpy as np

    names = list(next(iter(by_table.values())))
    ratios = np.array([[by_table[table_name][name] for name in names] for table_name in by_table])
    medians = np.median(ratios, axis=0)
    order = np.argsort(medians)
    rows = [(names[index], f"{medians[index]:.4f}", f"{np.mean(ratios[:, index] < 1):.2f}") for index in order]
    print(common.table(rows, ["settings", "median of the loss", "share of tables below 1"]))
    chosen = [names.index(name) for name in contenders]
    for left_out, table_name in enumerate(by_table if len(by_table) > 1 else []):
        others = np.delete(ratios, left_out, axis=0)[:, chosen]
        best = chosen[int(np.argmin(np.median(others, axis=0)))]
        print(f"without {table_name}: {names[best]}, {ratios[left_out, best]:.3f} on it")


if __name__ == "__main__":
    main()
