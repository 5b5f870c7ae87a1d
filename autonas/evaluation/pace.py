"""Pace: the speed of this process, by which the time of a training or of frozen kernels is predicted."""

import functools
import math
import time

import keras
import numpy as np

from autonas.backends import node_graph
from autonas.costs import flops

#: Share of the epochs of a training that must be possible in the time that is left.
_LEAST_SHARE = 0.1
#: Times a speed is measured, the side of a large matrix, and the steps and frozen kernels in a measurement.
_MEASUREMENTS, _SIDE, _STEPS, _KERNELS = 9, 512, 512, 84
#: Time of a response with all of its poolings and calls, relative to the measured time of the response alone.
_WHOLE = 4.0


class Pace:
    """The highest speed at which a training of this process may compute, in FLOPs of predictions per second.

    It is that of a large matrix product, or of the fastest training so far if that is higher. The speeds of other
    trainings alone say little: a network of small matrices may be a tenth as fast for its FLOPs as a convolution. As a
    training step takes a multiple of the FLOPs of its predictions, the time of a training is at least its FLOPs at this
    speed, after the shortest compilation of a training so far.
    """

    def __init__(self):
        self.flops_per_second = 0.0
        #: Seconds of the compilations of each training so far.
        self._compilations = []

    def add(self, work, seconds):
        """Add a training.

        Args:
            work: FLOPs of the predictions of all rows in all epochs, or `None`.
            seconds: Seconds of the training.
        """
        if work and seconds > 0:
            self.flops_per_second = max(self.flops_per_second, work / seconds)

    def add_compilation(self, seconds):
        """Add the seconds in which the steps of a training were compiled, 0 for none."""
        if seconds > 0:
            self._compilations.append(seconds)

    def refusal(self, epoch_work, epochs, seconds):
        """Return why a training isn't worth beginning, a text that is empty if it is.

        A training is worth beginning if the shortest compilation so far, and a tenth of the epochs, at least one, may
        be possible in the time.

        Args:
            epoch_work: FLOPs of the predictions of all rows in an epoch, or `None`.
            epochs: Number of epochs.
            seconds: Seconds that are left.
        """
        least_epochs = max(1, math.ceil(_LEAST_SHARE * epochs))
        needed = min(self._compilations, default=0.0)
        if epoch_work and self.flops_per_second:
            needed += least_epochs * epoch_work / max(self.flops_per_second, products_per_second())
        if needed <= seconds:
            return ""
        epochs_text = "an epoch" if least_epochs == 1 else f"{least_epochs} epochs"
        return f"not begun: {epochs_text} would take {needed:.1f} s or more, and {seconds:.1f} s are left"


def epoch_work(model, n_rows):
    """Return the FLOPs of the predictions of some rows.

    Returns:
        An integer; `None` if the FLOPs are unknown, if nothing is trained, or if frozen layers are computed once
        instead of in each epoch.
    """
    if not model.trainable_variables or any(
        layer.weights and not layer.trainable for layer in node_graph.all_layers(model)
    ):
        return None
    try:
        return flops.flops(model) * n_rows
    except ValueError:
        return None


@functools.cache
def products_per_second():
    """Return the FLOPs per second of a large matrix product on the device of the trainings, measured once a process."""
    matrix = keras.ops.ones((_SIDE, _SIDE))
    seconds = []
    for _ in range(_MEASUREMENTS):
        started = time.perf_counter()
        keras.ops.convert_to_numpy(keras.ops.matmul(matrix, matrix)[0, 0])
        seconds.append(time.perf_counter() - started)
    return 2 * _SIDE**3 / min(seconds)


def responses_per_second():
    """Return how many responses of frozen kernels to steps of series this machine computes in a second."""
    series, kernels = np.ones((_STEPS, 9), "float32"), np.ones((9, _KERNELS), "float32")
    seconds = []
    for _ in range(_MEASUREMENTS):
        started = time.perf_counter()
        (series @ kernels > 0).mean(axis=0)
        seconds.append(time.perf_counter() - started)
    return _STEPS * _KERNELS / (_WHOLE * float(np.median(seconds)))
