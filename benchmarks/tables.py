"""Tabular benchmarks: search spaces in which the scores of all architectures are known.

A table is a file of NumPy arrays in one of two forms:

- `arch`, integers of shape `(n, decisions)`, indices into `ops` if present. The validation score `val<epochs>`, or the
  last epoch of `val_curve_milli`, drives the search. The test score `test<epochs>` or `test_acc` is reported. Without a
  validation score, the first run of `test_acc` drives the search, and the mean of the other runs is reported.
- `config`, integers of shape `(n, decisions)`, indices into the values of each of `params`, and errors `val_mse` of
  shape `(n, datasets, seeds)`, which give one table for each of `datasets`. The score is -log10 of the mean error.

A table of the first form may have `latency_ms`, milliseconds of shape `(n, devices)`, for the devices
`latency_devices`. Both may have costs that are known without a training, floats of shape `(n,)`: `params` or
`params_m`, `flops` or `flops_m`, and `model_size`.
"""

import os
import re

import keras_tuner
import numpy as np

from autonas.search_space import operation_graph

#: Edges of the cell of NAS-Bench-201, in the order of NATS-Bench and in that of SpikeNAS-Bench.
_NATS_EDGES = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]
_SPIKENAS_EDGES = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
#: Arrays of costs.
_COSTS = ("params", "params_m", "flops", "flops_m", "model_size")


class Table:
    """A search space with the scores of all architectures.

    Attributes:
        name: Name of the table.
        codes: Indices of the values of decisions among their options, shape `(n, decisions)`.
        space: A `keras_tuner.HyperParameters`.
        structure: An `OperationGraph`, or `None`.
        validation: Scores that drive the search, larger is better, shape `(n,)`.
        test: Scores to report, shape `(n,)`.
        latencies: Dict from the name of a device to milliseconds, shape `(n,)`.
        costs: Numbers that are known without a training, such as parameters and FLOPs, shape `(n, costs)`.
    """

    def __init__(self, name, codes, space, structure, validation, test, latencies, costs):
        self.name, self.codes, self.space, self.structure = name, codes, space, structure
        self.validation, self.test, self.latencies, self.costs = validation, test, latencies, costs
        options = [list(hyperparameter.values) for hyperparameter in space.space]
        self._names = [hyperparameter.name for hyperparameter in space.space]
        self._row = {tuple(of[code] for of, code in zip(options, row, strict=True)): n for n, row in enumerate(codes)}
        self.optimum = int(np.nanargmax(validation))

    def row(self, values):
        """Return the row of an architecture."""
        return self._row[tuple(values[name] for name in self._names)]

    def costs_of(self, values):
        """Return the costs of an architecture."""
        return self.costs[self.row(values)]

    def values(self, row):
        """Return the architecture of a row, a dict."""
        codes = self.codes[row]
        return {of.name: of.values[code] for of, code in zip(self.space.space, codes, strict=True)}


def read(path):
    """Return the list of the tables of a file."""
    arrays = np.load(path)
    name = os.path.splitext(os.path.basename(path))[0]
    if "config" in arrays:
        return _read_configurations(arrays)
    codes = arrays["arch"]
    n_decisions = codes.shape[1]
    operations = [str(operation) for operation in arrays["ops"]] if "ops" in arrays else None
    if operations is None:
        operations = [f"operation_{code}" for code in range(codes.max() + 1)]
    structure, names = None, [f"layer_{position}" for position in range(n_decisions)]
    is_spikenas = "val_curve_milli" in arrays
    if n_decisions == 6 and (is_spikenas or "none" in operations):
        edges = _SPIKENAS_EDGES if is_spikenas else _NATS_EDGES
        names = [f"edge_{source}_{target}" for source, target in edges]
        structure = operation_graph.OperationGraph(
            dict(zip(names, edges, strict=True)), absent=operations[:1], identity=operations[1:2]
        )
    space = keras_tuner.HyperParameters()
    for decision in names:
        space.Choice(decision, operations)
    validation, test = _scores(arrays)
    latencies = {}
    if "latency_ms" in arrays:
        milliseconds = arrays["latency_ms"].astype(float).T
        latencies = dict(zip(map(str, arrays["latency_devices"]), milliseconds, strict=True))
    return [Table(name, codes, space, structure, validation, test, latencies, _costs(arrays))]


def _scores(arrays):
    def longest(prefix):
        matching = [key for key in arrays if re.fullmatch(rf"{prefix}\d+", key)]
        return max(matching, key=lambda key: int(key[len(prefix) :]), default=None)

    if longest("val"):
        validation, test = arrays[longest("val")], arrays[longest("test")]
    elif "val_curve_milli" in arrays:
        validation, test = arrays["val_curve_milli"][:, -1] / 1000, arrays["test_acc"]
    else:
        validation, test = arrays["test_acc"][:, 0], arrays["test_acc"][:, 1:]
    return [
        np.nanmean(scores.astype(float), axis=1) if scores.ndim == 2 else scores.astype(float)
        for scores in (validation, test)
    ]


def _costs(arrays):
    known = [arrays[name] for name in _COSTS if name in arrays and arrays[name].dtype.kind in "if"]
    return np.stack(known, axis=1).astype(float) if known else None


def _read_configurations(arrays):
    codes = arrays["config"]
    space = keras_tuner.HyperParameters()
    for name, largest in zip(arrays["params"], codes.max(axis=0), strict=True):
        space.Choice(str(name), list(range(int(largest) + 1)))
    score = -np.log10(arrays["val_mse"].astype(float).mean(axis=2))
    return [
        Table(str(name), codes, space, None, score[:, index], score[:, index], {}, _costs(arrays))
        for index, name in enumerate(arrays["datasets"])
    ]
