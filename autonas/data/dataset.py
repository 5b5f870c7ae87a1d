"""Encoded data set, shared by all trials of a search."""

import dataclasses
import functools
import typing

import numpy as np


@dataclasses.dataclass(eq=False)
class ArrayDataset:
    """Encoded rows in memory, training set and validation set together.

    Args:
        inputs: Dict from `"<input>_<tensor>"` to an array `(n, ...)`, or to `SparseRows`.
        targets: Dict from the name of a head to its encoded targets `(n, ...)`.
        train_rows: Indices of the rows of the training set, integers `(n_train,)`. With folds, of the first fold.
        validation_rows: Indices of the rows of the validation set, integers `(n_validation,)`. With folds, the rows of
            the validation sets of all folds, one fold after another.
        final_rows: Indices of the rows of the final fit, or `None` if there is no final fit on more rows. Defaults to
            `None`.
        sample_weight: Weights of the rows in the loss, `(n,)`. Defaults to `None`.
        baselines: Dict from the name of a baseline to a pair of its predictions for the validation set (a dict from
            head to `(n_validation, n_outputs)`) and a description. Defaults to `None`: the baselines of
            `evaluation.baselines`.
        folds: List of one pair of training rows and validation rows per fold of a cross-validation, or `None` for a
            single split. Defaults to `None`.

    Attributes:
        overlap: Number of rows in a row whose targets have steps in common, if the rows are windows of a series; `None`
            if the rows are independent.
    """

    inputs: dict
    targets: dict
    train_rows: np.ndarray
    validation_rows: np.ndarray
    final_rows: np.ndarray | None = None
    sample_weight: np.ndarray | None = None
    baselines: dict | None = None
    folds: list | None = None
    overlap: int | None = dataclasses.field(default=None, init=False)

    is_stream: typing.ClassVar[typing.Literal[False]] = False
    #: Properties of the stream that the rows were read from, see `StreamSource.facts`; `None` for arrays.
    facts = None

    def __getstate__(self):
        """Return the state without the tensors that a backend has cached as attributes."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    @functools.cached_property
    def _tensors(self):
        """Dict from the kind and the name of an array to its tensor."""
        return {}

    def tensors(self, convert, input_names=None):
        """Return the arrays as tensors of the backend, which are made once for all trials.

        Args:
            convert: Function from an array to a tensor.
            input_names: Names of the inputs, or `None` for all. Defaults to `None`.

        Returns:
            The inputs and the targets, two dicts by name, and the sample weights in float32 or `None`.
        """

        def tensor(kind, name, array):
            if (kind, name) not in self._tensors:
                self._tensors[kind, name] = convert(array)
            return self._tensors[kind, name]

        names = self.inputs if input_names is None else input_names
        weights = self.sample_weight
        return (
            {name: tensor("inputs", name, self.inputs[name]) for name in names},
            {name: tensor("targets", name, array) for name, array in self.targets.items()},
            None if weights is None else tensor("sample_weight", "", weights.astype("float32")),
        )

    @functools.cached_property
    def n_train(self):
        """Number of rows of the training set."""
        return len(self.train_rows)

    @functools.cached_property
    def splits(self):
        """List of one data set with a single split per fold; without folds, this data set alone.

        The final rows of a fold are its training rows.
        """
        if self.folds is None:
            return [self]
        return [
            dataclasses.replace(self, train_rows=train, validation_rows=validation, final_rows=train, folds=None)
            for train, validation in self.folds
        ]

    @property
    def knows_validation_targets(self):
        """Whether the targets of the validation set are in memory."""
        return True

    def train_targets(self, head):
        """Return the encoded targets of the training set for a head, and the sample weights or `None`."""
        weights = None if self.sample_weight is None else self.sample_weight[self.train_rows]
        return self.targets[head][self.train_rows], weights

    @functools.cached_property
    def final_rows_are_all(self):
        """Whether the final fit has the rows of training set and validation set together, without folds."""
        if self.final_rows is None or self.folds is not None:
            return False
        both = np.concatenate([self.train_rows, self.validation_rows])
        return np.array_equal(np.sort(both), np.sort(self.final_rows))

    @property
    def final_ratio(self):
        """Ratio of the rows of the final fit to the training rows of all folds, 0 without a final fit."""
        if self.final_rows is None:
            return 0.0
        return len(self.final_rows) / sum(len(split.train_rows) for split in self.splits)

    def some_training_rows(self, share, generator):
        """Return the indices of a random fraction `share` of the training set, at least one row.

        For the same state of `generator`, the rows of a smaller share are among the rows of a larger one.
        """
        return generator.permutation(self.train_rows)[: max(1, round(share * self.n_train))]
