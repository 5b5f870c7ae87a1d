"""Fitting of the weights of a network that are computed from the training set; see `search_space.fitted.fitters`."""

import time

import numpy as np

from autonas.backends import linear_algebra
from autonas.data import sparse_rows
from autonas.evaluation import by_rows
from autonas.search_space.fitted import fitters

#: Largest number of rows for which the inputs of a fitter are computed at a time.
_MOST_ROWS = 4096
#: Share of the time until the deadline of a trial in which inputs are computed for as many rows as possible, so that
#: time is left for other candidates, and the share that they may take if they are those of all rows then.
_SHARE, _SHARE_OF_ALL = 0.5, 0.75
#: Number of rows whose inputs are computed however little time there is, and this number as a share of the rows whose
#: inputs are computed later in any case.
_FEWEST_ROWS, _FEWEST_SHARE = 100, 0.25
#: Largest number of training rows of which the loss of a fitted network is computed.
LOSS_ROWS = 100
#: Number of batches from which the time of further ones is estimated.
_FEWEST_BATCHES = 6


class TooSlow(Exception):
    """Error of a fit whose inputs take longer than the time that is left."""


def fit(model, dataset, rows, generator, deadline=None, *, last=None, takes_fewer_rows=True, with_final=False):
    """Run the fitters of a network on some training rows.

    Args:
        model: The built `keras.Model`.
        dataset: The `ArrayDataset`.
        rows: Indices of the training rows.
        generator: A `numpy.random.Generator`.
        deadline: Value of `time.monotonic()` at which to be done, or `None`. Defaults to `None`.
        last: Value of `time.monotonic()` after which the weights are of no use, or `None` if they are needed however
            long the fit takes. Defaults to `None`.
        takes_fewer_rows: Whether a fitter whose inputs take too long for all rows gets a random sample of the rows, of
            at least 100. Defaults to `True`.
        with_final: Whether fitters that can do so also compute the weights of the final fit; see `use_all_rows`.
            Defaults to `False`.

    Returns:
        List of the dicts that the fitters return, empty without a fitter. If there wasn't time for all rows, the key
        `"rows_share"` is the share of the rows that are fitted, and `"time_share"` is less by this factor.

    Raises:
        TooSlow: If the inputs of all rows take too long, and `takes_fewer_rows` is `False`, or if the inputs of the
            fewest rows take longer than until `last`.
    """
    choices = []
    for fitter in fitters.fitters_of(model):
        inputs = _Inputs(fitter, model, dataset)
        if takes_fewer_rows:
            now, n_later = time.monotonic(), len(dataset.validation_rows)
            ends = None if deadline is None else [now + share * (deadline - now) for share in (_SHARE, _SHARE_OF_ALL)]
            taken = _some(fitter, rows, generator)
            chosen, training = inputs.of_some(taken, generator, ends, n_later, last)
        else:
            taken = chosen = rows
            training = inputs.of(rows, deadline)
        fitter.sample = inputs.sample(chosen, training)
        n_rows = len(training.targets) + len(dataset.validation_rows)
        fits_all = with_final and fitter.fits_all_rows and (fitter.most_rows is None or n_rows <= fitter.most_rows)
        if fitter.uses_validation or fits_all:
            validation = inputs.of(dataset.validation_rows, last)
        else:
            validation = training.where(np.zeros(len(training.targets), bool))
        with linear_algebra.one_thread():
            choice = fitter.fit(training, validation, generator, deadline)
        share = fitter.rows_share * len(chosen) / len(taken)
        if share < 1.0:
            choice |= {"rows_share": share, "time_share": share * choice.get("time_share", 1.0)}
        choices.append(choice)
    return choices


def use_all_rows(model):
    """Set the weights for all rows that `fit` computed beside the others; return whether all fitters have done so."""
    return all([fitter.use_all_rows() for fitter in fitters.fitters_of(model)])


def refit(model, dataset, choices, generator, deadline=None):
    """Run the fitters of a network on the rows of the final fit.

    Args:
        model: As in `fit`.
        dataset: As in `fit`.
        choices: List that `fit` returned.
        generator: As in `fit`.
        deadline: As in `fit`. Defaults to `None`.

    Returns:
        The smallest share of the rows that there was time for.
    """
    shares = [1.0]
    for fitter, chosen in zip(fitters.fitters_of(model), choices, strict=True):
        rows = _some(fitter, dataset.final_rows, generator)
        inputs = _Inputs(fitter, model, dataset)
        some, training = inputs.of_some(rows, generator, None if deadline is None else [deadline, deadline])
        fitter.sample = inputs.sample(some, training)
        with linear_algebra.one_thread():
            fitter.refit(training, chosen, generator, deadline)
        shares.append(fitter.rows_share * len(some) / len(rows))
    return min(shares)


def _some(fitter, rows, generator):
    """Return the indices of at most as many rows as the fitter takes."""
    if fitter.most_rows is None or len(rows) <= fitter.most_rows:
        return rows
    return np.sort(generator.permutation(rows)[: fitter.most_rows])


def _too_slow(n_rows):
    return TooSlow(f"the features of {n_rows} rows take longer than the time that is left")


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
        if self._known is not None:
            return self._rows(self._known_values(rows), rows)
        values, pace = _Values(len(rows)), _Pace()
        for batch in self._compute(rows):
            values.set(slice(pace.done, pace.done + len(batch)), batch)
            pace.add(len(batch))
            if deadline is not None and pace.end(len(rows) - pace.done) > deadline:
                raise _too_slow(len(rows))
        return self._rows(values.array, rows)

    def of_some(self, rows, generator, deadlines, n_later=0, last=None):
        """Return the `Rows` of some indices, or of a random sample of them if the time is too short for all.

        Args:
            rows: The indices.
            generator: A `numpy.random.Generator`.
            deadlines: Two values of `time.monotonic()`, for a sample and for all rows, or `None`.
            n_later: Number of rows that are to be predicted later, before the deadline. Defaults to 0.
            last: As in `fit`. Defaults to `None`.

        Returns:
            The chosen indices, and their `Rows`.

        Raises:
            TooSlow: If the first batches show that not even the fewest rows are done by `last`.
        """
        if deadlines is None or self._known is not None or len(rows) <= self._compute.step:
            return rows, self.of(rows, last)
        for_some, for_all = deadlines
        order, values, pace = generator.permutation(len(rows)), _Values(len(rows)), _Pace()
        fewest = min(len(rows), max(_FEWEST_ROWS, int(_FEWEST_SHARE * n_later)))
        for batch in self._compute(rows[order]):
            values.set(order[pace.done : pace.done + len(batch)], batch)
            pace.add(len(batch))
            if last is not None and pace.end(max(0, fewest - pace.done) + n_later) > last:
                raise _too_slow(fewest)
            takes_long = pace.done >= fewest and pace.end(n_later + len(batch)) > for_some
            if takes_long and pace.end(n_later + len(rows) - pace.done) > for_all:
                break
        if pace.done == len(rows):
            return rows, self._rows(values.array, rows)
        chosen = np.sort(order[: pace.done])
        return rows[chosen], self._rows(values.array[chosen], rows[chosen])

    def sample(self, rows, training):
        """Return the indices of some rows and a copy of their values, or `None` for an input of the network.

        Args:
            rows: The indices.
            training: Their `Rows`.
        """
        if self._known is not None:
            return None
        chosen = np.random.default_rng(0).permutation(len(rows))[:LOSS_ROWS]
        return rows[chosen], training.inputs[chosen]

    def _known_values(self, rows):
        """Return the values of an input of the network for some indices."""
        is_sparse = isinstance(self._known, sparse_rows.SparseRows)
        return self._known.take(rows) if is_sparse else self._known[rows]

    def _rows(self, values, rows):
        weights = None if self.dataset.sample_weight is None else self.dataset.sample_weight[rows]
        return fitters.Rows(values, self.dataset.targets[self.head][rows], weights)


class _Values:
    """Array of the inputs of some rows, which is filled batch by batch, so that it is in memory once.

    Args:
        n_rows: Number of rows.
    """

    def __init__(self, n_rows):
        self.n_rows = n_rows
        self.array = None

    def set(self, positions, batch):
        """Set the values of a batch of rows at some positions."""
        if self.array is None:
            self.array = np.empty((self.n_rows, *batch.shape[1:]), batch.dtype)
        self.array[positions] = batch


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
