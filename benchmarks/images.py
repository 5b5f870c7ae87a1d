"""Classifiers of images after some seconds, compared with a hand-made network in the same run.

    python benchmarks/images.py DATA_DIRECTORY --budget 60 --seeds 0 1 2

The reference is a convolutional network in plain Keras, trained by `model.fit` for the same seconds. Accuracies and log
losses are means over the seeds, on the test set. `NAME:N` as a set stands for its first N training rows. The last
columns are the numbers of the searches that end with a network of the speedrun family, and with one that is trained on
flipped or shifted images. Every measurement runs in a process of its own on one core.
"""

import argparse
import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import common  # noqa: E402
import series  # noqa: E402

SETS = ["digits", "mnist", "fashion_mnist", "cifar10", "cifar10:2000"]


def load(name, data_directory):
    """Return training images `(n, height, width, channels)`, their classes, and the same for the test set."""
    name, _, n_rows = name.partition(":")
    data = common.load(name, data_directory)
    x, others = (images.reshape(*images.shape[:3], -1) for images in (data.x_train, data.x_test))
    n_rows = int(n_rows or len(x))
    return x[:n_rows], data.y_train[:n_rows], others, data.y_test


def search(name, data_directory, budget, seed):
    """Measure autonas; return a dict."""
    import autonas

    x, y, others, truth = load(name, data_directory)
    with tempfile.TemporaryDirectory() as folder:
        # The first use of a name imports the backend.
        model = autonas.ImageClassifier(
            time_limit=budget, seed=seed, verbose=0, tensorboard=False, directory=os.path.join(folder, "run")
        )
        started = time.monotonic()
        model.fit(x, y)
        seconds = time.monotonic() - started
    trials = sum(record["stage"] == "search" and record["status"] == "completed" for record in model.records_)
    values = {name.split("/", 1)[-1]: value for name, value in model.best_hyperparameters_.items()}
    kept = {
        "seconds": seconds,
        "trials": trials,
        "speedrun": values.get("kind") == "speedrun",
        "flipped": bool(values.get("horizontal_flip")),
        "shifted": bool(values.get("translation")),
    }
    return kept | series.scores_of(truth, model.predict_proba(others), model.classes_)


def reference(name, data_directory, budget, seed):
    """Measure a hand-made network; return a dict."""
    import keras
    import numpy as np

    x, y, others, truth = load(name, data_directory)
    keras.utils.set_random_seed(seed)
    classes, codes = np.unique(y, return_inverse=True)
    inputs = keras.Input(x.shape[1:])
    outputs = keras.layers.Rescaling(1 / 255)(inputs)
    for filters in (32, 64):
        outputs = keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(outputs)
        outputs = keras.layers.MaxPooling2D()(outputs)
    outputs = keras.layers.Dropout(0.5)(keras.layers.Flatten()(outputs))
    model = keras.Model(inputs, keras.layers.Dense(len(classes), "softmax")(outputs))
    model.compile("adam", "sparse_categorical_crossentropy")
    started = time.monotonic()

    class Limit(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = time.monotonic() - started > budget

    model.fit(x, codes, batch_size=64, epochs=1000, verbose=0, callbacks=[Limit()])
    return {"seconds": time.monotonic() - started} | series.scores_of(truth, model.predict(others, verbose=0), classes)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_directory")
    parser.add_argument("--budget", type=float, default=60.0, help="seconds of a search")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--sets", nargs="+", default=SETS)
    arguments = parser.parse_args()
    rows = []
    for name in arguments.sets:
        row = [name]
        for function in ("search", "reference"):
            fixed = {"name": name, "data_directory": arguments.data_directory, "budget": arguments.budget}
            mean = common.mean_over_seeds(__file__, function, fixed, arguments.seeds)
            row += [f"{mean['accuracy']:.4f}", f"{mean['log loss']:.3f}", f"{mean['seconds']:.1f}"]
            if function == "search":
                row.append(f"{mean['trials']:.1f}")
                row += [round(mean[key] * len(arguments.seeds)) for key in ("speedrun", "flipped", "shifted")]
        rows.append(row)
        print(*row, flush=True)
    header = ["", "autonas", "log loss", "seconds", "trials", "speedrun", "flipped", "shifted"]
    print(common.table(rows, [*header, "hand-made", "log loss", "seconds"]))


if __name__ == "__main__":
    main()
