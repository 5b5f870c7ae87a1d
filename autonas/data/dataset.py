"""The data set as trials see it: encoded once per fit, shared by all of them."""

import dataclasses
import functools

import numpy as np


@dataclasses.dataclass(eq=False)
class ArrayDataset:
    """Encoded rows in memory, training and validation part together.

    Args:
        inputs: Dict from `"<input>_<tensor>"` to an array `(n, ...)`.
        targets: Dict from head to its encoded target `(n, ...)`.
        train_rows: Indices of the rows to train on, integers `(n_train,)`.
        validation_rows: Indices of the rows to score on, integers `(n_validation,)`.
        final_rows: Indices of the rows that the final fit trains on; `None` if it has nothing to add.
        sample_weight: Weight of each row in the loss, `(n,)`, or `None`.
        baselines: Dict from the name of a baseline to a tuple of its predictions for the validation rows, a dict from
            head to `(n_validation, n_outputs)`, and of a description; `None` for those of `evaluation.baselines`.
    """

    inputs: dict
    targets: dict
    train_rows: np.ndarray
    validation_rows: np.ndarray
    final_rows: np.ndarray | None = None
    sample_weight: np.ndarray | None = None
    baselines: dict | None = None

    def __getstate__(self):
        """Without what a backend made of it."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    @functools.cached_property
    def n_train(self):
        """Number of rows to train on."""
        return len(self.train_rows)

    @property
    def knows_validation_targets(self):
        """Whether the targets of the validation rows are in memory."""
        return True

    def train_targets(self, head):
        """Return the encoded targets of the training rows for a head, and the weights of these rows or `None`."""
        weights = None if self.sample_weight is None else self.sample_weight[self.train_rows]
        return self.targets[head][self.train_rows], weights

    @property
    def final_ratio(self):
        """Cost of an epoch of the final fit over one of the search."""
        return 0.0 if self.final_rows is None else len(self.final_rows) / len(self.train_rows)

    def some_training_rows(self, share, generator):
        """Indices of a share of the training rows, at least one: the first ones of a random order."""
        return generator.permutation(self.train_rows)[: max(1, round(share * self.n_train))]
