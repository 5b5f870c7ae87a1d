"""Detection and repair of damage in each file of a run folder and of a saved model.

    python benchmarks/damage.py --places 20

A small search on the iris data is run once, with low-fidelity trainings, a final fit and a TensorBoard log. Each file
of the run folder is truncated at several positions, and one bit is flipped at several positions. Then `fit` is called
in a copy of the damaged folder, and `AutoModel.load` for files of `model/`. Each outcome is one of:

- right: predictions and leaderboard are equal to the undamaged run;
- named: an error of one line names the file;
- wrong: any other outcome.
"""

import argparse
import collections
import os
import pathlib
import shutil
import tempfile
import warnings

import numpy as np
from sklearn.datasets import load_iris


def search(directory):
    """Return an estimator that searches in a folder."""
    import autonas

    return autonas.StructuredDataClassifier(
        strategy="evolution",
        fidelity="successive_halving",
        max_trials=6,
        epochs=9,
        seed=0,
        directory=directory,
        verbose=0,
    )


def result(model, x):
    """Return the predictions and the leaderboard, which must be equal to the undamaged run."""
    board = model.leaderboard().drop(columns="seconds")
    return model.predict_proba(x), board.drop(columns="reason").to_json()


def outcome(call, expected, file, x):
    """Return `"right"`, `"named"`, or the description of a wrong outcome.

    Args:
        call: Function without arguments that returns a fitted estimator.
        expected: `result` of the undamaged run.
        file: Path of the damaged file.
        x: Rows to predict.
    """
    try:
        probabilities, board = result(call(), x)
    except Exception as error:
        message = str(error)
        is_named = file.name in message and "\n" not in message
        return "named" if is_named else f"wrong: {type(error).__name__}: {message:.150}"
    if not np.allclose(probabilities, expected[0], atol=1e-5):
        return "wrong: other predictions"
    return "right" if board == expected[1] else "wrong: another leaderboard"


def damages(content, places, generator):
    """Yield pairs of the content of a damaged file and the name of the damage."""
    for length in np.unique(np.linspace(0, max(0, len(content) - 1), places).astype(int)):
        yield content[:length], f"cut to {length} of {len(content)} bytes"
    for _ in range(places if content else 0):
        position, bit = int(generator.integers(len(content))), int(generator.integers(8))
        flipped = bytes([content[position] ^ (1 << bit)])
        yield content[:position] + flipped + content[position + 1 :], f"bit {bit} of byte {position} flipped"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--places", type=int, default=20, help="cuts, and as many flipped bits, of each file, default 20"
    )
    parser.add_argument("--files", nargs="*", help="only files whose path has one of these parts")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    import autonas

    x, y = load_iris(return_X_y=True)
    generator = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        whole = pathlib.Path(folder, "whole")
        expected = result(search(whole).fit(x, y), x)
        run = pathlib.Path(folder, "run")
        for path in sorted(path.relative_to(whole) for path in whole.rglob("*") if path.is_file()):
            if arguments.files and not any(name in str(path) for name in arguments.files):
                continue
            counts = collections.Counter()
            for content, name in damages((whole / path).read_bytes(), arguments.places, generator):
                shutil.copytree(whole, run)
                (run / path).write_bytes(content)
                outcomes = []
                if path.parts[0] == "model":
                    outcomes.append(outcome(lambda: autonas.AutoModel.load(run / "model"), expected, path, x))
                outcomes.append(outcome(lambda: search(run).fit(x, y), expected, path, x))
                for text in outcomes:
                    counts[text.split(":")[0]] += 1
                    if text.startswith("wrong"):
                        print(f"  {path}, {name}: {text}", flush=True)
                shutil.rmtree(run)
            print(f"{path}: {', '.join(f'{count} {kind}' for kind, count in sorted(counts.items()))}", flush=True)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    main()
