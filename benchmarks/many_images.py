"""ImageClassifier on a set of images, and on ten copies of it that are shifted or mirrored: more images mustn't hurt.

    python benchmarks/many_images.py --data DIRECTORY --set cifar10 --budget 60 --seeds 0 1 2

The copies are shifted by up to 2 pixels in both directions, and every other one is mirrored. All runs use one core.
"""

import argparse
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import common  # noqa: E402


def image_classifier(name, data, copies, budget, seed):
    """Fit `ImageClassifier` to copies of the training images; return its accuracy on the test images."""
    import numpy as np

    import autonas

    images = common.load(name, data)
    shifts = [(number % 5 - 2, number // 5 % 5 - 2) for number in range(copies)] if copies > 1 else [(0, 0)]
    rows = [
        np.roll(images.x_train, shift, (1, 2))[:, :, :: -1 if number % 2 else 1] for number, shift in enumerate(shifts)
    ]
    started = time.monotonic()
    model = autonas.ImageClassifier(time_limit=budget, seed=seed, tensorboard=False, verbose=0)
    model.fit(np.concatenate(rows), np.tile(images.y_train, copies))
    seconds = time.monotonic() - started
    return {
        "accuracy": float((model.predict(images.x_test) == images.y_test).mean()),
        "seconds": seconds,
        "megabytes": common.peak_megabytes(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--set", default="cifar10")
    parser.add_argument("--copies", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--budget", type=float, default=60)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    for seed in options.seeds:
        for copies in options.copies:
            arguments = {"name": options.set, "data": options.data, "copies": copies, "seed": seed}
            result = common.in_fresh_process(__file__, "image_classifier", arguments | {"budget": options.budget})
            print(f"{copies} copies", seed, result, flush=True)


if __name__ == "__main__":
    main()
