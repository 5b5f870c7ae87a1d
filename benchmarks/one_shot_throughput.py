"""Cost of shared weights: scores per second, and the time of training steps relative to a single model.

    python benchmarks/one_shot_throughput.py

The supernet is a cell of 6 edges with 8 operations and 16 filters on the digits. 500 images are predicted, and a step
has 64 images. Architectures of a sequence share the results of equal parts, of which none are known at its beginning.
Measurements alternate in one process on one core, in CPU seconds. Wanted: scores of 120 architectures per second, each
50 times as cheap as building, tracing and scoring a single model; at most 1.3 (select), 2.7 (sample), 6.3 (partial
channels) and 7.5 (blend) times the step of a single model, where the last three modes update the architecture and the
weights in each step; less than 8 seconds before the first step.
"""

import argparse
import itertools
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import common

OPERATIONS = [
    "convolution_1",
    "convolution_3",
    "convolution_5",
    "separable_3",
    "separable_5",
    "dilated_3",
    "max_pooling_3",
    "identity",
]
BATCH_SIZE = 64
VALIDATION_ROWS = 500
#: Number of architectures that are scored one after the other.
N_SCORED = 300
#: Dict from kind of training to the maximum time of a step, relative to a single model.
WANTED = {"select": 1.3, "sample": 2.7, "partial channels": 6.3, "blend": 7.5}


def seconds(function, *arguments):
    """Return the CPU seconds of a call."""
    started = time.process_time()
    function(*arguments)
    return time.process_time() - started


class Setting:
    """Graph, data set, and architectures for the measurements."""

    def __init__(self, n_architectures):
        import numpy as np
        from sklearn.datasets import load_digits

        import autonas
        from autonas.data.fit_data import FitData
        from autonas.estimators.plan import make_plan
        from autonas.search_space import encoding
        from autonas.supernet import Supernet

        x, y = load_digits(return_X_y=True)
        node = autonas.Input()
        block = autonas.CellBlock("nas_bench_201", operations=OPERATIONS, filters=16, n_stages=1, n_cells=1)
        estimator = autonas.AutoModel(node, autonas.ClassificationHead(dropout=0.0)(block(node)), seed=0)
        data = FitData(x.reshape(-1, 8, 8, 1), y)
        prepared = estimator._prepare(make_plan(estimator, data), data)
        self.graph, self.data, self.scorer = prepared.graph, prepared.dataset, prepared.scorer
        rows = np.concatenate([self.data.train_rows, self.data.validation_rows])
        self.data.train_rows, self.data.validation_rows = rows[VALIDATION_ROWS:], rows[:VALIDATION_ROWS]
        self.space = self.graph.declare()
        generator = np.random.default_rng(0)
        shared = encoding.Encoding(Supernet.from_graph(self.graph).space)
        self.architectures = [shared.sample(generator) for _ in range(n_architectures)]

    def model(self, values):
        """Return the stand-alone model of an architecture."""
        import keras_tuner

        config = {"space": self.space.get_config()["space"], "values": values}
        return self.graph.build(keras_tuner.HyperParameters.from_config(config))


def scoring(setting, turns):
    """Return the mean CPU seconds of one-shot scores, and of a score of a stand-alone model."""
    import numpy as np

    from autonas import oracles
    from autonas.evaluation import fastest_loop
    from autonas.evaluation.one_shot import scoring as one_shot_scoring
    from autonas.evaluation.one_shot import search
    from autonas.search_space import encoding
    from autonas.supernet import Supernet

    supernet, rows = Supernet.from_graph(setting.graph), setting.data.validation_rows
    scorer = one_shot_scoring.OneShotScorer(supernet, setting.data, setting.scorer, np.random.default_rng(0))
    scorer.score(setting.architectures[0])  # traces
    scorer.calibrate(supernet.indices(setting.architectures[0]))
    shared, generator = encoding.Encoding(supernet.space), np.random.default_rng(1)

    def examine(values):
        scores = scorer.score(values)
        return search.Examined(values, scores, [scores["val_accuracy"]])

    def evolve():
        oracle = oracles.EvolutionOracle(hyperparameters=supernet.space, objective="val_accuracy", seed=0)
        with scorer.remembering():
            search.ask_and_tell(oracle, N_SCORED, examine)

    def score_random():
        with scorer.remembering():
            for _ in range(N_SCORED):
                scorer.score(shared.sample(generator))

    def score_alone(values):
        setting.scorer(fastest_loop.make_loop(setting.model(values), setting.data).predict(rows), rows)

    alone, calibrated = [], []
    for values in setting.architectures * turns:
        alone.append(seconds(scorer.score, values))
        calibrated.append(seconds(scorer.calibrate, supernet.indices(values)))
    single = [seconds(score_alone, values) for values in setting.architectures[:4]]
    return {
        "one architecture": statistics.median(alone),
        f"{N_SCORED} random architectures": seconds(score_random) / N_SCORED,
        f"{N_SCORED} architectures of an evolution": seconds(evolve) / N_SCORED,
        "statistics for a stand-alone model": statistics.median(calibrated),
        "a model of its own": statistics.median(single),
    }


class Single:
    """Training of stand-alone models one after the other, with the steps of a supernet training."""

    def __init__(self, setting):
        self.trainers = itertools.cycle([self._trainer(setting, values) for values in setting.architectures])

    def _trainer(self, setting, values):
        from autonas.evaluation.one_shot import path_training

        model = setting.model(values)
        model.mode, model.decisions, model.choose = "select", {}, lambda indices: None
        model.operation_variables = model.trainable_variables
        return path_training.PathTrainer(model, setting.data, BATCH_SIZE, sampling="uniform")

    def train_epoch(self, *arguments):
        next(self.trainers).train_epoch(*arguments)


class Select:
    """Training of the same architectures with shared weights."""

    def __init__(self, setting):
        from autonas.evaluation.one_shot import path_training
        from autonas.supernet import Supernet

        supernet = Supernet.from_graph(setting.graph)
        self.architectures = itertools.cycle(setting.architectures)
        self.trainer = path_training.PathTrainer(supernet, setting.data, BATCH_SIZE, sampling="strategy")

    def train_epoch(self, *arguments):
        self.values = next(self.architectures)
        self.trainer.train_epoch(*arguments, self)

    def suggest(self, generator):
        return self.values


def bilevel_trainer(setting, relaxation, partial_channels=1):
    """Return a trainer of weights and architecture."""
    from autonas.evaluation.one_shot import bilevel
    from autonas.supernet import Supernet

    supernet = Supernet.from_graph(setting.graph, partial_channels=partial_channels)
    return bilevel.BilevelTrainer.from_settings(supernet, setting.data, BATCH_SIZE, relaxation=relaxation, warm_up=0.0)


def training(setting, turns):
    """Return CPU seconds per step, and before the first step, by kind of training."""
    import numpy as np

    trainers = {
        "single": Single(setting),
        "select": Select(setting),
        "sample": bilevel_trainer(setting, "gumbel"),
        "partial channels": bilevel_trainer(setting, "partial", 4),
        "blend": bilevel_trainer(setting, "softmax"),
    }
    generator = np.random.default_rng(0)
    deadline = time.monotonic()  # After the first step.
    one_step = (0, 1, deadline, generator)
    first = {name: seconds(trainer.train_epoch, *one_step) for name, trainer in trainers.items()}
    for _ in setting.architectures[1:]:
        # Both go through the architectures in the same order, so that each turn compares the same one.
        for name in ("single", "select"):
            trainers[name].train_epoch(*one_step)
    steps = {name: [] for name in trainers}
    for _ in range(turns * len(setting.architectures)):
        for name, trainer in trainers.items():
            # Weights and architecture are trained on one half of the rows each.
            rows = len(setting.data.train_rows) // (1 if name in ("single", "select") else 2)
            epoch = seconds(trainer.train_epoch, 0, 1000, None, generator)
            steps[name].append(epoch / (rows // BATCH_SIZE))
    return {"steps": steps, "first": first}


def measure(n_architectures, turns):
    """Return all measurements of one process."""
    setting = Setting(n_architectures)
    return {"scoring": scoring(setting, turns), **training(setting, turns)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architectures", type=int, default=8)
    parser.add_argument("--turns", type=int, default=3, help="measurements of each architecture")
    arguments = parser.parse_args()
    call = {"n_architectures": arguments.architectures, "turns": arguments.turns}
    result = common.in_fresh_process(os.path.abspath(__file__), "measure", call)
    if "error" in result:
        sys.exit(result["stderr"])
    print(common.machine())
    rows = []
    for name, duration in result["scoring"].items():
        times_as_cheap = result["scoring"]["a model of its own"] / duration
        rows.append([name, f"{1000 * duration:.1f}", f"{1 / duration:.1f}", f"{times_as_cheap:.1f}"])
    print(common.table(rows, ["scoring", "ms", "architectures/s", "times as cheap as a model"]))
    rows = []
    # The same architectures in the same turns, so that other load on the machine affects both.
    for name, times in result["steps"].items():
        ratio = statistics.median(one / single for one, single in zip(times, result["steps"]["single"], strict=True))
        first = f"{result['first'][name]:.1f}"
        rows.append([name, f"{1000 * statistics.median(times):.2f}", f"{ratio:.2f}", WANTED.get(name, ""), first])
    print(common.table(rows, ["training", "median step ms", "ratio", "wanted", "s before the first step"]))


if __name__ == "__main__":
    main()
