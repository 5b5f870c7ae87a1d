"""Training loop for arrays on the TensorFlow backend, with whole epochs in one compiled function."""

import functools
import time

import numpy as np
import tensorflow as tf

from autonas.backends import faster_layers, node_graph
from autonas.evaluation import compiled_loop, frozen, loops
from autonas.trials import checkpoint

#: Maximum number of rows that are predicted at a time.
_PREDICTED_ROWS = 256
#: Largest number of rows for which frozen tensors are computed at a time.
_FROZEN_ROWS = 1024


class TensorFlowLoop(compiled_loop.CompiledLoop):
    """A training loop that gathers rows, trains and predicts inside a `tf.while_loop`.

    Steps don't return to Python, which dominates the time of small networks in `model.fit`. Row indices and learning
    rates are arguments of the compiled function, so that one trace serves any number of steps and rows, including the
    final fit. Frozen tensors (see `evaluation.frozen`) are computed once for each row.
    """

    def __init__(self, model, dataset):
        super().__init__(model, dataset)
        self._network = self._members.network
        split = frozen.split(self._network, dataset)
        self._frozen = None if split is None else _FrozenRows(split, dataset)
        read = node_graph.read_inputs(self._network.inputs, self._network.outputs) if split is None else []
        self._inputs, self._targets, self._weights = dataset.tensors(
            lambda array: tf.constant(np.asarray(array)), [tensor.name for tensor in read]
        )
        if split is None:
            self._unread = [tensor for tensor in self._network.inputs if tensor.name not in self._inputs]
        else:
            self._network, self._inputs, self._unread = split.rest, self._frozen.variables, []
        self.holds_rows = split is not None

    def forget(self):
        if self._frozen is not None:
            self._frozen.forget()

    @functools.cached_property
    def _train(self):
        # TensorFlow traces a function twice if the first trace creates variables.
        checkpoint.optimizer_variables(self.model)
        with faster_layers.faster(self._network):
            rows, numbers = tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.float32)
            return _trace(self._train_steps, rows, numbers, tf.TensorSpec([], tf.float32))

    @functools.cached_property
    def _predict(self):
        return _trace(self._predict_steps, tf.TensorSpec([None, None], tf.int32))

    def _batch(self, rows):
        gather = lambda arrays: {name: tf.gather(array, rows) for name, array in arrays.items()}  # noqa: E731
        weights = None if self._weights is None else dict.fromkeys(self._targets, tf.gather(self._weights, rows))
        unread = {tensor.name: tf.zeros((tf.size(rows), *tensor.shape[1:]), tensor.dtype) for tensor in self._unread}
        return unread | gather(self._inputs), gather(self._targets), weights

    def _train_steps(self, batches, learning_rates, total):
        optimizer, variables = self.model.optimizer, self.model.trainable_variables

        def step(index, total):
            inputs, targets, weights = self._batch(batches[index])
            optimizer.learning_rate.assign(learning_rates[index])
            with tf.GradientTape() as tape:
                predictions = self._network(inputs, training=True)
                loss = self._members.compute_loss(inputs, targets, predictions, weights)
                # In float16, small gradients would vanish; the optimizer removes the factor from the gradients.
                scaled = optimizer.scale_loss(loss)
            optimizer.apply(tape.gradient(scaled, [variable.value for variable in variables]), variables)
            return index + 1, total + tf.cast(loss, tf.float32)

        steps = tf.shape(batches)[0]
        _, total = tf.while_loop(lambda index, total: index < steps, step, (0, total), maximum_iterations=steps)
        return total

    def _predict_steps(self, batches):
        steps = tf.shape(batches)[0]
        dtypes = {name: output.dtype for name, output in self.model.output.items()}

        def step(index, arrays):
            inputs, _, _ = self._batch(batches[index])
            predictions = self._members.averaged(self._network(inputs, training=False))
            return index + 1, {name: arrays[name].write(index, predictions[name]) for name in arrays}

        arrays = {name: tf.TensorArray(dtype, size=steps) for name, dtype in dtypes.items()}
        _, arrays = tf.while_loop(lambda index, arrays: index < steps, step, (0, arrays), parallel_iterations=1)
        return {name: array.concat() for name, array in arrays.items()}

    def _rows(self, rows, deadline):
        return rows if self._frozen is None else self._frozen.compute(rows, deadline)

    def _run(self, batches, learning_rates, span, total):
        return float(self._train(batches[slice(*span)], learning_rates[slice(*span)], total))

    def predict(self, rows):
        if self._frozen is not None:
            self._frozen.compute(rows)

        def predicted(batches):
            return {name: output.numpy() for name, output in self._predict(batches).items()}

        # Long texts and large images would take gigabytes.
        largest = node_graph.largest_tensor(self._network)
        n_rows = node_graph.rows_at_once(largest, _PREDICTED_ROWS, node_graph.CACHED_VALUES)
        outputs = self._predicted(loops.padded_batches(rows, n_rows), 1, predicted)
        return {name: output[: len(rows)] for name, output in outputs.items()}


class _FrozenRows:
    """Values of the frozen tensors of a network for the rows of a data set, which are computed when they are needed.

    Args:
        split: A `frozen.Split`.
        dataset: The `ArrayDataset`.

    Attributes:
        variables: Dict from the name of a frozen tensor to a `tf.Variable` with its values, `(rows, ...)`.
    """

    def __init__(self, split, dataset):
        self.split = split
        self.dataset = dataset
        self._is_known = np.zeros(len(next(iter(dataset.inputs.values()))), bool)
        self._step = node_graph.rows_at_once(node_graph.largest_tensor(split.front), _FROZEN_ROWS)
        self.variables = {
            tensor.name: tf.Variable(tf.zeros((len(self._is_known), *tensor.shape[1:]), tensor.dtype), trainable=False)
            for tensor in split.tensors
        }

    def compute(self, rows, deadline=None):
        """Compute the values of rows that aren't known yet.

        Args:
            rows: Indices of the rows.
            deadline: Value of `time.monotonic()` from which on no more values are computed, or `None`. Values of some
                rows are computed in any case. Defaults to `None`.

        Returns:
            Indices of the rows whose values are known: all, unless the deadline was reached.
        """
        rows = np.asarray(rows)
        unknown = rows[~self._is_known[rows]]
        for start in range(0, len(unknown), self._step):
            chunk = unknown[start : start + self._step]
            values = frozen.compute(self.split.front, self.dataset, chunk)
            for variable, value in zip(self.variables.values(), values, strict=True):
                variable.scatter_update(tf.IndexedSlices(value, chunk))
            self._is_known[chunk] = True
            if deadline is not None and time.monotonic() >= deadline:
                break
        return rows[self._is_known[rows]]

    def forget(self):
        """Forget all values."""
        self._is_known[:] = False


def _trace(function, *signature):
    """Compile a function for the given signature, without XLA, which is slower here (`benchmarks/xla.py`).

    Returns:
        The concrete function. A call of a `tf.function` would warn of retracing, because TensorFlow counts the traces
        of all candidates together.
    """
    concrete = tf.function(function, input_signature=signature, autograph=False).get_concrete_function()
    return lambda *arrays: concrete(*map(tf.constant, arrays, [spec.dtype for spec in signature]))
