"""Overhead of executors, and speed-up of two workers over one.

    python benchmarks/executors.py
    python benchmarks/executors.py --executors process --trials 8

The benchmark measures for each executor:

- seconds until the first job of one worker has ended;
- milliseconds of an empty job in a warm worker, with and without a report: the median of consecutive jobs (wanted: at
  most 5);
- trials per minute, and CPU seconds per trial, of trials that train a small Keras model for about five seconds: with
  one worker of one thread, one worker with all cores (the default), and two workers (wanted: at least 1.7 times one
  worker).

Workers import Keras and train a model before the measurement. Run the benchmark on an idle machine. On a shared
machine, compare CPU seconds: the best possible speed-up is 2 * (CPU seconds of one) / (CPU seconds of two).
"""

import argparse
import dataclasses
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import common  # noqa: E402


@dataclasses.dataclass
class Job:
    """A job with `seconds` of training, or an empty one."""

    trial_id: str
    seconds: float = 0.0
    reports: bool = False
    deadline: float | None = None


def evaluate(job, report):
    """Send a report if requested, and train an image classifier for some seconds; return CPU seconds."""
    began = time.process_time()
    if job.reports:
        report(job.trial_id)
    if not job.seconds:
        return 0.0
    import keras
    import numpy as np

    from autonas.data import dataset
    from autonas.evaluation import fastest_loop

    generator = np.random.default_rng(0)
    x = {"x": generator.normal(size=(1024, 28, 28, 1)).astype("float32")}
    y = {"y": generator.integers(10, size=1024)}
    inputs = keras.Input((28, 28, 1), name="x")
    outputs = keras.layers.Conv2D(32, 3, activation="relu")(inputs)
    outputs = keras.layers.MaxPooling2D()(outputs)
    outputs = keras.layers.Conv2D(64, 3, activation="relu")(outputs)
    outputs = keras.layers.GlobalAveragePooling2D()(outputs)
    outputs = keras.layers.Dense(10, "softmax", name="y")(outputs)
    model = keras.Model({"x": inputs}, {"y": outputs})
    model.compile("adam", "sparse_categorical_crossentropy")
    rows = np.arange(len(x["x"]))
    loop = fastest_loop.make_loop(model, dataset.ArrayDataset(x, y, rows, rows[:1]))
    for _ in range(round(job.seconds * EPOCHS_A_SECOND)):
        loop.train_epoch(rows, 64, generator, lambda share: 0.001, None)
    return time.process_time() - began


#: Epochs of the model above per second of one core. Trials have a fixed number of epochs, even on a busy machine.
EPOCHS_A_SECOND = 9.0


def make(name, n_workers):
    """Return a new executor."""
    if name == "inline":
        from autonas.execution import inline

        return inline.InlineExecutor()
    if name == "process":
        from autonas.execution import process

        return process.ProcessExecutor(n_workers)
    from autonas.execution import ray

    return ray.RayExecutor(n_workers)


def outcomes(executor, jobs):
    """Run jobs on all slots of an executor; return the outcomes."""
    jobs, n_under_way, ended = list(jobs), 0, []
    while jobs or n_under_way:
        while jobs and n_under_way < executor.slots:
            executor.submit(jobs.pop())
            n_under_way += 1
        events = executor.wait()
        n_under_way -= len(events)
        ended += [event.outcome for event in events]
    return ended


def overhead(name, n_jobs=500):
    """Return a dict of seconds to start, and milliseconds of an empty job with and without a report."""
    began = time.perf_counter()
    with make(name, 1) as executor:
        executor.start(evaluate, lambda job, event: None)
        outcomes(executor, [Job("first")])
        timings = {"start": time.perf_counter() - began}
        for reports in (False, True):
            times = []
            for number in range(n_jobs):
                began = time.perf_counter()
                outcomes(executor, [Job(str(number), reports=reports)])
                times.append(time.perf_counter() - began)
            timings["report" if reports else "job"] = 1000 * statistics.median(times)
    return timings


def throughput(name, n_workers, n_threads, n_trials, seconds):
    """Return trials per minute and CPU seconds per trial, with `n_threads` per worker or the default for `None`."""
    variables = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "NPROC")
    if n_threads is not None:
        os.environ.update(dict.fromkeys(variables, str(n_threads)))
    try:
        with make(name, n_workers) as executor:
            executor.start(evaluate)
            # Run a job on each worker at the same time, so that all workers have imported and traced everything.
            while executor.slots < n_workers:
                outcomes(executor, [Job("warm up", 1.0)])
            outcomes(executor, [Job("warm up", 1.0) for _ in range(n_workers)])
            began = time.perf_counter()
            spent = outcomes(executor, [Job(str(number), seconds) for number in range(n_trials)])
            return 60 * n_trials / (time.perf_counter() - began), statistics.mean(spent)
    finally:
        if n_threads is not None:
            for variable in variables:
                del os.environ[variable]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--executors", nargs="+", default=["inline", "process", "ray"])
    parser.add_argument("--trials", type=int, default=12, help="trials for the throughput; 0 for none")
    parser.add_argument("--seconds", type=float, default=5.0, help="seconds of one")
    arguments = parser.parse_args()
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    rows = []
    for name in arguments.executors:
        timings = overhead(name)
        rows.append([name, *(f"{timings[key]:.2f}" for key in ("start", "job", "report"))])
    print(common.table(rows, ["executor", "start s", "job ms", "with a report ms"]))
    if not arguments.trials:
        return
    rows = []
    for name in arguments.executors:
        if name != "inline":
            measurements = [
                throughput(name, n_workers, n_threads, arguments.trials, arguments.seconds)
                for n_workers, n_threads in ((1, 1), (1, None), (2, None))
            ]
            rates, spent = zip(*measurements, strict=True)
            ratios = (rates[2] / rates[0], rates[2] / rates[1])
            rows.append(
                [name, *(f"{number:.1f}" for number in (*rates, *spent)), *(f"{ratio:.2f}" for ratio in ratios)]
            )
    print("\nTrials a minute, and CPU seconds of one")
    names = ("one, one thread", "one", "two")
    names += tuple(f"CPU {name}" for name in names)
    print(common.table(rows, ["executor", *names, "two / one, one thread", "two / one"]))


if __name__ == "__main__":
    main()
