"""Settings of boosted trees for the portfolio of tables: a sequence that is good together on many tables.

    python benchmarks/boosted_trees.py DATA_DIRECTORY

Trees are scikit-learn's on the features of `BoostedTreesBlock`, fitted by one thread with early stopping on a
validation set of a fifth of the training rows. Of random settings, those are chosen one after another whose ensemble
with the ones before, selected as `fit` selects it, has the lowest loss on the test rows (log loss, or root mean squared
error). A number is the mean over the tables of the logarithm of the loss relative to the default settings, of at most
0.2 for a table. Then each table in turn is left out: the sequence that is chosen on the others is measured on it.
"""

import argparse
import dataclasses
import itertools
import json
import os
import pathlib
import sys
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import common  # noqa: E402

#: Largest number of training rows, a random sample of a larger table.
MOST_ROWS = 6_000
#: Largest number of classes of a table.
MOST_CLASSES = 15
#: Number of random settings, and length of the sequence that is chosen.
N_SETTINGS, LENGTH = 32, 4
#: Largest absolute value of the logarithm of a relative loss, so that no table outweighs the others.
BOUND = 0.2
DEFAULT = {
    "learning_rate": 0.1,
    "max_leaf_nodes": 31,
    "min_samples_leaf": 20,
    "l2_regularization": 0.0,
    "max_features": 1.0,
}


def random_settings(generator):
    """Return random settings in the ranges of `BoostedTreesBlock`."""
    return {
        "learning_rate": round(float(0.02 * 12.5 ** generator.random()), 3),
        "max_leaf_nodes": int(generator.choice([4, 8, 16, 31, 63])),
        "min_samples_leaf": int(generator.choice([2, 5, 20, 80])),
        "l2_regularization": float(generator.choice([0.0, 1.0, 10.0, 30.0])),
        "max_features": float(generator.choice([0.2, 0.35, 0.5, 1.0])),
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


@dataclasses.dataclass
class Predictions:
    """Predictions of all settings for the validation and the test rows of a table.

    Args:
        validation: Array `(settings, rows, outputs)`.
        test: Array `(settings, rows, outputs)`.
        y_validation: Numbers or classes of the validation rows.
        y_test: Numbers or classes of the test rows.
        is_regression: Whether the target is a number.
    """

    validation: object
    test: object
    y_validation: object
    y_test: object
    is_regression: bool
    _losses: dict = dataclasses.field(default_factory=dict)

    def loss(self, outputs, y):
        """Return the loss of predictions `(rows, outputs)`."""
        import numpy as np

        if self.is_regression:
            return float(np.sqrt(np.mean((outputs[:, 0] - y) ** 2)))
        return float(-np.mean(np.log(np.clip(outputs[np.arange(len(y)), y], 1e-6, 1))))

    def relative_loss(self, indices):
        """Return the logarithm of the test loss of an ensemble of some settings relative to the default settings."""
        key = tuple(sorted(indices))
        if key not in self._losses:
            self._losses[key] = self._relative_loss(key)
        return self._losses[key]

    def _relative_loss(self, indices):
        import numpy as np

        from autonas.search import ensembles

        def score(predictions, members, rows=None):
            y = self.y_validation if rows is None else self.y_validation[rows]
            return {"loss": self.loss(predictions["y"], y)}

        candidates = {str(index): {"y": self.validation[index]} for index in indices}
        first = min(candidates, key=lambda name: score(candidates[name], {name})["loss"])
        generator, n_rows = np.random.default_rng(0), len(self.y_validation)
        selected = ensembles.select(
            candidates,
            first,
            score,
            lambda one, other: one["loss"] < other["loss"],
            5,
            samples=[generator.integers(n_rows, size=n_rows) for _ in range(10)],
        )
        outputs = sum(weight * self.test[int(name)] for name, weight in selected.members.items())
        ratio = self.loss(outputs, self.y_test) / self.loss(self.test[0], self.y_test)
        return float(np.clip(np.log(ratio), -BOUND, BOUND))


def predict(data, settings):
    """Return the `Predictions` of a list of settings for a table."""
    import numpy as np
    import threadpoolctl
    from sklearn import ensemble, model_selection

    from autonas.search_space.fitted import fitters, tree_features

    x, y, x_test, y_test, is_regression = data
    columns = [name for name in x if str(x[name].dtype) == "category"]
    others = [name for name in x if name not in columns]
    rows = [
        np.column_stack([frame[columns].astype(int).to_numpy(), frame[others].to_numpy("float32")]).astype("float32")
        for frame in (x, x_test)
    ]
    parts = model_selection.train_test_split(
        rows[0], y, test_size=0.2, random_state=0, stratify=None if is_regression else y
    )
    x_train, x_validation, y_train, y_validation = parts
    n_classes = 0 if is_regression else int(y.max()) + 1
    n_outputs = n_classes if n_classes > 2 else 1
    sizes = [int(max(part[:, index].max() for part in rows)) + 1 for index in range(len(columns))]
    features = tree_features.TreeFeatures(sizes, len(others), n_outputs)
    training = features.fit(fitters.Rows(x_train, y_train), np.random.default_rng(0)).inputs
    held = [features.transform(fitters.Rows(part, None)).inputs for part in (x_validation, rows[1])]
    kind = ensemble.HistGradientBoostingRegressor if is_regression else ensemble.HistGradientBoostingClassifier
    fixed = {"max_iter": 500, "max_depth": 8, "n_iter_no_change": 20, "tol": 0.0, "random_state": 0}
    outputs = []
    with threadpoolctl.threadpool_limits(1):
        for chosen in settings:
            estimator = kind(**chosen, **fixed, early_stopping=True)
            estimator.fit(training, y_train, X_val=held[0], y_val=y_validation)
            best = max(1, int(np.argmax(estimator.validation_score_)))
            staged = estimator.staged_predict if is_regression else estimator.staged_predict_proba
            outputs.append([next(itertools.islice(staged(part), best - 1, None)) for part in held])
    validation, test = (np.array(part).reshape(len(settings), len(part[0]), -1) for part in zip(*outputs, strict=True))
    return Predictions(validation, test, y_validation, y_test, is_regression)


def sequence(tables):
    """Return the indices of the settings that are chosen on some tables, a list of `LENGTH`, and the mean loss."""
    import numpy as np

    chosen, mean = [], 0.0
    for _ in range(LENGTH):
        means = {
            index: np.mean([table.relative_loss([*chosen, index]) for table in tables])
            for index in range(N_SETTINGS + 1)
            if index not in chosen
        }
        best = min(means, key=means.get)
        chosen, mean = [*chosen, best], means[best]
    return chosen, mean


def main():
    import numpy as np

    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_directory", type=pathlib.Path)
    options = parser.parse_args()
    generator = np.random.default_rng(5)
    settings = [DEFAULT, *(random_settings(generator) for _ in range(N_SETTINGS))]
    tables = {}
    for folder in sorted(options.data_directory.iterdir()):
        data = table(folder) if folder.is_dir() else None
        if data is not None:
            tables[folder.name] = predict(data, settings)
            print(folder.name, len(data[0]), flush=True)
    chosen, mean = sequence(list(tables.values()))
    for index in chosen:
        print(settings[index])
    print(f"mean over all tables {mean:.4f}")
    left_out = {}
    for name, left in tables.items():
        others, _ = sequence([other for other in tables.values() if other is not left])
        left_out[name] = left.relative_loss(others)
        print(f"without {name}: {others}, {left_out[name]:.4f} on it", flush=True)
    values = list(left_out.values())
    print(f"left out: mean {np.mean(values):.4f}, median {np.median(values):.4f}")


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
