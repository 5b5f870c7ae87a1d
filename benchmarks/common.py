"""Shared functions of the benchmarks: data sets, and calls in a fresh process on some cores.

`python common.py SCRIPT FUNCTION ARGUMENTS CORES RESULT` runs a function in this process. With the environment variable
`BENCHMARK_CLOCK=processor` all clocks of that process count its processor seconds, so that time limits buy the same
work on a machine with other jobs.
"""

import dataclasses
import gzip
import importlib.util
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

SHARED_SETS = {
    "digits": "accuracy",
    "mnist": "accuracy",
    "fashion_mnist": "accuracy",
    "cifar10": "accuracy",
    "adult": "auc",
    "titanic": "accuracy",
    "california_housing": "rmse",
    "wine_quality": "rmse",
    "rt_polarity": "accuracy",
    "sms_spam": "accuracy",
    "trec6": "accuracy",
    "brown_genres": "accuracy",
    "ecg5000": "accuracy",
    "japanese_vowels": "accuracy",
}
#: Further tables.
TABLES = {
    "abalone": "rmse",
    "auto_imports": "rmse",
    "bike_sharing": "rmse",
    "breast_cancer_recurrence": "auc",
    "german_credit": "auc",
    "housing": "rmse",
    "ionosphere": "auc",
    "mammography": "auc",
    "midwest_survey": "accuracy",
    "open_payments": "auc",
    "penguins": "accuracy",
    "phoneme": "auc",
    "pima": "auc",
    "sonar": "auc",
    "videogame_sales": "rmse",
    "wheat_seeds": "accuracy",
}
#: Data sets of scikit-learn, split by `train_test_split(test_size=0.25, random_state=0)`.
SKLEARN_SETS = {"breast_cancer": "auc", "diabetes": "rmse", "iris": "accuracy"}
#: Dict from data set to its metric.
METRICS = SHARED_SETS | TABLES | SKLEARN_SETS


@dataclasses.dataclass
class DataSet:
    """A data set with a test set.

    Args:
        kind: `"image"`, `"table"`, `"text"` or `"series"`.
        metric: `"accuracy"`, `"auc"` or `"rmse"`.
        text_columns: Names of the columns of free text in a table.
    """

    kind: str
    metric: str
    x_train: object
    y_train: object
    x_test: object
    y_test: object
    text_columns: list = dataclasses.field(default_factory=list)


def metric(name, data_directory):
    """Return the metric of a data set: that of `METRICS`, or else the entry `"metric"` of `meta.json`."""
    return METRICS.get(name) or json.loads((pathlib.Path(data_directory) / name / "meta.json").read_text())["metric"]


def load(name, data_directory):
    """Load a data set by its name.

    Images are uint8 arrays, texts lists of str, tables DataFrames as read by pandas, and series arrays padded with NaN.
    """
    if name in SKLEARN_SETS:
        return _load_sklearn(name)
    folder = pathlib.Path(data_directory) / name
    meta = json.loads((folder / "meta.json").read_text())
    of_set = metric(name, data_directory)
    if (folder / "data.npz").exists():
        import numpy as np

        kind = "image" if meta["kind"] == "image" else "series"
        with np.load(folder / "data.npz") as data:
            return DataSet(kind, of_set, *(data[key] for key in ("x_train", "y_train", "x_test", "y_test")))
    if meta["kind"] == "text":
        parts = []
        for split in ("train", "test"):
            with gzip.open(folder / f"{split}.jsonl.gz", "rt", encoding="utf-8") as file:
                rows = [json.loads(line) for line in file]
            parts += [[row["text"] for row in rows], [row["label"] for row in rows]]
        return DataSet("text", of_set, *parts)
    import pandas

    parts = []
    for split in ("train", "test"):
        frame = pandas.read_csv(folder / f"{split}.csv.gz")
        target = frame.pop(meta["target"])
        parts += [frame, target.to_numpy()]
    return DataSet("table", of_set, *parts, meta.get("text_columns", []))


def _load_sklearn(name):
    from sklearn import datasets, model_selection

    x, y = getattr(datasets, f"load_{name}")(return_X_y=True, as_frame=True)
    x_train, x_test, y_train, y_test = model_selection.train_test_split(x, y.to_numpy(), test_size=0.25, random_state=0)
    return DataSet("table", METRICS[name], x_train, y_train, x_test, y_test)


def scores(dataset, estimator):
    """Score a fitted estimator on the test set; return a dict."""
    from sklearn import metrics

    predicted = estimator.predict(dataset.x_test)
    if dataset.metric == "rmse":
        return {"rmse": float(metrics.root_mean_squared_error(dataset.y_test, predicted))}
    results = {"accuracy": float(metrics.accuracy_score(dataset.y_test, predicted))}
    if dataset.metric == "auc":
        probabilities = estimator.predict_proba(dataset.x_test)
        truth = dataset.y_test == estimator.classes_[1]
        results["auc"] = float(metrics.roc_auc_score(truth, probabilities[:, 1]))
        results["log_loss"] = float(metrics.log_loss(truth, probabilities[:, 1].astype("float64")))
    return results


def in_fresh_process(script, function, arguments, threads=1, python=sys.executable, timeout=None):
    """Call a function of a script in a fresh process.

    Args:
        script: Path of the script.
        function: Name of a function in the script that returns JSON.
        arguments: Dict of keyword arguments.
        threads: Number of threads, and of cores. The last cores that are available to this process are used.
        python: Path of the interpreter. Defaults to the interpreter of this process.
        timeout: Seconds after which the process is killed, or `None`. Defaults to `None`.

    Returns:
        Returned value of the function, or `{"error": last line of stderr}`.
    """
    cores = sorted(os.sched_getaffinity(0))[-threads:]
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3", **dict.fromkeys(names, str(threads)))
    with tempfile.TemporaryDirectory() as folder:
        result = pathlib.Path(folder) / "result.json"
        command = [python, __file__, script, function, json.dumps(arguments), json.dumps(cores), str(result)]
        try:
            process = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, timeout=timeout)
        except subprocess.TimeoutExpired:
            return {"error": f"not done after {timeout:g} s"}
        if process.returncode or not result.exists():
            lines = process.stderr.strip().splitlines() or ["no message"]
            return {
                "error": f"exit status {process.returncode}: {lines[-1]}",
                "stderr": process.stderr[-4000:],
            }
        return json.loads(result.read_text())


def mean_over_seeds(script, function, arguments, seeds):
    """Return the mean of each number that a function of a script returns for some seeds, a dict.

    The process exits if a call fails.

    Args:
        script: As in `in_fresh_process`.
        function: As in `in_fresh_process`. The function returns a dict of numbers.
        arguments: Dict of keyword arguments besides `seed`.
        seeds: List of seeds.
    """
    results = [in_fresh_process(script, function, arguments | {"seed": seed}) for seed in seeds]
    if any("error" in result for result in results):
        sys.exit("\n".join(result.get("stderr", "") for result in results))
    return {key: sum(result[key] for result in results) / len(results) for key in results[0]}


def cpu_seconds():
    """Return the CPU seconds of this process and of its terminated children."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def peak_megabytes():
    """Return the largest resident set so far of this process, or of its largest terminated child, in megabytes.

    `ru_maxrss` includes memory of the parent at the time of the fork. Therefore the value for this process is read from
    `/proc`.
    """
    status = pathlib.Path("/proc/self/status").read_text()
    own = int(status.split("VmHWM:")[1].split()[0])
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024


def resident_megabytes():
    """Return the resident set of this process in megabytes."""
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def machine():
    """Return a description of the machine and of the versions of libraries."""
    from importlib import metadata

    cpu = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    commit = subprocess.run(
        ["git", "-C", os.path.dirname(os.path.abspath(__file__)), "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
    ).stdout.strip()
    return {
        "cpu": cpu[0] if cpu else "unknown",
        "cores": len(os.sched_getaffinity(0)),
        "commit": commit,
        **{name: metadata.version(name) for name in ("keras", "tensorflow", "keras-tuner", "scikit-learn", "numpy")},
    }


def around(owner, name, observe):
    """Replace a function or method of `owner` by a wrapper that measures its calls.

    Args:
        owner: Module or class.
        name: Name of the function in `owner`.
        observe: Function `(seconds, CPU seconds, *arguments of the call)` that is called after each call.
    """
    original = getattr(owner, name)

    def wrapped(*args, **kwargs):
        started, cpu = time.perf_counter(), time.process_time()
        try:
            return original(*args, **kwargs)
        finally:
            observe(time.perf_counter() - started, time.process_time() - cpu, *args)

    setattr(owner, name, wrapped)


def write_json(path, content):
    """Write a JSON file atomically."""
    unfinished = f"{path}.unfinished"
    with open(unfinished, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1, default=str)
    os.replace(unfinished, path)


def table(rows, header):
    """Return the lines of a table with aligned columns."""
    rows = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def _child(script, function, arguments, cores, result):
    os.sched_setaffinity(0, json.loads(cores))
    if os.environ.get("BENCHMARK_CLOCK") == "processor":
        _count_processor_seconds()
    specification = importlib.util.spec_from_file_location("benchmark", script)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    returned = getattr(module, function)(**json.loads(arguments))
    with open(result, "w", encoding="utf-8") as file:
        json.dump(returned, file, default=str)


def _count_processor_seconds():
    """Replace the clocks of this process before the script imports a library that reads them."""
    began = time.time() - time.process_time()
    time.monotonic = time.perf_counter = time.process_time
    time.time = lambda: began + time.process_time()


if __name__ == "__main__":
    _child(*sys.argv[1:])
