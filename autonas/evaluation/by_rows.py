"""Functions of the inputs of a network, computed for a few rows of a data set at a time."""

import keras
import numpy as np

from autonas.backends import gradients, node_graph

#: Number of batches, of rows whose tensors stay in the processor's caches, up to which compiling takes longer than it
#: saves.
_MOST_UNCOMPILED = 4


class ByRows:
    """Function from the inputs of a network to some of its tensors, for as many rows at once as are fast.

    The function is compiled for many rows, and then used for all later rows. Keras takes as long for the calls of a
    network's layers as the layers take to compute.

    Args:
        model: The `keras.Model`.
        outputs: A tensor of the model, or a dict of tensors.
        dataset: The `ArrayDataset`.
        most_rows: Largest number of rows at once.
    """

    def __init__(self, model, outputs, dataset, most_rows):
        self.dataset = dataset
        self._source = keras.Function(model.inputs, outputs)
        self._compiled = gradients.compiled(lambda *tensors: self._source(list(tensors)), model.variables)
        largest = node_graph.largest_tensor(self._source)
        #: Number of rows that are computed at once without compilation.
        self.step = node_graph.rows_at_once(largest, most_rows)
        self._cached = node_graph.rows_at_once(largest, most_rows, node_graph.CACHED_VALUES)
        self._is_large = self.step < most_rows
        self._is_compiled = False

    def __call__(self, rows):
        """Yield the values, an array or a dict of arrays, of consecutive rows, an array of indices."""
        self._is_compiled |= self._is_large and len(rows) > _MOST_UNCOMPILED * self._cached
        is_compiled = self._is_compiled
        step = self._cached if is_compiled else self.step
        for start in range(0, len(rows), step):
            batch = rows[start : start + step]
            # Another shape would be compiled again.
            padded = np.resize(batch, step) if is_compiled else batch
            tensors = [self.dataset.inputs[tensor.name][padded] for tensor in self._source.inputs]
            outputs = self._compiled(*tensors) if is_compiled else self._source(tensors)
            yield _first(outputs, len(batch))


def _first(tensors, n_rows):
    """Return the first rows of a tensor or of a dict of tensors, as arrays."""
    return keras.tree.map_structure(lambda tensor: keras.ops.convert_to_numpy(tensor)[:n_rows], tensors)
