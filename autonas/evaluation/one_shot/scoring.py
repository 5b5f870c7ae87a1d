"""One-shot scores: scores of architectures with the shared weights of a supernet, without training."""

import contextlib

import keras
import numpy as np

from autonas.backends import gradients, node_graph
from autonas.evaluation import loops


class OneShotScorer:
    """Scorer of the architectures of a supernet. All architectures share two compiled functions.

    The moving statistics of BatchNormalization are averages over all trained paths, and fit no single architecture.
    Therefore the statistics are estimated for each architecture, on a batch of training rows, before it is scored.

    Args:
        supernet: A `supernet.Supernet`.
        dataset: An `ArrayDataset`.
        scorer: An `objectives.scoring.Scorer`.
        generator: A `numpy.random.Generator` that draws the rows for the statistics.
        n_rows: Number of rows for the statistics. Defaults to 500.
        batch_size: Number of rows that are predicted at a time. Defaults to 512.
    """

    def __init__(self, supernet, dataset, scorer, generator, n_rows=500, batch_size=512):
        self.supernet = supernet
        self.dataset = dataset
        self.scorer = scorer
        self.batch_size = batch_size
        n_rows = min(n_rows, len(dataset.train_rows))
        #: Indices of the rows for the statistics.
        self.rows = generator.choice(dataset.train_rows, n_rows, replace=False)
        self._calibrate = gradients.compiled(
            self._estimate_statistics, supernet.variables, simplified=not supernet.is_large
        )
        self._predict = gradients.compiled(self._outputs, supernet.variables, simplified=not supernet.is_large)

    def score(self, values):
        """Score an architecture on the validation rows; return a dict of floats.

        Args:
            values: An architecture in the space of the supernet.
        """
        indices = self.supernet.indices(values)
        self.calibrate(indices)
        rows = self.dataset.validation_rows
        return self.scorer(self.predict(indices, rows), rows)

    def calibrate(self, indices):
        """Estimate the statistics of BatchNormalization for an architecture.

        Args:
            indices: Architecture, as returned by `supernet.indices`.
        """
        self._calibrate(indices, self._inputs(self.rows))

    def predict(self, indices, rows):
        """Predict rows; return a dict from head name to an array `(len(rows), n_outputs)`.

        Args:
            indices: Architecture, as returned by `supernet.indices`.
            rows: Indices of the rows.
        """
        batches = loops.padded_batches(rows, self.batch_size)
        outputs = [self._predict(indices, self._inputs(batch)) for batch in batches]
        return {
            name: np.concatenate([keras.ops.convert_to_numpy(output[name]) for output in outputs])[: len(rows)]
            for name in outputs[0]
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
    """Return a context in which the supernet is traced in select mode."""
    mode, supernet.mode = supernet.mode, "select"
    try:
        yield
    finally:
        supernet.mode = mode


@contextlib.contextmanager
def _statistics_of_one_batch(model):
    """Return a context in which traced calls replace the moving statistics by batch statistics, without dropout."""
    changed = {keras.layers.BatchNormalization: "momentum", keras.layers.Dropout: "rate"}
    settings = [
        (layer, name, getattr(layer, name))
        for layer in node_graph.all_layers(model)
        for kind, name in changed.items()
        if isinstance(layer, kind)
    ]
    for layer, name, _ in settings:
        setattr(layer, name, 0.0)
    try:
        yield
    finally:
        for layer, name, value in settings:
            setattr(layer, name, value)
