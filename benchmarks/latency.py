"""Accuracy of `latency_ms` on idle and busy machines, compared to exported files that run alone.

    python benchmarks/latency.py

The benchmark draws twelve architectures of a chain space on images of 28 x 28 pixels, and prints:

- Kendall's tau between `Latency()` and the latencies of exported LiteRT files. Each file runs in a fresh process,
  pinned to a core of an idle machine. `Latency()` is measured on the idle machine, with a busy loop on the other core,
  and with a busy loop on the same core. For comparison: the median wall time in the same situations;
- the time to measure a model in each runtime;
- the error of a latency table.

The benchmark needs two cores, and an idle machine at the start.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

#: Numbers of warm-up calls and of measured calls of a file.
_WARM_UP, _CALLS = 20, 200


def run_file(path):
    """Return the median wall milliseconds of a call of a LiteRT file."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path, num_threads=1)
    interpreter.allocate_tensors()
    generator = np.random.default_rng(1)
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], generator.standard_normal(detail["shape"]).astype(detail["dtype"]))
    times = []
    for _ in range(_WARM_UP + _CALLS):
        began = time.perf_counter()
        interpreter.invoke()
        times.append(time.perf_counter() - began)
    return 1000.0 * statistics.median(times[_WARM_UP:])


def run_in_fresh_process(path, core):
    command = ["taskset", "-c", str(core), sys.executable, __file__, "--run", path]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@contextlib.contextmanager
def busy(core):
    """Return a context with a busy loop on a core, or an empty one for `None`."""
    if core is None:
        yield
        return
    loop = subprocess.Popen(["taskset", "-c", str(core), sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        loop.kill()
        loop.wait()


def chain():
    """Return an `AutoModel` that searches chains for images of 28 x 28 pixels, and rows of data."""
    import autonas

    node = autonas.ImageInput()
    outputs = autonas.ClassificationHead()(autonas.Reduction()(autonas.ChainBlock()(node)))
    generator = np.random.default_rng(0)
    x, y = generator.integers(0, 256, (200, 28, 28)).astype("uint8"), np.arange(200) % 10
    return autonas.AutoModel(node, outputs, verbose=0), x, y


def networks(count):
    """Return built models of random architectures of the space."""
    from autonas.data.fit_data import FitData
    from autonas.estimators.plan import make_plan
    from autonas.objectives import BuiltModel
    from autonas.search_space import encoding

    model, x, y = chain()
    data = FitData(x, y)
    graph = model._prepare(make_plan(model, data), data).graph
    space = graph.declare()
    drawn, generator = encoding.Encoding(space), np.random.default_rng(0)
    models = []
    for _ in range(count):
        values = space.copy()
        values.values = drawn.sample(generator)
        models.append(BuiltModel(graph.build(values)))
    return models


def compare(built, core, other):
    """Print Kendall's tau of `Latency()` and of plain medians with the files on an idle machine."""
    from scipy import stats

    from autonas.objectives import Latency

    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, f"{index}.tflite") for index in range(len(built))]
        for path, model in zip(paths, built, strict=True):
            with open(path, "wb") as file:
                file.write(model.exported("litert").content)
        alone = np.array([run_in_fresh_process(path, core) for path in paths])
        print(f"files by themselves: {', '.join(f'{milliseconds:.3f}' for milliseconds in np.sort(alone))} ms")
        print("| machine | measured by | Kendall's tau | median error | largest |\n| --- | --- | --- | --- | --- |")
        for name, load in (("idle", None), ("other core busy", other), ("same core busy", core)):
            with busy(load):
                measurements = {
                    "Latency()": [Latency().measure(model)["latency_ms"] for model in built],
                    "plain median": [run_in_fresh_process(path, core) for path in paths],
                }
            for how, values in measurements.items():
                errors = 100.0 * np.abs(np.array(values) / alone - 1.0)
                tau = stats.kendalltau(values, alone).statistic
                print(f"| {name} | {how} | {tau:.3f} | {np.median(errors):.1f} % | {errors.max():.0f} % |", flush=True)


def time_to_measure(built):
    """Print the time to export and to measure a model."""
    from autonas.objectives import BuiltModel, Latency

    print("\n| run time | export, ms | measure, ms |\n| --- | --- | --- |")
    for runtime in ("litert", "onnx", "keras"):
        exports, measures = [], []
        for model in built:
            fresh = BuiltModel(model.model)
            began = time.perf_counter()
            fresh.exported(runtime)
            exported = time.perf_counter()
            Latency(runtime=runtime).measure(fresh)
            exports.append(exported - began)
            measures.append(time.perf_counter() - exported)
        medians = [1000.0 * statistics.median(times) for times in (exports, measures)]
        print(f"| {runtime} | {medians[0]:.0f} | {medians[1]:.0f} |", flush=True)


def table_error(n_architectures, n_checked):
    """Print the error of a latency table."""
    from autonas.estimators import profiling

    began = time.perf_counter()
    table = profiling.profile(*chain(), n_architectures=n_architectures, n_checked=n_checked)
    seconds = time.perf_counter() - began
    print(
        f"\nlatency table: {len(table.operations)} operations in {seconds:.0f} s; on {table.error['architectures']} "
        f"architectures that it wasn't fitted on, median error {table.error['median_percentage_error']:.1f} %, "
        f"Kendall's tau {table.error['kendall_tau']:.3f}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architectures", type=int, default=12)
    parser.add_argument("--profiled", type=int, default=100, help="architectures whose operations make the table")
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--other-core", type=int, default=1)
    parser.add_argument("--run", metavar="FILE", help="run a LiteRT file by itself, and nothing else")
    arguments = parser.parse_args()
    if arguments.run is not None:
        print(run_file(arguments.run))
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.sched_setaffinity(0, {arguments.core})
    built = networks(arguments.architectures)
    compare(built, arguments.core, arguments.other_core)
    time_to_measure(built)
    table_error(arguments.profiled, arguments.architectures)


if __name__ == "__main__":
    main()
