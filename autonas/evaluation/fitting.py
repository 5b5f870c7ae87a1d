"""Fitting of the weights of a network that are computed from the training set; see `search_space.fitters`."""

import time

import numpy as np

from autonas.data import sparse_rows
from autonas.evaluation import by_rows
from autonas.search_space import fitters

#: Largest number of rows for which the inputs of a fitter are computed at a time.
_MOST_ROWS = 4096
#: Share of the time until the deadline of a trial in which inputs are computed for as many rows as possible, so that
#: time is left for other candidates.
_SHARE = 0.5
#: Number of rows whose inputs are computed however little time there is.
_FEWEST_ROWS = 100
#: Number of batches from which the time of further ones is estimated.
_FEWEST_BATCHES = 6


class TooSlow(Exception):
    """Error of a fit whose inputs take longer than the time that is left."""


def fit(model, dataset, rows, generator, deadline=None, *, takes_fewer_rows=True):
    """Run the fitters of a network on some training rows.

    Args:
        model: The built `keras.Model`.
        dataset: The `ArrayDataset`.
        rows: Indices of the training rows.
        generator: A `numpy.random.Generator`.
        deadline: Value of `time.monotonic()` at which to be done, or `None`. Defaults to `None`.
        takes_fewer_rows: Whether a fitter whose inputs take too long for all rows gets a random sample of the rows, of
            at least 100. Defaults to `True`.

    Returns:
        List of the dicts that the fitters return, empty without a fitter.

    Raises:
        TooSlow: If the inputs take too long, and `takes_fewer_rows` is `False`.
    """
    choices = []
    for fitter in fitters.fitters_of(model):
        inputs = _Inputs(fitter, model, dataset)
        if takes_fewer_rows:
            now, n_later = time.monotonic(), len(dataset.validation_rows)
            earlier = None if deadline is None else now + _SHARE * (deadline - now)
            training = inputs.of_some(_some(fitter, rows, generator), generator, earlier, n_later)
        else:
            training = inputs.of(rows, deadline)
        if fitter.uses_validation:
            validation = inputs.of(dataset.validation_rows)
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
        training = _Inputs(fitter, model, dataset).of_some(rows, generator, deadline)
        fitter.refit(training, chosen, generator, deadline)


def _some(fitter, rows, generator):
    """Return the indices of at most as many rows as the fitter takes."""
    if fitter.most_rows is None or len(rows) <= fitter.most_rows:
        return rows
    return np.sort(generator.permutation(rows)[: fitter.most_rows])


class _Inputs:
    """Inputs and targets of a fitter.

    Args:
        fitter: The `Fitter`.
        model: The `keras.Model`.
        dataset: The `ArrayDataset`.
    """

    def __init__(self, fitter, model, dataset):
        self.dataset = dataset
        self.head = fitter.head
        self._compute = by_rows.ByRows(model, fitter.inputs, dataset, _MOST_ROWS)
        #: Array of the inputs of all rows if the fitter reads an input of the network.
        self._known = next((dataset.inputs[tensor.name] for tensor in model.inputs if tensor is fitter.inputs), None)

    def of(self, rows, deadline=None):
        """Return the `Rows` of some indices.

        Args:
            rows: The indices.
            deadline: Value of `time.monotonic()`, or `None`. Defaults to `None`.

        Raises:
            TooSlow: If the first batches show that the deadline can't be met.
        """
        batches, pace = [], _Pace()
        for batch in self._batches(rows):
            batches.append(batch)
            pace.add(len(batch))
            if deadline is not None and pace.end(len(rows) - pace.done) > deadline:
                raise TooSlow(f"the features of {len(rows)} rows take longer than the time that is left")
        return self._rows(batches, rows)

    def of_some(self, rows, generator, deadline, n_later=0):
        """Return the `Rows` of some indices, or of a random sample of them if the time is too short for all.

        Args:
            rows: The indices.
            generator: A `numpy.random.Generator`.
            deadline: Value of `time.monotonic()`, or `None`.
            n_later: Number of rows that are to be predicted later, before the deadline. Defaults to 0.
        """
        if deadline is None or self._known is not None or len(rows) <= self._compute.step:
            return self.of(rows)
        order, batches, pace = generator.permutation(len(rows)), [], _Pace()
        for batch in self._batches(rows[order]):
            batches.append(batch)
            pace.add(len(batch))
            if pace.done >= _FEWEST_ROWS and pace.end(n_later + len(batch)) > deadline:
                break
        order = order[: pace.done]
        return self._rows(batches, rows[order]).where(np.argsort(order))

    def _batches(self, rows):
        """Yield the inputs of consecutive rows."""
        if self._known is not None:
            is_sparse = isinstance(self._known, sparse_rows.SparseRows)
            yield self._known.take(rows) if is_sparse else self._known[rows]
            return
        yield from self._compute(rows)

    def _rows(self, batches, rows):
        weights = None if self.dataset.sample_weight is None else self.dataset.sample_weight[rows]
        inputs = np.concatenate(batches) if len(batches) > 1 else batches[0]
        return fitters.Rows(inputs, self.dataset.targets[self.head][rows], weights)


class _Pace:
    """Rows that are done, and the time that more rows take.

    The first batch, which is compiled, doesn't count, and a few more batches are needed, which may be of one row each.
    """

    def __init__(self):
        self.done = self._n_batches = 0
        self._first = self._started = self._latest = None

    def add(self, n_rows):
        """Add a batch of rows that was just done."""
        self.done += n_rows
        self._n_batches += 1
        self._latest = time.monotonic()
        if self._first is None:
            self._first, self._started = n_rows, self._latest

    def end(self, n_rows):
        """Return the value of `time.monotonic()` after some more rows, as far as it is known."""
        if self._n_batches < _FEWEST_BATCHES:
            return self._latest
        return self._latest + (self._latest - self._started) * n_rows / (self.done - self._first)
