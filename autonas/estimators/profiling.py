"""Profiling: a latency table of the device that this runs on, for the networks of a search."""

import pathlib

import numpy as np

from autonas.arguments import checks
from autonas.costs import base, latency, latency_table, operations
from autonas.estimators import arguments
from autonas.search_space import encoding


def profile(
    model,
    x,
    y=None,
    path=None,
    *,
    runtime="litert",
    batch_size=1,
    n_threads=1,
    n_architectures=100,
    n_checked=12,
    seed=0,
    report=None,
):
    """Measures each operation of a search's networks once on this device.

    Architectures are drawn at random from the search space; each operation that they have is measured. Twice as many as
    are to be checked are measured directly, too: half of them calibrate the table, the others tell its error. Nothing
    is trained; of the data, only shapes and the numbers of categories, words and classes matter.

    Example:

    ```python
    autonas.estimators.profiling.profile(autonas.ImageClassifier(), x, y, "table.json")
    autonas.ImageClassifier(constraints={autonas.objectives.Latency(table="table.json"): 5})
    ```

    Args:
        model: An `AutoModel`, whose graph or `search_space` says what is searched.
        x: Rows as in `fit`.
        y: Targets as in `fit`. Defaults to `None`.
        path: File that the table is written to, as JSON, or `None`. Defaults to `None`.
        runtime: `"litert"`, `"onnx"` or `"keras"`. Defaults to `"litert"`.
        batch_size: Number of rows of a prediction. Defaults to 1.
        n_threads: Number of threads. Defaults to 1.
        n_architectures: Number of architectures whose operations are measured. Defaults to 100.
        n_checked: Number of architectures that tell the error. Defaults to 12.
        seed: Seed of the draws. Defaults to 0.
        report: Function that is given a line of text now and then, or `None`. Defaults to `None`.

    Returns:
        The `LatencyTable`.

    Raises:
        ValueError: If an argument is wrong.
        FileNotFoundError: If there is no folder for the file.
    """
    report = report or (lambda line: None)
    checks.check_integer("n_checked", n_checked, 1)
    if n_architectures < 2 * n_checked:
        raise ValueError(
            "`n_architectures` must be at least twice `n_checked`: half of those that are measured calibrate the "
            f"table. Received: n_architectures={n_architectures}, n_checked={n_checked}"
        )
    folder = pathlib.Path(path or ".").parent
    if not folder.is_dir():
        raise FileNotFoundError(f"no such folder: {folder}")
    arguments.check(model)
    direct = latency.Latency(batch_size, runtime, n_threads)
    direct.check()
    prepared = model._prepare(x, y, None, None, None, seed)
    space = prepared.graph.declare()
    generator = np.random.default_rng(seed)
    table = latency_table.LatencyTable(runtime, batch_size, n_threads)
    models, latencies, failed = [], [], set()
    drawn = _architectures(encoding.Encoding(space), n_architectures, generator)
    for number, values in enumerate(drawn, 1):
        values = _with_values(space, values)
        network = prepared.graph.build(values)
        if not _measure_operations(table, network, failed, report):
            continue
        if len(models) < 2 * n_checked:
            models.append(network)
            latencies.append(direct.measure(base.BuiltModel(network))[direct.name])
        if number % 10 == 0 or number == len(drawn):
            report(f"{number} of {len(drawn)} architectures, {len(table.operations)} operations")
    if len(models) < 4:
        raise ValueError(
            f"A latency table needs four architectures at least that run in {runtime!r}. Found in the search space: "
            f"{len(models)}"
        )
    table.calibrate(models[::2], latencies[::2])
    table.check(models[1::2], latencies[1::2])
    if path is not None:
        table.save(path)
    return table


def _architectures(space, n_architectures, generator):
    """The default architecture and different ones drawn at random; fewer if the space has no more."""
    found = {space.key(space.default()): space.default()}
    for _ in range(10 * n_architectures):
        if len(found) == n_architectures:
            break
        values = space.sample(generator)
        found.setdefault(space.key(values), values)
    return list(found.values())


def _with_values(space, values):
    hyperparameters = space.copy()
    hyperparameters.values = dict(values)
    return hyperparameters


def _measure_operations(table, network, failed, report):
    """Adds a network's operations to the table; returns whether all of them could be measured.

    Those that couldn't are noted in `failed`, a set of keys.
    """
    found = operations.operations_of(network)
    for operation in (each for each in found if each.key not in failed):
        try:
            table.measure(operation)
        except ValueError as error:
            report(f"can't be measured: {operation.key}. {error}")
            failed.add(operation.key)
    return failed.isdisjoint(operation.key for operation in found)
