"""Queries until the best architecture of a table, with and without an earlier search on another table.

    python benchmarks/warm_start.py TABLE.npz... --seeds 11 --queries 150

The earlier search is one of the Bayesian strategy, with other seeds, on each of these sources:

- every other table of the same space;
- of a table with scores after fewer epochs, the longest of these shorter trainings;
- the table with shuffled scores, and the table with negated scores, which mislead.

Its best architectures are tried first, as `AutoModel(warm_start=...)` does.
"""

import argparse
import copy
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1")
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import keras_tuner  # noqa: E402
import numpy as np  # noqa: E402
import tables  # noqa: E402

from autonas.oracles import BayesianOracle, earlier_search  # noqa: E402

#: Seeds of the earlier searches are these numbers higher.
_EARLIER_SEED = 100


def search(table, seed, queries, earlier=(), stops=True):
    """Return the rows of a table in the order of the queries, up to the best row if the search stops there."""
    oracle = BayesianOracle(
        objective=keras_tuner.Objective("score", "max"),
        hyperparameters=table.space,
        seed=seed,
        structure=table.structure,
        earlier_searches=earlier,
        costs=None if table.costs is None else table.costs_of,
    )
    oracle.initial_points = earlier_search.best(earlier, oracle.encoding, earlier_search.N_FIRST)
    rows, best = [], table.validation[table.optimum]
    while len(rows) < queries and not (stops and best in table.validation[rows]):
        values = oracle.ask()
        rows.append(table.row(values))
        oracle.tell(len(rows) - 1, values, (float(table.validation[rows[-1]]),))
    return rows


def sources(table, others, shorter, generator):
    """Yield pairs of a description and a table whose scores are those of an earlier search."""
    yield from ((other.name, other) for other in others if _space(other) == _space(table) and other is not table)
    for name, scores in [("shuffled", generator.permutation(table.validation)), ("negated", -table.validation)]:
        yield name, _with_scores(table, scores)
    if shorter is not None:
        yield "shorter trainings", _with_scores(table, shorter)


def _with_scores(table, scores):
    changed = copy.copy(table)
    changed.validation, changed.optimum = scores, int(np.nanargmax(scores))
    return changed


def _space(table):
    return {hyperparameter.name: len(hyperparameter.values) for hyperparameter in table.space.space}


def _shorter(path):
    """Return the scores after the second longest training of a file, or `None` without any."""
    arrays = np.load(path)
    epochs = sorted(int(name[3:]) for name in arrays if name[:3] == "val" and name[3:].isdecimal())
    return arrays[f"val{epochs[-2]}"].astype(float) if len(epochs) > 1 else None


def _translated(values, source, table):
    """Return an architecture of one table as one of another, whose options have other names."""
    of, to = ({one.name: one.values for one in searched.space.space} for searched in (source, table))
    return {name: to[name][of[name].index(value)] for name, value in values.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="TABLE.npz")
    parser.add_argument("--seeds", type=int, default=11)
    parser.add_argument("--queries", type=int, default=150)
    parser.add_argument("--earlier", type=int, default=100, help="queries of the earlier search")
    options = parser.parse_args()
    read = [(table, path) for path in options.files for table in tables.read(path)]
    line = "{:<22} {:<22} {:>8} {:>22}"
    print(line.format("table", "earlier search", "queries", "best after 10, 20, 50"), flush=True)
    for table, path in read:
        shorter = _shorter(path)
        named = [("none", None), *sources(table, [other for other, _ in read], shorter, np.random.default_rng(0))]
        for name, source in named:
            counts, bests = [], []
            for seed in range(options.seeds):
                earlier = []
                if source is not None:
                    rows = search(source, seed + _EARLIER_SEED, options.earlier, stops=False)
                    architectures = [_translated(source.values(row), source, table) for row in rows]
                    earlier.append(earlier_search.EarlierSearch(architectures, source.validation[rows].tolist()))
                rows = search(table, seed, options.queries, earlier)
                found = table.validation[rows]
                counts.append(len(rows) if found.max() == table.validation[table.optimum] else np.inf)
                bests.append([np.max(table.validation[rows[:count]]) for count in (10, 20, 50)])
            best = " ".join(f"{score:.3f}" for score in np.mean(bests, axis=0))
            print(line.format(table.name, name, f"{np.median(counts):g}", best), flush=True)


if __name__ == "__main__":
    main()
