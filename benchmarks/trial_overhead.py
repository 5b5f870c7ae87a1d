"""Overhead of a trial in addition to building and training, and its growth with the number of trials.

    python benchmarks/trial_overhead.py --trials 300

The model is trivial: one hidden layer, 64 rows, one epoch. One process each runs bare Keras (build, compile, fit),
Keras Tuner's `RandomSearch`, and autonas. The overhead is the wall time from the start of a trial to the start of the
next trial, without building and training (including the scoring after an epoch). Wanted: less than 0.15 s, and no
growth from trials 5 to 15 to the last ten trials. The script prints medians; the mean includes rare events. On a shared
machine, compare CPU seconds.
"""

import argparse
import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import common  # noqa: E402

LOOPS = ("bare Keras", "Keras Tuner", "autonas")


def rows():
    """Return 64 rows, for training and validation."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return x[:64].astype("float32"), y[:64]


class Clock:
    """Recorder of the start of each trial, and of wall and CPU seconds of building and training."""

    def __init__(self):
        self.trials = []

    def begin(self):
        now = {"wall": time.perf_counter(), "cpu": time.process_time()}
        self.trials.append({"began": now, "building": dict.fromkeys(now, 0.0), "training": dict.fromkeys(now, 0.0)})

    def add(self, what, wall, cpu):
        if self.trials:
            self.trials[-1][what]["wall"] += wall
            self.trials[-1][what]["cpu"] += cpu

    def timed(self, what, function, *args, **kwargs):
        wall, cpu = time.perf_counter(), time.process_time()
        result = function(*args, **kwargs)
        self.add(what, time.perf_counter() - wall, time.process_time() - cpu)
        return result

    def result(self):
        """Return the seconds of each trial but the last: in total, in building, in training, and the rest."""
        trials = []
        for trial, following in zip(self.trials, self.trials[1:], strict=False):
            spent = {what: dict(trial[what]) for what in ("building", "training")}
            spent["total"] = {clock: following["began"][clock] - trial["began"][clock] for clock in ("wall", "cpu")}
            spent["overhead"] = {
                clock: total - trial["building"][clock] - trial["training"][clock]
                for clock, total in spent["total"].items()
            }
            trials.append(spent)
        return trials


def build(learning_rate):
    """Return the trivial model, compiled."""
    import keras

    model = keras.Sequential(
        [keras.Input((64,)), keras.layers.Dense(16, activation="relu"), keras.layers.Dense(10, "softmax")]
    )
    model.compile(keras.optimizers.Adam(learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def bare_keras(trials):
    """Run build, compile and fit."""
    import numpy as np

    clock, generator = Clock(), np.random.default_rng(0)
    x, y = rows()
    data = {"x": x[:51], "y": y[:51], "validation_data": (x[51:], y[51:])}
    for _ in range(trials + 1):
        clock.begin()
        model = clock.timed("building", build, 10 ** generator.uniform(-4, -2))
        clock.timed("training", model.fit, **data, epochs=1, batch_size=16, verbose=0)
    return clock.result()


def keras_tuner(trials):
    """Run the loop of Keras Tuner."""
    import keras_tuner

    clock = Clock()
    x, y = rows()

    class Model(keras_tuner.HyperModel):
        def build(self, hp):
            return clock.timed("building", build, hp.Float("learning_rate", 1e-4, 1e-2, sampling="log"))

        def fit(self, hp, model, *args, **kwargs):
            return clock.timed("training", model.fit, *args, **kwargs)

    class Search(keras_tuner.RandomSearch):
        def on_trial_begin(self, trial):
            clock.begin()
            super().on_trial_begin(trial)

    with tempfile.TemporaryDirectory() as folder:
        tuner = Search(Model(), objective="val_accuracy", max_trials=trials + 1, directory=folder, seed=1)
        tuner.search(x[:51], y[:51], validation_data=(x[51:], y[51:]), epochs=1, batch_size=16, verbose=0)
    return clock.result()


def autonas(trials, tensorboard=False):
    """Run the loop of autonas through `AutoModel`."""
    import autonas
    from autonas import oracles
    from autonas.evaluation import networks, training

    clock = Clock()
    create = oracles.Oracle.create_trial

    def create_trial(self, tuner_id):
        clock.begin()
        return create(self, tuner_id)

    oracles.Oracle.create_trial = create_trial
    common.around(networks.Networks, "build", lambda wall, cpu, *_: clock.add("building", wall, cpu))
    common.around(training, "train", lambda wall, cpu, *_: clock.add("training", wall, cpu))
    node = autonas.StructuredDataInput()
    output = autonas.DenseBlock(units=16, depth=1, batch_normalization=False, dropout=0.0, residual=False)(node)
    output = autonas.ClassificationHead(num_classes=10, dropout=0.0)(output)
    with tempfile.TemporaryDirectory() as folder:
        autonas.AutoModel(
            node,
            output,
            max_trials=trials,
            epochs=1,
            seed=0,
            refit=False,
            verbose=0,
            tensorboard=tensorboard,
            directory=os.path.join(folder, "run"),
        ).fit(*rows())
    return clock.result()


def windows(trials):
    """Return trials 5 to 15 and the last ten trials."""
    return {"trials 5-15": trials[5:15], f"trials {max(0, len(trials) - 10)}-{len(trials)}": trials[-10:]}


def main():
    from statistics import mean, median

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--rival-trials", type=int, default=30, help="trials of bare Keras and of Keras Tuner")
    parser.add_argument("--loops", nargs="+", choices=LOOPS, default=LOOPS, help="which to measure")
    parser.add_argument("--tensorboard", action="store_true", help="with the TensorBoard log")
    parser.add_argument("--output", help="JSON file")
    arguments = parser.parse_args()
    calls = {
        "bare Keras": ("bare_keras", {"trials": arguments.rival_trials}),
        "Keras Tuner": ("keras_tuner", {"trials": arguments.rival_trials}),
        "autonas": ("autonas", {"trials": arguments.trials, "tensorboard": arguments.tensorboard}),
    }
    results, lines = {}, []
    for name in arguments.loops:
        function, options = calls[name]
        results[name] = common.in_fresh_process(os.path.abspath(__file__), function, options)
        if "error" in results[name]:
            sys.exit(f"{name}: {results[name]['stderr']}")
        for window, trials in windows(results[name]).items():
            columns = [
                *(
                    median(trial[what]["wall"] for trial in trials)
                    for what in ("total", "building", "training", "overhead")
                ),
                mean(trial["overhead"]["wall"] for trial in trials),
                *(median(trial[what]["cpu"] for trial in trials) for what in ("total", "overhead")),
                mean(trial["overhead"]["cpu"] for trial in trials),
            ]
            lines.append([name, window, *(f"{value:.3f}" for value in columns)])
    print(common.machine())
    print(
        common.table(
            lines,
            [
                "loop",
                "window",
                "total",
                "building",
                "training",
                "overhead",
                "mean",
                "CPU total",
                "CPU overhead",
                "mean",
            ],
        )
    )
    if arguments.output:
        common.write_json(arguments.output, {"machine": common.machine(), "trials": results})


if __name__ == "__main__":
    main()
