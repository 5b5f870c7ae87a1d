"""Profiling: a latency table of this device for the networks of a search."""

import dataclasses
import itertools
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import keras_tuner
import numpy as np

from autonas.arguments import checks
from autonas.backends import keras_defaults
from autonas.costs import base, latency, latency_table, operations
from autonas.costs.latency_table import LatencyTable
from autonas.data.fit_data import FitData
from autonas.estimators import assembly
from autonas.estimators import plan as planning
from autonas.search_space import encoding
from autonas.search_space.values import Scalar

#: Architectures between two lines of progress.
_REPORT_EVERY = 10
#: Networks that are measured directly at least: two to calibrate the table, two to compare.
_FEWEST_MODELS = 4
#: Draws for each architecture that is wanted; equal architectures are drawn again.
_DRAWS_PER_ARCHITECTURE = 10


@keras_defaults.scope()
def profile(
    model: Any,
    x: Any,
    y: Any = None,
    path: str | os.PathLike[str] | None = None,
    *,
    runtime: str = "litert",
    batch_size: int = 1,
    n_threads: int = 1,
    n_architectures: int = 100,
    n_checked: int = 12,
    seed: int = 0,
    report: Callable[[str], object] | None = None,
) -> Any:
    """Measure each operation of a search's networks once on this device.

    Architectures are drawn at random from the search space, and each of their operations is measured. The networks of
    `2 * n_checked` architectures are also measured as a whole: half of them calibrate the table, the other half
    estimate its error. Nothing is trained. Only shapes and numbers of categories, words and classes of the data matter.

    Example:

    ```python
    from autonas.estimators.profiling import profile

    profile(autonas.ImageClassifier(), x, y, "table.json")
    autonas.ImageClassifier(constraints={autonas.objectives.Latency(table="table.json"): 5})
    ```

    Args:
        model: An `AutoModel` with the graph or the `search_space`.
        x: Rows as in `fit`.
        y: Targets as in `fit`. Defaults to `None`.
        path: File for the table, as JSON. Defaults to `None`: no file.
        runtime: `"litert"`, `"onnx"` or `"keras"`. Defaults to `"litert"`.
        batch_size: Number of rows of a prediction. Defaults to 1.
        n_threads: Number of threads. Defaults to 1.
        n_architectures: Number of architectures whose operations are measured, the first ones of a search and random
            ones. Defaults to 100.
        n_checked: Number of architectures that estimate the error. Defaults to 12.
        seed: Seed of the draws. Defaults to 0.
        report: Function that is called with a line of text from time to time. Defaults to `None`: no reports.

    Returns:
        The `LatencyTable`.

    Raises:
        ValueError: If an argument is invalid, or fewer than four architectures run in the run time.
        FileNotFoundError: If the folder of the file doesn't exist.
    """
    report = report or (lambda line: None)
    checks.check_integer("n_checked", n_checked, 1)
    if n_architectures < 2 * n_checked:
        raise ValueError(
            "`n_architectures` must be at least twice `n_checked`: half of the measured networks calibrate the "
            f"table. Received: n_architectures={n_architectures}, n_checked={n_checked}"
        )
    folder = pathlib.Path(path or ".").parent
    if not folder.is_dir():
        raise FileNotFoundError(f"no such folder: {folder}")
    data = FitData.of(x, y)
    plan = planning.make_plan(model, data)
    direct = latency.Latency(batch_size, runtime, n_threads)
    direct.check()
    plan = dataclasses.replace(plan, execution=dataclasses.replace(plan.execution, seed=seed))
    prepared = model._prepare(plan, data)
    space = prepared.space
    generator = np.random.default_rng(seed)
    table = latency_table.LatencyTable(runtime, batch_size, n_threads)
    models: list[keras.Model] = []
    latencies: list[float] = []
    failed: set[str] = set()
    first = assembly.make_oracle(plan, prepared).initial_points or ()
    drawn = _architectures(encoding.Encoding(space), first, n_architectures, generator)
    for number, values in enumerate(drawn, 1):
        values = _with_values(space, values)
        network = prepared.graph.build(values)
        if not _measure_operations(table, network, failed, report):
            continue
        if len(models) < 2 * n_checked:
            models.append(network)
            latencies.append(direct.measure(base.BuiltModel(network))[direct.name])
        if number % _REPORT_EVERY == 0 or number == len(drawn):
            report(f"{number} of {len(drawn)} architectures, {len(table.operations)} operations")
    if len(models) < _FEWEST_MODELS:
        raise ValueError(
            f"A latency table needs four architectures at least that run in {runtime!r}. Found in the search space: "
            f"{len(models)}"
        )
    table.calibrate(models[::2], latencies[::2])
    table.check(models[1::2], latencies[1::2])
    if path is not None:
        table.save(path)
    return table


def _architectures(
    space: encoding.Encoding,
    first: Sequence[Mapping[str, Scalar]],
    n_architectures: int,
    generator: np.random.Generator,
) -> list[dict[str, Scalar]]:
    """Return distinct architectures: the default one, the ones that a search tries first, and random ones.

    Args:
        space: The space, an `Encoding`.
        first: Initial points of a search, values that differ from the default architecture.
        n_architectures: Number of architectures, fewer if the space has no more.
        generator: A `numpy.random.Generator`.
    """
    initial = [space.complete(point) for point in ({}, *first)]
    architectures = dict(itertools.islice({space.key(values): values for values in initial}.items(), n_architectures))
    for _ in range(_DRAWS_PER_ARCHITECTURE * n_architectures):
        if len(architectures) == n_architectures:
            break
        values = space.sample(generator)
        architectures.setdefault(space.key(values), values)
    return list(architectures.values())


def _with_values(space: keras_tuner.HyperParameters, values: dict[str, Scalar]) -> keras_tuner.HyperParameters:
    hyperparameters = space.copy()
    hyperparameters.values = dict(values)
    return hyperparameters


def _measure_operations(
    table: LatencyTable, network: keras.Model, failed: set[str], report: Callable[[str], object]
) -> bool:
    """Add the operations of a network to the table, and return whether all of them could be measured.

    The keys of operations that can't be measured are added to the set `failed`.
    """
    measured = operations.operations_of(network)
    for operation in (operation for operation in measured if operation.key not in failed):
        try:
            table.measure(operation)
        except ValueError as error:
            report(f"can't be measured: {operation.key}. {error}")
            failed.add(operation.key)
    return failed.isdisjoint(operation.key for operation in measured)
