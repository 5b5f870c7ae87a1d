"""Keras callbacks of the trainings of a search."""

import contextlib
import copy
import warnings

import keras

#: Methods that Keras calls for every batch.
_BATCH_METHODS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")


def need_batches(callbacks):
    """Return whether a callback has work to do at every batch, for which steps must return to Python."""
    return any(_needs_batches(callback) for callback in callbacks)


def _needs_batches(callback):
    if type(callback).__module__.partition(".")[0] == "keras":
        # Keras's own callbacks override these methods, and use them with some of their arguments only.
        frequencies = {getattr(callback, name, "epoch") for name in ("save_freq", "update_freq")}
        return frequencies != {"epoch"} or any(name in vars(callback) for name in _BATCH_METHODS)
    return any(getattr(type(callback), name) is not getattr(keras.callbacks.Callback, name) for name in _BATCH_METHODS)


class TrainingCallbacks:
    """The Keras callbacks of one training, a context manager that calls their hooks at its begin and its end.

    The training has copies of the callbacks, so that the state of a callback doesn't reach the next training. A
    callback that sets the learning rate of the optimizer replaces the annealing from this epoch on, and a callback that
    sets `stop_training` of the model ends the training.

    Args:
        callbacks: Keras callbacks.
        loop: The `TrainingLoop`.
        epochs: Number of epochs.
        is_scored: Whether the training is scored on a validation set.
    """

    def __init__(self, callbacks, loop, epochs, is_scored):
        self.model = loop.network
        self.is_scored = is_scored
        self._list = keras.callbacks.CallbackList(copy.deepcopy(list(callbacks)), model=self.model, epochs=epochs)
        loop.watch(self._list)

    @property
    def stop(self):
        """Whether a callback has asked for the end of the training."""
        return bool(self._list.callbacks) and bool(self.model.stop_training)

    def __enter__(self):
        self.model.stop_training = False
        self._list.on_train_begin()
        return self

    def __exit__(self, *_):
        self._list.on_train_end()

    def begin_epoch(self, training):
        """Call `on_epoch_begin` before an epoch of a training."""
        self._call(training, "on_epoch_begin", training.epoch)

    def end_epoch(self, training):
        """Call `on_epoch_end` after an epoch of a training, with the numbers of the epoch."""
        self._call(training, "on_epoch_end", training.epoch - 1, dict(training.history[-1]))

    def _call(self, training, hook, *arguments):
        if not self._list.callbacks:
            return
        optimizer = self.model.optimizer
        optimizer.learning_rate = training.peak
        before = learning_rate(optimizer)
        with contextlib.ExitStack() as stack:
            if not self.is_scored:
                # Keras warns in every epoch that there is no metric to monitor.
                stack.enter_context(warnings.catch_warnings())
                warnings.filterwarnings("ignore", message="(?s).* available")
            getattr(self._list, hook)(*arguments)
        if learning_rate(optimizer) != before:
            training.peak, training.is_annealed = learning_rate(optimizer), False


def learning_rate(optimizer):
    """Return the current learning rate of an optimizer, a float."""
    return float(keras.ops.convert_to_numpy(optimizer.learning_rate))
