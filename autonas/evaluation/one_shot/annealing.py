"""The learning rate of a training that is done in separate epochs, annealed over all of them or over the time left."""

import time

import keras

from autonas.evaluation import training


class Annealing:
    """How far a training is, and the factor of its learning rate; see `training.anneal`.

    The epochs share what is left of the schedule evenly. Where the deadline is nearer than their end, it is the time
    left that is shared, that between epochs included, so that a training cut short still ends with a small learning
    rate.

    Attributes:
        progress: Variable, the share of the schedule that is done, to be saved with the weights.
    """

    def __init__(self):
        self.progress = keras.Variable(0.0, dtype="float32", trainable=False, name="progress")
        self._ended = None

    def begin(self, epoch, epochs, deadline):
        """Begins epoch `epoch`, from 0, of `epochs`; `deadline` is a `time.monotonic()` or `None`."""
        self._begun = float(keras.ops.convert_to_numpy(self.progress))
        self._left = 1.0 - self._begun
        self._epochs = epochs - epoch
        self._started = time.monotonic() if self._ended is None else self._ended
        self._deadline = deadline

    def at(self, share):
        """The share of the schedule that is done when `share` of the epoch, in [0, 1], is done."""
        done = share / self._epochs
        if self._deadline is not None:
            seconds = max(1e-3, self._deadline - self._started)
            done = max(done, min(1.0, (time.monotonic() - self._started) / seconds))
        self._now = self._begun + self._left * done
        return self._now

    def factor(self, share):
        """The learning rate's factor when `share` of the epoch, in [0, 1], is done."""
        return training.anneal(self.at(share))

    def end(self):
        """Keeps how far the epoch came."""
        self.at(1.0)
        self._ended = time.monotonic()
        self.progress.assign(self._now)
