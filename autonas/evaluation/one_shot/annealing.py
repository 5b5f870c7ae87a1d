"""Annealing of the learning rate over all epochs of a supernet training, or over the time left."""

import time

import keras

from autonas.search_space import schedules

#: Shortest time, in seconds, over which the learning rate is annealed to meet a deadline.
_SHORTEST = 1e-3


class Annealing:
    """Schedule of a training whose epochs are separate trials; see `schedules.cosine`.

    The remaining epochs share the rest of the schedule evenly. If the deadline comes before the last epoch, the
    remaining time is shared instead, including the time between epochs. Thus an interrupted training ends with a small
    learning rate too.

    Attributes:
        progress: Variable with the completed share of the schedule, which is saved with the weights.
    """

    def __init__(self):
        self.progress = keras.Variable(0.0, dtype="float32", trainable=False, name="progress")
        self._ended = None

    def begin(self, epoch, epochs, deadline):
        """Begin an epoch.

        Args:
            epoch: Number of the epoch, from 0.
            epochs: Number of epochs of the schedule.
            deadline: Value of `time.monotonic()` at which the training stops, or `None`.
        """
        self._begun = float(keras.ops.convert_to_numpy(self.progress))
        self._left = 1.0 - self._begun
        self._epochs = epochs - epoch
        self._started = time.monotonic() if self._ended is None else self._ended
        self._deadline = deadline

    def at(self, share):
        """Return the completed share of the schedule at a share of the epoch, in [0, 1]."""
        done = share / self._epochs
        if self._deadline is not None:
            seconds = max(_SHORTEST, self._deadline - self._started)
            done = max(done, min(1.0, (time.monotonic() - self._started) / seconds))
        self._now = self._begun + self._left * done
        return self._now

    def factor(self, share):
        """Return the factor of the learning rate at a share of the epoch, in [0, 1]."""
        return schedules.cosine(self.at(share))

    def end(self):
        """Store the progress at the end of an epoch."""
        self.at(1.0)
        self._ended = time.monotonic()
        self.progress.assign(self._now)
