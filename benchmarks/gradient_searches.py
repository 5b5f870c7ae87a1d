"""Cells that gradient searches derive on real images, and their ranks in a table of NAS-Bench-201.

    python benchmarks/gradient_searches.py DATA_DIR TABLE
    python benchmarks/gradient_searches.py ../shared/data ../shared/nasbench/nb201_cifar10.npz --seeds 0 1 2 3 4

The supernet of the space of NAS-Bench-201 is trained by `BilevelTrainer` on images of CIFAR-10 with a quarter of their
pixels, with one cell in each of three stages of 8, 16 and 32 filters. The test accuracy of the derived cell is that of
the table, after 200 epochs on all images in the size of the paper. The share of the cells of the table with a larger
test accuracy is wanted below 5 %.
"""

import argparse
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import common

#: Settings of `BilevelTrainer` by name of the search.
SEARCHES = {
    "DARTS": {"guard": None},
    "DARTS, second order": {"guard": None, "order": "finite_difference"},
    "GDAS": {"relaxation": "gumbel"},
    "PC-DARTS": {"relaxation": "partial", "guard": None},
    "DARTS-": {},
    "fixed logits": {"guard": None, "warm_up": 1.0},
    "fixed logits, auxiliary skip": {"warm_up": 1.0},
    "beta-DARTS": {"guard": None, "beta_decay": 50.0},
    "DARTS-, beta-decay": {"beta_decay": 50.0},
    "DrNAS": {"relaxation": "dirichlet", "guard": None},
    "DrNAS, auxiliary skip": {"relaxation": "dirichlet"},
    "DrNAS, beta-decay": {"relaxation": "dirichlet", "guard": None, "beta_decay": 50.0},
}
#: Labels of the operations of the space, by their names in the table.
LABELS = {
    "none": "none",
    "skip_connect": "identity",
    "nor_conv_1x1": "convolution_1",
    "nor_conv_3x3": "convolution_3",
    "avg_pool_3x3": "average_pooling_3",
}


def search(data, search, n_rows, n_updates, seed, settings=None):
    """Return the cells that a search derives, by the way of selection, and the CPU seconds."""
    import numpy as np

    import autonas
    from autonas.backends import seeding
    from autonas.data.fit_data import FitData
    from autonas.estimators.plan import make_plan
    from autonas.evaluation.one_shot import bilevel, perturbation
    from autonas.oracles import GradientOracle
    from autonas.supernet import Supernet

    arrays = np.load(os.path.join(data, "cifar10", "data.npz"))
    rows = np.random.default_rng(seed).choice(len(arrays["x_train"]), n_rows, replace=False)
    images = arrays["x_train"][rows].reshape(n_rows, 16, 2, 16, 2, 3).mean(axis=(2, 4)).astype("float32")
    fit_data = FitData(images, arrays["y_train"][rows])
    node = autonas.ImageInput()
    block = autonas.CellBlock("nas_bench_201", filters=8, operations=list(LABELS.values())[::-1])
    head = autonas.ClassificationHead(dropout=0.0)
    estimator = autonas.AutoModel(node, head(block(node)), strategy="gradient", seed=seed)
    prepared = estimator._prepare(make_plan(estimator, fit_data), fit_data)
    prepared.dataset.train_rows = np.arange(n_rows)
    settings = {**SEARCHES[search], **(settings or {})}
    started = time.process_time()
    with seeding.seeded(seed, 0):
        divisor = 4 if settings.get("relaxation") == "partial" else 1
        supernet = Supernet.from_graph(prepared.graph, partial_channels=divisor)
    trainer = bilevel.BilevelTrainer.from_settings(supernet, prepared.dataset, 64, seed=seed, **settings)
    n_epochs = round(n_updates / (len(trainer.weight_rows) // trainer.batch_size))
    generator = np.random.default_rng(seed)
    for epoch in range(n_epochs):
        loss, _ = trainer.train_epoch(epoch, n_epochs, None, generator)
    oracle = GradientOracle(hyperparameters=supernet.space, objective="val_accuracy")
    distribution = supernet.distribution()
    result = {"loss": loss, "distribution": distribution, "cells": {"probability": oracle.derived(distribution)}}
    result["seconds"] = {"probability": time.process_time() - started}
    if not trainer.samples_paths:
        result["cells"]["perturbation"], _ = perturbation.select(trainer, generator)
        result["seconds"]["perturbation"] = time.process_time() - started
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="folder of the data sets")
    parser.add_argument("table", help="file of a table of NAS-Bench-201")
    parser.add_argument("--searches", nargs="+", default=list(SEARCHES), choices=list(SEARCHES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--rows", type=int, default=8000, help="training images, half of them for the logits")
    parser.add_argument("--updates", type=int, default=400, help="training steps of the weights")
    parser.add_argument("--settings", type=json.loads, help="settings of the trainer for all searches, in JSON")
    arguments = parser.parse_args()
    import tables

    (table,) = tables.read(arguments.table)
    results = {}
    for seed in arguments.seeds:
        for name in arguments.searches:
            call = {"data": arguments.data, "search": name, "n_rows": arguments.rows, "n_updates": arguments.updates}
            result = common.in_fresh_process(
                os.path.abspath(__file__), "search", call | {"seed": seed, "settings": arguments.settings}
            )
            if "error" in result:
                sys.exit(result["stderr"])
            for selection, cell in result["cells"].items():
                found = described(table, cell)
                results.setdefault((name, selection), []).append((*found, result["seconds"][selection]))
                print(seed, name, selection, *found, result["loss"], result["seconds"][selection], flush=True)
    rows = []
    for (name, selection), found in results.items():
        accuracies, shares, _, skips, seconds = zip(*found, strict=True)
        rows.append(
            (name, selection, f"{sum(accuracies) / len(found):.2f}", f"{min(accuracies):.2f}",
             " ".join(f"{share:.1%}" for share in shares), f"{sum(share < 0.05 for share in shares)}/{len(found)}",
             sum(skips), f"{sum(seconds) / len(found):.0f}")
        )  # fmt: skip
    print(common.machine())
    header = ("search", "selection", "mean test", "worst", "share of better cells", "below 5 %", "only skips", "CPU s")
    print(common.table(rows, header))


def described(table, cell):
    """Return the test accuracy of a cell, the share of better cells, its operations, and whether it only skips."""
    names = {label: name for name, label in LABELS.items()}
    operations = {decision.split("/")[-1]: names[label] for decision, label in cell.items() if "/edge_" in decision}
    accuracy = float(table.test[table.row(operations)])
    only_skips = set(operations.values()) <= {"skip_connect", "none"}
    return accuracy, float((table.test > accuracy).mean()), " ".join(operations.values()), only_skips


if __name__ == "__main__":
    main()
