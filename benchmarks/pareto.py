"""Pareto fronts and constrained optima that strategies find on tabular benchmarks.

    python benchmarks/pareto.py front TABLE.npz --seeds 100 --evaluations 300 --strategies nsga2 evolution bayesian
    python benchmarks/pareto.py constrained TABLE.npz --seeds 100 --evaluations 100

The table must have validation accuracies in % and latencies (see `tables.py`). Each device is a separate problem.

`front` has two objectives, the validation error as a share and the latency. The script prints the hypervolume of the
evaluated architectures relative to the hypervolume of the front of the table, averaged over seeds, after some numbers
of evaluations. The reference point is an error of 0.6 and the 99.5th percentile of the latency. The references are
`random`, and `nsga2`, the generational form with a population of 20. The published hypervolumes (random 0.83 / 0.88 /
0.91 / 0.93 and NSGA-II 0.83 / 0.89 / 0.95 / 0.97 after 50 / 100 / 200 / 300 evaluations, on gold_6226) are for
CIFAR-100. With a table of CIFAR-10, compare with the references of the same run.

`constrained` has one objective, the validation accuracy, and an upper limit of the latency at its 25th, 50th and 75th
percentile. The script prints the test accuracy of the architecture with the best validation accuracy among the feasible
ones, averaged over seeds, after some numbers of evaluations, and the number of refused architectures per evaluated one.
An evaluation is a feasible architecture. An infeasible architecture is refused without training, and the strategy
observes its margin. The reference `rejection` is local search that observes a refusal as a failure.

An evaluation is a distinct architecture, because strategies don't repeat themselves. `--strategies` takes names,
optionally with arguments, as in `strategies.py`. `--output` appends all results to a JSON-lines file.
"""

import argparse
import concurrent.futures
import json
import math
import multiprocessing
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import numpy as np  # noqa: E402
import strategies  # noqa: E402

from autonas.objectives import pareto  # noqa: E402
from autonas.oracles import nsga2  # noqa: E402
from autonas.search_space import encoding as encoding_module  # noqa: E402

CHECKPOINTS = (50, 100, 200, 300)
PERCENTILES = (25, 50, 75)
LARGEST_ERROR, LATENCY_PERCENTILE = 0.6, 99.5
#: Number of consecutive refusals after which a search ends. Each limit is satisfied by a large share of the space.
MOST_REFUSALS = 5000
POPULATION = 20


class TextbookNsga2:
    """Generational NSGA-II.

    Parents are chosen by binary tournaments, with uniform crossover of probability 0.9, and mutation of each decision
    with probability 1 / n. The fittest of parents and children survive. Children that are already known are drawn
    again.
    """

    def __init__(self, table, seed):
        self.encoding = encoding_module.Encoding(table.space)
        self.generator = np.random.default_rng(seed)
        self.known, self.parents, self.told, self.waiting = set(), [], [], []

    def ask(self):
        if not self.waiting:
            self._select()
            self.waiting = [self._new() for _ in range(POPULATION)]
        return self.waiting.pop()

    def tell(self, number, values, scores):
        self.told.append((values, scores))

    def _select(self):
        everyone = self.parents + self.told
        if everyone:
            fitness = nsga2.fitness([scores for _, scores in everyone])
            kept = np.argsort(-fitness)[:POPULATION]
            self.parents, self.told = [everyone[index] for index in kept], []

    def _new(self):
        for _ in range(1000):
            child = self._child() if self.parents else self.encoding.sample(self.generator)
            if self.encoding.key(child) not in self.known:
                break
        else:
            child = self.encoding.sample(self.generator)
        self.known.add(self.encoding.key(child))
        return child

    def _child(self):
        # Parents are ordered by fitness.
        first, second = (self.parents[self.generator.integers(POPULATION, size=2).min()][0] for _ in range(2))
        child = dict(first)
        if self.generator.random() < 0.9:
            child = self.encoding.crossover(first, second, self.generator)
        for dimension in self.encoding.dimensions:
            if self.generator.random() < 1 / len(self.encoding.dimensions):
                child[dimension.name] = dimension.neighbour(child[dimension.name], self.generator)
        return child


def search_front(path, description, device, seed, evaluations):
    """Run one search for a front; return relative hypervolumes at the checkpoints, and CPU seconds."""
    (table,) = strategies.cached_tables(path)
    latency = table.latencies[device]
    rows = np.stack([table.validation / 100 - 1, -latency], axis=1)
    reference = (-LARGEST_ERROR, -np.percentile(latency, LATENCY_PERCENTILE))
    whole = pareto.hypervolume(rows, reference)
    is_textbook = description == "nsga2"
    oracle = TextbookNsga2(table, seed) if is_textbook else strategies.make_oracle(description, table, seed, None)
    asked = []
    began = time.process_time()
    for number in range(evaluations):
        values = oracle.ask()
        asked.append(table.row(values))
        oracle.tell(number, values, tuple(rows[asked[-1]].tolist()))
    seconds = time.process_time() - began
    assert len(set(asked)) == evaluations, "a strategy asked for the same architecture twice"  # noqa: S101
    points = [count for count in CHECKPOINTS if count <= evaluations]
    return [pareto.hypervolume(rows[asked[:count]], reference) / whole for count in points], seconds / evaluations


def search_constrained(path, description, device, percentile, seed, evaluations):
    """Run one constrained search; return test accuracies at the checkpoints, refusals, and CPU seconds."""
    (table,) = strategies.cached_tables(path)
    latency = table.latencies[device]
    limit = np.percentile(latency, percentile)
    tells_margins = description != "rejection"
    oracle = strategies.make_oracle(description if tells_margins else "local_search", table, seed, None)
    scored, n_refused, number = [], 0, 0
    points = [count for count in CHECKPOINTS if count <= evaluations]
    began = time.process_time()
    while len(scored) < evaluations and n_refused < MOST_REFUSALS:
        values = oracle.ask()
        row = table.row(values)
        margins = (math.log(limit / latency[row]),)
        is_within = margins[0] >= 0
        if is_within:
            scored.append(row)
        n_refused += not is_within
        scores = (float(table.validation[row]),) if is_within else None
        oracle.tell(number, values, scores, *([margins] if tells_margins else []))
        number += 1
    seconds = time.process_time() - began
    best = [scored[int(table.validation[scored[:count]].argmax())] for count in points]
    return table.test[best].tolist(), n_refused / len(scored), seconds / number


def best_within(table, device, percentile):
    """Return the test accuracy of the feasible architecture with the best validation accuracy."""
    latency = table.latencies[device]
    validation = np.where(latency <= np.percentile(latency, percentile), table.validation, -np.inf)
    return table.test[int(validation.argmax())]


def front(arguments, pool, table, device):
    """Print and return the relative hypervolumes of each strategy on a device."""
    points = [count for count in CHECKPOINTS if count <= arguments.evaluations]
    print(f"\n{table.name}, {device}: share of the front's hypervolume after so many evaluations")
    print(f"| strategy | {' | '.join(map(str, points))} | CPU ms a suggestion |")
    print("| --- |" + " --- |" * (len(points) + 1))
    for description in arguments.strategies:
        futures = [
            pool.submit(search_front, arguments.table, description, device, seed, arguments.evaluations)
            for seed in range(arguments.seeds)
        ]
        shares, seconds = zip(*(future.result() for future in futures), strict=True)
        cells = [f"{mean:.3f} ± {deviation:.3f}" for mean, deviation in _mean_and_deviation(shares)]
        print(f"| {description} | {' | '.join(cells)} | {1000 * np.mean(seconds):.1f} |", flush=True)
        yield {"strategy": description, "device": device, "evaluations": points, "shares": np.mean(shares, 0).tolist()}


def constrained(arguments, pool, table, device):
    """Print and return the test accuracies of each strategy within the limits of a device."""
    points = [count for count in CHECKPOINTS if count <= arguments.evaluations]
    for percentile in PERCENTILES:
        best = best_within(table, device, percentile)
        print(f"\n{table.name}, {device}, limit at the {percentile}th percentile: test accuracy, at best {best:.2f}")
        print(f"| strategy | {' | '.join(map(str, points))} | refused for each evaluated | CPU ms a suggestion |")
        print("| --- |" + " --- |" * (len(points) + 2))
        for description in arguments.strategies:
            futures = [
                pool.submit(
                    search_constrained, arguments.table, description, device, percentile, seed, arguments.evaluations
                )
                for seed in range(arguments.seeds)
            ]
            tests, refused, seconds = zip(*(future.result() for future in futures), strict=True)
            cells = [f"{mean:.2f} ± {deviation:.2f}" for mean, deviation in _mean_and_deviation(tests)]
            print(
                f"| {description} | {' | '.join(cells)} | {np.mean(refused):.2f} | {1000 * np.mean(seconds):.1f} |",
                flush=True,
            )
            yield {
                "strategy": description, "device": device, "percentile": percentile, "evaluations": points,
                "test": np.mean(tests, 0).tolist(), "refused": float(np.mean(refused)),
            }  # fmt: skip


def _mean_and_deviation(numbers):
    return zip(np.mean(numbers, axis=0), np.std(numbers, axis=0), strict=True)


#: Dict from mode to its function and its default strategies.
MODES = {
    "front": (front, ["random", "nsga2", "local_search", "evolution", "reinforcement", "bayesian"]),
    "constrained": (
        constrained,
        ["rejection", "random", "local_search", "evolution", "reinforcement", "bayesian"],
    ),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("table", help="file of trained architectures (.npz)")
    parser.add_argument("--strategies", nargs="+", help="names; all by default, with the yardsticks first")
    parser.add_argument("--devices", nargs="+", help="some of the table's devices; all by default")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--evaluations", type=int, default=300)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="processes at a time")
    parser.add_argument("--output", help="file to add the results to, a JSON line each")
    arguments = parser.parse_args()
    run, default_strategies = MODES[arguments.mode]
    arguments.strategies = arguments.strategies or default_strategies
    (table,) = strategies.cached_tables(arguments.table)
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(arguments.jobs, mp_context=context) as pool:
        for device in arguments.devices or table.latencies:
            for result in run(arguments, pool, table, device):
                if arguments.output:
                    with open(arguments.output, "a", encoding="utf-8") as file:
                        line = {"mode": arguments.mode, "table": table.name, "seeds": arguments.seeds, **result}
                        file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
