"""Number of queries that strategies need when trials fail.

    python benchmarks/failures.py TABLE.npz --seeds 200
    python benchmarks/failures.py TABLE.npz --strategies random --seeds 100 --queries 30000

Each strategy searches each tabular benchmark (see `tables.py`) until the architecture with the best validation score is
scored. There are four settings:

- no trial fails;
- each trial fails with probability `--rate`, independently of its architecture;
- the first `--early` trials fail;
- all trials fail whose first decision has a certain option, which is not the option of the optimum.

The script prints the median number of queries over the seeds, including failed ones (`-` if less than half of the seeds
find the optimum within `--queries`). Except for early failures, the script also prints the ratio to the median without
failures. Each trial is a query, even if its architecture has been asked for before.
"""

import argparse
import concurrent.futures
import multiprocessing
import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import numpy as np  # noqa: E402
import strategies  # noqa: E402

WAYS = ("none", "random", "early", "systematic")


def n_queries(path, index, description, seed, way, arguments):
    """Return the number of queries of one search; infinite if the search doesn't find the optimum."""
    table = strategies.cached_tables(path)[index]
    oracle = strategies.make_oracle(description, table, seed, None)
    decision = table.space.space[0]
    best = table.values(table.optimum)[decision.name]
    broken = next(option for option in decision.values if option != best)
    luck = np.random.default_rng([seed, 1])
    for number in range(arguments.queries):
        values = oracle.ask()
        row = table.row(values)
        fails = {
            "none": False,
            "random": luck.random() < arguments.rate,
            "early": number < arguments.early,
            "systematic": values[decision.name] == broken,
        }[way]
        oracle.tell(number, values, None if fails else (float(table.validation[row]),))
        if row == table.optimum and not fails:
            return number + 1
    return np.inf


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="+", help="files of trained architectures (.npz)")
    parser.add_argument("--strategies", nargs="+", default=["local_search", "evolution", "reinforcement", "bayesian"])
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--queries", type=int, default=1000, help="queries of a search at most")
    parser.add_argument("--rate", type=float, default=0.3, help="share of the trials that fail at random")
    parser.add_argument("--early", type=int, default=30, help="number of trials that fail in the beginning")
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="processes at a time")
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(arguments.jobs, mp_context=context) as pool:
        for path in arguments.tables:
            for index, table in enumerate(strategies.cached_tables(path)):
                print(f"\n{table.name}: median number of queries to the optimum, {arguments.seeds} seeds")
                print(f"| strategy | {' | '.join(arguments.ways)} |\n| --- |{' --- |' * len(arguments.ways)}")
                for description in arguments.strategies:
                    cells, without = [], None
                    for way in arguments.ways:
                        searches = [
                            pool.submit(n_queries, path, index, description, seed, way, arguments)
                            for seed in range(arguments.seeds)
                        ]
                        median = float(np.median([search.result() for search in searches]))
                        without = median if way == "none" else without
                        ratio = f" ({median / without:.2f})" if without and way in ("random", "systematic") else ""
                        cells.append(f"{median:.0f}{ratio}" if np.isfinite(median) else "-")
                    print(f"| {description} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
