"""One-shot scores: scores of architectures with the shared weights of a supernet, without training."""

import contextlib
import math

import keras
import numpy as np

from autonas.backends import gradients, node_graph
from autonas.supernet import segments

#: Maximum number of bytes of the results that architectures have in common.
_MOST_BYTES = 2**28


class OneShotScorer:
    """Scorer of the architectures of a supernet. All architectures share the same compiled functions.

    The moving statistics of BatchNormalization are averages over all trained paths, and fit no single architecture.
    Therefore the statistics of each architecture are those of the rows on which it is scored, in random batches of at
    least `n_rows` rows. Training rows fill a smaller batch.

    Args:
        supernet: A `supernet.Supernet`.
        dataset: An `ArrayDataset`.
        scorer: An `objectives.scoring.Scorer`.
        generator: A `numpy.random.Generator` that draws the batches and the rows for the statistics.
        n_rows: Number of rows for the statistics. Defaults to 500.
    """

    def __init__(self, supernet, dataset, scorer, generator, n_rows=500):
        self.supernet = supernet
        self.dataset = dataset
        self.scorer = scorer
        #: Indices of the rows for the moving statistics of a stand-alone model.
        self.rows = generator.choice(dataset.train_rows, min(n_rows, len(dataset.train_rows)), replace=False)
        #: Indices of the validation rows in random order.
        self.validated = generator.permutation(dataset.validation_rows)
        #: Indices of the rows of the batches `(steps, batch)`, which begin with the validation rows.
        self.batches = _filled_batches(self.validated, self.rows, n_rows)
        self._memories = None
        self._calibrate = gradients.compiled(
            self._estimate_statistics, supernet.variables, simplified=not supernet.is_large
        )
        self._predict = segments.SegmentedPrediction(supernet)

    @contextlib.contextmanager
    def remembering(self):
        """Return a context in which the weights don't change, and architectures share the results of equal parts."""
        self._memories = [segments.Memory(_MOST_BYTES // len(self.batches)) for _ in self.batches]
        try:
            yield
        finally:
            self._memories = None

    def score(self, values):
        """Score an architecture on the validation rows; return a dict of floats.

        Args:
            values: An architecture in the space of the supernet.
        """
        return self.scorer(self.predict(self.supernet.indices(values)), self.validated)

    def predict(self, indices):
        """Predict the validation rows in the order of the batches; return a dict from head name to an array.

        Args:
            indices: Architecture, as returned by `supernet.indices`.
        """
        memories = self._memories or [segments.Memory(0)] * len(self.batches)
        outputs = [
            self._predict(indices, self._inputs(rows), memory)
            for rows, memory in zip(self.batches, memories, strict=True)
        ]
        return {
            name: np.concatenate([keras.ops.convert_to_numpy(output[name]) for output in outputs])[
                : len(self.validated)
            ]
            for name in outputs[0]
        }

    def calibrate(self, indices):
        """Set the moving statistics of BatchNormalization to the statistics of an architecture on training rows.

        Args:
            indices: Architecture, as returned by `supernet.indices`.
        """
        self._calibrate(indices, self._inputs(self.rows))

    def _inputs(self, rows):
        return {name: array[rows] for name, array in self.dataset.inputs.items()}

    def _estimate_statistics(self, indices, inputs):
        with selecting(self.supernet), _statistics_of_one_batch(self.supernet):
            self.supernet.choose(indices)
            self.supernet(inputs, training=True)


def _filled_batches(rows, others, n_rows):
    """Return batches of one size that begin with `rows` and end with `others`, integers `(steps, batch)`.

    Args:
        rows: Indices of rows.
        others: Indices of other rows, with which a batch of less than `n_rows` rows is filled.
        n_rows: Minimum number of rows of a batch, if there are as many.
    """
    steps = max(1, len(rows) // n_rows)
    size = max(math.ceil(len(rows) / steps), min(n_rows, len(rows) + len(others)))
    return np.concatenate([rows, np.resize(others, steps * size - len(rows))]).reshape(steps, size)


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
