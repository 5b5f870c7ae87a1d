"""Time of a gradient search before its first epoch ends, and of the epochs after it.

    python benchmarks/supernet_epochs.py                              # cells, layers and motifs
    KERAS_BACKEND=jax python benchmarks/supernet_epochs.py --spaces cell

The supernet of a search space on 1,350 images of the digits is built, trained by `BilevelTrainer` and scored, in CPU
seconds of one core. The first epoch trains only the weights, as in a search. Wanted for cells: the end of the first
epoch after 20 seconds, and of the 20th after 120 seconds.
"""

import argparse
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import common

N_ROWS, N_EPOCHS = 1350, 20


def measure(space, n_epochs):
    """Return the seconds of all phases, a dict; the epochs after the first epoch of a phase are averaged."""
    import numpy as np
    from sklearn.datasets import load_digits

    import autonas
    from autonas.backends import seeding
    from autonas.data.fit_data import FitData
    from autonas.estimators.plan import make_plan
    from autonas.evaluation.one_shot import bilevel, scoring
    from autonas.supernet import Supernet

    x, y = load_digits(return_X_y=True)
    data = FitData(x.reshape(-1, 8, 8, 1)[:N_ROWS], y[:N_ROWS])
    estimator = autonas.AutoModel(search_space=space, strategy="gradient", seed=0)
    times, started = {}, time.process_time()

    def mark(name):
        nonlocal started
        times[name], started = time.process_time() - started, time.process_time()

    prepared = estimator._prepare(make_plan(estimator, data), data)
    mark("prepare")
    with seeding.seeded(0, 0):
        supernet = Supernet.from_graph(prepared.graph)
    mark("build")
    batch_size = prepared.graph.optimization.batch_size_of(supernet.space.values)
    trainer = bilevel.BilevelTrainer.from_settings(supernet, prepared.dataset, batch_size, warm_up=0.5)
    generator = np.random.default_rng(0)
    epochs = [("first epoch", 1), ("later epoch", n_epochs), ("first epoch of the logits", 1)]
    epochs.append(("later epoch of the logits", n_epochs))
    for name, n in epochs:
        trainer.annealing.progress.assign(0.5 if "logits" in name else 0.0)
        for _ in range(n):
            trainer.train_epoch(0, N_EPOCHS, None, generator)
        mark(name)
        times[name] /= n
    scorer = scoring.OneShotScorer(supernet, prepared.dataset, prepared.scorer, generator)
    for name in ("first score", "later score"):
        scorer.score(supernet.space.values)
        mark(name)
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spaces", nargs="+", default=["cell", "layered", "hierarchical"])
    parser.add_argument("--epochs", type=int, default=3, help="number of later epochs")
    arguments = parser.parse_args()
    rows = []
    for space in arguments.spaces:
        call = {"space": space, "n_epochs": arguments.epochs}
        times = common.in_fresh_process(os.path.abspath(__file__), "measure", call)
        if "error" in times:
            sys.exit(times["stderr"])
        first = sum(times[name] for name in ("prepare", "build", "first epoch", "first score"))
        # A fifth of the epochs trains only the weights.
        later = 0.2 * times["later epoch"] + 0.8 * times["later epoch of the logits"]
        last = first + times["first epoch of the logits"] + (N_EPOCHS - 2) * later
        rows.append([space, *(f"{seconds:.1f}" for seconds in [*times.values(), first, last])])
    print(common.machine())
    print(common.table(rows, ["space", *times, "end of the first epoch", f"end of {N_EPOCHS} epochs"]))


if __name__ == "__main__":
    main()
