"""Quality and speed of strategies on tabular benchmarks.

    python benchmarks/strategies.py TABLE.npz... --strategies random evolution bayesian --seeds 200 --queries 300

Each strategy searches each table through the interface of a Keras Tuner oracle (`create_trial`, `update_trial`,
`end_trial`), with the validation score as its objective. For each strategy, the script prints:

- the test score of the architecture with the best validation score, mean and standard deviation over the seeds, after
  some numbers of queries;
- the median number of queries until the best validation score of the table (`-` if less than half of the seeds find
  it);
- CPU milliseconds per trial.

A query is a distinct architecture, because strategies don't repeat themselves. `--pending` is the number of queries
that wait for their scores at any time; the oldest gets its score first. `--strategies` takes names, optionally with
arguments: `evolution:population_size=50,tournament_size=10`. The Bayesian strategy knows the costs of a table's
architectures, except as `bayesian:costs=None`. `--output` appends all results to a JSON-lines file.
"""

import argparse
import ast
import collections
import concurrent.futures
import json
import multiprocessing
import os
import sys
import time
import typing

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# One thread each: the processes share the cores.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1")
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import keras_tuner  # noqa: E402
import numpy as np  # noqa: E402
import tables  # noqa: E402

from autonas import oracles  # noqa: E402

CHECKPOINTS = (10, 25, 50, 100, 150, 200, 300)


class Extent(typing.NamedTuple):
    """The number of queries of a search, and of those that wait for their scores at any time."""

    queries: int
    pending: int


def make_oracle(description, table, seed, queries):
    """Return the oracle of a description, such as `evolution:population_size=50`."""
    name, _, rest = description.partition(":")
    arguments = dict(pair.split("=") for pair in rest.split(",") if pair)
    arguments = {key: _literal(value) for key, value in arguments.items()}
    cls = oracles.STRATEGIES[name]
    if table.structure is not None and "structure" in cls.__init__.__code__.co_varnames:
        arguments.setdefault("structure", table.structure)
    if table.costs is not None and "costs" in cls.__init__.__code__.co_varnames:
        arguments.setdefault("costs", table.costs_of)
    return cls(
        objective=keras_tuner.Objective("score", "max"),
        hyperparameters=table.space,
        max_trials=queries,
        seed=seed,
        initial_points=[],
        **arguments,
    )


def _literal(text):
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def search(path, index, description, seed, extent):
    """Run one search; return the table rows of the queries in order, and CPU seconds."""
    table = cached_tables(path)[index]
    oracle = make_oracle(description, table, seed, extent.queries)
    rows, pending = [], collections.deque()
    began = time.process_time()
    while True:
        trial = oracle.create_trial(f"tuner{len(rows)}")
        if trial.status == "RUNNING":
            rows.append(table.row(trial.hyperparameters.values))
            pending.append((trial, rows[-1]))
        if not pending:
            break
        if trial.status == "RUNNING" and len(pending) < extent.pending:
            continue
        ended, row = pending.popleft()
        oracle.update_trial(ended.trial_id, {"score": float(table.validation[row])})
        ended.status = "COMPLETED"
        oracle.end_trial(ended)
    assert len(set(rows)) == len(rows), "a strategy asked for the same architecture twice"  # noqa: S101
    return rows, time.process_time() - began


_read = {}


def cached_tables(path):
    if path not in _read:
        _read[path] = tables.read(path)
    return _read[path]


def summarise(table, searches, queries):
    """Return statistics of the searches of one strategy on one table."""
    points = [count for count in CHECKPOINTS if count <= queries]
    tests = np.empty((len(searches), len(points)))
    n_queries = []
    for number, (rows, _) in enumerate(searches):
        validation = table.validation[rows]
        is_best = validation == table.validation[table.optimum]
        best = [rows[int(validation[:count].argmax())] for count in points]
        tests[number] = table.test[best]
        n_queries.append(int(is_best.argmax()) + 1 if is_best.any() else np.inf)
    return {
        "queries": points,
        "mean": tests.mean(axis=0).round(4).tolist(),
        "deviation": tests.std(axis=0).round(4).tolist(),
        "to_optimum": float(np.median(n_queries)),
        "found": float(np.mean(np.isfinite(n_queries))),
        "milliseconds": 1000 * sum(seconds for _, seconds in searches) / sum(len(rows) for rows, _ in searches),
    }


def _row(description, result):
    cells = [
        f"{mean:.{digits}f} ± {deviation:.2f}"
        for mean, deviation in zip(result["mean"], result["deviation"], strict=True)
        for digits in [2 if abs(mean) > 10 else 3]
    ]
    optimum = f"{result['to_optimum']:.0f}" if np.isfinite(result["to_optimum"]) else "-"
    return f"| {description} | {' | '.join(cells)} | {optimum} | {result['found']:.2f} | {result['milliseconds']:.2f} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="+", help="files of trained architectures (.npz)")
    parser.add_argument(
        "--strategies", nargs="+", default=["random", "local_search", "evolution", "reinforcement", "bayesian", "auto"]
    )
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--pending", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="processes at a time")
    parser.add_argument("--output", help="file to add the results to, a JSON line each")
    arguments = parser.parse_args()
    extent = Extent(arguments.queries, arguments.pending)
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(arguments.jobs, mp_context=context) as pool:
        for path in arguments.tables:
            for index, table in enumerate(cached_tables(path)):
                header = " | ".join(str(count) for count in CHECKPOINTS if count <= arguments.queries)
                print(f"\n{table.name}: test score at the optimum {table.test[table.optimum]:.3f}")
                print(f"| strategy | {header} | median to optimum | share that found it | CPU ms a trial |")
                print("| --- |" + " --- |" * (header.count("|") + 4))
                for description in arguments.strategies:
                    searches = [
                        pool.submit(search, path, index, description, seed, extent) for seed in range(arguments.seeds)
                    ]
                    result = summarise(table, [future.result() for future in searches], arguments.queries)
                    print(_row(description, result), flush=True)
                    if arguments.output:
                        line = {"table": table.name, "strategy": description, "seeds": arguments.seeds, **result}
                        with open(arguments.output, "a", encoding="utf-8") as file:
                            file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
