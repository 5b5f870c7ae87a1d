"""Priors of our own search spaces: do the best architectures of other data sets shorten a search?

    python benchmarks/space_priors.py train DATA_DIR --space hierarchical --architectures 60 --output scores.jsonl
    python benchmarks/space_priors.py compare scores.jsonl --seeds 40

`train` trains the default architecture, changed default architectures and random ones on each data set, and adds the
validation loss of each to a file. An architecture is compiled once for all data sets, whose images have 8 x 8
pixels. `compare` leaves out one data set after the other, and searches it among the trained architectures with the
Bayesian strategy,

- without a prior;
- beginning from the best sequence of architectures on the other data sets, each of which has the lowest mean loss
  together with its predecessors, relative to the spread of the losses on a data set;
- with the scores on the other data sets as earlier searches, as `AutoModel(warm_start=...)`;
- with both from negated scores, which mislead.

It prints the median number of trials to the best architecture and the mean loss after five and ten trials, in
standard deviations of the losses that are lower than the median, above the lowest one. `sequence` prints the best
sequence on all data sets.
"""

import argparse
import gc
import json
import os
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import common

SETS = ("digits", "mnist", "fashion_mnist", "cifar10")
#: Numbers of training and validation rows of a data set, and of epochs.
N_TRAIN, N_VALIDATION, EPOCHS = 400, 600, 25
#: Settings that make trainings short, by the end of the name: the only value, or the least one.
SMALL = {"filters": 8}
LEAST = {"batch_size": 32}
#: Number of architectures with which a search with a prior begins, after the default one.
N_FIRST = 3


def images(name, data):
    """Return 1,000 images of 8 x 8 pixels with three channels, standardised, and their targets."""
    dataset = common.load(name, data)
    x = np.concatenate([dataset.x_train, dataset.x_test]).astype("float32")
    y = np.concatenate([dataset.y_train, dataset.y_test])
    rows = np.random.default_rng(0).permutation(len(x))[: N_TRAIN + N_VALIDATION]
    x, y = x[rows].reshape(len(rows), *x.shape[1:3], -1), y[rows].ravel()
    if x.shape[1] == 28:
        x = np.pad(x, [(0, 0), (2, 2), (2, 2), (0, 0)])
    factor = x.shape[1] // 8
    x = x.reshape(len(rows), 8, factor, 8, factor, -1).mean(axis=(2, 4))
    x = np.broadcast_to(x, (*x.shape[:3], 3))
    return (x - x.mean()) / x.std(), y


def train(space, data, first, last, path):
    """Train the architectures of a space with some numbers on each data set, and add their scores to a file."""
    import autonas
    from autonas.backends import seeding
    from autonas.data.fit_data import FitData
    from autonas.estimators.plan import make_plan
    from autonas.evaluation import fastest_loop, networks, training
    from autonas.search_space.encoding import Encoding
    from autonas.trials import checkpoint as checkpoints

    x, y = (np.concatenate(parts) for parts in zip(*(images(name, data) for name in SETS), strict=True))
    search = autonas.AutoModel(search_space=space, seed=0)
    fit_data = FitData(x, y)
    prepared = search._prepare(make_plan(search, fit_data), fit_data)
    dataset, optimization = prepared.dataset, prepared.graph.optimization
    encoding, builder = Encoding(prepared.space), networks.Networks(prepared, None, "float32", 1)
    for number in range(first, last):
        values, generator = encoding.complete({}), np.random.default_rng([number, 1])
        if number % 3 == 1:
            values = encoding.sample(generator)
        elif number:
            for _ in range(generator.integers(1, 7)):
                values = encoding.mutate(values, generator)
        values |= {name: SMALL[end] for name in values if (end := name.rpartition("/")[2]) in SMALL}
        values |= {name: max(LEAST[end], values[name]) for name in values if (end := name.rpartition("/")[2]) in LEAST}
        losses = {}
        with seeding.seeded(0, number):
            model = builder.build(values)
            loop = fastest_loop.make_loop(model, dataset)
            initial = checkpoints.values_of(checkpoints.variables_of(model))
            learning_rate = float(model.optimizer.learning_rate)
            for position, name in enumerate(SETS):
                begin = position * (N_TRAIN + N_VALIDATION)
                held = np.arange(begin + N_TRAIN, begin + N_TRAIN + N_VALIDATION)
                rows = training.ShuffledRows(
                    np.arange(begin, begin + N_TRAIN),
                    optimization.batch_size_of(values),
                    np.random.default_rng([number, position]),
                )
                checkpoints.assign(checkpoints.variables_of(model), initial)
                checkpoints.restart(model, learning_rate)
                length = training.Length(
                    optimization.epochs_of(values, EPOCHS), schedule=optimization.schedule_of(values)
                )
                try:
                    training.train(loop, rows, length)
                    losses[name] = float(prepared.scorer(loop.predict(held), held)["val_loss"])
                except training.Diverged:
                    losses[name] = float(np.log(10))
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"space": space, "number": number, "losses": losses, "values": values}) + "\n")
        print(space, number, {name: round(loss, 3) for name, loss in losses.items()}, flush=True)
        del model, loop
        gc.collect()


def read(path):
    """Return the architectures, a list of dicts, and their losses, shape `(architectures, data sets)`."""
    with open(path, encoding="utf-8") as file:
        trained = [json.loads(line) for line in file]
    losses = np.array([[one["losses"][name] for name in SETS] for one in trained])
    return [one["values"] for one in trained], losses


def relative(losses):
    """Return the losses above the lowest one of each data set, in standard deviations of the better half."""
    better = np.where(losses <= np.median(losses, axis=0), losses, np.nan)
    return (losses - losses.min(axis=0)) / np.nanstd(better, axis=0)


def sequence(losses, length):
    """Return the rows of the best sequence: each row minimises the mean over data sets of the lowest relative loss."""
    scores, rows = np.minimum(relative(losses), 3.0), [0]
    for _ in range(length):
        together = np.minimum(scores, scores[rows].min(axis=0)).mean(axis=1)
        rows.append(int(np.argmin(together)))
    return rows[1:]


def search(space, architectures, losses, seed, earlier=(), first=()):
    """Return the rows of the trained architectures in the order of a search, up to the best one."""
    import keras_tuner

    from autonas.oracles import BayesianOracle

    class Among(BayesianOracle):
        """The Bayesian strategy whose candidates are the trained architectures."""

        def _candidates(self, generator, draw):
            return [values for values in architectures if self._is_new_key(self.encoding.key(values))]

        def _near_initial_point(self, generator):
            new = self._candidates(generator, None)
            return new[int(generator.integers(len(new)))]

    oracle = Among(
        objective=keras_tuner.Objective("val_loss", "min"),
        hyperparameters=space,
        seed=seed,
        earlier_searches=earlier,
        initial_points=[architectures[row] for row in (0, *first)],
    )
    architectures = [oracle.encoding.complete(values) for values in architectures]
    row_of = {oracle.encoding.key(values): row for row, values in enumerate(architectures)}
    rows, best = [], int(np.argmin(losses))
    while len(rows) < min(10, len(architectures)) or best not in rows:
        values = oracle.ask()
        rows.append(row_of[oracle.encoding.key(values)])
        oracle.tell(len(rows) - 1, values, (float(losses[rows[-1]]),))
    return rows


def compare(arguments):
    """Print the lengths of searches with and without a prior."""
    import keras_tuner

    from autonas.oracles import EarlierSearch

    architectures, losses = read(arguments.file)
    space = keras_tuner.HyperParameters()
    for name in {name: None for values in architectures for name in values}:
        options = {values[name] for values in architectures if name in values}
        space.Choice(name, sorted(options), default=architectures[0].get(name))
    rows = []
    print(f"{len(architectures)} architectures; Spearman's rho between data sets:")
    print(np.round(_correlations(losses), 2))
    for left_out, name in enumerate(SETS):
        kept = [position for position in range(len(SETS)) if position != left_out]
        for sign, kinds in [(1, ("none", "sequence", "scores")), (-1, ("negated sequence", "negated scores"))]:
            others = sign * losses[:, kept]
            best = sequence(others, N_FIRST)
            evidence = [EarlierSearch(architectures, (-others[:, position]).tolist()) for position in range(len(kept))]
            for kind in kinds:
                given = {} if kind == "none" else {"first": best}
                if "scores" in kind:
                    given["earlier"] = evidence
                numbers, after = [], []
                for seed in range(arguments.seeds):
                    found = search(space, architectures, losses[:, left_out], seed, **given)
                    numbers.append(found.index(int(np.argmin(losses[:, left_out]))) + 1)
                    after.append([relative(losses)[found[:n], left_out].min() for n in (5, 10)])
                rows.append([name, kind, f"{np.median(numbers):g}", f"{np.mean(numbers):.1f}",
                             *(f"{loss:.2f}" for loss in np.mean(after, axis=0))])  # fmt: skip
                print(*rows[-1], flush=True)
    print(common.table(rows, ["left out", "prior", "median trials", "mean trials", "after 5", "after 10"]))


def _correlations(losses):
    from scipy import stats

    return stats.spearmanr(losses).statistic


def best_sequence(arguments):
    """Print the best sequence on all data sets, as changes of the default architecture."""
    architectures, losses = read(arguments.file)
    for row in sequence(losses, N_FIRST):
        changed = {
            name: value for name, value in architectures[row].items() if architectures[0].get(name, None) != value
        }
        print(np.round(relative(losses)[row], 2), json.dumps(changed, indent=1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("train")
    command.add_argument("data", help="folder of the data sets")
    command.add_argument("--space", default="hierarchical")
    command.add_argument("--architectures", type=int, default=60)
    command.add_argument("--first", type=int, default=0, help="number of the first architecture, to go on with a file")
    command.add_argument("--output", required=True)
    command.set_defaults(run=lambda a: train(a.space, a.data, a.first, a.architectures, a.output))
    command = commands.add_parser("compare")
    command.add_argument("file")
    command.add_argument("--seeds", type=int, default=40)
    command.set_defaults(run=compare)
    command = commands.add_parser("sequence")
    command.add_argument("file")
    command.set_defaults(run=best_sequence)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
