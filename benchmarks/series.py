"""Classifiers of series after some seconds, compared with MiniRocket and a ridge classifier in the same run.

    python benchmarks/series.py DATA_DIRECTORY --budget 10 --seeds 0 1 2
    python benchmarks/series.py DATA_DIRECTORY --budget 10 --seeds 0 1 2 --variant swapped

A variant of the sets shows whether a rule holds on other data: `few` keeps half of the training rows of each class,
`swapped` trains on the test rows, at most 500, and tests on the training rows, `short` cuts each series to its second
quarter and third quarter, and `noisy` adds three channels of noise.
The reference is MiniRocket (Dempster et al. 2021) in NumPy with scikit-learn's `RidgeClassifierCV`, both apart from the
package. Accuracies are means over the seeds. CPU seconds are those of `fit`, and of fitting and predicting for the
reference. Every measurement runs in a process of its own on one core.
"""

import argparse
import itertools
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import common  # noqa: E402

SETS = [
    "acsf1",
    "arrow_head",
    "basic_motions",
    "beef",
    "chinatown",
    "ecg5000",
    "gun_point",
    "italy_power_demand",
    "japanese_vowels",
    "osu_leaf",
]


def load(name, data_directory, variant=None, seed=0):
    """Return training series `(n, time, channels)`, their classes, and the same for the test set."""
    import numpy as np

    with np.load(os.path.join(data_directory, name, "data.npz")) as data:
        x_train, y_train, x_test, y_test = (data[key] for key in ("x_train", "y_train", "x_test", "y_test"))
    shape = (*x_train.shape[1:], 1)[:2]
    return _varied(variant, seed, x_train.reshape(-1, *shape), y_train, x_test.reshape(-1, *shape), y_test)


def _varied(variant, seed, x_train, y_train, x_test, y_test):
    import numpy as np

    generator = np.random.default_rng([seed, 7])
    if variant == "few":
        order = generator.permutation(len(y_train))
        ranks = np.empty(len(order), int)
        for label in np.unique(y_train):
            rows = order[y_train[order] == label]
            ranks[rows] = np.arange(len(rows)) * 2 >= max(4, len(rows))
        x_train, y_train = x_train[ranks == 0], y_train[ranks == 0]
    elif variant == "swapped":
        rows = generator.permutation(len(y_test))[:500]
        x_train, y_train, x_test, y_test = x_test[rows], y_test[rows], x_train, y_train
    elif variant == "short":
        length = x_train.shape[1]
        x_train, x_test = (x[:, length // 4 : length // 4 + max(2, length // 2)] for x in (x_train, x_test))
    elif variant == "noisy":
        deviation = np.nanstd(x_train)
        x_train, x_test = (
            np.concatenate([x, deviation * generator.normal(size=(*x.shape[:2], 3))], axis=2).astype("float32")
            for x in (x_train, x_test)
        )
    return x_train, y_train, x_test, y_test


def scores_of(truth, probabilities, classes):
    """Return accuracy and log loss. A class of the test set that training rows lack has probability 0."""
    import numpy as np

    columns = {label: column for column, label in enumerate(classes)}
    own = [row[columns[label]] if label in columns else 0.0 for row, label in zip(probabilities, truth, strict=True)]
    accuracy = np.mean(np.asarray(classes)[probabilities.argmax(1)] == truth)
    return {"accuracy": float(accuracy), "log loss": float(-np.log(np.clip(own, 1e-7, 1)).mean())}


def search(name, data_directory, budget, seed, variant):
    """Measure autonas; return a dict."""
    import autonas

    x, y, others, truth = load(name, data_directory, variant, seed)
    # The first use of a name imports the backend.
    model = autonas.TimeSeriesClassifier(time_limit=budget, seed=seed, verbose=0, tensorboard=False)
    before, started = common.cpu_seconds(), time.monotonic()
    model.fit(x, y)
    seconds = {"cpu": common.cpu_seconds() - before, "seconds": time.monotonic() - started}
    trials = sum(record["stage"] == "search" and record["status"] == "completed" for record in model.records_)
    return seconds | {"trials": trials} | scores_of(truth, model.predict_proba(others), list(model.classes_))


def reference(name, data_directory, budget, seed, variant):
    """Measure MiniRocket with a ridge classifier; return a dict. `budget` isn't used."""
    import numpy as np
    from sklearn.linear_model import RidgeClassifierCV
    from sklearn.preprocessing import StandardScaler

    x, y, others, truth = load(name, data_directory, variant, seed)
    generator = np.random.default_rng(seed)
    before, started = common.cpu_seconds(), time.monotonic()
    mean, deviation = np.nanmean(x, (0, 1)), np.nanstd(x, (0, 1)) + 1e-9
    x, others = (np.nan_to_num((values - mean) / deviation).astype("float32") for values in (x, others))
    train, test = minirocket(x, others, generator)
    scaler = StandardScaler().fit(train)
    model = RidgeClassifierCV(np.logspace(-3, 3, 10)).fit(scaler.transform(train), y)
    accuracy = model.score(scaler.transform(test), truth)
    return {
        "accuracy": accuracy,
        "cpu": common.cpu_seconds() - before,
        "seconds": time.monotonic() - started,
    }


def minirocket(train, test, generator, n_features=9996, most_dilations=32):
    """Return MiniRocket's features of training and test series, `(n, features)`. Padding counts as zeros."""
    import numpy as np

    n_rows, length, n_channels = train.shape
    kernels = np.full((84, 9), -1.0, "float32")
    for kernel, chosen in zip(kernels, itertools.combinations(range(9), 3), strict=True):
        kernel[list(chosen)] = 2
    n_biases = n_features // 84
    exponents = np.linspace(0, np.log2(max(length - 1, 8) / 8), min(n_biases, most_dilations))
    dilations, counts = np.unique((2**exponents).astype(int), return_counts=True)
    counts = (counts * n_biases / len(exponents)).astype(int)
    counts[: n_biases - counts.sum()] += 1
    features, n_earlier = [[], []], 0
    for position, (dilation, count) in enumerate(zip(dilations, counts, strict=True)):
        read = np.ones((n_channels, 84), "float32")
        if n_channels > 1:
            read[:] = 0
            for column in read.T:
                size = int(2 ** generator.uniform(0, np.log2(min(n_channels, 9) + 1)))
                column[generator.choice(n_channels, size, replace=False)] = 1
        matrix = (kernels.T[:, None] * read).reshape(-1, 84)
        levels = (n_earlier + np.arange(1, 84 * count + 1)) * ((5**0.5 + 1) / 2) % 1
        n_earlier += 84 * count
        rows = train[generator.integers(n_rows, size=84)]
        responses = _responses(rows, matrix, dilation)[np.arange(84), :, np.arange(84)]
        biases = np.array(
            [np.quantile(*each) for each in zip(responses, levels.reshape(84, count), strict=True)], "float32"
        )
        margin = 4 * dilation
        for series, collected in zip((train, test), features, strict=True):
            batches = [
                _shares(_responses(series[start : start + 64], matrix, dilation), biases, margin, position)
                for start in range(0, len(series), 64)
            ]
            collected.append(np.concatenate(batches))
    return [np.concatenate(collected, axis=1) for collected in features]


def _responses(series, matrix, dilation):
    import numpy as np

    padded = np.pad(series, [(0, 0), (4 * dilation, 4 * dilation), (0, 0)])
    steps = [padded[:, step * dilation : step * dilation + series.shape[1]] for step in range(9)]
    return np.concatenate(steps, axis=2) @ matrix


def _shares(responses, biases, margin, position):
    """Return the shares of steps above the biases. Every second kernel leaves out the steps at the ends."""
    import numpy as np

    inner = responses[:, margin:-margin] if responses.shape[1] > 2 * margin else responses
    shares = np.empty((len(responses), *biases.shape), "float32")
    for first, part in ((position % 2, responses), (1 - position % 2, inner)):
        for bias in range(biases.shape[1]):
            shares[:, first::2, bias] = (part[..., first::2] > biases[first::2, bias]).mean(1)
    return shares.reshape(len(shares), -1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_directory")
    parser.add_argument("--budget", type=float, default=10.0, help="seconds of a search")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--variant", choices=["few", "swapped", "short", "noisy"])
    arguments = parser.parse_args()
    rows, means = [], {"search": [], "reference": []}
    for name in arguments.sets:
        row = [name]
        for function in ("search", "reference"):
            fixed = {"name": name, "data_directory": arguments.data_directory, "budget": arguments.budget}
            fixed["variant"] = arguments.variant
            mean = common.mean_over_seeds(__file__, function, fixed, arguments.seeds)
            means[function].append(mean["accuracy"])
            row += [f"{mean['accuracy']:.4f}", f"{mean['cpu']:.1f}"]
            if function == "search":
                row += [f"{mean['log loss']:.3f}", f"{mean['seconds']:.1f}", f"{mean['trials']:.1f}"]
        rows.append(row)
        print(*row, flush=True)
    averages = [f"{sum(values) / len(values):.4f}" for values in means.values()]
    rows.append(["mean", averages[0], "", "", "", "", averages[1], ""])
    header = ["", "autonas", "CPU s", "log loss", "seconds", "trials", "MiniRocket", "CPU s"]
    print(common.table(rows, header))


if __name__ == "__main__":
    main()
