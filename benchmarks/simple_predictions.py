"""Scores and seconds of the constant and the linear baseline of a search.

    python benchmarks/simple_predictions.py DATA_DIRECTORY [--sets adult digits ...]

Scores are computed on the validation rows of a search, with the metric of the data set.
"""

import argparse
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import common  # noqa: E402


def measure(name, data_directory, time_limit):
    """Return table rows for a data set: its name, the baseline, its score, its seconds and its message."""
    import autonas
    from autonas.data.fit_data import FitData
    from autonas.estimators.plan import make_plan
    from autonas.evaluation import baselines

    dataset = common.load(name, data_directory)
    task = {"rmse": "regression"}.get(dataset.metric, "classification")
    model = autonas.AutoModel(task=task, objective=f"val_{dataset.metric}", time_limit=time_limit, seed=0, verbose=0)
    data = FitData(dataset.x_train, dataset.y_train)
    prepared = model._prepare(make_plan(model, data), data)
    started, started_cpu = time.perf_counter(), time.process_time()
    scored = baselines.baselines(
        prepared.graph, prepared.dataset, prepared.scorer, prepared.goal.main, model.time_limit
    )
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - started_cpu
    rows = [
        (
            name,
            baseline.name,
            f"{baseline.scores[f'val_{dataset.metric}']:.4g}",
            f"{baseline.seconds:.2f}",
            baseline.message,
        )
        for baseline in scored
    ]
    return [*rows, (name, "both", "", f"{seconds:.2f}", f"{cpu_seconds:.2f} CPU seconds")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_directory")
    parser.add_argument("--sets", nargs="+", default=list(common.SHARED_SETS), choices=list(common.METRICS))
    parser.add_argument("--time-limit", type=float, default=60)
    options = parser.parse_args()
    rows = []
    for name in options.sets:
        rows += measure(name, options.data_directory, options.time_limit)
    print(common.table(rows, ["set", "baseline", "validation score", "seconds", "how"]))


if __name__ == "__main__":
    main()
