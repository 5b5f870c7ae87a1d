"""What a trial costs beyond building and training its model, and whether that grows.

    python benchmarks/trial_overhead.py --trials 300

The model is trivial: one hidden layer, 64 rows, one epoch. In one process each: bare Keras (build, compile, fit),
Keras Tuner's `RandomSearch`, and autonas. Overhead: wall seconds from the start of a trial to the start of the next,
less those in which the model was built or trained (scoring after the epoch included). Wanted: under 0.15 s, as much
in the last ten trials as in trials 5 to 15. Medians; the mean holds what happens in some trials only. On a machine
that is shared, CPU seconds are what to compare.
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
    """64 rows to train and validate on."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return x[:64].astype("float32"), y[:64]


class Clock:
    """Collects for each trial when it began and what was spent in building and training, in wall and CPU seconds."""

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
        """Seconds of each trial but the last, whose end isn't known: in all, in building, in training, the rest."""
        found = []
        for trial, following in zip(self.trials, self.trials[1:], strict=False):
            spent = {what: dict(trial[what]) for what in ("building", "training")}
            spent["total"] = {clock: following["began"][clock] - trial["began"][clock] for clock in ("wall", "cpu")}
            spent["overhead"] = {
                clock: total - trial["building"][clock] - trial["training"][clock]
                for clock, total in spent["total"].items()
            }
            found.append(spent)
        return found


def build(learning_rate):
    """The trivial model, compiled."""
    import keras

    model = keras.Sequential(
        [keras.Input((64,)), keras.layers.Dense(16, activation="relu"), keras.layers.Dense(10, "softmax")]
    )
    model.compile(keras.optimizers.Adam(learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def bare_keras(trials):
    """Build, compile, fit."""
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
    """Keras Tuner's loop."""
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
    """autonas's loop, by the façade."""
    import autonas
    from autonas import oracles
    from autonas.evaluation import evaluator, training

    clock = Clock()
    create = oracles.Oracle.create_trial

    def create_trial(self, tuner_id):
        clock.begin()
        return create(self, tuner_id)

    oracles.Oracle.create_trial = create_trial
    common.around(evaluator.Evaluator, "build", lambda wall, cpu, *_: clock.add("building", wall, cpu))
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
    """Trials 5 to 15 and the last ten."""
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
    found, lines = {}, []
    for name in arguments.loops:
        function, options = calls[name]
        found[name] = common.in_fresh_process(os.path.abspath(__file__), function, options)
        if "error" in found[name]:
            sys.exit(f"{name}: {found[name]['stderr']}")
        for window, trials in windows(found[name]).items():
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
        common.write_json(arguments.output, {"machine": common.machine(), "trials": found})


if __name__ == "__main__":
    main()
