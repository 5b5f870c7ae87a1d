"""Scores of architectures with the weights that they share in a supernet: nothing is built or trained for them."""

import contextlib

import keras
import numpy as np

from autonas.backends import gradients, node_graph
from autonas.evaluation import loops


class OneShotScorer:
    """Scores architectures of a supernet, all of them by the same two compiled functions.

    The moving statistics of BatchNormalization are those of all paths that were trained, and fit none of them. So they
    are estimated again for each architecture, on a batch of training rows, before it is scored.

    Args:
        supernet: A `search_space.supernet.Supernet`.
        dataset: An `ArrayDataset`.
        scorer: An `objectives.scoring.Scorer`.
        generator: A `numpy.random.Generator` that draws the rows for statistics.
        n_rows: How many. Defaults to 500.
        batch_size: Rows that are predicted at once. Defaults to 512.
    """

    def __init__(self, supernet, dataset, scorer, generator, n_rows=500, batch_size=512):
        self.supernet = supernet
        self.dataset = dataset
        self.scorer = scorer
        self.batch_size = batch_size
        n_rows = min(n_rows, len(dataset.train_rows))
        #: Indices of the rows for statistics.
        self.rows = generator.choice(dataset.train_rows, n_rows, replace=False)
        self._calibrate = gradients.compiled(self._estimate_statistics, supernet.variables)
        self._predict = gradients.compiled(self._outputs, supernet.variables)

    def score(self, values):
        """The scores of an architecture on the validation rows, a dict of floats.

        Args:
            values: An architecture of the supernet's space.
        """
        indices = self.supernet.indices(values)
        self.calibrate(indices)
        rows = self.dataset.validation_rows
        return self.scorer(self.predict(indices, rows), rows)

    def calibrate(self, indices):
        """Estimates the statistics of BatchNormalization for an architecture, given by `supernet.indices`."""
        self._calibrate(indices, self._inputs(self.rows))

    def predict(self, indices, rows):
        """Predictions for `rows`, a dict from head to an array `(len(rows), n_outputs)`.

        Args:
            indices: The architecture, as `supernet.indices` gives it.
            rows: Indices of the rows.
        """
        batches = loops.padded_batches(rows, self.batch_size)
        parts = [self._predict(indices, self._inputs(batch)) for batch in batches]
        return {
            name: np.concatenate([keras.ops.convert_to_numpy(part[name]) for part in parts])[: len(rows)]
            for name in parts[0]
        }

    def _inputs(self, rows):
        return {name: array[rows] for name, array in self.dataset.inputs.items()}

    def _outputs(self, indices, inputs):
        with selecting(self.supernet):
            self.supernet.choose(indices)
            return self.supernet(inputs, training=False)

    def _estimate_statistics(self, indices, inputs):
        with selecting(self.supernet), _statistics_of_one_batch(self.supernet):
            self.supernet.choose(indices)
            self.supernet(inputs, training=True)


@contextlib.contextmanager
def selecting(supernet):
    """What is traced within is of select mode."""
    mode, supernet.mode = supernet.mode, "select"
    try:
        yield
    finally:
        supernet.mode = mode


@contextlib.contextmanager
def _statistics_of_one_batch(model):
    """What is traced within sets moving statistics to those of its batch, and drops nothing out."""
    changed = {keras.layers.BatchNormalization: "momentum", keras.layers.Dropout: "rate"}
    found = [
        (layer, name, getattr(layer, name))
        for layer in node_graph.all_layers(model)
        for kind, name in changed.items()
        if isinstance(layer, kind)
    ]
    for layer, name, _ in found:
        setattr(layer, name, 0.0)
    try:
        yield
    finally:
        for layer, name, value in found:
            setattr(layer, name, value)
