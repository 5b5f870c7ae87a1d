"""Fitting of the weights of a network that are computed from the training set; see `search_space.fitters`."""

import keras
import numpy as np

from autonas.backends import node_graph
from autonas.search_space import fitters

#: Largest number of rows for which the inputs of a fitter are computed at a time.
_MOST_ROWS = 4096


def fit(model, dataset, rows, generator, deadline=None):
    """Run the fitters of a network on some training rows.

    Args:
        model: The built `keras.Model`.
        dataset: The `ArrayDataset`.
        rows: Indices of the training rows.
        generator: A `numpy.random.Generator`.
        deadline: Value of `time.monotonic()` at which to be done, or `None`. Defaults to `None`.

    Returns:
        List of the dicts that the fitters return, empty without a fitter.
    """
    choices = []
    for fitter in fitters.fitters_of(model):
        training = _rows_of(fitter, model, dataset, _some(fitter, rows, generator))
        if fitter.uses_validation:
            validation = _rows_of(fitter, model, dataset, dataset.validation_rows)
        else:
            validation = training.where(np.zeros(len(training.targets), bool))
        choices.append(fitter.fit(training, validation, generator, deadline))
    return choices


def refit(model, dataset, choices, generator, deadline=None):
    """Run the fitters of a network on the rows of the final fit.

    Args:
        model: As in `fit`.
        dataset: As in `fit`.
        choices: List that `fit` returned.
        generator: As in `fit`.
        deadline: As in `fit`. Defaults to `None`.
    """
    for fitter, chosen in zip(fitters.fitters_of(model), choices, strict=True):
        rows = _some(fitter, dataset.final_rows, generator)
        fitter.refit(_rows_of(fitter, model, dataset, rows), chosen, generator, deadline)


def _some(fitter, rows, generator):
    """Return the indices of at most as many rows as the fitter takes."""
    if fitter.most_rows is None or len(rows) <= fitter.most_rows:
        return rows
    return np.sort(generator.permutation(rows)[: fitter.most_rows])


def _rows_of(fitter, model, dataset, indices):
    """Return some rows of the data set as the `Rows` of a fitter."""
    source = keras.Function(model.inputs, fitter.inputs)
    step = node_graph.rows_at_once(source, _MOST_ROWS)
    starts = range(0, len(indices), step)
    batches = [
        [dataset.inputs[tensor.name][indices[start : start + step]] for tensor in model.inputs] for start in starts
    ]
    inputs = np.concatenate([keras.ops.convert_to_numpy(source(batch)) for batch in batches])
    weights = None if dataset.sample_weight is None else dataset.sample_weight[indices]
    return fitters.Rows(inputs, dataset.targets[fitter.head][indices], weights)
