"""Time and size of the TensorBoard log of a search.

    python benchmarks/tensorboard_log.py search --budget 60
    python benchmarks/tensorboard_log.py hour

`search` fits the digits for some seconds, and prints the share of the time of `fit` that the log takes. The end of the
log, with pictures and importances, is shown separately. Wanted: less than 2 %. `hour` writes the trials of searches of
an hour without training: thousands of short trials, hundreds of longer ones, and a few of thousands of epochs. Wanted:
less than 50 MB each. On a shared machine, compare CPU seconds.
"""

import argparse
import os
import tempfile
import time

HOOKS = (
    "on_search_begin", "on_trial_begin", "on_epoch_end", "on_trial_end", "on_search_numbers", "on_predictions",
    "on_search_end",
)  # fmt: skip
#: Number of trials, epochs of each, and decisions.
HOURS = {"10,000 short trials": (10_000, 3, 40), "1,000 trials": (1000, 30, 40), "10 long trials": (10, 5000, 40)}


class Seconds:
    """Wrapper of a reporter that measures wall and CPU seconds of each hook."""

    def __init__(self, reporter):
        self.spent = {name: {"wall": 0.0, "CPU": 0.0} for name in HOOKS}
        for name in HOOKS:
            setattr(reporter, name, self._counting(name, getattr(reporter, name)))

    def _counting(self, name, hook):
        def call(*arguments):
            wall, cpu = time.perf_counter(), time.process_time()
            hook(*arguments)
            self.spent[name]["wall"] += time.perf_counter() - wall
            self.spent[name]["CPU"] += time.process_time() - cpu

        return call

    def while_running(self, clock):
        """Return the seconds of all hooks but the last."""
        return sum(spent[clock] for name, spent in self.spent.items() if name != "on_search_end")

    def at_the_end(self, clock):
        """Return the seconds of the last hook."""
        return self.spent["on_search_end"][clock]


def size(directory):
    """Return the bytes of all files of a folder."""
    return sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(directory) for name in names)


def search(budget):
    """Fit the digits for some seconds."""
    from sklearn.datasets import load_digits

    import autonas
    from autonas.estimators import auto_model
    from autonas.reporting import TensorBoardReporter

    counted = []

    def reporter(directory):
        made = TensorBoardReporter(directory)
        counted.append(Seconds(made))
        return made

    auto_model.TensorBoardReporter = reporter
    x, y = load_digits(return_X_y=True)
    with tempfile.TemporaryDirectory() as directory:
        began = {"wall": time.perf_counter(), "CPU": time.process_time()}
        model = autonas.AutoModel(time_limit=budget, verbose=0, seed=0, directory=directory)
        model.fit(x.reshape(-1, 8, 8), y)
        total = {"wall": time.perf_counter() - began["wall"], "CPU": time.process_time() - began["CPU"]}
        n_bytes = size(os.path.join(directory, "tensorboard"))
    (seconds,) = counted
    n_trials = (model.leaderboard().stage == "search").sum()
    print(f"{n_trials} trials; {n_bytes / 1e6:.2f} MB, {n_bytes / 1e6 * 3600 / total['wall']:.1f} MB an hour")
    for clock in total:
        running, end = seconds.while_running(clock), seconds.at_the_end(clock)
        print(
            f"{clock:>4}: {running:.2f} s while it ran, {end:.2f} s at its end, of {total[clock]:.1f} s: "
            f"{(running + end) / total[clock]:.2%}, its end left out {running / total[clock]:.2%}"
        )


def hour(name):
    """Write the log of a search of an hour."""
    import numpy as np

    from autonas.reporting import SearchInfo, TensorBoardReporter, TrialRecord

    n_trials, n_epochs, n_decisions = HOURS[name]
    generator = np.random.default_rng([0, n_trials])
    blueprint = [
        {"name": "image_input_1", "kind": "ImageInput", "inputs": []},
        {"name": "image_block_1", "kind": "ImageBlock", "inputs": ["image_input_1"]},
        {"name": "classification_head_1", "kind": "ClassificationHead", "inputs": ["image_block_1"]},
    ]
    space = [
        {"name": f"image_block_1/kind_residual/decision_{index}", "type": "Int", "min": 1, "max": 8}
        for index in range(n_decisions)
    ]
    # The time of the search is set to one hour, so that each picture is due.
    info = SearchInfo("val_accuracy", "max", space, started=time.time() - 3600, blueprint=blueprint)
    with tempfile.TemporaryDirectory() as directory:
        reporter = TensorBoardReporter(directory)
        seconds = Seconds(reporter)
        reporter.on_search_begin(info)
        records, best = [], None
        for number in range(n_trials):
            values = {decision["name"]: int(generator.integers(1, 9)) for decision in space}
            record = TrialRecord(f"{number:04d}", number, values=values)
            reporter.on_trial_begin(record)
            score = float(1 - generator.uniform())
            for epoch in range(1, n_epochs + 1):
                numbers = {"loss": 1 / epoch, "val_loss": 1 / epoch, "val_accuracy": score, "learning_rate": 0.1}
                record.history.append(numbers)
                reporter.on_epoch_end(record, epoch, numbers)
            record.status, record.score, record.metrics = "completed", score, numbers
            record.epochs = record.best_epoch = n_epochs
            record.parameters, record.seconds = 12345, 3600 / n_trials
            record.phases = {phase: record.seconds / 5 for phase in ("build", "compile", "train", "validate", "other")}
            records.append(record)
            best = record if best is None or score > best.score else best
            reporter.on_trial_end(record, best)
            reporter.on_search_numbers(record, {f"strategy/number_{index}": 0.5 for index in range(20)})
        reporter.on_search_end(records, "time_limit")
        n_bytes = size(directory)
        n_runs = len(os.listdir(directory))
    running, end = seconds.while_running("CPU"), seconds.at_the_end("CPU")
    print(
        f"{name:>20}: {n_bytes / 1e6:5.1f} MB in {n_runs} runs; CPU {running:5.1f} s while it runs, {end:.1f} s at its "
        f"end: {(running + end) / 3600:.2%} of the hour"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("search").add_argument("--budget", type=float, default=60.0)
    commands.add_parser("hour")
    arguments = parser.parse_args()
    if arguments.command == "search":
        search(arguments.budget)
    else:
        for name in HOURS:
            hour(name)
