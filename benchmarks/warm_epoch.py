"""Time of an epoch of a small network after the first one, compared to `Model.fit` on arrays.

    python benchmarks/warm_epoch.py

A small convolutional network is trained and validated on the digits. The two loops alternate in one process. The first
epoch of each turn is left out, because `Model.fit` prepares its data in it. Wanted: a ratio of at most 0.35.
"""

import argparse
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import common  # noqa: E402


def measure(turns, epochs, batch_size):
    """Return the seconds of each epoch after the first one, by loop."""
    import keras
    import numpy as np
    from sklearn.datasets import load_digits

    import autonas
    from autonas.data.fit_data import FitData
    from autonas.estimators.plan import make_plan
    from autonas.evaluation import fastest_loop
    from autonas.search_space import declaration

    x, y = load_digits(return_X_y=True)
    node = autonas.ImageInput()
    block = autonas.ConvolutionBlock(
        filters=16, kernel_size=3, n_stages=2, layers=1, kind="plain", downsampling="max", dropout=0.0
    )
    estimator = autonas.AutoModel(node, autonas.ClassificationHead(dropout=0.25)(block(node)), seed=0)
    fit_data = FitData(x.reshape(-1, 8, 8).astype("uint8"), y)
    prepared = estimator._prepare(make_plan(estimator, fit_data), fit_data)
    data = prepared.dataset
    ours = prepared.graph.build(declaration.DeclaringHyperParameters())
    plain = keras.models.clone_model(ours)
    plain.compile(keras.optimizers.AdamW(1e-3), ours.loss, metrics=[["accuracy"]])
    loop, generator = fastest_loop.make_loop(ours, data), np.random.default_rng(0)

    def by_autonas():
        ends = [time.perf_counter()]
        for _ in range(epochs + 1):
            loop.train_epoch(data.train_rows, batch_size, generator, lambda share: 1e-3, None)
            scores = prepared.scorer(loop.predict(data.validation_rows), data.validation_rows)
            ends.append(time.perf_counter())
        return ends, scores["val_accuracy"]

    def arrays_of(rows):
        return [{name: array[rows] for name, array in arrays.items()} for arrays in (data.inputs, data.targets)]

    def by_fit():
        ends = [time.perf_counter()]
        callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: ends.append(time.perf_counter()))
        history = plain.fit(
            *arrays_of(data.train_rows),
            validation_data=arrays_of(data.validation_rows),
            batch_size=batch_size,
            epochs=epochs + 1,
            verbose=0,
            callbacks=[callback],
        )
        return ends, history.history["val_accuracy"][-1]

    seconds, accuracy = {"fit": [], "autonas": []}, {}
    for _ in range(turns):
        for name, turn in (("fit", by_fit), ("autonas", by_autonas)):
            ends, accuracy[name] = turn()
            seconds[name] += np.diff(ends)[1:].tolist()
    return {"seconds": seconds, "accuracy": accuracy}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=5, help="epochs of a turn, after the first")
    parser.add_argument("--batch-size", type=int, default=32)
    arguments = parser.parse_args()
    call = {"turns": arguments.turns, "epochs": arguments.epochs, "batch_size": arguments.batch_size}
    result = common.in_fresh_process(os.path.abspath(__file__), "measure", call)
    if "error" in result:
        sys.exit(result["stderr"])
    medians = {name: statistics.median(seconds) for name, seconds in result["seconds"].items()}
    print(common.machine())
    print(
        common.table(
            [
                [
                    name,
                    f"{median:.4f}",
                    f"{min(seconds):.4f}",
                    f"{max(seconds):.4f}",
                    f"{result['accuracy'][name]:.4f}",
                ]
                for (name, seconds), median in zip(result["seconds"].items(), medians.values(), strict=True)
            ],
            ["loop", "median s", "min", "max", "validation accuracy at the end"],
        )
    )
    print(f"ratio {medians['autonas'] / medians['fit']:.3f} (wanted: at most 0.35)")


if __name__ == "__main__":
    main()
