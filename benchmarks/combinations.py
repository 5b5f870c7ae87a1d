"""Test of all pairs of argument values: each combination either works, or a rule refuses it before any training.

```sh
python benchmarks/combinations.py                      # all pairs, on TensorFlow and JAX
python benchmarks/combinations.py --backend jax        # the rows of one backend
python benchmarks/combinations.py --only 3 17          # some rows
```

A row is a combination of argument values. Several rows run in one process, so that a crash costs one row. Results are
appended to a file, and a later call continues from this file.
"""

import argparse
import collections
import functools
import itertools
import json
import os
import subprocess
import sys
import time

import numpy as np

#: Dict from axis to its values, the plainest first.
AXES = {
    "data": ["images", "table", "texts", "series", "several", "stream", "forecast"],
    "task": ["multiclass", "binary", "regression", "multilabel", "several"],
    "space": [None, "layered", "chain", "cell", "hierarchical", "graph"],
    "strategy": [
        "random", "auto", "bayesian", "evolution", "reinforcement", "local_search", "keras_tuner", "halving",
        "gradient", "inherit",
    ],
    "weight_sharing": [False, True],
    "fidelity": ["full", "auto", "successive_halving", "hyperband", "learning_curve"],
    "goal": ["default", "metric", "params_limit", "latency_limit", "front", "weighted_sum"],
    "executor": ["inline", "process", "ray"],
    "precision": ["float32", "mixed_bfloat16", "auto"],
    "refit": [True, False],
    "backend": ["tensorflow", "jax"],
}  # fmt: skip
#: Numbers of rows, trials and epochs of a search.
N_ROWS, N_TRIALS, N_EPOCHS = 60, 2, 2
#: Limits of the number of parameters, and of milliseconds, which all networks satisfy.
PARAMS, MILLISECONDS = 30_000, 1000
#: Seconds after which a row counts as hung.
TIMEOUT = 600


def all_pairs(axes, is_refused, seed=0):
    """Return rows that cover each pair of values of two axes.

    A row that a rule refuses covers only its first pair. All other pairs are covered by rows that work.

    The construction is greedy. Each row begins with an uncovered pair. Each further axis gets the value that covers the
    most new pairs, among the values with which no rule refuses the row. Ties are broken by the order of the values.

    Args:
        axes: Dict from the name of an axis to its list of values, the plainest first.
        is_refused: Function from a row to whether a rule refuses the row.
        seed: Seed of the order of the pairs.

    Returns:
        List of dicts from axis to value.
    """
    names = list(axes)
    plainest = {name: values[0] for name, values in axes.items()}
    generator = np.random.default_rng(seed)
    left = set()
    for one, other in itertools.combinations(names, 2):
        left |= set(itertools.product([(one, value) for value in axes[one]], [(other, value) for value in axes[other]]))
    order = sorted(left, key=repr)
    generator.shuffle(order)
    rows = []
    for pair in order:
        if pair not in left:
            continue
        row = dict(pair)
        for name in [name for name in names if name not in row]:
            row[name] = max(axes[name], key=lambda value: _gain(row | {name: value}, name, left, plainest, is_refused))
        row = {name: row[name] for name in names}
        left -= {pair} if is_refused(row) else set(itertools.combinations(row.items(), 2))
        rows.append(row)
    return rows


def _gain(row, name, left, plainest, is_refused):
    """Return whether an incomplete row works with plain values, and the number of new pairs with its last axis."""
    names = list(plainest)
    ends = [(name, row[name])]
    pairs = [tuple(sorted([*ends, pair], key=lambda end: names.index(end[0]))) for pair in row.items()]
    return not is_refused(plainest | row), sum(pair in left for pair in pairs)


def is_refused(row):
    """Return whether a rule refuses a row."""
    from autonas.data.fit_data import FitData
    from autonas.preparation import combinations
    from autonas.preparation.request import Request

    model, x, y = estimator_of(row), *data_of(row)
    kinds = {"several": ["image", "table"], "table": ["table"], "images": ["image"], "stream": ["image"]}
    tasks = ["multiclass", "regression"] if row["task"] == "several" else [row["task"]]
    try:
        request = Request.of(model, FitData(x, y))
        combinations.check_arguments(request)
        combinations.check_data(request, kinds.get(row["data"], ["other"]), tasks)
    except ValueError:
        return True
    return False


# ---------------------------------------------------------------------- one row


def inputs_of(kind, n_rows=N_ROWS):
    """Return rows of a kind of data, from whose values the labels 0 to 2 can be learned."""
    generator = np.random.default_rng(0)
    labels = np.arange(n_rows) % 3
    images = (generator.random((n_rows, 8, 8)) * 100 + 70 * labels[:, None, None]).astype("uint8")
    table = generator.normal(size=(n_rows, 4)) + labels[:, None]
    if kind == "table":
        return table, labels
    if kind == "texts":
        return [f"{word} and {word}" for word in np.array(["good", "bad", "fair"])[labels]], labels
    if kind == "series":
        return generator.normal(size=(n_rows, 12, 2)) + labels[:, None, None], labels
    if kind == "several":
        return {"picture": images, "row": table}, labels
    if kind == "forecast":
        return np.sin(np.arange(n_rows + 40) / 4) + generator.normal(0, 0.1, n_rows + 40), None
    return images, labels


def targets_of(task, labels):
    """Return the targets of a task for integer labels."""
    words = np.array(["a", "b", "c"])[labels]
    return {
        "multiclass": words,
        "binary": words == "a",
        "regression": labels + 0.5,
        "multilabel": np.stack([labels > 0, labels > 1], axis=1).astype(int),
        "several": {"word": words, "number": labels + 0.5},
    }[task]


def graph_of(data, task):
    """Return a small graph of blocks whose decisions share weights."""
    import keras

    import autonas

    class TinyBlock(autonas.Block):
        def build(self, hp, inputs):
            inputs = inputs if isinstance(inputs, list) else [inputs]
            flat = [keras.layers.Flatten()(tensor) if len(tensor.shape) > 2 else tensor for tensor in inputs]
            outputs = keras.layers.Dense(8)(keras.layers.concatenate(flat) if len(flat) > 1 else flat[0])
            for index in range(2):
                options = {
                    "dense": lambda: keras.layers.Dense(8, activation="relu"),
                    "identity": lambda: keras.layers.Identity(),
                }
                outputs = autonas.LayerChoice(f"layer_{index}", options)(hp, outputs)
            return outputs

    kinds = {
        "images": autonas.ImageInput, "stream": autonas.ImageInput, "table": autonas.StructuredDataInput,
        "texts": autonas.TextInput, "series": autonas.TimeSeriesInput, "forecast": autonas.TimeSeriesInput,
    }  # fmt: skip
    nodes = [kinds[data]()] if data != "several" else [
        autonas.ImageInput(name="picture"), autonas.StructuredDataInput(name="row")
    ]  # fmt: skip
    features = TinyBlock(name="tiny")(nodes if len(nodes) > 1 else nodes[0])
    if task == "several":
        return nodes, [
            autonas.ClassificationHead(name="word")(features), autonas.RegressionHead(name="number")(features)
        ]  # fmt: skip
    head = autonas.RegressionHead if task == "regression" else autonas.ClassificationHead
    return nodes, [head(name="head")(features)]


def arguments_of(row):
    """Return the arguments of the constructor for a row."""
    import keras_tuner

    from autonas import objectives, oracles

    strategies = {
        "keras_tuner": lambda: keras_tuner.oracles.RandomSearchOracle(max_trials=N_TRIALS, seed=1),
        "halving": lambda: oracles.SuccessiveHalvingOracle("random", min_data_share=0.5),
        "inherit": lambda: oracles.WeightSharingOracle("random", epochs=1, queries=5, inherit=True),
    }
    metric = {"regression": "val_mae", "several": "val_loss"}.get(row["task"], "val_auc")
    goals = {
        "default": {},
        "metric": {"objective": metric},
        "params_limit": {"constraints": {"params": PARAMS}},
        "latency_limit": {"constraints": {"latency_ms": MILLISECONDS}},
        "front": {"objective": [metric, "params"]},
        "weighted_sum": {"objective": objectives.WeightedSum({metric: 1, "params": 1e-9})},
    }
    strategy = row["strategy"]
    names = ("weight_sharing", "fidelity", "executor", "precision", "refit")
    arguments = {name: row[name] for name in names} | goals[row["goal"]]
    arguments["strategy"] = strategies[strategy]() if strategy in strategies else strategy
    if row["task"] in ("binary", "multiclass", "multilabel", "regression"):
        arguments["task"] = row["task"]
    if row["space"] == "graph":
        arguments["inputs"], arguments["outputs"] = graph_of(row["data"], row["task"])
    elif row["space"] is not None:
        arguments["search_space"] = row["space"]
    return arguments


@functools.cache
def _stream_of(task):
    import tensorflow

    images, labels = inputs_of("stream")
    return tensorflow.data.Dataset.from_tensor_slices((images[..., None], targets_of(task, labels))).batch(16)


def data_of(row):
    """Return `x` and `y` of a row."""
    if row["data"] == "stream":
        return _stream_of(row["task"]), None
    x, labels = inputs_of(row["data"])
    return x, None if labels is None else targets_of(row["task"], labels)


def estimator_of(row, directory=None):
    """Return the estimator of a row."""
    import autonas

    cls, own = autonas.AutoModel, {}
    if row["data"] == "forecast":
        cls, own = autonas.TimeSeriesForecaster, {"lookback": 6, "horizon": 2}
    return cls(
        **own, **arguments_of(row), max_trials=N_TRIALS, epochs=N_EPOCHS, seed=0, tensorboard=False, verbose=0,
        directory=directory,
    )  # fmt: skip


def shorten_supernets():
    """Reduce supernet searches to one epoch and few scores, for strategies that are chosen by name."""
    from autonas import oracles

    oracles.SupernetOracle.epochs_bounds = oracles.GradientOracle.epochs_bounds = (1, 1)
    defaults = list(oracles.WeightSharingOracle.__init__.__defaults__)
    defaults[defaults.index(1000)] = 5
    oracles.WeightSharingOracle.__init__.__defaults__ = tuple(defaults)


def run_row(row, directory):
    """Fit the estimator of a row, and check the result.

    Returns:
        `"works"` or `"refused"`, and a line with details.

    Raises:
        AssertionError: If the fitted estimator contradicts the row.
        Exception: Any other error of `fit` or of the checks.
    """
    from autonas.preparation import combinations

    model, x, y = estimator_of(row, directory), *data_of(row)
    try:
        model.fit(x, y) if y is not None else model.fit(x)
    except ValueError as error:
        rules = [*combinations.OF_ARGUMENTS, *combinations.OF_DATA]
        rule = next((rule for rule in rules if str(error).startswith(rule.message)), None)
        if rule is None or os.path.exists(directory):
            raise
        return "refused", f"{rule.one} with {rule.other}"
    check_search(model, row)
    check_predictions(model, row, x)
    return "works", f"{model.best_score_:.3g}"


def expect(condition, shown=""):
    """Raise an `AssertionError` unless a condition holds."""
    if not condition:
        raise AssertionError(f"{sys._getframe(1).f_code.co_name}, line {sys._getframe(1).f_lineno}: {shown}")


def check_search(model, row):
    """Check trials, strategy, space and constraints of a fitted model."""
    from autonas import oracles

    search = model._searched[1]
    records = list(search.records.values())
    candidates = [record for record in records if record.stage == "search" and record.status != "refused"]
    n_counted = sum(search.oracle.counts(record.values) for record in candidates)
    completed = [record for record in candidates if record.status == "completed"]
    expect(n_counted <= N_TRIALS and (n_counted == N_TRIALS or model.stop_reason_ == "space_exhausted"), n_counted)
    expect(len(completed) == len(candidates), [record.message for record in candidates])
    chain = [search.oracle]
    while not isinstance(inner := getattr(chain[-1], "strategy", None), (str, type(None))):
        chain.append(inner)
    names = [type(oracle).__name__ for oracle in chain] + [inner] * isinstance(inner, str)
    outer = {"successive_halving": "SuccessiveHalvingOracle", "hyperband": "HyperbandOracle",
             "learning_curve": "LearningCurveOracle"}  # fmt: skip
    named = {"auto": "evolution" if row["weight_sharing"] else "bayesian", "keras_tuner": "KerasTunerOracle",
             "halving": "SuccessiveHalvingOracle", "inherit": "WeightSharingOracle"}  # fmt: skip
    wanted = named.get(row["strategy"], row["strategy"])
    kinds = {name: oracle.__name__ for name, oracle in oracles.STRATEGIES.items()}
    expect(row["fidelity"] not in outer or names[0] == outer[row["fidelity"]], names)
    expect(wanted in names or kinds.get(wanted) in names, names)
    expect(not row["weight_sharing"] or "WeightSharingOracle" in names, names)
    shares = row["weight_sharing"] or row["strategy"] in ("gradient", "inherit")
    stages = {record.stage for record in records}
    expect(("supernet" in stages) == shares, stages)
    blocks = [block for block in model._searched[0].graph.blocks if hasattr(block, "kind")]
    if row["space"] == "graph":
        expect(not blocks)
    else:
        space = row["space"] or ("layered" if shares else None)
        expect(space in [block.kind for block in blocks], [block.kind for block in blocks])
    expect(all(record.precision is not None for record in completed), "no precision")
    network = model.model_
    if row["goal"] == "front":
        expect(len(model.pareto_front()) > 0, "no front")
    if row["goal"] == "params_limit":
        expect(network.count_params() <= PARAMS, network.count_params())
    expect(network.dtype_policy.name == "float32")
    expect(any(record.stage == "final" for record in records) == (row["refit"] is True))


def check_predictions(model, row, x):
    """Check shapes and labels of predictions, and that a loaded model returns the same predictions."""
    import autonas

    task, n_rows = row["task"], N_ROWS
    predicted = model.predict(x)
    if row["data"] == "forecast":
        expect(predicted.shape == (2,) and np.isfinite(predicted).all())
        return
    heads = predicted if task == "several" else [predicted]
    shapes = {"multilabel": [(n_rows, 2)], "several": [(n_rows,)] * 2}.get(task, [(n_rows,)])
    expect([head.shape for head in heads] == shapes, [head.shape for head in heads])
    if task in ("multiclass", "several"):
        expect(set(heads[0].astype(str)) <= {"a", "b", "c"})
    if task != "regression":
        chances = model.predict_proba(x)
        chances = np.asarray(chances[0] if task == "several" else chances)
        width = {"binary": 2, "multilabel": 2}.get(task, 3)
        expect(chances.shape == (n_rows, width) and np.isfinite(chances).all() and (chances >= 0).all())
        expect(task == "multilabel" or np.allclose(chances.sum(1), 1, atol=1e-5))
    loaded = autonas.AutoModel.load(os.path.join(model.directory_, "model"))
    again = loaded.predict(x)
    for one, other in zip(heads, again if task == "several" else [again], strict=True):
        np.testing.assert_array_equal(one, other)


# ---------------------------------------------------------------------- all rows


def work(rows, path):
    """Run rows in this process, and append each result to a file.

    The argument `rows` is a dict from number to row.
    """
    import tempfile
    import warnings

    shorten_supernets()
    for number, row in rows.items():
        append(path, {"row": int(number), "outcome": "began"})
        started, cpu = time.time(), time.process_time()
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                outcome, line = run_row(row, os.path.join(folder, "run"))
            except Exception as error:
                lines = str(error).strip().splitlines()
                outcome, line = "failed", f"{type(error).__name__}: {lines[0] if lines else ''}"[:400]
        append(
            path,
            {
                "row": int(number),
                "outcome": outcome,
                "line": line,
                "seconds": round(time.time() - started, 1),
                "cpu": round(time.process_time() - cpu, 1),
            },
        )


def append(path, content):
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(content) + "\n")


def results(path):
    """Return the results so far, a dict by number. The result of a row whose process crashed is `"began"`."""
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        return {result["row"]: result for result in map(json.loads, file)}


def run_all(numbers, rows, path, batch):
    """Run the rows of one backend in processes, until each row has a result."""
    waiting = [number for number in numbers if results(path).get(number, {}).get("outcome") in (None, "began")]
    while waiting:
        these, waiting = waiting[:batch], waiting[batch:]
        environment = os.environ | {"KERAS_BACKEND": rows[these[0]]["backend"], "TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [sys.executable, __file__, "--results", path, "--work"]
        content = json.dumps({number: rows[number] for number in these})
        try:
            status = subprocess.run(
                command, input=content, text=True, env=environment, timeout=TIMEOUT * len(these), check=False
            ).returncode
        except subprocess.TimeoutExpired:
            status = "hung"
        done = results(path)
        lost = [number for number in these if done.get(number, {}).get("outcome") == "began"]
        for number in lost:
            append(path, {"row": number, "outcome": "failed", "line": f"the process ended: {status}", "seconds": 0})
        waiting = [number for number in these if number not in done] + waiting


def show(rows, path):
    """Print the results so far."""
    done = results(path)
    counts = collections.Counter(result["outcome"] for result in done.values())
    for number, result in sorted(done.items()):
        if result["outcome"] not in ("works", "refused"):
            values = ", ".join(f"{name}={value}" for name, value in rows[number].items())
            print(f"{number}: {result['outcome']}: {result.get('line', '')}\n    {values}")
    refused = collections.Counter(result["line"] for result in done.values() if result["outcome"] == "refused")
    print("\n| refused | rows |\n| --- | --- |")
    print("\n".join(f"| {line} | {count} |" for line, count in refused.most_common()))
    seconds = sum(result.get("seconds", 0) for result in done.values())
    print(f"\n{len(rows)} rows: {dict(counts)}, {seconds:.0f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", default="combinations.jsonl", help="file of results")
    parser.add_argument("--backend", choices=AXES["backend"])
    parser.add_argument("--only", type=int, nargs="+", help="numbers of rows, run again")
    parser.add_argument("--batch", type=int, default=8, help="rows in a process")
    parser.add_argument("--show", action="store_true", help="only print the results so far")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        return work(json.load(sys.stdin), arguments.results)
    rows = all_pairs(AXES, is_refused)
    if not arguments.show:
        for number in arguments.only or []:
            append(arguments.results, {"row": number, "outcome": "began"})
        for backend in AXES["backend"] if arguments.backend is None else [arguments.backend]:
            numbers = [number for number in arguments.only or range(len(rows)) if rows[number]["backend"] == backend]
            run_all(numbers, rows, arguments.results, arguments.batch)
    show(rows, arguments.results)


if __name__ == "__main__":
    main()
