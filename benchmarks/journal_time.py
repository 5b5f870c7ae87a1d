"""Time to flush the journal and the weights of a trial to disk.

    python benchmarks/journal_time.py --directory .

The script prints wall milliseconds of the events of a trial (creation, three epochs, end) in a journal of 200 trials,
with and without `fsync`, and of the file of the weights of a trial (100,000 numbers). A trial takes 0.1 s.
"""

import argparse
import os
import tempfile
import time

import numpy as np

from autonas import storage
from autonas.trials import journal


def trial(written, number):
    """Write the events of a trial; return the milliseconds."""
    values = {f"decision_{index}": 0.1 * index for index in range(20)}
    metrics = {"loss": 0.25, "val_loss": 0.5, "val_accuracy": 0.75}
    trial_id = f"{number:04d}"
    began = time.perf_counter()
    written.append({"event": "created", "trial_id": trial_id, "values": values})
    created = time.perf_counter()
    time.sleep(0.1)  # The shortest trainings take some tenths of a second. What follows an end follows at once.
    trained = time.perf_counter()
    for epoch in range(3):
        written.append({"event": "epoch", "trial_id": trial_id, "epoch": epoch + 1, "numbers": metrics})
    written.append({"event": "ended", "trial_id": trial_id, "values": values, "metrics": metrics, "score": 0.75})
    return 1000 * (time.perf_counter() - trained + created - began)


def summary(times):
    """Return mean, median and 95th percentile as a text."""
    return (
        f"mean {np.mean(times):.2f} ms, median {np.median(times):.2f}, 95th percentile {np.percentile(times, 95):.2f}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--directory", default=".", help="folder on the disk to measure, default .")
    parser.add_argument("--trials", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.directory) as folder:
        for name, flushed in (("with fsync", journal._FLUSHED), ("without", {})):
            journal._FLUSHED = flushed
            written = journal.Journal(os.path.join(folder, name, journal.NAME))
            times = [trial(written, number) for number in range(arguments.trials)]
            print(f"journal, {name}: {summary(times)}")
        times = []
        weights = {str(index): np.zeros(10_000, "float32") for index in range(10)}
        for number in range(100):
            began = time.perf_counter()
            storage.write_arrays(os.path.join(folder, f"{number:04d}.npz"), weights)
            times.append(1000 * (time.perf_counter() - began))
        print(f"weights: {summary(times)}")


if __name__ == "__main__":
    main()
