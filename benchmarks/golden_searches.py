"""Regression test of seeded searches, run folders and saved models.

    python benchmarks/golden_searches.py record FOLDER
    python benchmarks/golden_searches.py compare FOLDER --only table_evolution forecaster

Record before a change of the code, and compare after the change, on the same machine. `record` runs small searches with
a seed. For each search, it keeps a JSON file of facts (leaderboard and predictions), the run folder, and a saved model.
`compare` runs the searches again and checks that

- the facts of the new search are equal to the recorded ones;
- the recorded model loads, and its leaderboard and predictions are equal to the recorded ones;
- `fit` continues a copy of the recorded run folder with the recorded result, with more trials if `more` is set.

Strategies are also run by `ask` and `tell` without training. The script uses only public names of autonas, so that it
survives changes of modules. The exit status is 1 if a check fails.
"""

import argparse
import dataclasses
import json
import math
import os
import pathlib
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable

# One thread computes sums in one order. The variables must be set before TensorFlow is imported.
for _variable in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import common  # noqa: E402
import keras  # noqa: E402
import keras_tuner  # noqa: E402
import numpy as np  # noqa: E402
import pandas  # noqa: E402
from sklearn import datasets  # noqa: E402

import autonas  # noqa: E402

#: Largest relative difference of scores, and absolute difference of predictions, that count as equal.
SCORE_TOLERANCE, PREDICTION_TOLERANCE = 1e-6, 1e-5
#: Columns of the leaderboard with times or texts, which may differ.
LEFT_OUT = ("seconds", "reason")
#: Number of rows whose predictions are recorded.
N_PREDICTED = 32
#: Number of queries of a strategy.
N_QUERIES = 60
BUDGET = {"epochs": 2, "seed": 0, "verbose": 0, "tensorboard": False}

# ---------------------------------------------------------------------- data


@dataclasses.dataclass
class Data:
    """Rows of a search.

    Args:
        fit: Dict of the arguments of `fit`.
        rows: Rows to predict.
    """

    fit: dict
    rows: object


def _data(x, y, n_rows=160, **others):
    return Data({"x": x[:n_rows], "y": y[:n_rows], **others}, x[:N_PREDICTED])


def digits():
    x, y = datasets.load_digits(n_class=4, return_X_y=True)
    return _data(x.reshape(-1, 8, 8), y)


def tumours():
    return _data(*datasets.load_breast_cancer(return_X_y=True))


def weighted_tumours():
    x, y = datasets.load_breast_cancer(return_X_y=True)
    generator = np.random.default_rng(0)
    return _data(x, y, sample_weight=generator.uniform(0.5, 1.5, 160), groups=np.arange(160) // 4)


def patients():
    return _data(*datasets.load_diabetes(return_X_y=True))


def mixed_table():
    generator = np.random.default_rng(0)
    size, colour = generator.normal(size=160), generator.choice(["red", "green", "blue"], 160)
    frame = pandas.DataFrame({"size": np.where(size > 1.5, np.nan, size), "colour": colour})
    return _data(frame, np.where((colour == "red") ^ (size > 0), "yes", "no"))


def words():
    generator = np.random.default_rng(0)
    y = generator.integers(0, 2, 160)
    vocabulary = [["good", "fine", "great", "the"], ["bad", "poor", "awful", "the"]]
    return _data([" ".join(generator.choice(vocabulary[label], 5)) for label in y], y)


def waves():
    generator = np.random.default_rng(0)
    y = generator.integers(0, 2, 160)
    steps = np.arange(20)
    x = np.sin(steps * (0.3 + 0.3 * y[:, None]) + generator.uniform(0, 6, (160, 1)))
    return _data(x[..., None] + generator.normal(0, 0.3, (160, 20, 1)), y)


def months():
    steps = np.arange(150)
    noise = np.random.default_rng(0).normal(0, 0.1, 150)
    series = np.sin(steps * np.pi / 6) + 0.01 * steps + noise
    return Data({"series": series}, series)


def stream():
    import tensorflow

    arrays = digits()
    dataset = tensorflow.data.Dataset.from_tensor_slices((arrays.fit["x"], arrays.fit["y"])).batch(32)
    return Data({"x": dataset}, arrays.rows)


def images_and_table():
    x, y = datasets.load_digits(n_class=4, return_X_y=True)
    images, sums = x[:160].reshape(-1, 8, 8), x[:160].reshape(-1, 8, 8).sum(axis=1)
    x, y = {"image": images, "table": sums}, {"digit": y[:160], "ink": sums.sum(axis=1)}
    return Data({"x": x, "y": y}, {name: values[:N_PREDICTED] for name, values in x.items()})


# ---------------------------------------------------------------------- graphs


class ThreeLayers(autonas.Block):
    """A space of 27 architectures with three layers, for supernets that are traced in seconds."""

    def build(self, hp, inputs):
        outputs = keras.layers.Flatten()(inputs)
        outputs = keras.layers.Dense(12)(outputs)
        for index in range(3):
            outputs = autonas.LayerChoice(
                f"layer_{index}",
                {
                    "relu": lambda: keras.layers.Dense(12, activation="relu"),
                    "tanh": lambda: keras.layers.Dense(12, activation="tanh"),
                    "identity": lambda: keras.layers.Identity(),
                },
            )(hp, outputs)
        return outputs


def three_layers():
    node = autonas.ImageInput()
    return node, autonas.ClassificationHead()(ThreeLayers(name="tiny")(node))


def dense():
    node = autonas.StructuredDataInput()
    block = autonas.DenseBlock(units=autonas.Choice([8, 16, 32]), depth=autonas.Int(1, 2))
    return node, autonas.ClassificationHead()(block(node))


def convolutions():
    node = autonas.ImageInput()
    block = autonas.ConvolutionBlock(filters=autonas.Choice([4, 8]), n_stages=autonas.Int(1, 2), layers=1)
    return node, autonas.ClassificationHead()(autonas.Reduction()(block(node)))


def chain():
    node = autonas.ImageInput()
    block = autonas.ChainBlock(
        filters=4, depth=autonas.Int(1, 2), operations=["convolution_3", "max_pooling_3"], skip="residual"
    )
    return node, autonas.ClassificationHead()(autonas.Reduction("average")(block(node)))


def cells():
    node = autonas.ImageInput()
    # The third argument is the number of stages.
    block = autonas.CellBlock("nas_bench_201", 4, 1, operations=["convolution_3", "max_pooling_3", "none"], n_nodes=3)
    return node, autonas.ClassificationHead()(autonas.Reduction("average")(block(node)))


def convolutions_1d():
    node = autonas.TimeSeriesInput()
    block = autonas.Convolution1DBlock(filters=autonas.Choice([4, 8]), kernel_size=3, depth=autonas.Int(1, 2))
    return node, autonas.ClassificationHead()(autonas.Reduction()(block(node)))


def two_inputs():
    image, table = autonas.ImageInput(name="image"), autonas.StructuredDataInput(name="table")
    branches = [
        autonas.ConvolutionBlock(filters=4, n_stages=1, layers=1)(image),
        autonas.DenseBlock(units=autonas.Choice([8, 16]), depth=1)(table),
    ]
    merged = autonas.Merge()(branches)
    heads = [autonas.ClassificationHead(name="digit")(merged), autonas.RegressionHead(name="ink")(merged)]
    return [image, table], heads


# ---------------------------------------------------------------------- facts


def plain(value):
    """Convert a value to the value that it has after writing and reading JSON."""
    if isinstance(value, np.generic):
        value = value.item()
    return value if isinstance(value, (bool, int, float)) or value is None else str(value)


def facts(model):
    """Return the facts of a fitted estimator to compare, without predictions."""
    rows = []
    for row in model.leaderboard().to_dict("records"):
        kept = {name: value for name, value in row.items() if name not in LEFT_OUT and not pandas.isna(value)}
        rows.append({str(name): plain(value) for name, value in kept.items()})
    result = {"rows": rows, "best_score": plain(model.best_score_), "stop_reason": str(model.stop_reason_)}
    if len(model.objectives_) > 1:
        result["front"] = list(map(str, model.pareto_front()["trial_id"]))
    if hasattr(model, "one_shot_correlation_"):
        result["one_shot_correlation"] = plain(model.one_shot_correlation_)
    if hasattr(model, "ensemble_"):
        result["ensemble"] = [[str(trial), plain(weight)] for trial, weight in model.ensemble_]
    return result


def predictions(model, rows):
    """Return predictions of rows: lists, one for each head, of labels or numbers, and of probabilities."""
    outputs = [model.predict(rows)] + ([model.predict_proba(rows)] if hasattr(model, "predict_proba") else [])
    heads = [head for values in outputs for head in (values if isinstance(values, list) else [values])]
    return [[plain(value) for value in np.ravel(head)] for head in heads if head is not None]


def difference(recorded, now, path="", absolute=0.0):
    """Return the first difference of two JSON-like values as a text, or `None`."""
    if isinstance(recorded, dict) and isinstance(now, dict):
        for name in [*recorded, *(name for name in now if name not in recorded)]:
            if name not in recorded or name not in now:
                return f"{path}/{name}: {'only now' if name in now else 'only in the record'}"
            tolerance = PREDICTION_TOLERANCE if name == "predictions" else absolute
            if (text := difference(recorded[name], now[name], f"{path}/{name}", tolerance)) is not None:
                return text
        return None
    if isinstance(recorded, list) and isinstance(now, list):
        pairs = enumerate(zip(recorded, now, strict=False))
        texts = (difference(*pair, f"{path}/{index}", absolute) for index, pair in pairs)
        shorter = None if len(recorded) == len(now) else f"{path}: length {len(recorded)}, now {len(now)}"
        return next((text for text in texts if text is not None), shorter)
    if isinstance(recorded, float) and isinstance(now, float):
        is_same = math.isclose(recorded, now, rel_tol=SCORE_TOLERANCE, abs_tol=absolute)
        is_same = is_same or (math.isnan(recorded) and math.isnan(now))
    else:
        is_same = type(recorded) is type(now) and recorded == now
    return None if is_same else f"{path}: {recorded!r}, now {now!r}"


# ---------------------------------------------------------------------- searches


@dataclasses.dataclass
class Search:
    """A search through an estimator.

    Args:
        data: Function that returns the `Data`.
        arguments: Dict of arguments of the constructor, in addition to `BUDGET`.
        cls: Name of the class of the estimator.
        graph: Function that returns the inputs and outputs of a graph of blocks, or `None`.
        more: Number of trials with which a copy of the run folder is continued, or `None` for no further trials.
        after: Function of the fitted estimator that is called before the facts are computed, or `None`.
    """

    data: Callable
    arguments: dict
    cls: str = "AutoModel"
    graph: Callable | None = None
    more: int | None = None
    after: Callable | None = None

    def run(self, directory, max_trials=None):
        """Return the estimator, fitted in a directory."""
        arguments = {**BUDGET, "max_trials": 4, **self.arguments, "directory": str(directory)}
        if max_trials is not None:
            arguments["max_trials"] = max_trials
        ends = () if self.graph is None else self.graph()
        model = getattr(autonas, self.cls)(*ends, **arguments).fit(**self.data().fit)
        if self.after is not None:
            self.after(model)
        return model

    def facts(self, model):
        """Return the facts of a fitted estimator to compare."""
        return {**facts(model), "predictions": predictions(model, self.data().rows)}

    def searched(self):
        """Return the facts of a search in a new folder."""
        with tempfile.TemporaryDirectory() as folder:
            return self.facts(self.run(pathlib.Path(folder) / "run"))

    def continued(self, run_folder):
        """Return the facts after `fit` in a copy of a run folder."""
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder) / "run"
            shutil.copytree(run_folder, copy)
            return self.facts(self.run(copy, self.more))

    def loaded(self, model_folder):
        """Return the facts of a saved model."""
        return self.facts(autonas.AutoModel.load(model_folder))

    def record(self, folder):
        """Return facts by check, and keep the run folder and the saved model."""
        model = self.run(folder / "run")
        model.save(folder / "model")
        return {
            "search": self.facts(model),
            "loaded": self.loaded(folder / "model"),
            "continued": self.continued(folder / "run"),
        }

    def checks(self, folder):
        """Return a dict from the name of a check to a function that returns the current facts."""
        return {
            "search": self.searched,
            "loaded": lambda: self.loaded(folder / "model"),
            "continued": lambda: self.continued(folder / "run"),
        }


def likelihood(truth, predicted):
    """Return the mean probability of the true class."""
    return float(np.mean(predicted[np.arange(len(truth)), np.ravel(truth).astype(int)]))


def select(model):
    """Serve the best model of the front that is smaller than the largest one."""
    front = model.pareto_front()["params"]
    model.select(params=max(front[front < front.max()], default=front.max()))


_oracles, _objectives = autonas.oracles, autonas.objectives
_classifier, _regressor = {"cls": "StructuredDataClassifier"}, {"cls": "StructuredDataRegressor"}
_supernet = {"graph": three_layers}

SEARCHES = {
    # Strategies.
    "random": Search(tumours, {"strategy": "random"}, **_classifier, more=6),
    "auto": Search(mixed_table, {}, **_classifier),
    "bayesian": Search(digits, {"strategy": "bayesian"}, graph=convolutions, more=6),
    "evolution": Search(tumours, {"strategy": "evolution", "max_trials": 8}, graph=dense, more=11),
    "aging_evolution": Search(
        patients,
        {
            "strategy": _oracles.EvolutionOracle(population_size=3, survival="age", crossover_probability=0.5),
            "max_trials": 7,
        },
        **_regressor,
    ),
    "local_search": Search(mixed_table, {"strategy": "local_search", "search_space": "layered"}, **_classifier),
    "reinforcement": Search(tumours, {"strategy": "reinforcement"}, graph=dense, more=6),
    "recurrent_ppo": Search(
        waves,
        {"strategy": _oracles.ReinforcementOracle(algorithm="ppo", controller="recurrent")},
        graph=convolutions_1d,
    ),
    "q_learning": Search(tumours, {"strategy": _oracles.ReinforcementOracle(algorithm="q_learning")}, graph=dense),
    "keras_tuner": Search(
        tumours,
        # Keras Tuner replaces a seed of 0 by a random one.
        {"strategy": keras_tuner.oracles.BayesianOptimizationOracle("val_loss", max_trials=4, seed=1)},
        graph=dense,
    ),
    # Fidelities.
    "successive_halving": Search(
        tumours, {"fidelity": "successive_halving", "max_trials": 7, "epochs": 9}, graph=dense, more=10
    ),
    "successive_halving_of_data": Search(
        digits,
        {
            "strategy": _oracles.SuccessiveHalvingOracle("evolution", min_data_share=0.5, min_resolution=0.5),
            "max_trials": 4,
            "epochs": 4,
        },
        graph=convolutions,
    ),
    "hyperband": Search(
        tumours, {"fidelity": "hyperband", "strategy": "random", "max_trials": 6, "epochs": 9}, graph=dense
    ),
    "learning_curve": Search(
        tumours, {"fidelity": "learning_curve", "max_trials": 8, "epochs": 8}, graph=dense, more=10
    ),
    # Supernets.
    "gradient": Search(
        digits, {"strategy": _oracles.GradientOracle(epochs=2, validation_share=0.4)}, **_supernet, more=5
    ),
    "gradient_gumbel_front": Search(
        digits,
        {
            "strategy": _oracles.GradientOracle("gumbel", epochs=3, cost_weight=[0.0, 0.3]),
            "objective": ["val_accuracy", "params"],
        },
        **_supernet,
    ),
    "gradient_second_order": Search(
        digits, {"strategy": _oracles.GradientOracle(order="second", epochs=2), "max_trials": 3}, **_supernet
    ),
    "weight_sharing": Search(
        digits, {"strategy": _oracles.WeightSharingOracle(epochs=2, queries=20)}, **_supernet, more=5
    ),
    "weight_sharing_by_strategy": Search(
        digits,
        {
            "strategy": _oracles.WeightSharingOracle(
                "reinforcement", epochs=2, queries=20, sampling="strategy", inherit=True
            ),
            "objective": ["val_accuracy", "params"],
        },
        graph=chain,
    ),
    # Objectives.
    "weighted_sum": Search(
        tumours, {"objective": _objectives.WeightedSum({"val_accuracy": 1, "params": 1e-5})}, graph=dense
    ),
    "product_of_powers": Search(
        tumours, {"objective": _objectives.ProductOfPowers("val_auc", {"flops": 2000})}, graph=dense
    ),
    "lexicographic": Search(
        tumours, {"objective": _objectives.Lexicographic(["val_accuracy", "params"], 0.05)}, graph=dense
    ),
    "constraint": Search(
        tumours, {"strategy": "evolution", "constraints": {"params": 900}, "max_trials": 5}, graph=dense, more=7
    ),
    "pareto": Search(
        mixed_table,
        {"strategy": "evolution", "objective": ["val_loss", "params"], "max_trials": 6, "epochs": 12},
        graph=dense,
        after=select,
    ),
    "own_metric": Search(
        weighted_tumours, {"objective": _objectives.CustomMetric(likelihood), "metrics": ["f1_macro"]}, graph=dense
    ),
    "scorer": Search(patients, {"objective": "r2", "refit": False}, **_regressor),
    # Execution.
    "processes": Search(tumours, {"strategy": "random", "n_workers": 2, "max_trials": 5}, graph=dense),
    "resumed_processes": Search(
        tumours, {"strategy": "evolution", "executor": "process", "max_trials": 3}, graph=dense, more=5
    ),
    # Data and estimators.
    "images": Search(digits, {"max_trials": 2}, cls="ImageClassifier"),
    "cells": Search(digits, {"strategy": "bayesian"}, graph=cells),
    "texts": Search(words, {"max_trials": 3}, cls="TextClassifier"),
    "series": Search(waves, {"max_trials": 2}, cls="TimeSeriesClassifier"),
    "forecaster": Search(months, {"lookback": 12, "horizon": 3}, cls="TimeSeriesForecaster", more=5),
    "stream": Search(stream, {}, graph=convolutions, more=5),
    "two_inputs": Search(images_and_table, {"strategy": "evolution"}, graph=two_inputs),
    "ensemble": Search(
        tumours, {"strategy": "random", "max_trials": 5}, graph=dense, after=lambda model: model.serve_ensemble(3)
    ),
}

# ---------------------------------------------------------------------- strategies without training

_DEPTH = 4


def layers():
    """Return a space of one to four layers and a rate."""
    space = keras_tuner.HyperParameters()
    space.Int("depth", 1, _DEPTH)
    for layer in range(_DEPTH):
        with space.conditional_scope("depth", list(range(layer + 1, _DEPTH + 1))):
            space.Choice(f"kind_{layer}", ["dense", "convolution", "pooling"])
            with space.conditional_scope(f"kind_{layer}", ["dense", "convolution"]):
                space.Int(f"width_{layer}", 8, 128, sampling="log")
    space.Float("rate", 1e-4, 1e-1, sampling="log")
    space.Boolean("average")
    return space


def layers_score(values):
    """Return the score of an architecture, which is best for three layers of two kinds and a rate near 0.01."""
    kinds = sum(
        values[f"kind_{layer}"] == kind
        for layer, kind in enumerate(["convolution", "pooling", "dense"][: values["depth"]])
    )
    return kinds - 0.3 * abs(values["depth"] - 3) - abs(math.log10(values["rate"] / 0.01)) + 0.1 * values["average"]


def layers_cost(values):
    """Return the sum of the widths of an architecture, plus 1."""
    return 1 + sum(values.get(f"width_{layer}", 0) for layer in range(values["depth"]))


@dataclasses.dataclass
class Queries:
    """A strategy that is run by `ask` and `tell`.

    Args:
        oracle: Name of a class of `autonas.oracles`.
        arguments: Dict of arguments of the oracle, without space, objectives and seed.
        n_objectives: 1, or 2 with the cost as an objective.
        limit: Upper limit of the cost, or `None`.
        fails: Whether each fifth trial fails.
    """

    oracle: str
    arguments: dict = dataclasses.field(default_factory=dict)
    n_objectives: int = 1
    limit: float | None = None
    fails: bool = False

    def rows(self):
        """Return the suggested architectures in order, with their scores."""
        objectives = [keras_tuner.Objective(name, "max") for name in ("score", "cheapness")[: self.n_objectives]]
        oracle = getattr(autonas.oracles, self.oracle)(
            objective=objectives[0], objectives=objectives, hyperparameters=layers(), seed=0, **self.arguments
        )
        rows = []
        for number in range(N_QUERIES):
            values = oracle.ask()
            if not isinstance(values, dict):
                rows.append({"answer": str(values)})
                break
            scores = (layers_score(values), -math.log(layers_cost(values)))[: self.n_objectives]
            margins = None if self.limit is None else (math.log(self.limit / layers_cost(values)),)
            if (self.fails and number % 5 == 3) or (margins is not None and margins[0] < 0):
                scores = None
            oracle.tell(number, values, scores, margins)
            rows.append({"values": {name: plain(value) for name, value in values.items()}, "scores": scores})
        return {"rows": json.loads(json.dumps(rows))}

    def record(self, folder):
        """Return facts by check. The folder stays empty."""
        return {"queries": self.rows()}

    def checks(self, folder):
        """Return a dict from the name of a check to a function that returns the current facts."""
        return {"queries": self.rows}


def _queries():
    queries = {}
    for strategy in ("random", "evolution", "local_search", "reinforcement", "bayesian"):
        oracle, label = f"{strategy.title().replace('_', '')}Oracle", f"ask_{strategy}"
        queries[label] = Queries(oracle)
        queries[f"{label}_failing"] = Queries(oracle, fails=True)
        if strategy != "random":
            queries[f"{label}_front"] = Queries(oracle, n_objectives=2)
            queries[f"{label}_limit"] = Queries(oracle, limit=150)
    return queries | {
        "ask_aging_evolution": Queries(
            "EvolutionOracle", {"survival": "age", "population_size": 8, "crossover_probability": 0.5}
        ),
        "ask_recurrent": Queries("ReinforcementOracle", {"controller": "recurrent"}),
        "ask_ppo": Queries("ReinforcementOracle", {"algorithm": "ppo"}),
        "ask_recurrent_ppo": Queries("ReinforcementOracle", {"algorithm": "ppo", "controller": "recurrent"}),
        "ask_q_learning": Queries("ReinforcementOracle", {"algorithm": "q_learning"}),
        "ask_successive_halving": Queries("SuccessiveHalvingOracle", {"strategy": "evolution", "max_epochs": 27}),
        "ask_halving_bayesian": Queries("SuccessiveHalvingOracle", {"strategy": "bayesian", "max_epochs": 27}),
        "ask_hyperband": Queries("HyperbandOracle", {"strategy": "random", "max_epochs": 27}),
        "ask_learning_curve": Queries("LearningCurveOracle", {"strategy": "local_search", "max_epochs": 27}),
    }


GOLDEN = SEARCHES | _queries()

# ---------------------------------------------------------------------- commands


def record(folder, name):
    """Record a search; return a line for the terminal, and whether the search succeeded."""
    search_folder = folder / name
    shutil.rmtree(search_folder, ignore_errors=True)
    search_folder.mkdir(parents=True)
    recorded = GOLDEN[name].record(search_folder)
    common.write_json(search_folder / "facts.json", recorded)
    counts = ", ".join(f"{len(facts_of_check['rows'])} rows {check}" for check, facts_of_check in recorded.items())
    return f"recorded ({counts})", True


def compare(folder, name):
    """Compare a search with its record; return a line for the terminal, and whether they agree."""
    path = folder / name / "facts.json"
    if not path.exists():
        return "no record", False
    recorded, texts = json.loads(path.read_text()), []
    for check, now in GOLDEN[name].checks(folder / name).items():
        try:
            text = difference(recorded[check], json.loads(json.dumps(now())))
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            traceback.print_exc()
        if text is not None:
            texts.append(f"{check}{text}" if text.startswith("/") else f"{check}: {text}")
    return "; ".join(texts) or "same", not texts


def main():
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for command, help_text in [("record", "Run the searches and keep them."), ("compare", "Run them again.")]:
        subparser = commands.add_parser(command, help=help_text)
        subparser.add_argument("folder", type=pathlib.Path)
        subparser.add_argument("--only", nargs="+", metavar="NAME", choices=list(GOLDEN), default=list(GOLDEN))
    commands.add_parser("list", help="Print the names of the searches.")
    arguments = parser.parse_args()
    if arguments.command == "list":
        print("\n".join(GOLDEN))
        return 0
    warnings.simplefilter("ignore")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    machine = arguments.folder / "machine.json"
    if arguments.command == "record":
        common.write_json(machine, common.machine())
    elif machine.exists():
        print(f"recorded with {machine.read_text()}", flush=True)
    n_failed = 0
    for name in arguments.only:
        cpu, started = common.cpu_seconds(), time.perf_counter()
        try:
            line, is_good = {"record": record, "compare": compare}[arguments.command](arguments.folder, name)
        except Exception as error:
            traceback.print_exc()
            line, is_good = f"{type(error).__name__}: {error}", False
        n_failed += not is_good
        seconds, cpu = time.perf_counter() - started, common.cpu_seconds() - cpu
        print(f"{name}: {line} [{seconds:.1f} s, {cpu:.1f} s of CPU]", flush=True)
        keras.backend.clear_session()
    print(f"{len(arguments.only) - n_failed} of {len(arguments.only)} good")
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
