"""Quality of one-shot search, compared to random search of equal wall-clock time and to random architectures.

`find` runs each search of `SEARCHES` for the same time on the same space, over several seeds, and trains random
architectures of the space. `rank` measures the rank correlation of one-shot scores and of the mean scores of three
trainings alone, beside the correlation of one such training with the mean of the other two. `front` runs the searches
of `SEARCHES` for accuracy and number of parameters, and trains the resulting front again.

    python benchmarks/one_shot_quality.py find DATA_DIR --sets digits fashion_mnist --seeds 5
    python benchmarks/one_shot_quality.py rank DATA_DIR
    python benchmarks/one_shot_quality.py front DATA_DIR
"""

import argparse
import functools
import os
import pathlib
import sys
import tempfile
import time

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import common

#: By data set: maximum number of training rows, standard deviation of the noise relative to the range of inputs,
#: seconds of a search, and epochs of a training. Without noise, most architectures are nearly optimal on digits.
SETS = {
    "digits": {"rows": 1000, "noise": 0.15, "seconds": 60, "epochs": 15},
    "fashion_mnist": {"rows": 4000, "noise": 0.0, "seconds": 100, "epochs": 8},
    "cifar10": {"rows": 4000, "noise": 0.0, "seconds": 100, "epochs": 8},
}
#: Names of the searches.
SEARCHES = ("random", "evolution, shared weights", "gradient")
#: Operations of the spaces of `rank`.
OPERATIONS = [
    "identity",
    "convolution_3",
    "convolution_5",
    "separable_3",
    "separable_5",
    "max_pooling_3",
    "average_pooling_3",
    "convolution_1",
]
#: Maximum number of test rows.
TEST_ROWS = 5000


def architecture_search():
    """Return an `AutoModel` that searches the architecture only: optimizer, learning rate and batch size are fixed."""
    import autonas
    from autonas.search_space.optimization import Optimization

    class ArchitectureSearch(autonas.AutoModel):
        def _prepare(self, plan, data):
            prepared = super()._prepare(plan, data)
            prepared.graph.optimization = Optimization(
                learning_rate=2e-3, weight_decay=1e-2, batch_size=64, epochs_share=1.0
            )
            return prepared

    return ArchitectureSearch


def estimator(seed, directory, **arguments):
    """Return an `AutoModel` over residual chains of six layers with eight operations each.

    The identity is the first operation, so that the default architecture, the first candidate of all searches, isn't a
    good one.
    """
    import autonas

    node = autonas.Input()
    chain = autonas.ChainBlock(filters=12, depth=6, skip="residual", operations=OPERATIONS)(node)
    head = autonas.ClassificationHead(dropout=0.0)(chain)
    return architecture_search()(
        node, head, seed=seed, directory=directory, refit=False, tensorboard=False, verbose=0, **arguments
    )


def elastic_convolutions():
    """Return a block of three stages of convolutions, with a width, a depth and a kernel size for each stage."""
    import keras

    import autonas

    class ElasticConvolutions(autonas.Block):
        def build(self, hp, inputs):
            def convolution(width, size):
                layers = [
                    keras.layers.Conv2D(width.units, size, padding="same", use_bias=False),
                    keras.layers.BatchNormalization(),
                    keras.layers.ReLU(),
                ]
                return lambda tensor: width.narrow(functools.reduce(lambda value, layer: layer(value), layers, tensor))

            outputs = inputs
            for stage in range(3):
                width = autonas.WidthChoice(f"width_{stage}", {4: 4, 8: 8, 16: 16, 24: 24}, default=24)(hp)
                sizes = {str(size): functools.partial(convolution, width, size) for size in (1, 3, 5)}
                outputs = autonas.LayerChoice(f"kernel_{stage}", sizes, default="3")(hp, outputs)
                more = autonas.Repeat(f"depth_{stage}", 0, 2, lambda index, width=width: convolution(width, 3))
                outputs = more(hp, outputs)
                if stage < 2:
                    outputs = keras.layers.MaxPooling2D(padding="same")(outputs)
            return keras.layers.GlobalAveragePooling2D()(outputs)

    return ElasticConvolutions()


def oracle(search):
    """Return the strategy of a search."""
    from autonas import oracles

    return {
        "random": lambda: oracles.RandomOracle(),
        "random architecture": lambda: oracles.RandomOracle(initial_points=[]),
        "evolution, shared weights": lambda: oracles.WeightSharingOracle("evolution"),
        "gradient": lambda: oracles.GradientOracle(),
    }[search]()


def rows_of(name, data, seed, n_rows=None):
    """Return training rows and test rows of a data set, with inputs from 0 to 1 and added noise."""
    settings = SETS[name]
    dataset = common.load(name, data)
    x = np.concatenate([dataset.x_train, dataset.x_test])
    y = np.concatenate([dataset.y_train, dataset.y_test])
    generator = np.random.default_rng([seed, 6])
    n_rows = n_rows or settings["rows"]
    rows = generator.permutation(len(x))[: n_rows + TEST_ROWS]
    x, y = x[rows] / x.max(), y[rows]
    x = (x + settings["noise"] * generator.normal(size=x.shape)).astype("float32")
    return x[:n_rows], y[:n_rows], x[n_rows:], y[n_rows:]


def find_one(name, data, search, seed):
    """Run one search, or train one random architecture; return the architecture and its test accuracy."""
    settings = SETS[name]
    x, y, x_test, y_test = rows_of(name, data, 0)
    budget = {"max_trials": 1} if search == "random architecture" else {"time_limit": settings["seconds"]}
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        model = estimator(
            seed, os.path.join(folder, "run"), strategy=oracle(search), epochs=settings["epochs"], **budget
        ).fit(x, y)
        seconds = time.monotonic() - started
        board = model.leaderboard()
    alone = board[board["stage"] == "search"]
    return {
        "accuracy": model.score(x_test, y_test),
        "seconds": seconds,
        "trials": int((alone["status"] == "completed").sum()),
        "supernet_epochs": int((board["stage"] == "supernet").sum()),
        "correlation": getattr(model, "one_shot_correlation_", None),
        "architecture": alone.iloc[0][[column for column in alone if column.endswith("operation")]].tolist(),
    }


def find(arguments):
    results = common_results(arguments.out)
    for name in arguments.sets:
        for search in ("random architecture", *SEARCHES):
            n = arguments.architectures if search == "random architecture" else arguments.seeds
            for seed in range(n):
                key = f"{name}/{search}/{seed}"
                if key in results:
                    continue
                results[key] = common.in_fresh_process(
                    __file__, "find_one", {"name": name, "data": arguments.data, "search": search, "seed": seed}
                )
                common.write_json(arguments.out, results)
                print(key, {k: v for k, v in results[key].items() if k != "stderr"}, flush=True)
    print(summary(results, arguments.sets))


def common_results(path):
    import json

    return json.loads(pathlib.Path(path).read_text()) if os.path.exists(path) else {}


def summary(results, sets):
    """Return a table of mean test accuracies, standard errors, and differences to random architectures and search."""
    rows = []
    for name in sets:
        accuracies = {
            search: [
                result["accuracy"]
                for key, result in results.items()
                if key.startswith(f"{name}/{search}/") and "accuracy" in result
            ]
            for search in ("random architecture", *SEARCHES)
        }
        for search, scores in accuracies.items():
            if not scores:
                continue
            details = [
                result for key, result in results.items() if key.startswith(f"{name}/{search}/") and "trials" in result
            ]
            rows.append(
                (
                    name,
                    search,
                    len(scores),
                    f"{np.mean(scores):.4f}",
                    f"{error(scores):.4f}",
                    *(difference(scores, accuracies[other]) for other in ("random architecture", "random")),
                    f"{np.median([result['trials'] for result in details]):.0f}",
                    f"{np.median([result['supernet_epochs'] for result in details]):.0f}",
                    f"{np.median([result['seconds'] for result in details]):.0f}",
                )
            )
    header = ("set", "search", "n", "accuracy", "s.e.", "- random arch.", "- random search", "trials", "epochs", "s")
    return common.table(rows, header)


def error(scores):
    """Return the standard error of the mean."""
    return np.std(scores, ddof=1) / np.sqrt(len(scores)) if len(scores) > 1 else float("nan")


def difference(scores, others):
    """Return the difference of means, and its ratio to its standard error."""
    if not others:
        return ""
    gap = np.mean(scores) - np.mean(others)
    spread = np.hypot(error(scores), error(others))
    return f"{gap:+.4f} ({gap / spread:+.1f})" if spread > 0 else f"{gap:+.4f}"


# ---------------------------------------------------------------------- ranks


#: Numbers of training and validation rows in `rank`. The other rows are the test set.
N_TRAIN, N_VALIDATION = 500, 500


def ranks_of(name, data, space, n_architectures, n_truths, epochs, updates, sampling, seed):
    """Return scores of random architectures, trained alone with several seeds and with shared weights."""
    import autonas
    from autonas import oracles
    from autonas.backends import seeding
    from autonas.data.fit_data import FitData
    from autonas.estimators.plan import make_plan
    from autonas.evaluation import evaluator as evaluator_module
    from autonas.evaluation import fastest_loop, training
    from autonas.evaluation.one_shot import supernet_evaluator
    from autonas.search_space.encoding import Encoding
    from autonas.trials import checkpoint as checkpoints
    from autonas.trials import job as jobs

    blocks = {
        "residual chain": lambda: autonas.ChainBlock(
            filters=12, depth=6, skip="residual", layers=6, operations=OPERATIONS
        ),
        "cells": lambda: autonas.CellBlock("nas_bench_201", filters=12, n_stages=1, operations=OPERATIONS),
        "widths, depths and kernels": elastic_convolutions,
    }
    node = autonas.Input()
    search = architecture_search()(node, autonas.ClassificationHead(dropout=0.0)(blocks[space]()(node)), seed=seed)
    x, y, *held = rows_of(name, data, seed, N_TRAIN)
    fit_data = FitData(x, y, validation_data=tuple(held))
    prepared = search._prepare(make_plan(search, fit_data), fit_data)
    rows = prepared.dataset.validation_rows
    prepared.dataset.validation_rows, test_rows = rows[:N_VALIDATION], rows[N_VALIDATION:]
    alone = evaluator_module.Evaluator(prepared, epochs, epochs, seed)

    steps = N_TRAIN // 64
    supernet_epochs = max(1, updates // steps) if updates else oracles.WeightSharingOracle().default_epochs(steps)
    settings = {"method": "paths", "sampling": sampling, "epochs": supernet_epochs}
    with tempfile.TemporaryDirectory() as folder:
        shared = supernet_evaluator.SupernetEvaluator(prepared, settings, folder, seed)
        started = time.process_time()
        for epoch in range(settings["epochs"]):
            values = {"tuner/stage": "supernet", "tuner/initial_epoch": epoch, "tuner/epochs": epoch + 1}
            shared.evaluate(jobs.Job(f"{epoch:04d}", epoch, values))
        supernet_seconds = time.process_time() - started
    encoding, generator = Encoding(shared.supernet.space), np.random.default_rng(seed)
    architectures = [encoding.sample(generator) for _ in range(n_architectures)]
    one_shot = [timed(shared.one_shot_scorer.score, values) for values in architectures]
    compared = []
    for index, values in enumerate(architectures):
        started = time.process_time()
        truths = []
        for truth in range(n_truths):
            number = 1000 * (truth + 1) + index
            with seeding.seeded(seed, number):
                network = alone.networks.build(values)
                if not truth:  # All trainings of an architecture share its traces.
                    model, loop = network, fastest_loop.make_loop(network, prepared.dataset)
                    learning_rate = float(model.optimizer.learning_rate)
                model.set_weights(network.get_weights())
                checkpoints.restart(model, learning_rate)
                rows = training.ShuffledRows(prepared.dataset.train_rows, 64, np.random.default_rng([seed, number, 1]))
                training.train(loop, rows, training.Length(epochs))
                truths.append(prepared.scorer(loop.predict(test_rows), test_rows))
        compared.append(
            {
                "one_shot": one_shot[index][0],
                "truths": truths,
                "parameters": model.count_params(),
                "seconds": [one_shot[index][1], (time.process_time() - started) / n_truths],
            }
        )
    return {"architectures": compared, "supernet_seconds": supernet_seconds, "epochs": settings["epochs"]}


def timed(function, *arguments):
    """Return the result of a function, and its CPU seconds."""
    started = time.process_time()
    return function(*arguments), time.process_time() - started


def rank(arguments):
    from scipy import stats

    rows = []
    for seed in range(arguments.seeds):
        for space in arguments.spaces:
            result = common.in_fresh_process(
                __file__,
                "ranks_of",
                {
                    "name": arguments.set,
                    "data": arguments.data,
                    "space": space,
                    "n_architectures": arguments.architectures,
                    "n_truths": 3,
                    "epochs": arguments.epochs,
                    "updates": arguments.updates,
                    "sampling": arguments.sampling,
                    "seed": seed,
                },
            )
            if "error" in result:
                print(result["stderr"])
                raise SystemExit(1)
            compared = result["architectures"]

            def column(kind, metric, compared=compared):
                if kind == "one_shot":
                    return np.array([architecture["one_shot"][metric] for architecture in compared])
                return np.array([[truth[metric] for truth in architecture["truths"]] for architecture in compared])

            taus = []
            for metric in ("val_accuracy", "val_loss"):
                one_shot, truths = column("one_shot", metric), column("truths", metric)
                taus.append(f"{stats.kendalltau(one_shot, truths.mean(axis=1)).statistic:.2f}")
                ceilings = [
                    stats.kendalltau(truths[:, index], np.delete(truths, index, axis=1).mean(axis=1)).statistic
                    for index in range(truths.shape[1])
                ]
                taus.append(f"{np.mean(ceilings):.2f}")
            size = [architecture["parameters"] for architecture in compared]
            truths = column("truths", "val_accuracy").mean(axis=1)
            one_shot = column("one_shot", "val_loss")
            seconds = np.median([architecture["seconds"] for architecture in compared], axis=0)
            rows.append(
                (
                    space,
                    seed,
                    *taus,
                    f"{stats.kendalltau(-one_shot, truths).statistic:.2f}",
                    f"{stats.kendalltau(size, truths).statistic:.2f}",
                    f"{truths.mean():.3f}",
                    f"{truths.max():.3f}",
                    f"{truths[np.argsort(one_shot)[:3]].mean():.3f}",
                    f"{result['supernet_seconds']:.0f}",
                    f"{seconds[0] * 1000:.0f}",
                    f"{seconds[1]:.1f}",
                )
            )
            print(rows[-1], flush=True)
    header = (
        "space", "seed", "tau accuracy", "one training", "tau loss", "one training", "loss-accuracy", "size", "mean",
        "best", "top 3", "supernet s", "score ms", "alone s",
    )  # fmt: skip
    print(common.table(rows, header))


# ---------------------------------------------------------------------- fronts


def front_of(name, data, search, seed, trials):
    """Search for accuracy and parameters; return parameters and test accuracies of candidates trained twice."""
    from autonas.backends import seeding
    from autonas.data.fit_data import FitData
    from autonas.estimators.plan import make_plan
    from autonas.evaluation import evaluator as evaluator_module
    from autonas.evaluation import fastest_loop, training

    epochs = SETS[name]["epochs"]
    x, y, *held = rows_of(name, data, 0)
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        model = estimator(
            seed, os.path.join(folder, "run"), strategy=oracle(search), epochs=epochs, max_trials=trials,
            objective=["val_accuracy", "params"],
        ).fit(x, y)  # fmt: skip
        seconds = time.monotonic() - started
        values = [record["values"] for record in model.records_ if record["stage"] == "search"]
    fit_data = FitData(x, y, validation_data=tuple(held))
    again = estimator(seed, None)
    prepared = again._prepare(make_plan(again, fit_data), fit_data)
    dataset, candidates = prepared.dataset, []
    alone = evaluator_module.Evaluator(prepared, epochs, epochs, seed)
    # The first architecture is the default one in all searches.
    for index, architecture in enumerate(values[1:]):
        truths = []
        for truth in range(2):
            with seeding.seeded(seed, 1000 * (truth + 1) + index):
                network = alone.networks.build(architecture)
                rows = training.ShuffledRows(dataset.train_rows, 64, np.random.default_rng([seed, index, truth]))
                loop = fastest_loop.make_loop(network, dataset)
                training.train(loop, rows, training.Length(epochs))
            truths.append(prepared.score(prepared.predict(loop), loop)["val_accuracy"])
        candidates.append((network.count_params(), float(np.mean(truths))))
    return {"candidates": candidates, "seconds": seconds}


def front(arguments):
    from autonas.objectives import pareto

    results = {}
    for search in SEARCHES:
        for seed in range(arguments.seeds):
            parameters = {"name": arguments.set, "data": arguments.data, "search": search, "seed": seed}
            results[search, seed] = common.in_fresh_process(
                __file__, "front_of", parameters | {"trials": arguments.trials}
            )
            if "error" in results[search, seed]:
                print(results[search, seed]["stderr"])
                raise SystemExit(1)
            print(search, seed, sorted(results[search, seed]["candidates"]), flush=True)
    sizes = [size for result in results.values() for size, _ in result["candidates"]]
    rows = []
    for (search, seed), result in results.items():
        # Size on a logarithmic scale from the largest (0) to the smallest (1).
        span = np.log10(max(sizes) / min(sizes))
        scores = [(np.log10(max(sizes) / size) / span, accuracy) for size, accuracy in result["candidates"]]
        best = pareto.non_dominated(scores)
        rows.append(
            (search, seed, f"{pareto.hypervolume(scores, (-1e-6, 0.0)):.3f}", int(best.sum()), len(scores),
             f"{max(accuracy for _, accuracy in scores):.3f}", f"{result['seconds']:.0f}")
        )  # fmt: skip
    print(common.table(rows, ("search", "seed", "hypervolume", "on its front", "of", "best accuracy", "s")))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("find")
    command.add_argument("data", help="folder of the data sets")
    command.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    command.add_argument("--seeds", type=int, default=5)
    command.add_argument("--architectures", type=int, default=12, help="random architectures that are trained alone")
    command.add_argument("--out", default="one_shot_quality.json", help="results; those in it aren't measured again")
    command.set_defaults(run=find)
    command = commands.add_parser("rank")
    command.add_argument("data", help="folder of the data sets")
    command.add_argument("--set", default="digits", choices=list(SETS))
    command.add_argument("--spaces", nargs="+", default=["residual chain", "cells"])
    command.add_argument("--architectures", type=int, default=24)
    command.add_argument("--epochs", type=int, default=60, help="of a training alone, to its end: 15 are too few")
    command.add_argument("--updates", type=int, help="training steps of the supernet, by default the oracle's")
    command.add_argument("--sampling", default="fair", choices=["fair", "uniform", "prioritised"])
    command.add_argument("--seeds", type=int, default=1)
    command.set_defaults(run=rank)
    command = commands.add_parser("front")
    command.add_argument("data", help="folder of the data sets")
    command.add_argument("--set", default="digits", choices=list(SETS))
    command.add_argument("--trials", type=int, default=7, help="architectures to train, the default one included")
    command.add_argument("--seeds", type=int, default=2)
    command.set_defaults(run=front)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
