"""Measure which features of strings and categories pay for boosted trees, by cross-validation on several tables.

    python benchmarks/columns.py DATA_DIRECTORY [NAMES ...] [--seeds 3]

scikit-learn's histogram boosting is fitted to numbers and to the codes of categories, of which it tells 255 apart; with
the vectors of strings; with the means of the target by category instead of sets of categories; and with both, as in
`BoostedTreesBlock`. The loss is the logarithmic loss or the root of the mean squared error. A line shows its mean, the
difference to codes and numbers in percent with its standard error over the folds, and the CPU seconds of a fit. A name
with a format, such as `"bike_sharing:%m/%d/%Y %H:%M"`, has the dates of its ISO columns written in that format.
"""

import argparse
import json
import pathlib
import time

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import log_loss, root_mean_squared_error
from sklearn.model_selection import KFold, StratifiedKFold

from autonas.data import TableEncoder, infer_task
from autonas.search_space.fitted.fitters import Rows
from autonas.search_space.fitted.tree_features import TreeFeatures

#: Tables of `DATA_DIRECTORY` that have strings.
NAMES = ["titanic", "midwest_survey", "open_payments", "videogame_sales", "adult", "auto_imports"]
#: For each variant, whether the features include vectors of strings and means of the target.
VARIANTS = {"codes": (False, False), "strings": (True, False), "means": (False, True), "both": (True, True)}


def load(name, directory):
    """Return the columns and the targets of all rows of a table."""
    name, _, date_format = name.partition(":")
    folder = pathlib.Path(directory) / name
    frames = [pd.read_csv(path) for path in sorted(folder.glob("t*.csv.gz"))]
    frame = pd.concat(frames, ignore_index=True)
    target = frame.pop(json.loads((folder / "meta.json").read_text())["target"])
    if date_format:
        for column in frame.select_dtypes(["object", "string"]):
            dates = pd.to_datetime(frame[column], format="ISO8601", errors="coerce")
            if dates.notna().mean() > 0.5:
                frame[column] = dates.dt.strftime(date_format)
    return frame, target.to_numpy()


def losses(x, y, seeds):
    """Yield a dict from variant to pairs of loss and CPU seconds for each fold of each seed."""
    is_regression = infer_task(y) == "regression"
    classes, y = (None, y.astype("float64")) if is_regression else np.unique(y, return_inverse=True)
    n_outputs = 1 if is_regression or len(classes) == 2 else len(classes)
    splitter = KFold if is_regression else StratifiedKFold
    for seed in range(seeds):
        for train, test in splitter(5, shuffle=True, random_state=seed).split(x, y):
            encoder = TableEncoder().fit(x.iloc[train])
            tensors = encoder.transform(x)
            yield {
                variant: _loss(tensors, encoder, (y, n_outputs, is_regression), (train, test, seed), *options)
                for variant, options in VARIANTS.items()
            }


def _loss(tensors, encoder, target, split, with_strings, with_means):
    (y, n_outputs, is_regression), (train, test, seed) = target, split
    started = time.process_time()
    names = ["categories", "numbers", "strings"] if with_strings else ["categories", "numbers"]
    columns = np.concatenate([tensors[name] for name in names if name in tensors], axis=1, dtype="float32")
    cardinalities = encoder.feature.statistics["cardinalities"]
    if with_means:
        features = TreeFeatures(cardinalities, columns.shape[1] - len(cardinalities), n_outputs)
        n_categorical = 0
        training = features.fit(Rows(columns[train], y[train]), np.random.default_rng(seed)).inputs
        validation = features.transform(Rows(columns[test], y[test])).inputs
    else:
        n_categorical = len(cardinalities)
        columns[:, :n_categorical] = np.minimum(columns[:, :n_categorical], 254)
        training, validation = columns[train], columns[test]
    options = {"early_stopping": True, "n_iter_no_change": 20, "max_iter": 300, "random_state": seed}
    estimator = HistGradientBoostingRegressor if is_regression else HistGradientBoostingClassifier
    model = estimator(categorical_features=list(range(n_categorical)) or None, **options)
    model.fit(training, y[train])
    if is_regression:
        loss = root_mean_squared_error(y[test], model.predict(validation))
    else:
        loss = log_loss(y[test], model.predict_proba(validation), labels=model.classes_)
    return loss, time.process_time() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory")
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    for name in arguments.names:
        x, y = load(name, arguments.directory)
        folds = list(losses(x, y, arguments.seeds))
        print(f"{name}: {len(x)} rows, {x.shape[1]} columns", flush=True)
        first = np.array([fold["codes"][0] for fold in folds])
        for variant in VARIANTS:
            values, seconds = np.array([fold[variant] for fold in folds]).T
            change = 100 * (values - first) / first.mean()
            error = change.std(ddof=1) / np.sqrt(len(change))
            print(
                f"  {variant:8s} {values.mean():9.4f} {change.mean():+7.2f} % +- {error:.2f} {seconds.mean():6.2f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
