"""Whole epochs in one compiled function: the training loop for arrays on the TensorFlow backend."""

import functools
import time

import numpy as np
import tensorflow as tf

from autonas.evaluation import loops
from autonas.trials import checkpoint

#: Seconds that one call may take, so that a time limit is met inside an epoch.
_SECONDS_PER_CALL = 0.4


class TensorFlowLoop(loops.TrainingLoop):
    """Gathers, trains and predicts inside a `tf.while_loop`; rows and learning rates are run-time values.

    Against `model.fit` on arrays an epoch of a small network costs about a quarter, since nothing returns to Python
    between two steps. One trace serves any number of steps and rows, the final fit on all data included.
    """

    def __init__(self, model, dataset):
        super().__init__(model, dataset)
        self._arrays = _tensors(dataset)
        self._seconds_per_step = None

    @functools.cached_property
    def _train(self):
        return _trace(self._train_steps, tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.float32))

    @functools.cached_property
    def _predict(self):
        return _trace(self._predict_steps, tf.TensorSpec([None, None], tf.int32))

    def _batch(self, rows):
        inputs, targets, weights = self._arrays
        gather = lambda arrays: {name: tf.gather(array, rows) for name, array in arrays.items()}  # noqa: E731
        if weights is not None:
            weights = dict.fromkeys(targets, tf.gather(weights, rows))
        return gather(inputs), gather(targets), weights

    def _train_steps(self, batches, learning_rates):
        model, optimizer = self.model, self.model.optimizer
        variables = model.trainable_variables
        checkpoint.optimizer_variables(model)

        def step(index, total):
            inputs, targets, weights = self._batch(batches[index])
            optimizer.learning_rate.assign(learning_rates[index])
            with tf.GradientTape() as tape:
                predictions = model(inputs, training=True)
                loss = model.compute_loss(inputs, targets, predictions, weights, training=True)
                # In float16 small gradients would be zero: the optimizer, which divides them again, has a factor.
                scaled = optimizer.scale_loss(loss)
            optimizer.apply(tape.gradient(scaled, [variable.value for variable in variables]), variables)
            return index + 1, total + tf.cast(loss, tf.float32)

        steps = tf.shape(batches)[0]
        _, total = tf.while_loop(lambda index, total: index < steps, step, (0, 0.0), maximum_iterations=steps)
        return total / tf.cast(steps, tf.float32)

    def _predict_steps(self, batches):
        steps = tf.shape(batches)[0]
        dtypes = {name: output.dtype for name, output in self.model.output.items()}

        def step(index, arrays):
            inputs, _, _ = self._batch(batches[index])
            predictions = self.model(inputs, training=False)
            return index + 1, {name: arrays[name].write(index, predictions[name]) for name in arrays}

        arrays = {name: tf.TensorArray(dtype, size=steps) for name, dtype in dtypes.items()}
        _, arrays = tf.while_loop(lambda index, arrays: index < steps, step, (0, arrays), parallel_iterations=1)
        return {name: array.concat() for name, array in arrays.items()}

    def train_epoch(self, rows, batch_size, generator, learning_rate, deadline):
        batches = loops.shuffled_batches(rows, batch_size, generator)
        rates = np.array([learning_rate(step / len(batches)) for step in range(len(batches))], "float32")
        total, done = 0.0, 0
        while done < len(batches):
            # The first call of all is short: it traces, the graph is optimised in it, and the speed isn't known yet.
            length = 4 if self._seconds_per_step is None else max(1, int(_SECONDS_PER_CALL / self._seconds_per_step))
            if len(batches) - done < 1.5 * length:
                length = len(batches) - done
            start = time.monotonic()
            with self._first("train"):
                loss = float(self._train(batches[done : done + length], rates[done : done + length]))
            seconds = (time.monotonic() - start) / min(length, len(batches) - done)
            # The first call holds the trace: all that is known from it is a bound.
            self._seconds_per_step = min(seconds, self._seconds_per_step or seconds / 10)
            total += loss * min(length, len(batches) - done)
            done += length
            if deadline is not None and time.monotonic() >= deadline and done < len(batches):
                return total / done, False
        return total / len(batches), True

    def predict(self, rows):
        def predicted(batches):
            return {name: output.numpy() for name, output in self._predict(batches).items()}

        found = self._predicted(loops.padded_batches(rows, 256), 1, predicted)
        return {name: output[: len(rows)] for name, output in found.items()}


def _trace(function, *signature):
    """The compiled function. Were it called as a `tf.function`, TensorFlow would take a new model in each trial for
    one that is traced over and over, and warn.

    Not by XLA: on a processor it takes 4 to 5 times as long to the first step (2.0 s against 0.5 s for three dense
    layers, 3.7 s against 0.7 s for four convolutions), for epochs that are a third shorter of dense layers and 69 times
    as long of convolutions (benchmarks/xla.py). On a GPU, each candidate would be compiled anew, too; unmeasured.
    """
    concrete = tf.function(function, input_signature=signature, autograph=False).get_concrete_function()
    return lambda *arrays: concrete(*map(tf.constant, arrays, [each.dtype for each in signature]))


def _tensors(dataset):
    """The data set's arrays as tensors, made once for all trials."""
    if not hasattr(dataset, "_tensors"):
        parts = (dataset.inputs, dataset.targets)
        constants = [{name: tf.constant(array) for name, array in part.items()} for part in parts]
        weights = None if dataset.sample_weight is None else tf.constant(dataset.sample_weight, tf.float32)
        dataset._tensors = (*constants, weights)
    return dataset._tensors
