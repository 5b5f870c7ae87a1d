"""Growth of memory and of the run folder with the number of trials.

    python benchmarks/memory_and_disk.py DATA_DIR --trials 100
    python benchmarks/memory_and_disk.py DATA_DIR --trials 100 --fixed

The first command searches the default space on the digits with two epochs per trial. Networks differ in size, and the
resident set follows the largest network so far, so that only late trials show a leak. The second command trains the
same small convolutional network in all trials, with different learning rates: any growth is a leak. The resident set
and the bytes in the folder, without the TensorBoard log, are recorded after each trial. Wanted: less than 50 MB of
growth after the fifth trial, and a folder that is bounded by the weights of a few best models.
"""

import argparse
import os
import pathlib
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import common  # noqa: E402


def measure(name, data, trials, epochs, fixed):
    """Return resident megabytes, and bytes of each kind of file in the folder, after each trial."""
    import autonas
    from autonas import oracles

    dataset = common.load(name, data)
    graph = _fixed() if fixed else {}
    samples = []
    with tempfile.TemporaryDirectory() as folder:
        directory = pathlib.Path(folder) / "run"

        def sample(*_):
            samples.append({"megabytes": common.resident_megabytes(), "files": _bytes(directory)})

        common.around(oracles.Oracle, "end_trial", sample)
        model = autonas.AutoModel(
            max_trials=trials, epochs=epochs, seed=0, verbose=0, directory=str(directory), **graph
        )
        model.fit(dataset.x_train, dataset.y_train)
        final = {"megabytes": common.resident_megabytes(), "files": _bytes(directory)}
        largest = max(record["parameters"] or 0 for record in model.records_)
    return {"trials": samples, "final": final, "peak_megabytes": common.peak_megabytes(), "largest": largest}


def _fixed():
    """Return a graph of images without decisions."""
    import autonas

    node = autonas.ImageInput()
    block = autonas.ConvolutionBlock(
        filters=16,
        kernel_size=3,
        n_stages=2,
        layers=1,
        kind="plain",
        downsampling="max",
        batch_normalization=True,
        dropout=0.0,
    )
    return {"inputs": node, "outputs": autonas.ClassificationHead(dropout=0.25)(block(node))}


def _bytes(directory):
    """Return bytes by the first component of the path in the folder, without the TensorBoard log."""
    sizes = {}
    for path in directory.rglob("*"):
        kind = path.relative_to(directory).parts[0]
        if path.is_file() and kind != "tensorboard":
            sizes[kind] = sizes.get(kind, 0) + path.stat().st_size
    return sizes


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", metavar="DATA_DIR", help="folder of the data sets")
    parser.add_argument("--set", default="digits", choices=common.METRICS, metavar="SET")
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--fixed", action="store_true", help="the same network in all trials; a set of images")
    parser.add_argument("--output", help="JSON file")
    arguments = parser.parse_args()
    call = {
        "name": arguments.set,
        "data": arguments.data,
        "trials": arguments.trials,
        "epochs": arguments.epochs,
        "fixed": arguments.fixed,
    }
    result = common.in_fresh_process(os.path.abspath(__file__), "measure", call)
    if "error" in result:
        sys.exit(result["stderr"])
    samples = result["trials"]
    shown = sorted({0, 4, *range(9, len(samples), max(1, len(samples) // 10)), len(samples) - 1})
    rows = [[position + 1, samples[position]] for position in shown if position < len(samples)]
    print(common.machine())
    print(
        common.table(
            [
                [
                    number,
                    f"{sample['megabytes']:.0f}",
                    f"{sum(sample['files'].values()) / 1024:.0f}",
                    _shares(sample),
                ]
                for number, sample in [*rows, ["final", result["final"]]]
            ],
            ["trial", "resident MB", "disk KiB", "of which"],
        )
    )
    last = samples[-1]["megabytes"]
    fifth, middle = (samples[min(position, len(samples) - 1)]["megabytes"] for position in (4, len(samples) // 2))
    print(
        f"growth from trial 5 to {len(samples)}: {last - fifth:.0f} MB (wanted: under 50 in 100 trials), "
        f"{last - middle:.0f} of it in the second half; "
        f"peak {result['peak_megabytes']:.0f} MB; largest network {result['largest']:,} parameters"
    )
    if arguments.output:
        common.write_json(arguments.output, {"machine": common.machine()} | result)


def _shares(sample):
    return ", ".join(f"{kind} {size / 1024:.0f}" for kind, size in sorted(sample["files"].items()))


if __name__ == "__main__":
    main()
