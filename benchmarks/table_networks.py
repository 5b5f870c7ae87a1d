"""Networks for tables at equal CPU seconds: which settings have the lowest loss on many tables?

    python benchmarks/table_networks.py DATA_DIR --seconds 20 --tables adult phoneme

Each setting is one candidate of the default space, trained for the same CPU seconds of one thread in a new process. A
number is the loss on the test rows (log loss, or root mean squared error) relative to the first setting. The summary
has the median over the tables, and for each table the setting that is best on the others.
"""

import argparse
import os
import pathlib
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import boosted_trees  # noqa: E402
import common  # noqa: E402

_FAST = {"optimization/batch_size": 256, "optimization/learning_rate": 8e-3}
#: Dict from a description to the decisions that differ from the default, without the name of the block.
SETTINGS = {
    "dense, piecewise linear": {"kind": "dense", "kind_dense/numbers": "piecewise_linear"},
    "dense, periodic": {"kind": "dense", "kind_dense/numbers": "periodic"},
    "tabm": {"kind": "tabm", **_FAST},
    "tabm, batches of 64": {"kind": "tabm"},
    "tabm, 4 members of 256": {"kind": "tabm", **_FAST, "kind_tabm/members": 4, "kind_tabm/units": 256},
    "tabm, 16 members": {"kind": "tabm", **_FAST, "kind_tabm/members": 16},
    "tabm, 3 layers": {"kind": "tabm", **_FAST, "kind_tabm/depth": 3},
    "tabm, dropout": {"kind": "tabm", **_FAST, "kind_tabm/dropout": 0.1},
}


def measure(folder, setting, seconds, seed):
    """Train a candidate in this process, and return its loss on the test rows with the numbers of its training.

    Args:
        folder: Folder of the table.
        setting: Dict of decisions, without the name of the block.
        seconds: CPU seconds of the training.
        seed: Seed.
    """
    import numpy as np
    import pandas as pd
    from sklearn import model_selection

    import autonas
    from autonas.data.fit_data import FitData
    from autonas.estimators.plan import make_plan
    from autonas.evaluation import evaluator as evaluator_module
    from autonas.trials import job as jobs

    x, y, x_test, y_test, is_regression = boosted_trees.table(pathlib.Path(folder))
    x_train, x_validation, y_train, y_validation = model_selection.train_test_split(
        x, y, test_size=0.2, random_state=seed, stratify=None if is_regression else y
    )
    node = autonas.StructuredDataInput()
    head = autonas.RegressionHead() if is_regression else autonas.ClassificationHead()
    outputs = head(autonas.StructuredDataBlock(name="table")(node))
    # The best epoch has the lowest loss, as the comparison is of losses.
    model = autonas.AutoModel(node, outputs, objective="val_loss", seed=seed)
    held = pd.concat([x_validation, x_test]), np.concatenate([y_validation, y_test])
    data = FitData(x_train, y_train, validation_data=held)
    prepared = model._prepare(make_plan(model, data), data)
    rows = prepared.dataset.validation_rows
    prepared.dataset.validation_rows, test_rows = rows[: len(y_validation)], rows[len(y_validation) :]
    values = {decision.name: decision.default for decision in prepared.space.space}
    chosen = {name if name.startswith("optimization/") else f"table/{name}": value for name, value in setting.items()}
    if not set(chosen) <= set(values):
        raise ValueError(f"The space has no decisions {sorted(set(chosen) - set(values))}.")
    # Deadlines count the CPU seconds of this process, so that another program on the core makes no difference.
    time.monotonic = time.process_time
    evaluator = evaluator_module.Evaluator(prepared, epochs=300, patience=40, seed=seed)
    outcome = evaluator.evaluate(jobs.Job("0000", 0, values | chosen, deadline=time.process_time() + seconds))
    if outcome.status != "completed":
        raise RuntimeError(outcome.message)
    evaluator.in_memory.latest.model.set_weights(outcome.weights)
    loss = prepared.scorer(evaluator.in_memory.latest.loop.predict(test_rows), test_rows)["val_loss"]
    return {
        "loss": loss**0.5 if is_regression else loss,
        "epochs": outcome.epochs,
        "best_epoch": outcome.best_epoch,
        "seconds": outcome.phases.get("train"),
    }


def main():
    import numpy as np

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_directory", type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=20.0, help="CPU seconds of a training")
    parser.add_argument("--tables", nargs="+", help="names of tables; all by default")
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    options = parser.parse_args()
    folders = [folder for folder in sorted(options.data_directory.iterdir()) if folder.is_dir()]
    by_table = {}
    for folder in folders:
        if options.tables and folder.name not in options.tables or boosted_trees.table(folder) is None:
            continue
        losses = {}
        for name in options.settings:
            arguments = {"folder": str(folder), "setting": SETTINGS[name], "seconds": options.seconds}
            runs = [common.in_fresh_process(__file__, "measure", arguments | {"seed": seed}) for seed in options.seeds]
            losses[name] = float(np.mean([run.get("loss", np.nan) for run in runs]))
            print(folder.name, name, *runs, flush=True)
        base = losses[options.settings[0]]
        by_table[folder.name] = {name: loss / base for name, loss in losses.items()}
    boosted_trees.summarise(by_table, options.settings)


if __name__ == "__main__":
    main()
