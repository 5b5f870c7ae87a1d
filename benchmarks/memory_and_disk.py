"""Whether memory and the folder of the run grow with the number of trials.

    python benchmarks/memory_and_disk.py DATA_DIR --trials 100

A search of the default space of images on the digits, two epochs a trial. After each trial the resident
set and the bytes in the folder are noted, the TensorBoard log left out. Wanted: under 50 MB more after
the last trial than after the fifth; a folder bounded by the best few models, whatever the number of
trials.
"""

import argparse
import os
import pathlib
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import common  # noqa: E402


def measure(name, data, trials, epochs):
    """Megabytes resident, and bytes of each kind of file in the folder, after each trial."""
    import autonas
    from autonas import tuner

    dataset = common.load(name, data)
    samples = []
    with tempfile.TemporaryDirectory() as folder:
        directory = pathlib.Path(folder) / "run"

        def sample(*_):
            samples.append({"megabytes": common.resident_megabytes(), "files": _bytes(directory)})

        common.around(tuner.Tuner, "_end", sample)
        model = autonas.AutoModel(
            max_trials=trials, epochs=epochs, seed=0, verbose=0, directory=str(directory)
        )
        model.fit(dataset.x_train, dataset.y_train)
        final = {"megabytes": common.resident_megabytes(), "files": _bytes(directory)}
        largest = max(record["parameters"] or 0 for record in model.records_)
    return {"trials": samples, "final": final, "peak_megabytes": common.peak_megabytes(), "largest": largest}


def _bytes(directory):
    """Bytes by the first part of the path in the folder, but for the TensorBoard log."""
    found = {}
    for path in directory.rglob("*"):
        kind = path.relative_to(directory).parts[0]
        if path.is_file() and kind != "tensorboard":
            found[kind] = found.get(kind, 0) + path.stat().st_size
    return found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "data", metavar="DATA_DIR", nargs="?", help="folder of the data sets, for sets from it"
    )
    parser.add_argument("--set", default="digits", choices=common.METRICS, metavar="SET")
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--output", help="JSON file")
    arguments = parser.parse_args()
    call = {
        "name": arguments.set, "data": arguments.data, "trials": arguments.trials, "epochs": arguments.epochs
    }  # fmt: skip
    found = common.in_fresh_process(os.path.abspath(__file__), "measure", call)
    if "error" in found:
        sys.exit(found["stderr"])
    samples = found["trials"]
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
                for number, sample in [*rows, ["final", found["final"]]]
            ],
            ["trial", "resident MB", "disk KiB", "of which"],
        )
    )
    growth = samples[-1]["megabytes"] - samples[min(4, len(samples) - 1)]["megabytes"]
    print(
        f"growth from trial 5 to {len(samples)}: {growth:.0f} MB (wanted: under 50 in 100 trials); "
        f"peak {found['peak_megabytes']:.0f} MB; largest network {found['largest']:,} parameters"
    )
    if arguments.output:
        common.write_json(arguments.output, {"machine": common.machine()} | found)


def _shares(sample):
    return ", ".join(f"{kind} {size / 1024:.0f}" for kind, size in sorted(sample["files"].items()))


if __name__ == "__main__":
    main()
